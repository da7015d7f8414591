use crate::id::{Epoch, ShardId};

/// A change of what this node owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnershipEvent {
    /// The shard is ours in this term.
    Grant {
        /// The shard.
        shard: ShardId,
        /// The term; higher than any before.
        epoch: Epoch,
    },
    /// The shard is no longer ours; what is not committed is forgotten.
    Revoke {
        /// The shard.
        shard: ShardId,
    },
}

/// Assignment of shards to nodes.
pub trait Ownership: Send {
    /// What changed since the last call, oldest first; never blocks.
    fn poll(&mut self) -> Vec<OwnershipEvent>;
}
