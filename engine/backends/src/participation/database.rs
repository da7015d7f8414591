//! Opening one of the files.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};
use signalbox_participation::EntryId;

use crate::sqlite::OpenError;

/// What a file is for: its `application_id` and tables.
pub(super) struct Schema {
    pub name: &'static str,
    pub application: i64,
    pub tables: &'static str,
    /// What each version after the first one changes.
    pub changes: &'static [&'static str],
}

impl Schema {
    /// The `user_version` of a file that has all changes.
    fn version(&self) -> i64 {
        1 + self.changes.len() as i64
    }
}

/// Opens or makes a file; commits wait until the disk has them (rule 1).
pub(super) fn open(path: &Path, schema: &Schema, lock_wait: Duration) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::Database { path: path.to_owned(), source };
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(lock_wait).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000;")
        .map_err(failed)?;
    let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (application, version) =
        (number("application_id").map_err(failed)?, number("user_version").map_err(failed)?);
    let is_new = version == 0 && application == 0;
    if !is_new && application != schema.application {
        return Err(OpenError::Foreign { path: path.to_owned(), expected: schema.name, found: application });
    }
    if version > schema.version() {
        return Err(OpenError::Newer { path: path.to_owned(), found: version, known: schema.version() });
    }
    if version < schema.version() {
        let made = connection.transaction().map_err(failed)?;
        if is_new {
            made.execute_batch(schema.tables).map_err(failed)?;
        }
        let done = usize::try_from(version).unwrap_or_default().saturating_sub(1);
        for change in schema.changes.iter().skip(done) {
            made.execute_batch(change).map_err(failed)?;
        }
        made.pragma_update(None, "application_id", schema.application).map_err(failed)?;
        made.pragma_update(None, "user_version", schema.version()).map_err(failed)?;
        made.commit().map_err(failed)?;
    }
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn reader(path: &Path, lock_wait: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(lock_wait)?;
    Ok(connection)
}

/// A number as SQLite has it, with a sign; one that does not fit is damage.
#[derive(Clone, Copy)]
pub(super) struct Count(pub u64);

impl FromSql for Count {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number).map(Self).map_err(|_| FromSqlError::OutOfRange(number))
    }
}

impl ToSql for Count {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number =
            i64::try_from(self.0).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(number.into())
    }
}

/// The count that a query of one row gives.
pub(super) fn count(row: &rusqlite::Row<'_>) -> rusqlite::Result<u64> {
    row.get(0).map(|Count(count)| count)
}

/// An entry's id as a key: the high octet first, so that ids ordered by time are rows in that order.
pub(super) fn key(entry: EntryId) -> [u8; 16] {
    entry.0.to_be_bytes()
}

/// Reads a [`key`]; an id that is not one is damage.
pub(super) fn read_key(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<EntryId> {
    row.get::<_, [u8; 16]>(column).map(|octets| EntryId(u128::from_be_bytes(octets)))
}

/// A text column that must be one of some words.
pub(super) fn read_word<T>(
    row: &rusqlite::Row<'_>,
    column: usize,
    read: fn(&str) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let Some(text) = row.get::<_, Option<String>>(column)? else { return Ok(None) };
    let damage = || {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            Value::Text(text.clone()).data_type(),
            format!("`{text}` is not known").into(),
        )
    };
    read(&text).map(Some).ok_or_else(damage)
}
