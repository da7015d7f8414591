use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use signalbox_core::backend::{BlobId, OutboxPosition};
use signalbox_core::id::ShardId;
use signalbox_core::time::{Micros, Mono, Now};

use super::blobs::MemoryBlobs;
use super::catalog::{CatalogState, MemoryCatalog};
use super::clock::VirtualClock;
use super::fault::{Fault, Faults, Tally};
use super::lease::MemoryLease;
use super::log::{LogState, MemoryLog};
use super::ownership::{MemoryOwnership, NodeId, Owners};
use super::random::SeededRandom;
use super::sink::{MemorySink, SinkState};
use super::store::{MemoryStore, StoreState};
use crate::lease::LocalLease;

/// A rule of the store that a simulation switches off to show that it would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Commits and claims of older terms are refused.
    Epoch,
    /// A commit must be the next one.
    Number,
    /// The position in the log must not go back.
    Position,
}

/// The world outside the nodes. Clones are handles of the same one.
#[derive(Clone)]
pub struct Cluster {
    world: Arc<Mutex<World>>,
    clock: VirtualClock,
}

pub(super) struct World {
    pub(super) faults: Faults,
    pub(super) random: SeededRandom,
    pub(super) store: StoreState,
    pub(super) log: LogState,
    pub(super) owners: Owners,
    pub(super) leases: LocalLease,
    pub(super) sink: SinkState,
    pub(super) catalog: CatalogState,
    pub(super) blobs: BTreeMap<BlobId, Bytes>,
}

impl Cluster {
    /// An empty cluster whose faults follow from `seed`; its clock shows 2026-09-21T14:13:20Z.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = SeededRandom::new(seed);
        let world = World {
            faults: Faults::new(random.fork()),
            random,
            store: StoreState::default(),
            log: LogState::default(),
            owners: Owners::default(),
            leases: LocalLease::default(),
            sink: SinkState::default(),
            catalog: CatalogState::default(),
            blobs: BTreeMap::new(),
        };
        let start = Now { wall: Micros(1_790_000_000_000_000), mono: Mono(0) };
        Self { world: Arc::new(Mutex::new(world)), clock: VirtualClock::new(start) }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock()
    }

    /// A handle of the store.
    #[must_use]
    pub fn store(&self) -> MemoryStore {
        MemoryStore::new(self.clone())
    }

    /// A handle of the log.
    #[must_use]
    pub fn log(&self) -> MemoryLog {
        MemoryLog::new(self.clone())
    }

    /// What `node` learns of its shards.
    #[must_use]
    pub fn ownership(&self, node: NodeId) -> MemoryOwnership {
        MemoryOwnership::new(self.clone(), node)
    }

    /// A handle of the shared limits.
    #[must_use]
    pub fn lease(&self) -> MemoryLease {
        MemoryLease::new(self.clone())
    }

    /// A handle of the place where CDRs go.
    #[must_use]
    pub fn sink(&self) -> MemorySink {
        MemorySink::new(self.clone())
    }

    /// The CDRs published so far, each with the outbox sequence number of its commit.
    #[must_use]
    pub fn published(&self) -> Vec<(OutboxPosition, Bytes)> {
        self.world().sink.records.clone()
    }

    /// A handle of the catalog.
    #[must_use]
    pub fn catalog(&self) -> MemoryCatalog {
        MemoryCatalog::new(self.clone())
    }

    /// A handle of the blobs.
    #[must_use]
    pub fn blobs(&self) -> MemoryBlobs {
        MemoryBlobs::new(self.clone())
    }

    /// The clock of the cluster.
    #[must_use]
    pub fn clock(&self) -> VirtualClock {
        self.clock.clone()
    }

    /// A new sequence of random numbers that follows from the seed.
    #[must_use]
    pub fn random(&self) -> SeededRandom {
        self.world().random.fork()
    }

    /// Lets `fault` happen at this many of 10,000 opportunities.
    pub fn set_rate(&self, fault: Fault, per_ten_thousand: u32) {
        self.world().faults.set_rate(fault, per_ten_thousand);
    }

    /// Lets `fault` happen at the next opportunity.
    pub fn inject(&self, fault: Fault) {
        self.world().faults.inject(fault);
    }

    /// Takes back what [`Cluster::inject`] asked for and has not happened.
    pub fn forget_injected(&self) {
        self.world().faults.forget_injected();
    }

    /// How often each fault and refusal happened.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.world().faults.tally.clone()
    }

    /// Switches a rule of the store off.
    pub fn switch_off(&self, check: Check) {
        self.world().store.switch_off(check);
    }

    /// Bounds the octets of rows, outbox and log; `None` takes the bound away.
    pub fn set_capacity(&self, octets: Option<u64>) {
        self.world().store.capacity = octets;
    }

    /// Lets the store forget its last commits, at most `commits` and at most the 64 it remembers how to undo.
    /// Returns how many. The log keeps everything.
    pub fn rewind_store(&self, commits: usize) -> usize {
        self.world().store.rewind(commits)
    }

    /// Makes `node` the owner of these shards in a new term; who had them learns it by a revoke, at once or, by
    /// [`Fault::RevokeDelayed`], late.
    pub fn assign(&self, node: NodeId, shards: &[ShardId]) {
        let world = &mut *self.world();
        world.owners.assign(node, shards, &mut world.faults);
    }

    /// Takes all shards from `node` without telling it, and forgets what it was to be told: it crashed.
    /// Returns its shards.
    pub fn crash(&self, node: NodeId) -> Vec<ShardId> {
        self.world().owners.crash(node)
    }

    /// Who owns the shard.
    #[must_use]
    pub fn owner(&self, shard: ShardId) -> Option<NodeId> {
        self.world().owners.owner(shard)
    }
}
