use bytes::Bytes;
use rusqlite::Connection;
use signalbox_core::backend::{Row, ShardMark, StoreError, Table};
use signalbox_core::id::{Epoch, ShardId};

use super::options::{OpenError, SpineOptions};
use super::writer::Head;
use super::{rows, schema};

/// Reads the spine beside its writer: for the CDR relay, for a NOC's searches.
///
/// It sees what is committed. It never waits for the writer and the writer not for it; but a read that lasts
/// long keeps the WAL from starting anew, so large reads go page by page ([`SqliteReader::page`]).
pub struct SqliteReader {
    connection: Connection,
}

impl SqliteReader {
    /// Opens the file of these options for reading.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn open(options: &SpineOptions) -> Result<Self, OpenError> {
        Ok(Self { connection: schema::open_reader(options)? })
    }

    /// As `Store::outbox`.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn outbox(&self, after: u64, max: usize) -> Result<Vec<(u64, Vec<Bytes>)>, StoreError> {
        rows::outbox(&self.connection, after, max)
    }

    /// As `Store::get`.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub fn get(&self, shard: ShardId, table: Table, key: &[u8; 16]) -> Result<Option<Bytes>, StoreError> {
        rows::get(&self.connection, shard, table, key)
    }

    /// As `Store::load`.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn load(&self, shard: Option<ShardId>, visit: &mut dyn FnMut(Row)) -> Result<(), StoreError> {
        rows::load(&self.connection, shard, visit)
    }

    /// Up to `max` rows of a table after the row `after`, by key, then shard.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn page(
        &self,
        table: Table,
        after: Option<([u8; 16], ShardId)>,
        max: usize,
    ) -> Result<Vec<Row>, StoreError> {
        rows::page(&self.connection, table, after, max)
    }

    /// How many rows a table has.
    ///
    /// # Errors
    /// When they cannot be counted.
    pub fn count(&self, table: Table) -> Result<u64, StoreError> {
        rows::count(&self.connection, table)
    }

    /// The mark of each shard, by number.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn marks(&self) -> Result<Vec<ShardMark>, StoreError> {
        Ok(self.head()?.marks.to_vec())
    }

    /// The count of starts.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn boot_epoch(&self) -> Result<Epoch, StoreError> {
        Ok(Epoch(self.head()?.boot))
    }

    fn head(&self) -> Result<Head, StoreError> {
        Head::read(&self.connection).map_err(|reason| StoreError { reason })
    }
}
