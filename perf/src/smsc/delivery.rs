//! Receipts and MO messages on their way to a peer.

use super::options::{MoOptions, ReceiptBy, ReceiptOptions, ReceiptState};
use crate::event_log::unix_us;
use crate::id_form::{IdForm, put};
use crate::wire::{self, Fields, Message};
use std::sync::Arc;

/// Which of the two it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Receipt,
    Mo,
}

/// One deliver_sm (or data_sm), encoded but for its sequence_number.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) kind: Kind,
    /// The account it is for; any when there is none.
    pub(super) account: Option<Arc<str>>,
    pub(super) frame: Vec<u8>,
    /// The receipt's message id.
    pub(super) id: Vec<u8>,
    /// Marker of the message.
    pub(super) marker: Option<u64>,
    /// State that a receipt tells.
    pub(super) stat: &'static str,
    pub(super) source: Vec<u8>,
    pub(super) destination: Vec<u8>,
}

/// A message taken, as a receipt needs it.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    pub(super) message: &'a Message<'a>,
    pub(super) id: u64,
    pub(super) account: Option<Arc<str>>,
    pub(super) marker: Option<u64>,
}

/// `YYMMDDhhmm` of an instant.
pub(super) fn put_date(out: &mut Vec<u8>, unix_seconds: u64) {
    let days = unix_seconds / 86_400;
    // Days to civil date, years from March on, 400-year cycles.
    let shifted = days + 719_468;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + u64::from(month <= 2);
    let minutes = unix_seconds % 86_400 / 60;
    let (hour, minute) = (minutes / 60, minutes % 60);
    put(out, format_args!("{:02}{month:02}{day:02}{hour:02}{minute:02}", year % 100));
}

/// The receipt for a message taken.
pub(super) fn receipt(
    taken: &Taken<'_>,
    state: ReceiptState,
    form: IdForm,
    options: &ReceiptOptions,
) -> Delivery {
    let mut id = Vec::with_capacity(24);
    form.put_receipt(&mut id, taken.id);
    let mut text = Vec::with_capacity(160);
    if options.text {
        let now = unix_us() / 1_000_000;
        text.extend_from_slice(b"id:");
        text.extend_from_slice(&id);
        let delivered = u8::from(state == ReceiptState::Delivrd);
        put(&mut text, format_args!(" sub:001 dlvrd:{delivered:03} submit date:"));
        put_date(&mut text, now);
        text.extend_from_slice(b" done date:");
        put_date(&mut text, now);
        let error = match state {
            ReceiptState::Delivrd | ReceiptState::Enroute | ReceiptState::Acceptd => 0,
            ReceiptState::Expired
            | ReceiptState::Deleted
            | ReceiptState::Undeliv
            | ReceiptState::Unknown
            | ReceiptState::Rejectd => 1,
        };
        put(&mut text, format_args!(" stat:{} err:{error:03} text:", state.stat()));
        text.extend(taken.message.text.iter().take(20).map(|&octet| match octet {
            0x20..=0x7e => octet,
            _ => b'.',
        }));
    }
    let mut tlvs = Vec::new();
    if options.tlvs {
        let mut value = id.clone();
        value.push(0);
        wire::put_tlv(&mut tlvs, wire::TLV_RECEIPTED_MESSAGE_ID, &value);
        wire::put_tlv(&mut tlvs, wire::TLV_MESSAGE_STATE, &[state.code()]);
    }
    let message = Message {
        source_type: taken.message.destination_type,
        source: taken.message.destination,
        destination_type: taken.message.source_type,
        destination: taken.message.source,
        esm_class: if state == ReceiptState::Enroute { 0x20 } else { 0x04 },
        text: &text,
        tlvs: &tlvs,
        ..Message::default()
    };
    let command = match options.by {
        ReceiptBy::DeliverSm => wire::DELIVER_SM,
        ReceiptBy::DataSm => wire::DATA_SM,
    };
    let mut frame = Vec::with_capacity(256);
    wire::put_message(&mut frame, command, 0, &Fields { message, payload: false });
    Delivery {
        kind: Kind::Receipt,
        account: taken.account.clone(),
        frame,
        id,
        marker: taken.marker,
        stat: state.stat(),
        source: message.source.to_vec(),
        destination: message.destination.to_vec(),
    }
}

/// The `index`th message from the devices.
pub(super) fn mo(options: &MoOptions, index: u64) -> Delivery {
    let mut source = options.first_source.clone().into_bytes();
    add_digits(&mut source, index % options.sources.max(1));
    let said = match options.texts.len() {
        0 => "",
        count => options.texts[(index % count as u64) as usize].as_str(),
    };
    let mut text = said.as_bytes().to_vec();
    if !text.is_empty() {
        text.push(b' ');
    }
    put(&mut text, format_args!("m={index:06}"));
    mo_of(&source, options.destination.as_bytes(), &text, 0)
}

/// One message from a device.
pub(super) fn mo_of(source: &[u8], destination: &[u8], text: &[u8], data_coding: u8) -> Delivery {
    let message = Message {
        source_type: [1, 1],
        source,
        destination_type: [0, 1],
        destination,
        text,
        data_coding,
        ..Message::default()
    };
    let mut frame = Vec::with_capacity(128);
    wire::put_message(&mut frame, wire::DELIVER_SM, 0, &Fields { message, payload: false });
    Delivery {
        kind: Kind::Mo,
        account: None,
        frame,
        id: Vec::new(),
        marker: wire::marker(text),
        stat: "",
        source: source.to_vec(),
        destination: destination.to_vec(),
    }
}

/// Adds to a number written in digits, without changing its length.
pub(crate) fn add_digits(digits: &mut [u8], mut add: u64) {
    for digit in digits.iter_mut().rev() {
        if add == 0 || !digit.is_ascii_digit() {
            return;
        }
        let sum = u64::from(*digit - b'0') + add;
        *digit = b'0' + (sum % 10) as u8;
        add = sum / 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (seconds, text) in [
            (0, "7001010000"),
            (951_782_399, "0002282359"),
            (951_782_400, "0002290000"),
            (1_785_420_000, "2607301400"),
        ] {
            let mut out = Vec::new();
            put_date(&mut out, seconds);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn digits_are_added_in_place() {
        let mut digits = b"447700900999".to_vec();
        add_digits(&mut digits, 1);
        assert_eq!(digits, b"447700901000");
        add_digits(&mut digits, 90_000);
        assert_eq!(digits, b"447700991000");
    }
}
