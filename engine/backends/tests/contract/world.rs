use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use signalbox_backends::memory::{Cluster, Fault, MemoryLog, MemoryStore, VirtualClock};
use signalbox_backends::sqlite::{SpineOptions, SqliteSpine};
use signalbox_core::backend::{Commit, Log, LogRecord, Offset, Op, Row, ShardMark, Store, Table};
use signalbox_core::id::{Epoch, ShardId};
use signalbox_core::time::Now;
use tempfile::TempDir;

use crate::vfs::{Disk, Failure};

/// What goes wrong next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No room.
    Full,
    /// Nothing is written.
    Refused,
    /// Nobody can say.
    Unknown,
}

/// A store and a log that outlive their users.
pub trait World {
    fn store(&mut self) -> &mut dyn Store;
    fn log(&self) -> &dyn Log;
    /// The process dies and comes back.
    fn restart(&mut self);
    /// The next write meets this.
    fn trouble(&mut self, trouble: Trouble);
    /// The trouble is over, if it is not so by itself.
    fn calm(&mut self);
}

pub struct Memory {
    cluster: Cluster,
    store: MemoryStore,
    log: MemoryLog,
}

impl Memory {
    pub fn new() -> Self {
        let cluster = Cluster::new(1);
        let (store, log) = (cluster.store(), cluster.log());
        Self { cluster, store, log }
    }
}

impl World for Memory {
    fn store(&mut self) -> &mut dyn Store {
        &mut self.store
    }

    fn log(&self) -> &dyn Log {
        &self.log
    }

    fn restart(&mut self) {
        (self.store, self.log) = (self.cluster.store(), self.cluster.log());
    }

    fn trouble(&mut self, trouble: Trouble) {
        let faults = match trouble {
            Trouble::Full => [Fault::StoreFull, Fault::AppendRefused],
            Trouble::Refused => [Fault::CommitRefused, Fault::AppendRefused],
            Trouble::Unknown => [Fault::CommitKept, Fault::AppendKept],
        };
        // One for whichever call comes first; the other is used up by `calm`.
        faults.into_iter().for_each(|fault| self.cluster.inject(fault));
    }

    fn calm(&mut self) {
        self.cluster.forget_injected();
    }
}

pub struct Sqlite {
    spine: Option<SqliteSpine>,
    options: SpineOptions,
    disk: Disk,
    _dir: TempDir,
}

/// A directory, in memory where there is one: for tests that open files hundreds of times and lose them by the
/// death of a process or on paper, never by the loss of power.
pub fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap()
}

/// A name for a VFS that no other test has.
pub fn new_vfs() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("recording-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub fn open(options: &SpineOptions) -> SqliteSpine {
    SqliteSpine::open(options.clone(), Arc::new(VirtualClock::new(Now::default()))).unwrap()
}

impl Sqlite {
    pub fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let name = new_vfs();
        let disk = Disk::register(&name);
        let options = SpineOptions { vfs: Some(name), ..SpineOptions::in_dir(dir.path()) };
        Self { spine: Some(open(&options)), options, disk, _dir: dir }
    }

    fn spine(&self) -> &SqliteSpine {
        self.spine.as_ref().unwrap()
    }
}

impl World for Sqlite {
    fn store(&mut self) -> &mut dyn Store {
        self.spine.as_mut().unwrap()
    }

    fn log(&self) -> &dyn Log {
        self.spine()
    }

    fn restart(&mut self) {
        self.spine = None;
        self.spine = Some(open(&self.options));
    }

    fn trouble(&mut self, trouble: Trouble) {
        self.disk.fail(Some(match trouble {
            Trouble::Full | Trouble::Refused => Failure::Full,
            Trouble::Unknown => Failure::Sync,
        }));
    }

    fn calm(&mut self) {
        self.disk.fail(None);
    }
}

/// Writes each promise as a test of each world.
macro_rules! in_each_world {
    ($($promise:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $promise() { super::$promise(&mut crate::world::Memory::new()); })*
        }
        mod sqlite {
            $(#[test] fn $promise() { super::$promise(&mut crate::world::Sqlite::new()); })*
        }
    };
}
pub(crate) use in_each_world;

pub fn shard(number: u16) -> ShardId {
    ShardId::new(number).unwrap()
}

pub fn key(number: u8) -> [u8; 16] {
    [number; 16]
}

pub fn mark(epoch: u64, commit: u64) -> ShardMark {
    ShardMark { epoch: Epoch(epoch), commit, position: None }
}

pub fn put(number: u16, table: Table, name: u8, value: &'static str) -> Op {
    Op::Put { shard: shard(number), table, key: key(name), value: Bytes::from_static(value.as_bytes()) }
}

pub fn delete(number: u16, table: Table, name: u8) -> Op {
    Op::Delete { shard: shard(number), table, key: key(name) }
}

pub fn record(number: u16, data: &'static str) -> LogRecord {
    LogRecord { shard: shard(number), data: Bytes::from_static(data.as_bytes()) }
}

/// A commit of one shard.
pub fn commit(number: u16, mark: ShardMark, ops: Vec<Op>) -> Commit {
    Commit { marks: vec![(shard(number), mark)], ops, ..Commit::default() }
}

pub fn load(store: &dyn Store, number: Option<u16>) -> Vec<Row> {
    let mut rows = Vec::new();
    store.load(number.map(shard), &mut |row| rows.push(row)).unwrap();
    rows
}

pub fn value(store: &dyn Store, number: u16, table: Table, name: u8) -> Option<Bytes> {
    store.get(shard(number), table, &key(name)).unwrap()
}

pub fn texts(log: &dyn Log, number: u16, after: Option<Offset>) -> Vec<String> {
    let records = log.read(shard(number), after, usize::MAX).unwrap();
    records.into_iter().map(|(_, data)| String::from_utf8(data.to_vec()).unwrap()).collect()
}
