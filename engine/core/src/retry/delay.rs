//! Waiting times as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// A waiting time, written as `90s`, `5m`, `1h 30m` or `PT5M`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delay(Duration);

/// A text that is no waiting time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no waiting time such as 90s, 5m or 1h 30m")]
pub struct InvalidDelay {
    /// The text.
    pub text: String,
}

impl Delay {
    /// The least that a retry waits.
    pub const LEAST: Self = Self(Duration::from_millis(100));
    /// The most that a retry waits: validity periods end after a week or two.
    pub const MOST: Self = Self(Duration::from_secs(7 * 86_400));

    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// This span.
    #[must_use]
    pub const fn new(span: Duration) -> Self {
        Self(span)
    }

    /// The span.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = SignedDuration::try_from(self.0).unwrap_or(SignedDuration::MAX);
        write!(f, "{span:#}")
    }
}

impl FromStr for Delay {
    type Err = InvalidDelay;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span = text.parse::<SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
        span.map(Self).ok_or_else(|| InvalidDelay { text: text.to_owned() })
    }
}

impl TryFrom<String> for Delay {
    type Error = InvalidDelay;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Delay> for String {
    fn from(delay: Delay) -> Self {
        delay.to_string()
    }
}
