//! Ownership on one machine: every shard is ours, in a term that is new with each start.

use signalbox_core::backend::{Ownership, OwnershipEvent};
use signalbox_core::id::{Epoch, ShardId};

/// Grants all shards once.
///
/// The epoch is the count of starts (`SqliteSpine::boot_epoch`), so that fencing is at work on every start of
/// a single node too.
#[derive(Debug)]
pub struct EmbeddedOwnership {
    granted: Option<Epoch>,
}

impl EmbeddedOwnership {
    /// Ownership of all shards in this term.
    #[must_use]
    pub fn new(epoch: Epoch) -> Self {
        Self { granted: Some(epoch) }
    }
}

impl Ownership for EmbeddedOwnership {
    fn poll(&mut self) -> Vec<OwnershipEvent> {
        let Some(epoch) = self.granted.take() else { return Vec::new() };
        ShardId::all().map(|shard| OwnershipEvent::Grant { shard, epoch }).collect()
    }
}
