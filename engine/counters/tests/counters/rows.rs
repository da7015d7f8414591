//! A test for each row of the requirements; windows are 60 s and thresholds 3 unless said otherwise.

use signalbox_counters::{
    AlarmChange, AlarmKind, CounterKey, Key, KeyKind, Kinds, Limits, Mode, Mono, OriginClass, Parts, Policy,
    Sighting, Tap, Verdict,
};

use crate::rig::{MINUTE, Rig, number, pair, policy, set, wall};

const RAISED: AlarmChange = AlarmChange::Raised;

fn source_rig() -> Rig {
    Rig::new(vec![policy(KeyKind::Source)])
}

/// Counts of the source when messages come at these milliseconds, each to another destination.
fn counts_at(rig: &mut Rig, times: &[u64]) -> Vec<u64> {
    let send = |(i, ms): (usize, &u64)| rig.send(*ms, number(1), number(100 + i as u64)).counts.source;
    times.iter().enumerate().map(send).collect()
}

#[test]
fn dc_01_the_source_is_identified() {
    let mut rig = source_rig();
    rig.send(0, number(1), number(9));
    rig.send(0, number(2), number(9));
    assert_eq!(rig.held(0, CounterKey::Source(number(1))), 1);
    assert_eq!(rig.held(0, CounterKey::Source(number(2))), 1);
    assert_eq!(rig.held(0, CounterKey::Source(number(9))), 0);
}

#[test]
fn dc_02_first_sight_counts_init() {
    let mut rig = Rig::new(vec![Policy { init: 7, step: 2, ..policy(KeyKind::Source) }]);
    assert_eq!(rig.send(0, number(1), number(2)).counts.source, 7);
    // The entry of an empty window is as good as none: the next message creates it anew.
    assert_eq!(rig.send(MINUTE + 1, number(1), number(2)).counts.source, 7);
}

#[test]
fn dc_03_later_sight_adds_step() {
    let mut rig = Rig::new(vec![Policy { init: 7, step: 2, threshold: 100, ..policy(KeyKind::Source) }]);
    assert_eq!(counts_at(&mut rig, &[0, 10, 20, 30]), [7, 9, 11, 13]);
}

#[test]
fn dc_04_uncapped_holds_a_timestamp_for_each_change() {
    let mut rig = Rig::new(vec![Policy { uncapped: true, ..policy(KeyKind::Source) }]);
    let counts: Vec<u64> = (0..500).map(|ms| rig.send(ms, number(1), number(2)).counts.source).collect();
    assert_eq!(counts, (1..=500).collect::<Vec<u64>>());
    // Each leaves at its own time.
    assert_eq!(rig.held(MINUTE + 100, CounterKey::Source(number(1))), 400);
    rig.sweep(MINUTE + 499);
    assert_eq!(rig.held(MINUTE + 499, CounterKey::Source(number(1))), 1);
    assert_eq!(rig.counters.stats().blocks, 0);
}

#[test]
fn dc_04_capped_holds_the_newest_that_decide() {
    let mut rig = source_rig();
    let counts = counts_at(&mut rig, &[0, 1_000, 2_000, 3_000, 4_000, 5_000]);
    assert_eq!(counts, [1, 2, 3, 4, 4, 4]);
    // The newest four stay: the count falls to the threshold when the one of 2 s leaves.
    assert_eq!(rig.held(MINUTE + 2_000, CounterKey::Source(number(1))), 4);
    assert_eq!(rig.held(MINUTE + 2_001, CounterKey::Source(number(1))), 3);
}

#[test]
fn dc_05_a_timestamp_as_old_as_the_window_is_kept() {
    let mut rig = source_rig();
    assert_eq!(counts_at(&mut rig, &[0, 20_000, 40_000, 60_000]), [1, 2, 3, 4]);
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::Spam, KeyKind::Source)]);
}

#[test]
fn dc_05_a_timestamp_older_than_the_window_is_removed() {
    let mut rig = source_rig();
    assert_eq!(counts_at(&mut rig, &[0, 20_000, 40_000, 60_001]), [1, 2, 3, 3]);
    assert_eq!(rig.changes(), []);
}

#[test]
fn dc_05_the_sweep_removes_too() {
    let mut rig = source_rig();
    counts_at(&mut rig, &[0, 20_000]);
    rig.sweep(60_000);
    assert_eq!(rig.counters.stats().keys, 1);
    rig.sweep(80_000);
    assert_eq!(rig.counters.stats().keys, 1);
    rig.sweep(85_000);
    assert_eq!(rig.counters.stats().keys, 0);
    assert_eq!(rig.counters.stats().tallies.keys_expired, 1);
}

#[test]
fn dc_05_the_sweep_waits_for_its_interval() {
    let mut rig = source_rig();
    rig.sweep(0);
    let early = rig.counters.sweep(Mono::from_millis(4_999), wall(4_999), 1_000_000);
    assert_eq!((early.visited, early.finished), (0, false));
    assert!(rig.counters.sweep(Mono::from_millis(5_000), wall(5_000), 1_000_000).finished);
}

#[test]
fn dc_06_the_counter_falls_by_each_removed_weight() {
    let mut rig = Rig::new(vec![Policy { init: 5, step: 2, threshold: 100, ..policy(KeyKind::Source) }]);
    counts_at(&mut rig, &[0, 10_000, 20_000]);
    let source = CounterKey::Source(number(1));
    let held = [60_000, 60_001, 70_001, 80_001].map(|ms| rig.held(ms, source));
    assert_eq!(held, [9, 4, 2, 0]);
    // The same by touch: 2 left of 10 s and 20 s at 70 s, and one more.
    assert_eq!(rig.send(70_000, number(1), number(2)).counts.source, 6);
    assert_eq!(rig.send(90_000, number(1), number(2)).counts.source, 4);
}

#[test]
fn dc_07_alarm_only_above_the_threshold() {
    let mut rig = source_rig();
    assert_eq!(counts_at(&mut rig, &[0, 10_000, 20_000]), [1, 2, 3]);
    assert_eq!(rig.changes(), []);
    assert_eq!(rig.send(30_000, number(1), number(9)).counts.source, 4);
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::Spam, KeyKind::Source)]);
}

#[test]
fn dc_07_a_threshold_of_100_alarms_on_the_101st() {
    let mut rig = Rig::new(vec![Policy { threshold: 100, ..policy(KeyKind::Source) }]);
    for i in 0..100 {
        rig.send(i, number(1), number(100 + i));
    }
    assert_eq!(rig.changes(), []);
    rig.send(100, number(1), number(2));
    assert_eq!(rig.changes().len(), 1);
}

#[test]
fn dc_08_parts_of_one_text_message_count_once_or_each() {
    for (parts, expected) in [(Parts::PerMessage, 1), (Parts::PerPart, 3)] {
        let mut rig = Rig::new(vec![Policy { parts, ..policy(KeyKind::Source) }]);
        for part in 0..3 {
            let sighting = Sighting { first_part: part == 0, ..rig.sighting(number(1), number(2)) };
            rig.count(part, &sighting);
        }
        assert_eq!(rig.held(3, CounterKey::Source(number(1))), expected);
        assert_eq!(rig.counters.stats().tallies.later_parts, 3 - expected);
    }
}

#[test]
fn dc_10_many_messages_to_many_recipients_are_spam() {
    let mut rig = Rig::new(vec![Policy::new(KeyKind::Source), Policy::new(KeyKind::Pair)]);
    for i in 0..301 {
        rig.send(i * 1_000, number(1), number(1_000 + i));
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::Spam, KeyKind::Source)]);
    let alarm = rig.counters.alarms().next().unwrap();
    // Observed from a quarter of the threshold on.
    assert!((190..=260).contains(&alarm.distinct), "{}", alarm.distinct);
    assert_eq!((alarm.count, alarm.threshold, alarm.window_ms), (301, 300, 600_000));
    assert_eq!((alarm.first, alarm.last), (wall(0), wall(300_000)));
    assert_eq!(alarm.samples, [298, 299, 300, 301]);
}

#[test]
fn dc_11_one_message_coming_round_is_a_loop() {
    let mut rig = Rig::new(vec![Policy::new(KeyKind::Pair)]);
    for i in 0..101 {
        let sighting = Sighting { body_hash: 0xfeed, ..rig.sighting(number(1), number(2)) };
        rig.count(i * 100, &sighting);
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::Loop, KeyKind::Pair)]);
}

#[test]
fn dc_12_source_and_destination_are_tracked_in_one_pass() {
    let mut rig = Rig::new(vec![policy(KeyKind::Source), policy(KeyKind::Destination)]);
    rig.send(0, number(1), number(9));
    let outcome = rig.send(1, number(2), number(9));
    assert_eq!((outcome.counts.source, outcome.counts.destination), (1, 2));
}

#[test]
fn dc_13_a_destination_has_its_own_alarm() {
    let mut rig = Rig::new(vec![policy(KeyKind::Source), policy(KeyKind::Destination)]);
    for i in 0..4 {
        rig.send(i, number(100 + i), number(9));
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::VoteOrDos, KeyKind::Destination)]);
}

#[test]
fn dc_14_thresholds_of_source_and_destination_differ() {
    let mut rig =
        Rig::new(vec![policy(KeyKind::Source), Policy { threshold: 5, ..policy(KeyKind::Destination) }]);
    let mut alarms = Vec::new();
    for i in 0..6 {
        rig.send(i, number(1), number(9));
        alarms.push(rig.changes().iter().map(|(_, _, kind)| *kind).collect::<Vec<_>>());
    }
    assert_eq!(alarms[3], [KeyKind::Source]);
    assert_eq!(alarms[5], [KeyKind::Destination]);
    assert!([0, 1, 2, 4].iter().all(|i| alarms[*i].is_empty()));
}

#[test]
fn dc_15_a_ported_number_that_two_carriers_send_to_each_other_is_a_loop() {
    let mut rig = Rig::new(vec![Policy::new(KeyKind::Pair)]);
    for i in 0..101u64 {
        let (from, to) = if i % 2 == 0 { (7, 8) } else { (8, 7) };
        let sighting = Sighting {
            source_carrier: Some(from),
            destination_carrier: Some(to),
            body_hash: i + 1,
            ..rig.sighting(number(1), number(2))
        };
        rig.count(i * 100, &sighting);
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::Loop, KeyKind::Pair)]);
    assert_eq!(rig.counters.alarms().next().unwrap().carrier, Some(7));
}

#[test]
fn dc_16_numbers_of_wireless_networks_are_keyed_as_e164() {
    let mut rig = source_rig();
    rig.send(0, Key::e164("+447900000001").unwrap(), number(9));
    assert_eq!(rig.send(1, Key::e164("447900000001").unwrap(), number(9)).counts.source, 2);
}

#[test]
fn dc_17_user_vendor_and_carrier_are_classes_of_address() {
    let mut rig = Rig::new(vec![policy(KeyKind::Source), policy(KeyKind::Destination)]);
    let short = Key::digits("7").unwrap();
    for destination in [Key::vendor(7), Key::carrier(7), Key::e164("7").unwrap(), short] {
        assert_eq!(rig.send(0, number(1), destination).counts.destination, 1, "{destination}");
    }
    for i in 0..4 {
        rig.send(i, number(10 + i), Key::vendor(7));
    }
    assert_eq!(rig.counters.alarms().filter(|a| a.key == CounterKey::Destination(Key::vendor(7))).count(), 1);
}

#[test]
fn dc_17_missing_and_alphanumeric_sources_are_counted() {
    let mut rig = source_rig();
    for i in 0..4 {
        rig.send(i, Key::missing(Some(3)), number(100 + i));
        rig.send(i, Key::name("Bank of Somewhere"), number(200 + i));
        rig.send(i, Key::missing(Some(4)), number(9));
        if i == 0 {
            rig.send(i, Key::missing(None), number(9));
        }
    }
    let alarmed: Vec<_> = rig.counters.alarms().map(|alarm| alarm.key).collect();
    assert_eq!(alarmed.len(), 3);
    assert!(alarmed.contains(&CounterKey::Source(Key::missing(Some(3)))));
    assert!(alarmed.contains(&CounterKey::Source(Key::name("BANK OF SOMEWHERE"))));
}

#[test]
fn dc_18_a_passive_tap_alarms_and_never_holds_back() {
    let action = signalbox_counters::Action::Block;
    let policies = set(vec![Policy { action, ..policy(KeyKind::Source) }]);
    let mut inline = Rig::with(&policies, Limits::default());
    let passive = signalbox_counters::PolicySet { tap: Tap::Passive, ..policies };
    let mut passive = Rig::with(&passive, Limits::default());
    for i in 0..6 {
        let verdict = inline.send(i, number(1), number(9)).verdict;
        assert_eq!(verdict == Verdict::Pass, i < 3);
        assert_eq!(passive.send(i, number(1), number(9)).verdict, Verdict::Pass);
    }
    assert_eq!(inline.changes(), passive.changes());
    assert_eq!(inline.counters.stats().tallies.blocked, 3);
    let tallies = passive.counters.stats().tallies;
    assert_eq!((tallies.withheld, tallies.blocked), (3, 0));
}

#[test]
fn dc_19_fixed_periods_miss_a_burst_that_spans_two() {
    let mut rig = Rig::new(vec![Policy { mode: Mode::Fixed, ..policy(KeyKind::Source) }]);
    let burst = [58_000, 58_500, 59_000, 60_000, 60_500, 61_000];
    assert_eq!(counts_at(&mut rig, &burst), [1, 2, 3, 1, 2, 3]);
    assert_eq!(rig.changes(), []);
    assert_eq!(rig.send(62_000, number(1), number(2)).counts.source, 4);
    assert_eq!(rig.changes().len(), 1);
    assert_eq!(rig.held(119_999, CounterKey::Source(number(1))), 4);
    assert_eq!(rig.held(120_000, CounterKey::Source(number(1))), 0);
    rig.sweep(120_000);
    assert_eq!(rig.counters.stats().keys, 0);
}

#[test]
fn dc_20_the_sliding_window_alarms_on_the_fourth_of_that_burst() {
    let mut rig = source_rig();
    assert_eq!(counts_at(&mut rig, &[58_000, 58_500, 59_000]), [1, 2, 3]);
    assert_eq!(rig.changes(), []);
    assert_eq!(rig.send(60_000, number(1), number(2)).counts.source, 4);
    assert_eq!(rig.changes().len(), 1);
}

#[test]
fn dc_20_a_step_of_the_wall_clock_neither_expires_nor_freezes() {
    let mut rig = source_rig();
    let day = 24 * 60 * MINUTE;
    for (ms, wall_ms) in [(0, 10 * day), (1_000, 20 * day), (2_000, 0), (3_000, 5 * day)] {
        let sighting = rig.sighting(number(1), number(2));
        rig.counters.count(Mono::from_millis(ms), wall(wall_ms), &sighting);
    }
    assert_eq!(rig.held(60_000, CounterKey::Source(number(1))), 4);
    assert_eq!(rig.counters.alarms().count(), 1);
    let report = rig.counters.sweep(Mono::from_millis(63_001), wall(0), 1_000_000);
    assert!(report.finished);
    assert_eq!(rig.counters.stats().keys, 0);
}

#[test]
fn dc_20_time_that_goes_back_counts_as_now() {
    let mut rig = source_rig();
    assert_eq!(counts_at(&mut rig, &[10_000, 9_000, 8_000]), [1, 2, 3]);
    assert_eq!(rig.held(70_000, CounterKey::Source(number(1))), 3);
    assert_eq!(rig.held(70_001, CounterKey::Source(number(1))), 0);
}

#[test]
fn dc_21_a_group_of_sources_has_one_counter() {
    let mut rig = Rig::new(vec![policy(KeyKind::Source), policy(KeyKind::Group)]);
    for i in 0..4 {
        let sighting = Sighting { group: Some(5), ..rig.sighting(number(i), number(100 + i)) };
        rig.count(i, &sighting);
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::Spam, KeyKind::Group)]);
    assert_eq!(rig.held(4, CounterKey::Group(Key::group(5))), 4);
    assert_eq!(rig.held(4, CounterKey::Group(Key::group(6))), 0);
}

#[test]
fn dc_22_a_pair_is_counted_in_each_direction() {
    let mut rig = Rig::new(vec![policy(KeyKind::Pair)]);
    rig.send(0, number(1), number(2));
    rig.send(1, number(2), number(1));
    let outcome = rig.send(2, number(1), number(2));
    assert_eq!((outcome.counts.pair, outcome.counts.reverse), (2, 1));
    let outcome = rig.send(60_001, number(1), number(2));
    assert_eq!(
        (outcome.counts.pair, outcome.counts.reverse),
        (2, 1),
        "the reverse of 1 ms is as old as the window"
    );
    let outcome = rig.send(60_002, number(1), number(2));
    assert_eq!(
        (outcome.counts.pair, outcome.counts.reverse),
        (3, 0),
        "the reverse of 1 ms is older than the window"
    );
}

#[test]
fn dc_22_a_message_to_oneself_is_no_reverse() {
    let mut rig = Rig::new(vec![policy(KeyKind::Pair)]);
    rig.send(0, number(1), number(1));
    let outcome = rig.send(1, number(1), number(1));
    assert_eq!((outcome.counts.pair, outcome.counts.reverse), (2, 0));
}

#[test]
fn only_user_traffic_is_counted() {
    let mut rig = source_rig();
    for class in OriginClass::ALL {
        let sighting = Sighting { class, ..rig.sighting(number(1), number(2)) };
        let outcome = rig.count(0, &sighting);
        assert_eq!(outcome.counts.source, u64::from(class == OriginClass::User));
        assert_eq!(outcome.policy_version, 1);
    }
    let tallies = rig.counters.stats().tallies;
    assert_eq!((tallies.counted, tallies.excluded), (1, [0, 1, 1, 1, 1, 1]));
}

#[test]
fn dc_25_an_owner_counts_only_its_kinds() {
    let mut rig = Rig::new(KeyKind::ALL.map(policy).to_vec());
    let sighting = Sighting { group: Some(1), ..rig.sighting(number(1), number(2)) };
    let kinds = Kinds::only(&[KeyKind::Pair, KeyKind::Destination]);
    let outcome = rig.counters.count_kinds(Mono::ZERO, wall(0), &sighting, kinds);
    assert_eq!((outcome.counts.pair, outcome.counts.destination), (1, 1));
    assert_eq!(rig.counters.stats().keys, 2);
    assert_eq!(rig.held(0, pair(number(1), number(2))), 1);
    assert_eq!(rig.held(0, CounterKey::Source(number(1))), 0);
}
