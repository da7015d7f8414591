use super::*;

fn fault(change: impl Fn(&mut Policy)) -> PolicyFault {
    let mut set = PolicySet::default();
    change(&mut set.policies[1]);
    match set.check() {
        Err(PolicyError::Policy { place: 1, fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn defaults_are_the_numbers_of_the_requirements() {
    let set = PolicySet::default();
    assert_eq!(set.check(), Ok(()));
    assert_eq!(set.repeat_ms, 900_000);
    let thresholds: Vec<_> = set.policies.iter().map(|p| (p.threshold, p.window_ms)).collect();
    assert_eq!(thresholds, [(300, 600_000), (2_000, 600_000), (100, 600_000), (300, 600_000)]);
    assert!(set.policies.iter().all(|p| p.action == Action::AlarmOnly && p.sweep_interval_ms == 5_000));
}

#[test]
fn each_fault_is_told() {
    assert_eq!(fault(|p| p.window_ms = 0), PolicyFault::NoWindow);
    assert!(matches!(fault(|p| p.window_ms = MAX_WINDOW_MS + 1), PolicyFault::WindowTooLong { .. }));
    assert_eq!(fault(|p| p.step = 0), PolicyFault::NoStep);
    assert_eq!(fault(|p| p.init = 65_536), PolicyFault::WeightTooLarge { weight: 65_536 });
    assert!(matches!(fault(|p| p.sweep_interval_ms = 0), PolicyFault::SweepInterval { .. }));
    assert!(matches!(fault(|p| p.sweep_interval_ms = p.window_ms + 1), PolicyFault::SweepInterval { .. }));
    assert_eq!(fault(|p| p.clear_percent = 101), PolicyFault::ClearPercent { percent: 101 });
    assert_eq!(fault(|p| p.conversation_percent = 0), PolicyFault::ConversationPercent { percent: 0 });
    assert_eq!(fault(|p| p.many = Some(0)), PolicyFault::Many { many: 0 });
    assert_eq!(fault(|p| p.many = Some(1_001)), PolicyFault::Many { many: 1_001 });
    assert_eq!(fault(|p| p.action = Action::Throttle { per_minute: 0 }), PolicyFault::ThrottleZero);
    assert_eq!(fault(|p| p.kind = KeyKind::Source), PolicyFault::Duplicate { first: 0 });
    assert!(matches!(fault(|p| p.scope = Scope::Address(Key::group(1))), PolicyFault::AddressClass { .. }));
    let group_by_carrier = |p: &mut Policy| {
        p.kind = KeyKind::Group;
        p.scope = Scope::Carrier(1);
    };
    assert_eq!(fault(group_by_carrier), PolicyFault::GroupScope);
    let error = PolicyError::Policy { place: 1, kind: KeyKind::Pair, fault: PolicyFault::NoStep };
    assert_eq!(error.to_string(), "policy 1 (Pair)");
}

#[test]
fn divided_rounds_up() {
    let set = PolicySet::default().divided(3.try_into().unwrap());
    let thresholds: Vec<_> = set.policies.iter().map(|p| p.threshold).collect();
    assert_eq!(thresholds, [100, 667, 34, 100]);
}
