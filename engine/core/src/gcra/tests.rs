use proptest::prelude::*;

use super::*;

fn per_second(messages: u32) -> Option<Rate> {
    Some(Rate::per_second(messages).unwrap())
}

/// Takes single messages as soon as they may leave, from `start` until `end`; their times.
fn greedy(gcra: &mut Gcra, start: u64, end: u64) -> Vec<u64> {
    let (mut now, mut times) = (start, Vec::new());
    loop {
        now = gcra.ready_at(Mono(now)).0;
        if now >= end {
            return times;
        }
        gcra.take(Mono(now), 1).unwrap();
        times.push(now);
    }
}

/// Most messages in any half-open span of this length.
fn most_within(times: &[u64], span: u64) -> usize {
    let mut first = 0;
    (0..times.len())
        .map(|last| {
            while times[first] + span <= times[last] {
                first += 1;
            }
            last + 1 - first
        })
        .max()
        .unwrap_or(0)
}

#[test]
fn rates_that_are_none_are_refused() {
    assert_eq!(Rate::per_second(0), Err(RateError::NoMessages));
    assert_eq!(Rate::new(1, Duration::ZERO), Err(RateError::Period(0)));
    assert_eq!(Rate::new(1, Duration::from_secs(86_401)), Err(RateError::Period(86_401 * NANOS)));
    assert!(serde_json::from_str::<Rate>(r#"{"messages":0,"period_nanos":1}"#).is_err());
    let rate = Rate::per_minute(90).unwrap();
    assert_eq!(serde_json::from_str::<Rate>(&serde_json::to_string(&rate).unwrap()).unwrap(), rate);
    assert_eq!(rate.per_second_milli(), 1500);
    assert!(rate.is_below(Rate::per_second(2).unwrap()));
    assert!(!rate.is_below(Rate::new(3, Duration::from_secs(2)).unwrap()));
}

#[test]
fn without_a_rate_all_may_leave() {
    let mut gcra = Gcra::new(None, 0);
    assert_eq!(gcra.take(Mono(0), u32::MAX), Ok(()));
    assert_eq!(gcra.ready_at(Mono(7)), Mono(7));
    assert_eq!(gcra.tokens_available(Mono(0), 50), 50);
}

#[test]
fn a_burst_leaves_at_once_and_then_the_rate_rules() {
    let mut gcra = Gcra::new(per_second(10), 5);
    assert_eq!(gcra.tokens_available(Mono(0), 100), 5);
    assert_eq!(gcra.take(Mono(0), 5), Ok(()));
    assert_eq!(gcra.tokens_available(Mono(0), 100), 0);
    assert_eq!(gcra.take(Mono(0), 1), Err(Mono(NANOS / 10)));
    assert_eq!(gcra.tokens_available(Mono(NANOS / 10 - 1), 100), 0);
    assert_eq!(gcra.tokens_available(Mono(NANOS / 10), 100), 1);
    assert_eq!(gcra.take(Mono(NANOS / 10), 2), Err(Mono(NANOS / 5)));
    // A long rest gives no more than the burst.
    assert_eq!(gcra.tokens_available(Mono(1000 * NANOS), 100), 5);
}

#[test]
fn more_than_the_burst_is_owed() {
    let mut gcra = Gcra::new(per_second(10), 2);
    assert_eq!(gcra.take(Mono(0), 7), Ok(()));
    assert_eq!(gcra.ready_at(Mono(0)), Mono(600_000_000));
}

#[test]
fn nothing_drifts_over_a_day() {
    // A third of a second and a seventh of a minute are no whole nanoseconds.
    for rate in [Rate::per_second(3), Rate::per_minute(7), Rate::new(11, Duration::from_secs(3600))] {
        let rate = rate.unwrap();
        let mut gcra = Gcra::new(Some(rate), 1);
        let day = 86_400 * NANOS;
        let sent = greedy(&mut gcra, 0, day).len() as u64;
        assert_eq!(sent, u64::from(rate.messages) * (day / rate.period));
    }
}

#[test]
fn a_late_timer_catches_up_within_its_slack_only() {
    let tick = 1_000_000;
    for (slack, expected) in [(Duration::ZERO, 167..=168), (Duration::from_millis(2), 195..=196)] {
        let mut gcra = Gcra::new(per_second(195), 1).with_slack(slack);
        let mut sent = 0;
        for now in (0..NANOS).step_by(tick) {
            sent += u32::from(gcra.take(Mono(now), 1).is_ok());
        }
        assert!(expected.contains(&sent), "{sent} with {slack:?}");
    }
    let mut gcra = Gcra::new(per_second(1000), 1).with_slack(Duration::from_millis(3));
    gcra.take(Mono(0), 1).unwrap();
    assert_eq!(gcra.tokens_available(Mono(3_000_000), 100), 3);
    assert_eq!(gcra.tokens_available(Mono(5_000_000), 100), 1);
}

#[test]
fn what_did_not_leave_is_given_back() {
    let mut gcra = Gcra::new(per_second(3), 3);
    gcra.take(Mono(0), 3).unwrap();
    gcra.give_back(2);
    assert_eq!(gcra.tokens_available(Mono(0), 9), 2);
}

#[test]
fn a_new_rate_grants_no_burst_and_does_not_stop_the_flow() {
    let mut gcra = Gcra::new(per_second(10), 4);
    gcra.take(Mono(0), 3).unwrap();
    gcra.set_rate(Mono(0), per_second(1000), 4);
    assert_eq!(gcra.tokens_available(Mono(0), 9), 1);
    gcra.set_rate(Mono(0), Rate::per_minute(1).ok(), 4);
    assert_eq!(gcra.tokens_available(Mono(0), 9), 1);
    gcra.take(Mono(0), 1).unwrap();
    gcra.set_rate(Mono(NANOS), per_second(7), 4);
    assert_eq!(gcra.tokens_available(Mono(NANOS), 9), 0, "a sixtieth of a message is paid");
    assert_eq!(gcra.take(Mono(NANOS), 1).unwrap_err().0 / 1_000_000, 1140);
    gcra.set_rate(Mono(NANOS), per_second(10), 1);
    assert_eq!(gcra.ready_at(Mono(NANOS)), Mono(NANOS + NANOS / 10), "what exceeds the burst is let go");
    gcra.set_rate(Mono(NANOS), None, 1);
    assert_eq!(gcra.take(Mono(NANOS), 99), Ok(()));
}

#[test]
fn the_ends_of_the_number_range_hold() {
    let mut gcra = Gcra::new(Rate::new(1, Duration::from_secs(86_400)).ok(), u32::MAX);
    assert_eq!(gcra.take(Mono(u64::MAX), u32::MAX), Ok(()));
    gcra.set_rate(Mono(u64::MAX), Rate::new(1, Duration::from_secs(86_400)).ok(), 1);
    assert_eq!(gcra.ready_at(Mono(0)), Mono(u64::MAX));
    let mut gcra = Gcra::new(Rate::new(u32::MAX, Duration::from_nanos(1)).ok(), u32::MAX);
    assert_eq!(gcra.take(Mono(u64::MAX), u32::MAX), Ok(()));
    gcra.set_rate(Mono(u64::MAX), Rate::new(1, Duration::from_secs(86_400)).ok(), 1);
}

proptest! {
    #[test]
    fn no_second_sees_more_than_rate_and_burst(
        rate in 1u32..500,
        burst in 1u32..50,
        steps in proptest::collection::vec((0u64..400_000_000, 1u32..60), 1..200),
    ) {
        let mut gcra = Gcra::new(per_second(rate), burst);
        let (mut now, mut times) = (0, Vec::new());
        for (wait, want) in steps {
            now += wait;
            let free = gcra.tokens_available(Mono(now), want);
            prop_assert!(free <= want);
            if free > 0 {
                prop_assert_eq!(gcra.take(Mono(now), free), Ok(()));
                times.extend(std::iter::repeat_n(now, free as usize));
            }
            if free < want && free < burst {
                // What is not available now is, as soon as it says so, and not before.
                let at = gcra.take(Mono(now), 1).unwrap_err().0;
                prop_assert_eq!(gcra.tokens_available(Mono(at), 1), 1);
                prop_assert_eq!(gcra.tokens_available(Mono(at - 1), 1), 0);
            }
        }
        prop_assert!(most_within(&times, NANOS) <= (rate + burst) as usize);
    }

    #[test]
    fn the_rate_is_used_to_the_last_message(messages in 1u32..2000, seconds in 1u64..120, burst in 1u32..40) {
        let rate = Rate::new(messages, Duration::from_secs(seconds)).unwrap();
        let mut gcra = Gcra::new(Some(rate), burst);
        let sent = greedy(&mut gcra, 5, 5 + rate.period).len() as u32;
        prop_assert_eq!(sent, messages + burst - 1);
    }

    #[test]
    fn changing_the_rate_all_the_time_grants_nothing(
        rates in proptest::collection::vec(1u32..1000, 1..50),
        burst in 1u32..20,
    ) {
        let mut gcra = Gcra::new(per_second(rates[0]), burst);
        let mut sent = 0;
        for &rate in &rates {
            gcra.set_rate(Mono(0), per_second(rate), burst);
            let free = gcra.tokens_available(Mono(0), u32::MAX);
            sent += free;
            if free > 0 {
                gcra.take(Mono(0), free).unwrap();
            }
        }
        prop_assert!(sent <= burst);
    }
}
