use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::prefix::PrefixMap;
use crate::{CounterKey, Key, Prefix, Wall};

/// Which side of a message a white list entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Sources: their source, group and pair alarms are disregarded.
    Source,
    /// Destinations: their destination and pair alarms are disregarded.
    Destination,
}

/// Whom a white list entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listed {
    /// One address; a group by its key.
    Address(Key),
    /// International numbers that begin so.
    Prefix(Prefix),
}

/// One entry of the white list (DC-09). What it names is still counted, only its alarms are disregarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhiteListEntry {
    /// Source or destination.
    pub side: Side,
    /// Address or prefix.
    pub listed: Listed,
    /// Why, for the record; not empty.
    pub reason: String,
    /// Up to when, exclusive; `None` for good.
    #[serde(default)]
    pub until: Option<Wall>,
}

/// The whole white list at one version (shared rule 10).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhiteList {
    /// Version of the list.
    pub version: u64,
    /// The entries.
    pub entries: Vec<WhiteListEntry>,
}

/// Why a white list is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WhiteListError {
    /// An entry gives no reason.
    #[error("entry {place} gives no reason")]
    NoReason {
        /// Its place in the list, from 0.
        place: usize,
    },
    /// Side and address or prefix were there before.
    #[error("entry {place} names the same as an entry before it")]
    Duplicate {
        /// Its place in the list, from 0.
        place: usize,
    },
    /// Not newer than what rules now.
    #[error("version {offered} is not newer than version {current}")]
    Stale {
        /// The version that rules.
        current: u64,
        /// The version that was offered.
        offered: u64,
    },
}

/// The end of an entry; `Wall(i64::MAX)` for good.
type Until = Wall;

#[derive(Debug, Clone, Default)]
struct ListedSide {
    addresses: FxHashMap<u64, Until>,
    prefixes: PrefixMap<Until>,
}

impl ListedSide {
    fn has(&self, key: Key, wall: Wall) -> bool {
        self.addresses.get(&key.raw()).is_some_and(|until| wall < *until)
            || self.prefixes.longest(key, |until| wall < *until).is_some()
    }
}

/// The white list made ready for look-ups.
#[derive(Debug, Clone, Default)]
pub(crate) struct WhiteListIndex {
    pub(crate) version: u64,
    source: ListedSide,
    destination: ListedSide,
}

impl WhiteListIndex {
    pub(crate) fn new(list: &WhiteList) -> Result<WhiteListIndex, WhiteListError> {
        let mut index = WhiteListIndex { version: list.version, ..WhiteListIndex::default() };
        for (place, entry) in list.entries.iter().enumerate() {
            if entry.reason.trim().is_empty() {
                return Err(WhiteListError::NoReason { place });
            }
            let side = match entry.side {
                Side::Source => &mut index.source,
                Side::Destination => &mut index.destination,
            };
            let until = entry.until.unwrap_or(Wall(i64::MAX));
            let before = match entry.listed {
                Listed::Address(key) => side.addresses.insert(key.raw(), until),
                Listed::Prefix(prefix) => side.prefixes.insert(prefix, until),
            };
            if before.is_some() {
                return Err(WhiteListError::Duplicate { place });
            }
        }
        Ok(index)
    }

    /// Whether the alarms of this counter are disregarded at this time.
    pub(crate) fn covers(&self, key: CounterKey, wall: Wall) -> bool {
        match key {
            CounterKey::Source(source) | CounterKey::Group(source) => self.source.has(source, wall),
            CounterKey::Destination(destination) => self.destination.has(destination, wall),
            CounterKey::Pair { source, destination } => {
                self.source.has(source, wall) || self.destination.has(destination, wall)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(side: Side, listed: Listed, until: Option<Wall>) -> WhiteListEntry {
        WhiteListEntry { side, listed, reason: "test".into(), until }
    }

    #[test]
    fn a_long_prefix_that_ended_leaves_the_short_one() {
        let prefix = |p: &str| Listed::Prefix(p.parse().unwrap());
        let list = WhiteList {
            version: 1,
            entries: vec![
                entry(Side::Source, prefix("44"), None),
                entry(Side::Source, prefix("4479"), Some(Wall(10))),
                entry(Side::Source, prefix("336"), Some(Wall(10))),
            ],
        };
        let index = WhiteListIndex::new(&list).unwrap();
        let source = |n: &str| CounterKey::Source(Key::e164(n).unwrap());
        assert!(index.covers(source("447900"), Wall(11)));
        assert!(index.covers(source("33612"), Wall(9)));
        assert!(!index.covers(source("33612"), Wall(10)));
        assert!(!index.covers(CounterKey::Destination(Key::e164("447900").unwrap()), Wall(0)));
    }

    #[test]
    fn faults_are_told() {
        let one = entry(Side::Source, Listed::Address(Key::vendor(1)), None);
        let list = WhiteList { version: 1, entries: vec![one.clone(), one.clone()] };
        assert_eq!(WhiteListIndex::new(&list).unwrap_err(), WhiteListError::Duplicate { place: 1 });
        let nameless = WhiteListEntry { reason: " ".into(), ..one };
        let list = WhiteList { version: 1, entries: vec![nameless] };
        assert_eq!(WhiteListIndex::new(&list).unwrap_err(), WhiteListError::NoReason { place: 0 });
    }
}
