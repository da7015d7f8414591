//! Back from the store at the start, by three threads: one reads rows, one puts them in their places, one counts again
//! what the snapshot of the counters held. Half of a long start is the first touch of memory, which each thread pays
//! for its own.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::sync_channel;
use std::thread::{Builder, scope};

use signalbox_core::backend::{Clock, Row, Store, StoreError};
use signalbox_core::exchange::{Exchange, ReadRow, Restoring};

use super::counters::{CounterSnapshots, CounterStore, count};
use super::thread::{SpineError, panic_text};

/// Rows that are handed on together.
const BATCH: usize = 512;
/// Batches that may wait to be put in their places.
const WAITING: usize = 8;

/// Brings an exchange and its counters back, and starts the snapshots of these; gives the rows of the dialog server.
///
/// # Errors
/// When the store cannot be read, a thread cannot be started or one of them panics; then the exchange is of no use.
pub(super) fn restore(
    store: &dyn Store,
    exchange: &mut Exchange,
    counters: Option<CounterStore>,
    clock: &dyn Clock,
) -> Result<(Option<CounterSnapshots>, Vec<Row>), SpineError> {
    catch_unwind(AssertUnwindSafe(|| restored(store, exchange, counters, clock)))
        .unwrap_or_else(|panic| Err(SpineError::Panicked(panic_text(&*panic))))
}

fn restored(
    store: &dyn Store,
    exchange: &mut Exchange,
    counters: Option<CounterStore>,
    clock: &dyn Clock,
) -> Result<(Option<CounterSnapshots>, Vec<Row>), SpineError> {
    let begun = clock.now();
    let lent = counters.map(|file| (file, exchange.lend_counters()));
    let placed = &mut *exchange;
    let (counted, dialog) = scope(|scope| {
        let counting = lent.map(|(file, mut counters)| {
            Builder::new().name("restore-counters".into()).spawn_scoped(scope, move || {
                let counted = count(&file, &mut counters, begun);
                (file, counters, counted)
            })
        });
        let counting = counting.transpose()?;
        let dialog = read_beside(store, move |rows| {
            let mut restoring = Restoring::default();
            for row in rows {
                placed.restore_read(&mut restoring, row);
            }
            let dialog = restoring.take_dialog_rows();
            placed.restored(clock.now(), restoring);
            dialog
        })?;
        let counted = counting.map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        Ok::<_, SpineError>((counted, dialog))
    })?;
    let Some((file, counters, counted)) = counted else { return Ok((None, dialog)) };
    exchange.give_back_counters(counters);
    Ok((Some(CounterSnapshots::start(file, counted, exchange, clock.now())?), dialog))
}

/// Reads all rows here while another thread puts them in their places. What that one panics with goes on here.
fn read_beside<T: Send>(
    store: &dyn Store,
    place: impl FnOnce(&mut dyn Iterator<Item = ReadRow>) -> T + Send,
) -> Result<T, SpineError> {
    scope(|scope| {
        let (rows, read) = sync_channel::<Vec<ReadRow>>(WAITING);
        let placing = Builder::new()
            .name("restore-rows".into())
            .spawn_scoped(scope, move || place(&mut read.into_iter().flatten()))?;
        let mut batch = Vec::with_capacity(BATCH);
        // A thread that takes no more has panicked, which is told below.
        let loaded: Result<(), StoreError> = store.load(None, &mut |row| {
            batch.push(ReadRow::of(row));
            if batch.len() == BATCH {
                let _ = rows.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)));
            }
        });
        let _ = rows.send(batch);
        drop(rows);
        let placed = placing.join().unwrap_or_else(|panic| resume_unwind(panic));
        loaded?;
        Ok(placed)
    })
}

#[cfg(test)]
mod tests;
