//! A cluster in one process, for tests and the simulation: state that several nodes share, and faults.
//!
//! A [`Cluster`] is the world outside the nodes: store, log, ownership, limits, CDRs, catalog, blobs. Nodes get
//! handles. All that happens follows from the seed and the order of calls. Nothing is durable or slow; what
//! is injected instead are the ways in which the real things fail ([`Fault`]), by rate or one at a time, and
//! each fault and each refusal is counted ([`Tally`]), so that a test can say that it met them all.
//!
//! ```
//! use signalbox_backends::memory::{Cluster, Fault};
//! use signalbox_core::backend::{Commit, Store};
//!
//! let cluster = Cluster::new(7);
//! cluster.inject(Fault::StoreFull);
//! let mut store = cluster.store();
//! let commit = Commit { outbox_trim: Some(1), ..Commit::default() };
//! assert!(store.commit(&commit).is_err());
//! assert!(store.commit(&commit).is_ok());
//! assert_eq!(cluster.tally().count(Fault::StoreFull), 1);
//! ```

mod blobs;
mod catalog;
mod clock;
mod cluster;
mod fault;
mod lease;
mod log;
mod ownership;
mod random;
mod sink;
mod store;

pub use blobs::MemoryBlobs;
pub use catalog::MemoryCatalog;
pub use clock::VirtualClock;
pub use cluster::{Check, Cluster};
pub use fault::{Fault, Refusal, Tally};
pub use lease::MemoryLease;
pub use log::MemoryLog;
pub use ownership::{MemoryOwnership, NodeId};
pub use random::SeededRandom;
pub use sink::MemorySink;
pub use store::MemoryStore;
