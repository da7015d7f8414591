//! The spine of a process that dies at its named places.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use signalbox_backends::failpoint::{VARIABLE, built_in};
use signalbox_backends::sqlite::{SpineOptions, SqliteSpine};
use signalbox_core::backend::{Commit, Op, ShardMark, Store, Table};
use signalbox_core::id::Epoch;

use crate::world::{load, open, scratch, shard};

/// Names the directory for the child.
const DIR: &str = "SIGNALBOX_TEST_SPINE_DIR";
const COMMITS: u64 = 300;
const ROWS: u64 = 20;

fn options(dir: &Path) -> SpineOptions {
    SpineOptions { checkpoint_every: 1 << 18, ..SpineOptions::in_dir(dir) }
}

/// Goes on where the file ends; each commit puts a row of its number into each of [`ROWS`] places.
fn go_on(dir: &Path) {
    let mut spine = open(&options(dir));
    let epoch = spine.boot_epoch();
    let found = spine.claim(&[shard(1)], epoch).unwrap()[0];
    let mut told = OpenOptions::new().create(true).append(true).open(dir.join("told")).unwrap();
    for number in found.commit + 1..=COMMITS {
        spine.commit(&commit(epoch, number)).unwrap();
        writeln!(told, "{number}").unwrap();
    }
}

fn commit(epoch: Epoch, number: u64) -> Commit {
    let value = Bytes::from(number.to_be_bytes().repeat(100));
    let put = |place: u64| Op::Put {
        shard: shard(1),
        table: Table::Message,
        key: u128::from(place).to_be_bytes(),
        value: value.clone(),
    };
    Commit {
        marks: vec![(shard(1), ShardMark { epoch, commit: number, position: None })],
        ops: (0..ROWS).map(put).collect(),
        cdrs: vec![value.clone()],
        ..Commit::default()
    }
}

#[test]
#[ignore = "the process that dies; the test below starts it"]
fn child() {
    go_on(Path::new(&std::env::var_os(DIR).unwrap()));
}

fn run(dir: &Path, fail_point: &str) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "spine_crash::child", "--include-ignored"])
        .env(DIR, dir)
        .env(VARIABLE, fail_point);
    command.output().unwrap().status.success()
}

/// The number of the last commit, all of which must be there.
fn whole(spine: &SqliteSpine) -> u64 {
    let number = spine.mark(shard(1)).commit;
    let rows = load(spine, None);
    let value = number.to_be_bytes().repeat(100);
    assert!(rows.iter().all(|row| row.value == value), "commit {number} is not whole");
    assert_eq!(rows.len() as u64, if number == 0 { 0 } else { ROWS });
    assert_eq!(spine.outbox_last(), number);
    assert_eq!(spine.outbox(0, usize::MAX).unwrap().len() as u64, number);
    number
}

#[test]
fn a_process_that_dies_leaves_whole_commits() {
    // The start writes twice before the first commit: its count and the claim.
    let places = [
        "spine.before-commit:40",
        "spine.mid-commit:1",
        "spine.mid-commit:2",
        "spine.mid-commit:3",
        "spine.mid-commit:150",
        "spine.after-commit:150",
        "spine.checkpoint:1",
        "spine.checkpoint:4",
        "spine.checkpointed:1",
        "spine.checkpointed:4",
    ];
    assert!(built_in(), "fail points are in builds with debug assertions only");
    for place in places {
        let dir = scratch();
        assert!(!run(dir.path(), place), "the process did not come to {place}");
        let told = fs::read_to_string(dir.path().join("told")).unwrap_or_default();
        let told: u64 = told.lines().last().map_or(0, |line| line.parse().unwrap());
        let found = whole(&open(&options(dir.path())));
        assert!(found == told || found == told + 1, "{place}: {told} acknowledged, {found} there");
        if place.starts_with("spine.after-commit") {
            assert_eq!(found, told + 1, "{place}");
        }
        if place.starts_with("spine.before") || place.starts_with("spine.mid") {
            assert_eq!(found, told, "{place}");
        }
        go_on(dir.path());
        assert_eq!(whole(&open(&options(dir.path()))), COMMITS);
    }
}
