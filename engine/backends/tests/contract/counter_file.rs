//! DC-25: a snapshot of the counters is whole or it is not used.

use std::fs;
use std::path::Path;

use signalbox_backends::counter_file::{
    SnapshotError, SnapshotHead, SnapshotReader, SnapshotTail, SnapshotWriter,
};
use signalbox_core::id::Epoch;
use signalbox_core::time::Micros;
use signalbox_counters::{CounterKey, Key, SavedAlarms, SavedCount, SavedEntry};
use tempfile::TempDir;

const HEAD: SnapshotHead = SnapshotHead { epoch: Epoch(7), taken_at: Micros(1_790_000_000_000_000) };

fn entries(of: std::ops::Range<u32>) -> Vec<SavedEntry> {
    of.map(|number| SavedEntry {
        key: CounterKey::Source(Key::e164(&format!("4477009{number:05}")).unwrap()),
        carrier: (number % 2 == 0).then_some(number),
        first_seen_s: 1_790_000_000,
        held: SavedCount::Sliding {
            oldest_ms: 1_790_000_000_000,
            gaps_ms: (0..number % 5).collect(),
            first: true,
            capped: false,
        },
    })
    .collect()
}

fn tail() -> SnapshotTail {
    SnapshotTail { alarms: SavedAlarms { next_id: 9, alarms: Vec::new() }, complete: true }
}

fn write(path: &Path, slices: &[std::ops::Range<u32>]) {
    let mut writer = SnapshotWriter::begin(path, HEAD).unwrap();
    for slice in slices {
        writer.entries(entries(slice.clone())).unwrap();
    }
    writer.finish(tail()).unwrap();
}

fn read(path: &Path) -> Vec<SavedEntry> {
    let snapshot = SnapshotReader::open(path).unwrap().unwrap();
    assert_eq!((snapshot.head, &snapshot.tail), (HEAD, &tail()));
    let mut all = Vec::new();
    snapshot.entries(|entries| all.extend(entries)).unwrap();
    all
}

#[test]
fn dc_25_a_snapshot_comes_back_as_it_was() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("counters.snapshot");
    assert!(SnapshotReader::open(&path).unwrap().is_none());
    write(&path, &[0..100, 100..101, 101..101, 101..300]);
    assert_eq!(read(&path), entries(0..300));
    write(&path, &[]);
    assert_eq!(read(&path), []);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn dc_25_one_that_was_not_finished_leaves_the_one_before() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("counters.snapshot");
    write(&path, &[0..5, 5..10]);
    let mut writer = SnapshotWriter::begin(&path, HEAD).unwrap();
    writer.entries(entries(10..20)).unwrap();
    drop(writer);
    assert_eq!(read(&path), entries(0..10));
    write(&path, &[20..25, 25..30]);
    assert_eq!(read(&path), entries(20..30));
}

#[test]
fn dc_25_what_is_cut_or_changed_anywhere_is_not_used() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("counters.snapshot");
    write(&path, &[0..4, 4..9]);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let opened = SnapshotReader::open(&path);
        assert!(matches!(opened, Err(SnapshotError::Foreign(_) | SnapshotError::Damaged { .. })), "{length}");
    }
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(SnapshotReader::open(&path).is_err(), "{place}");
    }
    fs::write(&path, [whole.as_slice(), b"more"].concat()).unwrap();
    assert!(SnapshotReader::open(&path).is_err());
    fs::write(&path, &whole).unwrap();
    assert_eq!(read(&path), entries(0..9));
}

#[test]
fn dc_25_slices_that_have_changed_places_are_not_used() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("counters.snapshot");
    write(&path, &[0..1, 1..2]);
    let mut octets = fs::read(&path).unwrap();
    let frame = |octets: &[u8], at: usize| {
        at + 12 + u32::from_le_bytes(octets[at..at + 4].try_into().unwrap()) as usize
    };
    let first = frame(&octets, 8);
    let second = frame(&octets, first);
    let end = frame(&octets, second);
    octets[first..end].rotate_left(second - first);
    fs::write(&path, &octets).unwrap();
    assert!(matches!(SnapshotReader::open(&path), Err(SnapshotError::Damaged { frame: 1, .. })));
}
