//! What peers say to attempts, and what is done where they say nothing (rule 4).

use std::collections::hash_map::Entry;

use super::Exchange;
use super::effect::Effect;
use super::entry::{Held, Key, Phase};
use super::event::{Answer, Unsent};
use super::note::Note;
use super::own::OwnStep;
use super::receipt::{Doubted, Opening};
use crate::id::{LinkId, PeerId, PermitId, SessionId};
use crate::outcome::{ErrorClass, FinalState, Reason};
use crate::policy::AfterDoubt;
use crate::retry::Retry;
use crate::time::Now;

impl Exchange {
    /// The entry that a permit is out for, and the session that has it; `None` for a permit of the past.
    fn permit_holder(&self, permit: PermitId) -> Option<(Key, PeerId)> {
        let key = self.entries.of_permit(permit)?;
        let entry = self.entries.get(key)?;
        matches!(entry.phase, Phase::Released { .. } | Phase::InDoubt { .. })
            .then_some(())
            .and(entry.peer)
            .map(|peer| (key, peer))
    }

    /// Ends the attempt's claim on its session's window.
    pub(super) fn settle_permit(&mut self, key: Key, id: PeerId) {
        let Some(entry) = self.entries.get(key) else { return };
        let Phase::Released { session } = entry.phase else { return };
        if let PeerId::Link(link) = id
            && let Entry::Occupied(mut out) = self.out.entry((link, entry.lane_key().0))
        {
            *out.get_mut() -= 1;
            if *out.get() == 0 {
                out.remove();
            }
        }
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.in_flight = peer.in_flight.saturating_sub(1);
        }
        self.credit(session);
    }

    pub(super) fn unsent(&mut self, now: Now, permit: PermitId, why: Unsent) {
        let Some((key, peer)) = self.permit_holder(permit) else { return };
        self.settle_permit(key, peer);
        self.take_attempt_back(key);
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.pace.give_back(1);
        }
        match why {
            Unsent::NotWritten => self.requeue(now, key),
            Unsent::NotEncodable => {
                self.finish(now, key, FinalState::Rejected, Reason::NotEncodable);
            }
        }
    }

    /// An attempt that was never written is none.
    fn take_attempt_back(&mut self, key: Key) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.progress.attempts = entry.progress.attempts.saturating_sub(1);
        if entry.progress.attempts == 0 {
            entry.progress.first_sent_at = None;
        }
    }

    pub(super) fn answered(&mut self, now: Now, permit: PermitId, answer: Answer) {
        let Some((key, id)) = self.permit_holder(permit) else { return };
        self.settle_permit(key, id);
        self.leave_doubt(key);
        match answer {
            Answer::Taken { remote_id } => self.taken(now, key, id, &remote_id),
            Answer::Joined { remote_id } => self.joined(now, key, id, &remote_id),
            Answer::Refused { class, status } => self.refused(now, key, id, class, status),
            Answer::Silent => {
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.pace.on_lost(1);
                }
                self.doubt(now, key, id);
            }
        }
    }

    /// A part that left in another one's request. It asks nothing of the whole's outcome, which is that of the part
    /// that has the receipts; a message that is no part has the answer for itself.
    fn joined(&mut self, now: Now, key: Key, id: PeerId, remote_id: &[u8]) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if entry.envelope.part.is_none() {
            self.taken(now, key, id, remote_id);
            return;
        }
        entry.progress.taken_at = Some(now.wall);
        entry.progress.remote_id = remote_id.into();
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.pace.on_accepted(now.mono);
        }
        self.finish(now, key, FinalState::Delivered, Reason::None);
    }

    fn taken(&mut self, now: Now, key: Key, id: PeerId, remote_id: &[u8]) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.pace.on_accepted(now.mono);
        }
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.progress.taken_at = Some(now.wall);
        entry.progress.remote_id = remote_id.into();
        let PeerId::Link(link) = id else {
            self.finish(now, key, FinalState::Delivered, Reason::None);
            return;
        };
        let Some(entry) = self.entries.get(key) else { return };
        if !self.asks_receipt(entry, id).wants_any() {
            self.finish(now, key, FinalState::Accepted, Reason::None);
            return;
        }
        let wait = self.policy.links.get(&link).map(|policy| policy.receipt_wait).unwrap_or_default();
        // The peer's own word that the validity ended comes after that.
        let until = entry.envelope.expires_at.max(now.wall).after(wait);
        self.moved(key, OwnStep::Taken);
        self.await_receipt(now, key, link, until);
        self.claim_early(now, key, link);
    }

    /// Waits for the receipt of a message that a link has taken.
    pub(super) fn await_receipt(&mut self, now: Now, key: Key, link: LinkId, until: crate::time::Micros) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.phase = Phase::AwaitingReceipt { until };
        // The body has done its work; should it be needed again, it is in the store.
        if !entry.fresh {
            self.hot_octets -= u64::from(std::mem::take(&mut entry.hot_octets));
            entry.body = super::Held::Cold;
        }
        let device = entry.envelope.destination.clone();
        let remote_id = entry.progress.remote_id.clone();
        let expected = self.correlator.expect(link, &remote_id, &device, key);
        if let Some(entry) = self.entries.get_mut(key) {
            entry.expected = expected;
        }
        if let Some(peer) = self.peers.get_mut(&PeerId::Link(link)) {
            peer.awaiting += 1;
        }
        self.touch(key);
        self.arm(now, key);
    }

    fn refused(&mut self, now: Now, key: Key, id: PeerId, class: ErrorClass, status: u32) {
        self.turn.notes.push(Note::AttemptFailed { peer: id, class });
        let session = match self.entries.get_mut(key) {
            Some(entry) => {
                entry.progress.status = status;
                match entry.phase {
                    Phase::Released { session } => Some(session),
                    _ => None,
                }
            }
            None => return,
        };
        match class {
            ErrorClass::Throttling | ErrorClass::QueueFull if !self.adapts(id) => {
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.pace.on_other();
                }
                self.retry(now, key, id, class);
            }
            ErrorClass::Throttling => {
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.pace.on_throttled(now.mono);
                }
                self.requeue(now, key);
            }
            ErrorClass::QueueFull => {
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.pace.on_queue_full(now.mono);
                }
                self.requeue(now, key);
            }
            ErrorClass::Fatal => {
                if let Some(session) = session {
                    self.close_session(session, status);
                }
                self.requeue(now, key);
            }
            ErrorClass::Temporary | ErrorClass::Permanent => {
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.pace.on_other();
                }
                self.retry(now, key, id, class);
            }
        }
    }

    /// Has a session closed, and gives it nothing more until it is gone.
    fn close_session(&mut self, session: SessionId, status: u32) {
        if let Some(slot) = self.sessions.get_mut(&session) {
            slot.window = 0;
            slot.closing = true;
        }
        self.turn.effects.push(Effect::CloseSession { session, status });
    }

    fn retry(&mut self, now: Now, key: Key, id: PeerId, class: ErrorClass) {
        let random = self.random.next();
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.progress.retries = entry.progress.retries.saturating_add(1);
        let tries = u32::from(entry.progress.retries);
        // Parts that were refused together are tried together: a link may have to join them.
        let random = match entry.envelope.part {
            Some(part) => xxhash_rust::xxh3::xxh3_64_with_seed(&part.whole.to_bytes(), tries.into()),
            None => random,
        };
        let expires_at = entry.envelope.expires_at;
        let Some(policy) = self.policy.peer(id) else {
            self.route_entry(now, key, None);
            return;
        };
        match policy.retry.next(class, tries, now.wall, expires_at, random) {
            Retry::At(at) => self.wait(now, key, at),
            Retry::GiveUp(Reason::ValidityEnded) => self.expire(now, key),
            Retry::GiveUp(reason) => {
                let state = match reason {
                    Reason::PeerRefused => FinalState::Rejected,
                    _ => FinalState::Failed,
                };
                self.finish(now, key, state, reason);
            }
        }
    }

    /// An attempt's fate is unknown: wait for its receipt, then do what policy says.
    pub(super) fn doubt(&mut self, now: Now, key: Key, id: PeerId) {
        self.turn.notes.push(Note::InDoubt { peer: id });
        let Some(entry) = self.entries.get(key) else { return };
        let opening = Opening::of_held(&entry.body);
        self.doubt_about(now, key, id, opening);
    }

    /// The same, where the beginning of the text is known though the body is not in memory.
    pub(super) fn doubt_about(&mut self, now: Now, key: Key, id: PeerId, opening: Opening) {
        let Some(policy) = self.policy.peer(id) else {
            // The peer was taken out of the configuration with the attempt: there is no hold and no receipt.
            self.doubt_over(now, key);
            return;
        };
        let Some(entry) = self.entries.get(key) else { return };
        let hold = if self.asks_receipt(entry, id).wants_any() {
            policy.doubt_hold
        } else {
            // No receipt can come; only a late answer of a session that lives could end the doubt.
            policy.doubt_hold.min(std::time::Duration::from_secs(1))
        };
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.progress.doubt = true;
        entry.phase = Phase::InDoubt { until: now.wall.after(hold) };
        self.enter_doubt(key, opening);
        self.touch(key);
        self.arm(now, key);
    }

    /// Registers an entry in doubt, so that a receipt for its device can be taken as its own.
    pub(super) fn enter_doubt(&mut self, key: Key, opening: Opening) {
        let Some(entry) = self.entries.get(key) else { return };
        if let Some(PeerId::Link(link)) = entry.peer {
            if matches!(entry.body, Held::Cold) && opening == Opening::default() {
                self.unread.push(key);
            }
            let doubted = Doubted { key, opening };
            self.in_doubt.entry((link, entry.lane_key().0)).or_default().push(doubted);
        }
    }

    pub(super) fn leave_doubt(&mut self, key: Key) {
        let Some(entry) = self.entries.get(key) else { return };
        let (Phase::InDoubt { .. }, Some(PeerId::Link(link))) = (entry.phase, entry.peer) else { return };
        let place = (link, entry.lane_key().0);
        if let Some(keys) = self.in_doubt.get_mut(&place) {
            keys.retain(|doubted| doubted.key != key);
            if keys.is_empty() {
                self.in_doubt.remove(&place);
            }
        }
    }

    /// The receipt that would have ended the doubt has not come.
    pub(super) fn doubt_over(&mut self, now: Now, key: Key) {
        self.leave_doubt(key);
        let Some(entry) = self.entries.get_mut(key) else { return };
        let after =
            entry.peer.and_then(|id| self.policy.peer(id)).map_or(AfterDoubt::Retry, |p| p.after_doubt);
        if entry.envelope.expires_at <= now.wall {
            self.expire(now, key);
            return;
        }
        match after {
            AfterDoubt::Fail => self.finish(now, key, FinalState::Failed, Reason::Doubt),
            AfterDoubt::Retry => {
                entry.progress.possible_duplicate = true;
                self.unqueue(key);
                self.route_entry(now, key, None);
                self.touch(key);
            }
        }
    }

    pub(super) fn session_down(
        &mut self,
        now: Now,
        session: SessionId,
        unsent: &[PermitId],
        in_flight: &[PermitId],
    ) {
        self.seen.session_ended(session, now.wall);
        let Some(slot) = self.sessions.remove(&session) else { return };
        if let Some(peer) = self.peers.get_mut(&slot.peer) {
            peer.sessions.retain(|other| *other != session);
        }
        for permit in unsent {
            let Some((key, id)) = self.permit_holder(*permit) else { continue };
            self.settle_permit(key, id);
            self.take_attempt_back(key);
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.pace.give_back(1);
            }
            self.requeue(now, key);
        }
        for permit in in_flight {
            let Some((key, id)) = self.permit_holder(*permit) else { continue };
            if matches!(self.entries.get(key).map(|entry| entry.phase), Some(Phase::InDoubt { .. })) {
                continue;
            }
            self.settle_permit(key, id);
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.pace.on_lost(1);
            }
            self.doubt(now, key, id);
        }
        if !self.usable(slot.peer) {
            self.strand(slot.peer);
        }
    }
}
