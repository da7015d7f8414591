//! What follows when a count is above its threshold, or an alarm stands.

use crate::alarms::Standing;
use crate::counters::{Counters, Moment, Subject};
use crate::entry::{age, flag};
use crate::evidence::classify;
use crate::rules::Rule;
use crate::table::Place;
use crate::{
    Action, Alarm, AlarmChange, AlarmEvent, AlarmKind, AlarmState, Cause, KeyKind, Sighting, Verdict, Wall,
};

const MINUTE_NANOS: u64 = 60_000_000_000;

impl Counters {
    /// Raises, repeats or sharpens the alarm of a key above its threshold, and says what it does to the message.
    #[expect(clippy::too_many_arguments, reason = "one step of `count_subject`, split off for its length")]
    pub(crate) fn judge(
        &mut self,
        at: &Moment,
        sighting: &Sighting,
        subject: &Subject,
        place: Place,
        reverse: Option<Place>,
        rule: &Rule,
        events: &mut Vec<AlarmEvent>,
    ) -> Verdict {
        if let Some(standing) = self.alarms.find(subject.hash, subject.key) {
            self.follow(at, sighting, subject, place, standing, rule, events);
            return self.act(at, standing, rule);
        }
        let key = subject.key.counter_key();
        let reverse = self.volume(at.tick, reverse);
        if subject.kind == KeyKind::Pair && self.is_conversation(at.tick, place, reverse, rule) {
            self.tallies.conversations += 1;
            return Verdict::Pass;
        }
        if self.white_list.covers(key, at.wall) {
            self.tallies.disregarded += 1;
            return Verdict::Pass;
        }
        if self.alarms.is_full() {
            self.tallies.alarms_refused += 1;
            return Verdict::Pass;
        }
        let standing = self.raise(at, sighting, subject, place, reverse, rule);
        if let Some(raised) = self.alarms.get(standing) {
            events.push(AlarmEvent { change: AlarmChange::Raised, alarm: raised.alarm.clone() });
        }
        self.act(at, standing, rule)
    }

    /// What an entry counts within its window, beyond what a capped one holds.
    fn volume(&mut self, tick: u64, place: Option<Place>) -> u64 {
        let Some(place) = place else { return 0 };
        let entry = self.table.entry(place);
        let rule = self.rules.rule(entry.rule);
        let held = entry.count(rule);
        if !entry.has(flag::CAPPED) {
            return held;
        }
        let observed = self.evidence.get(entry.evidence).map_or(0, |e| e.volume(tick, rule));
        held.max(observed * u64::from(rule.step))
    }

    /// Whether the reverse direction of a pair is comparable (DC-22).
    fn is_conversation(&mut self, tick: u64, place: Place, reverse: u64, rule: &Rule) -> bool {
        let forward = self.volume(tick, Some(place));
        u128::from(reverse) * 100 >= u128::from(forward) * u128::from(rule.conversation_percent)
    }

    fn raise(
        &mut self,
        at: &Moment,
        sighting: &Sighting,
        subject: &Subject,
        place: Place,
        reverse: u64,
        rule: &Rule,
    ) -> u32 {
        let id = self.alarms.take_id();
        let warming = self.warming(at.tick, u64::from(rule.window));
        let entry = self.table.entry_mut(place);
        entry.put(flag::ALARMED, true);
        let evidence = self.evidence.get(entry.evidence);
        let samples = evidence.map_or_else(|| vec![sighting.message_id], |e| e.samples().collect());
        let oldest = u64::from(age(at.tick as u32, entry.oldest()));
        let alarm = Alarm {
            id,
            kind: classify(subject.kind, evidence, rule),
            key: subject.key.counter_key(),
            carrier: subject.carrier,
            count: entry.count(rule),
            threshold: rule.threshold,
            window_ms: u64::from(rule.window),
            first: at.wall.back_millis(oldest),
            last: at.wall,
            raised: at.wall,
            acked: None,
            cleared: None,
            distinct: if subject.kind == KeyKind::Pair { 0 } else { evidence.map_or(0, |e| e.distinct()) },
            reverse,
            samples,
            state: AlarmState::Raised,
            disregarded: false,
            warming,
            policy_version: self.rules.version,
        };
        self.tallies.raised += 1;
        self.alarms.add(Standing {
            alarm,
            key: subject.key,
            hash: subject.hash,
            notified: at.tick,
            opens: at.nanos,
        })
    }

    /// Keeps a standing alarm up to date with one more message.
    #[expect(clippy::too_many_arguments, reason = "one step of `judge`, split off for its length")]
    fn follow(
        &mut self,
        at: &Moment,
        sighting: &Sighting,
        subject: &Subject,
        place: Place,
        standing: u32,
        rule: &Rule,
        events: &mut Vec<AlarmEvent>,
    ) {
        let Some(standing) = self.alarms.get_mut(standing) else { return };
        let entry = self.table.entry(place);
        let evidence = self.evidence.get(entry.evidence);
        let alarm = &mut standing.alarm;
        alarm.count = entry.count(rule);
        alarm.last = at.wall;
        alarm.threshold = rule.threshold;
        alarm.window_ms = u64::from(rule.window);
        if alarm.samples.len() < Alarm::SAMPLES {
            alarm.samples.push(sighting.message_id);
        }
        let above = alarm.count > u64::from(rule.threshold);
        if alarm.kind == AlarmKind::LoopOrFlood && above {
            alarm.kind = classify(subject.kind, evidence, rule);
            if alarm.kind != AlarmKind::LoopOrFlood {
                standing.refresh(evidence.map_or(0, |e| e.distinct()), self.rules.version);
                events.push(AlarmEvent { change: AlarmChange::Reclassified, alarm: standing.alarm.clone() });
            }
        }
        if above && standing.repeat_is_due(at.tick, self.rules.repeat) {
            standing.notified = at.tick;
            standing.refresh(evidence.map_or(0, |e| e.distinct()), self.rules.version);
            events.push(AlarmEvent { change: AlarmChange::Repeated, alarm: standing.alarm.clone() });
        }
    }

    /// What a standing alarm does to one message (DC-24): nothing, unless the policy says so.
    fn act(&mut self, at: &Moment, standing: u32, rule: &Rule) -> Verdict {
        let Some(standing) = self.alarms.get_mut(standing) else { return Verdict::Pass };
        match rule.action {
            Action::AlarmOnly => Verdict::Pass,
            Action::Block => Verdict::Block(standing.cause()),
            Action::Throttle { .. } if at.nanos < standing.opens => Verdict::Throttle(standing.cause()),
            Action::Throttle { per_minute } => {
                standing.opens = at.nanos + MINUTE_NANOS / u64::from(per_minute);
                Verdict::Pass
            }
        }
    }

    /// A later part that does not count is blocked with the others, but not throttled, for its first part passed.
    pub(crate) fn verdict_of_later_part(&self, subject: &Subject, rule: &Rule) -> Verdict {
        match rule.action {
            Action::AlarmOnly | Action::Throttle { .. } => Verdict::Pass,
            Action::Block => {
                let standing =
                    self.alarms.find(subject.hash, subject.key).and_then(|found| self.alarms.get(found));
                standing.map_or(Verdict::Pass, |standing| Verdict::Block(standing.cause()))
            }
        }
    }

    /// Ends a standing alarm.
    pub(crate) fn clear_alarm(&mut self, standing: u32, wall: Wall, disregarded: bool) -> Option<AlarmEvent> {
        let ended = self.alarms.remove(standing)?;
        if let Some(place) = self.table.find(ended.hash, ended.key) {
            self.table.entry_mut(place).put(flag::ALARMED, false);
        }
        let mut alarm = ended.alarm;
        alarm.state = AlarmState::Cleared;
        alarm.cleared = Some(wall);
        alarm.disregarded = disregarded;
        self.tallies.cleared += 1;
        self.alarms.remember(alarm.clone());
        let change = if disregarded { AlarmChange::Disregarded } else { AlarmChange::Cleared };
        Some(AlarmEvent { change, alarm })
    }
}

impl Standing {
    fn cause(&self) -> Cause {
        Cause { alarm: self.alarm.id, kind: self.alarm.kind, key_kind: self.alarm.key.kind() }
    }

    pub(crate) fn refresh(&mut self, distinct: u32, policy_version: u64) {
        if self.alarm.key.kind() != KeyKind::Pair {
            self.alarm.distinct = distinct;
        }
        self.alarm.policy_version = policy_version;
    }

    /// Whether a notice is due again: only while nobody has taken the alarm.
    pub(crate) fn repeat_is_due(&self, tick: u64, repeat: u64) -> bool {
        self.alarm.state == AlarmState::Raised && tick.saturating_sub(self.notified) >= repeat
    }
}
