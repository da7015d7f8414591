//! The spam and loop counters of the exchange: counted message by message; swept, saved and restored in slices.

use std::time::Duration;

use signalbox_counters::{Counters, Key as CounterKey, Restored, SavedAlarms, SavedEntry, Sighting};

use super::effect::Refusal;
use super::intake::Offer;
use super::{Effect, Exchange, HOUSEKEEPING};
use crate::address::Address;
use crate::gate::CounterVerdict;
use crate::id::{CarrierId, MessageId};
use crate::message::{Content, Direction, OriginClass};
use crate::policy::Policy;
use crate::time::Now;

/// In this time the sweep visits every counter (DC-05: a twentieth of the usual window or less).
const SWEEP: Duration = Duration::from_secs(5);
/// Shortest pause between two slices.
const SWEEP_PAUSE: Duration = Duration::from_millis(2);
/// Slots of the counters that are swept together: one segment of their table.
const SWEEP_SLICE: u128 = 4_096;
/// Slots that one turn sweeps at most, some milliseconds' work.
const SWEEP_MOST: usize = 64 * 4_096;

impl Exchange {
    /// What the counters have counted.
    #[must_use]
    pub fn counter_stats(&self) -> signalbox_counters::Stats {
        self.counters.stats()
    }

    /// The counters, for a snapshot.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Time between two snapshots of what is counted.
    #[must_use]
    pub fn snapshot_every(&self) -> Duration {
        self.policy.counters.snapshot_every
    }

    /// One slice of a snapshot, some 4,096 keys; `None` beyond the last.
    #[must_use]
    pub fn counter_slice(&self, slice: usize, now: Now) -> Option<Vec<SavedEntry>> {
        (slice < self.counters.snapshot_parts())
            .then(|| self.counters.snapshot(slice, counter_mono(now), counter_wall(now)).collect())
    }

    /// Lends the counters, so that what a snapshot held is put back into them beside everything else, before anything
    /// is counted (DC-25). They come back with [`give_back_counters`](Self::give_back_counters).
    #[must_use]
    pub fn lend_counters(&mut self) -> Counters {
        std::mem::replace(&mut self.counters, Self::fresh_counters(&self.policy))
    }

    /// Takes the counters back that were lent.
    pub fn give_back_counters(&mut self, counters: Counters) {
        self.counters = counters;
    }

    pub(super) fn fresh_counters(policy: &Policy) -> Counters {
        Counters::new(&policy.counters.set, policy.counters.limits)
            .expect("policies are checked when they are read")
    }

    /// Takes back the alarms of a snapshot, after its entries. With `complete` nothing was counted after the
    /// snapshot, so that alarms need not say that the counters are warming up.
    pub fn restore_alarms(&mut self, now: Now, alarms: SavedAlarms, complete: bool) -> Restored {
        let restored = self.counters.restore_alarms(counter_mono(now), alarms);
        if complete {
            self.counters.mark_complete();
        }
        let disregarded = self.counters.disregard_listed(counter_wall(now));
        self.alarms(disregarded);
        restored
    }

    /// Sweeps the counters a slice at a time, so that all are visited once in [`SWEEP`] and no turn waits.
    pub(super) fn sweep_counters(&mut self, now: Now) {
        let elapsed = (now.mono - self.swept).as_nanos();
        if elapsed < SWEEP_PAUSE.as_nanos() {
            return;
        }
        let due = self.counters.sweep_slots() as u128 * elapsed / SWEEP.as_nanos();
        if due < SWEEP_SLICE && elapsed < HOUSEKEEPING.as_nanos() {
            return;
        }
        self.swept = now.mono;
        let budget = usize::try_from(due).unwrap_or(usize::MAX).clamp(SWEEP_SLICE as usize, SWEEP_MOST);
        let report = self.counters.sweep(counter_mono(now), counter_wall(now), budget);
        self.alarms(report.events);
    }

    pub(super) fn alarms(&mut self, events: Vec<signalbox_counters::AlarmEvent>) {
        self.turn.effects.extend(events.into_iter().map(Effect::Alarm));
    }

    pub(super) fn apply_white_list(&mut self, now: Now) {
        if let Ok(events) = self.counters.set_white_list(&self.policy.counters.white_list, counter_wall(now))
        {
            self.alarms(events);
        }
    }

    /// Counts a message and says what the counters think of it (shared-rules.md 1).
    pub(super) fn count(
        &mut self,
        now: Now,
        offer: &Offer,
        id: MessageId,
        carrier: Option<CarrierId>,
        parts: &[Content],
    ) -> Result<CounterVerdict, Refusal> {
        let device_carrier = carrier.map(|carrier| carrier.0);
        let (source_carrier, destination_carrier) = match offer.direction {
            Direction::Mo => (device_carrier, self.carrier_of(&offer.destination, now)),
            Direction::Mt | Direction::Receipt => (self.carrier_of(&offer.source, now), device_carrier),
        };
        let sighting = Sighting {
            source_carrier,
            destination_carrier,
            group: self.group_of(&offer.source),
            class: match offer.origin_class {
                // Two machines that answer each other are a loop, whichever of them is ours.
                OriginClass::User | OriginClass::Conversation => signalbox_counters::OriginClass::User,
                OriginClass::Receipt => signalbox_counters::OriginClass::Receipt,
                OriginClass::Notification => signalbox_counters::OriginClass::Notification,
                OriginClass::Test => signalbox_counters::OriginClass::Test,
            },
            body_hash: parts.first().map_or(0, |part| xxhash_rust::xxh3::xxh3_64(&part.payload)),
            first_part: offer.first_part,
            ..Sighting::new(counter_key(&offer.source), counter_key(&offer.destination), id.as_u128())
        };
        let outcome = self.counters.count(counter_mono(now), counter_wall(now), &sighting);
        self.alarms(outcome.alarms);
        match outcome.verdict {
            signalbox_counters::Verdict::Pass => Ok(CounterVerdict::Pass),
            signalbox_counters::Verdict::Throttle(_) => Err(Refusal::CounterThrottle),
            signalbox_counters::Verdict::Block(_) => Ok(CounterVerdict::Block),
        }
    }

    /// The carrier of the side that is no device, where it is a number: carriers that alternate are a sign of a
    /// loop (DC-11, DC-15).
    fn carrier_of(&self, address: &Address, now: Now) -> Option<u32> {
        if address.ton != crate::address::ton::INTERNATIONAL {
            return None;
        }
        self.number_answer(address, now).carrier.map(|carrier| carrier.0)
    }

    fn group_of(&self, source: &Address) -> Option<u32> {
        self.policy.counters.groups.iter().find(|(rule, _)| rule.fits(source)).map(|(_, group)| *group)
    }
}

/// The key by which an address is counted (DC-17, DC-21: numbers and names are told apart).
pub(super) fn counter_key(address: &Address) -> CounterKey {
    if address.is_empty() {
        return CounterKey::missing(None);
    }
    let text = String::from_utf8_lossy(address.key());
    match address.digits() {
        Some(_) if address.ton == crate::address::ton::INTERNATIONAL => {
            CounterKey::e164(&text).unwrap_or_else(|_| CounterKey::text(&text))
        }
        _ => CounterKey::text(&text),
    }
}

/// The monotonic clock as counters take it.
#[must_use]
pub fn counter_mono(now: Now) -> signalbox_counters::Mono {
    signalbox_counters::Mono::from_nanos(now.mono.0)
}

/// The wall clock as counters take it.
#[must_use]
pub fn counter_wall(now: Now) -> signalbox_counters::Wall {
    signalbox_counters::Wall(now.wall.0)
}
