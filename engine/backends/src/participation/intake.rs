//! The first layer for channels without a log of their own (CM-02, CM-03, CM-16): entries wait here, durably, until
//! the second layer takes them. It knows nothing of campaigns.
//!
//! The second layer writes beside each entry which campaign it is for, and judges each campaign's entries for
//! themselves: those of one whose database fails wait here, in their order, and no other waits for them.

use std::path::Path;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use signalbox_participation::{MAX_TEXT, RawEntry};

use super::database::{self, Schema};
use crate::sqlite::OpenError;

const SCHEMA: Schema = Schema {
    name: "intake of entries",
    application: 0x5347_5049,
    tables: "CREATE TABLE entries(place INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;",
    changes: &[
        "ALTER TABLE entries ADD COLUMN campaign TEXT;
        CREATE INDEX of_campaign ON entries(campaign, place);",
        "CREATE TABLE queue(id INTEGER PRIMARY KEY CHECK(id = 1), name TEXT NOT NULL) STRICT;
        INSERT INTO queue VALUES(1, lower(hex(randomblob(16))));
        CREATE TABLE sources(queue TEXT PRIMARY KEY, place INTEGER NOT NULL) STRICT;",
    ],
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

/// Entries of a queue for a reader on another host.
#[derive(Clone, Debug)]
pub struct Page {
    /// Which queue it is.
    pub queue: String,
    /// The last place that it ever gave.
    pub last: i64,
    /// The first entries behind the reader's place, with theirs.
    pub entries: Vec<(i64, RawEntry)>,
}

/// A durable queue of raw entries, in the order in which they came. Its file is what the layers share: who takes entries
/// in and who judges them may be processes of their own, each with the queue open, and each may stop and start while
/// the other goes on.
pub struct Intake {
    connection: Mutex<Connection>,
    bound: u64,
}

impl Intake {
    /// The queue in this file, of at most `bound` entries that the second layer did not look at.
    ///
    /// # Errors
    /// When the file cannot be opened or is another.
    pub fn open(path: &Path, bound: u64, lock_wait: Duration) -> Result<Self, OpenError> {
        Ok(Self { connection: Mutex::new(database::open(path, &SCHEMA, lock_wait)?), bound })
    }

    /// How many entries may wait.
    #[must_use]
    pub fn bound(&self) -> u64 {
        self.bound
    }

    /// Takes entries in, all in one commit: when it returns they may be acknowledged. One whose id waits already is
    /// the same one again.
    ///
    /// # Errors
    /// None of them is taken in then.
    pub fn append(&self, entries: &[RawEntry]) -> Result<(), IntakeError> {
        let mut connection = self.connection.lock();
        let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
        append(&transaction, self.bound, entries.iter())?;
        Ok(transaction.commit()?)
    }

    /// The first entries that nobody looked at, with their places.
    ///
    /// # Errors
    /// When the database fails.
    pub fn first(&self, at_most: usize) -> Result<Vec<(i64, RawEntry)>, IntakeError> {
        behind(&self.connection.lock(), 0, at_most)
    }

    /// Nobody here looks at entries any more: those with a campaign are for a reader on another host, too.
    ///
    /// # Errors
    /// When the database fails.
    pub fn hand_over(&self) -> Result<(), IntakeError> {
        self.connection
            .lock()
            .execute("UPDATE entries SET campaign = NULL WHERE campaign IS NOT NULL", [])?;
        Ok(())
    }

    /// The first of them behind a place, for a reader on another host.
    ///
    /// # Errors
    /// When the database fails.
    pub fn page(&self, after: i64, at_most: usize) -> Result<Page, IntakeError> {
        let connection = self.connection.lock();
        let last = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'entries'), 0)";
        Ok(Page {
            queue: name(&connection)?,
            last: connection.prepare_cached(last)?.query_row([], |row| row.get(0))?,
            entries: behind(&connection, after, at_most)?,
        })
    }

    /// Lets go of what nobody looked at up to a place: a reader of this queue keeps it. False when it read another one.
    ///
    /// # Errors
    /// When the database fails; they are read again then.
    pub fn release(&self, queue: &str, through: i64) -> Result<bool, IntakeError> {
        let connection = self.connection.lock();
        if name(&connection)? != queue {
            return Ok(false);
        }
        connection
            .prepare_cached("DELETE FROM entries WHERE campaign IS NULL AND place <= ?1")?
            .execute(params![through])?;
        Ok(true)
    }

    /// Takes entries in that were read of another queue, each once, and remembers in the same commit where the reader is
    /// there; `last` is the last place that the other queue gave. Returns the place to go on behind.
    ///
    /// # Errors
    /// When they are too many or too long, or the database fails: nothing has changed then.
    pub fn append_from(
        &self,
        queue: &str,
        last: i64,
        entries: &[(i64, RawEntry)],
    ) -> Result<i64, IntakeError> {
        let mut connection = self.connection.lock();
        let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
        let known: Option<i64> = transaction
            .prepare_cached("SELECT place FROM sources WHERE queue = ?1")?
            .query_row(params![queue], |row| row.get(0))
            .optional()?;
        // Beyond what it ever gave: it was put back from a copy, and what it has since then is read as well.
        let place = known.filter(|known| *known <= last).unwrap_or(0);
        let new = || entries.iter().filter(|(at, _)| *at > place);
        let Some(through) = new().map(|(at, _)| *at).max() else { return Ok(place) };
        append(&transaction, self.bound, new().map(|(_, entry)| entry))?;
        transaction
            .prepare_cached(
                "INSERT INTO sources VALUES(?1, ?2) ON CONFLICT DO UPDATE SET place = excluded.place",
            )?
            .execute(params![queue, through])?;
        transaction.commit()?;
        Ok(through)
    }

    /// Writes beside the first entries that nobody looked at which campaign each is for, at most so many in one commit;
    /// says how many came to each.
    ///
    /// # Errors
    /// When the database fails: they stay as they were.
    pub fn assign(
        &self,
        at_most: usize,
        campaign_of: impl Fn(&RawEntry) -> String,
    ) -> Result<Vec<(String, u64)>, IntakeError> {
        let mut connection = self.connection.lock();
        let mut came: Vec<(String, u64)> = Vec::new();
        let entries = behind(&connection, 0, at_most)?;
        if entries.is_empty() {
            return Ok(came);
        }
        let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
        {
            let mut statement =
                transaction.prepare_cached("UPDATE entries SET campaign = ?2 WHERE place = ?1")?;
            for (place, entry) in &entries {
                let campaign = campaign_of(entry);
                statement.execute(params![place, campaign])?;
                match came.iter_mut().find(|(known, _)| *known == campaign) {
                    Some((_, count)) => *count += 1,
                    None => came.push((campaign, 1)),
                }
            }
        }
        transaction.commit()?;
        Ok(came)
    }

    /// Campaigns that entries wait for, with how many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn campaigns(&self) -> Result<Vec<(String, u64)>, IntakeError> {
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(
            "SELECT campaign, count(*) FROM entries WHERE campaign IS NOT NULL GROUP BY campaign",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, database::Count>(1)?.0)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The first entries that wait for a campaign, with their places.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of(&self, campaign: &str, at_most: usize) -> Result<Vec<(i64, RawEntry)>, IntakeError> {
        let connection = self.connection.lock();
        let mut statement = connection
            .prepare_cached("SELECT place, body FROM entries WHERE campaign = ?1 ORDER BY place LIMIT ?2")?;
        collect(statement.query(params![campaign, limit(at_most)])?)
    }

    /// Lets go of everything of a campaign up to a place: it has verdicts.
    ///
    /// # Errors
    /// When the database fails; they are handed over again then, and have the same verdicts.
    pub fn judged(&self, campaign: &str, through: i64) -> Result<(), IntakeError> {
        let connection = self.connection.lock();
        connection
            .prepare_cached("DELETE FROM entries WHERE campaign = ?1 AND place <= ?2")?
            .execute(params![campaign, through])?;
        Ok(())
    }

    /// How many entries wait that nobody looked at.
    ///
    /// # Errors
    /// When the database fails.
    pub fn arrived(&self) -> Result<u64, IntakeError> {
        Ok(arrived(&self.connection.lock())?)
    }

    /// How many entries have no verdict; each is counted.
    ///
    /// # Errors
    /// When the database fails.
    pub fn waiting(&self) -> Result<u64, IntakeError> {
        let connection = self.connection.lock();
        Ok(connection.prepare_cached("SELECT count(*) FROM entries")?.query_row([], database::count)?)
    }
}

fn limit(at_most: usize) -> i64 {
    i64::try_from(at_most).unwrap_or(i64::MAX)
}

fn behind(connection: &Connection, place: i64, at_most: usize) -> Result<Vec<(i64, RawEntry)>, IntakeError> {
    let mut statement = connection.prepare_cached(
        "SELECT place, body FROM entries WHERE campaign IS NULL AND place > ?1 ORDER BY place LIMIT ?2",
    )?;
    collect(statement.query(params![place, limit(at_most)])?)
}

fn name(connection: &Connection) -> rusqlite::Result<String> {
    connection.prepare_cached("SELECT name FROM queue")?.query_row([], |row| row.get(0))
}

fn append<'e>(
    transaction: &Transaction<'_>,
    bound: u64,
    entries: impl Iterator<Item = &'e RawEntry> + Clone,
) -> Result<(), IntakeError> {
    if let Some(long) = entries.clone().find(|entry| entry.text.len() > MAX_TEXT) {
        return Err(IntakeError::TooLong { octets: long.text.len() });
    }
    let waiting = arrived(transaction)?;
    if waiting + entries.clone().count() as u64 > bound {
        return Err(IntakeError::Full { waiting, bound });
    }
    let mut statement =
        transaction.prepare_cached("INSERT OR IGNORE INTO entries(id, body) VALUES(?1, ?2)")?;
    for entry in entries {
        statement.execute(params![database::key(entry.id), serde_json::to_string(entry)?])?;
    }
    Ok(())
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Result<Vec<(i64, RawEntry)>, IntakeError> {
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push((row.get(0)?, serde_json::from_str(&row.get::<_, String>(1)?)?));
    }
    Ok(entries)
}

/// Places that nobody looked at are in a row, for only the first of them are ever looked at; after a hand-over there may be
/// gaps, and then they are thought more than they are.
fn arrived(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "SELECT coalesce((SELECT max(place) FROM entries WHERE campaign IS NULL)
                           - (SELECT min(place) FROM entries WHERE campaign IS NULL) + 1, 0)",
        )?
        .query_row([], database::count)
}
