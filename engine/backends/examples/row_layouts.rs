//! Compares ways to lay out the rows of the spine, so that the one chosen is chosen by measurement.
//!
//! Each turn stores a batch of messages, removes as many of the oldest, writes the marks and one blob of CDRs,
//! and commits with `synchronous=FULL`: what a relay does. Printed is CPU time of the writer thread a row
//! operation (an insert or a delete), so that a slow or noisy disk does not matter.
//!
//! `cargo run --release -p signalbox-backends --example row_layouts -- DIRECTORY [BACKLOG]`

#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, params};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Layout {
    /// `PRIMARY KEY (key, shard)` `WITHOUT ROWID`: the rows are in the index.
    Keyed,
    /// A rowid that SQLite gives and a unique index over the key.
    Indexed,
    /// A rowid made of time and a hash of the key; the key is compared, a clash goes elsewhere.
    Placed,
}

fn place(key: &[u8; 16]) -> i64 {
    let number = u128::from_be_bytes(*key);
    let time = (number >> 64) as u64 >> 12;
    let hash = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 42;
    ((time << 22) | hash).cast_signed() & i64::MAX
}

fn cpu_nanos() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse().unwrap()
}

struct Keys {
    state: u64,
    micros: u64,
}

impl Keys {
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn next(&mut self) -> [u8; 16] {
        let low = self.random() & 0x00ff_ffff_ffff_ffff;
        ((u128::from(self.micros) << 64) | u128::from(low)).to_be_bytes()
    }
}

fn open(path: &Path, layout: Layout, page: u32, cache: i32) -> Connection {
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "PRAGMA page_size={page}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
         PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-{cache};
         CREATE TABLE head(id INTEGER PRIMARY KEY, marks BLOB NOT NULL) STRICT;
         CREATE TABLE outbox(sequence INTEGER PRIMARY KEY, records BLOB NOT NULL) STRICT;"
    ))
    .unwrap();
    db.execute_batch(match layout {
        Layout::Keyed => {
            "CREATE TABLE message(key BLOB NOT NULL, shard INTEGER NOT NULL, value BLOB NOT NULL,
             PRIMARY KEY(key, shard)) STRICT, WITHOUT ROWID"
        }
        Layout::Indexed => {
            "CREATE TABLE message(id INTEGER PRIMARY KEY, key BLOB NOT NULL, shard INTEGER NOT NULL,
             value BLOB NOT NULL) STRICT; CREATE UNIQUE INDEX message_key ON message(key, shard)"
        }
        Layout::Placed => {
            "CREATE TABLE message(id INTEGER PRIMARY KEY, key BLOB NOT NULL, shard INTEGER NOT NULL,
             value BLOB NOT NULL) STRICT"
        }
    })
    .unwrap();
    db.execute("INSERT INTO head VALUES(1, zeroblob(6160))", []).unwrap();
    db
}

fn run(path: &Path, layout: Layout, page: u32, batch: usize, backlog: usize) {
    let cache = 64 * 1024;
    let mut db = open(path, layout, page, cache);
    let mut keys = Keys { state: 1, micros: 1_790_000_000_000_000 };
    let mut live = VecDeque::new();
    let mut value = vec![0u8; 250];
    let mut marks = vec![0u8; 6160];
    let cdrs = vec![7u8; 220 * batch];
    let insert = match layout {
        Layout::Keyed => {
            "INSERT INTO message(key, shard, value) VALUES(?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET value = excluded.value"
        }
        Layout::Indexed => {
            "INSERT INTO message(key, shard, value) VALUES(?1, ?2, ?3)
             ON CONFLICT(key, shard) DO UPDATE SET value = excluded.value"
        }
        Layout::Placed => {
            "INSERT INTO message(key, shard, value, id) VALUES(?1, ?2, ?3, ?4)
             ON CONFLICT(id) DO UPDATE SET value = excluded.value
             WHERE key = excluded.key AND shard = excluded.shard"
        }
    };
    let delete = match layout {
        Layout::Keyed | Layout::Indexed => "DELETE FROM message WHERE key = ?1 AND shard = ?2",
        Layout::Placed => "DELETE FROM message WHERE id = ?3 AND key = ?1 AND shard = ?2",
    };
    let tx = db.transaction().unwrap();
    {
        let mut put = tx.prepare(insert).unwrap();
        for n in 0..backlog {
            if n % 10 == 0 {
                keys.micros += 500;
            }
            let key = keys.next();
            let shard = i64::from(key[9]);
            value[..16].copy_from_slice(&key);
            match layout {
                Layout::Placed => put.execute(params![&key[..], shard, value, place(&key)]).unwrap(),
                _ => put.execute(params![&key[..], shard, value]).unwrap(),
            };
            live.push_back(key);
        }
    }
    tx.commit().unwrap();
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let turns = (60_000 / batch).min(2000);
    let cpu = cpu_nanos();
    let wall = Instant::now();
    let mut clashes = 0;
    let mut wal = 0u64;
    for turn in 0..turns {
        let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        {
            let mut put = tx.prepare_cached(insert).unwrap();
            let mut gone = tx.prepare_cached(delete).unwrap();
            keys.micros += 50 * batch as u64;
            for _ in 0..batch {
                let key = keys.next();
                let shard = i64::from(key[9]);
                value[..16].copy_from_slice(&key);
                let changed = match layout {
                    Layout::Placed => put.execute(params![&key[..], shard, value, place(&key)]).unwrap(),
                    _ => put.execute(params![&key[..], shard, value]).unwrap(),
                };
                if changed == 0 {
                    clashes += 1;
                } else {
                    live.push_back(key);
                }
                marks[usize::from(key[9]) * 24 + 20] = turn as u8;
                let old = live.pop_front().unwrap();
                let shard = i64::from(old[9]);
                let changed = match layout {
                    Layout::Placed => gone.execute(params![&old[..], shard, place(&old)]).unwrap(),
                    _ => gone.execute(params![&old[..], shard]).unwrap(),
                };
                assert_eq!(changed, 1);
            }
            tx.prepare_cached("UPDATE head SET marks = ?1 WHERE id = 1")
                .unwrap()
                .execute(params![marks])
                .unwrap();
            tx.prepare_cached("INSERT INTO outbox(records) VALUES(?1)")
                .unwrap()
                .execute(params![cdrs])
                .unwrap();
            tx.prepare_cached("DELETE FROM outbox WHERE sequence <= ?1")
                .unwrap()
                .execute(params![turn as i64 - 5])
                .unwrap();
        }
        tx.commit().unwrap();
        if turn % (40_000 / batch).max(1) == 39 {
            // The checkpoint belongs to another thread; its CPU is not the writer's.
            let before = cpu_nanos();
            wal += std::fs::metadata(format!("{}-wal", path.display())).unwrap().len();
            db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
            let _ = before;
        }
    }
    wal += std::fs::metadata(format!("{}-wal", path.display())).unwrap().len();
    let ops = (turns * batch * 2) as f64;
    let cpu = (cpu_nanos() - cpu) as f64 / ops / 1000.0;
    let rate = ops / wall.elapsed().as_secs_f64();
    println!(
        "{layout:?} page {page:>5} batch {batch:>3} backlog {backlog:>7}: {cpu:.2} us/op, {rate:>7.0} ops/s, \
         {:.0} octets of WAL an op, {clashes} clashes",
        wal as f64 / ops
    );
}

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().expect("a directory on a disk");
    let backlog = args.next().map_or(20_000, |n| n.parse().unwrap());
    let path = Path::new(&dir).join("layouts.db");
    for layout in [Layout::Keyed, Layout::Indexed, Layout::Placed] {
        for page in [4096, 8192, 16384] {
            for batch in [50, 500] {
                run(&path, layout, page, batch, backlog);
            }
        }
    }
}
