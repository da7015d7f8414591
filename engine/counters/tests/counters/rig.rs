//! Counters with clocks that the test turns.

use signalbox_counters::{
    AlarmChange, AlarmEvent, AlarmKind, CounterKey, Counters, Key, KeyKind, Limits, Mono, Outcome, Policy,
    PolicySet, Sighting, Wall,
};

/// Wall time at the origin of the monotonic clock, in microseconds.
pub const EPOCH: i64 = 1_800_000_000_000_000;

pub const MINUTE: u64 = 60_000;

pub struct Rig {
    pub counters: Counters,
    pub events: Vec<AlarmEvent>,
    messages: u128,
}

/// The policy of the test vectors: window 60 s, threshold 3.
pub fn policy(kind: KeyKind) -> Policy {
    Policy { window_ms: MINUTE, threshold: 3, ..Policy::new(kind) }
}

pub fn set(policies: Vec<Policy>) -> PolicySet {
    PolicySet { policies, ..PolicySet::default() }
}

pub fn number(n: u64) -> Key {
    Key::e164_number(447_900_000_000 + n).unwrap()
}

pub fn wall(ms: u64) -> Wall {
    Wall(EPOCH + ms as i64 * 1_000)
}

pub fn pair(source: Key, destination: Key) -> CounterKey {
    CounterKey::Pair { source, destination }
}

impl Rig {
    pub fn new(policies: Vec<Policy>) -> Rig {
        Rig::with(&set(policies), Limits::default())
    }

    pub fn with(set: &PolicySet, limits: Limits) -> Rig {
        Rig { counters: Counters::new(set, limits).unwrap(), events: Vec::new(), messages: 0 }
    }

    /// A message from one number to another, with a fresh id and no body known.
    pub fn sighting(&mut self, source: Key, destination: Key) -> Sighting {
        self.messages += 1;
        Sighting::new(source, destination, self.messages)
    }

    pub fn count(&mut self, ms: u64, sighting: &Sighting) -> Outcome {
        let outcome = self.counters.count(Mono::from_millis(ms), wall(ms), sighting);
        self.events.extend(outcome.alarms.iter().cloned());
        outcome
    }

    pub fn send(&mut self, ms: u64, source: Key, destination: Key) -> Outcome {
        let sighting = self.sighting(source, destination);
        self.count(ms, &sighting)
    }

    /// A whole sweep that begins now, in slices.
    pub fn sweep(&mut self, ms: u64) -> Vec<AlarmEvent> {
        let mut events = Vec::new();
        for _ in 0..1_000_000 {
            let report = self.counters.sweep(Mono::from_millis(ms), wall(ms), 100);
            events.extend(report.events);
            if report.finished {
                self.events.extend(events.iter().cloned());
                return events;
            }
        }
        panic!("the sweep was not due or did not end");
    }

    /// All notices so far, and forgets them.
    pub fn changes(&mut self) -> Vec<(AlarmChange, AlarmKind, KeyKind)> {
        let told = self.events.drain(..);
        told.map(|event| (event.change, event.alarm.kind, event.alarm.key.kind())).collect()
    }

    pub fn held(&self, ms: u64, key: CounterKey) -> u64 {
        self.counters.look(Mono::from_millis(ms), wall(ms), key).map_or(0, |look| look.count)
    }
}
