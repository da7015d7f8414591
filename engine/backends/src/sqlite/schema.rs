use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use signalbox_core::id::SHARDS;

use super::marks::{MARK, PACKED};
use super::options::{OpenError, SpineOptions, Synchronous};

/// `SGBX`: marks the file as a spine.
const APPLICATION: i64 = 0x5347_4258;
/// The `user_version` of this program: 2 came with the tables of the dialog server, 3 with the counts of consent, 4 with
/// the messages for agents.
const SCHEMA: i64 = 4;
/// Octets of a page. With 8 KiB the marks fit into one page and a message tree of a million rows has one level
/// less than with 4 KiB; 16 KiB made half as much WAL again at batches of 50.
pub(super) const PAGE: u64 = 8192;

/// An unsigned number from octets of a blob, high octet first, in SQL.
///
/// `digits` of them starting at hexadecimal digit `first` (from 1) of `blob`; SQLite has no function for it.
fn number_in_sql(blob: &str, first: &str, digits: usize) -> String {
    let term = |at: usize| {
        let shift = 4 * (digits - 1 - at);
        format!("((instr('123456789ABCDEF',substr(hex({blob}),{first}+{at},1)))<<{shift})")
    };
    (0..digits).map(term).collect::<Vec<_>>().join("|")
}

/// The tables of rows that are not there yet.
fn row_tables() -> String {
    let table = |name: &&str| {
        format!(
            "CREATE TABLE IF NOT EXISTS {name}(
               key BLOB NOT NULL, shard INTEGER NOT NULL, value BLOB NOT NULL,
               PRIMARY KEY(key, shard)) STRICT, WITHOUT ROWID;\n"
        )
    };
    super::rows::NAMES.iter().map(table).collect()
}

fn tables() -> String {
    let rows = row_tables();
    // Fourteen digits of microseconds reach the year 4253.
    let accepted = number_in_sql("m.key", "3", 14);
    let mark = |field: usize| number_in_sql("h.marks", &format!("(n*{MARK}+{field}*8)*2+1"), 16);
    let (epoch, commits, position) = (mark(0), mark(1), mark(2));
    format!(
        "CREATE TABLE head(
           id INTEGER PRIMARY KEY CHECK(id = 1),
           boot INTEGER NOT NULL, outbox INTEGER NOT NULL, log INTEGER NOT NULL, marks BLOB NOT NULL) STRICT;
         INSERT INTO head VALUES(1, 0, 0, 0, zeroblob({PACKED}));
         {rows}
         CREATE TABLE log(place INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
         CREATE TABLE outbox(sequence INTEGER PRIMARY KEY, records BLOB NOT NULL) STRICT;
         CREATE VIEW queue AS
           SELECT lower(hex(m.key)) AS id, m.shard AS shard,
             strftime('%Y-%m-%dT%H:%M:%SZ', ({accepted})/1000000, 'unixepoch') AS accepted_at,
             length(m.value) AS octets,
             EXISTS(SELECT 1 FROM state s WHERE s.key = m.key AND s.shard = m.shard) AS handled,
             m.value AS body
           FROM message m;
         CREATE VIEW shards AS
           WITH RECURSIVE number(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM number WHERE n+1 < {SHARDS})
           SELECT n AS shard, {epoch} AS epoch, {commits} AS commits, nullif({position}, 0)-1 AS position
           FROM number, head h;
         PRAGMA application_id = {APPLICATION};
         PRAGMA user_version = {SCHEMA};"
    )
}

fn connect(options: &SpineOptions, flags: OpenFlags) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::Database { path: options.path.clone(), source };
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match &options.vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(&options.path, flags, vfs.as_str()),
        None => Connection::open_with_flags(&options.path, flags),
    }
    .map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.busy_timeout(options.lock_wait).map_err(failed)?;
    Ok(connection)
}

/// The writer's connection; makes the file and its tables if they are not there.
pub(super) fn open_writer(options: &SpineOptions) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::Database { path: options.path.clone(), source };
    let connection = connect(options, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Off => "OFF",
    };
    // journal_size_limit cuts the WAL back when it starts anew; the checkpoint thread has the rest in hand. Not to its
    // bound but to twice that, which it seldom reaches: to overwrite a file costs half of what it costs to extend it.
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {PAGE};
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = {synchronous};
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA journal_size_limit = {};
             PRAGMA cache_size = -{};
             PRAGMA temp_store = MEMORY;
             PRAGMA trusted_schema = OFF;",
            2 * options.wal_bound,
            options.cache >> 10
        ))
        .map_err(failed)?;
    migrate(&connection, &options.path)?;
    Ok(connection)
}

/// A connection for checkpoints: it writes pages of the database, never of the WAL.
pub(super) fn open_checkpointer(options: &SpineOptions) -> Result<Connection, OpenError> {
    let connection = connect(options, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Off => "OFF",
    };
    connection
        .execute_batch(&format!("PRAGMA synchronous = {synchronous}; PRAGMA wal_autocheckpoint = 0;"))
        .map_err(|source| OpenError::Database { path: options.path.clone(), source })?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn open_reader(options: &SpineOptions) -> Result<Connection, OpenError> {
    let connection = connect(options, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -4096;")
        .map_err(|source| OpenError::Database { path: options.path.clone(), source })?;
    Ok(connection)
}

fn migrate(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Database { path: path.to_owned(), source };
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let found = pragma("user_version").map_err(failed)?;
    let application = pragma("application_id").map_err(failed)?;
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if found == 0 && application == 0 && objects == 0 {
        return connection.execute_batch(&format!("BEGIN IMMEDIATE; {} COMMIT;", tables())).map_err(failed);
    }
    if application != APPLICATION {
        return Err(OpenError::Foreign { path: path.to_owned(), expected: "spine", found: application });
    }
    if found > SCHEMA {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: SCHEMA });
    }
    if found < SCHEMA {
        let change = format!("BEGIN IMMEDIATE; {} PRAGMA user_version = {SCHEMA}; COMMIT;", row_tables());
        connection.execute_batch(&change).map_err(failed)?;
    }
    Ok(())
}
