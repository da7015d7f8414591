//! A node: its memory, which a crash takes, and the order in which it looks after its parts.

use std::collections::{BTreeMap, VecDeque};

use signalbox_backends::memory::{MemoryLease, MemoryOwnership, MemoryStore, NodeId, SeededRandom};
use signalbox_core::backend::{LogError, Ownership, OwnershipEvent};
use signalbox_core::exchange::{Effect, Event};
use signalbox_core::id::{MessageId, PeerId, SessionId, ShardId};
use signalbox_core::time::{Micros, Mono, Now};

use crate::intake::Intake;
use crate::operator::Read;
use crate::record::{Record, Said};
use crate::region::{Desk, Next, Region};
use crate::relay::Relay;
use crate::scene::Scene;
use crate::session::{Session, Term};
use crate::setting::WINDOW;
use crate::wire::{ToNode, ToPeer};

/// Frames that a node takes from its sockets in one go.
const FRAMES: usize = 12;

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It works.
    Running,
    /// It stands still; its sockets fill up.
    Paused { until: Mono },
    /// It is gone and starts again.
    Down { until: Mono },
}

/// What a crash takes.
#[derive(Default)]
struct Memory {
    regions: BTreeMap<ShardId, Region>,
    sessions: BTreeMap<SessionId, Session>,
    inbox: VecDeque<(SessionId, ToNode)>,
    /// Answers of peers that are not in the log yet.
    answers: VecDeque<(MessageId, u16, Said)>,
    intake: Intake,
    relay: Relay,
    catalog: Read,
}

/// See the [module](self).
pub(crate) struct Node {
    pub index: usize,
    pub state: State,
    /// How far its wall clock is off, in microseconds.
    pub skew: i64,
    /// What its monotonic clock showed when the run began.
    origin: u64,
    store: MemoryStore,
    ownership: MemoryOwnership,
    lease: MemoryLease,
    random: SeededRandom,
    memory: Memory,
}

impl Node {
    pub(crate) fn new(index: usize, scene: &mut Scene) -> Self {
        let mut random = scene.cluster.random();
        Self {
            index,
            state: State::Running,
            skew: 0,
            origin: 1_000_000_000 * (1 + random.below(1_000_000)),
            store: scene.cluster.store(),
            ownership: scene.cluster.ownership(NodeId(index as u16)),
            lease: scene.cluster.lease(),
            random,
            memory: Memory::default(),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.state == State::Running
    }

    fn clock(&self, scene: &Scene) -> Now {
        let run = i64::try_from(scene.now.0 / 1000).unwrap_or(i64::MAX);
        let wall = Micros(1_790_000_000_000_000 + run + self.skew);
        Now { wall, mono: Mono(self.origin + scene.now.0) }
    }

    /// Everything in memory is gone.
    pub(crate) fn crash(&mut self, scene: &mut Scene) {
        let memory = std::mem::take(&mut self.memory);
        for session in memory.sessions.keys() {
            scene.wire.close(scene.now, *session);
        }
    }

    /// Something came over a session; it waits until the node looks.
    pub(crate) fn receive(&mut self, session: SessionId, frame: ToNode) {
        if !matches!(self.state, State::Down { .. }) {
            self.memory.inbox.push_back((session, frame));
        }
    }

    /// A session came up.
    pub(crate) fn bound(&mut self, session: SessionId, peer: PeerId) {
        self.memory.sessions.insert(session, Session::new(peer));
        for region in self.memory.regions.values_mut() {
            region.tell(Event::SessionUp { peer, session, window: WINDOW });
        }
    }

    pub(crate) fn has_session(&self, peer: PeerId) -> bool {
        self.memory.sessions.values().any(|session| session.peer == peer)
    }

    /// The region of a shard, if it is here and has nothing left to do.
    pub(crate) fn is_idle(&self, scene: &Scene, shard: ShardId) -> bool {
        self.memory.answers.is_empty()
            && self.memory.inbox.is_empty()
            && self.memory.regions.get(&shard).is_some_and(|region| region.is_idle(scene))
    }

    pub(crate) fn step(&mut self, scene: &mut Scene) {
        let now = self.clock(scene);
        scene.group.heartbeat(self.index, scene.now);
        if scene.chance(700) {
            self.follow_ownership(scene);
        }
        if scene.chance(200) && self.memory.catalog.look(scene) {
            self.tell_policy();
        }
        for _ in 0..FRAMES {
            let Some((session, frame)) = self.memory.inbox.pop_front() else { break };
            self.frame(scene, session, frame);
        }
        if scene.chance(600) {
            self.memory.intake.step(scene, now, &mut self.random);
        }
        if scene.chance(700) {
            self.log_answers(scene);
        }
        let shards: Vec<ShardId> = self.memory.regions.keys().copied().collect();
        for shard in shards {
            if scene.chance(600) {
                self.run_region(scene, now, shard);
            }
        }
        if scene.chance(700) {
            self.write(scene, now);
        }
        if scene.chance(200) {
            let chosen = scene.group.publishes(self.index);
            self.memory.relay.step(scene, &mut self.store, chosen);
        }
    }

    fn tell_policy(&mut self) {
        let Some(policy) = self.memory.catalog.policy() else { return };
        for region in self.memory.regions.values_mut() {
            region.tell(Event::Policy(policy.clone()));
        }
    }

    fn follow_ownership(&mut self, scene: &mut Scene) {
        for event in self.ownership.poll() {
            scene.judge.tell(scene.now, || format!("node {} hears {event:?}", self.index));
            match event {
                OwnershipEvent::Grant { shard, epoch } => {
                    self.drop_region(shard);
                    self.memory.regions.insert(shard, Region::new(shard, epoch));
                }
                OwnershipEvent::Revoke { shard } => self.drop_region(shard),
            }
        }
    }

    fn drop_region(&mut self, shard: ShardId) {
        let Some(region) = self.memory.regions.remove(&shard) else { return };
        for session in self.memory.sessions.values_mut() {
            session.forget(region.term());
        }
    }

    fn frame(&mut self, scene: &mut Scene, session: SessionId, frame: ToNode) {
        match frame {
            ToNode::Submit { token, offer } => {
                self.memory.intake.offered(scene, &self.store, session, token, offer);
            }
            ToNode::Answer { token, said } => {
                let written = self.memory.sessions.get_mut(&session).and_then(|one| one.answered(token));
                if let Some(written) = written {
                    self.memory.answers.push_back((written.message, written.attempt, said));
                }
            }
            ToNode::Receipt { token, told } => {
                let shard = told.device.shard();
                let taken = match scene.judge.append(&scene.cluster, &[(shard, Record::Receipt(told))]) {
                    Ok(_) => true,
                    Err(LogError::Unknown { .. }) => return,
                    Err(_) => false,
                };
                scene.send_to_peer(session, ToPeer::ReceiptTaken { token, taken });
            }
            ToNode::Gone => self.session_gone(scene, session),
        }
    }

    fn session_gone(&mut self, scene: &mut Scene, id: SessionId) {
        let Some(session) = self.memory.sessions.remove(&id) else { return };
        for written in session.unanswered() {
            scene.judge.books.interrupted(written.message, written.attempt);
        }
        for region in self.memory.regions.values_mut() {
            let (unsent, in_flight) = session.ended(region.term());
            region.tell(Event::SessionDown { session: id, unsent, in_flight });
        }
    }

    /// Appends what peers answered. It is tried until it is known to be in the log; twice does no harm.
    fn log_answers(&mut self, scene: &mut Scene) {
        while let Some((message, attempt, said)) = self.memory.answers.front().cloned() {
            let record = Record::Answered { message, attempt, said };
            if scene.judge.append(&scene.cluster, &[(message.shard(), record)]).is_err() {
                return;
            }
            self.memory.answers.pop_front();
        }
    }

    fn run_region(&mut self, scene: &mut Scene, now: Now, shard: ShardId) {
        let Some(policy) = self.memory.catalog.policy() else { return };
        let Some(region) = self.memory.regions.get_mut(&shard) else { return };
        let sessions: Vec<(SessionId, PeerId)> =
            self.memory.sessions.iter().map(|(id, session)| (*id, session.peer)).collect();
        let mut out = Vec::new();
        let mut desk = Desk {
            now,
            store: &mut self.store,
            random: &mut self.random,
            sessions: &sessions,
            policy,
            out: &mut out,
        };
        let next = region.step(scene, &mut desk);
        let term = region.term();
        for effect in out {
            self.carry_out(scene, term, effect);
        }
        match next {
            Next::Stay => {}
            Next::GiveUp => self.drop_region(shard),
            Next::Reclaim => {
                self.drop_region(shard);
                // A node that is not the owner any more has nothing to claim.
                if scene.group.owner(shard) == Some(self.index) {
                    let cluster = scene.cluster.clone();
                    scene.group.give(&cluster, shard, self.index);
                }
            }
        }
    }

    fn carry_out(&mut self, scene: &mut Scene, term: Term, effect: Effect) {
        match effect {
            Effect::Send { session, released } => match self.memory.sessions.get_mut(&session) {
                Some(session) => session.queue(term, *released),
                None => self.tell(
                    term,
                    Event::Unsent {
                        permit: released.permit(),
                        why: signalbox_core::exchange::Unsent::NotWritten,
                    },
                ),
            },
            Effect::CloseSession { session, .. } => scene.wire.close(scene.now, session),
            // What is answered here was answered when it came into the log.
            Effect::Reply { .. } | Effect::Lookup { .. } | Effect::Alarm(_) => {}
        }
    }

    fn tell(&mut self, term: Term, event: Event) {
        if let Some(region) = self.memory.regions.get_mut(&term.0).filter(|region| region.term() == term) {
            region.tell(event);
        }
    }

    fn write(&mut self, scene: &mut Scene, now: Now) {
        let mut told = Vec::new();
        for (id, session) in &mut self.memory.sessions {
            session.write(*id, scene, &mut self.lease, now, &mut told);
            session.look_for_silence(scene, now, &mut told);
        }
        for (term, event) in told {
            self.tell(term, event);
        }
    }
}
