//! Entries that do not count (CM-09): for the auditor, and so that the same entry has the same verdict again.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use signalbox_participation::{EntryId, NoReply, Outcome, Participant, RawEntry, RejectCode, Reply, Verdict};

use super::database::{self, Count, Schema};
use crate::sqlite::OpenError;

const SCHEMA: Schema = Schema {
    name: "log of rejected entries",
    application: 0x5347_5052,
    changes: &[],
    tables: "
        CREATE TABLE rejects(
          entry BLOB NOT NULL, seq INTEGER NOT NULL,
          code TEXT NOT NULL, version INTEGER NOT NULL,
          participant TEXT NOT NULL, received_at INTEGER NOT NULL,
          reply TEXT, no_reply TEXT,
          raw TEXT NOT NULL, whole INTEGER NOT NULL,
          PRIMARY KEY(entry, seq)) STRICT, WITHOUT ROWID;
        CREATE INDEX told ON rejects(participant, received_at) WHERE reply IS NOT NULL;
        CREATE INDEX received ON rejects(received_at);",
};

/// Microseconds.
const HOUR: i64 = 3_600_000_000;

/// A vote that does not count.
pub(super) struct Rejected<'a> {
    pub raw: &'a RawEntry,
    pub seq: u32,
    pub code: RejectCode,
    pub version: u64,
    /// What is answered, when the whole entry does not count.
    pub reply: Option<Reply>,
}

/// The log of one campaign, or of no campaign.
pub(super) struct RejectLog {
    pub connection: Connection,
}

impl RejectLog {
    pub fn open(path: &Path, lock_wait: Duration) -> Result<Self, OpenError> {
        Ok(Self { connection: database::open(path, &SCHEMA, lock_wait)? })
    }

    /// The verdict on an entry that was rejected as a whole.
    pub fn verdict(&self, entry: EntryId) -> rusqlite::Result<Option<Verdict>> {
        verdict(&self.connection, entry)
    }

    /// How often a participant was told within the hour before `now` that an entry does not count.
    pub fn told(&self, participant: &Participant, now: Timestamp) -> rusqlite::Result<u64> {
        let since = now.as_microsecond().saturating_sub(HOUR);
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*) FROM rejects WHERE participant = ?1 AND received_at > ?2 AND reply IS NOT NULL",
        )?;
        statement.query_row(params![participant.as_str(), since], database::count)
    }

    /// Writes them, durably; what is there already stays.
    pub fn write(&mut self, rejected: &[Rejected<'_>]) -> rusqlite::Result<()> {
        if rejected.is_empty() {
            return Ok(());
        }
        let transaction = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
        {
            let mut statement = transaction.prepare_cached(
                "INSERT OR IGNORE INTO rejects(entry, seq, code, version, participant, received_at, reply, no_reply, raw, whole)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?;
            for row in rejected {
                let (reply, no_reply) = reply_columns(row.reply.as_ref());
                let raw = serde_json::to_string(row.raw)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
                statement.execute(params![
                    database::key(row.raw.id),
                    row.seq,
                    row.code.as_str(),
                    Count(row.version),
                    row.raw.participant().as_str(),
                    row.raw.received_at.as_microsecond(),
                    reply,
                    no_reply,
                    raw,
                    row.reply.is_some(),
                ])?;
            }
        }
        transaction.commit()
    }

    /// Removes what was received before an instant; says how many rows that were.
    pub fn remove_before(&mut self, instant: Timestamp) -> rusqlite::Result<usize> {
        self.connection
            .execute("DELETE FROM rejects WHERE received_at < ?1", params![instant.as_microsecond()])
    }

    /// Rejected votes by code.
    pub fn counts(&self) -> rusqlite::Result<Vec<(RejectCode, u64)>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT code, count(*) FROM rejects GROUP BY code ORDER BY code")?;
        let rows = statement.query_map([], |row| {
            let code = database::read_word(row, 0, RejectCode::read)?.unwrap_or(RejectCode::NoCampaign);
            Ok((code, row.get::<_, Count>(1)?.0))
        })?;
        rows.collect()
    }
}

/// The verdict on an entry that was rejected as a whole.
pub(super) fn verdict(connection: &Connection, entry: EntryId) -> rusqlite::Result<Option<Verdict>> {
    let mut statement = connection.prepare_cached(
        "SELECT code, version, reply, no_reply FROM rejects WHERE entry = ?1 AND seq = 0 AND whole = 1",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        let code = database::read_word(row, 0, RejectCode::read)?.unwrap_or(RejectCode::NoCampaign);
        Ok(Verdict {
            entry,
            outcome: Outcome::Rejected(code),
            version: row.get::<_, Count>(1)?.0,
            reply: read_reply(row, 2)?,
            test: false,
        })
    };
    statement.query_row(params![database::key(entry)], read).optional()
}

/// A reply as its two columns.
pub(super) fn reply_columns(reply: Option<&Reply>) -> (Option<&str>, Option<&'static str>) {
    match reply {
        None => (None, None),
        Some(Reply::Text(text)) => (Some(text), None),
        Some(Reply::None(reason)) => (None, Some(reason.as_str())),
    }
}

/// A reply from its two columns.
pub(super) fn read_reply(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Reply> {
    let text: Option<String> = row.get(column)?;
    let reason = database::read_word(row, column + 1, NoReply::read)?;
    Ok(text.map_or(Reply::None(reason.unwrap_or(NoReply::NoText)), Reply::Text))
}
