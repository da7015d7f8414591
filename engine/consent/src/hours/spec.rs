//! Jurisdictions as they stand in data.

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use crate::caps::CapSpec;
use crate::channel::Channels;
use crate::region::{Country, Region};

/// What a rule holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleScope {
    /// Marketing only.
    Marketing,
    /// Every message.
    All,
}

/// Allowed spans of the day, as `08:00-21:00`, by weekday. A day without any is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WeekSpec {
    /// Monday.
    pub mon: Vec<String>,
    /// Tuesday.
    pub tue: Vec<String>,
    /// Wednesday.
    pub wed: Vec<String>,
    /// Thursday.
    pub thu: Vec<String>,
    /// Friday.
    pub fri: Vec<String>,
    /// Saturday.
    pub sat: Vec<String>,
    /// Sunday.
    pub sun: Vec<String>,
}

impl WeekSpec {
    pub(super) fn days(&self) -> [(&'static str, Weekday, &[String]); 7] {
        [
            ("hours.mon", Weekday::Monday, &self.mon),
            ("hours.tue", Weekday::Tuesday, &self.tue),
            ("hours.wed", Weekday::Wednesday, &self.wed),
            ("hours.thu", Weekday::Thursday, &self.thu),
            ("hours.fri", Weekday::Friday, &self.fri),
            ("hours.sat", Weekday::Saturday, &self.sat),
            ("hours.sun", Weekday::Sunday, &self.sun),
        ]
    }
}

/// One jurisdiction's rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JurisdictionSpec {
    /// Its name, as decisions give it.
    pub name: String,
    /// What people call it.
    #[serde(default)]
    pub title: String,
    /// Countries it holds in as a whole.
    #[serde(default)]
    pub countries: Vec<Country>,
    /// States it holds in.
    #[serde(default)]
    pub states: Vec<Region>,
    /// Zones its states lie in, for recipients whose state is not known; empty for any.
    #[serde(default)]
    pub zones: Vec<String>,
    /// Channels it regulates.
    pub channels: Channels,
    /// Messages it regulates.
    pub scope: RuleScope,
    /// Where the rule stands.
    pub source: String,
    /// The day as of which that was read.
    pub as_of: Date,
    /// What is allowed.
    pub hours: WeekSpec,
    /// Dates (`2026-12-25`), or days of every year (`12-25`), with other hours.
    #[serde(default)]
    pub holidays: Vec<String>,
    /// What is allowed on those.
    #[serde(default)]
    pub on_holidays: Vec<String>,
    /// How often one may write to a recipient there.
    #[serde(default)]
    pub caps: Vec<CapSpec>,
}

/// Jurisdictions, as data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHoursSpec {
    /// Goes up with each change; decisions name it.
    pub version: u32,
    /// The rows.
    #[serde(rename = "jurisdiction", default)]
    pub jurisdictions: Vec<JurisdictionSpec>,
}

impl QuietHoursSpec {
    /// The jurisdictions shipped with the program, to be changed and added to.
    ///
    /// # Errors
    /// Never, as the tests show; the data is read like any other.
    pub fn shipped() -> Result<Self, HoursError> {
        Self::read(include_str!("../../data/jurisdictions.toml"))
    }

    pub(super) fn read(toml: &str) -> Result<Self, HoursError> {
        toml::from_str(toml).map_err(|error| HoursError::Unreadable(error.to_string()))
    }
}

/// Why jurisdictions are not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HoursError {
    /// The data is not readable.
    #[error("jurisdictions cannot be read: {0}")]
    Unreadable(String),
    /// A row says something wrong.
    #[error("jurisdiction {jurisdiction}: {field}: {problem}")]
    Row {
        /// Its name.
        jurisdiction: String,
        /// Which field.
        field: &'static str,
        /// What is wrong there.
        problem: String,
    },
}
