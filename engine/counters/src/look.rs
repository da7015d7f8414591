use serde::Serialize;

use crate::counters::Counters;
use crate::entry::{Entry, EntryKey, age, flag};
use crate::rules::Rule;
use crate::{AlarmId, CounterKey, Key, KeyKind, Mono, Wall};

/// One counter as the NOC looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Look {
    /// Which counter.
    pub key: CounterKey,
    /// The count within the window, now.
    pub count: u64,
    /// True when more is within the window than is held, so that the count is at least this.
    pub saturated: bool,
    /// The threshold it is compared with.
    pub threshold: u32,
    /// The window, in milliseconds.
    pub window_ms: u64,
    /// When the counter was created.
    pub first_seen: Wall,
    /// The newest message.
    pub last_seen: Wall,
    /// Distinct counterparts within the last one to two windows, estimated; `None` while the key is far from its
    /// threshold, or a pair.
    pub distinct: Option<u32>,
    /// Messages within the window, estimated beyond what is held; `None` as above.
    pub volume: Option<u64>,
    /// The count of the reverse direction, for a pair.
    pub reverse: Option<u64>,
    /// The alarm that stands for it.
    pub alarm: Option<AlarmId>,
}

impl Counters {
    /// Looks at one counter without touching it; `None` when nothing is held or no
    /// policy fits. For a group the key is
    /// [`crate::Key::group`].
    pub fn look(&self, now: Mono, wall: Wall, key: CounterKey) -> Option<Look> {
        let tick = now.millis().max(self.tick);
        let entry_key = EntryKey::new(key);
        let hash = self.table.hash(entry_key);
        let entry = self.table.entry(self.table.find(hash, entry_key)?);
        let rule = self.rule_of(entry)?;
        let pair = key.kind() == KeyKind::Pair;
        let reverse = pair.then(|| {
            let reverse = self.table.entry(self.table.find(hash, entry_key.reverse())?);
            Some(reverse.count_at(tick, self.rule_of(reverse)?, &self.blocks))
        });
        let evidence = self.evidence.get(entry.evidence);
        let standing = self.alarms.find(hash, entry_key).and_then(|found| self.alarms.get(found));
        let seconds_ago = ((tick / 1_000) as u32).wrapping_sub(entry.first_seen);
        Some(Look {
            key,
            count: entry.count_at(tick, rule, &self.blocks),
            saturated: entry.has(flag::CAPPED),
            threshold: rule.threshold,
            window_ms: u64::from(rule.window),
            first_seen: wall.back_millis(u64::from(seconds_ago) * 1_000),
            last_seen: wall.back_millis(u64::from(age(tick as u32, entry.newest()))),
            distinct: evidence.filter(|_| !pair).map(|evidence| evidence.distinct()),
            volume: evidence.map(|evidence| evidence.volume(tick, rule)),
            reverse: reverse.map(|count| count.unwrap_or(0)),
            alarm: standing.map(|standing| standing.alarm.id),
        })
    }

    /// The rule in force for an entry, also one that has not followed a change of policies yet.
    fn rule_of(&self, entry: &Entry) -> Option<&Rule> {
        let key = Key::from_half(entry.key.a);
        let number = self.rules.resolve(entry.key.kind(), key, entry.carrier())?;
        Some(self.rules.rule(number))
    }
}
