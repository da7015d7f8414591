use std::sync::Arc;

use bytes::Bytes;
use signalbox_backends::system::SystemClock;
use signalbox_core::backend::{Commit, CommitError, Committed, Row, ShardMark, Table};
use signalbox_core::exchange::{NoBodies, Note};
use signalbox_core::id::{Epoch, ShardId};
use signalbox_core::policy::Policy;
use signalbox_core::time::{Micros, Mono, Now};
use signalbox_routing::{Router, RuleSet};
use tempfile::TempDir;

use super::*;

/// More than may wait between the two threads.
const ROWS: usize = (WAITING + 3) * BATCH + 17;

/// How reading ends.
enum End {
    Well,
    Error,
    Panic,
}

/// A store of damaged rows, each of which is told of when it is put in its place.
struct Rows(End);

impl Store for Rows {
    fn claim(&mut self, shards: &[ShardId], _: Epoch) -> Result<Vec<ShardMark>, CommitError> {
        Ok(vec![ShardMark::default(); shards.len()])
    }
    fn load(&self, _: Option<ShardId>, visit: &mut dyn FnMut(Row)) -> Result<(), StoreError> {
        for number in 0..ROWS {
            let key = (number as u128).to_be_bytes();
            // Some are found to be damaged when they are read, some when they are put in their places.
            let table = if number % 2 == 0 { Table::Message } else { Table::Group };
            visit(Row { shard: ShardId::LAST, table, key, value: Bytes::new() });
        }
        match self.0 {
            End::Well => Ok(()),
            End::Error => Err(StoreError { reason: "the disk is gone".into() }),
            End::Panic => panic!("the reader is gone"),
        }
    }
    fn get(&self, _: ShardId, _: Table, _: &[u8; 16]) -> Result<Option<Bytes>, StoreError> {
        Ok(None)
    }
    fn range(&self, _: Table, _: &[u8; 16], _: &[u8; 16], _: usize) -> Result<Vec<Row>, StoreError> {
        Ok(Vec::new())
    }
    fn commit(&mut self, _: &Commit) -> Result<Committed, CommitError> {
        Ok(Committed::default())
    }
    fn outbox(&self, _: u64, _: usize) -> Result<Vec<(u64, Vec<Bytes>)>, StoreError> {
        Ok(Vec::new())
    }
    fn free(&self) -> Option<u64> {
        None
    }
}

struct Numbers;

impl signalbox_core::backend::Random for Numbers {
    fn next(&mut self) -> u64 {
        7
    }
}

fn now() -> Now {
    Now { wall: Micros(1_790_000_000_000_000), mono: Mono(5_000_000_000) }
}

fn exchange() -> Exchange {
    Exchange::new(Arc::new(Policy::new(Router::new(RuleSet::default()))), Box::new(Numbers), now())
}

fn counters(dir: &TempDir) -> CounterStore {
    CounterStore { path: dir.path().join("counters.snapshot"), epoch: Epoch(1) }
}

fn error_of(end: End) -> SpineError {
    let dir = TempDir::new().unwrap();
    restore(&Rows(end), &mut exchange(), Some(counters(&dir)), &SystemClock::new())
        .map(|_| ())
        .expect_err("a start that must fail")
}

#[test]
fn each_row_comes_to_its_place_in_order() {
    let (dir, mut exchange) = (TempDir::new().unwrap(), exchange());
    let snapshots = restore(&Rows(End::Well), &mut exchange, Some(counters(&dir)), &SystemClock::new());
    assert!(snapshots.unwrap().0.is_some());
    let notes = exchange.settle(now(), &NoBodies).notes;
    let damaged = notes.iter().filter_map(|note| match note {
        Note::RowDamaged { why } => Some(why.split(' ').next().unwrap().to_owned()),
        _ => None,
    });
    let damaged: Vec<String> = damaged.collect();
    assert_eq!(damaged.len(), ROWS);
    assert!(damaged.chunks_exact(2).all(|pair| pair == ["Message", "Group"]));
}

#[test]
fn a_store_that_fails_half_way_ends_the_start() {
    let error = error_of(End::Error);
    assert!(matches!(&error, SpineError::Load(why) if why.reason == "the disk is gone"), "{error:?}");
}

#[test]
fn a_panic_while_rows_are_read_is_an_error() {
    let error = error_of(End::Panic);
    assert!(matches!(&error, SpineError::Panicked(why) if why == "the reader is gone"), "{error:?}");
}

/// Panics where rows are put in their places, once all are there.
struct Broken;

impl Clock for Broken {
    fn now(&self) -> Now {
        assert_ne!(std::thread::current().name(), Some("restore-rows"), "no time");
        now()
    }
}

#[test]
fn a_panic_while_rows_are_placed_is_an_error() {
    let error = restore(&Rows(End::Well), &mut exchange(), None, &Broken).map(|_| ()).expect_err("no start");
    assert!(matches!(&error, SpineError::Panicked(why) if why.contains("no time")), "{error:?}");
}

#[test]
fn who_takes_no_more_rows_stops_nobody() {
    let read = catch_unwind(|| read_beside(&Rows(End::Well), |_| panic!("the first row is enough")));
    assert_eq!(panic_text(&*read.expect_err("a panic")), "the first row is enough");
}
