//! The store as exchange and dialog server read it.

use std::cell::RefCell;

use bytes::Bytes;
use signalbox_core::backend::{Store, StoreError, Table};
use signalbox_core::exchange::Bodies;
use signalbox_core::id::ShardId;
use signalbox_dialog::Rows;

use super::thread::SpineError;

/// Rows of the store, for one turn. A row that cannot be read is not one that is not there: who decides by it is told
/// that nothing is there, and [`unharmed`](Self::unharmed) then keeps the turn from being committed.
pub(super) struct StoredRows<'a> {
    store: &'a dyn Store,
    harm: RefCell<Option<StoreError>>,
}

impl<'a> StoredRows<'a> {
    pub(super) fn new(store: &'a dyn Store) -> Self {
        Self { store, harm: RefCell::new(None) }
    }

    /// Whether all that was asked for could be read.
    ///
    /// # Errors
    /// The first failure.
    pub(super) fn unharmed(self) -> Result<(), SpineError> {
        self.harm.into_inner().map_or(Ok(()), |error| Err(SpineError::Read(error)))
    }

    fn read<T>(&self, result: Result<T, StoreError>) -> Option<T> {
        match result {
            Ok(read) => Some(read),
            Err(error) => {
                self.harm.borrow_mut().get_or_insert(error);
                None
            }
        }
    }
}

impl Bodies for StoredRows<'_> {
    fn row(&self, shard: ShardId, table: Table, key: &[u8; 16]) -> Option<Bytes> {
        self.read(self.store.get(shard, table, key)).flatten()
    }
}

impl Rows for StoredRows<'_> {
    fn get(&self, shard: ShardId, table: Table, key: &[u8; 16]) -> Option<Bytes> {
        self.row(shard, table, key)
    }

    fn timers(&self, after: [u8; 16], upto: [u8; 16], max: usize) -> Vec<(ShardId, [u8; 16], Bytes)> {
        let rows = self.read(self.store.range(Table::Timer, &after, &upto, max)).unwrap_or_default();
        rows.into_iter().map(|row| (row.shard, row.key, row.value)).collect()
    }
}
