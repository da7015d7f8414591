//! What the router is asked, and the state of links that it is told.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, Cost, LinkId, UtcMicros};
use crate::number::NumberAnswer;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Towards a device.
    Mt,
    /// From a device.
    Mo,
}

impl Direction {
    /// The word that rules use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mt => "mt",
            Self::Mo => "mo",
        }
    }
}

/// How urgent a message is, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageClass {
    /// One-time passwords.
    Otp,
    /// Answers in a dialog.
    Reply,
    /// Caused by an action of the receiver.
    Transactional,
    /// Campaigns.
    Bulk,
}

impl MessageClass {
    /// All classes, most urgent first.
    pub const ALL: [Self; 4] = [Self::Otp, Self::Reply, Self::Transactional, Self::Bulk];

    /// The word that rules use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Otp => "otp",
            Self::Reply => "reply",
            Self::Transactional => "transactional",
            Self::Bulk => "bulk",
        }
    }
}

/// An address as rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Party<'a> {
    /// Digits without `+`: an international or national number, a short code.
    Number(&'a [u8]),
    /// Anything else: an alphanumeric sender, an email address.
    Text(&'a [u8]),
}

impl<'a> Party<'a> {
    /// A number if there are only digits (a leading `+` is dropped), else a text.
    #[must_use]
    pub fn of(octets: &'a [u8]) -> Self {
        let digits = octets.strip_prefix(b"+").unwrap_or(octets);
        if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
            Self::Number(digits)
        } else {
            Self::Text(octets)
        }
    }

    /// The octets.
    #[must_use]
    pub fn octets(self) -> &'a [u8] {
        match self {
            Self::Number(octets) | Self::Text(octets) => octets,
        }
    }
}

/// Everything that rules may ask about a message.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// From: for MO the device.
    pub source: Party<'a>,
    /// To: for MT the device, for MO our short code or number.
    pub destination: Party<'a>,
    /// Who submitted it, if an account did.
    pub account: Option<AccountId>,
    /// The link it came from, if a link brought it.
    pub ingress: Option<LinkId>,
    /// How urgent it is.
    pub class: MessageClass,
    /// What is known about the device (MT: the destination, MO: the source).
    pub number: NumberAnswer,
    /// What it may cost at most, in the currency of the rules; dearer targets and those without a known
    /// cost are left out.
    pub max_cost: Option<Cost>,
    /// Now, for time windows.
    pub at: UtcMicros,
}

impl Query<'_> {
    /// The address of the device.
    #[must_use]
    pub fn device(&self) -> Party<'_> {
        match self.direction {
            Direction::Mt => self.destination,
            Direction::Mo => self.source,
        }
    }
}

/// State of a link, as the router needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Bound and working.
    Up,
    /// Bound, but failing or throttled hard: used after the healthy links of its priority.
    Degraded,
    /// Not bound, expected back: used last, messages wait for it.
    Down,
    /// Taken out by an operator, or gone: never used.
    Disabled,
}

/// Who knows the state of links. Any `Fn(LinkId) -> Health` does.
pub trait LinkHealth {
    /// The state of this link now.
    fn health(&self, link: LinkId) -> Health;
}

impl<F: Fn(LinkId) -> Health> LinkHealth for F {
    fn health(&self, link: LinkId) -> Health {
        self(link)
    }
}
