//! Loss of power at any moment: what was acknowledged is whole, what was not is whole or absent.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use signalbox_backends::memory::{SeededRandom, VirtualClock};
use signalbox_backends::sqlite::{SpineOptions, SqliteSpine, Synchronous};
use signalbox_core::backend::{Commit, Log, LogRecord, Op, Random, ShardMark, Store, Table};
use signalbox_core::id::{Epoch, MessageId, ShardId};
use signalbox_core::time::{Micros, Now};

use crate::vfs::Disk;
use crate::world::{new_vfs, open, scratch, shard};

const SHARDS: u16 = 8;
const COMMITS: usize = 400;

/// What must be in the store, kept beside it.
#[derive(Clone, Default, PartialEq, Debug)]
struct Books {
    rows: BTreeMap<(Table, [u8; 16], ShardId), Bytes>,
    outbox: BTreeMap<u64, Vec<Bytes>>,
    log: BTreeMap<ShardId, Vec<Bytes>>,
    marks: [u64; SHARDS as usize],
}

impl Books {
    /// `None` when something cannot be read.
    fn of(spine: &SqliteSpine) -> Option<Self> {
        let mut books = Self::default();
        spine
            .load(None, &mut |row| {
                books.rows.insert((row.table, row.key, row.shard), row.value);
            })
            .ok()?;
        books.outbox = spine.outbox(0, usize::MAX).ok()?.into_iter().collect();
        for number in 0..SHARDS {
            let shard = shard(number);
            books.marks[usize::from(number)] = spine.mark(shard).commit;
            let records = spine.read(shard, None, usize::MAX).ok()?;
            if !records.is_empty() {
                books.log.insert(shard, records.into_iter().map(|(_, data)| data).collect());
            }
        }
        Some(books)
    }

    fn enter(&mut self, commit: &Commit, sequence: Option<u64>) {
        for (shard, mark) in &commit.marks {
            self.marks[usize::from(shard.number())] = mark.commit;
        }
        for op in &commit.ops {
            match op {
                Op::Put { shard, table, key, value } => {
                    self.rows.insert((*table, *key, *shard), value.clone());
                }
                Op::Delete { shard, table, key } => {
                    self.rows.remove(&(*table, *key, *shard));
                }
            }
        }
        if let Some(sequence) = sequence {
            self.outbox.insert(sequence, commit.cdrs.clone());
        }
        if let Some(upto) = commit.outbox_trim {
            self.outbox = self.outbox.split_off(&(upto + 1));
        }
        for record in &commit.appends {
            self.log.entry(record.shard).or_default().push(record.data.clone());
        }
    }
}

/// A relay's commits: messages come, change state, go; CDRs are written and trimmed.
struct Traffic {
    random: SeededRandom,
    live: VecDeque<(ShardId, [u8; 16])>,
    marks: [ShardMark; SHARDS as usize],
    micros: i64,
}

impl Traffic {
    fn octets(&mut self, most: u64) -> Bytes {
        let length = self.random.below(most) as usize;
        let octet = self.random.next() as u8;
        Bytes::from(vec![octet; length])
    }

    fn next(&mut self, number: usize) -> Commit {
        let mut commit = Commit::default();
        for _ in 0..=self.random.below(8) {
            self.micros += 10;
            let shard = shard(self.random.below(u64::from(SHARDS)) as u16);
            let key = MessageId::new(Micros(self.micros), shard, self.random.next()).to_bytes();
            let value = self.octets(600);
            commit.ops.push(Op::Put { shard, table: Table::Message, key, value });
            self.live.push_back((shard, key));
        }
        while self.live.len() > 60 {
            let (shard, key) = self.live.pop_front().unwrap();
            commit.ops.push(Op::Delete { shard, table: Table::Message, key });
            commit.cdrs.push(self.octets(300));
        }
        if let Some(&(shard, key)) = self.live.get(self.random.below(80) as usize) {
            let value = self.octets(50);
            commit.ops.push(Op::Put { shard, table: Table::State, key, value });
            commit.appends.push(LogRecord { shard, data: self.octets(100) });
        }
        commit.outbox_trim = (number % 10 == 9).then_some(number as u64 / 2);
        let mut touched: Vec<ShardId> = commit.ops.iter().map(Op::shard).collect();
        touched.sort_unstable();
        touched.dedup();
        for shard in touched {
            let mark = &mut self.marks[usize::from(shard.number())];
            mark.commit += 1;
            commit.marks.push((shard, *mark));
        }
        commit
    }
}

/// What losses of power did.
#[derive(Debug, Default)]
struct Losses {
    /// Points at which something acknowledged is missing.
    lost: usize,
    /// Points at which the file is no database, or has what never was.
    broken: usize,
    /// Points at which the commit under way is there although nobody was told.
    ahead: usize,
}

fn lose_power(synchronous: Synchronous, points: usize, seed: u64) -> Losses {
    let dir = scratch();
    let vfs = new_vfs();
    let disk = Disk::register(&vfs);
    let options = SpineOptions {
        synchronous,
        vfs: Some(vfs),
        checkpointer: false,
        ..SpineOptions::in_dir(dir.path().join("first"))
    };
    let mut spine = open(&options);
    let shards: Vec<ShardId> = (0..SHARDS).map(shard).collect();
    spine.claim(&shards, Epoch(5)).unwrap();
    let mut traffic = Traffic {
        random: SeededRandom::new(seed),
        live: VecDeque::new(),
        marks: [ShardMark { epoch: Epoch(5), ..ShardMark::default() }; SHARDS as usize],
        micros: 1_790_000_000_000_000,
    };
    // The books after each commit, and how far the record was when it was acknowledged.
    let mut history = vec![Books::default()];
    let mut acknowledged = vec![disk.changes()];
    for number in 0..COMMITS {
        let commit = traffic.next(number);
        let committed = spine.commit(&commit).unwrap();
        let mut books = history.last().unwrap().clone();
        books.enter(&commit, committed.outbox);
        history.push(books);
        acknowledged.push(disk.changes());
        if traffic.random.below(12) == 0 {
            spine.checkpoint().unwrap();
        }
    }
    assert!(Books::of(&spine).as_ref() == history.last(), "the books do not close without any loss");

    let after_claim = acknowledged[0];
    let all = disk.changes();
    let mut random = SeededRandom::new(seed ^ 0xdead);
    let mut points: Vec<usize> =
        (0..points).map(|_| after_claim + random.below((all - after_claim) as u64 + 1) as usize).collect();
    points.sort_unstable();

    // The second look at the files goes over a VFS too, for its syncs cost nothing.
    let quiet = new_vfs();
    Disk::register(&quiet);
    let options = SpineOptions {
        vfs: Some(quiet),
        checkpointer: false,
        ..SpineOptions::in_dir(dir.path().join("again"))
    };
    let mut sweep = disk.sweep();
    let mut losses = Losses::default();
    for point in points {
        // Of what was not synced nothing is there, or some of its sectors, or most, or all.
        let share = [0, 40, 95, 100][random.below(4) as usize];
        let images = sweep.images(point, &mut || random.below(100) < share);
        let known = acknowledged.iter().rposition(|&at| at <= point).unwrap();
        let Some(found) = books_of(&options, &images) else {
            losses.broken += 1;
            continue;
        };
        if found == history[known] {
            continue;
        }
        if history.get(known + 1) == Some(&found) {
            losses.ahead += 1;
        } else if history.contains(&found) {
            losses.lost += 1;
        } else {
            losses.broken += 1;
        }
    }
    losses
}

/// The books of a spine whose files are these; `None` when it cannot be opened or written.
fn books_of(options: &SpineOptions, images: &[Vec<u8>; 2]) -> Option<Books> {
    let dir = options.path.parent().unwrap();
    std::fs::create_dir_all(dir).unwrap();
    let _ = std::fs::remove_file(options.path.with_extension("db-shm"));
    std::fs::write(&options.path, &images[0]).unwrap();
    std::fs::write(options.path.with_extension("db-wal"), &images[1]).unwrap();
    let clock = Arc::new(VirtualClock::new(Now::default()));
    let mut spine = SqliteSpine::open(options.clone(), clock).ok()?;
    let books = Books::of(&spine)?;
    let epoch = spine.boot_epoch();
    spine.claim(&[shard(0)], epoch).ok()?;
    Some(books)
}

#[test]
fn what_was_acknowledged_survives_the_loss_of_power() {
    let losses = lose_power(Synchronous::Full, 1000, 1);
    assert_eq!((losses.lost, losses.broken), (0, 0), "{losses:?}");
    assert!(losses.ahead > 0, "no point hit a commit under way: {losses:?}");
}

#[test]
fn the_test_of_power_loss_notices_when_nothing_is_synced() {
    // Fewer points: with nothing synced, each makes the files anew from the first write on.
    let losses = lose_power(Synchronous::Off, 100, 1);
    assert!(losses.lost + losses.broken > 50, "{losses:?}");
}
