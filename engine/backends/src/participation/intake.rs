//! The first layer for channels without a log of their own (CM-02, CM-03, CM-16): entries wait here, durably, until
//! the second layer takes them. It knows nothing of campaigns.

use std::path::Path;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use signalbox_participation::{MAX_TEXT, RawEntry};

use super::database::{self, Schema};
use crate::sqlite::OpenError;

const SCHEMA: Schema = Schema {
    name: "intake of entries",
    application: 0x5347_5049,
    version: 1,
    tables: "CREATE TABLE entries(place INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;",
};

/// Entries that were not taken in: nobody is told that they were.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// So many wait already; it is tried again later.
    #[error("{waiting} entries wait, and {bound} may")]
    Full {
        /// How many wait.
        waiting: u64,
        /// How many may.
        bound: u64,
    },
    /// A text is longer than any campaign looks at.
    #[error("a text of {octets} octets is longer than {MAX_TEXT}")]
    TooLong {
        /// Its length.
        octets: usize,
    },
    /// The database fails; it is tried again.
    #[error("cannot store entries")]
    Store(#[from] rusqlite::Error),
    /// An entry cannot be written or read.
    #[error("cannot write or read an entry")]
    Form(#[from] serde_json::Error),
}

/// A durable queue of raw entries, in the order in which they came. Its file is what the layers share: who takes entries
/// in and who judges them may be processes of their own, each with the queue open, and each may stop and start while
/// the other goes on.
pub struct Intake {
    connection: Mutex<Connection>,
    bound: u64,
}

impl Intake {
    /// The queue in this file, of at most `bound` entries.
    ///
    /// # Errors
    /// When the file cannot be opened or is another.
    pub fn open(path: &Path, bound: u64, lock_wait: Duration) -> Result<Self, OpenError> {
        Ok(Self { connection: Mutex::new(database::open(path, &SCHEMA, lock_wait)?), bound })
    }

    /// Takes entries in, all in one commit: when it returns they may be acknowledged. One whose id waits already is
    /// the same one again.
    ///
    /// # Errors
    /// None of them is taken in then.
    pub fn append(&self, entries: &[RawEntry]) -> Result<(), IntakeError> {
        if let Some(long) = entries.iter().find(|entry| entry.text.len() > MAX_TEXT) {
            return Err(IntakeError::TooLong { octets: long.text.len() });
        }
        let mut connection = self.connection.lock();
        let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
        let waiting = waiting(&transaction)?;
        if waiting + entries.len() as u64 > self.bound {
            return Err(IntakeError::Full { waiting, bound: self.bound });
        }
        {
            let mut statement =
                transaction.prepare_cached("INSERT OR IGNORE INTO entries(id, body) VALUES(?1, ?2)")?;
            for entry in entries {
                statement.execute(params![database::key(entry.id), serde_json::to_string(entry)?])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// The first entries that wait, with their places.
    ///
    /// # Errors
    /// When the database fails.
    pub fn first(&self, at_most: usize) -> Result<Vec<(i64, RawEntry)>, IntakeError> {
        self.after(0, at_most)
    }

    /// The first entries that wait behind a place, with theirs.
    ///
    /// # Errors
    /// When the database fails.
    pub fn after(&self, place: i64, at_most: usize) -> Result<Vec<(i64, RawEntry)>, IntakeError> {
        let connection = self.connection.lock();
        let mut statement = connection
            .prepare_cached("SELECT place, body FROM entries WHERE place > ?1 ORDER BY place LIMIT ?2")?;
        let mut rows = statement.query(params![place, i64::try_from(at_most).unwrap_or(i64::MAX)])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push((row.get(0)?, serde_json::from_str(&row.get::<_, String>(1)?)?));
        }
        Ok(entries)
    }

    /// Lets go of everything up to a place: it has verdicts.
    ///
    /// # Errors
    /// When the database fails; they are handed over again then, and have the same verdicts.
    pub fn done(&self, through: i64) -> Result<(), IntakeError> {
        self.connection.lock().execute("DELETE FROM entries WHERE place <= ?1", params![through])?;
        Ok(())
    }

    /// How many entries wait.
    ///
    /// # Errors
    /// When the database fails.
    pub fn waiting(&self) -> Result<u64, IntakeError> {
        Ok(waiting(&self.connection.lock())?)
    }
}

/// Places are in a row, for only the first are ever let go of.
fn waiting(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT coalesce(max(place) - min(place) + 1, 0) FROM entries")?
        .query_row([], database::count)
}
