//! Scopes of policies, and their change under way.

use signalbox_counters::{
    AlarmChange, CounterKey, Key, KeyKind, Mode, Policy, PolicyError, PolicyFault, PolicySet, Scope, Sighting,
};

use crate::rig::{MINUTE, Rig, number, policy, set};

fn scoped(kind: KeyKind, scope: Scope, threshold: u32) -> Policy {
    Policy { scope, threshold, ..policy(kind) }
}

fn version(version: u64, policies: Vec<Policy>) -> PolicySet {
    PolicySet { version, ..set(policies) }
}

fn threshold(rig: &mut Rig, source: Key, carrier: Option<u32>) -> u32 {
    let sighting = Sighting { source_carrier: carrier, ..rig.sighting(source, number(1)) };
    rig.count(0, &sighting);
    let look =
        rig.counters.look(signalbox_counters::Mono::ZERO, crate::rig::wall(0), CounterKey::Source(source));
    look.unwrap().threshold
}

#[test]
fn the_narrowest_scope_wins() {
    let source = KeyKind::Source;
    let mut rig = Rig::new(vec![
        scoped(source, Scope::Default, 1),
        scoped(source, Scope::Carrier(7), 2),
        scoped(source, Scope::Prefix("44".parse().unwrap()), 3),
        scoped(source, Scope::Prefix("447900".parse().unwrap()), 4),
        scoped(source, Scope::Address(number(5)), 5),
        scoped(source, Scope::Address(Key::name("acme")), 6),
    ]);
    assert_eq!(threshold(&mut rig, number(5), Some(7)), 5);
    assert_eq!(threshold(&mut rig, number(6), Some(7)), 4);
    assert_eq!(threshold(&mut rig, Key::e164("4420").unwrap(), Some(7)), 3);
    assert_eq!(threshold(&mut rig, Key::e164("3311").unwrap(), Some(7)), 2);
    assert_eq!(threshold(&mut rig, Key::e164("3312").unwrap(), Some(8)), 1);
    assert_eq!(threshold(&mut rig, Key::e164("3313").unwrap(), None), 1);
    assert_eq!(threshold(&mut rig, Key::name("ACME"), None), 6);
}

#[test]
fn a_destination_goes_by_its_own_carrier() {
    let mut rig = Rig::new(vec![
        scoped(KeyKind::Destination, Scope::Default, 100),
        scoped(KeyKind::Destination, Scope::Carrier(8), 1),
    ]);
    for i in 0..3 {
        let away = Sighting { source_carrier: Some(8), ..rig.sighting(number(i), number(50)) };
        rig.count(i, &away);
        let there = Sighting { destination_carrier: Some(8), ..rig.sighting(number(i), number(51)) };
        rig.count(i, &there);
    }
    let keys: Vec<_> = rig.counters.alarms().map(|alarm| alarm.key).collect();
    assert_eq!(keys, [CounterKey::Destination(number(51))]);
}

#[test]
fn what_no_policy_fits_is_not_counted() {
    let mut rig = Rig::new(vec![scoped(KeyKind::Source, Scope::Carrier(7), 1)]);
    assert_eq!(rig.send(0, number(1), number(2)).counts.source, 0);
    assert_eq!(rig.counters.stats().keys, 0);
}

#[test]
fn a_new_threshold_holds_at_once() {
    let mut rig = Rig::new(vec![scoped(KeyKind::Source, Scope::Default, 100)]);
    for i in 0..10 {
        rig.send(i, number(1), number(2));
    }
    rig.counters.set_policies(&version(2, vec![scoped(KeyKind::Source, Scope::Default, 10)])).unwrap();
    let outcome = rig.send(10, number(1), number(2));
    assert_eq!((outcome.counts.source, outcome.policy_version), (11, 2));
    assert_eq!(outcome.alarms.len(), 1);
    assert_eq!(outcome.alarms[0].alarm.policy_version, 2);
    // Raised again: the alarm clears at the next sweep.
    rig.counters.set_policies(&version(3, vec![scoped(KeyKind::Source, Scope::Default, 100)])).unwrap();
    assert_eq!(rig.sweep(10)[0].change, AlarmChange::Cleared);
}

#[test]
fn new_weights_hold_for_what_is_held() {
    let mut rig = Rig::new(vec![scoped(KeyKind::Source, Scope::Default, 100)]);
    rig.send(0, number(1), number(2));
    rig.send(1, number(1), number(2));
    let heavy = Policy { init: 10, step: 3, ..scoped(KeyKind::Source, Scope::Default, 100) };
    rig.counters.set_policies(&version(2, vec![heavy])).unwrap();
    assert_eq!(rig.send(2, number(1), number(2)).counts.source, 16);
}

#[test]
fn new_windows_hold_for_entries_no_message_touches() {
    let mut rig = Rig::new(vec![policy(KeyKind::Source)]);
    rig.send(0, number(1), number(2));
    let long = Policy { window_ms: 10 * MINUTE, ..policy(KeyKind::Source) };
    rig.counters.set_policies(&version(2, vec![long])).unwrap();
    rig.sweep(5 * MINUTE);
    assert_eq!(rig.counters.stats().keys, 1);
    rig.sweep(10 * MINUTE + 1);
    assert_eq!(rig.counters.stats().keys, 0);
}

#[test]
fn a_change_of_mode_starts_anew() {
    let mut rig = Rig::new(vec![policy(KeyKind::Source)]);
    for i in 0..20 {
        rig.send(i, number(1), number(2));
    }
    let fixed = Policy { mode: Mode::Fixed, ..policy(KeyKind::Source) };
    rig.counters.set_policies(&version(2, vec![fixed.clone()])).unwrap();
    assert_eq!(rig.send(20, number(1), number(2)).counts.source, 1);
    let longer = Policy { window_ms: 2 * MINUTE, ..fixed };
    rig.counters.set_policies(&version(3, vec![longer])).unwrap();
    assert_eq!(rig.send(21, number(1), number(2)).counts.source, 1);
    rig.counters.set_policies(&version(4, vec![policy(KeyKind::Source)])).unwrap();
    assert_eq!(rig.send(22, number(1), number(2)).counts.source, 1);
    assert_eq!(rig.counters.stats().blocks, 0);
}

#[test]
fn a_carrier_with_another_mode_starts_its_addresses_anew() {
    let fixed = Policy { mode: Mode::Fixed, ..scoped(KeyKind::Source, Scope::Carrier(7), 100) };
    let mut rig = Rig::new(vec![Policy { threshold: 100, ..policy(KeyKind::Source) }, fixed]);
    for i in 0..20 {
        rig.send(i, number(1), number(2));
    }
    let ported = Sighting { source_carrier: Some(7), ..rig.sighting(number(1), number(2)) };
    assert_eq!(rig.count(20, &ported).counts.source, 1);
    assert_eq!(rig.counters.stats().blocks, 0);
}

#[test]
fn a_kind_taken_out_is_forgotten_and_its_alarms_clear() {
    let mut rig = Rig::new(vec![policy(KeyKind::Source)]);
    for i in 0..4 {
        rig.send(i, number(1), number(2));
    }
    rig.counters.set_policies(&version(2, vec![policy(KeyKind::Destination)])).unwrap();
    assert_eq!(rig.sweep(5)[0].change, AlarmChange::Cleared);
    assert_eq!(rig.counters.stats().keys, 0);
}

#[test]
fn wrong_policies_change_nothing() {
    let mut rig = Rig::new(vec![policy(KeyKind::Source)]);
    let wrong = version(2, vec![Policy { step: 0, ..policy(KeyKind::Source) }]);
    let error = rig.counters.set_policies(&wrong).unwrap_err();
    let fault = PolicyFault::NoStep;
    assert_eq!(error, PolicyError::Policy { place: 0, kind: KeyKind::Source, fault });
    let stale = rig.counters.set_policies(&version(1, vec![])).unwrap_err();
    assert_eq!(stale, PolicyError::Stale { current: 1, offered: 1 });
    assert_eq!(rig.send(0, number(1), number(2)).policy_version, 1);
}

#[test]
fn a_look_goes_by_the_policies_in_force() {
    let mut rig = Rig::new(vec![policy(KeyKind::Pair)]);
    rig.send(0, number(1), number(2));
    rig.send(0, number(2), number(1));
    let long = Policy { window_ms: 10 * MINUTE, threshold: 9, ..policy(KeyKind::Pair) };
    rig.counters.set_policies(&version(2, vec![long])).unwrap();
    let now = signalbox_counters::Mono::from_millis(5 * MINUTE);
    let key = crate::rig::pair(number(1), number(2));
    let look = rig.counters.look(now, crate::rig::wall(5 * MINUTE), key).unwrap();
    assert_eq!((look.count, look.reverse, look.threshold, look.window_ms), (1, Some(1), 9, 10 * MINUTE));
}
