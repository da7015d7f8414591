//! The consumer group: who is alive, and who has which shard.

use std::collections::BTreeMap;

use signalbox_backends::memory::{Cluster, NodeId};
use signalbox_core::backend::Offset;
use signalbox_core::id::ShardId;
use signalbox_core::time::Mono;

use crate::setting::{NODES, SESSION_TIMEOUT, shards};

/// See the [module](self).
pub(crate) struct Group {
    /// When each member was last heard of; `None` for one that is out.
    members: [Option<Mono>; NODES],
    owners: BTreeMap<ShardId, usize>,
    /// Committed offsets: where the consumer of a shard starts. They lag behind the positions.
    offsets: BTreeMap<ShardId, Offset>,
    /// Whose turn it is to publish CDRs.
    relay: usize,
}

impl Group {
    pub(crate) fn new() -> Self {
        Self { members: [None; NODES], owners: BTreeMap::new(), offsets: BTreeMap::new(), relay: 0 }
    }

    pub(crate) fn heartbeat(&mut self, node: usize, now: Mono) {
        self.members[node] = Some(now);
    }

    pub(crate) fn publishes(&self, node: usize) -> bool {
        self.relay == node
    }

    pub(crate) fn owner(&self, shard: ShardId) -> Option<usize> {
        self.owners.get(&shard).copied()
    }

    pub(crate) fn offset(&self, shard: ShardId) -> Option<Offset> {
        self.offsets.get(&shard).copied()
    }

    pub(crate) fn commit_offset(&mut self, shard: ShardId, offset: Option<Offset>) {
        if let Some(offset) = offset {
            self.offsets.insert(shard, offset);
        }
    }

    /// A node starts again as a new member, which has nothing.
    pub(crate) fn rejoin(&mut self, node: usize, now: Mono) {
        self.members[node] = Some(now);
        self.owners.retain(|_, owner| *owner != node);
    }

    fn live(&self) -> Vec<usize> {
        (0..NODES).filter(|&node| self.members[node].is_some()).collect()
    }

    /// Gives up members that are not heard of. Returns them.
    pub(crate) fn expel(&mut self, now: Mono) -> Vec<usize> {
        let silent: Vec<usize> = (0..NODES)
            .filter(|&node| self.members[node].is_some_and(|last| now - last > SESSION_TIMEOUT))
            .collect();
        for &node in &silent {
            self.members[node] = None;
            self.owners.retain(|_, owner| *owner != node);
        }
        silent
    }

    /// Gives shards without an owner to members, the least loaded first.
    pub(crate) fn assign_free(&mut self, cluster: &Cluster) {
        let live = self.live();
        if !live.contains(&self.relay)
            && let Some(&first) = live.first()
        {
            self.relay = first;
        }
        for &shard in shards() {
            if self.owners.contains_key(&shard) {
                continue;
            }
            let load = |node: usize| self.owners.values().filter(|owner| **owner == node).count();
            let Some(&node) = live.iter().min_by_key(|&&node| load(node)) else { return };
            self.give(cluster, shard, node);
        }
    }

    /// Makes `node` the owner in a new term.
    pub(crate) fn give(&mut self, cluster: &Cluster, shard: ShardId, node: usize) {
        self.owners.insert(shard, node);
        cluster.assign(NodeId(node as u16), &[shard]);
    }

    /// A member other than the owner, for a change that nobody needs.
    pub(crate) fn other_member(&self, shard: ShardId, choice: usize) -> Option<usize> {
        let owner = self.owner(shard)?;
        let others: Vec<usize> = self.live().into_iter().filter(|&node| node != owner).collect();
        (!others.is_empty()).then(|| others[choice % others.len()])
    }

    /// Another node publishes from now on.
    pub(crate) fn move_relay(&mut self, choice: usize) {
        let live = self.live();
        if !live.is_empty() {
            self.relay = live[choice % live.len()];
        }
    }
}
