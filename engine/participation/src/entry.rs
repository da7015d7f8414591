//! What intake hands over (CM-03).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Octets of text of an entry that are looked at. Intake refuses longer ones; extraction takes nothing out of them.
pub const MAX_TEXT: usize = 16 * 1024;

/// Names one entry for ever: an entry that is handed over again after a crash has the id that it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryId(pub u128);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A way that entries come in (CM-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A message to a source address.
    Sms,
    /// A form.
    Web,
    /// The API.
    Http,
    /// Keys of a telephone.
    Ivr,
    /// Mail.
    Email,
    /// The caption of a multimedia message.
    Mms,
}

impl Channel {
    /// As it is written in rules and databases.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Web => "web",
            Self::Http => "http",
            Self::Ivr => "ivr",
            Self::Email => "email",
            Self::Mms => "mms",
        }
    }

    /// Whether an entry says by itself which campaign it is for, as a form and a request to the API do.
    #[must_use]
    pub fn names_campaign(self) -> bool {
        match self {
            Self::Web | Self::Http => true,
            Self::Sms | Self::Ivr | Self::Email | Self::Mms => false,
        }
    }
}

/// What somebody sent, as it came: whole, of any channel, and without a thought of what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawEntry {
    /// Its id; the same when it is handed over again.
    pub id: EntryId,
    /// How it came.
    pub channel: Channel,
    /// Who sent it: a number, or an address of another kind.
    pub from: String,
    /// What it was sent to: the name of the source address in the catalog, as entry points have it; of a channel that
    /// [names the campaign](Channel::names_campaign) that name.
    pub to: String,
    /// The text, joined when it came in parts.
    pub text: String,
    /// The carrier of the sender, when it is known.
    pub carrier: Option<String>,
    /// When intake had it.
    pub received_at: Timestamp,
    /// When the SMSC had it, by the SMSC's own clock.
    pub smsc_at: Option<Timestamp>,
}

impl RawEntry {
    /// When the participant did it: the SMSC's time, which no queue behind it delays. An SMSC whose clock is ahead is
    /// not believed.
    #[must_use]
    pub fn judged_at(&self) -> Timestamp {
        self.smsc_at.map_or(self.received_at, |smsc_at| smsc_at.min(self.received_at))
    }

    /// Who takes part.
    #[must_use]
    pub fn participant(&self) -> Participant {
        Participant::of(&self.from)
    }
}

/// Who takes part, the same one on every channel: a number is its digits, whatever it is ported to or written like.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Participant(String);

impl Participant {
    /// Who writes from this address.
    #[must_use]
    pub fn of(from: &str) -> Self {
        let from = from.trim();
        let is_number = from.chars().any(|c| c.is_ascii_digit())
            && from
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '/'));
        if !is_number {
            return Self(from.to_lowercase());
        }
        let digits: String = from.chars().filter(char::is_ascii_digit).collect();
        // Only international numbers are the same with and without their 00.
        let digits = if from.starts_with("00") { digits[2..].to_owned() } else { digits };
        Self(digits)
    }

    /// The digits, or the address in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_participant_however_it_is_written() {
        for written in ["+49 176 1234567", "491761234567", "00491761234567", "+49-(176)-1234567"] {
            assert_eq!(Participant::of(written).as_str(), "491761234567", "{written}");
        }
        assert_eq!(Participant::of(" Ann@Example.COM ").as_str(), "ann@example.com");
        assert_eq!(Participant::of("00").as_str(), "");
    }
}
