//! The counters against a model too simple to be wrong: a list of timestamps and weights for each key.

use std::collections::HashMap;

use proptest::prelude::*;
use signalbox_counters::{AlarmChange, CounterKey, Key, KeyKind, Limits, Mode, Mono, Policy};

use crate::rig::{Rig, number, pair, set, wall};

#[derive(Debug, Clone)]
enum Step {
    /// Milliseconds pass, then a message goes from one number to another.
    Send { after: u64, from: u64, to: u64 },
    /// Milliseconds pass, then a slice of the sweep runs.
    Sweep { after: u64, budget: usize },
}

#[derive(Default)]
struct Naive {
    held: HashMap<CounterKey, Vec<(u64, u64)>>,
}

impl Naive {
    fn prune(&mut self, key: CounterKey, now: u64, policy: &Policy) {
        let held = self.held.entry(key).or_default();
        match policy.mode {
            Mode::Sliding => held.retain(|(at, _)| now - at <= policy.window_ms),
            Mode::Fixed => held.retain(|(at, _)| at / policy.window_ms == now / policy.window_ms),
        }
    }

    fn count(&mut self, key: CounterKey, now: u64, policy: &Policy) -> u64 {
        self.prune(key, now, policy);
        self.held[&key].iter().map(|(_, weight)| weight).sum()
    }

    fn add(&mut self, key: CounterKey, now: u64, policy: &Policy) -> u64 {
        self.prune(key, now, policy);
        let held = self.held.entry(key).or_default();
        let weight = if held.is_empty() { policy.init } else { policy.step };
        held.push((now, u64::from(weight)));
        self.count(key, now, policy)
    }
}

fn policies() -> impl Strategy<Value = Policy> {
    let mode = prop_oneof![Just(Mode::Sliding), Just(Mode::Fixed)];
    (0..6u32, 1..6u32, 1..300u64, 0..60u32, mode, any::<bool>()).prop_map(
        |(init, step, window_ms, threshold, mode, uncapped)| Policy {
            init,
            step,
            window_ms,
            threshold,
            mode,
            uncapped,
            sweep_interval_ms: window_ms.div_ceil(10),
            ..Policy::new(KeyKind::Source)
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Mostly dense, so that chains grow; now and then a gap, so that they expire.
    let after = || prop_oneof![12 => 0..4u64, 1 => 0..400u64];
    let send = (after(), 0..3u64, 0..3u64).prop_map(|(after, from, to)| Step::Send { after, from, to });
    let sweep = (after(), 1..40usize).prop_map(|(after, budget)| Step::Sweep { after, budget });
    prop::collection::vec(prop_oneof![20 => send, 1 => sweep], 1..400)
}

/// Where the monotonic clock begins: at its origin, shortly before 32 bits of milliseconds wrap, and far on.
fn origins() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just((1 << 32) - 500), Just((1 << 31) - 500), Just(1 << 40)]
}

fn check_counts(policy: &Policy, got: u64, model: u64) -> Result<(), TestCaseError> {
    let threshold = u64::from(policy.threshold);
    prop_assert_eq!(got > threshold, model > threshold, "got {}, model {}", got, model);
    if policy.uncapped || policy.mode == Mode::Fixed || model <= threshold {
        prop_assert_eq!(got, model);
    } else {
        // The cap holds no more than decides.
        prop_assert!(got <= model && got <= threshold + u64::from(policy.step.max(policy.init)));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Counts of every kind, decisions and alarms of sources agree with the model at every message.
    #[test]
    fn counts_and_alarms_agree(policy in policies(), steps in steps(), origin in origins()) {
        let of = |kind| Policy { kind, ..policy.clone() };
        let set = set(vec![of(KeyKind::Source), of(KeyKind::Destination), of(KeyKind::Pair)]);
        let mut rig = Rig::with(&set, Limits { max_keys: 100, ..Limits::default() });
        let mut naive = Naive::default();
        let mut alarmed: HashMap<CounterKey, bool> = HashMap::new();
        let mut now = origin;
        for step in steps {
            match step {
                Step::Send { after, from, to } => {
                    now += after;
                    let (from, to) = (number(from), number(to));
                    let outcome = rig.send(now, from, to);
                    let source = CounterKey::Source(from);
                    let model = naive.add(source, now, &policy);
                    check_counts(&policy, outcome.counts.source, model)?;
                    let model_of_destination = naive.add(CounterKey::Destination(to), now, &policy);
                    check_counts(&policy, outcome.counts.destination, model_of_destination)?;
                    let model_of_pair = naive.add(pair(from, to), now, &policy);
                    check_counts(&policy, outcome.counts.pair, model_of_pair)?;
                    if from != to {
                        let reverse = naive.count(pair(to, from), now, &policy);
                        check_counts(&policy, outcome.counts.reverse, reverse)?;
                    }
                    let raises = outcome.alarms.iter().filter(|e| e.change == AlarmChange::Raised && e.alarm.key == source);
                    let crossing = model > u64::from(policy.threshold) && !alarmed.get(&source).copied().unwrap_or(false);
                    prop_assert_eq!(raises.count(), usize::from(crossing));
                    if crossing {
                        alarmed.insert(source, true);
                    }
                }
                Step::Sweep { after, budget } => {
                    now += after;
                    let report = rig.counters.sweep(Mono::from_millis(now), wall(0), budget);
                    for event in report.events.iter().filter(|e| e.change == AlarmChange::Cleared) {
                        let key = event.alarm.key;
                        if key.kind() == KeyKind::Source {
                            let model = naive.count(key, now, &policy);
                            prop_assert!(model * 100 <= u64::from(policy.threshold) * 80, "cleared at {}", model);
                            alarmed.insert(key, false);
                        }
                    }
                    if report.finished {
                        for (key, alarmed) in alarmed.iter().filter(|(_, alarmed)| **alarmed) {
                            let _ = alarmed;
                            let stands = rig.counters.alarms().any(|alarm| alarm.key == *key);
                            prop_assert!(stands);
                        }
                    }
                }
            }
        }
        // A look agrees too, later on, without touching.
        let later = now + 37;
        for from in (0..3).map(number) {
            let model = naive.count(CounterKey::Source(from), later, &policy);
            check_counts(&policy, rig.held(later, CounterKey::Source(from)), model)?;
        }
        // And nothing leaks: when every window has passed, everything is empty.
        let end = later + 3 * policy.window_ms + 1_000;
        while !rig.counters.sweep(Mono::from_millis(end), wall(0), 1_000_000).finished {}
        while !rig.counters.sweep(Mono::from_millis(2 * end), wall(0), 1_000_000).finished {}
        let stats = rig.counters.stats();
        prop_assert_eq!((stats.keys, stats.blocks, stats.evidence, stats.alarms), (0, 0, 0, 0));
    }

    /// Any text that is a key reads back as the same key.
    #[test]
    fn keys_round_trip(name in "\\PC{0,20}", digits in "[0-9]{1,15}") {
        let keys = [Some(Key::name(&name)), Some(Key::text(&name)), Key::digits(&digits).ok(), Key::e164(&digits).ok()];
        for key in keys.into_iter().flatten() {
            prop_assert_eq!(key.to_string().parse::<Key>(), Ok(key));
        }
    }
}
