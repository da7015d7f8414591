use std::fmt;
use std::str::FromStr;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::key::MAX_DIGITS;
use crate::{Key, KeyError};

/// The leading digits of international numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix {
    digits: u8,
    value: u64,
}

impl FromStr for Prefix {
    type Err = KeyError;

    fn from_str(s: &str) -> Result<Prefix, KeyError> {
        let digits = s.strip_prefix('+').unwrap_or(s);
        let value = Key::e164(digits)?.as_e164().unwrap_or(0);
        Ok(Prefix { digits: digits.len() as u8, value })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.value)
    }
}

impl Serialize for Prefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Prefix, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Prefixes with a value each, found by the longest that fits and that the caller accepts.
#[derive(Debug, Clone)]
pub(crate) struct PrefixMap<T> {
    /// Bit n is set when a prefix of n digits is in the map.
    lengths: u16,
    values: FxHashMap<Prefix, T>,
}

impl<T> Default for PrefixMap<T> {
    fn default() -> Self {
        PrefixMap { lengths: 0, values: FxHashMap::default() }
    }
}

impl<T> PrefixMap<T> {
    /// Adds a prefix; the value it had before, if any.
    pub(crate) fn insert(&mut self, prefix: Prefix, value: T) -> Option<T> {
        self.lengths |= 1 << prefix.digits;
        self.values.insert(prefix, value)
    }

    /// The value of the longest prefix of `key` that `accept` takes. At most one look-up per length in use.
    pub(crate) fn longest(&self, key: Key, accept: impl Fn(&T) -> bool) -> Option<&T> {
        if self.lengths == 0 {
            return None;
        }
        let number = key.as_e164()?;
        let digits = number.ilog10() + 1;
        (1..=digits.min(MAX_DIGITS as u32)).rev().filter(|n| self.lengths >> n & 1 == 1).find_map(|n| {
            let prefix = Prefix { digits: n as u8, value: number / 10u64.pow(digits - n) };
            self.values.get(&prefix).filter(|value| accept(value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_prefix_wins() {
        let mut map = PrefixMap::default();
        for (prefix, value) in [("44", 1), ("4479", 2), ("+1", 3), ("447900900123", 4)] {
            map.insert(prefix.parse().unwrap(), value);
        }
        let find = |number: &str| map.longest(Key::e164(number).unwrap(), |_| true).copied();
        assert_eq!(find("447900900124"), Some(2));
        assert_eq!(find("447900900123"), Some(4));
        assert_eq!(find("441234"), Some(1));
        assert_eq!(find("15551234567"), Some(3));
        assert_eq!(find("4"), None);
        assert_eq!(find("33123"), None);
        let below = map.longest(Key::e164("447900900123").unwrap(), |v| *v < 2);
        assert_eq!(below, Some(&1));
        assert_eq!(map.longest(Key::digits("4479").unwrap(), |_| true), None);
    }
}
