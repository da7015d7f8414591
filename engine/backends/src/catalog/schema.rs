use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::sqlite::OpenError;

/// `SGCT`: marks the file as a catalog.
const APPLICATION: i64 = 0x5347_4354;
/// The `user_version` of this program.
const SCHEMA: i64 = 2;

const TABLES: &str = "
    CREATE TABLE head(
      id INTEGER PRIMARY KEY CHECK(id = 1), version INTEGER NOT NULL, hash BLOB) STRICT;
    INSERT INTO head VALUES(1, 0, zeroblob(32));
    CREATE TABLE item(
      kind TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,
      document TEXT NOT NULL, PRIMARY KEY(kind, id), UNIQUE(kind, name)) STRICT, WITHOUT ROWID;
    CREATE TABLE numbering(kind TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE audit(
      version INTEGER NOT NULL, step INTEGER NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL,
      action TEXT NOT NULL, kind TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL,
      before TEXT, after TEXT, hash BLOB, PRIMARY KEY(version, step)) STRICT, WITHOUT ROWID;";

/// A connection to the catalog, which is made if it is not there.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let failed = |source| OpenError::Database { path: path.to_owned(), source };
    let unusable = |source| OpenError::Io { path: path.to_owned(), source };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(unusable)?;
    let connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(Duration::from_secs(30)).map_err(failed)?;
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;")
        .map_err(failed)?;
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let found = pragma("user_version").map_err(failed)?;
    let application = pragma("application_id").map_err(failed)?;
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if found == 0 && application == 0 && objects == 0 {
        connection
            .execute_batch(&format!(
                "BEGIN IMMEDIATE; {TABLES}
                 PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA}; COMMIT;"
            ))
            .map_err(failed)?;
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(unusable)?;
    } else if application != APPLICATION {
        return Err(OpenError::Foreign { path: path.to_owned(), expected: "catalog", found: application });
    } else if found > SCHEMA {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: SCHEMA });
    } else if found < SCHEMA {
        chain_entries(&connection).map_err(failed)?;
    }
    Ok(connection)
}

/// From version 1 to 2: entries of the audit get their hashes. All or nothing, and once when two nodes start at once.
fn chain_entries(connection: &Connection) -> rusqlite::Result<()> {
    let within = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let found: i64 = within.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found < SCHEMA {
        within.execute_batch(
            "ALTER TABLE audit ADD COLUMN hash BLOB; ALTER TABLE head ADD COLUMN hash BLOB;",
        )?;
        let hash = super::chain::fill(&within)?;
        within.execute("UPDATE head SET hash = ?1", params![hash.as_bytes()])?;
        within.pragma_update(None, "user_version", SCHEMA)?;
    }
    within.commit()
}
