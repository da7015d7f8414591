//! Ten million live keys at three timestamps each: messages a second on one core, bytes a key, longest calls.
//!
//! `cargo run --release -p signalbox-counters --example counters_10m [keys]`
//!
//! A third of the keys are sources, a third destinations, a third pairs; one pair in five has its reverse. Every
//! message counts its source, destination and pair and looks up the reverse pair. In each round every source sends
//! one message, in shuffled order; a round lasts a third of the window, so that each key holds three timestamps.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use signalbox_counters::{Counters, Key, Limits, Mono, PolicySet, Sighting, Wall};

const WINDOW_MS: u64 = 600_000;
/// A millisecond more than a third, so that the fourth message finds the first one older than the window.
const ROUND_MS: u64 = WINDOW_MS / 3 + 1;
/// Messages between two slices of the sweep.
const SLICE_EVERY: u64 = 1_024;
/// A sweep in 5 s at a million messages a second.
const SWEEP_MESSAGES: u64 = 5_000_000;

struct Load {
    addresses: u64,
    stride: u64,
    round: u64,
}

impl Load {
    fn partner(&self, address: u64) -> u64 {
        if address < self.addresses / 5 {
            return address ^ 1;
        }
        let (from, rest) = (self.addresses / 5, self.addresses - self.addresses / 5);
        from + (address - from + rest / 3) % rest
    }

    /// The message of this number in the current round, and its time.
    fn message(&self, i: u64) -> (Mono, Wall, Sighting) {
        let source = i * self.stride % self.addresses;
        let key = |address| Key::e164_number(447_000_000_000 + address).expect("twelve digits");
        let nanos = self.round * ROUND_MS * 1_000_000 + i * (ROUND_MS * 1_000_000 / self.addresses);
        let mut sighting = Sighting::new(key(source), key(self.partner(source)), u128::from(i));
        sighting.body_hash = i;
        (Mono::from_nanos(nanos), Wall((nanos / 1_000) as i64), sighting)
    }
}

/// Call times in buckets of an eighth of a power of two.
struct Times {
    buckets: Vec<u64>,
    worst: Duration,
    calls: u64,
}

impl Times {
    fn new() -> Times {
        Times { buckets: vec![0; 64 * 8], worst: Duration::ZERO, calls: 0 }
    }

    fn add(&mut self, time: Duration) {
        let nanos = time.as_nanos().max(8) as u64;
        let power = nanos.ilog2();
        self.buckets[(power * 8 + (nanos >> (power - 3) & 7) as u32) as usize] += 1;
        self.worst = self.worst.max(time);
        self.calls += 1;
    }

    fn quantile(&self, share: f64) -> Duration {
        let mut left = (self.calls as f64 * share) as u64;
        for (bucket, calls) in self.buckets.iter().enumerate() {
            if left < *calls {
                let power = bucket as u32 / 8;
                return Duration::from_nanos((8 + bucket as u64 % 8 + 1) << power >> 3);
            }
            left -= calls;
        }
        self.worst
    }

    fn tell(&self, what: &str) {
        let mut line = format!("  {what:<24}");
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.99", 0.9999), ("p99.9999", 0.999_999)] {
            let _ = write!(line, " {name} {:?}", self.quantile(share));
        }
        println!("{line} worst {:?}", self.worst);
    }
}

fn status(field: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field));
    line.map_or_else(
        || "unknown".into(),
        |line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "),
    )
}

/// Wall time and this thread's time on a core, for machines that are shared.
struct Stopwatch {
    began: Instant,
    on_core: Option<u64>,
}

impl Stopwatch {
    fn start() -> Stopwatch {
        Stopwatch { began: Instant::now(), on_core: on_core() }
    }

    fn rate(&self, messages: u64) -> String {
        let wall = self.began.elapsed().as_nanos() as f64 / messages as f64;
        let on_core = self.on_core.zip(on_core()).map(|(began, now)| (now - began) as f64 / messages as f64);
        let core = on_core.unwrap_or(wall);
        format!(
            "{:.2} M messages/s per core, {core:.0} ns each on the core, {wall:.0} ns by the clock",
            1e3 / core
        )
    }
}

/// Nanoseconds this thread ran, as the kernel counts them.
fn on_core() -> Option<u64> {
    std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split_whitespace().next()?.parse().ok()
}

fn main() {
    let keys: u64 = std::env::args().nth(1).map_or(10_000_000, |n| n.parse().expect("keys is a number"));
    let addresses = (keys / 3 + 1).next_multiple_of(10);
    // Odd, not a multiple of 5, and far from regular: a shuffled order without a list.
    let mut load = Load { addresses, stride: (addresses * 618 / 1_000) | 1, round: 0 };
    while gcd(load.stride, addresses) != 1 {
        load.stride += 2;
    }
    let limits = Limits { max_keys: (keys * 6 / 5) as u32, ..Limits::default() };
    let mut counters = Counters::new(&PolicySet::default(), limits).expect("the default policies are right");
    println!("addresses {addresses}, keys {}", 3 * addresses);

    let watch = Stopwatch::start();
    let mut times = Times::new();
    for round in 0..3 {
        load.round = round;
        for i in 0..addresses {
            let (now, wall, sighting) = load.message(i);
            let call = Instant::now();
            let outcome = counters.count(now, wall, &sighting);
            times.add(call.elapsed());
            assert!(outcome.alarms.is_empty());
        }
    }
    println!("fill, each call timed: {}", watch.rate(3 * addresses));
    times.tell("count while growing");
    let stats = counters.stats();
    let per_key = stats.memory_bytes as f64 / stats.keys as f64;
    println!(
        "  keys {}, {per_key:.1} bytes a key, {} MB in tables",
        stats.keys,
        stats.memory_bytes / 1_000_000
    );
    println!("  RSS {}, highest {}", status("VmRSS"), status("VmHWM"));
    assert_eq!((stats.keys, stats.tallies.keys_dropped + stats.tallies.keys_refused), (3 * addresses, 0));

    let watch = Stopwatch::start();
    let mut reverses = 0u64;
    load.round = 3;
    for i in 0..addresses {
        let (now, wall, sighting) = load.message(i);
        let outcome = counters.count(now, wall, &sighting);
        reverses += u64::from(outcome.counts.reverse > 0);
        assert_eq!(outcome.counts.pair, 3);
    }
    println!("steady, no sweep: {} ({reverses} with a reverse)", watch.rate(addresses));

    let watch = Stopwatch::start();
    let budget = counters.sweep_slots() as u64 * SLICE_EVERY / SWEEP_MESSAGES;
    load.round = 4;
    for i in 0..addresses {
        let (now, wall, sighting) = load.message(i);
        black_box(counters.count(now, wall, &sighting));
        if i % SLICE_EVERY == 0 {
            black_box(counters.sweep(now, wall, budget as usize));
        }
    }
    println!("steady, sweep of 5 s at 1 M/s beside it: {}", watch.rate(addresses));

    let (mut count_times, mut sweep_times, mut swept) = (Times::new(), Times::new(), 0);
    load.round = 5;
    for i in 0..addresses {
        let (now, wall, sighting) = load.message(i);
        let call = Instant::now();
        black_box(counters.count(now, wall, &sighting));
        count_times.add(call.elapsed());
        if i % SLICE_EVERY == 0 {
            let call = Instant::now();
            swept += counters.sweep(now, wall, budget as usize).visited;
            sweep_times.add(call.elapsed());
        }
    }
    println!("steady, each call timed");
    count_times.tell("count");
    sweep_times.tell(&format!("sweep slice, {} slots", swept as u64 / sweep_times.calls));
    let stats = counters.stats();
    println!("  RSS {}, highest {}, keys {}", status("VmRSS"), status("VmHWM"), stats.keys);

    let mut policies = PolicySet { version: 2, ..PolicySet::default() };
    policies.policies[0].threshold = 301;
    counters.set_policies(&policies).expect("the policies are right");
    let (mut times, watch) = (Times::new(), Stopwatch::start());
    load.round = 6;
    for i in 0..addresses {
        let (now, wall, sighting) = load.message(i);
        let call = Instant::now();
        black_box(counters.count(now, wall, &sighting));
        times.add(call.elapsed());
    }
    println!("round after a change of policies: {}", watch.rate(addresses));
    times.tell("count");

    raw(stats.memory_bytes as usize / 64);
}

/// What the machine allows: three random cache lines of a table of this size, changed, for each message.
fn raw(lines: usize) {
    let mut table = vec![[1u64; 8]; lines];
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let messages = 3_000_000u64;
    let watch = Stopwatch::start();
    for _ in 0..messages {
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let line = (((state >> 32) * lines as u64) >> 32) as usize;
            // Each depends on the one before.
            state ^= table[line][0];
            table[line][1] += 1;
        }
    }
    println!(
        "raw limit, three random lines of {} MB, one after the other: {}",
        lines * 64 / 1_000_000,
        watch.rate(messages)
    );
    let watch = Stopwatch::start();
    for _ in 0..messages {
        for _ in 0..3 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let line = (((state >> 32) * lines as u64) >> 32) as usize;
            table[line][1] += 1;
        }
    }
    black_box(&table);
    println!("raw limit, the same side by side: {}", watch.rate(messages));
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
