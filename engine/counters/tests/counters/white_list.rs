//! DC-09: white lists of sources and destinations.

use signalbox_counters::{
    Action, AlarmChange, AlarmState, CounterKey, Key, KeyKind, Listed, Policy, Side, Verdict, Wall,
    WhiteList, WhiteListEntry, WhiteListError,
};

use crate::rig::{Rig, number, pair, policy, wall};

fn list(version: u64, entries: Vec<(Side, Listed, Option<Wall>)>) -> WhiteList {
    let entries = entries.into_iter().map(|(side, listed, until)| WhiteListEntry {
        side,
        listed,
        reason: "agreed".into(),
        until,
    });
    WhiteList { version, entries: entries.collect() }
}

fn address(n: u64) -> Listed {
    Listed::Address(number(n))
}

fn rig() -> Rig {
    Rig::new(vec![policy(KeyKind::Source), policy(KeyKind::Destination), policy(KeyKind::Pair)])
}

fn alarmed(rig: &Rig) -> Vec<KeyKind> {
    let mut kinds: Vec<_> = rig.counters.alarms().map(|alarm| alarm.key.kind()).collect();
    kinds.sort();
    kinds
}

#[test]
fn dc_09_a_listed_source_is_counted_and_its_alarm_disregarded() {
    let mut rig = rig();
    rig.counters.set_white_list(&list(1, vec![(Side::Source, address(1), None)]), wall(0)).unwrap();
    for i in 0..4 {
        rig.send(i, number(1), number(2));
    }
    // The destination is not listed, its alarm stands; source and pair are disregarded.
    assert_eq!(alarmed(&rig), [KeyKind::Destination]);
    assert_eq!(rig.held(4, CounterKey::Source(number(1))), 4);
    assert_eq!(rig.counters.stats().tallies.disregarded, 2);
}

#[test]
fn dc_09_destinations_are_listed_too() {
    let mut rig = rig();
    let prefix = Listed::Prefix("44790".parse().unwrap());
    rig.counters.set_white_list(&list(1, vec![(Side::Destination, prefix, None)]), wall(0)).unwrap();
    for i in 0..4 {
        rig.send(i, Key::name("someone"), number(2));
    }
    assert_eq!(alarmed(&rig), [KeyKind::Source]);
    assert_eq!(rig.held(4, pair(Key::name("someone"), number(2))), 4);
}

#[test]
fn dc_09_an_edit_clears_standing_alarms_as_disregarded() {
    let mut rig = Rig::new(vec![Policy { action: Action::Block, ..policy(KeyKind::Source) }]);
    for i in 0..4 {
        rig.send(i, number(1), number(10 + i));
        rig.send(i, number(2), number(10 + i));
    }
    assert_eq!(rig.counters.alarms().count(), 2);
    let events =
        rig.counters.set_white_list(&list(1, vec![(Side::Source, address(1), None)]), wall(5)).unwrap();
    assert_eq!(events.len(), 1);
    let alarm = &events[0].alarm;
    assert_eq!(events[0].change, AlarmChange::Disregarded);
    assert_eq!(
        (alarm.key, alarm.state, alarm.disregarded),
        (CounterKey::Source(number(1)), AlarmState::Cleared, true)
    );
    assert_eq!(rig.send(6, number(1), number(10)).verdict, Verdict::Pass);
    assert!(matches!(rig.send(6, number(2), number(10)).verdict, Verdict::Block(_)));
    assert_eq!(rig.counters.history().count(), 1);
    // Taken off the list while still above: it crosses anew.
    rig.changes();
    assert_eq!(rig.counters.set_white_list(&list(2, vec![]), wall(7)), Ok(vec![]));
    rig.send(8, number(1), number(10));
    assert_eq!(rig.changes().len(), 1);
}

#[test]
fn dc_09_an_entry_ends() {
    let mut rig = Rig::new(vec![policy(KeyKind::Source)]);
    let until = Some(wall(10));
    rig.counters.set_white_list(&list(1, vec![(Side::Source, address(1), until)]), wall(0)).unwrap();
    for i in 4..10 {
        rig.send(i, number(1), number(2));
    }
    assert_eq!(rig.changes(), []);
    rig.send(10, number(1), number(2));
    assert_eq!(rig.changes().len(), 1);
}

#[test]
fn dc_09_an_edit_with_an_ended_entry_clears_nothing() {
    let mut rig = Rig::new(vec![policy(KeyKind::Source)]);
    for i in 0..4 {
        rig.send(i, number(1), number(2));
    }
    let ended = list(1, vec![(Side::Source, address(1), Some(wall(4)))]);
    assert_eq!(rig.counters.set_white_list(&ended, wall(4)), Ok(vec![]));
    assert_eq!(rig.counters.alarms().count(), 1);
}

#[test]
fn dc_09_versions_grow() {
    let mut rig = rig();
    rig.counters.set_white_list(&list(3, vec![]), wall(0)).unwrap();
    let stale = rig.counters.set_white_list(&list(3, vec![(Side::Source, address(1), None)]), wall(0));
    assert_eq!(stale, Err(WhiteListError::Stale { current: 3, offered: 3 }));
}
