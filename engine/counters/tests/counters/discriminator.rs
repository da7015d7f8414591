//! Spam, loop, flood, vote and conversation told apart.

use signalbox_counters::{AlarmChange, AlarmKind, Key, KeyKind, Policy, Sighting};

use crate::rig::{Rig, number, pair, policy};

const RAISED: AlarmChange = AlarmChange::Raised;

fn pairs() -> Rig {
    Rig::new(vec![Policy::new(KeyKind::Pair)])
}

#[test]
fn one_direction_without_more_signs_is_loop_or_flood() {
    let mut rig = pairs();
    for i in 0..101 {
        let sighting = Sighting { body_hash: i + 1, hops: 2, ..rig.sighting(number(1), number(2)) };
        rig.count(i, &sighting);
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::LoopOrFlood, KeyKind::Pair)]);
}

#[test]
fn a_growing_hop_count_is_a_loop() {
    let mut rig = pairs();
    for i in 0..101 {
        let sighting =
            Sighting { body_hash: i + 1, hops: 1 + i as u16, ..rig.sighting(number(1), number(2)) };
        rig.count(i, &sighting);
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::Loop, KeyKind::Pair)]);
}

#[test]
fn hop_counts_that_differ_by_route_are_no_loop() {
    // Observed from the 26th on: 1, 2, 3 and again, so twice a count above all before.
    let mut rig = pairs();
    for i in 0..101 {
        let sighting = Sighting {
            body_hash: i + 1,
            hops: 1 + ((i + 2) % 3) as u16,
            ..rig.sighting(number(1), number(2))
        };
        rig.count(i, &sighting);
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::LoopOrFlood, KeyKind::Pair)]);
}

#[test]
fn two_parts_that_come_round_in_turn_are_a_loop() {
    let mut rig = pairs();
    for i in 0..101 {
        let sighting = Sighting { body_hash: 1 + i % 2, ..rig.sighting(number(1), number(2)) };
        rig.count(i, &sighting);
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::Loop, KeyKind::Pair)]);
}

#[test]
fn carriers_that_do_not_alternate_are_no_loop() {
    let mut rig = pairs();
    for i in 0..101 {
        let sighting = Sighting {
            source_carrier: Some(7),
            destination_carrier: Some(8),
            body_hash: i + 1,
            ..rig.sighting(number(1), number(2))
        };
        rig.count(i, &sighting);
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::LoopOrFlood, KeyKind::Pair)]);
}

#[test]
fn a_conversation_raises_no_alarm() {
    let mut rig = pairs();
    for i in 0..300 {
        rig.send(2 * i, number(1), number(2));
        rig.send(2 * i + 1, number(2), number(1));
    }
    assert_eq!(rig.changes(), []);
    assert!(rig.counters.stats().tallies.conversations > 300);
}

#[test]
fn the_share_of_the_reverse_that_makes_a_conversation() {
    // 25 of 101 are less than a quarter, 26 are more.
    for (reverse, alarms) in [(25, 1), (26, 0)] {
        let mut rig = pairs();
        for i in 0..reverse {
            rig.send(i, number(2), number(1));
        }
        for i in 0..101 {
            rig.send(100 + i, number(1), number(2));
        }
        assert_eq!(rig.changes().len(), alarms, "{reverse}");
    }
}

#[test]
fn a_flood_far_beyond_the_cap_is_not_taken_for_a_conversation() {
    // The counter of the flood saturates at 101; 60 replies are more than half of that, but 1 % of the flood.
    let mut rig = pairs();
    for i in 0..60 {
        rig.send(i * 1_000, number(2), number(1));
    }
    for i in 0..6_000 {
        rig.send(60_000 + i * 10, number(1), number(2));
    }
    let told = rig.changes();
    assert_eq!(told, [(RAISED, AlarmKind::LoopOrFlood, KeyKind::Pair)]);
}

#[test]
fn a_source_with_few_destinations_is_no_spam() {
    let mut rig = Rig::new(vec![Policy::new(KeyKind::Source)]);
    for i in 0..301 {
        let sighting = Sighting { body_hash: i + 1, ..rig.sighting(number(1), number(2 + i % 5)) };
        rig.count(i, &sighting);
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::LoopOrFlood, KeyKind::Source)]);
    assert_eq!(rig.counters.alarms().next().unwrap().distinct, 5);
}

#[test]
fn how_many_make_many_is_policy() {
    for (many, kind) in [(5, AlarmKind::Spam), (6, AlarmKind::LoopOrFlood)] {
        let mut rig = Rig::new(vec![Policy { many: Some(many), ..Policy::new(KeyKind::Source) }]);
        for i in 0..301 {
            rig.send(i, number(1), number(2 + i % 5));
        }
        assert_eq!(rig.changes(), [(RAISED, kind, KeyKind::Source)]);
    }
}

#[test]
fn destinations_of_windows_long_past_do_not_make_many() {
    // Near its threshold for ten windows, one new destination in each; at last more to the last one.
    let mut rig = Rig::new(vec![policy(KeyKind::Source)]);
    let many = Policy { threshold: 20, many: Some(5), ..policy(KeyKind::Source) };
    rig.counters
        .set_policies(&signalbox_counters::PolicySet { version: 2, ..crate::rig::set(vec![many]) })
        .unwrap();
    for window in 0..10 {
        for i in 0..10 {
            rig.send(window * 60_000 + i * 6_000, number(1), number(2 + window));
        }
    }
    for i in 0..20 {
        rig.send(600_000 + i, number(1), number(11));
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::LoopOrFlood, KeyKind::Source)]);
}

#[test]
fn one_source_to_one_destination_is_no_vote() {
    let mut rig = Rig::new(vec![policy(KeyKind::Destination)]);
    for i in 0..4 {
        let sighting = Sighting { body_hash: i + 1, ..rig.sighting(number(1), number(2)) };
        rig.count(i, &sighting);
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::LoopOrFlood, KeyKind::Destination)]);
}

#[test]
fn a_vote_on_a_short_code_is_vote_or_dos() {
    let mut rig = Rig::new(vec![Policy::new(KeyKind::Destination), Policy::new(KeyKind::Source)]);
    let code = Key::digits("60777").unwrap();
    for i in 0..2_001 {
        let sighting = Sighting { body_hash: 0xaaaa, ..rig.sighting(number(10 + i), code) };
        rig.count(i * 10, &sighting);
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::VoteOrDos, KeyKind::Destination)]);
}

#[test]
fn a_flood_becomes_a_loop_when_it_shows() {
    let mut rig = pairs();
    for i in 0..101 {
        let sighting = Sighting { body_hash: i + 1, ..rig.sighting(number(1), number(2)) };
        rig.count(i, &sighting);
    }
    assert_eq!(rig.changes(), [(RAISED, AlarmKind::LoopOrFlood, KeyKind::Pair)]);
    for i in 0..200 {
        let sighting = Sighting { body_hash: 5, ..rig.sighting(number(1), number(2)) };
        rig.count(200 + i, &sighting);
    }
    assert_eq!(rig.changes(), [(AlarmChange::Reclassified, AlarmKind::Loop, KeyKind::Pair)]);
    assert_eq!(rig.counters.alarms().count(), 1);
}

#[test]
fn a_pair_alarm_tells_its_reverse() {
    let mut rig = Rig::new(vec![Policy { threshold: 20, ..policy(KeyKind::Pair) }]);
    for i in 0..3 {
        rig.send(i, number(2), number(1));
    }
    for i in 0..21 {
        rig.send(10 + i, number(1), number(2));
    }
    let alarm = rig.counters.alarms().next().unwrap();
    assert_eq!((alarm.key, alarm.count, alarm.reverse), (pair(number(1), number(2)), 21, 3));
}
