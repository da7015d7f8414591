//! Queues and credit: which message leaves when, through the send gate.

use super::effect::Effect;
use super::entry::{Entries, Entry, Key, Phase, Place};
use super::note::Note;
use super::own::OwnStep;
use super::row;
use super::{Bodies, Exchange};
use crate::gate::{Attempt, Case, Gate, Verdict};
use crate::id::{PeerId, SessionId};
use crate::message::{Direction, Origin, ReceiptRequest};
use crate::outcome::{FinalState, Reason};
use crate::queue::Queued;
use crate::time::{Micros, Mono, Now, Since};

/// Messages released in one turn at most, so that answers are not kept waiting behind a long queue.
const RELEASES_PER_TURN: usize = 4_096;

impl Exchange {
    /// Puts an entry that has a peer into that peer's queue.
    pub(super) fn enqueue(&mut self, now: Now, key: Key) {
        let Some(entry) = self.entries.get(key) else { return };
        let since = entry.waits_since(now);
        self.enqueue_since(now, key, since);
    }

    /// The same for one that has waited elsewhere.
    pub(super) fn enqueue_since(&mut self, now: Now, key: Key, since: Since) {
        let Some(entry) = self.entries.get(key) else { return };
        let Some(id) = entry.peer else { return };
        let may_be_too_long = self.may_be_too_long(entry, id);
        if self.gather(now, key) {
            return;
        }
        if !may_be_too_long {
            return self.queue_whole(now, key, since);
        }
        if let Some(entry) = self.entries.get_mut(key) {
            entry.phase = Phase::Resolving;
        }
        self.uncut.push((key, since));
    }

    /// The same for one that leaves as it is.
    pub(super) fn queue_whole(&mut self, now: Now, key: Key, since: Since) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let Some(id) = entry.peer else { return };
        entry.phase = Phase::Queued;
        let (class, held) = (entry.envelope.class, entry.progress.held);
        let lane = entry.lane_key();
        let share = self.share(id, key);
        let ordered = self.policy.peer(id).is_some_and(|policy| policy.ordered);
        let Some(peer) = self.peer_mut(id) else {
            self.finish(now, key, FinalState::Rejected, Reason::NoRoute);
            return;
        };
        if !held {
            let lane = ordered.then_some(lane);
            let ticket = peer.queue.push_back(key, class, share, lane, since);
            if let Some(entry) = self.entries.get_mut(key) {
                entry.place = Some(Place { ticket, since });
                entry.in_lane = lane.is_some();
            }
        }
        self.arm(now, key);
        self.peer_ready(id);
    }

    /// Gives an entry that was released back to where it was in its queue.
    pub(super) fn requeue(&mut self, now: Now, key: Key) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let Some(id) = entry.peer else { return };
        entry.phase = Phase::Queued;
        match entry.place {
            Some(Place { ticket, since }) if self.peers.contains_key(&id) => {
                self.give_back(id, Queued { item: key, ticket, since, waits_in: None });
                self.arm(now, key);
                self.peer_ready(id);
            }
            _ => self.enqueue(now, key),
        }
        self.touch(key);
    }

    /// Puts what was taken from a queue back to its place there.
    fn give_back(&mut self, id: PeerId, queued: Queued<Key>) {
        let share = self.share(id, queued.item);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let ticket = peer.queue.push_front(queued, share);
        if let Some(entry) = self.entries.get_mut(queued.item) {
            entry.place = Some(Place { ticket, since: queued.since });
        }
    }

    /// Takes an entry out of its queue, wherever in it, and lets the next of its lane in.
    pub(super) fn unqueue(&mut self, key: Key) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let Some(id) = entry.peer else { return };
        let lane = std::mem::take(&mut entry.in_lane).then(|| entry.lane_key());
        let place = entry.place.take();
        let queued = entry.phase == Phase::Queued;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        match (place, lane) {
            (Some(place), lane) if queued => {
                peer.queue.remove(place.ticket, lane);
            }
            (_, Some(lane)) => {
                peer.queue.done(lane);
            }
            (_, None) => return,
        }
        self.peer_ready(id);
    }

    /// Serves the peers that have something to send and credit to send it with.
    pub(super) fn release(&mut self, now: Now, bodies: &dyn Bodies) {
        let mut budget = RELEASES_PER_TURN;
        let mut later = Vec::new();
        for id in std::mem::take(&mut self.ready) {
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.ready = false;
            }
            while budget > 0 && self.release_one(now, id, bodies) {
                budget -= 1;
            }
            if budget == 0 {
                later.push(id);
            }
        }
        for id in later {
            // At once in the next turn: it must come soon even if nothing else happens.
            self.timers.push(now.mono, super::Timer::Peer(id));
        }
    }

    /// Releases the peer's next message; false when there is none, no credit, or it is not yet time.
    fn release_one(&mut self, now: Now, id: PeerId, bodies: &dyn Bodies) -> bool {
        if !self.policy.peer(id).is_some_and(|policy| policy.enabled) {
            return false;
        }
        let Some(peer) = self.peers.get(&id) else { return false };
        if !peer.enabled || !peer.queue.has_ready() {
            return false;
        }
        let Some(session) = self.roomiest(peer) else { return false };
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        let rate = peer.pace.next_send(now.mono);
        if rate > now.mono {
            self.wake_peer(id, rate);
            return false;
        }
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        let Some(queued) = peer.queue.pop(now.mono) else { return false };
        self.attempt(now, id, session, queued, rate, bodies);
        true
    }

    fn wake_peer(&mut self, id: PeerId, at: Mono) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.wake.is_some_and(|wake| wake <= at) {
            return;
        }
        peer.wake = Some(at);
        self.timers.push(at, super::Timer::Peer(id));
    }

    /// Asks the gate about one message that has credit, and does what it says.
    fn attempt(
        &mut self,
        now: Now,
        id: PeerId,
        session: SessionId,
        queued: Queued<Key>,
        rate: Mono,
        bodies: &dyn Bodies,
    ) {
        let key = queued.item;
        let Some(entry) = self.entries.get_mut(key) else { return };
        // It is out of the queue: should it end here, only its lane is left to give back.
        entry.phase = Phase::Resolving;
        self.part_from_peer(now, key, id);
        let Some(entry) = self.entries.get(key) else { return };
        if entry.envelope.expires_at <= now.wall {
            self.expire(now, key);
            return;
        }
        let Some(body) = self.body(entry, bodies) else {
            self.turn.notes.push(Note::RowDamaged { why: format!("message {}", entry.envelope.id) });
            self.finish(now, key, FinalState::Failed, Reason::Internal);
            return;
        };
        let case = Case {
            origin_class: entry.envelope.origin_class,
            direction: entry.envelope.direction,
            contract: self.contract(&entry.envelope),
            consent: self.consent_verdict(now, entry),
            counters: entry.counters,
            rate: Some(rate),
            now: now.mono,
            wall: now.wall,
        };
        let nonce = self.nonce.wrapping_add(1);
        let asks = self.asks_receipt(entry, id);
        let joined = self.joined_parts(key, id, &body, bodies);
        let Some(entry) = self.entries.get(key) else { return };
        let envelope = &entry.envelope;
        let attempt = Attempt {
            permit: Entries::permit(key, nonce),
            deadline: now.mono + self.policy.limits.permit,
            id: envelope.id,
            attempt: entry.progress.attempts.saturating_add(1),
            peer: id,
            source: envelope.source.clone(),
            destination: envelope.destination.clone(),
            class: envelope.class,
            expires_at: envelope.expires_at,
            receipt: asks,
            ingress: match envelope.origin {
                Origin::Link(link) => Some(link),
                Origin::Smpp(_) | Origin::Http(..) | Origin::Exchange(_) => None,
            },
            carrier: entry.progress.decided.carrier,
            body,
            joined,
        };
        match Gate.release(&case, attempt) {
            Ok(released) => {
                self.nonce = nonce;
                self.count_consent(now, key);
                self.mark_released(now, key, session, nonce, queued);
                if let Some(peer) = self.peers.get_mut(&id) {
                    // `next_send` has said that one may go.
                    let _ = peer.pace.take(now.mono, 1);
                    peer.in_flight += 1;
                }
                if let Some(slot) = self.sessions.get_mut(&session) {
                    slot.out = slot.out.saturating_add(1);
                }
                self.turn.notes.push(Note::Released { peer: id });
                if id == PeerId::Dialog {
                    self.handed.push(released);
                } else {
                    self.turn.effects.push(Effect::Send { session, released: Box::new(released) });
                }
            }
            Err(Verdict::Filter(reason)) => self.finish(now, key, FinalState::Filtered, reason),
            Err(Verdict::Defer(until)) => {
                self.wait(now, key, until);
                if let Some(entry) = self.entries.get_mut(key) {
                    entry.deferred = true;
                }
                self.moved(key, OwnStep::Deferred);
            }
            Err(Verdict::Pace(_) | Verdict::Allow) => {
                if let Some(entry) = self.entries.get_mut(key) {
                    entry.phase = Phase::Queued;
                }
                self.give_back(id, queued);
            }
        }
    }

    fn mark_released(&mut self, now: Now, key: Key, session: SessionId, nonce: u32, queued: Queued<Key>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.phase = Phase::Released { session };
        entry.nonce = nonce;
        entry.timer = None;
        entry.progress.attempts = entry.progress.attempts.saturating_add(1);
        entry.progress.counted = true;
        entry.progress.first_sent_at.get_or_insert(now.wall);
        entry.place = Some(Place { ticket: queued.ticket, since: queued.since });
        if let Some(PeerId::Link(link)) = entry.peer {
            *self.out.entry((link, entry.lane_key().0)).or_default() += 1;
        }
        self.touch(key);
    }

    /// The body of an entry, from memory or from the store.
    pub(super) fn body(&self, entry: &Entry, bodies: &dyn Bodies) -> Option<crate::message::Body> {
        entry.body.in_memory().or_else(|| {
            let stored = bodies.message_row(entry.envelope.id)?;
            row::body_of(&stored).ok()
        })
    }

    /// The receipts to ask of a peer: always final ones where any is wanted, for "failure only" would leave the
    /// outcome of a success unknown, and after an intermediate one alone there would be no end. What the recipient
    /// is to acknowledge is passed on.
    pub(super) fn asks_receipt(&self, entry: &Entry, id: PeerId) -> ReceiptRequest {
        if entry.envelope.direction != Direction::Mt || !matches!(id, PeerId::Link(_)) {
            return ReceiptRequest::NONE;
        }
        let wanted = self.wanted_receipts(entry);
        let always = self.policy.peer(id).is_some_and(|policy| policy.always_receipts);
        let acknowledgements = wanted.acknowledgements();
        if !wanted.wants_any() && !wanted.wants_intermediate() && !always {
            return acknowledgements;
        }
        let intermediate = if wanted.wants_intermediate() { 0b1_0000 } else { 0 };
        ReceiptRequest(ReceiptRequest::FINAL.0 | intermediate | acknowledgements.0)
    }

    /// Takes an entry out of the queue until `until`, keeping its lane.
    pub(super) fn wait(&mut self, now: Now, key: Key, until: Micros) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.phase = Phase::Waiting { due: until };
        entry.deferred = false;
        self.touch(key);
        self.arm(now, key);
    }

    /// What is due for an entry.
    pub(super) fn entry_due(&mut self, now: Now, key: Key, due: Mono) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if entry.timer != Some(due) {
            return;
        }
        entry.timer = None;
        let phase = entry.phase;
        let outlived = now.mono >= now.mono_at(entry.envelope.expires_at);
        let phase_over = phase.due().is_some_and(|at| now.mono_at(at) <= now.mono);
        match phase {
            Phase::Waiting { .. } if phase_over && !outlived => self.due_again(now, key),
            Phase::Waiting { .. } | Phase::Queued | Phase::Resolving if outlived => self.expire(now, key),
            Phase::Gathering if outlived => {
                self.leave_parts(now, key);
                self.expire(now, key);
            }
            Phase::AwaitingReceipt { .. } if phase_over => {
                self.finish(now, key, FinalState::Unknown, Reason::ReceiptNeverCame);
            }
            Phase::InDoubt { .. } if phase_over || outlived => self.doubt_over(now, key),
            Phase::Waiting { .. }
            | Phase::Queued
            | Phase::Resolving
            | Phase::Gathering
            | Phase::Joined
            | Phase::Released { .. }
            | Phase::AwaitingReceipt { .. }
            | Phase::InDoubt { .. } => self.arm(now, key),
        }
    }

    /// A schedule or retry is due.
    fn due_again(&mut self, now: Now, key: Key) {
        self.touch(key);
        let Some(entry) = self.entries.get_mut(key) else { return };
        if entry.progress.held {
            entry.phase = Phase::Queued;
            return;
        }
        // A message between tries keeps its lane, so it goes to the same queue again.
        if let (Some(id), true) = (entry.peer, entry.in_lane)
            && self.usable(id)
        {
            self.queue_again(now, key, id);
            return;
        }
        self.unqueue(key);
        self.route_entry(now, key, None);
    }

    /// Queues an entry that holds its lane already.
    pub(super) fn queue_again(&mut self, now: Now, key: Key, id: PeerId) {
        let share = self.share(id, key);
        let Some(entry) = self.entries.get_mut(key) else { return };
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let since = entry.waits_since(now);
        let ticket = peer.queue.push_again(key, entry.envelope.class, share, since);
        entry.phase = Phase::Queued;
        entry.place = Some(Place { ticket, since });
        self.arm(now, key);
        self.peer_ready(id);
    }

    pub(super) fn expire(&mut self, now: Now, key: Key) {
        let given_up = self
            .entries
            .get(key)
            .and_then(|entry| self.policy.peer(entry.peer?))
            .is_some_and(|policy| policy.give_up_after.is_some());
        let reason = if given_up { Reason::GivenUp } else { Reason::ValidityEnded };
        self.finish(now, key, FinalState::Expired, reason);
    }

    /// When what goes to this peer is worth nothing any more, for what has no validity of its own.
    pub(super) fn worth_until(&self, now: Now, peer: PeerId, otherwise: Micros) -> Micros {
        let span = self.policy.peer(peer).and_then(|policy| policy.give_up_after);
        span.map_or(otherwise, |span| now.wall.after(span))
    }
}
