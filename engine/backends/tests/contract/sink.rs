//! CdrSink: each record once, in order, with a position.

use std::path::PathBuf;

use bytes::Bytes;
use signalbox_backends::files::{CdrFiles, CdrFilesOptions, CdrReader};
use signalbox_backends::memory::Cluster;
use signalbox_core::backend::{CdrBatch, CdrSink, SinkError};
use signalbox_core::cdr::Cdr;
use signalbox_core::time::Now;
use tempfile::TempDir;

use crate::cdr::numbered;

/// A sink that outlives its users.
trait SinkWorld {
    fn sink(&mut self) -> &mut dyn CdrSink;
    fn restart(&mut self);
    /// The records published, with the outbox number of their commit.
    fn published(&self) -> Vec<(u64, Cdr)>;
}

struct Memory {
    cluster: Cluster,
    sink: signalbox_backends::memory::MemorySink,
}

impl SinkWorld for Memory {
    fn sink(&mut self) -> &mut dyn CdrSink {
        &mut self.sink
    }

    fn restart(&mut self) {
        self.sink = self.cluster.sink();
    }

    fn published(&self) -> Vec<(u64, Cdr)> {
        let records = self.cluster.published().into_iter();
        records.map(|(commit, record)| (commit, Cdr::decode(&record).unwrap())).collect()
    }
}

struct Files {
    dir: TempDir,
    sink: Option<CdrFiles>,
    max_octets: u64,
}

impl Files {
    fn options(&self) -> CdrFilesOptions {
        CdrFilesOptions { max_octets: self.max_octets, ..CdrFilesOptions::in_dir(self.dir.path()) }
    }
}

impl SinkWorld for Files {
    fn sink(&mut self) -> &mut dyn CdrSink {
        self.sink.as_mut().unwrap()
    }

    fn restart(&mut self) {
        self.sink = None;
        self.sink = Some(CdrFiles::open(self.options()).unwrap());
    }

    fn published(&self) -> Vec<(u64, Cdr)> {
        let records = CdrReader::new(self.dir.path(), "signalbox").forward(0).unwrap();
        records.map(|record| record.map(|record| (record.commit, record.cdr)).unwrap()).collect()
    }
}

macro_rules! in_each_sink {
    ($($promise:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $promise() {
                let cluster = signalbox_backends::memory::Cluster::new(1);
                let sink = cluster.sink();
                super::$promise(&mut super::Memory { cluster, sink });
            })*
        }
        mod files {
            // Few octets, so that files are closed all the time, and many, so that one stays open.
            $(#[test] fn $promise() {
                for max_octets in [1, 3000, 1 << 30] {
                    let dir = tempfile::TempDir::new().unwrap();
                    let mut world = super::Files { dir, sink: None, max_octets };
                    super::SinkWorld::restart(&mut world);
                    super::$promise(&mut world);
                }
            })*
        }
    };
}

in_each_sink! {
    a_new_sink_has_published_nothing,
    batches_are_published_in_order_and_once,
    a_position_survives_a_restart,
    a_damaged_record_is_named_and_nothing_is_published,
    a_gap_in_the_outbox_is_refused,
    a_new_sink_takes_an_outbox_that_was_trimmed,
}

/// A batch of the outbox whose records are numbered after it.
pub fn batch(sequence: u64, records: u64) -> CdrBatch {
    let records = (0..records).map(|index| numbered(sequence, index).encode()).collect();
    CdrBatch { sequence, records }
}

fn expected(sequences: impl IntoIterator<Item = (u64, u64)>) -> Vec<(u64, Cdr)> {
    let of = |(sequence, records)| (0..records).map(move |index| (sequence, numbered(sequence, index)));
    sequences.into_iter().flat_map(of).collect()
}

fn a_new_sink_has_published_nothing(world: &mut dyn SinkWorld) {
    assert_eq!(world.sink().position().unwrap(), 0);
    assert_eq!(world.sink().publish(&[]).unwrap(), 0);
    world.sink().tick(Now::default()).unwrap();
    world.restart();
    assert_eq!(world.sink().position().unwrap(), 0);
    assert!(world.published().is_empty());
}

fn batches_are_published_in_order_and_once(world: &mut dyn SinkWorld) {
    assert_eq!(world.sink().publish(&[batch(1, 2), batch(2, 1)]).unwrap(), 2);
    assert_eq!(world.sink().publish(&[batch(1, 2), batch(2, 1)]).unwrap(), 2);
    assert_eq!(world.sink().publish(&[batch(2, 1), batch(3, 3)]).unwrap(), 3);
    assert_eq!(world.sink().position().unwrap(), 3);
    assert_eq!(world.published(), expected([(1, 2), (2, 1), (3, 3)]));
}

fn a_position_survives_a_restart(world: &mut dyn SinkWorld) {
    for sequence in 1..=6 {
        assert_eq!(world.sink().publish(&[batch(sequence, 2)]).unwrap(), sequence);
        world.restart();
        assert_eq!(world.sink().position().unwrap(), sequence);
        assert_eq!(world.sink().publish(&[batch(sequence, 2)]).unwrap(), sequence);
    }
    assert_eq!(world.published(), expected((1..=6).map(|sequence| (sequence, 2))));
}

fn a_damaged_record_is_named_and_nothing_is_published(world: &mut dyn SinkWorld) {
    world.sink().publish(&[batch(1, 1)]).unwrap();
    let mut bad = batch(3, 2);
    bad.records[1] = Bytes::from_static(b"\xff\xff\xff");
    let result = world.sink().publish(&[batch(2, 1), bad]);
    match result {
        Err(SinkError::Damaged { sequence, index, .. }) => assert_eq!((sequence, index), (3, 1)),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.sink().position().unwrap(), 1);
    assert_eq!(world.sink().publish(&[batch(2, 1), batch(3, 1)]).unwrap(), 3);
    assert_eq!(world.published(), expected([(1, 1), (2, 1), (3, 1)]));
}

fn a_gap_in_the_outbox_is_refused(world: &mut dyn SinkWorld) {
    world.sink().publish(&[batch(1, 1)]).unwrap();
    for wrong in [vec![batch(3, 1)], vec![batch(2, 1), batch(4, 1)], vec![batch(3, 1), batch(2, 1)]] {
        let result = world.sink().publish(&wrong);
        assert!(matches!(result, Err(SinkError::Damaged { .. })), "{result:?}");
    }
    assert_eq!(world.published(), expected([(1, 1)]));
}

fn a_new_sink_takes_an_outbox_that_was_trimmed(world: &mut dyn SinkWorld) {
    assert_eq!(world.sink().publish(&[batch(41, 1), batch(42, 1)]).unwrap(), 42);
    world.restart();
    assert_eq!(world.sink().publish(&[batch(43, 1)]).unwrap(), 43);
    assert_eq!(world.published(), expected([(41, 1), (42, 1), (43, 1)]));
}

#[test]
fn a_refusing_sink_of_the_simulation_keeps_its_position() {
    use signalbox_backends::memory::Fault;
    let cluster = Cluster::new(1);
    let mut sink = cluster.sink();
    cluster.inject(Fault::SinkUnavailable);
    assert!(sink.publish(&[batch(1, 1)]).is_err());
    assert_eq!(sink.position().unwrap(), 0);
    cluster.inject(Fault::SinkKept);
    assert!(sink.publish(&[batch(1, 1)]).is_err());
    assert_eq!(sink.position().unwrap(), 1);
    assert_eq!(sink.publish(&[batch(1, 1)]).unwrap(), 1);
    assert_eq!(cluster.published().len(), 1);
}

/// The files in a directory of CDRs, by name.
pub fn names(dir: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The closed and open files.
pub fn paths(dir: &std::path::Path) -> Vec<PathBuf> {
    CdrReader::new(dir, "signalbox").files().unwrap()
}
