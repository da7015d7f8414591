//! What the traits of `signalbox_core::backend` promise, as tests that run against each implementation.
//!
//! A world is what a node finds outside: it outlives the handles, and a restart is what remains when the
//! process has died. `world.rs` has the worlds; the other modules the promises.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "contract/blobs.rs"]
mod blobs;
#[path = "contract/cdr.rs"]
mod cdr;
#[path = "contract/cdr_crash.rs"]
mod cdr_crash;
#[path = "contract/cdr_files.rs"]
mod cdr_files;
#[path = "contract/counter_file.rs"]
mod counter_file;
#[path = "contract/faults.rs"]
mod faults;
#[path = "contract/lease.rs"]
mod lease;
#[path = "contract/log.rs"]
mod log;
#[path = "contract/ownership.rs"]
mod ownership;
#[path = "contract/power_loss.rs"]
mod power_loss;
#[path = "contract/properties.rs"]
mod properties;
#[path = "contract/schema.rs"]
mod schema;
#[path = "contract/sink.rs"]
mod sink;
#[path = "contract/spine.rs"]
mod spine;
#[path = "contract/spine_crash.rs"]
mod spine_crash;
#[path = "contract/store.rs"]
mod store;
#[path = "contract/vfs.rs"]
mod vfs;
#[path = "contract/world.rs"]
mod world;
