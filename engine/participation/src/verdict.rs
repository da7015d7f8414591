//! What became of an entry.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::entry::EntryId;

/// Why an entry does not count (CM-09).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RejectCode {
    /// The campaign has not begun, or is suspended.
    NotOpen,
    /// It is over.
    Closed,
    /// There is none for this address and keyword.
    NoCampaign,
    /// What was looked for is not in it.
    BadFormat,
    /// It names something that cannot be chosen.
    BadOption,
    /// It was there already.
    Duplicate,
    /// The participant or the campaign has enough.
    Limit,
    /// There is no such code.
    CodeUnknown,
    /// Somebody handed the code in already.
    CodeUsed,
    /// The participant may not take part.
    Ineligible,
    /// The participant is barred.
    Barred,
}

impl RejectCode {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NotOpen,
        Self::Closed,
        Self::NoCampaign,
        Self::BadFormat,
        Self::BadOption,
        Self::Duplicate,
        Self::Limit,
        Self::CodeUnknown,
        Self::CodeUsed,
        Self::Ineligible,
        Self::Barred,
    ];

    /// As it is written in rules, databases and exports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotOpen => "NOT_OPEN",
            Self::Closed => "CLOSED",
            Self::NoCampaign => "NO_CAMPAIGN",
            Self::BadFormat => "BAD_FORMAT",
            Self::BadOption => "BAD_OPTION",
            Self::Duplicate => "DUPLICATE",
            Self::Limit => "LIMIT",
            Self::CodeUnknown => "CODE_UNKNOWN",
            Self::CodeUsed => "CODE_USED",
            Self::Ineligible => "INELIGIBLE",
            Self::Barred => "BARRED",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for RejectCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of one entry. It is told only after it is stored; the same entry again has the same verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The entry.
    pub entry: EntryId,
    /// Whether it counts.
    pub outcome: Outcome,
    /// What the participant is answered.
    pub reply: Reply,
    /// The version of the rules that decided; 0 when there is no campaign.
    pub version: u64,
    /// A tester's entry: it was judged, and counts nowhere (MQ-10).
    #[serde(default)]
    pub test: bool,
}

/// Whether an entry counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It does.
    Accepted {
        /// Submissions stored: more than one when each of several votes in a message counts.
        submissions: u32,
        /// Votes of the same message that do not count.
        refused: Option<Refused>,
        /// Prizes won at once, by their names.
        prizes: Vec<String>,
    },
    /// It does not; the campaign's database knows nothing of it.
    Rejected(RejectCode),
}

/// Votes of an accepted message that do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// How many.
    pub count: u32,
    /// Why the first of them does not.
    pub code: RejectCode,
}

/// What a participant is answered (CM-11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// This.
    Text(String),
    /// Nothing.
    None(NoReply),
}

/// Why a participant is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoReply {
    /// The campaign answers nobody.
    Disabled,
    /// It has no text for this.
    NoText,
    /// The participant was told often enough within the hour that entries do not count.
    TooMany,
    /// The participant is barred, and nothing is sent to barred numbers.
    Barred,
    /// There is no campaign that could answer.
    NoCampaign,
}

impl NoReply {
    /// As it is written in traces and in the log of rejected entries.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::NoText => "no_text",
            Self::TooMany => "too_many",
            Self::Barred => "barred",
            Self::NoCampaign => "no_campaign",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        [Self::Disabled, Self::NoText, Self::TooMany, Self::Barred, Self::NoCampaign]
            .into_iter()
            .find(|reason| reason.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_as_rules_write_them() {
        for code in RejectCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert_eq!(RejectCode::read(code.as_str()), Some(code));
        }
    }
}
