use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use bytes::Bytes;
use parking_lot::Mutex;
use signalbox_core::backend::{
    Clock, Commit, CommitError, Committed, Log, LogError, LogRecord, Offset, Row, ShardMark, Store,
    StoreError, Table,
};
use signalbox_core::id::{Epoch, ShardId};

use super::checkpoint::{self, Checkpointer};
use super::gauge::SpineGauge;
use super::options::{OpenError, SpineOptions};
use super::reader::SqliteReader;
use super::writer::{Head, Wal, Writer};
use super::{rows, schema};
use crate::lock::LockFile;

/// The store and the log of one machine, in one file.
///
/// A clone is a second handle of the same writer; calls wait for each other. Commits should come from one
/// thread that takes whatever is waiting into one commit: that is where the speed is.
#[derive(Clone)]
pub struct SqliteSpine {
    shared: Arc<Shared>,
}

struct Shared {
    writer: Mutex<Writer>,
    options: SpineOptions,
    gauge: Arc<SpineGauge>,
    boot: Epoch,
    checkpointer: Mutex<Option<JoinHandle<()>>>,
    _lock: LockFile,
}

impl SqliteSpine {
    /// Opens the file, makes it if it is not there, and counts the start.
    ///
    /// # Errors
    /// When another process has it, or it cannot be used; see [`OpenError`].
    pub fn open(options: SpineOptions, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let dir = directory(&options.path);
        let failed = |source| OpenError::Io { path: dir.to_owned(), source };
        std::fs::create_dir_all(dir).map_err(failed)?;
        let lock = LockFile::take(&options.path.with_extension("lock"))?;
        let connection = schema::open_writer(&options)?;
        let head = Head::read(&connection)
            .map_err(|reason| OpenError::Damaged { path: options.path.clone(), reason })?;
        // The entry of a new file in its directory is not made durable by SQLite.
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)?;

        let gauge = Arc::new(SpineGauge::default());
        let broken = Arc::new(AtomicBool::new(false));
        let finish = Arc::new(AtomicBool::new(false));
        let turn = Arc::new(Mutex::new(()));
        let (wake, checkpointer) = if options.checkpointer {
            let (wake, woken) = crossbeam_channel::bounded(1);
            let second = Checkpointer {
                connection: schema::open_checkpointer(&options)?,
                woken,
                gauge: gauge.clone(),
                broken: broken.clone(),
                finish: finish.clone(),
                turn: turn.clone(),
                bound: options.wal_bound,
            };
            let thread = std::thread::Builder::new()
                .name("spine-checkpoint".into())
                .spawn(move || second.run())
                .map_err(failed)?;
            (Some(wake), Some(thread))
        } else {
            (None, None)
        };
        let wal = Wal {
            path: wal_of(&options.path),
            bound: options.wal_bound,
            checkpoint_every: options.checkpoint_every,
            wake,
            finish,
            turn,
            since_wake: 0,
            since_look: 0,
        };
        let mut writer =
            Writer { connection, head, clock, gauge: gauge.clone(), delay: options.fsync_delay, broken, wal };
        let boot = writer.count_start().map_err(|error| OpenError::Damaged {
            path: options.path.clone(),
            reason: format!("the start cannot be counted: {error}"),
        })?;
        let shared = Shared {
            writer: Mutex::new(writer),
            options,
            gauge,
            boot,
            checkpointer: Mutex::new(checkpointer),
            _lock: lock,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The count of starts: the epoch for [`EmbeddedOwnership`](crate::ownership::EmbeddedOwnership), higher
    /// than any in the file.
    #[must_use]
    pub fn boot_epoch(&self) -> Epoch {
        self.shared.boot
    }

    /// The sequence number that the outbox gave last, zero when it gave none. A sink whose position is beyond it
    /// belongs to another spine.
    #[must_use]
    pub fn outbox_last(&self) -> u64 {
        self.shared.writer.lock().head.outbox
    }

    /// A reader for another thread, with a connection of its own.
    ///
    /// # Errors
    /// When the file cannot be opened once more.
    pub fn reader(&self) -> Result<SqliteReader, OpenError> {
        SqliteReader::open(&self.shared.options)
    }

    /// What was done so far.
    #[must_use]
    pub fn gauge(&self) -> &Arc<SpineGauge> {
        &self.shared.gauge
    }

    /// The mark of a shard.
    #[must_use]
    pub fn mark(&self, shard: ShardId) -> ShardMark {
        self.shared.writer.lock().head.marks[usize::from(shard.number())]
    }

    /// Copies the WAL into the database now, as the second thread does when it is due.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        let writer = self.shared.writer.lock();
        let _turn = writer.wal.turn.lock();
        checkpoint::pass(&writer.connection)
            .map(|_| ())
            .map_err(|error| StoreError { reason: error.to_string() })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.writer.get_mut().wal.wake = None;
        if let Some(thread) = self.checkpointer.get_mut().take() {
            // It ends when its channel is closed; that it panicked is on stderr already.
            let _ = thread.join();
        }
    }
}

fn wal_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

impl Store for SqliteSpine {
    fn claim(&mut self, shards: &[ShardId], epoch: Epoch) -> Result<Vec<ShardMark>, CommitError> {
        self.shared.writer.lock().claim(shards, epoch)
    }

    fn load(&self, shard: Option<ShardId>, visit: &mut dyn FnMut(Row)) -> Result<(), StoreError> {
        rows::load(&self.shared.writer.lock().connection, shard, visit)
    }

    fn get(&self, shard: ShardId, table: Table, key: &[u8; 16]) -> Result<Option<Bytes>, StoreError> {
        rows::get(&self.shared.writer.lock().connection, shard, table, key)
    }

    fn range(
        &self,
        table: Table,
        after: &[u8; 16],
        upto: &[u8; 16],
        max: usize,
    ) -> Result<Vec<Row>, StoreError> {
        rows::range(&self.shared.writer.lock().connection, table, after, upto, max)
    }

    fn commit(&mut self, commit: &Commit) -> Result<Committed, CommitError> {
        self.shared.writer.lock().commit(commit)
    }

    fn outbox(&self, after: u64, max: usize) -> Result<Vec<(u64, Vec<Bytes>)>, StoreError> {
        rows::outbox(&self.shared.writer.lock().connection, after, max)
    }

    fn free(&self) -> Option<u64> {
        let room = rustix::fs::statvfs(directory(&self.shared.options.path)).ok()?;
        Some(room.f_bavail.saturating_mul(room.f_frsize))
    }
}

impl Log for SqliteSpine {
    fn append(&self, records: &[LogRecord]) -> Result<Vec<Offset>, LogError> {
        self.shared.writer.lock().append(records).map_err(log_error)
    }

    fn read(
        &self,
        shard: ShardId,
        after: Option<Offset>,
        max: usize,
    ) -> Result<Vec<(Offset, Bytes)>, LogError> {
        rows::read_log(&self.shared.writer.lock().connection, shard, after, max)
            .map_err(|error| LogError::Unreadable { reason: error.to_string() })
    }

    fn trim(&self, shard: ShardId, upto: Offset) -> Result<(), LogError> {
        self.shared.writer.lock().trim(shard, upto).map_err(log_error)
    }
}

fn log_error(error: CommitError) -> LogError {
    match error {
        CommitError::Unknown { reason } => LogError::Unknown { reason },
        other => LogError::Refused { reason: other.to_string() },
    }
}
