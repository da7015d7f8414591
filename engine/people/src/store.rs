//! The database: how it is opened, how its transactions and ids are made.

mod migrations;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use signalbox_sql::{Caches, Pools, connect};
use sqlx::{Any, AnyPool, Row, Transaction};
use tokio::sync::Mutex;

pub(crate) use signalbox_sql::Dialect;
pub use signalbox_sql::Place;

use crate::error::PeopleError;
use crate::pseudonym::ErasureKey;

/// Ids that are taken at once at least: a single contact does not cost a commit for its id.
const BLOCK: i64 = 1024;

/// Pages of the file in memory: much is written at random places when an upload has no order.
const CACHES: Caches = Caches { write: 192 << 10, read: 8 << 10 };

/// The database of contacts, devices, fields, lists, uploads, consent and trace.
pub struct People {
    pub(crate) dialect: Dialect,
    read: AnyPool,
    /// One connection where the database has one writer: who writes waits here, in order.
    write: AnyPool,
    ids: Mutex<Block>,
    /// Writers that wait for their turn.
    waiting: AtomicUsize,
    /// Counts changes of what is known of people, but for contacts that are made of devices.
    changes: AtomicU64,
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

/// Counts a change when it is over, however it ended.
pub(crate) struct Changing<'p>(&'p AtomicU64);

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
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
        let Pools { dialect, read, write } = connect(place, CACHES).await?;
        let ids = Mutex::new(Block { next: 0, end: 0 });
        let people = Self {
            dialect,
            read,
            write,
            ids,
            waiting: AtomicUsize::new(0),
            changes: AtomicU64::new(0),
            node: node.into(),
            key: None,
        };
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

    /// What is read while this number stays is as it was; `None` where other nodes write too.
    ///
    /// A change that was given up half-way may come a moment after it was counted: whoever keeps what he read keeps it
    /// for a short time only. A contact that is made of a device is not counted: nobody knew one there.
    #[must_use]
    pub fn changes(&self) -> Option<u64> {
        match self.dialect {
            Dialect::Sqlite => Some(self.changes.load(Ordering::Acquire)),
            Dialect::Postgres => None,
        }
    }

    /// What is known of a person changes until this is dropped; taken before the transaction begins.
    pub(crate) fn changing(&self) -> Changing<'_> {
        Changing(&self.changes)
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
