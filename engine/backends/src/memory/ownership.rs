use std::collections::{BTreeMap, VecDeque};

use signalbox_core::backend::{Ownership, OwnershipEvent};
use signalbox_core::id::{Epoch, SHARDS, ShardId};

use super::cluster::Cluster;
use super::fault::{Fault, Faults};

/// A simulated node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

/// Polls after which a delayed revoke comes at last.
const LONGEST_DELAY: u64 = 50;

/// An event and how many polls pass before it is told.
type Waiting = (u64, OwnershipEvent);

pub(super) struct Owners {
    owners: [Option<NodeId>; SHARDS as usize],
    epoch: u64,
    told: BTreeMap<NodeId, VecDeque<Waiting>>,
}

impl Default for Owners {
    fn default() -> Self {
        Self { owners: [None; SHARDS as usize], epoch: 0, told: BTreeMap::new() }
    }
}

impl Owners {
    pub(super) fn assign(&mut self, node: NodeId, shards: &[ShardId], faults: &mut Faults) {
        self.epoch += 1;
        let epoch = Epoch(self.epoch);
        for &shard in shards {
            let before = self.owners[usize::from(shard.number())].replace(node);
            if let Some(before) = before
                && before != node
            {
                let late = faults.strike(&[Fault::RevokeDelayed]);
                let delay = late.map_or(0, |_| faults.amount(LONGEST_DELAY));
                self.told.entry(before).or_default().push_back((delay, OwnershipEvent::Revoke { shard }));
            }
            self.told.entry(node).or_default().push_back((0, OwnershipEvent::Grant { shard, epoch }));
        }
    }

    pub(super) fn crash(&mut self, node: NodeId) -> Vec<ShardId> {
        self.told.remove(&node);
        let lost: Vec<ShardId> = ShardId::all().filter(|&shard| self.owner(shard) == Some(node)).collect();
        for shard in &lost {
            self.owners[usize::from(shard.number())] = None;
        }
        lost
    }

    pub(super) fn owner(&self, shard: ShardId) -> Option<NodeId> {
        self.owners[usize::from(shard.number())]
    }

    /// What `node` learns now. A delayed event holds back those behind it: order is kept.
    fn poll(&mut self, node: NodeId) -> Vec<OwnershipEvent> {
        let Some(queue) = self.told.get_mut(&node) else { return Vec::new() };
        let mut events = Vec::new();
        while let Some((delay, event)) = queue.front_mut() {
            if *delay > 0 {
                *delay -= 1;
                break;
            }
            events.push(*event);
            queue.pop_front();
        }
        events
    }
}

/// What one node learns of its shards.
pub struct MemoryOwnership {
    cluster: Cluster,
    node: NodeId,
}

impl MemoryOwnership {
    pub(super) fn new(cluster: Cluster, node: NodeId) -> Self {
        Self { cluster, node }
    }
}

impl Ownership for MemoryOwnership {
    fn poll(&mut self) -> Vec<OwnershipEvent> {
        self.cluster.world().owners.poll(self.node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_shard_is_revoked_and_granted_in_a_new_term() {
        let cluster = Cluster::new(1);
        let shard = ShardId::of(b"1");
        let (mut one, mut two) = (cluster.ownership(NodeId(1)), cluster.ownership(NodeId(2)));
        cluster.assign(NodeId(1), &[shard]);
        cluster.assign(NodeId(2), &[shard]);
        let granted = OwnershipEvent::Grant { shard, epoch: Epoch(1) };
        assert_eq!(one.poll(), [granted, OwnershipEvent::Revoke { shard }]);
        assert_eq!(two.poll(), [OwnershipEvent::Grant { shard, epoch: Epoch(2) }]);
        assert_eq!(cluster.owner(shard), Some(NodeId(2)));
    }

    #[test]
    fn a_zombie_learns_late_and_in_order() {
        let cluster = Cluster::new(1);
        let shard = ShardId::of(b"1");
        let mut one = cluster.ownership(NodeId(1));
        cluster.assign(NodeId(1), &[shard]);
        one.poll();
        cluster.inject(Fault::RevokeDelayed);
        cluster.assign(NodeId(2), &[shard]);
        cluster.assign(NodeId(1), &[shard]);
        assert_eq!(one.poll(), []);
        let later: Vec<_> = (0..LONGEST_DELAY).flat_map(|_| one.poll()).collect();
        let granted = OwnershipEvent::Grant { shard, epoch: Epoch(3) };
        assert_eq!(later, [OwnershipEvent::Revoke { shard }, granted]);
        assert_eq!(cluster.tally().count(Fault::RevokeDelayed), 1);
    }

    #[test]
    fn a_crashed_node_has_nothing() {
        let cluster = Cluster::new(1);
        let shard = ShardId::of(b"1");
        cluster.assign(NodeId(1), &[shard]);
        assert_eq!(cluster.crash(NodeId(1)), [shard]);
        assert_eq!(cluster.owner(shard), None);
        assert_eq!(cluster.ownership(NodeId(1)).poll(), []);
    }
}
