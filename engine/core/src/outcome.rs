//! How a message ends, and why.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::message::ReceiptState;

/// The one outcome of an accepted message (rule 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinalState {
    /// A receipt said so, or the receiving peer took it.
    Delivered,
    /// The next peer took it and no receipt was asked for.
    Accepted,
    /// It could not be delivered.
    Failed,
    /// Refused after acceptance: no route, or the next peer refused it for good.
    Rejected,
    /// Its validity ended first.
    Expired,
    /// cancel_sm or an operator.
    Cancelled,
    /// replace_sm or replace_if_present put another in its place.
    Replaced,
    /// The receipt never came.
    Unknown,
    /// The send gate held it back for good.
    Filtered,
}

impl FinalState {
    /// All states, for metrics and books.
    pub const ALL: [Self; 9] = [
        Self::Delivered,
        Self::Accepted,
        Self::Failed,
        Self::Rejected,
        Self::Expired,
        Self::Cancelled,
        Self::Replaced,
        Self::Unknown,
        Self::Filtered,
    ];

    /// True when the message reached its receiver as far as anyone knows.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Delivered | Self::Accepted)
    }

    /// The name in CDRs, metrics and the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Accepted => "accepted",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Replaced => "replaced",
            Self::Unknown => "unknown",
            Self::Filtered => "filtered",
        }
    }

    /// What a receipt says of it.
    #[must_use]
    pub fn receipt_state(self) -> ReceiptState {
        match self {
            Self::Delivered => ReceiptState::Delivered,
            Self::Accepted => ReceiptState::Accepted,
            Self::Failed => ReceiptState::Undeliverable,
            Self::Rejected | Self::Filtered => ReceiptState::Rejected,
            Self::Expired => ReceiptState::Expired,
            Self::Cancelled | Self::Replaced => ReceiptState::Deleted,
            Self::Unknown => ReceiptState::Unknown,
        }
    }

    /// The outcome that a final receipt means; `None` for an intermediate one.
    #[must_use]
    pub fn of_receipt(state: ReceiptState) -> Option<Self> {
        match state {
            ReceiptState::Enroute | ReceiptState::Scheduled => None,
            ReceiptState::Delivered => Some(Self::Delivered),
            ReceiptState::Accepted => Some(Self::Accepted),
            ReceiptState::Expired => Some(Self::Expired),
            ReceiptState::Deleted => Some(Self::Cancelled),
            ReceiptState::Undeliverable | ReceiptState::Skipped => Some(Self::Failed),
            ReceiptState::Rejected => Some(Self::Rejected),
            ReceiptState::Unknown => Some(Self::Unknown),
        }
    }
}

impl fmt::Display for FinalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a message ended as it did, as far as one word can say it (rule 5). In text it is its [name](Reason::name), in
/// rows a number that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Nothing to add.
    None,
    /// No rule matched, or the rule refuses.
    NoRoute,
    /// A rule refuses this traffic.
    RouteRejects,
    /// The peer answered with a permanent error.
    PeerRefused,
    /// The last try of the retry schedule failed.
    RetriesExhausted,
    /// Validity ended in the queue.
    ValidityEnded,
    /// Validity ended while the receipt was awaited.
    ReceiptNeverCame,
    /// The link's receipt says so.
    Receipt,
    /// The origin cancelled it.
    CancelledByOrigin,
    /// An operator purged it.
    PurgedByOperator,
    /// Replaced by a later message.
    ReplacedByOrigin,
    /// The account is suspended or may not use this address.
    Contract,
    /// A spam or loop counter blocks its source, destination or pair.
    CounterBlock,
    /// It cannot be written in the peer's protocol.
    NotEncodable,
    /// A try whose fate is unknown, and policy says not to try again.
    Doubt,
    /// The exchange could not handle it.
    Internal,
    /// A receipt of the link says so whose id nobody here knows: the message was in doubt, and link, device and the
    /// beginning of the text agree with this one alone.
    ReceiptByText,
    /// An HTTP target did not take it in the time that its row gives.
    GivenUp,
    /// A receiver of whole messages has it, though parts of it never came.
    PartsMissing,
    /// The send gate's question for consent: an opt-out, quiet hours, a limit.
    Consent(signalbox_consent::Reason),
}

impl Reason {
    /// Those of the exchange itself; their places are their numbers in rows.
    const OWN: [Self; 19] = [
        Self::None,
        Self::NoRoute,
        Self::RouteRejects,
        Self::PeerRefused,
        Self::RetriesExhausted,
        Self::ValidityEnded,
        Self::ReceiptNeverCame,
        Self::Receipt,
        Self::CancelledByOrigin,
        Self::PurgedByOperator,
        Self::ReplacedByOrigin,
        Self::Contract,
        Self::CounterBlock,
        Self::NotEncodable,
        Self::Doubt,
        Self::Internal,
        Self::ReceiptByText,
        Self::GivenUp,
        Self::PartsMissing,
    ];

    /// The number in rows of the first reason of consent.
    const CONSENT: u32 = 256;

    /// All reasons.
    pub fn all() -> impl Iterator<Item = Self> {
        let consent = signalbox_consent::Reason::ALL.iter().map(|reason| Self::Consent(*reason));
        Self::OWN.into_iter().chain(consent)
    }

    fn number(self) -> u32 {
        let place = |place: Option<usize>| place.and_then(|place| u32::try_from(place).ok()).unwrap_or(0);
        match self {
            Self::Consent(reason) => {
                Self::CONSENT + place(signalbox_consent::Reason::ALL.iter().position(|of| *of == reason))
            }
            own => place(Self::OWN.iter().position(|of| *of == own)),
        }
    }

    fn numbered(number: u32) -> Option<Self> {
        let of = |from: u32| usize::try_from(number.checked_sub(from)?).ok();
        let consent = || signalbox_consent::Reason::ALL.get(of(Self::CONSENT)?).map(|of| Self::Consent(*of));
        Self::OWN.get(of(0)?).copied().or_else(consent)
    }

    /// The name in CDRs, metrics and the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::NoRoute => "no_route",
            Self::RouteRejects => "route_rejects",
            Self::PeerRefused => "peer_refused",
            Self::RetriesExhausted => "retries_exhausted",
            Self::ValidityEnded => "validity_ended",
            Self::ReceiptNeverCame => "receipt_never_came",
            Self::Receipt => "receipt",
            Self::CancelledByOrigin => "cancelled_by_origin",
            Self::PurgedByOperator => "purged_by_operator",
            Self::ReplacedByOrigin => "replaced_by_origin",
            Self::Contract => "contract",
            Self::CounterBlock => "counter_block",
            Self::NotEncodable => "not_encodable",
            Self::Doubt => "doubt",
            Self::Internal => "internal",
            Self::ReceiptByText => "receipt_by_text",
            Self::GivenUp => "given_up",
            Self::PartsMissing => "parts_missing",
            Self::Consent(reason) => reason.as_str(),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.name())
        } else {
            serializer.serialize_u32(self.number())
        }
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
            Self::all()
                .find(|reason| reason.name() == name)
                .ok_or_else(|| de::Error::custom(format!("no reason is named `{name}`")))
        } else {
            let number = u32::deserialize(deserializer)?;
            Self::numbered(number).ok_or_else(|| de::Error::custom(format!("no reason has number {number}")))
        }
    }
}

/// What an error of a peer means for the message and for the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Try again after a while.
    Temporary,
    /// Trying again is useless.
    Permanent,
    /// We are too fast: the message goes back to the head, the link slows down.
    Throttling,
    /// The peer's queue is full: like throttling, with a longer pause.
    QueueFull,
    /// The session is worth nothing any more; the message tries elsewhere.
    Fatal,
}

impl ErrorClass {
    /// All classes.
    pub const ALL: [Self; 5] =
        [Self::Temporary, Self::Permanent, Self::Throttling, Self::QueueFull, Self::Fatal];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_final_receipt_state_means_one_outcome_and_back() {
        for state in FinalState::ALL {
            let receipt = state.receipt_state();
            assert!(!receipt.is_intermediate(), "{state}");
            assert!(FinalState::of_receipt(receipt).is_some(), "{state}");
        }
        assert_eq!(FinalState::of_receipt(ReceiptState::Enroute), None);
    }

    #[test]
    fn reasons_are_read_as_they_were_written() {
        let names: std::collections::BTreeSet<&str> = Reason::all().map(Reason::name).collect();
        assert_eq!(names.len(), Reason::all().count(), "no two have one name");
        for reason in Reason::all() {
            let text = serde_json::to_string(&reason).unwrap();
            assert_eq!(text, format!("\"{}\"", reason.name()));
            assert_eq!(serde_json::from_str::<Reason>(&text).unwrap(), reason);
            let row = postcard::to_stdvec(&reason).unwrap();
            assert_eq!(postcard::from_bytes::<Reason>(&row).unwrap(), reason);
        }
        assert!(serde_json::from_str::<Reason>("\"luck\"").is_err());
        assert!(postcard::from_bytes::<Reason>(&[200, 1]).is_err());
    }

    /// Rows that were written when a reason was a plain enum are read as what they were.
    #[test]
    fn numbers_in_rows_stay() {
        let of = |octets: &[u8]| postcard::from_bytes::<Reason>(octets).unwrap();
        assert_eq!(of(&[0]), Reason::None);
        assert_eq!(of(&[11]), Reason::Contract);
        assert_eq!(of(&[18]), Reason::PartsMissing);
        assert_eq!(of(&[0x80, 2]), Reason::Consent(signalbox_consent::Reason::ChannelNotContracted));
        assert_eq!(of(&[0x83, 2]), Reason::Consent(signalbox_consent::Reason::OptedOutAccount));
    }
}
