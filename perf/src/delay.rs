//! A delay, the same each time or drawn anew.

use rand::Rng;
use std::time::Duration;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Delay {
    /// At once.
    #[default]
    None,
    /// Always the same.
    Fixed(Duration),
    /// Evenly between the two.
    Between(Duration, Duration),
}

impl Delay {
    /// The next delay.
    pub fn draw(self, random: &mut impl Rng) -> Duration {
        match self {
            Delay::None => Duration::ZERO,
            Delay::Fixed(duration) => duration,
            Delay::Between(least, most) => random.random_range(least..=most),
        }
    }

    /// Whether it is always zero.
    pub fn is_none(self) -> bool {
        matches!(self, Delay::None | Delay::Fixed(Duration::ZERO))
    }
}

impl std::str::FromStr for Delay {
    type Err = String;

    /// `20ms`, or `10ms..50ms`.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some((least, most)) = text.split_once("..") else {
            return Ok(Delay::Fixed(duration(text)?));
        };
        let (least, most) = (duration(least)?, duration(most)?);
        if least > most {
            return Err(format!("{text:?} ends before it begins"));
        }
        Ok(Delay::Between(least, most))
    }
}

/// Reads `250us`, `20ms`, `1.5s`, `2m`, `1h`.
///
/// # Errors
/// What is wrong with the text.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let value: f64 = number.parse().map_err(|_| format!("{text:?} does not begin with a number"))?;
    let seconds = match unit {
        "us" => value / 1e6,
        "ms" => value / 1e3,
        "s" => value,
        "m" => value * 60.0,
        "h" => value * 3600.0,
        "" if value == 0.0 => 0.0,
        _ => return Err(format!("{text:?} has no unit out of us, ms, s, m, h")),
    };
    Duration::try_from_secs_f64(seconds).map_err(|error| format!("{text:?}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_read() {
        let ms = Duration::from_millis;
        assert_eq!("20ms".parse(), Ok(Delay::Fixed(ms(20))));
        assert_eq!("10ms..1.5s".parse(), Ok(Delay::Between(ms(10), ms(1500))));
        assert_eq!("0".parse(), Ok(Delay::Fixed(Duration::ZERO)));
        for bad in ["", "5", "ms", "2s..1s", "3 days"] {
            assert!(bad.parse::<Delay>().is_err(), "{bad}");
        }
    }
}
