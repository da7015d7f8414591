//! One run: time, mischief, repair, and the closing of the books.

use std::collections::BTreeSet;
use std::time::Duration;

use signalbox_backends::memory::{Check, Cluster, Fault, NodeId, SeededRandom};
use signalbox_core::backend::{Store, Table};
use signalbox_core::id::{MessageId, PeerId};
use signalbox_core::invariants::Summary;
use signalbox_core::time::Mono;

use crate::esme::Esme;
use crate::group::Group;
use crate::incident::Incident;
use crate::judge::Judge;
use crate::node::{Node, State};
use crate::operator::{self, Operator};
use crate::plan::{Bug, Plan};
use crate::report::{Failure, Report};
use crate::scene::Scene;
use crate::setting::{ACCOUNTS, IDLE, LINKS, NODES, SESSION_TIMEOUT, peers, shards};
use crate::smsc::Smsc;
use crate::wire::{Frame, Wire};

/// Mean length of a step.
const STEP: Duration = Duration::from_millis(25);
/// Steps after the repair in which everything must come to its end; they are longer.
const LAST_STEPS: u32 = 3_000;
/// How often the backend fails, of 10,000.
const RATES: [(Fault, u32); 11] = [
    (Fault::AppendRefused, 150),
    (Fault::AppendLost, 80),
    (Fault::AppendKept, 80),
    (Fault::CommitRefused, 200),
    (Fault::CommitLost, 60),
    (Fault::CommitKept, 60),
    (Fault::StoreFull, 100),
    (Fault::RevokeDelayed, 4_000),
    (Fault::CatalogFailed, 500),
    (Fault::SinkUnavailable, 500),
    (Fault::SinkKept, 500),
];

/// Plays a seed.
#[must_use]
pub fn run(seed: u64, plan: &Plan) -> Report {
    World::new(seed, plan, false).play(seed)
}

/// Plays a seed and keeps what happened, line by line.
#[must_use]
pub fn run_traced(seed: u64, plan: &Plan) -> Report {
    World::new(seed, plan, true).play(seed)
}

struct World {
    scene: Scene,
    nodes: Vec<Node>,
    esmes: Vec<Esme>,
    smscs: Vec<Smsc>,
    operators: [Operator; 2],
    disk_full_until: Option<Mono>,
}

impl World {
    fn new(seed: u64, plan: &Plan, traced: bool) -> Self {
        let cluster = Cluster::new(seed);
        for (fault, rate) in RATES {
            cluster.set_rate(fault, rate);
        }
        if plan.has(Bug::NoEpochCheck) {
            cluster.switch_off(Check::Epoch);
        }
        if plan.has(Bug::NoPositionCheck) {
            cluster.switch_off(Check::Position);
        }
        let mut scene = Scene {
            plan: *plan,
            random: SeededRandom::new(seed ^ 0x5349_4d55_4c41_5445),
            cluster,
            judge: Judge::new(traced, plan.outcomes_only),
            wire: Wire::default(),
            group: Group::new(),
            now: Mono(0),
            calm: false,
        };
        let nodes = (0..NODES).map(|index| Node::new(index, &mut scene)).collect();
        let span = STEP * plan.steps * 4 / 5;
        let share = plan.messages / ACCOUNTS.len() as u32;
        let esmes = ACCOUNTS.into_iter().map(|id| Esme::new(id, share, span, &mut scene)).collect();
        let smscs = LINKS.into_iter().map(Smsc::new).collect();
        Self { scene, nodes, esmes, smscs, operators: Default::default(), disk_full_until: None }
    }

    fn play(mut self, seed: u64) -> Report {
        let mut failure = None;
        for _ in 0..self.scene.plan.steps {
            self.mischief();
            let span = self.scene.millis(1, 49);
            self.step(span);
            if self.scene.judge.violation.is_some() {
                break;
            }
        }
        if self.scene.judge.violation.is_none() {
            self.repair();
            failure = self.come_to_an_end();
        }
        let summary = match (self.scene.judge.violation.take(), &failure) {
            (Some(violation), _) => {
                failure = Some(Failure::Broken(violation));
                Summary::default()
            }
            (None, Some(_)) => Summary::default(),
            (None, None) => {
                let open = self.open();
                match self.scene.judge.books.close(|message| open.contains(&message)) {
                    Ok(summary) => summary,
                    Err(violation) => {
                        failure = Some(Failure::Broken(violation));
                        Summary::default()
                    }
                }
            }
        };
        let incidents = self.scene.judge.incidents;
        let (digest, trace) = self.scene.judge.finish();
        Report { seed, failure, summary, tally: self.scene.cluster.tally(), incidents, digest, trace }
    }

    fn step(&mut self, span: Duration) {
        self.scene.now = self.scene.now + span;
        let now = self.scene.now;
        while let Some((session, frame)) = self.scene.wire.due(now) {
            let Some(connection) = self.scene.wire.connection(session).cloned() else { continue };
            match frame {
                Frame::ToNode(frame) => {
                    let gone = matches!(frame, crate::wire::ToNode::Gone);
                    if connection.open || gone {
                        self.nodes[connection.node].receive(session, frame);
                    }
                }
                Frame::ToPeer(frame) => {
                    let gone = matches!(frame, crate::wire::ToPeer::Gone);
                    // Half of what was under way when a session ended still arrives.
                    if !connection.open && !gone && self.scene.chance(500) {
                        continue;
                    }
                    match connection.peer {
                        PeerId::Link(link) => {
                            let smsc = LINKS.iter().position(|one| *one == link);
                            let Some(smsc) = smsc else { continue };
                            self.smscs[smsc].receive(&mut self.scene, session, frame);
                        }
                        PeerId::Account(account) => {
                            let esme = ACCOUNTS.iter().position(|one| *one == account);
                            let Some(esme) = esme else { continue };
                            self.esmes[esme].receive(&mut self.scene, session, frame);
                        }
                        PeerId::Webhook(_) | PeerId::Dialog => {}
                    }
                }
            }
        }
        self.bind();
        self.operators.iter_mut().for_each(|operator| operator.step(&mut self.scene));
        self.esmes.iter_mut().for_each(|esme| esme.step(&mut self.scene));
        self.smscs.iter_mut().for_each(|smsc| smsc.step(&mut self.scene));
        for node in &mut self.nodes {
            wake(node, &mut self.scene);
            if node.is_running() {
                node.step(&mut self.scene);
            }
        }
        self.group();
    }

    /// Peers that have no session to a node get one after a while.
    fn bind(&mut self) {
        for node in &mut self.nodes {
            for peer in peers() {
                if node.is_running() && !node.has_session(peer) && self.scene.chance(150) {
                    let session = self.scene.wire.connect(node.index, peer);
                    node.bound(session, peer);
                }
            }
        }
    }

    fn group(&mut self) {
        let cluster = self.scene.cluster.clone();
        for node in self.scene.group.expel(self.scene.now) {
            self.scene.judge.note(Incident::Expelled);
            self.scene.judge.tell(self.scene.now, || format!("node {node} is expelled"));
        }
        self.scene.group.assign_free(&cluster);
    }

    fn mischief(&mut self) {
        let victim = self.scene.pick(NODES);
        if self.nodes[victim].is_running() && self.scene.mishap(Incident::Crash, 40) {
            self.crash(victim);
        }
        let victim = self.scene.pick(NODES);
        if self.nodes[victim].is_running() && self.scene.mishap(Incident::Pause, 80) {
            let most = u64::try_from(SESSION_TIMEOUT.as_millis()).unwrap_or(0) * 3;
            let until = self.scene.now + self.scene.millis(200, most);
            self.scene.judge.tell(self.scene.now, || format!("node {victim} stands still until {until:?}"));
            self.nodes[victim].state = State::Paused { until };
        }
        if self.scene.mishap(Incident::SessionDropped, 150) {
            let up = self.scene.wire.up().len();
            if up > 0 {
                let place = self.scene.pick(up);
                let (session, _) = self.scene.wire.up()[place];
                self.scene.judge.tell(self.scene.now, || format!("{session:?} drops"));
                self.scene.wire.close(self.scene.now, session);
            }
        }
        let shard = shards()[self.scene.pick(shards().len())];
        let choice = self.scene.pick(NODES);
        if let Some(node) = self.scene.group.other_member(shard, choice)
            && self.scene.mishap(Incident::Rebalanced, 120)
        {
            let cluster = self.scene.cluster.clone();
            self.scene.group.give(&cluster, shard, node);
            self.scene.group.move_relay(choice);
        }
        if self.scene.mishap(Incident::StoreWentBack, 100) {
            let wanted = 1 + self.scene.pick(8);
            let cluster = self.scene.cluster.clone();
            let undone = self.scene.judge.rewind(&cluster, wanted);
            self.scene.judge.tell(self.scene.now, || format!("the store forgets {undone} commits"));
        }
        if self.scene.mishap(Incident::ClockStepped, 60) {
            let step = self.scene.random.below(40_000_000).cast_signed() - 20_000_000;
            self.scene
                .judge
                .tell(self.scene.now, || format!("the clock of node {victim} steps by {step} us"));
            self.nodes[victim].skew += step;
        }
        self.disk();
    }

    /// The disk is full for a while, and then there is room again.
    fn disk(&mut self) {
        match self.disk_full_until {
            Some(until) if until <= self.scene.now => {
                self.scene.cluster.set_capacity(None);
                self.disk_full_until = None;
            }
            Some(_) => {}
            None => {
                if self.scene.mishap(Incident::DiskFull, 20) {
                    let ample = 1 << 40;
                    self.scene.cluster.set_capacity(Some(ample));
                    let used = ample - self.scene.cluster.store().free().unwrap_or(ample);
                    let room = self.scene.random.below(2 * crate::setting::STORE_RESERVE);
                    self.scene.cluster.set_capacity(Some(used + room));
                    self.disk_full_until = Some(self.scene.now + self.scene.millis(500, 3000));
                }
            }
        }
    }

    fn crash(&mut self, index: usize) {
        self.scene.judge.tell(self.scene.now, || format!("node {index} dies"));
        self.nodes[index].crash(&mut self.scene);
        self.scene.cluster.crash(NodeId(index as u16));
        let until = self.scene.now + self.scene.millis(200, 5000);
        self.nodes[index].state = State::Down { until };
    }

    /// From here on everything works.
    fn repair(&mut self) {
        self.scene.calm = true;
        self.scene.cluster.forget_injected();
        for (fault, _) in RATES {
            self.scene.cluster.set_rate(fault, 0);
        }
        self.scene.cluster.set_capacity(None);
        operator::all_on(&self.scene);
        self.scene.judge.tell(self.scene.now, || "all is repaired".to_owned());
    }

    fn come_to_an_end(&mut self) -> Option<Failure> {
        let repaired = self.scene.now;
        for step in 0..LAST_STEPS {
            let span = self.scene.millis(5, 75);
            self.step(span);
            // Long enough for each owner to notice what its store forgot.
            let settled = self.scene.now - repaired > IDLE * 2;
            if self.scene.judge.violation.is_some() || (settled && step % 8 == 0 && self.is_done()) {
                return None;
            }
        }
        Some(Failure::Stuck(self.what_is_left()))
    }

    fn is_done(&self) -> bool {
        self.esmes.iter().all(Esme::is_done)
            && shards().iter().all(|&shard| {
                let owner = self.scene.group.owner(shard);
                owner.is_some_and(|node| self.nodes[node].is_idle(&self.scene, shard))
            })
            && self.scene.cluster.store().outbox(0, 1).is_ok_and(|outbox| outbox.is_empty())
    }

    fn what_is_left(&self) -> String {
        let open: Vec<String> =
            self.open().iter().take(3).map(|id| self.scene.judge.books.describe(*id)).collect();
        let busy: Vec<String> = shards()
            .iter()
            .filter(|&&shard| {
                let owner = self.scene.group.owner(shard);
                !owner.is_some_and(|node| self.nodes[node].is_idle(&self.scene, shard))
            })
            .map(ToString::to_string)
            .collect();
        let esmes = self.esmes.iter().filter(|esme| !esme.is_done()).count();
        format!("{esmes} ESMEs, shards {busy:?}, messages {open:?}")
    }

    /// Messages that have rows in the store.
    fn open(&self) -> BTreeSet<MessageId> {
        let mut open = BTreeSet::new();
        let seen = self.scene.cluster.store().load(None, &mut |row| {
            if matches!(row.table, Table::Message | Table::Group) {
                open.insert(MessageId::from_bytes(row.key).whole());
            }
        });
        debug_assert!(seen.is_ok());
        open
    }
}

/// Lets a node that stood still or was down go on when its time has come.
fn wake(node: &mut Node, scene: &mut Scene) {
    match node.state {
        State::Paused { until } | State::Down { until } if scene.calm || until <= scene.now => {
            if matches!(node.state, State::Down { .. }) {
                scene.group.rejoin(node.index, scene.now);
            }
            node.state = State::Running;
            scene.judge.tell(scene.now, || format!("node {} goes on", node.index));
        }
        State::Running | State::Paused { .. } | State::Down { .. } => {}
    }
}
