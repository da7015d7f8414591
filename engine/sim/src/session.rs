//! The node's end of a session: attempts that wait to be written, and those that wait for an answer.
//!
//! A permit is looked at just before the write; over its deadline it goes back unused.

use std::collections::{BTreeMap, VecDeque};

use signalbox_core::backend::{RateKey, RateLease};
use signalbox_core::exchange::{Answer, Event, Unsent};
use signalbox_core::gate::Released;
use signalbox_core::id::{Epoch, MessageId, PeerId, PermitId, SessionId, ShardId};
use signalbox_core::time::{Mono, Now};

use crate::incident::Incident;
use crate::plan::Bug;
use crate::scene::Scene;
use crate::setting::{LINK_RATE, RESPONSE_TIMER, SHARDS, WINDOW};
use crate::wire::{Sent, ToPeer};

/// The term of an owner of a shard, on this node.
pub(crate) type Term = (ShardId, Epoch);

/// An attempt that was written.
pub(crate) struct Written {
    term: Term,
    pub message: MessageId,
    pub attempt: u16,
    permit: PermitId,
    at: Mono,
    silent: bool,
}

/// See the [module](self).
pub(crate) struct Session {
    pub peer: PeerId,
    queue: VecDeque<(Term, Released)>,
    written: BTreeMap<u64, Written>,
    last_token: u64,
}

impl Session {
    pub(crate) fn new(peer: PeerId) -> Self {
        Self { peer, queue: VecDeque::new(), written: BTreeMap::new(), last_token: 0 }
    }

    pub(crate) fn queue(&mut self, term: Term, released: Released) {
        self.queue.push_back((term, released));
    }

    /// Drops what a former owner on this node let go and was not written.
    pub(crate) fn forget(&mut self, term: Term) {
        self.queue.retain(|(of, _)| *of != term);
    }

    /// Writes what may be written. What owners are to be told is added to `told`.
    pub(crate) fn write(
        &mut self,
        id: SessionId,
        scene: &mut Scene,
        lease: &mut impl RateLease,
        now: Now,
        told: &mut Vec<(Term, Event)>,
    ) {
        while let Some((_, front)) = self.queue.front() {
            let over = now.mono > front.deadline() && !scene.has(Bug::NoDeadline);
            if !over && !self.has_token(lease, scene.now) {
                return;
            }
            let Some((term, released)) = self.queue.pop_front() else { return };
            if over {
                scene.judge.note(Incident::DeadlineOver);
                let event = Event::Unsent { permit: released.permit(), why: Unsent::NotWritten };
                told.push((term, event));
                continue;
            }
            self.transmit(id, scene, now, term, &released);
            if scene.chance(300) {
                return;
            }
        }
    }

    /// All nodes share the rate of a link; the limiter has a clock of its own, for theirs have nothing in common.
    fn has_token(&self, lease: &mut impl RateLease, now: Mono) -> bool {
        if !matches!(self.peer, PeerId::Link(_)) {
            return true;
        }
        lease.limit(RateKey(self.peer), Some(LINK_RATE));
        lease.lease(RateKey(self.peer), 1, Now { mono: now, ..Now::default() }).tokens > 0
    }

    fn transmit(&mut self, id: SessionId, scene: &mut Scene, now: Now, term: Term, released: &Released) {
        let (message, attempt) = (released.id(), released.attempt());
        let window = WINDOW as usize * SHARDS;
        let verdict = scene.judge.books.transmitted(
            (message, attempt),
            (self.peer, window),
            (now.mono, released.deadline()),
        );
        scene.judge.tell(scene.now, || format!("{:?} attempt {attempt} of {message} written", self.peer));
        scene.judge.check(verdict);
        self.last_token += 1;
        let written =
            Written { term, message, attempt, permit: released.permit(), at: now.mono, silent: false };
        self.written.insert(self.last_token, written);
        let sent = Sent {
            message,
            device: released.destination().clone(),
            receipt: released.receipt(),
            valid_for: released.expires_at().since(now.wall),
            body: released.body().clone(),
        };
        scene.send_to_peer(id, ToPeer::Attempt { token: self.last_token, attempt: sent });
    }

    /// The attempt that an answer is for.
    pub(crate) fn answered(&mut self, token: u64) -> Option<Written> {
        self.written.remove(&token)
    }

    /// Gives up waiting for answers that take too long; should one come after all, it still counts.
    pub(crate) fn look_for_silence(&mut self, scene: &mut Scene, now: Now, told: &mut Vec<(Term, Event)>) {
        for written in self.written.values_mut() {
            if !written.silent && now.mono - written.at > RESPONSE_TIMER {
                written.silent = true;
                scene.judge.books.interrupted(written.message, written.attempt);
                let event = Event::Answered { permit: written.permit, answer: Answer::Silent };
                told.push((written.term, event));
            }
        }
    }

    /// What an owner must know when the session ends: permits not written, and permits not answered.
    pub(crate) fn ended(&self, term: Term) -> (Vec<PermitId>, Vec<PermitId>) {
        let unsent = self.queue.iter().filter(|(of, _)| *of == term).map(|(_, released)| released.permit());
        let in_flight = self.written.values().filter(|written| written.term == term && !written.silent);
        (unsent.collect(), in_flight.map(|written| written.permit).collect())
    }

    pub(crate) fn unanswered(&self) -> impl Iterator<Item = &Written> {
        self.written.values()
    }
}
