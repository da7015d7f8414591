//! Snapshots, so that a restart does not forget what was counted (DC-25).
//!
//! Times leave as wall time, for the monotonic clock does not outlive the process. A step of the wall clock while
//! the process is down therefore ages the saved timestamps by as much; none becomes younger than now.

use serde::{Deserialize, Serialize};

use crate::alarms::Standing;
use crate::counters::{Counters, Subject};
use crate::entry::{Entry, EntryKey, age, flag};
use crate::rules::Rule;
use crate::{Alarm, CounterKey, Key, Mono, Wall};

/// One counter of a snapshot; some 30 bytes in a compact encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedEntry {
    /// Which counter.
    pub key: CounterKey,
    /// The carrier its policy was chosen by.
    pub carrier: Option<u32>,
    /// When it was created, in whole seconds.
    pub first_seen_s: i64,
    /// What it holds.
    pub held: SavedCount,
}

/// What a counter holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SavedCount {
    /// Timestamps of a sliding window.
    Sliding {
        /// The oldest timestamp in UTC milliseconds.
        oldest_ms: i64,
        /// Milliseconds from each timestamp to the next, oldest first.
        gaps_ms: Vec<u32>,
        /// Whether the oldest is that of the creating message, which weighs `init`.
        first: bool,
        /// Whether more are within the window than are held.
        capped: bool,
    },
    /// Messages of a fixed period.
    Fixed {
        /// The first message of the period in UTC milliseconds.
        opened_ms: i64,
        /// How many there were.
        messages: u32,
    },
}

/// The standing alarms of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SavedAlarms {
    /// Number of the next alarm.
    pub next_id: u64,
    /// The alarms that stand.
    pub alarms: Vec<Alarm>,
}

/// What became of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Restored {
    /// Entries that count again.
    pub entries: u64,
    /// Entries whose window has passed meanwhile.
    pub expired: u64,
    /// Entries that no policy fits, or whose mode changed.
    pub unfit: u64,
    /// Entries and alarms left out because there is one already.
    pub present: u64,
    /// Entries and alarms left out because of a bound.
    pub refused: u64,
    /// Alarms that stand again.
    pub alarms: u64,
}

impl Counters {
    /// How many parts a snapshot has; each is small, so that messages can be counted in between.
    pub fn snapshot_parts(&self) -> usize {
        self.table.segments()
    }

    /// The entries of one part; none beyond the last.
    pub fn snapshot(&self, part: usize, now: Mono, wall: Wall) -> impl Iterator<Item = SavedEntry> {
        let tick = now.millis().max(self.tick);
        let parts = if part < self.table.segments() { part..part + 1 } else { 0..0 };
        parts.flat_map(|part| self.table.entries(part)).map(move |entry| self.save(entry, tick, wall))
    }

    fn save(&self, entry: &Entry, tick: u64, wall: Wall) -> SavedEntry {
        let at = |stamp: u32| wall.millis() - i64::from(age(tick as u32, stamp));
        let held = if entry.has(flag::FIXED) {
            SavedCount::Fixed { opened_ms: at(entry.oldest()), messages: entry.len() }
        } else {
            let stamps = || entry.stamps(&self.blocks);
            SavedCount::Sliding {
                oldest_ms: at(entry.oldest()),
                gaps_ms: stamps().zip(stamps().skip(1)).map(|(older, newer)| age(newer, older)).collect(),
                first: entry.has(flag::FIRST),
                capped: entry.has(flag::CAPPED),
            }
        };
        let seconds_ago = ((tick / 1_000) as u32).wrapping_sub(entry.first_seen);
        SavedEntry {
            key: entry.key.counter_key(),
            carrier: entry.carrier(),
            first_seen_s: wall.millis().div_euclid(1_000) - i64::from(seconds_ago),
            held,
        }
    }

    /// The alarms that stand, for a snapshot.
    pub fn snapshot_alarms(&self) -> SavedAlarms {
        SavedAlarms { next_id: self.alarms.next_id, alarms: self.alarms().cloned().collect() }
    }

    /// Takes back the entries of a snapshot, before anything is counted; then come the alarms
    /// ([`Counters::restore_alarms`]). An entry whose key is there already is left out. Raises nothing: what is
    /// above its threshold alarms with its next message.
    pub fn restore(
        &mut self,
        now: Mono,
        wall: Wall,
        entries: impl IntoIterator<Item = SavedEntry>,
    ) -> Restored {
        let tick = self.advance(now);
        let mut restored = Restored::default();
        for saved in entries {
            *self.restore_entry(tick, wall, &saved, &mut restored) += 1;
        }
        restored
    }

    /// Puts one entry back; the tally its fate belongs to.
    fn restore_entry<'r>(
        &mut self,
        tick: u64,
        wall: Wall,
        saved: &SavedEntry,
        restored: &'r mut Restored,
    ) -> &'r mut u64 {
        let key = EntryKey::new(saved.key);
        let kind = saved.key.kind();
        let Some(number) = self.rules.resolve(kind, Key::from_half(key.a), saved.carrier) else {
            return &mut restored.unfit;
        };
        let rule = *self.rules.rule(number);
        let ages = match saved.ages(wall, &rule) {
            Ages::Unfit => return &mut restored.unfit,
            Ages::Expired => return &mut restored.expired,
            Ages::Live(ages) => ages,
        };
        let hash = self.table.hash(key);
        self.freshen(self.table.segment(hash), tick);
        if self.table.find(hash, key).is_some() {
            return &mut restored.present;
        }
        if self.table.len() >= self.limits.max_keys {
            return &mut restored.refused;
        }
        let subject = Subject { key, kind, hash, carrier: saved.carrier, counterpart: hash };
        let Some(place) = self.create(tick, number, &subject) else { return &mut restored.refused };
        let entry = self.table.entry_mut(place);
        entry.set_carrier(saved.carrier);
        let seconds_ago =
            (wall.millis().div_euclid(1_000) - saved.first_seen_s).clamp(0, i64::from(u32::MAX));
        entry.first_seen = ((tick / 1_000) as u32).wrapping_sub(seconds_ago as u32);
        match &saved.held {
            SavedCount::Fixed { messages, .. } => entry.refill_fixed(tick, *messages, &rule),
            SavedCount::Sliding { gaps_ms, first, capped, .. } => {
                let first = *first && ages.len() == gaps_ms.len() + 1;
                let stamps = ages.into_iter().map(|age| (tick as u32).wrapping_sub(age));
                let dropped = entry.refill(stamps, first, &rule, &mut self.blocks);
                if *capped || dropped > 0 {
                    entry.put(flag::CAPPED, entry.count(&rule) > u64::from(rule.threshold));
                }
                self.tallies.stamps_dropped += u64::from(dropped);
            }
        }
        &mut restored.entries
    }

    /// Takes back the alarms of a snapshot. They stand as they stood; the next repeat is a whole interval away.
    pub fn restore_alarms(&mut self, now: Mono, saved: SavedAlarms) -> Restored {
        let tick = self.advance(now);
        let mut restored = Restored::default();
        self.alarms.next_id = self.alarms.next_id.max(saved.next_id);
        for alarm in saved.alarms {
            let key = EntryKey::new(alarm.key);
            let hash = self.table.hash(key);
            if self.alarms.find(hash, key).is_some() {
                restored.present += 1;
                continue;
            }
            if self.alarms.is_full() {
                restored.refused += 1;
                continue;
            }
            if let Some(place) = self.table.find(hash, key) {
                self.table.entry_mut(place).put(flag::ALARMED, true);
            }
            self.alarms.next_id = self.alarms.next_id.max(alarm.id.0.saturating_add(1));
            self.alarms.add(Standing { alarm, key, hash, notified: tick, opens: now.nanos() });
            restored.alarms += 1;
        }
        restored
    }
}

/// How old what is saved is by now, in milliseconds, oldest first.
enum Ages {
    Live(Vec<u32>),
    Expired,
    Unfit,
}

impl SavedEntry {
    fn ages(&self, wall: Wall, rule: &Rule) -> Ages {
        let now = wall.millis();
        let live = |at: i64| {
            let age = now.saturating_sub(at).max(0);
            (age <= i64::from(rule.window)).then_some(age as u32)
        };
        match &self.held {
            SavedCount::Fixed { .. } if !rule.fixed => Ages::Unfit,
            SavedCount::Sliding { .. } if rule.fixed => Ages::Unfit,
            SavedCount::Fixed { messages: 0, .. } => Ages::Expired,
            SavedCount::Fixed { opened_ms, .. } => {
                live(*opened_ms).map_or(Ages::Expired, |age| Ages::Live(vec![age]))
            }
            SavedCount::Sliding { oldest_ms, gaps_ms, .. } => {
                let mut at = *oldest_ms;
                let later = gaps_ms.iter().map(|gap| {
                    at = at.saturating_add(i64::from(*gap));
                    at
                });
                let ages: Vec<u32> = std::iter::once(*oldest_ms).chain(later).filter_map(live).collect();
                if ages.is_empty() { Ages::Expired } else { Ages::Live(ages) }
            }
        }
    }
}
