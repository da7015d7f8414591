//! The owner of one shard: log in, exchange, one fenced commit a turn, effects out.
//!
//! The rules it keeps:
//! - It claims in the log first, then in the store; a release record of a former owner behind the claim is void.
//! - It reads the log from where the group says, and passes over what the shard's position says is handled.
//! - While it replays, no session is up for it, so nothing leaves. What was out is in doubt until its answer is read.
//! - Effects wait for the commit. Attempts wait for one thing more: their record in the log. A store that goes
//!   back in time forgets commits, the log does not.
//! - An idle owner commits its mark now and then: so it notices a store that went back.
//! - A commit whose fate is unknown, or that does not follow: it forgets all it knows, and claims anew.

use std::collections::VecDeque;
use std::time::Duration;

use signalbox_backends::memory::{MemoryStore, SeededRandom};
use signalbox_core::backend::{
    CdrBatch, CdrSink, Commit, CommitError, Log, Offset, Store, Table,
};
use signalbox_core::exchange::{Bodies, Effect, Event, Exchange, Note, Restoring, Stray};
use signalbox_core::id::{Epoch, MessageId, PeerId, SessionId, ShardId};
use signalbox_core::time::{Mono, Now};

use crate::incident::Incident;
use crate::judge;
use crate::plan::Bug;
use crate::record::Record;
use crate::scene::Scene;
use crate::session::Term;
use crate::setting::{WINDOW, policy};

/// Records of one turn at most.
const BATCH: usize = 6;
/// An owner that has nothing to commit for so long commits its mark.
const IDLE: Duration = Duration::from_secs(2);
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
    /// Its own claim in the log.
    claim: Offset,
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
    pending: Option<(Commit, Vec<Effect>)>,
    releasing: Vec<Effect>,
    tries: u32,
}

/// See the [module](self).
pub(crate) struct Region {
    shard: ShardId,
    epoch: Epoch,
    stage: Stage,
}

struct StoredBodies<'a>(&'a MemoryStore);

impl Bodies for StoredBodies<'_> {
    fn message_row(&self, id: MessageId) -> Option<bytes::Bytes> {
        self.0.get(id.shard(), Table::Message, &id.to_bytes()).ok().flatten()
    }
}

/// What the node lends a region for a step.
pub(crate) struct Desk<'a> {
    pub now: Now,
    pub store: &'a mut MemoryStore,
    pub random: &'a mut SeededRandom,
    pub sessions: &'a [(SessionId, PeerId)],
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

    /// Tells it of something on its node; only while it is live.
    pub(crate) fn tell(&mut self, event: Event) {
        if let Stage::Work(work) = &mut self.stage
            && work.live
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
            && work.releasing.is_empty()
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
                    scene.judge.tell(scene.now, || format!("{:?} of shard {}: {next:?}", self.epoch, self.shard));
                }
                next
            }
        }
    }

    fn load(&mut self, scene: &mut Scene, desk: &mut Desk<'_>, claim: Offset) -> Next {
        let (shard, epoch) = self.term();
        let Ok(mark) = scene.judge.claim(desk.store, shard, epoch) else { return Next::GiveUp };
        let mut exchange = Exchange::new(policy(), Box::new(desk.random.fork()), desk.now);
        exchange.own(shard, epoch, mark);
        let mut restoring = Restoring::default();
        let mut rows = Vec::new();
        if desk.store.load(Some(shard), &mut |row| rows.push(row)).is_err() {
            return Next::Reclaim;
        }
        for row in &rows {
            exchange.restore_row(&mut restoring, row);
        }
        exchange.restored(desk.now, restoring);
        scene.judge.tell(scene.now, || {
            format!("shard {shard} loaded in {epoch:?}: {} rows, {mark:?}, claim at {claim:?}", rows.len())
        });
        self.stage = Stage::Work(Box::new(Work {
            exchange,
            claim,
            position: mark.position,
            read: scene.group.offset(shard).min(mark.position),
            committed: mark.position,
            live: false,
            local: VecDeque::new(),
            last_commit: desk.now.mono,
            pending: None,
            releasing: Vec::new(),
            tries: 0,
        }));
        Next::Stay
    }
}

impl Work {
    fn step(&mut self, scene: &mut Scene, desk: &mut Desk<'_>, shard: ShardId, epoch: Epoch) -> Next {
        if !self.releasing.is_empty() {
            return self.release(scene, desk, shard, epoch);
        }
        if self.pending.is_none() {
            self.turn(scene, desk, shard, epoch);
            // Anything may happen between a turn and its commit.
            if scene.chance(400) {
                return Next::Stay;
            }
        }
        self.commit(scene, desk)
    }

    /// Handles what the log and the node have, and settles.
    fn turn(&mut self, scene: &mut Scene, desk: &mut Desk<'_>, shard: ShardId, epoch: Epoch) {
        let records = scene.cluster.log().read(shard, self.read, BATCH).unwrap_or_default();
        let checks = !scene.has(Bug::NoPositionCheck) && !scene.has(Bug::ReplayAgainstStore);
        for (offset, data) in &records {
            self.read = Some(*offset);
            if checks && Some(*offset) <= self.position {
                scene.judge.note(Incident::RecordSkipped);
                continue;
            }
            self.take(scene, desk.now, *offset, Record::decode(data), epoch);
            self.position = Some(*offset);
            self.exchange.handled(shard, *offset);
        }
        let caught_up = records.len() < BATCH && self.read >= Some(self.claim);
        let mut events = std::mem::take(&mut self.local);
        if !self.live && caught_up {
            self.live = true;
            let up = |&(session, peer): &(SessionId, PeerId)| Event::SessionUp { peer, session, window: WINDOW };
            events.extend(desk.sessions.iter().map(up));
        }
        let idle = desk.now.mono - self.last_commit > IDLE;
        if let Some(position) = self.position.filter(|_| idle) {
            self.exchange.handled(shard, position);
        }
        let due = idle || self.exchange.next_due().is_some_and(|due| due <= desk.now.mono);
        if records.is_empty() && events.is_empty() && !due {
            return;
        }
        for event in events {
            self.exchange.handle(desk.now, event);
        }
        let turn = self.exchange.settle(desk.now, &StoredBodies(desk.store));
        turn.notes.iter().filter_map(incident_of).for_each(|incident| scene.judge.note(incident));
        if turn.commit.is_empty() && turn.commit.marks.is_empty() {
            desk.out.extend(turn.effects);
            return;
        }
        if scene.has(Bug::PublishBeforeCommit) {
            publish_now(scene, &turn.commit);
        }
        if scene.has(Bug::SendBeforeCommit) {
            desk.out.extend(turn.effects);
            self.pending = Some((turn.commit, Vec::new()));
            return;
        }
        self.pending = Some((turn.commit, turn.effects));
    }

    fn take(&mut self, scene: &mut Scene, now: Now, offset: Offset, record: Record, epoch: Epoch) {
        scene.judge.tell(scene.now, || format!("{epoch:?} takes {offset:?} {record:?}"));
        match record {
            Record::Submit { id, offer } => self.exchange.accepted(now, id, &offer.submit(id.accepted_at())),
            Record::Claim { .. } => {}
            Record::Released { epoch: of, attempts } => {
                if of == epoch || offset > self.claim {
                    return;
                }
                for (message, attempt, peer) in attempts {
                    let known = self.exchange.permit_of(message, attempt).is_some();
                    self.exchange.attempted(now, message, attempt, peer);
                    if !known && self.exchange.permit_of(message, attempt).is_some() {
                        scene.judge.note(Incident::AttemptLearned);
                    }
                }
            }
            Record::Answered { message, attempt, said } => {
                if let Some(permit) = self.exchange.permit_of(message, attempt) {
                    self.exchange.handle(now, Event::Answered { permit, answer: said.answer() });
                }
            }
            Record::Receipt(told) => self.exchange.handle(now, Event::Receipt(Box::new(told.receipt()))),
        }
    }

    fn commit(&mut self, scene: &mut Scene, desk: &mut Desk<'_>) -> Next {
        let Some((commit, effects)) = self.pending.take() else { return Next::Stay };
        let result = scene.judge.commit(&scene.cluster, desk.store, &commit, &effects);
        scene.judge.tell(scene.now, || {
            format!("commit {:?} with {} CDRs: {result:?}", commit.marks, commit.cdrs.len())
        });
        match result {
            Ok(()) => {
                self.committed = self.position;
                self.last_commit = desk.now.mono;
                self.tries = 0;
                let leaves = effects.iter().any(|effect| judge::released(effect).is_some());
                if leaves && !scene.has(Bug::NoReleaseRecord) {
                    self.releasing = effects;
                } else {
                    desk.out.extend(effects);
                }
                Next::Stay
            }
            Err(CommitError::Full) => {
                self.pending = Some((commit, effects));
                Next::Stay
            }
            Err(CommitError::Refused { .. }) => {
                self.pending = Some((commit, effects));
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

    /// Writes into the log which attempts leave, and lets them go if no newer owner is before that.
    fn release(&mut self, scene: &mut Scene, desk: &mut Desk<'_>, shard: ShardId, epoch: Epoch) -> Next {
        let attempts = self.releasing.iter().filter_map(|effect| match effect {
            Effect::Send { released, .. } => Some((released.id(), released.attempt(), released.peer())),
            Effect::Reply { .. }
            | Effect::CloseSession { .. }
            | Effect::Lookup { .. }
            | Effect::Alarm(_) => None,
        });
        let record = Record::Released { epoch, attempts: attempts.collect() };
        let Ok(offsets) = scene.judge.append(&scene.cluster, &[(shard, record)]) else { return Next::Stay };
        let Some(&own) = offsets.first() else { return Next::Stay };
        let before = scene.cluster.log().read(shard, self.read, usize::MAX).unwrap_or_default();
        let overtaken = before.iter().take_while(|(offset, _)| *offset < own).any(|(_, data)| {
            matches!(Record::decode(data), Record::Claim { epoch: other } if other > epoch)
        });
        if overtaken {
            scene.judge.note(Incident::ReleaseVoid);
            return Next::GiveUp;
        }
        desk.out.append(&mut self.releasing);
        Next::Stay
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
        | Note::DuplicateMo { .. }
        | Note::RowDamaged { .. } => None,
    }
}
