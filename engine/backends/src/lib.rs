//! The backend traits of `signalbox_core::backend`, carried out.
//!
//! - [`sqlite`]: one machine. State, log and CDR outbox in one file with one writer.
//! - [`memory`]: several simulated nodes in one process, with seeded faults; for tests and the simulation.
//! - [`files`]: CDRs as immutable files of JSON lines, and the reader of those.
//! - [`counter_file`]: the snapshot of the spam and loop counters.
//! - [`participation`]: the databases of participation campaigns, one file for each.
//! - [`blobs`], [`lease`], [`ownership`], [`system`]: what else one machine needs. Its catalog is a crate of its own.
//!
//! What each of them promises is written as one set of tests, `tests/contract.rs`, that runs against all.
//!
//! ```no_run
//! use std::sync::Arc;
//! use signalbox_backends::sqlite::{SpineOptions, SqliteSpine};
//! use signalbox_backends::system::SystemClock;
//! use signalbox_core::backend::{Commit, Store};
//!
//! let mut spine = SqliteSpine::open(SpineOptions::in_dir("var"), Arc::new(SystemClock::new()))?;
//! let rows_loaded = spine.load(None, &mut |row| drop(row));
//! # Ok::<(), signalbox_backends::sqlite::OpenError>(())
//! ```

#![forbid(unsafe_code)]

pub mod blobs;
pub mod counter_file;
pub mod failpoint;
mod fence;
pub mod files;
pub mod lease;
pub mod lock;
pub mod memory;
mod outbox;
pub mod ownership;
pub mod participation;
pub mod sqlite;
pub mod system;
