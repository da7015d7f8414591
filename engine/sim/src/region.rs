//! The owner of one shard: log in, exchange, one fenced commit a turn, effects out.
//!
//! The rules it keeps:
//! - It claims in the log first, then in the store. A turn of a former owner that is in the log behind the claim is
//!   void, and that owner sees the claim before it carries its turn out.
//! - It reads the log from where the group says, and passes over what the shard's position says is handled.
//! - It replays to the end of the log before anything leaves, and time acts only at the end of the log: an answer
//!   that is there ends the doubt before the doubt ends by itself.
//! - What time and credit decide, attempts and outcomes, is in the log before the commit: a store that goes back in
//!   time forgets commits, the log does not. A replay takes these decisions where they were taken.
//! - Effects wait for the commit.
//! - An idle owner commits its mark now and then: so it notices a store that went back.
//! - A commit whose fate is unknown, or that does not follow: it forgets all it knows, and claims anew.

use std::collections::VecDeque;
use std::sync::Arc;

use signalbox_backends::memory::{MemoryStore, SeededRandom};
use signalbox_core::backend::{CdrBatch, CdrSink, Commit, CommitError, Log, Offset, Store, Table};
use signalbox_core::cdr::Cdr;
use signalbox_core::exchange::{Bodies, Effect, Event, Exchange, Note, Restoring, Stray, Turn};
use signalbox_core::id::{Epoch, PeerId, SessionId, ShardId};
use signalbox_core::policy::Policy;
use signalbox_core::time::{Mono, Now};

use crate::incident::Incident;
use crate::judge;
use crate::plan::Bug;
use crate::record::{Record, TurnRecord};
use crate::scene::Scene;
use crate::session::Term;
use crate::setting::{IDLE, WINDOW};

/// Refused commits in a row after which the region starts again.
const TRIES: u32 = 5;

/// What the node does with the region after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It goes on.
    Stay,
    /// Another one has the shard.
    GiveUp,
    /// The shard is to be claimed in a new term.
    Reclaim,
}

enum Stage {
    /// To append its claim.
    Announce,
    /// To claim in the store and load.
    Claim { claim: Offset },
    /// At work.
    Work(Box<Work>),
}

struct Work {
    exchange: Exchange,
    /// Last record handled.
    position: Option<Offset>,
    /// Last record read.
    read: Option<Offset>,
    /// Position of the last commit that stands.
    committed: Option<Offset>,
    live: bool,
    local: VecDeque<Event>,
    /// When the last commit stood.
    last_commit: Mono,
    pending: Option<Pending>,
    tries: u32,
}

/// A turn that does not stand yet.
struct Pending {
    commit: Commit,
    effects: Vec<Effect>,
    /// What of it goes into the log first, until it is there.
    record: Option<TurnRecord>,
}

/// See the [module](self).
pub(crate) struct Region {
    shard: ShardId,
    epoch: Epoch,
    stage: Stage,
}

struct StoredBodies<'a>(&'a MemoryStore);

impl Bodies for StoredBodies<'_> {
    fn row(&self, shard: ShardId, table: Table, key: &[u8; 16]) -> Option<bytes::Bytes> {
        self.0.get(shard, table, key).ok().flatten()
    }
}

/// What the node lends a region for a step.
pub(crate) struct Desk<'a> {
    pub now: Now,
    pub store: &'a mut MemoryStore,
    pub random: &'a mut SeededRandom,
    pub sessions: &'a [(SessionId, PeerId)],
    pub policy: &'a Arc<Policy>,
    /// What may be carried out now.
    pub out: &'a mut Vec<Effect>,
}

impl Region {
    pub(crate) fn new(shard: ShardId, epoch: Epoch) -> Self {
        Self { shard, epoch, stage: Stage::Announce }
    }

    pub(crate) fn term(&self) -> Term {
        (self.shard, self.epoch)
    }

    /// Tells it of something on its node. Sessions mean nothing to it before it is live: it learns of all then.
    pub(crate) fn tell(&mut self, event: Event) {
        if let Stage::Work(work) = &mut self.stage
            && (work.live || matches!(event, Event::Policy(_)))
        {
            work.local.push_back(event);
        }
    }

    /// True when there is nothing left to do.
    pub(crate) fn is_idle(&self, scene: &Scene) -> bool {
        let Stage::Work(work) = &self.stage else { return false };
        let behind = scene.cluster.log().read(self.shard, work.read, 1).unwrap_or_default();
        work.live
            && work.exchange.open() == 0
            && work.pending.is_none()
            && work.local.is_empty()
            && behind.is_empty()
    }

    pub(crate) fn step(&mut self, scene: &mut Scene, desk: &mut Desk<'_>) -> Next {
        match &mut self.stage {
            Stage::Announce => {
                let record = Record::Claim { epoch: self.epoch };
                if let Ok(offsets) = scene.judge.append(&scene.cluster, &[(self.shard, record)])
                    && let Some(&claim) = offsets.first()
                {
                    self.stage = Stage::Claim { claim };
                }
                Next::Stay
            }
            Stage::Claim { claim } => {
                let claim = *claim;
                self.load(scene, desk, claim)
            }
            Stage::Work(work) => {
                if scene.chance(30) {
                    scene.group.commit_offset(self.shard, work.committed);
                }
                let next = work.step(scene, desk, self.shard, self.epoch);
                if next != Next::Stay {
                    scene
                        .judge
                        .tell(scene.now, || format!("{:?} of shard {}: {next:?}", self.epoch, self.shard));
                }
                next
            }
        }
    }

    fn load(&mut self, scene: &mut Scene, desk: &mut Desk<'_>, claim: Offset) -> Next {
        let (shard, epoch) = self.term();
        let Ok(mark) = scene.judge.claim(desk.store, shard, epoch) else { return Next::GiveUp };
        let mut exchange = Exchange::new(desk.policy.clone(), Box::new(desk.random.fork()), desk.now);
        exchange.own(shard, epoch, mark);
        let mut restoring = Restoring::default();
        let mut rows = Vec::new();
        if desk.store.load(Some(shard), &mut |row| rows.push(row)).is_err() {
            return Next::Reclaim;
        }
        let read = rows.len();
        for row in rows {
            exchange.restore_row(&mut restoring, row);
        }
        exchange.replay();
        exchange.restored(desk.now, restoring);
        scene.judge.tell(scene.now, || {
            format!("shard {shard} loaded in {epoch:?}: {read} rows, {mark:?}, claim at {claim:?}")
        });
        self.stage = Stage::Work(Box::new(Work {
            exchange,
            position: mark.position,
            read: scene.group.offset(shard).min(mark.position),
            committed: mark.position,
            live: false,
            local: VecDeque::new(),
            last_commit: desk.now.mono,
            pending: None,
            tries: 0,
        }));
        Next::Stay
    }
}

impl Work {
    fn step(&mut self, scene: &mut Scene, desk: &mut Desk<'_>, shard: ShardId, epoch: Epoch) -> Next {
        if self.pending.is_none() {
            if !self.live && self.replay(scene, desk, shard, epoch) == Next::GiveUp {
                return Next::GiveUp;
            }
            if self.turn(scene, desk, shard, epoch) == Next::GiveUp {
                return Next::GiveUp;
            }
            // Anything may happen between a turn, its record and its commit.
            if scene.chance(300) {
                return Next::Stay;
            }
        }
        if let Some(record) = self.pending.as_mut().and_then(|pending| pending.record.take()) {
            let next = self.log_turn(scene, shard, record);
            if next != Next::Stay || scene.chance(300) {
                return next;
            }
        }
        if self.pending.as_ref().is_some_and(|pending| pending.record.is_none()) {
            return self.commit(scene, desk);
        }
        Next::Stay
    }

    /// Handles the log to its end as the owners before this one did, and goes live.
    fn replay(&mut self, scene: &mut Scene, desk: &mut Desk<'_>, shard: ShardId, epoch: Epoch) -> Next {
        let checks = !scene.has(Bug::NoPositionCheck) && !scene.has(Bug::ReplayAgainstStore);
        let records = scene.cluster.log().read(shard, self.read, usize::MAX).unwrap_or_default();
        let mut newest = Epoch(0);
        let mut ordered = Vec::new();
        for (offset, data) in records {
            self.read = Some(offset);
            let record = Record::decode(&data);
            if let Record::Claim { epoch } = record {
                newest = newest.max(epoch);
            }
            if checks && Some(offset) <= self.position {
                scene.judge.note(Incident::RecordSkipped);
                continue;
            }
            match &record {
                Record::Turn(turn) if turn.epoch < newest => scene.judge.note(Incident::TurnVoid),
                // Behind what had been handled, before what was not read yet.
                Record::Turn(turn) => ordered.push((turn.upto, 1, offset, record)),
                Record::Submit { .. }
                | Record::Claim { .. }
                | Record::Answered { .. }
                | Record::Receipt(_) => ordered.push((Some(offset), 0, offset, record)),
            }
        }
        if newest > epoch {
            // It was granted long ago; a newer owner has claimed in the log, if not yet in the store.
            return Next::GiveUp;
        }
        ordered.sort_by_key(|(place, kind, offset, _)| (*place, *kind, *offset));
        let first = ordered.iter().map(|(_, _, offset, _)| *offset).min();
        let last = if scene.has(Bug::ReplayAgainstStore) { first } else { self.read };
        for (_, _, offset, record) in ordered {
            scene.judge.tell(scene.now, || format!("replay of {offset:?} {record:?}"));
            match record {
                Record::Turn(turn) => self.relive(scene, desk.now, turn),
                record => self.take(desk.now, record),
            }
        }
        self.exchange.replayed(desk.now);
        if let Some(last) = last.filter(|last| Some(*last) > self.position || !checks) {
            self.position = Some(last);
            self.exchange.handled(shard, last);
        }
        self.live = true;
        for &(session, peer) in desk.sessions {
            self.local.push_back(Event::SessionUp { peer, session, window: WINDOW });
        }
        Next::Stay
    }

    /// Takes the decisions of a former owner.
    fn relive(&mut self, scene: &mut Scene, now: Now, turn: TurnRecord) {
        for (message, attempt, peer) in turn.attempts {
            let known = self.exchange.permit_of(message, attempt).is_some();
            self.exchange.attempted(now, message, attempt, peer);
            if !known && self.exchange.permit_of(message, attempt).is_some() {
                scene.judge.note(Incident::AttemptLearned);
            }
        }
        for cdr in turn.cdrs.iter().filter_map(|cdr| Cdr::decode(cdr).ok()) {
            let before = self.exchange.open();
            self.exchange.ended(now, &cdr);
            if self.exchange.open() < before {
                scene.judge.note(Incident::EndLearned);
            }
        }
    }

    /// Handles what the log and the node have, and settles.
    fn turn(&mut self, scene: &mut Scene, desk: &mut Desk<'_>, shard: ShardId, epoch: Epoch) -> Next {
        let records = scene.cluster.log().read(shard, self.read, usize::MAX).unwrap_or_default();
        for (offset, data) in &records {
            let record = Record::decode(data);
            scene.judge.tell(scene.now, || format!("{epoch:?} takes {offset:?} {record:?}"));
            if matches!(record, Record::Claim { epoch: other } if other > epoch) {
                return Next::GiveUp;
            }
            self.take(desk.now, record);
            (self.read, self.position) = (Some(*offset), Some(*offset));
            self.exchange.handled(shard, *offset);
        }
        let events = std::mem::take(&mut self.local);
        let idle = desk.now.mono - self.last_commit > IDLE;
        if let Some(position) = self.position.filter(|_| idle) {
            self.exchange.handled(shard, position);
        }
        let due = idle || self.exchange.next_due().is_some_and(|due| due <= desk.now.mono);
        if records.is_empty() && events.is_empty() && !due {
            return Next::Stay;
        }
        for event in events {
            self.exchange.handle(desk.now, event);
        }
        let Turn { commit, effects, notes } = self.exchange.settle(desk.now, &StoredBodies(desk.store));
        notes.iter().filter_map(incident_of).for_each(|incident| scene.judge.note(incident));
        if commit.is_empty() && commit.marks.is_empty() {
            desk.out.extend(effects);
            return Next::Stay;
        }
        if scene.has(Bug::PublishBeforeCommit) {
            publish_now(scene, &commit);
        }
        let attempts: Vec<_> = effects.iter().filter_map(judge::permitted).collect();
        let said = !attempts.is_empty() || !commit.cdrs.is_empty();
        let record = (said && !scene.has(Bug::NoTurnRecord)).then(|| TurnRecord {
            epoch,
            upto: self.position,
            attempts,
            cdrs: commit.cdrs.clone(),
        });
        let mut pending = Pending { commit, effects, record };
        if scene.has(Bug::SendBeforeCommit) {
            desk.out.append(&mut pending.effects);
        }
        self.pending = Some(pending);
        Next::Stay
    }

    /// Handles an input. What an owner did itself, or was void, is no input.
    fn take(&mut self, now: Now, record: Record) {
        match record {
            Record::Submit { id, offer } => self.exchange.accepted(now, id, &offer.submit(id.accepted_at())),
            Record::Claim { .. } | Record::Turn(_) => {}
            Record::Answered { message, attempt, said } => {
                if let Some(permit) = self.exchange.permit_of(message, attempt) {
                    self.exchange.handle(now, Event::Answered { permit, answer: said.answer() });
                }
            }
            Record::Receipt(told) => self.exchange.handle(now, Event::Receipt(Box::new(told.receipt()))),
        }
    }

    /// Writes into the log what the turn decides, and sees whether a newer owner was there before.
    fn log_turn(&mut self, scene: &mut Scene, shard: ShardId, record: TurnRecord) -> Next {
        let epoch = record.epoch;
        let appended = scene.judge.append(&scene.cluster, &[(shard, Record::Turn(record.clone()))]);
        let own = match appended {
            Ok(offsets) => offsets.first().copied(),
            Err(_) => None,
        };
        let Some(own) = own else {
            if let Some(pending) = self.pending.as_mut() {
                pending.record = Some(record);
            }
            return Next::Stay;
        };
        let before = scene.cluster.log().read(shard, self.read, usize::MAX).unwrap_or_default();
        let overtaken = before
            .iter()
            .take_while(|(offset, _)| *offset < own)
            .any(|(_, data)| matches!(Record::decode(data), Record::Claim { epoch: other } if other > epoch));
        if overtaken {
            scene.judge.note(Incident::TurnVoid);
            return Next::GiveUp;
        }
        Next::Stay
    }

    fn commit(&mut self, scene: &mut Scene, desk: &mut Desk<'_>) -> Next {
        let Some(pending) = self.pending.take() else { return Next::Stay };
        let Pending { commit, effects, .. } = &pending;
        let result = scene.judge.commit(&scene.cluster, desk.store, commit, effects);
        scene.judge.tell(scene.now, || {
            format!("commit {:?} with {} CDRs: {result:?}", commit.marks, commit.cdrs.len())
        });
        match result {
            Ok(()) => {
                self.committed = self.position;
                self.last_commit = desk.now.mono;
                self.tries = 0;
                desk.out.extend(pending.effects);
                Next::Stay
            }
            Err(CommitError::Full) => {
                self.pending = Some(pending);
                Next::Stay
            }
            Err(CommitError::Refused { .. }) => {
                self.pending = Some(pending);
                self.tries += 1;
                if self.tries < TRIES { Next::Stay } else { self.reclaim(scene) }
            }
            Err(CommitError::Fenced { .. }) => {
                scene.judge.note(Incident::Zombie);
                Next::GiveUp
            }
            Err(CommitError::OutOfOrder { .. } | CommitError::Unknown { .. } | _) => self.reclaim(scene),
        }
    }

    fn reclaim(&self, scene: &mut Scene) -> Next {
        scene.judge.note(Incident::Reclaimed);
        Next::Reclaim
    }
}

/// What the owner must never do: the sink before the store.
fn publish_now(scene: &mut Scene, commit: &Commit) {
    if commit.cdrs.is_empty() {
        return;
    }
    let mut sink = scene.cluster.sink();
    let Ok(position) = sink.position() else { return };
    let batch = CdrBatch { sequence: position + 1, records: commit.cdrs.clone() };
    // A sink that fails is the relay's to come back to.
    let _ = sink.publish(&[batch]);
    scene.judge.look_at_sink(&scene.cluster);
}

fn incident_of(note: &Note) -> Option<Incident> {
    match note {
        Note::InDoubt { .. } => Some(Incident::InDoubt),
        Note::ReceiptStray { why: Stray::Early, .. } => Some(Incident::ReceiptParked),
        Note::ReceiptStray { why: Stray::Repeated, .. } => Some(Incident::ReceiptRepeated),
        Note::ReceiptStray { why: Stray::Late, .. } => Some(Incident::Amended),
        Note::ReceiptStray { why: Stray::Unmatched | Stray::Ambiguous | Stray::NoRoom, .. }
        | Note::Accepted { .. }
        | Note::Refused { .. }
        | Note::Released { .. }
        | Note::AttemptFailed { .. }
        | Note::Ended { .. }
        | Note::ValidityCut { .. }
        | Note::KeyForgotten
        | Note::DuplicateMo { .. }
        | Note::Gathered { .. }
        | Note::PartAlone { .. }
        | Note::RowDamaged { .. } => None,
    }
}
