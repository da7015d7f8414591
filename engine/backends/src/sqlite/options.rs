use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::lock::LockError;

/// What a commit waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Until the disk has it (rule 1).
    #[default]
    Full,
    /// For nothing: a loss of power loses commits that were acknowledged. Only for tests that show that they
    /// would notice.
    Off,
}

/// Where the spine is and how it is written.
#[derive(Clone, Debug)]
pub struct SpineOptions {
    /// The database file; beside it lie `-wal`, `-shm` and the lock file.
    pub path: PathBuf,
    /// What a commit waits for.
    pub synchronous: Synchronous,
    /// Pause after each commit, as if the disk were that much slower. Only for benches.
    pub fsync_delay: Duration,
    /// Octets in the WAL above which the writer itself finishes a checkpoint, so that the WAL starts anew: when
    /// little is left to copy, at twice the bound in any case. Only a reader that does not end can let it grow
    /// beyond that.
    pub wal_bound: u64,
    /// Octets written after which the second thread makes a checkpoint.
    pub checkpoint_every: u64,
    /// How long a lock of the file is waited for, such as a backup's.
    pub lock_wait: Duration,
    /// Octets of page cache of the writer, taken as they are used. A commit that changes more pages than it holds writes
    /// some of them twice.
    pub cache: u64,
    /// Name of a registered SQLite VFS; only for tests.
    pub vfs: Option<String>,
    /// False leaves checkpoints to [`SqliteSpine::checkpoint`](super::SqliteSpine::checkpoint); only for tests.
    pub checkpointer: bool,
}

impl SpineOptions {
    /// The defaults for `spine.db` in this directory.
    #[must_use]
    pub fn in_dir(dir: impl AsRef<Path>) -> Self {
        Self {
            path: dir.as_ref().join("spine.db"),
            synchronous: Synchronous::Full,
            fsync_delay: Duration::ZERO,
            wal_bound: 64 << 20,
            checkpoint_every: 8 << 20,
            lock_wait: Duration::from_secs(5),
            cache: 64 << 20,
            vfs: None,
            checkpointer: true,
        }
    }
}

/// A database that could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it, or the lock file cannot be written.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file or directory cannot be used.
    #[error("cannot use {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// SQLite refuses it.
    #[error("cannot open {path}")]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The file is a database of something else.
    #[error("{path} is no {expected}: its application id is {found:#x}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// The id found.
        found: i64,
    },
    /// A later program wrote it.
    #[error("{path} has schema {found}, this program knows up to {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its `user_version`.
        found: i64,
        /// The last one known.
        known: i64,
    },
    /// What is in it does not fit together.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}
