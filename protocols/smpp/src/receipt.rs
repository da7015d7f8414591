//! Delivery receipts: the text of SMPP 3.4 appendix B in the forms SMSCs really send, and its TLVs.
//!
//! Appendix B calls its format vendor specific, and vendors took it at its word. Read here are: any case of
//! the keys, `submit date`, `submitdate` and `submit_date`, blanks around colons, fields missing, empty, in another
//! order or unknown, dates of 10, 12 and 14 digits, error codes that are no numbers, states spelt in full,
//! and all of it in UCS-2 or in message_payload. Where TLVs are there too, they win.

use crate::flags::{EsmClass, MessageState, RegisteredDelivery};
use crate::message_id::{IdCandidates, IdPlace};
use crate::pdu::{DataSm, ShortMessage};
use crate::tlv::{NetworkErrorCode, Tag, Tlvs};
use crate::{COctets, DataCoding, Profile, ReceiptRules, Version};
use bytes::Bytes;
use std::fmt::Write as _;

mod text;
use text::Fields;

/// Octets of the original message that appendix B puts into a receipt.
const TEXT_LEN: usize = 20;

/// What a receipt or intermediate notification says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The message: receipted_message_id, or else the text's `id`. As written, not canonical.
    pub id: COctets,
    /// The text's `id` when receipted_message_id differs from it.
    pub second_id: Option<COctets>,
    /// `sub`: parts submitted.
    pub submitted: Option<u32>,
    /// `dlvrd`: parts delivered.
    pub delivered: Option<u32>,
    /// `submit date`, microseconds since 1970.
    pub submit_us: Option<i64>,
    /// `done date`, microseconds since 1970.
    pub done_us: Option<i64>,
    /// message_state, or else what `stat` stands for; `None` when neither says.
    pub state: Option<MessageState>,
    /// `stat` as written.
    pub stat: COctets,
    /// `err` as written: mostly three digits, but also four, hexadecimal or letters.
    pub err: COctets,
    /// network_error_code.
    pub network_error: Option<NetworkErrorCode>,
    /// `text`: the beginning of the message.
    pub text: Bytes,
    /// An intermediate notification: the final receipt is still to come.
    pub intermediate: bool,
}

impl Receipt {
    /// Reads the receipt in a deliver_sm; `None` if it is an ordinary message.
    ///
    /// A message is a receipt if esm_class says so and it names a message, by text or TLV, or, where
    /// [`ReceiptRules::by_text`] allows, if its text has both `id` and `stat`.
    pub fn of(message: &ShortMessage, profile: &Profile) -> Option<Receipt> {
        let payload = strip_udh(message.payload(), message.esm_class);
        Receipt::read(message.esm_class, message.data_coding, payload, &message.tlvs, &profile.receipt)
    }

    /// Reads the receipt in a data_sm; `None` if it is an ordinary message.
    pub fn of_data_sm(message: &DataSm, profile: &Profile) -> Option<Receipt> {
        let payload = message.tlvs.message_payload().unwrap_or_default();
        let payload = strip_udh(payload, message.esm_class);
        Receipt::read(message.esm_class, message.data_coding, payload, &message.tlvs, &profile.receipt)
    }

    fn read(
        class: EsmClass,
        coding: DataCoding,
        payload: Bytes,
        tlvs: &Tlvs,
        rules: &ReceiptRules,
    ) -> Option<Receipt> {
        let said = class.is_receipt() || class.is_intermediate();
        // User and SME acknowledgements, and anything with another type, are no receipts whatever they read.
        if !said && (class.message_type() != 0 || !rules.by_text) {
            return None;
        }
        let payload = narrow(payload, coding);
        if !said && !text::looks_like_receipt(&payload) {
            return None;
        }
        let mut receipt = Receipt::from_fields(text::split(&payload), rules);
        receipt.intermediate = class.is_intermediate();
        receipt.apply_tlvs(tlvs);
        (!receipt.id.is_empty()).then_some(receipt)
    }

    /// Reads the text alone; `None` if it names no message.
    pub fn parse(text: &Bytes, rules: &ReceiptRules) -> Option<Receipt> {
        let receipt = Receipt::from_fields(text::split(text), rules);
        (!receipt.id.is_empty()).then_some(receipt)
    }

    fn from_fields(fields: Fields, rules: &ReceiptRules) -> Receipt {
        let number = |octets: &Bytes| std::str::from_utf8(octets).ok()?.parse().ok();
        Receipt {
            submitted: number(&fields.sub),
            delivered: number(&fields.dlvrd),
            submit_us: text::date(&fields.submit_date, rules),
            done_us: text::date(&fields.done_date, rules),
            state: text::state(&fields.stat),
            id: COctets(fields.id),
            stat: COctets(fields.stat),
            err: COctets(fields.err),
            text: fields.text,
            ..Receipt::default()
        }
    }

    fn apply_tlvs(&mut self, tlvs: &Tlvs) {
        if tlvs.is_empty() {
            return;
        }
        if let Some(id) = tlvs.receipted_message_id().filter(|id| !id.trim_ascii().is_empty()) {
            let by_text = std::mem::replace(&mut self.id, COctets(tlvs.as_bytes().slice_ref(id)));
            if !by_text.is_empty() && by_text != self.id {
                self.second_id = Some(by_text);
            }
        }
        if let Some(state) = tlvs.message_state().filter(|state| state.name().is_some()) {
            self.state = Some(state);
        }
        self.network_error = tlvs.network_error_code();
    }

    /// All readings of the message's id, for matching against those of a submit_sm_resp, best first.
    pub fn candidates(&self, profile: &Profile) -> IdCandidates {
        let mut candidates = IdCandidates::of(&self.id, IdPlace::Receipt, profile.message_id);
        if let Some(second) = &self.second_id {
            candidates.append(IdCandidates::of(second, IdPlace::Receipt, profile.message_id));
        }
        candidates
    }

    /// The error as a number: network_error_code's, or else `err` if it is decimal or `0x` hexadecimal.
    pub fn error_code(&self) -> Option<u32> {
        if let Some(error) = self.network_error {
            return Some(error.code.into());
        }
        let text = self.err.as_str()?;
        match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        }
    }

    /// Whether no later receipt follows: the state is final and this is no intermediate notification.
    pub fn is_final(&self) -> bool {
        !self.intermediate && self.state.is_some_and(MessageState::is_final)
    }

    /// The text of appendix B. Missing counts are written 001 and, unless delivered, 000; a missing state
    /// UNKNOWN, a missing error 000, missing dates as 0.
    pub fn to_text(&self, rules: &ReceiptRules) -> Bytes {
        let state = self.state.unwrap_or(MessageState::UNKNOWN);
        let delivered = self.delivered.unwrap_or(u32::from(state == MessageState::DELIVERED));
        let mut out = Vec::with_capacity(160);
        let mut head = String::with_capacity(140);
        out.extend_from_slice(b"id:");
        out.extend_from_slice(&self.id);
        let _ = write!(
            head,
            " sub:{:03} dlvrd:{:03} submit date:{} done date:{} stat:{} err:",
            self.submitted.unwrap_or(1).min(999),
            delivered.min(999),
            text::format_date(self.submit_us, rules),
            text::format_date(self.done_us, rules),
            text::stat(state),
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(if self.err.is_empty() { b"000" } else { &self.err });
        out.extend_from_slice(b" text:");
        out.extend_from_slice(&self.text[..self.text.len().min(TEXT_LEN)]);
        Bytes::from(out)
    }

    /// The deliver_sm that carries this receipt: `source` and `destination` are those of the receipt, so the
    /// reverse of the message's. TLVs are added as the profile says, and never for a 3.3 peer.
    pub fn to_deliver_sm(
        &self,
        source: crate::Address,
        destination: crate::Address,
        profile: &Profile,
    ) -> ShortMessage {
        let mut tlvs = Tlvs::new();
        if profile.receipt.tlvs && profile.version >= Version::V3_4 {
            let id = &self.id[..self.id.len().min(usize::from(u8::MAX))];
            tlvs.push_c_octets(Tag::RECEIPTED_MESSAGE_ID, id).expect("an id of 255 octets fits a tlv");
            tlvs.push_u8(Tag::MESSAGE_STATE, self.state.unwrap_or(MessageState::UNKNOWN).0);
            if let Some(error) = self.network_error {
                tlvs.push_network_error_code(error);
            }
        }
        let esm_class = if self.intermediate { EsmClass::INTERMEDIATE } else { EsmClass::DELIVERY_RECEIPT };
        ShortMessage {
            source,
            destination,
            esm_class,
            registered_delivery: RegisteredDelivery::NONE,
            short_message: self.to_text(&profile.receipt),
            tlvs,
            ..ShortMessage::default()
        }
    }
}

/// The text after a user data header, if there is one.
fn strip_udh(payload: Bytes, class: EsmClass) -> Bytes {
    match payload.first() {
        Some(&length) if class.has_udh() && payload.len() > usize::from(length) => {
            payload.slice(usize::from(length) + 1..)
        }
        Some(_) | None => payload,
    }
}

/// A text of ASCII characters in UCS-2, as octets; other texts as they are.
fn narrow(payload: Bytes, coding: DataCoding) -> Bytes {
    let wide = coding == DataCoding::UCS2 && payload.len() >= 2 && payload[0] == 0;
    if !wide {
        return payload;
    }
    payload.chunks_exact(2).map(|unit| if unit[0] == 0 { unit[1] } else { b'?' }).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests;
