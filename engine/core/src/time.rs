//! Time as it is handed to the domain; nothing here reads a clock.

use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant in UTC, microseconds since 1970-01-01T00:00:00Z: windows, schedules, receipts, CDRs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Micros(pub i64);

/// A point on the monotonic clock, nanoseconds since an origin that the process chose: timers, counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mono(pub u64);

/// When a wait began, nanoseconds on the monotonic clock: below zero where that was before the clock's origin, as of
/// what waited already when the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Since(pub i64);

impl Since {
    /// How long the wait has lasted, zero when it begins later.
    #[must_use]
    pub fn age(self, now: Mono) -> Duration {
        let waited = i128::from(now.0) - i128::from(self.0);
        Duration::from_nanos(u64::try_from(waited.max(0)).unwrap_or(u64::MAX))
    }
}

impl From<Mono> for Since {
    fn from(at: Mono) -> Self {
        Self(i64::try_from(at.0).unwrap_or(i64::MAX))
    }
}

/// One reading of both clocks (rule 10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// UTC.
    pub wall: Micros,
    /// Monotonic.
    pub mono: Mono,
}

impl Now {
    /// The monotonic point at which `wall` is reached if nobody steps the wall clock.
    #[must_use]
    pub fn mono_at(&self, wall: Micros) -> Mono {
        let ahead = wall.0.saturating_sub(self.wall.0).saturating_mul(1000);
        Mono(self.mono.0.saturating_add_signed(ahead))
    }

    /// The wait that began at `wall`, at the latest now.
    #[must_use]
    pub fn since(&self, wall: Micros) -> Since {
        let behind = self.wall.0.saturating_sub(wall.0).max(0).saturating_mul(1000);
        Since(Since::from(self.mono).0.saturating_sub(behind))
    }

    /// Wall clock minus monotonic clock in microseconds; it changes only when the wall clock is stepped.
    #[must_use]
    pub fn offset_micros(&self) -> i64 {
        self.wall.0.saturating_sub((self.mono.0 / 1000).cast_signed())
    }
}

impl Micros {
    /// The later instant, or the last one that can be written.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The earlier instant, or the first one that can be written.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Time since `earlier`, zero when that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0).max(0).cast_unsigned())
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub for Mono {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_instant_maps_to_the_monotonic_clock() {
        let now = Now { wall: Micros(1_000_000), mono: Mono(5_000_000_000) };
        assert_eq!(now.mono_at(Micros(3_000_000)), Mono(7_000_000_000));
        assert_eq!(now.mono_at(Micros(0)), Mono(4_000_000_000));
        assert_eq!(now.mono_at(Micros(i64::MIN)), Mono(0));
    }

    #[test]
    fn a_wait_may_have_begun_before_the_monotonic_clock() {
        let now = Now { wall: Micros(9_000_000), mono: Mono(5_000_000_000) };
        assert_eq!(now.since(Micros(2_000_000)), Since(-2_000_000_000));
        assert_eq!(now.since(Micros(2_000_000)).age(now.mono), Duration::from_secs(7));
        assert_eq!(now.since(Micros(10_000_000)), Since::from(now.mono));
        assert_eq!(Since(7).age(Mono(5)), Duration::ZERO);
    }

    #[test]
    fn spans_saturate() {
        assert_eq!(Mono(1) - Mono(2), Duration::ZERO);
        assert_eq!(Micros(5).since(Micros(9)), Duration::ZERO);
        assert_eq!(Micros(1).after(Duration::MAX), Micros(i64::MAX));
    }
}
