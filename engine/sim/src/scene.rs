//! What everybody in a run has in hand.

use std::time::Duration;

use signalbox_backends::memory::{Cluster, SeededRandom};
use signalbox_core::id::SessionId;
use signalbox_core::time::Mono;

use crate::group::Group;
use crate::incident::Incident;
use crate::judge::Judge;
use crate::plan::{Bug, Plan};
use crate::wire::{Frame, ToNode, ToPeer, Wire};

pub(crate) struct Scene {
    pub plan: Plan,
    pub cluster: Cluster,
    pub judge: Judge,
    pub wire: Wire,
    pub group: Group,
    pub random: SeededRandom,
    /// Time since the run began.
    pub now: Mono,
    /// All is repaired: nothing goes wrong any more.
    pub calm: bool,
}

impl Scene {
    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.plan.has(bug)
    }

    /// True so many times of a thousand.
    pub(crate) fn chance(&mut self, per_thousand: u64) -> bool {
        self.random.below(1000) < per_thousand
    }

    /// The same for what goes wrong; counted where it does.
    pub(crate) fn mishap(&mut self, incident: Incident, per_ten_thousand: u64) -> bool {
        let struck = !self.calm && self.random.below(10_000) < per_ten_thousand;
        if struck {
            self.judge.note(incident);
        }
        struck
    }

    pub(crate) fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.random.below(most - least + 1))
    }

    pub(crate) fn pick(&mut self, length: usize) -> usize {
        usize::try_from(self.random.below(length as u64)).unwrap_or(0)
    }

    pub(crate) fn send_to_node(&mut self, session: SessionId, frame: ToNode) {
        let latency = self.millis(1, 60);
        self.wire.send(self.now, latency, session, Frame::ToNode(frame));
    }

    pub(crate) fn send_to_peer(&mut self, session: SessionId, frame: ToPeer) {
        let latency = self.millis(1, 60);
        self.wire.send(self.now, latency, session, Frame::ToPeer(frame));
    }
}
