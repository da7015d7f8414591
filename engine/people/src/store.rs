//! The database: where it is, how it is opened, how its transactions and ids are made.

mod migrations;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, ConnectOptions, Executor, Row, Transaction};
use tokio::sync::Mutex;

use crate::error::PeopleError;
use crate::pseudonym::ErasureKey;

/// A caller waits so long for a connection.
const ACQUIRE: Duration = Duration::from_secs(5);
/// SQLite waits so long for another process that writes.
const LOCK: Duration = Duration::from_secs(5);
/// Connections that read the file.
const READERS: u32 = 4;
/// Ids that are taken at once at least: a single contact does not cost a commit for its id.
const BLOCK: i64 = 1024;

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
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// The database of contacts, devices, fields, lists, uploads, consent and trace.
pub struct People {
    pub(crate) dialect: Dialect,
    read: AnyPool,
    /// One connection where the database has one writer: who writes waits here, in order.
    write: AnyPool,
    ids: Mutex<Block>,
    /// Writers that wait for their turn.
    waiting: AtomicUsize,
    pub(crate) node: Box<str>,
    pub(crate) key: Option<ErasureKey>,
}

/// Counts a writer that waits for its turn.
struct Waiting<'p>(&'p AtomicUsize);

impl<'p> Waiting<'p> {
    fn of(count: &'p AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Ids that nobody has yet.
struct Block {
    next: i64,
    end: i64,
}

impl People {
    /// Opens the database, makes or brings up its tables, and ends what this node left unfinished.
    ///
    /// # Errors
    /// When the database cannot be used, or was made by another program.
    pub async fn open(place: &Place, node: &str) -> Result<Self, PeopleError> {
        sqlx::any::install_default_drivers();
        let (dialect, read, write) = match place {
            Place::File(file) => {
                let url = file_url(file)?;
                let write = sqlite_pool(&url, 1, 192 << 10).await?;
                let read = sqlite_pool(&url, READERS, 8 << 10).await?;
                (Dialect::Sqlite, read, write)
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
                (Dialect::Postgres, pool.clone(), pool)
            }
        };
        let ids = Mutex::new(Block { next: 0, end: 0 });
        let people =
            Self { dialect, read, write, ids, waiting: AtomicUsize::new(0), node: node.into(), key: None };
        people.migrate().await?;
        people.end_interrupted().await?;
        Ok(people)
    }

    /// Lets go of all connections; what is under way ends first.
    pub async fn close(&self) {
        self.write.close().await;
        self.read.close().await;
    }

    /// Where it is read.
    pub(crate) fn reader(&self) -> &AnyPool {
        &self.read
    }

    /// A transaction that writes.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, PeopleError> {
        let _waiting = Waiting::of(&self.waiting);
        Ok(self.write.begin().await?)
    }

    /// The same for much work that gives way: nobody else does so for its sake.
    pub(crate) async fn begin_batch(&self) -> Result<Transaction<'static, Any>, PeopleError> {
        Ok(self.write.begin().await?)
    }

    /// Whether another writer waits, or may wait unseen for a row's lock on a server.
    pub(crate) fn is_awaited(&self) -> bool {
        match self.dialect {
            Dialect::Sqlite => self.waiting.load(Ordering::Relaxed) > 0,
            Dialect::Postgres => true,
        }
    }

    /// The first of so many ids in a row.
    ///
    /// Must not be asked for inside a transaction: it has its own.
    pub(crate) async fn take_ids(&self, count: usize) -> Result<i64, PeopleError> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let mut block = self.ids.lock().await;
        if block.end - block.next < count {
            let wanted = count.max(BLOCK);
            let _waiting = Waiting::of(&self.waiting);
            let row = sqlx::query("UPDATE id_block SET next = next + $1 WHERE name = $2 RETURNING next")
                .bind(wanted)
                .bind("id")
                .fetch_one(&self.write)
                .await?;
            let end: i64 = row.try_get(0)?;
            *block = Block { next: end - wanted, end };
        }
        let first = block.next;
        block.next += count;
        Ok(first)
    }
}

fn options(url: &str) -> Result<AnyConnectOptions, PeopleError> {
    let options: AnyConnectOptions = url.parse()?;
    // Statements are the same all day; that one was slow is seen in the histogram of whoever waits for it.
    Ok(options.disable_statement_logging())
}

/// The URL of a file; its folder must be there.
fn file_url(file: &Path) -> Result<String, PeopleError> {
    let place = || file.display().to_string();
    let path = std::path::absolute(file).map_err(|source| PeopleError::Place { place: place(), source })?;
    let text = path.to_str().ok_or_else(|| PeopleError::Place {
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
async fn sqlite_pool(url: &str, connections: u32, cache: u32) -> Result<AnyPool, PeopleError> {
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
