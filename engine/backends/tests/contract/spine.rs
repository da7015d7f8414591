//! What only the SQLite spine has: its lock, its readers, its checkpoints, what it says of itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::Connection;
use signalbox_backends::lock::LockError;
use signalbox_backends::memory::VirtualClock;
use signalbox_backends::sqlite::{OpenError, SpineOptions, SqliteReader, SqliteSpine};
use signalbox_core::backend::{Commit, CommitError, LogRecord, Op, Store, Table};
use signalbox_core::id::{Epoch, MessageId, ShardId};
use signalbox_core::time::{Micros, Now};
use tempfile::TempDir;

use crate::vfs::{Disk, Failure};
use crate::world::{commit, load, mark, new_vfs, open, put, shard};

#[test]
fn a_second_process_is_refused_and_told_who_has_it() {
    let dir = TempDir::new().unwrap();
    let options = SpineOptions::in_dir(dir.path());
    let first = open(&options);
    let Err(error) = SqliteSpine::open(options.clone(), Arc::new(VirtualClock::new(Now::default()))) else {
        panic!("opened twice");
    };
    assert!(matches!(error, OpenError::Lock(LockError::Held { .. })));
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    drop(first);
    open(&options);
}

#[test]
fn a_lock_of_another_is_waited_for_as_long_as_the_options_say() {
    let dir = TempDir::new().unwrap();
    let options = SpineOptions { lock_wait: Duration::from_millis(20), ..SpineOptions::in_dir(dir.path()) };
    let mut spine = open(&options);
    let backup = Connection::open(&options.path).unwrap();
    backup.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = std::time::Instant::now();
    let refused = spine.claim(&[shard(1)], Epoch(9)).unwrap_err();
    assert!(matches!(refused, CommitError::Refused { .. }), "{refused}");
    let waited = began.elapsed();
    assert!(waited >= Duration::from_millis(20) && waited < Duration::from_secs(4), "{waited:?}");
    backup.execute_batch("ROLLBACK").unwrap();
    spine.claim(&[shard(1)], Epoch(9)).unwrap();
}

#[test]
fn a_file_of_something_else_is_refused() {
    let dir = TempDir::new().unwrap();
    let options = SpineOptions::in_dir(dir.path());
    let clock = Arc::new(VirtualClock::new(Now::default()));
    Connection::open(&options.path).unwrap().execute_batch("CREATE TABLE t(a)").unwrap();
    let error = SqliteSpine::open(options.clone(), clock.clone()).err().unwrap();
    assert!(matches!(error, OpenError::Foreign { found: 0, .. }), "{error}");

    std::fs::remove_file(&options.path).unwrap();
    drop(open(&options));
    Connection::open(&options.path).unwrap().execute_batch("PRAGMA user_version = 9").unwrap();
    let error = SqliteSpine::open(options.clone(), clock.clone()).err().unwrap();
    assert!(matches!(error, OpenError::Newer { found: 9, .. }), "{error}");

    std::fs::write(&options.path, [7; 9000]).unwrap();
    assert!(matches!(SqliteSpine::open(options, clock), Err(OpenError::Database { .. })));
}

#[test]
fn a_reader_sees_what_is_committed_while_the_writer_goes_on() {
    let dir = TempDir::new().unwrap();
    let mut spine = open(&SpineOptions::in_dir(dir.path()));
    spine.claim(&[shard(1), shard(2)], Epoch(9)).unwrap();
    let reader = spine.reader().unwrap();
    let change = Commit {
        cdrs: vec![Bytes::from_static(b"cdr")],
        ..commit(1, mark(9, 1), (1..=5).map(|name| put(1, Table::Message, name, "x")).collect())
    };
    spine.commit(&change).unwrap();
    let reader = std::thread::spawn(move || {
        assert_eq!(reader.count(Table::Message).unwrap(), 5);
        assert_eq!(reader.outbox(0, 9).unwrap(), [(1, vec![Bytes::from_static(b"cdr")])]);
        assert_eq!(reader.marks().unwrap()[1], mark(9, 1));
        assert_eq!(reader.boot_epoch().unwrap(), Epoch(1));
        reader
    })
    .join()
    .unwrap();
    spine.commit(&commit(2, mark(9, 1), vec![put(2, Table::Message, 3, "y")])).unwrap();

    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = reader.page(Table::Message, after, 2).unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.key, last.shard));
        pages.extend(page);
    }
    assert_eq!(pages, load(&spine, None));
    assert_eq!(reader.get(shard(2), Table::Message, &[3; 16]).unwrap().unwrap(), "y");
}

#[test]
fn the_queue_is_readable_in_the_shell() {
    let dir = TempDir::new().unwrap();
    let options = SpineOptions::in_dir(dir.path());
    let mut spine = open(&options);
    let (one, two) = (shard(1), shard(200));
    spine.claim(&[one, two], Epoch(1)).unwrap();
    let id = |micros, shard| MessageId::new(Micros(micros), shard, 0xabc);
    let row = |shard: ShardId, table, id: MessageId, text: &'static str| Op::Put {
        shard,
        table,
        key: id.to_bytes(),
        value: Bytes::from_static(text.as_bytes()),
    };
    let (early, late) = (id(1_790_000_000_999_999, one), id(1_790_000_003_000_000, two));
    let change = Commit {
        marks: vec![(one, mark(1, 1)), (two, mark(1, 1))],
        ops: vec![
            row(one, Table::Message, early, "to 4917612345678"),
            row(two, Table::Message, late, "to 33612345678"),
            row(two, Table::State, late, "tried"),
        ],
        ..Commit::default()
    };
    spine.commit(&change).unwrap();

    let shell = Connection::open(&options.path).unwrap();
    let mut statement =
        shell.prepare("SELECT id, shard, accepted_at, octets, handled FROM queue ORDER BY id").unwrap();
    let rows: Vec<(String, u16, String, u32, bool)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        rows,
        [
            (early.to_string(), 1, "2026-09-21T14:13:20Z".into(), 16, false),
            (late.to_string(), 200, "2026-09-21T14:13:23Z".into(), 14, true),
        ]
    );
    let found: String = shell
        .query_row("SELECT id FROM queue WHERE instr(body, CAST('336123' AS BLOB))", [], |row| row.get(0))
        .unwrap();
    assert_eq!(found, late.to_string());
    let (count, shard, epoch): (u32, u16, u32) = shell
        .query_row("SELECT count(*), max(shard), max(epoch) FROM shards WHERE commits = 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!((count, shard, epoch), (2, 200, 1));
}

#[test]
fn after_a_failed_fsync_nothing_more_is_acknowledged() {
    let dir = TempDir::new().unwrap();
    let name = new_vfs();
    let disk = Disk::register(&name);
    let options = SpineOptions { vfs: Some(name), ..SpineOptions::in_dir(dir.path()) };
    let mut spine = open(&options);
    spine.claim(&[shard(1)], Epoch(9)).unwrap();
    disk.fail(Some(Failure::Sync));
    let first = spine.commit(&commit(1, mark(9, 1), vec![]));
    assert!(matches!(first, Err(CommitError::Unknown { .. })), "{first:?}");
    disk.fail(None);
    for next in [1, 2] {
        let later = spine.commit(&commit(1, mark(9, next), vec![]));
        assert!(
            matches!(later, Err(CommitError::Unknown { .. } | CommitError::OutOfOrder { .. })),
            "{later:?}"
        );
    }
}

#[test]
fn a_failed_write_of_the_wal_is_of_unknown_fate() {
    let dir = TempDir::new().unwrap();
    let name = new_vfs();
    let disk = Disk::register(&name);
    let options = SpineOptions { vfs: Some(name), ..SpineOptions::in_dir(dir.path()) };
    let mut spine = open(&options);
    spine.claim(&[shard(1)], Epoch(9)).unwrap();
    disk.fail(Some(Failure::Write));
    let result = spine.commit(&commit(1, mark(9, 1), vec![]));
    assert!(matches!(result, Err(CommitError::Unknown { .. })), "{result:?}");
}

#[test]
fn the_wal_stays_bounded_under_unbroken_load() {
    let dir = TempDir::new().unwrap();
    let bound = 1 << 20;
    let options =
        SpineOptions { wal_bound: bound, checkpoint_every: bound / 8, ..SpineOptions::in_dir(dir.path()) };
    let mut spine = open(&options);
    spine.claim(&[shard(1)], Epoch(9)).unwrap();
    let value = Bytes::from(vec![7; 20_000]);
    for next in 1..=1000u64 {
        let key = u128::from(next % 50).to_be_bytes();
        let op = Op::Put { shard: shard(1), table: Table::Message, key, value: value.clone() };
        spine.commit(&commit(1, mark(9, next), vec![op])).unwrap();
    }
    // 20 MB went through it.
    let wal = std::fs::metadata(dir.path().join("spine.db-wal")).unwrap().len();
    assert!(wal < 4 * bound, "{wal} octets of WAL");
    let reading = spine.gauge().read();
    assert_eq!((reading.commits, reading.rows), (1002, 1000));
    assert!(reading.checkpoints > 0 && reading.finished > 0, "{reading:?}");
}

#[test]
fn it_tells_how_long_commits_take_and_how_much_room_there_is() {
    let dir = TempDir::new().unwrap();
    let clock = VirtualClock::new(Now::default());
    let options = SpineOptions::in_dir(dir.path());
    let mut spine = SqliteSpine::open(options.clone(), Arc::new(clock.clone())).unwrap();
    clock.advance(Duration::from_secs(1));
    spine.commit(&Commit { outbox_trim: Some(1), ..Commit::default() }).unwrap();
    assert_eq!(spine.gauge().commit_durations().count(), 2);
    assert!(spine.free().unwrap() > 0);
    let record = LogRecord { shard: shard(1), data: Bytes::from_static(b"x") };
    signalbox_core::backend::Log::append(&spine, &[record]).unwrap();
    assert_eq!(spine.gauge().read().records, 1);
    assert!(SqliteReader::open(&SpineOptions::in_dir(dir.path().join("nowhere"))).is_err());
}
