use std::sync::Arc;
use std::time::Instant;

use signalbox_core::policy::{CounterPolicy, Policy};
use signalbox_core::time::Micros;
use signalbox_counters::{CounterKey, Key, KeyKind, PolicySet, SavedCount};
use signalbox_routing::{Router, RuleSet};
use tempfile::TempDir;

use super::*;

const KEYS: u32 = 60_000;
const WINDOW: Duration = Duration::from_secs(600);

struct Numbers(u64);

impl signalbox_core::backend::Random for Numbers {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

fn policy() -> Policy {
    let set = PolicySet {
        policies: vec![signalbox_counters::Policy {
            window_ms: WINDOW.as_millis() as u64,
            threshold: 300,
            ..signalbox_counters::Policy::new(KeyKind::Source)
        }],
        ..PolicySet::default()
    };
    Policy {
        counters: CounterPolicy { set, ..CounterPolicy::default() },
        ..Policy::new(Router::new(RuleSet::default()))
    }
}

fn exchange(now: Now) -> Exchange {
    Exchange::new(Arc::new(policy()), Box::new(Numbers(0)), now)
}

fn now() -> Now {
    Now { wall: Micros(1_790_000_000_000_000), mono: Mono(5_000_000_000) }
}

fn later(now: Now, by: Duration) -> Now {
    Now { wall: now.wall.after(by), mono: now.mono + by }
}

fn key(number: u32) -> CounterKey {
    CounterKey::Source(Key::e164(&format!("4477{number:08}")).unwrap())
}

/// As at a start of the node.
fn load(store: &CounterStore, exchange: &mut Exchange, now: Now) -> Result<Option<Loaded>, SnapshotError> {
    let mut counters = exchange.lend_counters();
    let counted = count(store, &mut counters, now);
    exchange.give_back_counters(counters);
    Ok(counted?.map(|counted| counted.complete(store, exchange, now)))
}

fn start(store: CounterStore, exchange: &mut Exchange, now: Now) -> std::io::Result<CounterSnapshots> {
    let mut counters = exchange.lend_counters();
    let counted = count(&store, &mut counters, now);
    exchange.give_back_counters(counters);
    CounterSnapshots::start(store, counted, exchange, now)
}

/// Three sightings of each key, the last ones now.
fn fill(exchange: &mut Exchange, now: Now) {
    let entries = (0..KEYS).map(|number| SavedEntry {
        key: key(number),
        carrier: None,
        first_seen_s: now.wall.0 / 1_000_000 - 20,
        held: SavedCount::Sliding {
            oldest_ms: now.wall.0 / 1_000 - 20_000,
            gaps_ms: vec![10_000, 10_000],
            first: true,
            capped: false,
        },
    });
    let mut counters = exchange.lend_counters();
    let restored = counters.restore(counter_mono(now), counter_wall(now), entries);
    exchange.give_back_counters(counters);
    assert_eq!(restored.entries, u64::from(KEYS));
}

fn counted(exchange: &Exchange, now: Now, number: u32) -> u64 {
    let (mono, wall) =
        (signalbox_counters::Mono::from_nanos(now.mono.0), signalbox_counters::Wall(now.wall.0));
    exchange.counters().look(mono, wall, key(number)).map_or(0, |look| look.count)
}

fn is_warming(exchange: &Exchange, now: Now) -> bool {
    exchange.counters().is_warming(signalbox_counters::Mono::from_nanos(now.mono.0))
}

fn store(dir: &TempDir, epoch: u64) -> CounterStore {
    CounterStore { path: dir.path().join("counters.snapshot"), epoch: Epoch(epoch) }
}

/// Steps through one snapshot as the thread would, and says when it ended.
fn one_snapshot(snapshots: &mut CounterSnapshots, exchange: &Exchange, mut now: Now) -> Now {
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut begun = false;
    let mut last = now.mono;
    loop {
        assert!(Instant::now() < deadline, "the writer does not go on");
        now = later(now, snapshots.next_due() - now.mono);
        snapshots.step(exchange, now);
        if begun {
            assert!(now.mono - last >= PAUSE, "no two slices without time for messages");
        }
        last = now.mono;
        if begun && snapshots.next.is_none() && snapshots.waiting.is_none() {
            return now;
        }
        begun |= snapshots.next.is_some();
    }
}

/// The process dies: what was handed to the writer is written, nothing more.
fn die(snapshots: CounterSnapshots) {
    let CounterSnapshots { steps, writer, .. } = snapshots;
    drop(steps);
    writer.join().unwrap();
}

#[test]
fn dc_25_counts_outlive_a_kill_and_are_as_much_older_as_it_took() {
    let dir = TempDir::new().unwrap();
    let mut before = exchange(now());
    let mut snapshots = start(store(&dir, 1), &mut before, now()).unwrap();
    fill(&mut before, now());
    let ended = one_snapshot(&mut snapshots, &before, now());
    assert!(ended.mono - now().mono >= Duration::from_secs(60 + 25), "spread over half the time to the next");
    die(snapshots);

    // The oldest of three was 20 s old at the fill and has left the window when the node is back.
    let back = later(now(), WINDOW - Duration::from_secs(15));
    let mut after = exchange(back);
    let loaded = load(&store(&dir, 2), &mut after, back).unwrap().unwrap();
    assert_eq!((loaded.restored.entries, loaded.complete), (u64::from(KEYS), false));
    assert_eq!((counted(&after, back, 0), counted(&after, back, KEYS - 1)), (2, 2));
    assert!(is_warming(&after, back), "what came after the snapshot is not counted");
}

#[test]
fn dc_25_a_slice_is_a_segment_of_the_table() {
    let mut exchange = exchange(now());
    fill(&mut exchange, now());
    let slices: Vec<usize> =
        (0..).map_while(|slice| exchange.counter_slice(slice, now())).map(|entries| entries.len()).collect();
    assert_eq!(slices.iter().sum::<usize>(), KEYS as usize);
    // At the bound of keys a segment has some 4,096.
    let most = *slices.iter().max().unwrap();
    assert!(most * exchange.counters().snapshot_parts() < 8 * KEYS as usize, "{most}");
    assert!(12_000_000 / exchange.counters().snapshot_parts() <= 4_096);
}

#[test]
fn dc_25_after_an_orderly_end_nothing_is_warming() {
    let dir = TempDir::new().unwrap();
    let mut before = exchange(now());
    let snapshots = start(store(&dir, 1), &mut before, now()).unwrap();
    fill(&mut before, now());
    snapshots.finish(&before, now());
    let back = later(now(), Duration::from_secs(30));
    for (epoch, complete) in [(2, true), (3, false)] {
        let mut after = exchange(back);
        let loaded = load(&store(&dir, epoch), &mut after, back).unwrap().unwrap();
        assert_eq!((loaded.complete, is_warming(&after, back)), (complete, !complete), "start {epoch}");
        assert_eq!(counted(&after, back, 7), 3);
    }
}

#[test]
fn dc_25_a_snapshot_that_is_too_old_is_as_none() {
    let dir = TempDir::new().unwrap();
    let mut before = exchange(now());
    let snapshots = start(store(&dir, 1), &mut before, now()).unwrap();
    fill(&mut before, now());
    snapshots.finish(&before, now());
    let back = later(now(), WINDOW * 2);
    let mut after = exchange(back);
    let loaded = load(&store(&dir, 2), &mut after, back).unwrap().unwrap();
    assert_eq!((loaded.restored.entries, loaded.restored.expired), (0, u64::from(KEYS)));
    assert!(!loaded.complete && is_warming(&after, back));
}

#[test]
fn dc_25_nothing_of_a_damaged_snapshot_is_used() {
    let dir = TempDir::new().unwrap();
    let mut before = exchange(now());
    let snapshots = start(store(&dir, 1), &mut before, now()).unwrap();
    fill(&mut before, now());
    snapshots.finish(&before, now());
    let path = store(&dir, 1).path;
    let mut octets = std::fs::read(&path).unwrap();
    let last = octets.len() - 9;
    octets[last] ^= 4;
    std::fs::write(&path, octets).unwrap();
    let mut after = exchange(now());
    let error = load(&store(&dir, 2), &mut after, now()).unwrap_err();
    assert!(matches!(error, SnapshotError::Damaged { .. }), "{error}");
    assert_eq!(after.counter_stats().keys, 0);
    assert!(is_warming(&after, now()));
    // It does not stand in the way of the start, and the next snapshot takes its place.
    let snapshots = start(store(&dir, 2), &mut after, now()).unwrap();
    fill(&mut after, now());
    snapshots.finish(&after, now());
    let mut third = exchange(now());
    assert!(load(&store(&dir, 3), &mut third, now()).unwrap().unwrap().complete);
}

#[test]
fn a_directory_that_is_gone_costs_the_snapshot_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let mut exchange = exchange(now());
    let mut snapshots = start(store(&dir, 1), &mut exchange, now()).unwrap();
    dir.close().unwrap();
    fill(&mut exchange, now());
    one_snapshot(&mut snapshots, &exchange, now());
    snapshots.finish(&exchange, now());
}
