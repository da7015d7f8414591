//! Where a database is, and the connections to it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, ConnectOptions, Executor};

use crate::error::SqlError;

/// A caller waits so long for a connection.
const ACQUIRE: Duration = Duration::from_secs(5);
/// SQLite waits so long for another process that writes.
const LOCK: Duration = Duration::from_secs(5);
/// Connections that read the file.
const READERS: u32 = 4;

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file of this machine (SQLite); made where there is none.
    File(PathBuf),
    /// A server (PostgreSQL).
    Server {
        /// `postgres://user:password@host:port/database`, as libpq writes it.
        url: String,
        /// Connections at most.
        connections: u32,
    },
}

/// Which SQL is spoken; the queries are the same, the declarations of tables are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// Pages of a file that its connections keep in memory, in kibioctets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caches {
    /// Of the one that writes.
    pub write: u32,
    /// Of each of those that read.
    pub read: u32,
}

impl Default for Caches {
    fn default() -> Self {
        Self { write: 8 << 10, read: 2 << 10 }
    }
}

/// The connections to a database.
#[derive(Debug)]
pub struct Pools {
    /// What they speak.
    pub dialect: Dialect,
    /// For reading.
    pub read: AnyPool,
    /// For writing: one connection where the database has one writer, so that who writes waits here, in order.
    pub write: AnyPool,
}

/// Connects to a database.
///
/// # Errors
/// When it cannot be used.
pub async fn connect(place: &Place, caches: Caches) -> Result<Pools, SqlError> {
    sqlx::any::install_default_drivers();
    match place {
        Place::File(file) => {
            let url = file_url(file)?;
            let write = sqlite_pool(&url, 1, caches.write).await?;
            let read = sqlite_pool(&url, READERS, caches.read).await?;
            Ok(Pools { dialect: Dialect::Sqlite, read, write })
        }
        Place::Server { url, connections } => {
            let pool = AnyPoolOptions::new()
                .max_connections((*connections).max(2))
                .acquire_timeout(ACQUIRE)
                .after_connect(|connection, _| {
                    Box::pin(async move {
                        let bounds =
                            "SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '60s'";
                        connection.execute(sqlx::raw_sql(bounds)).await.map(|_| ())
                    })
                })
                .connect_with(options(url)?)
                .await?;
            Ok(Pools { dialect: Dialect::Postgres, read: pool.clone(), write: pool })
        }
    }
}

fn options(url: &str) -> Result<AnyConnectOptions, SqlError> {
    let options: AnyConnectOptions = url.parse()?;
    // Statements are the same all day; that one was slow is seen in the histogram of whoever waits for it.
    Ok(options.disable_statement_logging())
}

/// The URL of a file; its folder must be there.
fn file_url(file: &Path) -> Result<String, SqlError> {
    let place = || file.display().to_string();
    let path = std::path::absolute(file).map_err(|source| SqlError::Place { place: place(), source })?;
    let text = path.to_str().ok_or_else(|| SqlError::Place {
        place: place(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidInput, "the path is no UTF-8"),
    })?;
    let mut url = String::from("sqlite://");
    for octet in text.bytes() {
        match octet {
            b'/' | b'-' | b'_' | b'.' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                url.push(char::from(octet))
            }
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url.push_str("?mode=rwc");
    Ok(url)
}

/// Connections to the file, each with so many kibioctets of pages in memory.
async fn sqlite_pool(url: &str, connections: u32, cache: u32) -> Result<AnyPool, SqlError> {
    let pragmas = format!(
        "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA cache_size = -{cache}; PRAGMA wal_autocheckpoint = 65536; PRAGMA journal_size_limit = 536870912; \
         PRAGMA temp_store = MEMORY; PRAGMA secure_delete = FAST",
        LOCK.as_millis()
    );
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        // A connection knows its statements and pages: it is kept.
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            let pragmas = pragmas.clone();
            Box::pin(async move {
                connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(pragmas))).await.map(|_| ())
            })
        })
        .connect_with(options(url)?)
        .await?;
    Ok(pool)
}
