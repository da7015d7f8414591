use serde::{Deserialize, Serialize};

/// A point of the monotonic clock, in nanoseconds from an origin of the caller's choice (DC-20).
///
/// Windows are measured on this clock only, so a step of the wall clock neither expires nor freezes anything.
/// Receipt times are kept in whole milliseconds (ticks): 60.000 s against a window of 60 s is kept, 60.001 s is
/// older.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Mono(u64);

impl Mono {
    /// The clock's origin.
    pub const ZERO: Mono = Mono(0);

    /// From nanoseconds since the origin.
    pub const fn from_nanos(nanos: u64) -> Mono {
        Mono(nanos)
    }

    /// From microseconds since the origin; saturates after 584 years.
    pub const fn from_micros(micros: u64) -> Mono {
        Mono(micros.saturating_mul(1_000))
    }

    /// From milliseconds since the origin; saturates after 584 years.
    pub const fn from_millis(millis: u64) -> Mono {
        Mono(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the origin.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the origin: the tick in which the counters keep time.
    pub const fn millis(self) -> u64 {
        self.0 / 1_000_000
    }
}

/// Wall time in UTC microseconds since 1970. Goes into alarm records, white list ends and snapshots, never into
/// a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wall(pub i64);

impl Wall {
    /// From UTC microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Wall {
        Wall(micros)
    }

    /// Whole milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This time less some milliseconds.
    pub(crate) const fn back_millis(self, millis: u64) -> Wall {
        Wall(self.0.saturating_sub_unsigned(millis.saturating_mul(1_000)))
    }
}
