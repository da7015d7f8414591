use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An instant in UTC, microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

/// A length of time in microseconds, never below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(u64);

impl Span {
    /// Some seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Some minutes.
    #[must_use]
    pub const fn minutes(minutes: u64) -> Self {
        Self::seconds(minutes.saturating_mul(60))
    }

    /// Some hours.
    #[must_use]
    pub const fn hours(hours: u64) -> Self {
        Self::minutes(hours.saturating_mul(60))
    }

    /// Some days of 24 hours.
    #[must_use]
    pub const fn days(days: u64) -> Self {
        Self::hours(days.saturating_mul(24))
    }

    /// In microseconds.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }
}

impl Micros {
    /// The later instant, or the last one that can be written.
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        Self(self.0.saturating_add_unsigned(span.0))
    }

    /// The earlier instant, or the first one that can be written.
    #[must_use]
    pub const fn before(self, span: Span) -> Self {
        Self(self.0.saturating_sub_unsigned(span.0))
    }

    /// The instant for calendars; one beyond the years -9999 to 9999 becomes the nearest of them.
    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }

    /// The first microsecond not before `at`.
    pub(crate) fn not_before(at: Timestamp) -> Self {
        let micros = at.as_microsecond();
        Self(if at.subsec_nanosecond() % 1_000 > 0 { micros + 1 } else { micros })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_saturate() {
        assert_eq!(Micros(5).after(Span::seconds(1)), Micros(1_000_005));
        assert_eq!(Micros(i64::MAX).after(Span::days(1)), Micros(i64::MAX));
        assert_eq!(Micros(i64::MIN).before(Span::days(1)), Micros(i64::MIN));
        assert_eq!(Micros(i64::MAX).timestamp(), Timestamp::MAX);
        assert_eq!(Micros(i64::MIN).timestamp(), Timestamp::MIN);
        assert_eq!(Span::days(u64::MAX).micros(), u64::MAX);
    }
}
