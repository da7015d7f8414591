//! Time zones.

use std::fmt;
use std::str::FromStr;

use crate::setting::text_setting;

/// A time zone of the tz database, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimeZone(String);

const TIME_ZONE: &str = "a time zone of the tz database such as \"Europe/London\"";

text_setting!(TimeZone, TIME_ZONE);

impl TimeZone {
    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TimeZone {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match jiff::tz::TimeZone::get(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(TIME_ZONE.into()),
        }
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
