//! Holidays.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use crate::setting::text_setting;

/// A date, or a day of every year.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Holiday(String);

const HOLIDAY: &str = "a date such as \"2026-12-25\", or a day of every year such as \"12-25\"";

text_setting!(Holiday, HOLIDAY);

impl FromStr for Holiday {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        // 2024 has every day that any year has.
        let date = text.parse::<Date>().or_else(|_| format!("2024-{text}").parse());
        match date {
            Ok(_) if matches!(text.len(), 5 | 10) => Ok(Self(text.to_owned())),
            Ok(_) | Err(_) => Err(HOLIDAY.into()),
        }
    }
}

impl fmt::Display for Holiday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
