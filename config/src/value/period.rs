//! Lengths of time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::setting::text_setting;

/// A length of time, written with its unit: `250ms`, `30s`, `5m`, `72h`, `7d`, or several as in `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(Duration);

const EXPECTS: &str = "a length of time such as \"250ms\", \"30s\", \"5m\", \"72h\" or \"7d\"";

/// Unit and milliseconds in it, largest first.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Ten years: longer than anything here is kept, short enough that no sum of instants overflows.
const LONGEST_MS: u64 = 3_650 * 86_400_000;

text_setting!(Period, EXPECTS);

impl Period {
    /// No time at all.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// So many milliseconds.
    pub const fn milliseconds(milliseconds: u64) -> Self {
        Self(Duration::from_millis(milliseconds))
    }

    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The same length as the standard library has it.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Whole milliseconds.
    pub const fn as_milliseconds(self) -> u64 {
        self.0.as_millis() as u64
    }

    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut total: u64 = 0;
        let mut rest = text.trim();
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        if rest.is_empty() {
            return Err(EXPECTS.into());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(EXPECTS)?;
            let (number, after) = rest.split_at(digits);
            let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            let (unit, after) = after.split_at(letters);
            let number: u64 = number.parse().map_err(|_| EXPECTS)?;
            let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(EXPECTS)?;
            total = number
                .checked_mul(*factor)
                .and_then(|part| total.checked_add(part))
                .filter(|total| *total <= LONGEST_MS)
                .ok_or("a length of time of at most 3650d")?;
            rest = after;
        }
        Ok(Self::milliseconds(total))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.as_milliseconds();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, factor) in UNITS {
            let (count, after) = (rest / factor, rest % factor);
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
            rest = after;
        }
        Ok(())
    }
}
