//! The scheduled sweep (DC-05): every entry and every alarm, a bounded slice per call.

use crate::counters::Counters;
use crate::entry::flag;
use crate::{AlarmChange, AlarmEvent, Mono, Wall};

/// Where the sweep is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum SweepState {
    /// None has begun.
    #[default]
    Fresh,
    /// Over; it began at this tick.
    Idle { began: u64 },
    /// At this segment.
    Entries { began: u64, segment: usize },
    /// At this place of the alarms.
    Alarms { began: u64, place: u32 },
}

/// What one slice of a sweep did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SweepReport {
    /// Notices for the NOC.
    pub events: Vec<AlarmEvent>,
    /// Slots and alarms looked at; 0 when no sweep was due.
    pub visited: usize,
    /// True when this slice ended a sweep; the next is due an interval after this one began.
    pub finished: bool,
}

impl Counters {
    /// Goes on with the sweep, or begins one that is due, and looks at about `budget` slots: at least one segment
    /// (some 5,000 slots, 0.1 ms), and none after the budget is spent.
    ///
    /// Timestamps older than the window go, entries without any are forgotten (DC-05, DC-06). After the entries
    /// come the alarms: one whose count is at most its clear share of the threshold is cleared, one that is still
    /// above repeats when it is time (DC-24).
    ///
    /// A budget of `slots due / calls per interval` keeps the interval; [`Counters::sweep_slots`] tells the slots.
    pub fn sweep(&mut self, now: Mono, wall: Wall, budget: usize) -> SweepReport {
        let tick = self.advance(now);
        let mut report = SweepReport::default();
        if !self.is_sweeping() && self.sweep_is_due(tick) {
            self.sweeping = SweepState::Entries { began: tick, segment: 0 };
        }
        let budget = budget.max(1);
        while self.is_sweeping() && report.visited < budget {
            self.sweep_step(tick, wall, &mut report);
        }
        report
    }

    fn is_sweeping(&self) -> bool {
        match self.sweeping {
            SweepState::Fresh | SweepState::Idle { .. } => false,
            SweepState::Entries { .. } | SweepState::Alarms { .. } => true,
        }
    }

    fn sweep_is_due(&self, tick: u64) -> bool {
        match self.sweeping {
            SweepState::Fresh => true,
            SweepState::Idle { began } => tick.saturating_sub(began) >= self.rules.sweep_interval,
            SweepState::Entries { .. } | SweepState::Alarms { .. } => false,
        }
    }

    fn sweep_step(&mut self, tick: u64, wall: Wall, report: &mut SweepReport) {
        match self.sweeping {
            SweepState::Fresh | SweepState::Idle { .. } => {}
            SweepState::Entries { began, segment } if segment == self.table.segments() => {
                self.sweeping = SweepState::Alarms { began, place: 0 };
            }
            SweepState::Entries { began, segment } => {
                self.freshen(segment, tick);
                report.visited += self.table.slots(segment);
                self.sweep_segment(segment, tick);
                self.sweeping = SweepState::Entries { began, segment: segment + 1 };
            }
            SweepState::Alarms { began, place } if place >= self.alarms.places() => {
                self.sweeping = SweepState::Idle { began };
                self.tallies.sweeps += 1;
                report.finished = true;
            }
            SweepState::Alarms { began, place } => {
                report.visited += 1;
                report.events.extend(self.sweep_alarm(place, tick, wall));
                self.sweeping = SweepState::Alarms { began, place: place + 1 };
            }
        }
    }

    /// Slots and alarms one sweep looks at.
    pub fn sweep_slots(&self) -> usize {
        let slots: usize = (0..self.table.segments()).map(|segment| self.table.slots(segment)).sum();
        slots + self.alarms.places() as usize
    }

    pub(crate) fn sweep_segment(&mut self, segment: usize, tick: u64) {
        self.table.set_swept(segment, tick);
        let mut from = 0;
        while let Some((place, next)) = self.table.next_place(segment, from) {
            from = next;
            let entry = self.table.entry_mut(place);
            let rule = self.rules.rule(entry.rule);
            entry.prune(tick, rule, &mut self.blocks);
            if entry.len() == 0 {
                self.forget(place);
                self.tallies.keys_expired += 1;
                continue;
            }
            if entry.count(rule) <= rule.cold_at && !entry.has(flag::ALARMED) {
                self.evidence.release(&mut entry.evidence);
            }
        }
        self.table.shrink(segment);
    }

    fn sweep_alarm(&mut self, place: u32, tick: u64, wall: Wall) -> Option<AlarmEvent> {
        let standing = self.alarms.get(place)?;
        let (hash, key, window) = (standing.hash, standing.key, standing.alarm.window_ms);
        self.freshen(self.table.segment(hash), tick);
        let Some(found) = self.table.find(hash, key) else {
            if self.warming(tick, window) {
                return None;
            }
            self.alarms.get_mut(place)?.alarm.count = 0;
            return self.clear_alarm(place, wall, false);
        };
        let count = self.settle(tick, found);
        let entry = self.table.entry(found);
        let rule = *self.rules.rule(entry.rule);
        let distinct = self.evidence.get(entry.evidence).map_or(0, |evidence| evidence.distinct());
        let warming = self.warming(tick, u64::from(rule.window));
        let standing = self.alarms.get_mut(place)?;
        standing.alarm.count = count;
        if count <= rule.clear_at && !warming {
            return self.clear_alarm(place, wall, false);
        }
        if count > u64::from(rule.threshold) && standing.repeat_is_due(tick, self.rules.repeat) {
            standing.notified = tick;
            standing.refresh(distinct, self.rules.version);
            return Some(AlarmEvent { change: AlarmChange::Repeated, alarm: standing.alarm.clone() });
        }
        None
    }
}
