//! DC-24: alarms raised, repeated, taken and cleared; actions.

use signalbox_counters::{
    Action, AlarmChange, AlarmError, AlarmEvent, AlarmId, AlarmState, KeyKind, Mono, Parts, Policy, Sighting,
    Verdict,
};

use crate::rig::{MINUTE, Rig, number, policy, wall};

/// Threshold 10 and a window of 60 s, so the alarm clears at 8.
fn rig() -> Rig {
    Rig::new(vec![Policy { threshold: 10, ..policy(KeyKind::Source) }])
}

fn burst(rig: &mut Rig, from: u64, messages: u64) {
    for i in 0..messages {
        rig.send(from + i * 1_000, number(1), number(100 + i));
    }
}

fn changes(events: &[AlarmEvent]) -> Vec<AlarmChange> {
    events.iter().map(|event| event.change).collect()
}

#[test]
fn dc_24_raised_once_per_crossing() {
    let mut rig = rig();
    burst(&mut rig, 0, 30);
    assert_eq!(rig.changes().len(), 1);
}

#[test]
fn dc_24_cleared_at_four_fifths_and_not_before() {
    let mut rig = rig();
    burst(&mut rig, 0, 11);
    assert_eq!(rig.changes().len(), 1);
    // Messages of 0 s and 1 s have left: 9 are more than 8.
    assert_eq!(rig.sweep(61_500), []);
    // A further one crosses nothing: the alarm stands.
    rig.send(61_600, number(1), number(9));
    rig.send(61_700, number(1), number(9));
    assert_eq!(rig.changes(), []);
    // Of 13, six are left.
    let events = rig.sweep(66_500);
    assert_eq!(changes(&events), [AlarmChange::Cleared]);
    let alarm = &events[0].alarm;
    assert_eq!(
        (alarm.state, alarm.disregarded, alarm.cleared),
        (AlarmState::Cleared, false, Some(wall(66_500)))
    );
    assert_eq!(rig.counters.alarms().count(), 0);
    assert_eq!(rig.counters.history().count(), 1);
}

#[test]
fn dc_24_exactly_four_fifths_clears() {
    for (at, cleared) in [(62_000, 0), (62_001, 1)] {
        let mut rig = rig();
        burst(&mut rig, 0, 11);
        // At 62.000 s the one of 2 s is kept and 9 count; a millisecond later 8.
        assert_eq!(rig.sweep(at).len(), cleared, "{at}");
    }
}

#[test]
fn dc_24_a_new_crossing_raises_a_new_alarm() {
    let mut rig = rig();
    burst(&mut rig, 0, 11);
    rig.sweep(70_001);
    burst(&mut rig, 100_000, 11);
    let told = changes(&rig.events);
    assert_eq!(told, [AlarmChange::Raised, AlarmChange::Cleared, AlarmChange::Raised]);
    assert_ne!(rig.events[0].alarm.id, rig.events[2].alarm.id);
}

#[test]
fn dc_24_repeats_every_fifteen_minutes_while_above() {
    let mut rig = rig();
    let mut raised_at = None;
    let mut repeats = Vec::new();
    for second in 0..(46 * 60) {
        let outcome = rig.send(second * 1_000, number(1), number(second % 100));
        for event in outcome.alarms {
            match event.change {
                AlarmChange::Raised => raised_at = Some(second),
                AlarmChange::Repeated => repeats.push(second),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(raised_at, Some(10));
    assert_eq!(repeats, [910, 1_810, 2_710]);
}

#[test]
fn dc_24_the_sweep_repeats_too() {
    let mut rig = Rig::new(vec![Policy { threshold: 10, window_ms: 60 * MINUTE, ..policy(KeyKind::Source) }]);
    burst(&mut rig, 0, 11);
    assert_eq!(rig.sweep(15 * MINUTE), []);
    assert_eq!(changes(&rig.sweep(15 * MINUTE + 10_000)), [AlarmChange::Repeated]);
    assert_eq!(rig.sweep(16 * MINUTE), []);
    assert_eq!(changes(&rig.sweep(31 * MINUTE)), [AlarmChange::Repeated]);
}

#[test]
fn dc_24_an_alarm_below_its_threshold_does_not_repeat() {
    let mut rig = Rig::new(vec![Policy { threshold: 10, window_ms: 20 * MINUTE, ..policy(KeyKind::Source) }]);
    burst(&mut rig, 0, 2);
    burst(&mut rig, 5 * MINUTE, 9);
    // At 21 min 9 are left: above the clearing count, below the threshold.
    assert_eq!(rig.sweep(21 * MINUTE), []);
    assert_eq!(rig.counters.alarms().count(), 1);
}

#[test]
fn dc_24_a_taken_alarm_no_longer_repeats_and_still_clears() {
    let mut rig = rig();
    burst(&mut rig, 0, 11);
    let id = rig.counters.alarms().next().unwrap().id;
    let event = rig.counters.ack(id, wall(12_000)).unwrap();
    assert_eq!((event.change, event.alarm.state), (AlarmChange::Acked, AlarmState::Acked));
    assert_eq!(event.alarm.acked, Some(wall(12_000)));
    rig.events.clear();
    burst(&mut rig, 11_000, 20 * 60);
    assert_eq!(rig.changes(), []);
    let events = rig.sweep(40 * MINUTE);
    assert_eq!(changes(&events), [AlarmChange::Cleared]);
    assert_eq!(rig.counters.ack(id, wall(0)), Err(AlarmError::Unknown(id)));
    assert_eq!(rig.counters.ack(AlarmId(99), wall(0)), Err(AlarmError::Unknown(AlarmId(99))));
}

#[test]
fn dc_24_samples_are_bounded() {
    let mut rig = rig();
    burst(&mut rig, 0, 50);
    assert_eq!(rig.counters.alarms().next().unwrap().samples, [8, 9, 10, 11, 12, 13, 14, 15]);
}

#[test]
fn dc_24_alarm_only_is_the_default() {
    let mut rig = rig();
    for i in 0..50 {
        assert_eq!(rig.send(i, number(1), number(i)).verdict, Verdict::Pass);
    }
}

#[test]
fn dc_24_block_refuses_until_the_alarm_clears() {
    let mut rig = Rig::new(vec![Policy { threshold: 10, action: Action::Block, ..policy(KeyKind::Source) }]);
    burst(&mut rig, 0, 10);
    let verdict = rig.send(10_000, number(1), number(2)).verdict;
    let alarm = rig.counters.alarms().next().unwrap();
    let Verdict::Block(cause) = verdict else { panic!("{verdict:?}") };
    assert_eq!((cause.alarm, cause.kind, cause.key_kind), (alarm.id, alarm.kind, KeyKind::Source));
    assert_eq!(rig.send(10_000, number(3), number(2)).verdict, Verdict::Pass, "another source");
    // Below the threshold, but the alarm stands.
    assert!(matches!(rig.send(62_000, number(1), number(2)).verdict, Verdict::Block(_)));
    rig.sweep(130_000);
    assert_eq!(rig.send(130_000, number(1), number(2)).verdict, Verdict::Pass);
    assert_eq!(rig.counters.stats().tallies.blocked, 2);
}

#[test]
fn dc_24_throttle_lets_a_rate_pass() {
    let action = Action::Throttle { per_minute: 6 };
    let mut rig = Rig::new(vec![Policy { threshold: 10, action, ..policy(KeyKind::Source) }]);
    burst(&mut rig, 0, 10);
    let mut passed = Vec::new();
    for i in 0..600 {
        let ms = 10_000 + i * 100;
        match rig.send(ms, number(1), number(i)).verdict {
            Verdict::Pass => passed.push(ms),
            Verdict::Throttle(_) => {}
            Verdict::Block(cause) => panic!("{cause:?}"),
        }
    }
    assert_eq!(passed, [10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
    assert_eq!(rig.counters.stats().tallies.throttled, 594);
}

#[test]
fn dc_24_the_stricter_action_wins() {
    let block = Policy { action: Action::Block, ..policy(KeyKind::Destination) };
    let throttle = Policy { action: Action::Throttle { per_minute: 1 }, ..policy(KeyKind::Source) };
    let mut rig = Rig::new(vec![throttle, block]);
    for i in 0..5 {
        rig.send(i, number(1), number(2));
    }
    let verdict = rig.send(5, number(1), number(2)).verdict;
    assert!(
        matches!(verdict, Verdict::Block(cause) if cause.key_kind == KeyKind::Destination),
        "{verdict:?}"
    );
    let verdict = rig.send(6, number(1), number(3)).verdict;
    assert!(matches!(verdict, Verdict::Throttle(cause) if cause.key_kind == KeyKind::Source), "{verdict:?}");
}

#[test]
fn dc_24_later_parts_are_blocked_with_their_message_but_not_throttled() {
    for (action, blocked) in [(Action::Block, true), (Action::Throttle { per_minute: 1 }, false)] {
        let parts = Parts::PerMessage;
        let mut rig = Rig::new(vec![Policy { action, parts, ..policy(KeyKind::Source) }]);
        burst(&mut rig, 0, 5);
        let sighting = Sighting { first_part: false, ..rig.sighting(number(1), number(2)) };
        let outcome = rig.count(6_000, &sighting);
        assert_eq!(matches!(outcome.verdict, Verdict::Block(_)), blocked);
        assert_eq!(outcome.verdict == Verdict::Pass, !blocked);
    }
}

#[test]
fn dc_24_an_alarm_does_not_outlive_its_empty_entry() {
    let mut rig = rig();
    burst(&mut rig, 0, 11);
    let report = rig.counters.sweep(Mono::from_millis(10 * MINUTE), wall(10 * MINUTE), 1_000_000);
    assert_eq!(changes(&report.events), [AlarmChange::Cleared]);
    assert_eq!(report.events[0].alarm.count, 0);
    let stats = rig.counters.stats();
    assert_eq!((stats.keys, stats.alarms, stats.evidence, stats.blocks), (0, 0, 0, 0));
}

#[test]
fn dc_24_a_message_below_the_threshold_does_not_repeat() {
    let mut rig = Rig::new(vec![Policy { threshold: 10, window_ms: 20 * MINUTE, ..policy(KeyKind::Source) }]);
    burst(&mut rig, 0, 3);
    burst(&mut rig, 10 * MINUTE, 8);
    assert_eq!(rig.changes().len(), 1);
    // Eight are left, with this one nine: the alarm stands below its threshold.
    assert_eq!(rig.send(27 * MINUTE, number(1), number(2)).counts.source, 9);
    assert_eq!(rig.changes(), []);
    rig.send(27 * MINUTE, number(1), number(2));
    assert_eq!(rig.changes(), []);
    rig.send(27 * MINUTE, number(1), number(2));
    assert_eq!(changes(&rig.events), [AlarmChange::Repeated]);
}
