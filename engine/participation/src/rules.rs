//! A campaign as data (CM-08): its time, what is taken out of entries, what they must fulfil, what is answered.

mod compile;
mod shape;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use serde::{Deserialize, Serialize};

pub(crate) use template::Template;

use crate::entry::Channel;
use crate::state::State;
use crate::verdict::RejectCode;

/// Why a document is no campaign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct RulesError {
    /// Where it is wrong, as `requirements[2].limit`.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

/// What people take part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// They choose.
    Vote,
    /// They tell.
    Survey,
    /// They compete.
    Contest,
    /// They may be drawn.
    Sweepstakes,
    /// They enrol.
    Registration,
    /// They hand in codes.
    CodeRedemption,
}

/// What happens when a message has several votes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Several {
    /// The first counts, whatever else is there.
    #[default]
    First,
    /// Each counts, by itself.
    All,
    /// None counts: BAD_FORMAT.
    Reject,
}

/// The order of the parts of a date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// Day, month, year.
    #[default]
    Dmy,
    /// Month, day, year.
    Mdy,
    /// Year, month, day.
    Ymd,
}

/// What a limit is counted over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// The 60 minutes before the entry.
    Hour,
    /// The day of the entry in the campaign's time zone.
    Day,
    /// The whole campaign.
    #[default]
    Campaign,
}

/// Where entries come in (CM-10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPoint {
    /// The way.
    pub channel: Channel,
    /// Name of the source address, for messages.
    pub source_address: Option<String>,
    /// The folded words that an entry begins with; none when the whole address is the campaign's.
    pub keyword: Vec<String>,
}

/// How one field is found.
#[derive(Clone, Debug)]
pub struct FieldRule {
    /// The field.
    pub field: String,
    /// The word it is, from 0 behind the keyword; the first that fits when there is none.
    pub position: Option<usize>,
    /// How it is found.
    pub find: Find,
    /// Without it an entry is rejected.
    pub required: bool,
}

/// How a field is found in a text.
#[derive(Clone, Debug)]
pub enum Find {
    /// The word at a place.
    Token,
    /// The first group of an expression, or all that it matches. It is searched in the words as they were written,
    /// then in the folded words; the case does not matter.
    Regex(Regex),
    /// One of these, by its value, its label or a synonym.
    Enumeration(Vec<Choice>),
    /// A whole number within bounds.
    Number {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// A date; it is stored as `2026-05-01`.
    Date(DateOrder),
    /// A code of a batch, of this length without spaces and dashes.
    Code {
        /// The batch.
        batch: String,
        /// Its length.
        length: Option<usize>,
    },
    /// The words that no other rule took.
    Remainder,
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is stored and counted.
    pub value: String,
    /// What people call it, in folded words.
    pub words: Vec<Vec<String>>,
    /// Each entry counts so many times.
    pub weight: u32,
}

/// One thing that an entry must fulfil.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// What.
    pub check: Check,
    /// What an entry that does not is rejected with.
    pub reject: RejectCode,
}

/// What is asked of an entry. Checks of a field that an entry need not have pass without it, but for consent, age and
/// codes.
#[derive(Clone, Debug)]
pub enum Check {
    /// It comes within the campaign's time. This is asked of every entry before all else; the requirement gives it
    /// another code than NOT_OPEN and CLOSED.
    Window,
    /// The field is one of these folded values.
    OneOf {
        /// The field.
        field: String,
        /// Its values.
        values: Vec<String>,
    },
    /// The field matches.
    Format {
        /// The field.
        field: String,
        /// The expression.
        pattern: Regex,
    },
    /// The last digit of the field is its check digit by ISO/IEC 7812-1, annex B; letters are 10 to 35, as in ISO 6166.
    Checksum {
        /// The field.
        field: String,
    },
    /// The code is of its batch and unused.
    CodeUnused {
        /// The field.
        field: String,
        /// The batch.
        batch: String,
    },
    /// The participant has had fewer submissions.
    MaxPerParticipant {
        /// The limit.
        limit: u64,
        /// What it is counted over.
        per: Span,
    },
    /// The campaign has had fewer submissions.
    MaxTotal {
        /// The limit.
        limit: u64,
    },
    /// The number lies within bounds.
    Range {
        /// The field.
        field: String,
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// The device is of one of these carriers.
    Carrier(Vec<String>),
    /// The number is of one of these countries, ISO 3166-1 in capitals.
    Country(Vec<String>),
    /// The field says yes.
    Consent {
        /// The field.
        field: String,
    },
    /// The field is the date of a birth so many years ago.
    Age {
        /// The field.
        field: String,
        /// Years.
        years: u16,
    },
    /// The participant is neither barred nor opted out.
    NotBarred,
    /// The participant has said that messages are welcome.
    OptedIn,
    /// The participant has a submission in another campaign.
    StepDone(String),
    /// The field was found with so much certainty.
    Confidence {
        /// The field.
        field: String,
        /// In percent.
        percent: u8,
    },
}

/// A prize that is won at once: one in so many submissions, by a hash of the campaign's seed and the entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prize {
    /// Its name.
    pub name: String,
    /// How many there are.
    pub count: u64,
    /// One in so many submissions wins it while there are some.
    pub one_in: u64,
}

/// Answers to participants (CM-11). Fields in braces are those of the entry.
#[derive(Clone, Debug)]
pub struct Responses {
    pub(crate) enabled: bool,
    pub(crate) accepted: Option<Template>,
    pub(crate) won: Option<Template>,
    pub(crate) rejected: BTreeMap<RejectCode, Template>,
    pub(crate) not_enabled: Option<Template>,
    pub(crate) rejected_per_hour: u64,
}

/// A campaign as data, read and checked.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Its name.
    pub name: String,
    /// The account whose it is.
    pub account: String,
    /// What people take part in.
    pub kind: Kind,
    /// Where it is in its life.
    pub state: State,
    /// Where entries come in.
    pub entry_points: Vec<EntryPoint>,
    /// From when on entries count.
    pub open: Option<Timestamp>,
    /// Up to when, without it.
    pub close: Option<Timestamp>,
    /// The zone of its days.
    pub time_zone: TimeZone,
    /// How much later than `close` an entry may come whose time is before it.
    pub grace: SignedDuration,
    /// What is taken out of an entry.
    pub extraction: Vec<FieldRule>,
    /// What happens when there are several votes in it.
    pub several: Several,
    /// What it must fulfil; the first that it does not decides.
    pub requirements: Vec<Requirement>,
    /// What people are answered.
    pub responses: Responses,
    /// Name of its database.
    pub database: String,
    /// Whether the raw text stays beside a submission.
    pub keep_raw: bool,
    /// How long after the end personal data stays.
    pub retention: SignedDuration,
    /// Votes that every participant has; any number when there is none.
    pub prepaid: Option<u32>,
    /// What can be won at once.
    pub prizes: Vec<Prize>,
    /// What decides who wins at once.
    pub prize_seed: String,
}

impl Rules {
    /// As testers meet them: what has not begun is open to them, so that it can be tested before (MQ-10).
    #[must_use]
    pub fn for_tests(&self) -> Self {
        let state = match self.state {
            State::Draft | State::Ready | State::Open => State::Open,
            State::Suspended | State::Closed | State::Tallied | State::Archived => self.state,
        };
        Self { state, open: None, ..self.clone() }
    }

    /// Reads the document of a campaign: the row of kind `participation` as the catalog keeps it, described in
    /// docs/interfaces/participation.md.
    ///
    /// # Errors
    /// The first thing that is wrong, with its path.
    pub fn from_json(document: &str) -> Result<Self, RulesError> {
        let mut reader = serde_json::Deserializer::from_str(document);
        let shape: shape::Shape = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            RulesError { path: error.path().to_string(), problem: error.inner().to_string() }
        })?;
        reader.end().map_err(|error| RulesError { path: ".".to_owned(), problem: error.to_string() })?;
        compile::compile(shape)
    }

    /// The rule whose several matches are several votes: the first enumeration, else the first code, else the first
    /// number, that has no place of its own.
    pub(crate) fn vote(&self) -> Option<usize> {
        let free = |is: fn(&Find) -> bool| {
            self.extraction.iter().position(|rule| rule.position.is_none() && is(&rule.find))
        };
        free(|find| matches!(find, Find::Enumeration(_)))
            .or_else(|| free(|find| matches!(find, Find::Code { .. })))
            .or_else(|| free(|find| matches!(find, Find::Number { .. })))
    }

    /// The rule of a field.
    #[must_use]
    pub fn rule(&self, field: &str) -> Option<&FieldRule> {
        self.extraction.iter().find(|rule| rule.field == field)
    }

    /// Whether entries are judged by what participants said of consent, so that it must be known.
    #[must_use]
    pub fn asks_consent(&self) -> bool {
        self.requirements
            .iter()
            .any(|requirement| matches!(requirement.check, Check::NotBarred | Check::OptedIn))
    }

    /// Whether it must be known who said that messages are welcome.
    #[must_use]
    pub fn asks_opt_in(&self) -> bool {
        self.requirements.iter().any(|requirement| matches!(requirement.check, Check::OptedIn))
    }

    /// The instant from which on retention counts: the end, where there is one.
    #[must_use]
    pub fn keeps_until(&self) -> Option<Timestamp> {
        self.close.and_then(|close| close.checked_add(self.retention).ok())
    }
}
