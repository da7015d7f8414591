//! What the spine costs and gives: a relay's commits, and the start with a million queued messages.
//!
//! A relayed message is two row operations (its row written, later removed) and one CDR. Printed are messages a
//! second, CPU of writer and checkpoint thread for each row operation, fsyncs for 1,000 messages and how long
//! commits take. It refuses a directory in memory, where an fsync is nothing.
//!
//! `cargo run --release -p signalbox-backends --example spine_bench -- DIRECTORY`

#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use signalbox_backends::memory::SeededRandom;
use signalbox_backends::sqlite::{SpineOptions, SqliteSpine};
use signalbox_backends::system::SystemClock;
use signalbox_core::backend::{Commit, Op, Random, ShardMark, Store, Table};
use signalbox_core::id::{MessageId, SHARDS, ShardId};
use signalbox_core::time::Micros;

/// Octets of a message row and of a CDR, as the exchange writes them.
const ROW: usize = 250;
const CDR: usize = 220;

/// CPU time of the threads of this process whose name begins so, in nanoseconds.
fn cpu_of(name: &str) -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let named = tasks.filter(|task| {
        std::fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim().starts_with(name))
    });
    named
        .map(|task| {
            let stat = std::fs::read_to_string(task.join("schedstat")).unwrap();
            stat.split_whitespace().next().unwrap().parse::<u64>().unwrap()
        })
        .sum()
}

struct Relay {
    spine: SqliteSpine,
    marks: Vec<ShardMark>,
    live: VecDeque<(ShardId, [u8; 16])>,
    random: SeededRandom,
    micros: i64,
    row: Bytes,
    cdr: Bytes,
    outbox: u64,
}

impl Relay {
    fn open(dir: &Path, delay: Duration) -> Self {
        let options = SpineOptions { fsync_delay: delay, ..SpineOptions::in_dir(dir) };
        let mut spine = SqliteSpine::open(options, Arc::new(SystemClock::new())).unwrap();
        let shards: Vec<ShardId> = ShardId::all().collect();
        let epoch = spine.boot_epoch();
        spine.claim(&shards, epoch).unwrap();
        let marks = vec![ShardMark { epoch, ..ShardMark::default() }; usize::from(SHARDS)];
        Self {
            spine,
            marks,
            live: VecDeque::new(),
            random: SeededRandom::new(1),
            micros: 1_790_000_000_000_000,
            row: Bytes::from(vec![7; ROW]),
            cdr: Bytes::from(vec![8; CDR]),
            outbox: 0,
        }
    }

    /// One commit: `new` messages come, the `gone` oldest end.
    fn turn(&mut self, new: usize, gone: usize) {
        let mut commit = Commit::default();
        let mut touched = [false; SHARDS as usize];
        self.micros += 50 * new as i64;
        for _ in 0..new {
            let shard = ShardId::new((self.random.next() % u64::from(SHARDS)) as u16).unwrap();
            let key = MessageId::new(Micros(self.micros), shard, self.random.next()).to_bytes();
            touched[usize::from(shard.number())] = true;
            commit.ops.push(Op::Put { shard, table: Table::Message, key, value: self.row.clone() });
            self.live.push_back((shard, key));
        }
        for _ in 0..gone {
            let (shard, key) = self.live.pop_front().unwrap();
            touched[usize::from(shard.number())] = true;
            commit.ops.push(Op::Delete { shard, table: Table::Message, key });
            commit.cdrs.push(self.cdr.clone());
        }
        for (shard, _) in ShardId::all().zip(touched).filter(|(_, touched)| *touched) {
            let mark = &mut self.marks[usize::from(shard.number())];
            mark.commit += 1;
            commit.marks.push((shard, *mark));
        }
        if self.outbox > 5 {
            commit.outbox_trim = Some(self.outbox - 5);
        }
        if let Some(sequence) = self.spine.commit(&commit).unwrap().outbox {
            self.outbox = sequence;
        }
    }
}

fn relay(dir: &Path, backlog: usize, batch: usize, delay: Duration) {
    let _ = std::fs::remove_dir_all(dir);
    let mut relay = Relay::open(dir, Duration::ZERO);
    for _ in 0..backlog / 1000 {
        relay.turn(1000, 0);
    }
    relay.spine.checkpoint().unwrap();
    let live = std::mem::take(&mut relay.live);
    let (micros, outbox) = (relay.micros, relay.outbox);
    drop(relay);
    let mut relay = Relay { live, micros, outbox, ..Relay::open(dir, delay) };
    relay.random = SeededRandom::new(2);
    relay.marks = ShardId::all().map(|shard| relay.spine.mark(shard)).collect();
    for mark in &mut relay.marks {
        mark.position = None;
    }

    let before = relay.spine.gauge().read();
    let (writer, second) = (cpu_of("spine_bench"), cpu_of("spine-checkpoin"));
    let start = Instant::now();
    let mut turns = 0;
    while start.elapsed() < Duration::from_secs(6) {
        relay.turn(batch, batch);
        turns += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    let messages = (turns * batch) as f64;
    let writer = (cpu_of("spine_bench") - writer) as f64 / 1000.0 / messages / 2.0;
    let second = (cpu_of("spine-checkpoin") - second) as f64 / 1000.0 / messages / 2.0;
    let after = relay.spine.gauge().read();
    let durations = relay.spine.gauge().commit_durations();
    let wal = std::fs::metadata(dir.join("spine.db-wal")).unwrap().len();
    println!(
        "backlog {backlog:>7} batch {batch:>3} delay {delay:>4?}: {:>6.0} messages/s, CPU a row {writer:.2} us \
         writer + {second:.2} us checkpoints, {:.1} fsyncs of 1,000 messages, commit p50 {:?} p99 {:?}, \
         {} checkpoints ({} finished by the writer), WAL {} MiB",
        messages / seconds,
        (after.commits - before.commits) as f64 * 1000.0 / messages,
        durations.quantile(500),
        durations.quantile(990),
        after.checkpoints - before.checkpoints,
        after.finished - before.finished,
        wal >> 20,
    );
}

fn start(dir: &Path) {
    let _ = std::fs::remove_dir_all(dir);
    let mut relay = Relay::open(dir, Duration::ZERO);
    for _ in 0..1000 {
        relay.turn(1000, 0);
    }
    // A fifth of them has been tried.
    let tried: Vec<_> = relay.live.iter().copied().step_by(5).collect();
    for chunk in tried.chunks(1000) {
        relay.turn(0, 0);
        let mut commit = Commit::default();
        let mut touched = [false; SHARDS as usize];
        for &(shard, key) in chunk {
            let value = Bytes::from_static(&[9; 60]);
            commit.ops.push(Op::Put { shard, table: Table::State, key, value });
            touched[usize::from(shard.number())] = true;
        }
        for (shard, _) in ShardId::all().zip(touched).filter(|(_, touched)| *touched) {
            let mark = &mut relay.marks[usize::from(shard.number())];
            mark.commit += 1;
            commit.marks.push((shard, *mark));
        }
        relay.spine.commit(&commit).unwrap();
    }
    drop(relay);
    for round in 0..3 {
        let begin = Instant::now();
        let relay = Relay::open(dir, Duration::ZERO);
        let opened = begin.elapsed();
        let (mut rows, mut octets) = (0u64, 0);
        relay
            .spine
            .load(None, &mut |row| {
                rows += 1;
                octets += row.value.len();
            })
            .unwrap();
        println!(
            "start {round}: open and claim {opened:?}, {rows} rows ({} MB) loaded after {:?}",
            octets / 1_000_000,
            begin.elapsed()
        );
    }
}

fn main() {
    let dir = std::env::args().nth(1).expect("a directory on a disk");
    let dir = Path::new(&dir).join("spine_bench");
    std::fs::create_dir_all(&dir).unwrap();
    /// Magic number of tmpfs (statfs(2)).
    const TMPFS: u64 = 0x0102_1994;
    let kind = rustix::fs::statfs(&dir).unwrap().f_type;
    assert!(kind as u64 != TMPFS, "{} is in memory: an fsync there says nothing", dir.display());
    start(&dir);
    for backlog in [20_000, 1_000_000] {
        for batch in [50, 150, 500] {
            relay(&dir, backlog, batch, Duration::ZERO);
        }
    }
    for batch in [50, 150] {
        relay(&dir, 20_000, batch, Duration::from_millis(1));
    }
    std::fs::remove_dir_all(&dir).unwrap();
}
