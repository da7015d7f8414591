//! DC-25: what a restart keeps.

use signalbox_counters::{
    AlarmChange, AlarmState, CounterKey, Counters, Key, KeyKind, Limits, Mode, Mono, Policy, PolicySet,
    Restored, SavedAlarms, SavedEntry, Sighting, Wall,
};

use crate::rig::{EPOCH, MINUTE, Rig, number, policy, set, wall};

fn saved(counters: &Counters, ms: u64) -> Vec<SavedEntry> {
    let parts = 0..counters.snapshot_parts();
    parts.flat_map(|part| counters.snapshot(part, Mono::from_millis(ms), wall(ms))).collect()
}

/// New counters whose monotonic clock begins at 0 when the wall clock says `at` ms.
fn restart(
    policies: &PolicySet,
    at: u64,
    entries: Vec<SavedEntry>,
    alarms: SavedAlarms,
) -> (Counters, Restored) {
    let mut counters = Counters::new(policies, Limits { seed: 77, ..Limits::default() }).unwrap();
    let restored = counters.restore(Mono::ZERO, wall(at), entries);
    let alarms = counters.restore_alarms(Mono::ZERO, alarms);
    (counters, Restored { alarms: alarms.alarms, ..restored })
}

#[test]
fn dc_25_a_snapshot_keeps_counts_weights_and_alarms() {
    let policies = set(vec![
        Policy { init: 3, step: 2, threshold: 40, ..policy(KeyKind::Source) },
        Policy { threshold: 5, ..policy(KeyKind::Pair) },
    ]);
    let mut rig = Rig::with(&policies, Limits::default());
    for i in 0..20 {
        let sighting = Sighting { source_carrier: Some(4), ..rig.sighting(number(1), number(2)) };
        rig.count(1_000 * i, &sighting);
    }
    rig.send(19_000, Key::name("acme"), number(2));
    assert_eq!(rig.counters.alarms().count(), 2);
    let source = CounterKey::Source(number(1));
    let entries = saved(&rig.counters, 20_000);
    assert_eq!(entries.len(), 4);
    let of_source = entries.iter().find(|entry| entry.key == source).unwrap();
    assert_eq!((of_source.carrier, of_source.first_seen_s), (Some(4), EPOCH / 1_000_000));

    // Ten seconds of downtime: what was sent at 0 s is 30 s old.
    let (mut counters, restored) = restart(&policies, 30_000, entries, rig.counters.snapshot_alarms());
    assert_eq!(restored, Restored { entries: 4, alarms: 2, ..Restored::default() });
    let look = |counters: &Counters, ms: u64, key| {
        counters
            .look(Mono::from_millis(ms), wall(30_000 + ms), key)
            .map_or((0, Wall(0)), |l| (l.count, l.first_seen))
    };
    assert_eq!(look(&counters, 0, source), (41, wall(0)));
    assert_eq!(look(&counters, 30_000, source).0, 41);
    // init of the first and step of a further one have left.
    assert_eq!(look(&counters, 31_001, source).0, 36);
    assert_eq!(look(&counters, 0, CounterKey::Source(Key::name("acme"))).0, 3);
    // The alarms stand and are not raised again.
    let sighting = Sighting::new(number(1), number(2), 99);
    let outcome = counters.count(Mono::from_millis(1), wall(30_001), &sighting);
    assert_eq!((outcome.alarms.len(), outcome.counts.source, outcome.counts.pair), (0, 43, 6));
    let report = counters.sweep(Mono::from_millis(100_000), wall(130_000), usize::MAX);
    assert_eq!(report.events.iter().filter(|e| e.change == AlarmChange::Cleared).count(), 2);
    for source in 50..54 {
        for i in 0..20 {
            let sighting = Sighting::new(number(source), number(i), 1);
            counters.count(Mono::from_millis(100_000), wall(130_000), &sighting);
        }
    }
    assert!(counters.alarms().all(|alarm| alarm.id.0 >= 3), "numbers are not used twice");
}

#[test]
fn dc_25_what_expired_while_down_stays_away() {
    let policies = set(vec![policy(KeyKind::Source)]);
    let mut rig = Rig::with(&policies, Limits::default());
    rig.send(0, number(1), number(2));
    rig.send(0, number(3), number(2));
    rig.send(30_000, number(1), number(2));
    let entries = saved(&rig.counters, 30_000);
    let (counters, restored) = restart(&policies, 60_001, entries, SavedAlarms::default());
    assert_eq!((restored.entries, restored.expired), (1, 1));
    let look = counters.look(Mono::ZERO, wall(60_001), CounterKey::Source(number(1))).unwrap();
    assert_eq!((look.count, look.last_seen), (1, wall(30_000)));
}

#[test]
fn dc_25_a_wall_clock_set_back_while_down_makes_nothing_younger_than_now() {
    let policies = set(vec![policy(KeyKind::Source)]);
    let mut rig = Rig::with(&policies, Limits::default());
    rig.send(50_000, number(1), number(2));
    let entries = saved(&rig.counters, 50_000);
    let (counters, _) = restart(&policies, 10_000, entries, SavedAlarms::default());
    let count =
        |ms| counters.look(Mono::from_millis(ms), wall(ms), CounterKey::Source(number(1))).unwrap().count;
    assert_eq!((count(MINUTE), count(MINUTE + 1)), (1, 0));
}

#[test]
fn dc_25_long_arrays_survive() {
    let policies = set(vec![Policy { threshold: 1_000, uncapped: true, ..policy(KeyKind::Source) }]);
    let mut rig = Rig::with(&policies, Limits::default());
    for i in 0..3_000 {
        rig.send(i * 10, number(1), number(2));
    }
    let entries = saved(&rig.counters, 30_000);
    let (counters, _) = restart(&policies, 30_000, entries.clone(), SavedAlarms::default());
    assert_eq!(saved_again(&counters, 30_000), entries);
    let source = CounterKey::Source(number(1));
    for ms in [40_000, 60_000, 89_990, 89_991] {
        let again = counters.look(Mono::from_millis(ms - 30_000), wall(ms), source).map_or(0, |l| l.count);
        assert_eq!(again, rig.held(ms, source), "{ms}");
    }
}

fn saved_again(counters: &Counters, at: u64) -> Vec<SavedEntry> {
    (0..counters.snapshot_parts()).flat_map(|part| counters.snapshot(part, Mono::ZERO, wall(at))).collect()
}

#[test]
fn dc_25_a_fixed_period_goes_on() {
    let policies = set(vec![Policy { mode: Mode::Fixed, ..policy(KeyKind::Source) }]);
    let mut rig = Rig::with(&policies, Limits::default());
    for i in 0..3 {
        rig.send(i, number(1), number(2));
    }
    let entries = saved(&rig.counters, 3);
    let (mut counters, restored) = restart(&policies, 1_000, entries.clone(), SavedAlarms::default());
    assert_eq!(restored.entries, 1);
    let outcome = counters.count(Mono::ZERO, wall(1_000), &Sighting::new(number(1), number(2), 9));
    assert_eq!((outcome.counts.source, outcome.alarms.len()), (4, 1));
    let (_, restored) = restart(&policies, MINUTE + 1, entries.clone(), SavedAlarms::default());
    assert_eq!(restored.expired, 1);
    let sliding = set(vec![policy(KeyKind::Source)]);
    let (_, restored) = restart(&sliding, 0, entries, SavedAlarms::default());
    assert_eq!(restored.unfit, 1);
}

#[test]
fn dc_25_restoring_respects_bounds_and_what_is_there() {
    let policies = set(vec![policy(KeyKind::Source)]);
    let mut rig = Rig::with(&policies, Limits::default());
    for i in 0..100 {
        rig.send(0, number(i), number(2));
    }
    let entries = saved(&rig.counters, 0);
    let twice = rig.counters.restore(Mono::ZERO, wall(0), entries.clone());
    assert_eq!(twice, Restored { present: 100, ..Restored::default() });
    let mut small = Counters::new(&policies, Limits { max_keys: 60, ..Limits::default() }).unwrap();
    let restored = small.restore(Mono::ZERO, wall(0), entries);
    assert_eq!((restored.entries, restored.refused, small.stats().keys), (60, 40, 60));
}

#[test]
fn dc_25_a_restart_without_snapshot_is_warming() {
    let mut rig = Rig::new(vec![policy(KeyKind::Source)]);
    rig.counters.mark_warming(Mono::from_millis(1_000));
    assert!(rig.counters.is_warming(Mono::from_millis(60_999)));
    assert!(!rig.counters.is_warming(Mono::from_millis(61_000)));
    for (from, source) in [(2_000, 1), (62_000, 3)] {
        for i in 0..4 {
            rig.send(from + i, number(source), number(i));
        }
    }
    let warming: Vec<_> = rig.counters.alarms().map(|alarm| (alarm.key, alarm.warming)).collect();
    assert_eq!(warming, [(CounterKey::Source(number(1)), true), (CounterKey::Source(number(3)), false)]);
}

#[test]
fn dc_25_no_alarm_is_lost_while_warming() {
    let policies = set(vec![policy(KeyKind::Source)]);
    let mut rig = Rig::with(&policies, Limits::default());
    for i in 0..4 {
        rig.send(i, number(1), number(i));
    }
    // The alarms were saved, the entries were not.
    let alarms = rig.counters.snapshot_alarms();
    let (mut counters, _) = restart(&policies, 1_000, Vec::new(), alarms);
    counters.mark_warming(Mono::ZERO);
    let report = counters.sweep(Mono::from_millis(59_999), wall(60_999), usize::MAX);
    assert_eq!((report.finished, report.events.len()), (true, 0));
    assert_eq!(counters.alarms().next().unwrap().state, AlarmState::Raised);
    let report = counters.sweep(Mono::from_millis(65_000), wall(66_000), usize::MAX);
    assert_eq!(report.events[0].change, AlarmChange::Cleared);
}

#[test]
fn dc_25_an_alarm_that_came_back_acts_on_entries_that_come_later() {
    let action = signalbox_counters::Action::Block;
    let policies = set(vec![Policy { action, ..policy(KeyKind::Source) }]);
    let mut rig = Rig::with(&policies, Limits::default());
    for i in 0..4 {
        rig.send(i, number(1), number(i));
    }
    let (mut counters, _) = restart(&policies, 1_000, Vec::new(), rig.counters.snapshot_alarms());
    let outcome = counters.count(Mono::ZERO, wall(1_000), &Sighting::new(number(1), number(2), 9));
    assert!(matches!(outcome.verdict, signalbox_counters::Verdict::Block(_)));
}

#[test]
fn dc_25_a_low_count_does_not_clear_while_warming() {
    let policies = set(vec![policy(KeyKind::Source)]);
    let mut rig = Rig::with(&policies, Limits::default());
    for i in 0..4 {
        rig.send(i, number(1), number(i));
    }
    let (mut counters, _) = restart(&policies, 1_000, Vec::new(), rig.counters.snapshot_alarms());
    counters.mark_warming(Mono::ZERO);
    counters.count(Mono::from_millis(50_000), wall(51_000), &Sighting::new(number(1), number(2), 9));
    let report = counters.sweep(Mono::from_millis(59_999), wall(60_999), usize::MAX);
    assert_eq!((report.finished, report.events.len()), (true, 0));
    let report = counters.sweep(Mono::from_millis(65_000), wall(66_000), usize::MAX);
    assert_eq!(report.events[0].change, AlarmChange::Cleared);
    assert_eq!(report.events[0].alarm.count, 1);
}

#[test]
fn dc_25_the_first_weight_does_not_pass_to_the_next_message() {
    let policies = set(vec![Policy { init: 100, threshold: 1_000, ..policy(KeyKind::Source) }]);
    let mut rig = Rig::with(&policies, Limits::default());
    rig.send(0, number(1), number(2));
    rig.send(30_000, number(1), number(2));
    let entries = saved(&rig.counters, 30_000);
    let (counters, _) = restart(&policies, 60_001, entries, SavedAlarms::default());
    let look = counters.look(Mono::ZERO, wall(60_001), CounterKey::Source(number(1))).unwrap();
    assert_eq!(look.count, 1);
}

#[test]
fn dc_25_numbers_of_cleared_alarms_are_not_used_again() {
    let policies = set(vec![policy(KeyKind::Source)]);
    let mut rig = Rig::with(&policies, Limits::default());
    for i in 0..4 {
        rig.send(i, number(1), number(i));
    }
    rig.sweep(2 * MINUTE);
    let (mut counters, _) = restart(&policies, 2 * MINUTE, Vec::new(), rig.counters.snapshot_alarms());
    for i in 0..4 {
        counters.count(Mono::ZERO, wall(2 * MINUTE), &Sighting::new(number(1), number(i), 9));
    }
    assert_eq!(counters.alarms().next().unwrap().id.0, 2);
}
