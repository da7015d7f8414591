//! `make soak`: kills and faults of the link by chance, under load, for as long as one likes.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::ordeal::{Ordeal, SESSIONS, scene};
use super::site::Node;
use super::smsc::Mood;
use super::wire;

/// Submissions a second; the books of an hour fit in memory.
const RATE: f64 = 150.0;
/// The node may hold so much more at the end than in the middle of its last life: what fills up to a bound, such as
/// what is remembered of ended messages.
const GROWTH_MB: f64 = 48.0;

/// A number from the environment.
fn wish(name: &str, otherwise: u64) -> u64 {
    let Ok(text) = std::env::var(name) else { return otherwise };
    text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, not a number"))
}

/// Resident megabytes.
fn memory(node: &Node<'_>) -> f64 {
    let path = format!("/proc/{}/status", node.child.id());
    let text = std::fs::read_to_string(&path).expect("the node's status");
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    let kilobytes = line.trim().trim_end_matches(" kB").parse::<f64>().expect("kilobytes");
    kilobytes / 1024.0
}

fn average(of: &[f64]) -> f64 {
    of.iter().sum::<f64>() / of.len().max(1) as f64
}

/// A mood that the SMSC is in for a while.
fn mood(random: &mut StdRng) -> Mood {
    match random.random_range(0..8) {
        0 => Mood::Silent,
        1 => Mood::Resets(random.random_range(3..40)),
        2 => Mood::Throttles(random.random_range(20..100)),
        3 => Mood::Garbage(random.random_range(2..20)),
        4 => Mood::Noise(random.random_range(5..40)),
        5 => Mood::Refuses(wire::SYSTEM_ERROR),
        6 => Mood::Takes(Duration::from_millis(random.random_range(100..1_000))),
        _ => Mood::Refuses(wire::QUEUE_FULL),
    }
}

#[test]
#[ignore = "runs for SOAK_SECONDS: `make soak`"]
fn faults_by_chance_lose_nothing_and_memory_does_not_grow() {
    let span = Duration::from_secs(wish("SOAK_SECONDS", 60));
    let seed = wish("SOAK_SEED", rand::rng().random_range(0..1_000_000));
    println!("SOAK_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let retries = ["temporary", "throttling", "queue_full"]
        .map(|class| format!("[retry.{class}]\nwaits = [\"200ms\"]\nthen_every = \"500ms\"\n"));
    let (smsc, site) = scene(&retries.concat());
    let usual = Mood::Takes(Duration::from_millis(15));
    let mut ordeal = Ordeal::new(&site, &smsc);
    let begun = Instant::now();
    let mut at_start = Vec::new();
    let mut moods = std::collections::BTreeMap::<String, u32>::new();
    let mut kills = 0;
    // The last quarter is one life, in which memory is looked at.
    loop {
        let last = begun.elapsed() >= span * 3 / 4;
        let node = site.start();
        at_start.push(memory(&node));
        let (mut session, _) = ordeal.bind();
        let mut episodes = random.random_range(1..5);
        let mut samples = Vec::new();
        while if last { begun.elapsed() < span } else { episodes > 0 } {
            episodes -= 1;
            let mood = mood(&mut random);
            let name = format!("{mood:?}");
            *moods.entry(name.split('(').next().unwrap_or_default().to_owned()).or_default() += 1;
            smsc.set(mood);
            let while_bad = Duration::from_millis(random.random_range(300..3_000));
            ordeal.load(&mut session, while_bad, RATE).expect("the ESME's session stays");
            if mood == Mood::Silent {
                // A window for each time-out that began meanwhile.
                ordeal.silent_windows += SESSIONS * (1 + while_bad.as_secs() as usize / 2);
            }
            smsc.set(usual);
            let calm = Duration::from_millis(random.random_range(100..2_000));
            ordeal.load(&mut session, calm, RATE).expect("the ESME's session stays");
            samples.push(memory(&node));
        }
        if !last {
            kills += 1;
            node.kill();
            ordeal.bury(session);
            continue;
        }
        let half = samples.len() / 2;
        let (middle, end) = (average(&samples[half / 2..=half]), average(&samples[half..]));
        let third = at_start.len().div_ceil(3);
        let (early, late) = (average(&at_start[..third]), average(&at_start[at_start.len() - third..]));
        let verdict = ordeal.close_on(node, session);
        println!(
            "{:?}, {kills} kills, moods {moods:?}; memory of the last life {middle:.0} MB, then {end:.0} MB; at starts \
             {early:.0} MB, then {late:.0} MB\n{verdict}",
            begun.elapsed()
        );
        assert!(end < middle + GROWTH_MB, "memory grew from {middle:.0} MB to {end:.0} MB: {samples:?}");
        assert!(
            late < early + GROWTH_MB,
            "memory at starts grew from {early:.0} to {late:.0} MB: {at_start:?}"
        );
        assert!(kills >= 1, "no kill in {span:?}");
        return;
    }
}
