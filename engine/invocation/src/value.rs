use std::fmt;

use serde::{Deserialize, Serialize};

/// What a session variable holds (API-14).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// A number; never NaN or infinite in an outcome that was checked.
    Number(f64),
    /// A text.
    Text(String),
    /// An instant, microseconds of UTC.
    Date(i64),
}

impl Value {
    /// Octets that it takes in the store, nearly.
    #[must_use]
    pub fn octets(&self) -> usize {
        match self {
            Self::Number(_) | Self::Date(_) => 8,
            Self::Text(text) => text.len(),
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::Date(_) => None,
        }
    }
}

impl fmt::Display for Value {
    /// As it stands in a text that embeds it: numbers without a useless fraction, dates as microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::Date(micros) => write!(f, "{micros}"),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}
