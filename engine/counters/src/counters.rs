use std::fmt;

use crate::alarms::Alarms;
use crate::blocks::Blocks;
use crate::entry::{Entry, EntryKey, flag};
use crate::evidence::{Evidence, EvidenceStore, NO_EVIDENCE};
use crate::rules::{Rule, Rules};
use crate::stats::Tallies;
use crate::sweep::SweepState;
use crate::table::{Hash, Place, Table};
use crate::white_list::WhiteListIndex;
use crate::{
    Alarm, AlarmChange, AlarmError, AlarmEvent, AlarmId, AlarmState, AtBound, CounterKey, Key, KeyKind,
    Kinds, Limits, MAX_WINDOW_MS, Mono, OriginClass, Outcome, PolicyError, PolicySet, Sighting, Stats,
    Verdict, Wall, WhiteList, WhiteListError,
};

/// Ticks after which a segment no sweep came by is swept on touch, long before its times would wrap: 12 days.
const UNSWEPT: u64 = 1 << 30;
/// Ticks after which nothing in a segment no sweep came by can be within a window, for had it been touched in the
/// latter half of them, it would have been swept.
const UNTOUCHED: u64 = 1 << 31;

const _: () = assert!(UNTOUCHED - UNSWEPT > MAX_WINDOW_MS);

/// The counters of one shard: counts messages, raises alarms, gives verdicts.
///
/// Pure: times are given, nothing waits, nothing is written. One owner calls [`Counters::count`] for each message
/// and [`Counters::sweep`] often with a small budget; several cores have one set of counters each, the keys
/// divided by hash and the kinds of one message counted where they belong ([`Counters::count_kinds`]).
///
/// Cost: a message is a handful of cache misses however many keys there are. No call is long: growth moves one
/// segment of some 4,096 keys, a slice of the sweep visits at least one segment and no more than its budget
/// otherwise. A change of policies is carried out segment by segment as they are touched.
///
/// Memory: 64 bytes for a key of up to 7 timestamps, blocks of 15 for more, 192 bytes for each key near its
/// threshold; all bounded by [`Limits`], with a tally of what was left out in [`Stats`].
pub struct Counters {
    pub(crate) rules: Rules,
    pub(crate) limits: Limits,
    pub(crate) white_list: WhiteListIndex,
    pub(crate) table: Table,
    pub(crate) blocks: Blocks,
    pub(crate) evidence: EvidenceStore,
    pub(crate) alarms: Alarms,
    pub(crate) tallies: Tallies,
    pub(crate) sweeping: SweepState,
    /// Which change of policies the entries must have followed.
    pub(crate) generation: u32,
    /// The latest tick seen; time does not go back.
    pub(crate) tick: u64,
    /// Tick from which on every message was counted; windows that began before are not full.
    pub(crate) complete_since: Option<u64>,
}

impl fmt::Debug for Counters {
    /// The figures only: millions of numbers belong in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counters").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// When a message is counted, in all clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) tick: u64,
    pub(crate) nanos: u64,
    pub(crate) wall: Wall,
}

/// A counter of the message at hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject {
    pub(crate) key: EntryKey,
    pub(crate) kind: KeyKind,
    pub(crate) hash: Hash,
    pub(crate) carrier: Option<u32>,
    /// Hash of the other side, for the estimate of distinct counterparts.
    pub(crate) counterpart: Hash,
}

impl Counters {
    /// Empty counters.
    ///
    /// # Errors
    /// When a policy is wrong.
    pub fn new(policies: &PolicySet, limits: Limits) -> Result<Counters, PolicyError> {
        Ok(Counters {
            rules: Rules::new(policies)?,
            white_list: WhiteListIndex::default(),
            table: Table::new(limits.max_keys, limits.seed),
            blocks: Blocks::new(limits.max_blocks),
            evidence: EvidenceStore::new(limits.max_evidence),
            alarms: Alarms::new(limits.max_alarms, limits.alarm_history),
            tallies: Tallies::default(),
            sweeping: SweepState::default(),
            generation: 1,
            tick: 0,
            complete_since: None,
            limits,
        })
    }

    /// Counts one message and says what to do with it (DC-01 to DC-07).
    pub fn count(&mut self, now: Mono, wall: Wall, sighting: &Sighting) -> Outcome {
        self.count_kinds(now, wall, sighting, Kinds::ALL)
    }

    /// Counts only some kinds of key, for an owner that has only those; the pair and its reverse go together.
    pub fn count_kinds(&mut self, now: Mono, wall: Wall, sighting: &Sighting, kinds: Kinds) -> Outcome {
        let mut outcome = Outcome { policy_version: self.rules.version, ..Outcome::default() };
        if sighting.class != OriginClass::User {
            self.tallies.excluded[sighting.class.index()] += 1;
            return outcome;
        }
        self.tallies.counted += 1;
        let moment = Moment { tick: self.advance(now), nanos: now.nanos(), wall };
        let (from, to) = (sighting.source_carrier, sighting.destination_carrier);
        let source = self.subject(CounterKey::Source(sighting.source), from);
        let destination = self.subject(CounterKey::Destination(sighting.destination), to);
        let pair = CounterKey::Pair { source: sighting.source, destination: sighting.destination };
        let pair = self.subject(pair, from);
        self.table.warm([source.hash, destination.hash, pair.hash]);
        if kinds.has(KeyKind::Source) {
            let subject = Subject { counterpart: destination.hash, ..source };
            outcome.counts.source = self.count_subject(&moment, sighting, &subject, &mut outcome);
        }
        if kinds.has(KeyKind::Destination) {
            let subject = Subject { counterpart: source.hash, ..destination };
            outcome.counts.destination = self.count_subject(&moment, sighting, &subject, &mut outcome);
        }
        if kinds.has(KeyKind::Pair) {
            outcome.counts.pair = self.count_subject(&moment, sighting, &pair, &mut outcome);
        }
        if let Some(group) = sighting.group
            && kinds.has(KeyKind::Group)
        {
            let subject = self.subject(CounterKey::Group(Key::group(group)), from);
            let subject = Subject { counterpart: destination.hash, ..subject };
            outcome.counts.group = self.count_subject(&moment, sighting, &subject, &mut outcome);
        }
        self.tally_verdict(&mut outcome);
        outcome
    }

    fn tally_verdict(&mut self, outcome: &mut Outcome) {
        if outcome.verdict == Verdict::Pass {
            return;
        }
        if self.rules.passive {
            self.tallies.withheld += 1;
            outcome.verdict = Verdict::Pass;
            return;
        }
        match outcome.verdict {
            Verdict::Pass => {}
            Verdict::Throttle(_) => self.tallies.throttled += 1,
            Verdict::Block(_) => self.tallies.blocked += 1,
        }
    }

    /// The tick of a time; an earlier one than seen before counts as that.
    pub(crate) fn advance(&mut self, now: Mono) -> u64 {
        self.tick = self.tick.max(now.millis());
        self.tick
    }

    fn subject(&self, key: CounterKey, carrier: Option<u32>) -> Subject {
        let kind = key.kind();
        let key = EntryKey::new(key);
        let hash = self.table.hash(key);
        Subject { key, kind, hash, carrier, counterpart: hash }
    }

    fn count_subject(
        &mut self,
        at: &Moment,
        sighting: &Sighting,
        subject: &Subject,
        outcome: &mut Outcome,
    ) -> u64 {
        let Some(number) = self.rules.resolve(subject.kind, Key::from_half(subject.key.a), subject.carrier)
        else {
            return 0;
        };
        let rule = *self.rules.rule(number);
        self.freshen(self.table.segment(subject.hash), at.tick);
        if rule.per_message && !sighting.first_part {
            self.tallies.later_parts += 1;
            let held_back = self.verdict_of_later_part(subject, &rule);
            outcome.verdict = outcome.verdict.stricter(held_back);
            return 0;
        }
        let (found, reverse) = if subject.kind == KeyKind::Pair {
            self.table.find_both(subject.hash, subject.key)
        } else {
            (self.table.find(subject.hash, subject.key), None)
        };
        let (place, reverse) = match found {
            Some(place) => (place, reverse),
            None => match self.create(at.tick, number, subject) {
                // The other direction may have moved.
                Some(place) => {
                    (place, reverse.and_then(|_| self.table.find(subject.hash, subject.key.reverse())))
                }
                None => return 0,
            },
        };
        let entry = self.table.entry_mut(place);
        entry.rule = number;
        entry.set_carrier(subject.carrier);
        let dropped = entry.touch(at.tick, &rule, &mut self.blocks);
        let count = entry.count(&rule);
        let alarmed = entry.has(flag::ALARMED);
        self.tallies.stamps_dropped += u64::from(dropped);
        if count > rule.hot_at {
            self.observe(at, sighting, subject, place, &rule);
        }
        if let Some(reverse) = reverse {
            outcome.counts.reverse = self.settle(at.tick, reverse);
        }
        if count > u64::from(rule.threshold) || alarmed {
            let verdict = self.judge(at, sighting, subject, place, reverse, &rule, &mut outcome.alarms);
            outcome.verdict = outcome.verdict.stricter(verdict);
        }
        count
    }

    /// Adds an entry for a key that has none; `None` when the bound forbids it (DC-25).
    pub(crate) fn create(&mut self, tick: u64, rule: u16, subject: &Subject) -> Option<Place> {
        if self.table.len() >= self.limits.max_keys && !self.make_room(tick, subject.hash) {
            self.tallies.keys_refused += 1;
            return None;
        }
        let mut entry = Entry::new(subject.key, rule, tick);
        entry.put(flag::ALARMED, self.alarms.find(subject.hash, subject.key).is_some());
        Some(self.table.insert(subject.hash, &entry))
    }

    fn make_room(&mut self, tick: u64, hash: Hash) -> bool {
        match self.limits.at_bound {
            AtBound::Refuse => false,
            AtBound::DropStalest => {
                let Some(place) = self.table.stalest(hash, tick) else { return false };
                self.forget(place);
                self.tallies.keys_dropped += 1;
                true
            }
        }
    }

    /// Removes an entry and all that hangs on it, but not its alarm.
    pub(crate) fn forget(&mut self, place: Place) {
        let entry = self.table.entry_mut(place);
        entry.clear(&mut self.blocks);
        self.evidence.release(&mut entry.evidence);
        let key = entry.key;
        self.table.remove(self.table.hash(key), place);
    }

    /// Lets go what another entry holds beyond its window and counts the rest.
    pub(crate) fn settle(&mut self, tick: u64, place: Place) -> u64 {
        let entry = self.table.entry_mut(place);
        let rule = self.rules.rule(entry.rule);
        entry.prune(tick, rule, &mut self.blocks);
        entry.count(rule)
    }

    fn observe(&mut self, at: &Moment, sighting: &Sighting, subject: &Subject, place: Place, rule: &Rule) {
        let entry = self.table.entry_mut(place);
        if entry.evidence == NO_EVIDENCE {
            let Some(added) = self.evidence.add(Evidence::new(at.tick, entry.len() - 1)) else {
                self.tallies.evidence_refused += 1;
                return;
            };
            entry.evidence = added;
        }
        if let Some(evidence) = self.evidence.get_mut(entry.evidence) {
            evidence.observe(at.tick, rule, subject.counterpart.0, sighting);
        }
    }

    /// Makes a segment fit to be touched: its entries follow the policies in force, its times do not wrap.
    pub(crate) fn freshen(&mut self, segment: usize, tick: u64) {
        if self.table.generation(segment) != self.generation {
            self.table.set_generation(segment, self.generation);
            self.follow_policies(segment);
        }
        let unswept = tick - self.table.swept(segment);
        if unswept > UNTOUCHED {
            self.forget_segment(segment);
        }
        if unswept > UNSWEPT {
            self.sweep_segment(segment, tick);
        }
    }

    fn forget_segment(&mut self, segment: usize) {
        let mut from = 0;
        while let Some((place, next)) = self.table.next_place(segment, from) {
            from = next;
            self.forget(place);
            self.tallies.keys_expired += 1;
        }
    }

    fn follow_policies(&mut self, segment: usize) {
        let mut from = 0;
        while let Some((place, next)) = self.table.next_place(segment, from) {
            from = next;
            let entry = self.table.entry_mut(place);
            let key = Key::from_half(entry.key.a);
            let rule = self.rules.resolve(entry.key.kind(), key, entry.carrier());
            match rule {
                Some(number) if entry.fits(self.rules.rule(number)) => entry.rule = number,
                Some(_) | None => self.forget(place),
            }
        }
    }

    /// Puts other policies in force (shared rule 10).
    ///
    /// Held timestamps are judged by the new windows, weights and thresholds from their next touch or sweep on. A
    /// key that changes between sliding and fixed mode, or whose fixed period changes its length, starts anew; one
    /// that no policy fits any more is forgotten. An alarm whose count is low by the new threshold clears at the
    /// next sweep.
    ///
    /// # Errors
    /// When a policy is wrong or the version is not newer; the old ones then stay.
    pub fn set_policies(&mut self, policies: &PolicySet) -> Result<(), PolicyError> {
        let (current, offered) = (self.rules.version, policies.version);
        if offered <= current {
            return Err(PolicyError::Stale { current, offered });
        }
        self.rules = Rules::new(policies)?;
        self.generation = self.generation.wrapping_add(1);
        Ok(())
    }

    /// Puts another white list in force; alarms it covers are cleared as disregarded (DC-09).
    ///
    /// # Errors
    /// When an entry is wrong or the version is not newer; the old list then stays.
    pub fn set_white_list(
        &mut self,
        list: &WhiteList,
        wall: Wall,
    ) -> Result<Vec<AlarmEvent>, WhiteListError> {
        let (current, offered) = (self.white_list.version, list.version);
        if offered <= current {
            return Err(WhiteListError::Stale { current, offered });
        }
        self.white_list = WhiteListIndex::new(list)?;
        Ok(self.disregard_listed(wall))
    }

    /// Clears the alarms whose addresses are on the white list: after alarms of a snapshot came back.
    pub fn disregard_listed(&mut self, wall: Wall) -> Vec<AlarmEvent> {
        let covered = |place: &u32| {
            self.alarms.get(*place).is_some_and(|standing| self.white_list.covers(standing.alarm.key, wall))
        };
        let covered: Vec<u32> = (0..self.alarms.places()).filter(covered).collect();
        covered.into_iter().filter_map(|place| self.clear_alarm(place, wall, true)).collect()
    }

    /// Takes an alarm: it no longer repeats, its action holds until it clears (DC-24).
    ///
    /// # Errors
    /// When no such alarm stands.
    pub fn ack(&mut self, id: AlarmId, wall: Wall) -> Result<AlarmEvent, AlarmError> {
        let place = self.alarms.by_id(id).ok_or(AlarmError::Unknown(id))?;
        let standing = self.alarms.get_mut(place).ok_or(AlarmError::Unknown(id))?;
        standing.alarm.state = AlarmState::Acked;
        standing.alarm.acked = Some(wall);
        Ok(AlarmEvent { change: AlarmChange::Acked, alarm: standing.alarm.clone() })
    }

    /// The alarms that stand.
    pub fn alarms(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.standing().map(|standing| &standing.alarm)
    }

    /// The alarms cleared last, oldest first, as many as the limits allow.
    pub fn history(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.history()
    }

    /// Declares that messages were missed before now, as after a restart without snapshot (DC-25).
    ///
    /// Until a window has passed since, alarms of that window are marked as warming, and none clears.
    pub fn mark_warming(&mut self, now: Mono) {
        self.complete_since = Some(self.advance(now));
    }

    /// Says that nothing is missing after all: what was restored is all that was counted.
    pub fn mark_complete(&mut self) {
        self.complete_since = None;
    }

    /// Whether any window reaches back to before [`Counters::mark_warming`].
    pub fn is_warming(&self, now: Mono) -> bool {
        self.warming(now.millis().max(self.tick), self.rules.longest_window)
    }

    pub(crate) fn warming(&self, tick: u64, window: u64) -> bool {
        self.complete_since.is_some_and(|since| tick - since < window)
    }

    /// Tallies and gauges.
    pub fn stats(&self) -> Stats {
        let bytes = self.table.bytes() + self.blocks.bytes() + self.evidence.bytes() + self.alarms.bytes();
        Stats {
            tallies: self.tallies,
            keys: u64::from(self.table.len()),
            blocks: u64::from(self.blocks.used()),
            evidence: u64::from(self.evidence.used()),
            alarms: self.alarms.len() as u64,
            memory_bytes: bytes as u64,
        }
    }
}
