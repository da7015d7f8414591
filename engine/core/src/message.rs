//! A message as the exchange keeps it, free of any protocol.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::id::{AccountId, LinkId, MessageId, WebhookId};
use crate::outcome::FinalState;
use crate::time::Micros;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Towards a device.
    Mt,
    /// From a device.
    Mo,
    /// A delivery receipt on its way back to the origin of an MT.
    Receipt,
}

/// Who caused a message; the send gate has a row for each (rule 8), counters count only `User`
/// (shared-rules.md 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginClass {
    /// A peer or API user: traffic relayed without a conversation.
    User,
    /// A receipt made by the exchange.
    Receipt,
    /// A notice of the system itself.
    Notification,
    /// Test traffic: counted and billed nowhere.
    Test,
    /// A text of a conversation: of a script, a flow or an agent.
    Conversation,
}

/// How urgent a message is; a link serves the classes in this order with a bound on starvation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrafficClass {
    /// One-time passwords, alerts.
    Otp,
    /// Answers in a dialog, receipts.
    Reply,
    /// Caused by an action of the receiver.
    Transactional,
    /// Campaigns.
    Bulk,
}

impl TrafficClass {
    /// All classes, most urgent first.
    pub const ALL: [Self; 4] = [Self::Otp, Self::Reply, Self::Transactional, Self::Bulk];

    /// Position in [`TrafficClass::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The class of a message by SMPP's priority_flag (SMPP 3.4 cl. 5.2.14) and its account: 0, which is what
    /// nearly everybody writes, says nothing; 1 to 3 name a class, and one above the account's is not given.
    #[must_use]
    pub fn of_priority(priority: u8, account: Self) -> Self {
        let asked = match priority {
            0 => return account,
            1 => Self::Transactional,
            2 => Self::Reply,
            _ => Self::Otp,
        };
        asked.max(account)
    }
}

/// Where an accepted message came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Origin {
    /// Submitted by an account over SMPP; receipts go to its bound receivers.
    Smpp(AccountId),
    /// Submitted by an account over HTTP; receipts go to the webhook, if there is one.
    Http(AccountId, Option<WebhookId>),
    /// Came from a link: an MO message or transit.
    Link(LinkId),
    /// Made by the exchange for this account.
    Exchange(AccountId),
}

impl Origin {
    /// The account that is responsible for the message.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        match *self {
            Self::Smpp(account) | Self::Http(account, _) | Self::Exchange(account) => Some(account),
            Self::Link(_) => None,
        }
    }
}

/// Which receipts the origin asked for (registered_delivery, SMPP 3.4 cl. 5.2.17, 5.0 cl. 4.7.21).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReceiptRequest(pub u8);

impl ReceiptRequest {
    /// None.
    pub const NONE: Self = Self(0);
    /// On success and failure.
    pub const FINAL: Self = Self(1);

    /// True when some final state is to be reported.
    #[must_use]
    pub fn wants_any(self) -> bool {
        self.0 & 0b11 != 0
    }

    /// What the recipient is to acknowledge, bits 2 and 3; the exchange has no part in it.
    #[must_use]
    pub fn acknowledgements(self) -> Self {
        Self(self.0 & 0b1100)
    }

    /// True when this final state is to be reported.
    #[must_use]
    pub fn wants(self, state: FinalState) -> bool {
        match self.0 & 0b11 {
            0 => false,
            1 => true,
            2 => !state.is_success(),
            _ => state.is_success(),
        }
    }

    /// True when intermediate notifications are wanted.
    #[must_use]
    pub fn wants_intermediate(self) -> bool {
        self.0 & 0b1_0000 != 0
    }
}

/// How the origin knows a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum VisibleId {
    /// The 32 hexadecimal digits of its [`MessageId`].
    Long,
    /// Eight hexadecimal digits, unique among the account's open messages (SMPP 3.3 peers).
    Short(u32),
    /// The id of another message of the same submission (submit_multi), which all of them are known by.
    Shared(MessageId),
}

impl VisibleId {
    /// The id as the origin sees it.
    #[must_use]
    pub fn text(self, id: MessageId) -> String {
        match self {
            Self::Long => id.to_string(),
            Self::Short(number) => format!("{number:08X}"),
            Self::Shared(first) => first.to_string(),
        }
    }
}

/// The part of a longer message that this one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Part {
    /// The message that was submitted and has the one outcome (rule 2).
    pub whole: MessageId,
    /// From 1.
    pub number: u8,
    /// How many there are.
    pub total: u8,
}

/// What is carried to the receiver, as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Service type, at most 5 octets.
    pub service_type: Bytes,
    /// Messaging mode, type and features (SMPP 3.4 cl. 5.2.12).
    pub esm_class: u8,
    /// TP-PID (3GPP TS 23.040 cl. 9.2.3.9).
    pub protocol_id: u8,
    /// priority_flag as the origin wrote it.
    pub priority: u8,
    /// replace_if_present_flag.
    pub replace_if_present: bool,
    /// data_coding (SMPP 3.4 cl. 5.2.19).
    pub data_coding: u8,
    /// sm_default_msg_id.
    pub default_message: u8,
    /// short_message with its user data header, if it has one.
    pub payload: Bytes,
    /// Optional parameters as a TLV area, byte for byte (message_payload among them).
    pub tlvs: Bytes,
    /// True when it came as data_sm and leaves as one.
    pub data_sm: bool,
    /// True when its origin wrote data_coding 0, which among its own kind says another alphabet than here: so
    /// [`data_coding`](Self::data_coding) is not what it wrote.
    pub by_default: bool,
}

/// Tag of message_payload (SMPP 3.4 cl. 5.3.2.32).
const MESSAGE_PAYLOAD: [u8; 2] = [0x04, 0x24];
/// Tag of sar_msg_ref_num (SMPP 3.4 cl. 5.3.2.22).
const SAR_REFERENCE: [u8; 2] = [0x02, 0x0c];
/// The payload begins with a user data header (SMPP 3.4 cl. 5.2.12).
const HEADER: u8 = 0x40;

impl Content {
    /// True when it may be a part of a longer message that its origin cut: it has a user data header, or TLVs that say
    /// so.
    #[must_use]
    pub fn may_be_part(&self) -> bool {
        let tags = std::iter::successors(first_tlv(&self.tlvs), |(_, _, after)| first_tlv(after));
        self.esm_class & HEADER != 0 || tags.into_iter().any(|(tag, _, _)| tag == SAR_REFERENCE)
    }

    /// This content with another's text: payload and default message. All else stays, data_coding too, which
    /// replace_sm doesn't have (SMPP 3.4 cl. 4.10); a text in a message_payload goes.
    #[must_use]
    pub fn with_text_of(self, other: &Self) -> Self {
        Self {
            payload: other.payload.clone(),
            default_message: other.default_message,
            tlvs: without_payload(self.tlvs),
            ..self
        }
    }
}

/// The first TLV of an area, its tag before it, and what follows it; `None` where there is none.
fn first_tlv(tlvs: &[u8]) -> Option<([u8; 2], &[u8], &[u8])> {
    let [tag_high, tag_low, high, low, ..] = *tlvs else { return None };
    let end = 4 + usize::from(u16::from_be_bytes([high, low]));
    let (tlv, after) = tlvs.split_at_checked(end)?;
    Some(([tag_high, tag_low], tlv, after))
}

/// The value of the first TLV of a tag in a TLV area; `None` where there is none before the area ends or is no list of
/// TLVs any more.
pub(crate) fn tlv(area: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = area;
    while let Some((tag, tlv, after)) = first_tlv(rest) {
        if u16::from_be_bytes(tag) == wanted {
            return tlv.get(4..);
        }
        rest = after;
    }
    None
}

/// A TLV area without message_payload; from where it is no list of TLVs it stays as it is.
fn without_payload(tlvs: Bytes) -> Bytes {
    let mut kept = Vec::with_capacity(tlvs.len());
    let mut rest = &tlvs[..];
    while let Some((tag, tlv, after)) = first_tlv(rest) {
        if tag != MESSAGE_PAYLOAD {
            kept.extend_from_slice(tlv);
        }
        rest = after;
    }
    kept.extend_from_slice(rest);
    if kept.len() == tlvs.len() { tlvs } else { kept.into() }
}

/// A receipt that the exchange makes for the origin of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptContent {
    /// The id that the origin knows.
    pub message_id: String,
    /// The id inside.
    pub message: MessageId,
    /// What became of it; `None` for an intermediate notification.
    pub state: ReceiptState,
    /// When it was accepted.
    pub submitted_at: Micros,
    /// When it reached that state.
    pub done_at: Micros,
    /// The network's error code, three digits in the text.
    pub error: u16,
    /// network_error_code as the link gave it (network type, code), if it did.
    pub network_error: Option<(u8, u16)>,
    /// The first octets of the text, by the link's receipt, if it gave them.
    pub text: Bytes,
}

/// The state a receipt tells (message_state, SMPP 3.4 cl. 5.2.28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptState {
    /// On its way; intermediate.
    Enroute,
    /// Delivered.
    Delivered,
    /// Validity ended.
    Expired,
    /// Deleted (cancelled).
    Deleted,
    /// Cannot be delivered.
    Undeliverable,
    /// Accepted by the receiver's side without delivery (read manually).
    Accepted,
    /// Nothing is known.
    Unknown,
    /// Refused.
    Rejected,
    /// Scheduled; intermediate (5.0).
    Scheduled,
    /// Skipped (5.0).
    Skipped,
}

impl ReceiptState {
    /// True when a later state may follow.
    #[must_use]
    pub fn is_intermediate(self) -> bool {
        matches!(self, Self::Enroute | Self::Scheduled)
    }
}

/// What the body of a message is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// Text or data between peers.
    Content(Content),
    /// A delivery receipt.
    Receipt(ReceiptContent),
}

/// The facts of an accepted message that do not change (except by replace_sm).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Its id; holds the shard and the time of acceptance.
    pub id: MessageId,
    /// Which way it goes.
    pub direction: Direction,
    /// Where it came in.
    pub origin: Origin,
    /// Who caused it.
    pub origin_class: OriginClass,
    /// How urgent it is.
    pub class: TrafficClass,
    /// From.
    pub source: Address,
    /// To.
    pub destination: Address,
    /// Not before this instant (schedule_delivery_time).
    pub not_before: Option<Micros>,
    /// When it is worth nothing any more (validity_period).
    pub expires_at: Micros,
    /// Receipts that the origin wants.
    pub receipt: ReceiptRequest,
    /// How the origin knows it.
    pub visible_id: VisibleId,
    /// The part of a longer message it is, if it is one.
    pub part: Option<Part>,
    /// Octets of payload, for CDRs and the pacing of bytes.
    pub octets: u16,
}

impl Envelope {
    /// Time from `now` to the end of validity.
    #[must_use]
    pub fn remaining(&self, now: Micros) -> Duration {
        self.expires_at.since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::TrafficClass::{Bulk, Otp, Reply, Transactional};
    use super::*;

    #[test]
    fn priority_flag_lowers_a_class_and_never_raises_it() {
        assert_eq!(TrafficClass::of_priority(0, Otp), Otp);
        assert_eq!(TrafficClass::of_priority(1, Otp), Transactional);
        assert_eq!(TrafficClass::of_priority(2, Otp), Reply);
        assert_eq!(TrafficClass::of_priority(3, Bulk), Bulk);
        assert_eq!(TrafficClass::of_priority(3, Transactional), Transactional);
    }
}
