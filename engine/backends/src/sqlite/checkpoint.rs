use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Receiver;
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode};

use super::gauge::SpineGauge;
use super::schema::PAGE;
use crate::failpoint;

/// Octets of a frame of the WAL: a page and its header.
const FRAME: u64 = PAGE + 24;

/// What one checkpoint did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    busy: bool,
    /// Frames in the WAL.
    frames: i64,
    /// How many of them are in the database.
    copied: i64,
}

impl Pass {
    /// True when the next commit starts the WAL anew.
    pub(super) fn is_complete(self) -> bool {
        !self.busy && self.frames == self.copied
    }

    fn octets(self) -> u64 {
        u64::try_from(self.frames).unwrap_or(0) * FRAME
    }
}

/// Copies what readers and the writer allow, without waiting for either.
pub(super) fn pass(connection: &Connection) -> rusqlite::Result<Pass> {
    connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |row| {
        Ok(Pass { busy: row.get::<_, i64>(0)? != 0, frames: row.get(1)?, copied: row.get(2)? })
    })
}

/// A full disk passes and the WAL still has everything. Any other failed write or fsync means that the disk
/// may have forgotten what it said it has: nothing is acknowledged after that.
pub(super) fn failed(error: &rusqlite::Error, broken: &AtomicBool) {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            tracing::warn!(%error, "checkpoint put off");
        }
        _ => {
            tracing::error!(%error, "checkpoint failed, the store takes no more commits");
            broken.store(true, Ordering::Release);
        }
    }
}

/// The second thread.
pub(super) struct Checkpointer {
    pub(super) connection: Connection,
    pub(super) woken: Receiver<()>,
    pub(super) gauge: Arc<SpineGauge>,
    pub(super) broken: Arc<AtomicBool>,
    pub(super) finish: Arc<AtomicBool>,
    pub(super) turn: Arc<Mutex<()>>,
    pub(super) bound: u64,
}

impl Checkpointer {
    /// Waits to be woken, copies the WAL into the database; ends when its channel is closed.
    ///
    /// While the writer is busy the WAL never becomes empty by itself, since there is always a commit behind the
    /// frames copied last. Above the bound the writer is asked to copy the rest, which is then little.
    pub(super) fn run(&self) {
        while self.woken.recv().is_ok() {
            failpoint::reach("spine.checkpoint");
            let turn = self.turn.lock();
            let mut done = pass(&self.connection);
            if let Ok(first) = done
                && !first.is_complete()
                && first.octets() > self.bound
            {
                done = pass(&self.connection);
                self.finish.store(true, Ordering::Release);
            }
            failpoint::reach("spine.checkpointed");
            drop(turn);
            match done {
                Ok(pass) => {
                    self.gauge.checkpoints.fetch_add(1, Ordering::Relaxed);
                    self.gauge.wal.store(pass.octets(), Ordering::Relaxed);
                }
                Err(error) => failed(&error, &self.broken),
            }
        }
    }
}
