//! What it costs to wake a conversation among millions that sleep in the store, and what the hot ones take.
//!
//! `cargo run --release -p signalbox --example conversations -- [DIRECTORY] [ASLEEP] [HOT]`
//!
//! The rows are written in the order of their keys, so that ten million of them are there in minutes; which of them wake
//! is drawn at random. The first half of the wakes is measured with the database's pages out of the kernel's cache
//! (`dd oflag=nocache`, as far as the kernel does it), the second with those that the first half brought in.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use signalbox_backends::sqlite::{SpineOptions, SqliteSpine};
use signalbox_backends::system::SystemClock;
use signalbox_core::address::Address;
use signalbox_core::backend::{Commit, Op, ShardMark, Store, Table};
use signalbox_core::id::{MessageId, SHARDS, ShardId};
use signalbox_core::scope::ConversationId;
use signalbox_core::time::Micros;
use signalbox_dialog::{Conversation, Past};
use signalbox_invocation::{Side, Value};

const WAKES: usize = 20_000;
const ROWS_OF_A_COMMIT: usize = 20_000;

fn device(number: u64) -> Address {
    Address::new(1, 1, format!("4474{number:08}").as_bytes()).expect("twelve digits")
}

/// A survey that is half done: five messages, three variables, a question that waits.
fn conversation(number: u64, source: &Address) -> Conversation {
    let device = device(number);
    let mut conversation = Conversation::new(device.clone(), source.clone());
    conversation.begin(7, None, false);
    let texts =
        ["survey", "How was the service, from 1 to 5?", "4", "And the price?", "Quite all right, thank you"];
    for (turn, text) in texts.into_iter().enumerate() {
        let at = Micros(1_700_000_000_000_000 + number as i64 * 10 + turn as i64);
        conversation.history.push_back(Past {
            id: MessageId::new(at, device.shard(), number),
            side: if turn % 2 == 0 { Side::Mo } else { Side::Mt },
            at,
            text: text.to_owned(),
            sub_campaign: 7,
            keyword: None,
        });
    }
    for (name, value) in [("service", 4.0), ("price", 5.0), ("asked", 2.0)] {
        conversation.variables.insert(name.to_owned(), Value::Number(value));
    }
    conversation.position = "remarks".to_owned();
    conversation
}

fn fill(store: &mut SqliteSpine, asleep: u64, source: &Address) -> anyhow::Result<()> {
    let mut keys: Vec<(ConversationId, u64)> =
        (0..asleep).map(|number| (ConversationId::of(&device(number), source), number)).collect();
    keys.sort_unstable_by_key(|(id, _)| (id.shard, id.key));
    let epoch = store.boot_epoch();
    let shards: Vec<ShardId> = (0..SHARDS).filter_map(ShardId::new).collect();
    let mut marks = store.claim(&shards, epoch)?;
    for rows in keys.chunks(ROWS_OF_A_COMMIT) {
        let mut commit = Commit::default();
        for (id, number) in rows {
            let value = conversation(*number, source).encode();
            commit.ops.push(Op::Put { shard: id.shard, table: Table::Conversation, key: id.key, value });
        }
        for shard in rows.chunk_by(|one, other| one.0.shard == other.0.shard).map(|same| same[0].0.shard) {
            let mark: &mut ShardMark = &mut marks[usize::from(shard.number())];
            mark.epoch = epoch;
            mark.commit += 1;
            commit.marks.push((shard, *mark));
        }
        store.commit(&commit)?;
    }
    store.checkpoint()?;
    Ok(())
}

fn wake(
    store: &SqliteSpine,
    asleep: u64,
    source: &Address,
    seed: u64,
    wakes: usize,
) -> anyhow::Result<Vec<Duration>> {
    let mut random = seed;
    let mut took = Vec::with_capacity(wakes);
    for _ in 0..wakes {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = (random >> 20) % asleep;
        let begun = Instant::now();
        let id = ConversationId::of(&device(number), source);
        let row = store.get(id.shard, Table::Conversation, &id.key)?;
        let row = row.ok_or_else(|| anyhow::anyhow!("conversation {number} is not there"))?;
        let awake = Conversation::decode(&row)?;
        took.push(begun.elapsed());
        anyhow::ensure!(awake.history.len() == 5, "conversation {number} is not whole");
    }
    took.sort_unstable();
    Ok(took)
}

fn tell(what: &str, took: &[Duration]) {
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!(
        "{what}: p50 {:.3} ms, p99 {:.3} ms, p99.9 {:.3} ms, max {:.1} ms",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn out_of_cache(file: &Path) {
    let of = format!("of={}", file.display());
    let done = Command::new("dd").args([&of, "oflag=nocache", "conv=notrunc,fdatasync", "count=0"]).output();
    if !done.is_ok_and(|output| output.status.success()) {
        println!("the pages stay in the kernel's cache: dd failed");
    }
}

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let parent = PathBuf::from(args.next().unwrap_or_else(|| "./var/bench".into()));
    let asleep: u64 = args.next().map_or(Ok(10_000_000), |number| number.parse())?;
    let hot: u64 = args.next().map_or(Ok(100_000), |number| number.parse())?;
    let dir = parent.join(format!("conversations-{}", std::process::id()));
    let source = Address::new(3, 0, b"60777")?;

    let before = resident();
    let held: Vec<Conversation> = (0..hot).map(|number| conversation(number, &source)).collect();
    println!("{hot} hot: {} MB for the conversations alone", resident().saturating_sub(before));
    drop(held);

    let options = SpineOptions::in_dir(&dir);
    let mut store = SqliteSpine::open(options.clone(), Arc::new(SystemClock::new()))?;
    let begun = Instant::now();
    fill(&mut store, asleep, &source)?;
    let size = std::fs::metadata(&options.path)?.len();
    println!(
        "{asleep} asleep: written in {:.0} s, {} MB, {} octets each",
        begun.elapsed().as_secs_f64(),
        size >> 20,
        size / asleep.max(1)
    );
    out_of_cache(&options.path);
    tell("woken from the disk", &wake(&store, asleep, &source, 1, WAKES / 2)?);
    tell("woken, index in the kernel's cache", &wake(&store, asleep, &source, 2, WAKES / 2)?);
    drop(store);
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
