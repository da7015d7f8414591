//! What a shard's log brings, where intake and handling are two commits (a cluster).
//!
//! A message of the log is accepted already: it has its id, its time and its answer. So it is never refused any
//! more; where the rules have no way for it, it ends, with a CDR. Answers name message and attempt, for the
//! permit they were given under may be of an owner before this one. All of it may come again, after a store that
//! lost its last commits, and then leads to the same.

use super::Exchange;
use super::effect::Refusal;
use super::entry::{Entries, Key, Phase, Progress};
use super::event::{Submit, SubmitChannel};
use super::finish::Ending;
use super::intake::{Offer, octets_of};
use super::validity::{Asked, Term};
use crate::backend::{Offset, Table};
use crate::cdr::{Cdr, CdrKind};
use crate::id::{MessageId, PeerId, PermitId, ShardId};
use crate::message::{Direction, Envelope, Origin, VisibleId};
use crate::outcome::{FinalState, Reason};
use crate::time::Now;

impl Exchange {
    /// Begins a replay of the log; to be called before [`restored`](Self::restored).
    ///
    /// Until [`replayed`](Self::replayed) no message is routed, neither those of the store nor those of the log:
    /// what a former owner did with them comes later in the log, and the rules may be others by now.
    pub fn replay(&mut self) {
        self.unrouted = Some(Vec::new());
    }

    /// Ends a replay: what is still without a way gets one.
    pub fn replayed(&mut self, now: Now) {
        for key in self.unrouted.take().unwrap_or_default() {
            let Some(entry) = self.entries.get_mut(key) else { continue };
            if entry.phase != Phase::Resolving {
                continue;
            }
            match entry.envelope.not_before.filter(|at| entry.progress.attempts == 0 && *at > now.wall) {
                Some(at) => self.wait(now, key, at),
                None => self.route_entry(now, key, None),
            }
        }
    }

    /// Takes a submission that was accepted as `id` when its record became durable, and answered then.
    ///
    /// It has one destination, whose shard is the id's: the intake makes a record of each. Limits on what may be
    /// accepted are the intake's; `reply` and `idempotency` have done their work. An id that is known is passed
    /// over.
    pub fn accepted(&mut self, now: Now, id: MessageId, submit: &Submit) {
        if self.by_id.contains_key(&id) || self.groups.contains_key(&id) || self.finished.get(id).is_some() {
            return;
        }
        if let Err(refusal) = self.try_accepted(now, id, submit) {
            self.end_refused(now, id, submit, &refusal);
        }
    }

    fn try_accepted(&mut self, now: Now, id: MessageId, submit: &Submit) -> Result<(), Refusal> {
        let policy = self.policy.clone();
        let account = policy.accounts.get(&submit.account).ok_or(Refusal::AccountInactive)?;
        if self.unrouted.is_none() {
            if !account.active {
                return Err(Refusal::AccountInactive);
            }
            if !account.may_send_from(&submit.source) {
                return Err(Refusal::SourceNotAllowed);
            }
        }
        let destination = submit.destinations.first().ok_or(Refusal::NoDestination)?.clone();
        // Validity counts from acceptance, not from when the record is read.
        let at = Now { wall: id.accepted_at(), ..now };
        let asked = Asked { not_before: submit.not_before, expires_at: submit.expires_at };
        let Term { not_before, expires_at, cut: _ } =
            Term::of(at, asked, None, account, policy.limits.schedule)?;
        let offer = Offer {
            id: Some(id),
            direction: Direction::Mt,
            origin: origin_of(submit),
            origin_class: submit.origin_class,
            class: submit.class,
            source: submit.source.clone(),
            destination,
            not_before,
            expires_at,
            receipt: submit.receipt,
            first_part: submit.first_part,
            in_parts: submit.in_parts.clone(),
        };
        self.accept(now, offer, &submit.parts, Some(VisibleId::Long), false).map(|_| ())
    }

    /// Books the outcome of a message that is accepted and has no way to go.
    fn end_refused(&mut self, now: Now, id: MessageId, submit: &Submit, refusal: &Refusal) {
        let (state, reason) = match refusal {
            Refusal::NoRoute | Refusal::NoDestination => (FinalState::Rejected, Reason::NoRoute),
            Refusal::RouteRejects { .. } => (FinalState::Rejected, Reason::RouteRejects),
            Refusal::AccountInactive | Refusal::SourceNotAllowed => (FinalState::Filtered, Reason::Contract),
            Refusal::QuotaReached { .. } => (FinalState::Filtered, Reason::Contract),
            Refusal::CounterThrottle => (FinalState::Filtered, Reason::CounterBlock),
            Refusal::BadSchedule | Refusal::AlreadyExpired | Refusal::ValidityTooLong => {
                (FinalState::Expired, Reason::ValidityEnded)
            }
            Refusal::QueueFull { .. }
            | Refusal::AccountQueueFull { .. }
            | Refusal::StoreFull
            | Refusal::OutboxFull { .. }
            | Refusal::PartsFull { .. }
            | Refusal::DeviceBusy
            | Refusal::Draining
            | Refusal::LinkUnknown
            | Refusal::Internal => (FinalState::Failed, Reason::Internal),
        };
        let envelope = Envelope {
            id,
            direction: Direction::Mt,
            origin: origin_of(submit),
            origin_class: submit.origin_class,
            class: submit.class,
            source: submit.source.clone(),
            destination: submit.destinations.first().cloned().unwrap_or_default(),
            not_before: None,
            expires_at: id.accepted_at(),
            receipt: submit.receipt,
            visible_id: VisibleId::Long,
            part: None,
            octets: octets_of(&submit.parts),
        };
        let data_coding = submit.parts.first().map_or(0, |part| part.data_coding);
        let parts = u8::try_from(submit.parts.len()).unwrap_or(u8::MAX);
        let ending = Ending { state, reason, at: now.wall, peer: None, progress: Progress::default() };
        self.conclude(now, envelope, data_coding, parts, ending);
    }

    /// Tells of an attempt that an owner before this one released. The log says so; the store may not know, when it
    /// lost the commit. Its fate is in doubt (rule 4) until its answer is read. What the store knows is passed over.
    pub fn attempted(&mut self, now: Now, id: MessageId, attempt: u16, peer: PeerId) {
        // A part of what the commit that was lost had cut: then the attempt was one of the whole.
        let known = self.by_id.get(&id).or_else(|| self.by_id.get(&id.whole()));
        let Some(key) = known.copied() else {
            self.attempted_after_its_end(id, attempt);
            return;
        };
        let Some(entry) = self.entries.get_mut(key) else { return };
        if entry.progress.attempts >= attempt || self.policy.peer(peer).is_none() {
            return;
        }
        match entry.phase {
            Phase::AwaitingReceipt { .. } => return,
            // The attempt before this one had no answer either.
            Phase::Released { .. } | Phase::InDoubt { .. } => entry.progress.possible_duplicate = true,
            Phase::Waiting { .. } | Phase::Queued | Phase::Resolving | Phase::Gathering | Phase::Joined => {}
        }
        if matches!(self.entries.get(key).map(|entry| entry.phase), Some(Phase::Gathering | Phase::Joined)) {
            self.leave_parts(now, key);
        }
        self.withdraw(key);
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.peer = Some(peer);
        entry.progress.attempts = attempt;
        entry.progress.first_sent_at.get_or_insert(now.wall);
        self.hold_lane(key);
        self.doubt(now, key, peer);
    }

    /// The replay has ended a message, by a receipt for instance, that was still open for the owner that made this
    /// attempt: for that one time had acted before. So the receiver may have it twice.
    fn attempted_after_its_end(&mut self, id: MessageId, attempt: u16) {
        if let Some(mut group) = self.groups.remove(&id.whole()) {
            if let Some(worst) = &mut group.worst {
                worst.progress.possible_duplicate = true;
                self.put_group(&group);
            }
            self.groups.insert(id.whole(), group);
        }
        if let Some((place, mut cdr)) = self.final_of_this_turn(id.whole()) {
            cdr.possible_duplicate = true;
            cdr.attempt = cdr.attempt.max(attempt);
            self.turn.commit.cdrs[place] = cdr.encode();
        }
    }

    /// The final CDR that this turn has for a message, and its place.
    fn final_of_this_turn(&self, id: MessageId) -> Option<(usize, Cdr)> {
        self.turn.commit.cdrs.iter().enumerate().find_map(|(place, octets)| {
            let cdr = Cdr::decode(octets).ok()?;
            (cdr.kind == CdrKind::Final && cdr.message == id).then_some((place, cdr))
        })
    }

    /// Tells how an owner before this one ended a message, or amended its CDR. The log says so; the store may not
    /// know. Time may have decided, which does not come again the same way: so it ends as it did, with the CDR that
    /// may be published already. What the store knows to have ended is passed over; what this replay has ended
    /// otherwise ends as it did.
    pub fn ended(&mut self, now: Now, cdr: &Cdr) {
        let id = cdr.message;
        let envelope = match (cdr.kind, self.by_id.get(&id).copied()) {
            (CdrKind::Amendment, _) => None,
            (CdrKind::Final, Some(key)) => {
                self.leave_parts(now, key);
                self.part_again(now, key);
                self.withdraw(key);
                let Some(entry) = self.take_out(key) else { return };
                Some(entry.envelope)
            }
            (CdrKind::Final, None) => {
                let Some(group) = self.groups.remove(&id) else {
                    if let Some((place, _)) = self.final_of_this_turn(id) {
                        self.turn.commit.cdrs[place] = cdr.encode();
                    }
                    return;
                };
                self.delete(id.shard(), Table::Group, id.to_bytes());
                for key in group.parts {
                    self.withdraw(key);
                    let _ = self.take_out(key);
                }
                Some(group.envelope)
            }
        };
        self.turn.commit.cdrs.push(cdr.encode());
        self.touched_shards.insert(id.shard());
        if let Some(envelope) = envelope {
            self.forget_name(&envelope);
            let progress =
                Progress { status: cdr.status, network_error: cdr.network_error, ..Progress::default() };
            let (state, reason, at) = (cdr.outcome, cdr.reason, cdr.final_at);
            self.tell_origin(now, &envelope, &Ending { state, reason, at, peer: None, progress });
        }
    }

    /// Takes an entry from wherever it is on its way.
    fn withdraw(&mut self, key: Key) {
        if let Some(peer) = self.entries.get(key).and_then(|entry| entry.peer) {
            self.settle_permit(key, peer);
        }
        self.unqueue(key);
        self.leave_doubt(key);
    }

    /// The permit of an attempt whose answer is still awaited, for one that the log names by message and attempt.
    #[must_use]
    pub fn permit_of(&self, id: MessageId, attempt: u16) -> Option<PermitId> {
        let key = *self.by_id.get(&id)?;
        let entry = self.entries.get(key)?;
        let awaited = matches!(entry.phase, Phase::Released { .. } | Phase::InDoubt { .. });
        (awaited && entry.progress.attempts == attempt).then(|| Entries::permit(key, entry.nonce))
    }

    /// Tells that the log of `shard` is handled up to here; the commit of this turn says so.
    pub fn handled(&mut self, shard: ShardId, upto: Offset) {
        self.marks[usize::from(shard.number())].position = Some(upto);
        self.touched_shards.insert(shard);
    }
}

fn origin_of(submit: &Submit) -> Origin {
    match submit.channel {
        SubmitChannel::Smpp => Origin::Smpp(submit.account),
        SubmitChannel::Http(webhook) => Origin::Http(submit.account, webhook),
    }
}
