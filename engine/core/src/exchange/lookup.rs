//! Numbers that are looked up outside: the question leaves, the message waits for its answer.

use signalbox_routing::AnswerSource;
use smallvec::SmallVec;

use super::entry::{Key, Phase};
use super::event::LookupDone;
use super::{Effect, Exchange};
use crate::message::Direction;
use crate::time::Now;

impl Exchange {
    /// Sends the question for a message's carrier outside; the message waits.
    pub(super) fn look_up(&mut self, now: Now, key: Key) {
        let lookup = self.policy.limits.lookup;
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.phase = Phase::Resolving;
        let device = match entry.envelope.direction {
            Direction::Mo => &entry.envelope.source,
            Direction::Mt | Direction::Receipt => &entry.envelope.destination,
        };
        let Some(digits) = device.digits() else {
            self.route_entry(now, key, None);
            return;
        };
        let effect = Effect::Lookup {
            message: entry.envelope.id,
            number: SmallVec::from_slice(digits),
            until: now.wall.after(lookup),
        };
        self.turn.effects.push(effect);
        self.arm(now, key);
    }

    pub(super) fn lookup_done(&mut self, now: Now, done: &LookupDone) {
        let Some(key) = self.by_id.get(&done.message).copied() else { return };
        let Some(entry) = self.entries.get(key) else { return };
        if entry.phase != Phase::Resolving {
            return;
        }
        let device = match entry.envelope.direction {
            Direction::Mo => &entry.envelope.source,
            Direction::Mt | Direction::Receipt => &entry.envelope.destination,
        };
        let number = self.looked_up(device, done.answer.as_ref(), now);
        self.touch(key);
        self.route_entry(now, key, Some(number));
    }
}

/// True when an outside look-up could know better.
pub(super) fn is_guess(source: AnswerSource) -> bool {
    match source {
        AnswerSource::NumberPlan | AnswerSource::Unknown => true,
        AnswerSource::Enum | AnswerSource::Http | AnswerSource::Portability => false,
    }
}
