//! DC-25: every store is bounded, and what is left out is tallied.

use signalbox_counters::{AtBound, CounterKey, KeyKind, Limits, Policy, Verdict};

use crate::rig::{MINUTE, Rig, number, pair, policy, set};

fn limited(limits: Limits) -> Rig {
    Rig::with(&set(vec![policy(KeyKind::Source)]), limits)
}

#[test]
fn dc_25_a_full_table_drops_stale_keys() {
    let mut rig = limited(Limits { max_keys: 1_000, ..Limits::default() });
    for i in 0..5_000 {
        assert_eq!(rig.send(i, number(i), number(0)).counts.source, 1);
    }
    let stats = rig.counters.stats();
    assert_eq!((stats.keys, stats.tallies.keys_dropped, stats.tallies.keys_refused), (1_000, 4_000, 0));
    // What was seen last is held, what was seen first is not.
    assert_eq!(rig.held(5_000, CounterKey::Source(number(4_999))), 1);
    let early = (0..500).filter(|i| rig.held(5_000, CounterKey::Source(number(*i))) > 0).count();
    assert!(early < 50, "{early}");
}

#[test]
fn dc_25_alarmed_keys_do_not_give_way() {
    let mut rig = limited(Limits { max_keys: 100, ..Limits::default() });
    for i in 0..4 {
        rig.send(i, number(0), number(i));
    }
    for i in 1..5_000 {
        rig.send(10 + i, number(i), number(0));
    }
    assert_eq!(rig.held(5_010, CounterKey::Source(number(0))), 4);
    assert_eq!(rig.counters.alarms().count(), 1);
}

#[test]
fn dc_25_a_full_table_refuses_where_asked() {
    let mut rig = limited(Limits { max_keys: 1_000, at_bound: AtBound::Refuse, ..Limits::default() });
    for i in 0..1_500 {
        let outcome = rig.send(i, number(i), number(0));
        assert_eq!((outcome.counts.source, outcome.verdict), (u64::from(i < 1_000), Verdict::Pass));
    }
    let stats = rig.counters.stats();
    assert_eq!((stats.keys, stats.tallies.keys_refused), (1_000, 500));
    assert_eq!(rig.send(1_600, number(5), number(0)).counts.source, 2, "known keys go on");
    rig.sweep(2 * MINUTE);
    assert_eq!(rig.counters.stats().keys, 0);
    assert_eq!(rig.send(2 * MINUTE, number(1_400), number(0)).counts.source, 1, "room again");
}

#[test]
fn dc_25_timestamps_without_a_block_are_given_up_and_tallied() {
    let big = Policy { threshold: 1_000, ..policy(KeyKind::Source) };
    let mut rig = Rig::with(&set(vec![big]), Limits { max_blocks: 2, ..Limits::default() });
    for i in 0..100 {
        rig.send(i, number(1), number(0));
        rig.send(i, number(2), number(0));
    }
    let stats = rig.counters.stats();
    assert!(stats.blocks <= 2);
    let held: u64 = [1, 2].iter().map(|n| rig.held(100, CounterKey::Source(number(*n)))).sum();
    assert_eq!(held + stats.tallies.stamps_dropped, 200);
    assert!(held >= 14);
    let look = rig.counters.look(
        signalbox_counters::Mono::from_millis(100),
        crate::rig::wall(100),
        CounterKey::Source(number(1)),
    );
    assert!(look.unwrap().saturated);
    rig.sweep(2 * MINUTE);
    assert_eq!(rig.counters.stats().blocks, 0);
}

#[test]
fn dc_25_alarms_and_their_history_are_bounded() {
    let mut rig = limited(Limits { max_alarms: 2, alarm_history: 1, ..Limits::default() });
    for source in 0..4 {
        for i in 0..4 {
            rig.send(i, number(source), number(9));
        }
    }
    let stats = rig.counters.stats();
    assert_eq!((stats.alarms, stats.tallies.alarms_refused, stats.tallies.raised), (2, 2, 2));
    rig.sweep(2 * MINUTE);
    assert_eq!(rig.counters.history().count(), 1);
    for i in 0..4 {
        rig.send(2 * MINUTE + i, number(3), number(9));
    }
    assert_eq!(rig.counters.alarms().count(), 1);
}

#[test]
fn dc_25_an_alarm_without_evidence_is_raised_all_the_same() {
    let mut rig = limited(Limits { max_evidence: 0, ..Limits::default() });
    for i in 0..4 {
        rig.send(i, number(1), number(i));
    }
    let alarm = rig.counters.alarms().next().unwrap();
    assert_eq!((alarm.distinct, alarm.samples.as_slice()), (0, [4].as_slice()));
    assert!(rig.counters.stats().tallies.evidence_refused > 0);
}

#[test]
fn dc_25_memory_follows_the_keys_down() {
    let mut rig = Rig::new(vec![Policy::new(KeyKind::Source)]);
    let empty = rig.counters.stats().memory_bytes;
    for i in 0..200_000 {
        rig.send(i / 100, number(i), number(0));
    }
    let full = rig.counters.stats().memory_bytes;
    assert!(full > empty + 200_000 * 64, "{full}");
    assert!(full < empty + 200_000 * 200, "{full}");
    rig.sweep(15 * MINUTE);
    let after = rig.counters.stats();
    assert_eq!(after.keys, 0);
    assert!(after.memory_bytes < empty + (full - empty) / 4, "{} of {full}", after.memory_bytes);
}

#[test]
fn dc_25_a_slice_of_the_sweep_is_bounded() {
    let mut rig = limited(Limits { max_keys: 1_000_000, ..Limits::default() });
    for i in 0..100_000 {
        rig.send(0, number(i), number(0));
    }
    let slots = rig.counters.sweep_slots();
    let mut slices = 0;
    let mut visited = 0;
    loop {
        let report = rig.counters.sweep(signalbox_counters::Mono::ZERO, crate::rig::wall(0), 1_000);
        assert!(report.visited < 1_000 + 5_000, "{}", report.visited);
        visited += report.visited;
        slices += 1;
        if report.finished {
            break;
        }
    }
    assert_eq!(visited, slots);
    assert!(slices > 50, "{slices}");
}

#[test]
fn dc_25_times_do_not_wrap_on_keys_no_sweep_came_by() {
    let mut rig = limited(Limits::default());
    rig.send(1_000, number(1), number(2));
    // 2^32 ms later the timestamp would look as if it were of now.
    let later = 1_000 + (1 << 32);
    assert_eq!(rig.send(later, number(1), number(2)).counts.source, 1);
}

#[test]
fn dc_22_the_reverse_is_found_while_the_table_grows() {
    let mut rig =
        Rig::with(&set(vec![policy(KeyKind::Pair)]), Limits { max_keys: 20_000, ..Limits::default() });
    for i in 0..10_000 {
        let there = rig.send(0, number(2 * i), number(2 * i + 1));
        let back = rig.send(1, number(2 * i + 1), number(2 * i));
        assert_eq!((there.counts.reverse, back.counts.reverse), (0, 1), "{i}");
    }
}

#[test]
fn dc_22_a_reverse_that_gave_way_is_not_read() {
    let mut rig = Rig::with(&set(vec![policy(KeyKind::Pair)]), Limits { max_keys: 30, ..Limits::default() });
    for i in 0..2_000 {
        rig.send(i, number(2 * i), number(2 * i + 1));
        let back = rig.send(i, number(2 * i + 1), number(2 * i));
        let held = rig.held(i, pair(number(2 * i), number(2 * i + 1)));
        assert_eq!(back.counts.reverse, held, "{i}");
    }
}
