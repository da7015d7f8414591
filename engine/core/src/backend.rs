//! What the domain needs from a store, a log, a cluster and the world, as traits.
//!
//! Three families implement them: embedded (SQLite, files), cluster (Kafka, Redis) and the seeded in-memory
//! one that the simulation runs on. One contract suite in `engine/backends` holds for all.
//!
//! The traits are synchronous: they are called from threads that own shards and may wait for a disk.

mod blobs;
mod catalog;
mod cdr_sink;
mod clock;
mod lease;
mod log;
mod ownership;
mod store;

pub use blobs::{BlobError, BlobId, Blobs};
pub use catalog::{Catalog, CatalogChange, CatalogError, CatalogRow, Kind, TrailEntry, TrailPlace, Version};
pub use cdr_sink::{CdrBatch, CdrSink, OutboxPosition, SinkError};
pub use clock::{Clock, Random};
pub use lease::{Lease, RateKey, RateLease};
pub use log::{Log, LogError, LogRecord, Offset};
pub use ownership::{Ownership, OwnershipEvent};
pub use store::{Commit, CommitError, Committed, Op, Row, ShardMark, Store, StoreError, Table};
