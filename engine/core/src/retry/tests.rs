use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;
const HALF: u64 = u64::MAX / 2;

/// The default schedule, each wait longer or shorter by up to so many per cent.
fn spread(percent: u8) -> RetrySchedule {
    let mut schedule = RetrySchedule::default();
    for tries in [
        &mut schedule.temporary,
        &mut schedule.permanent,
        &mut schedule.throttling,
        &mut schedule.queue_full,
        &mut schedule.fatal,
    ] {
        tries.jitter_percent = percent;
    }
    schedule
}

fn exact() -> RetrySchedule {
    spread(0)
}

#[test]
fn the_last_delay_repeats_until_validity_ends() {
    let schedule = exact();
    let week = Micros(7 * 86_400 * SECOND);
    let mut now = Micros(0);
    let mut waits = Vec::new();
    for attempt in 1.. {
        match schedule.next(ErrorClass::Temporary, attempt, now, week, HALF) {
            Retry::At(at) => {
                waits.push(at.since(now).as_secs());
                now = at;
            }
            Retry::GiveUp(reason) => {
                assert_eq!(reason, Reason::ValidityEnded);
                break;
            }
        }
    }
    assert_eq!(waits[..10], [30, 120, 300, 900, 1800, 3600, 7200, 14_400, 14_400, 14_400]);
    assert!(waits.len() < 70, "{} tries", waits.len());
    assert!(week.since(now) < Duration::from_secs(60), "the last try comes shortly before the end");
}

#[test]
fn attempts_are_counted() {
    let mut schedule = exact();
    schedule.temporary.attempts = Some(3);
    let far = Micros(i64::MAX);
    let next = |attempt| schedule.next(ErrorClass::Temporary, attempt, Micros(0), far, HALF);
    assert_eq!(next(1), Retry::At(Micros(30 * SECOND)));
    assert_eq!(next(2), Retry::At(Micros(120 * SECOND)));
    assert_eq!(next(3), Retry::GiveUp(Reason::RetriesExhausted));
}

#[test]
fn a_permanent_error_is_the_end() {
    let next = exact().next(ErrorClass::Permanent, 1, Micros(0), Micros(i64::MAX), 0);
    assert_eq!(next, Retry::GiveUp(Reason::PeerRefused));
    let mut never = exact();
    never.fatal.delays.clear();
    let next = never.next(ErrorClass::Fatal, 1, Micros(0), Micros(i64::MAX), 0);
    assert_eq!(next, Retry::GiveUp(Reason::RetriesExhausted));
}

#[test]
fn a_short_validity_gets_a_last_try() {
    let next = |attempt, now: i64| {
        exact().next(ErrorClass::Temporary, attempt, Micros(now * SECOND), Micros(300 * SECOND), HALF)
    };
    assert_eq!(next(2, 30), Retry::At(Micros(150 * SECOND)));
    assert_eq!(next(3, 150), Retry::At(Micros(225 * SECOND)));
    assert_eq!(next(4, 225), Retry::At(Micros(262_500_000)));
    assert_eq!(next(5, 262), Retry::GiveUp(Reason::ValidityEnded));
    assert_eq!(next(1, 300), Retry::GiveUp(Reason::ValidityEnded));
    assert_eq!(next(1, 900), Retry::GiveUp(Reason::ValidityEnded));
}

#[test]
fn the_defaults_are_valid_and_survive_the_file() {
    let schedule = RetrySchedule::default();
    assert_eq!(schedule.validate(), Ok(()));
    let written = serde_json::to_string(&schedule).unwrap();
    assert_eq!(serde_json::from_str::<RetrySchedule>(&written).unwrap(), schedule);
    let file = r#"{"temporary": {"delays": ["10s", "1h 30m", "PT5M"], "attempts": 4, "jitter_percent": 20}}"#;
    let read: RetrySchedule = serde_json::from_str(file).unwrap();
    assert_eq!(read.temporary.delays, [10, 5400, 300].map(Delay::seconds));
    assert_eq!(read.fatal, schedule.fatal);
}

#[test]
fn what_makes_no_sense_is_named() {
    let invalid = |change: fn(&mut RetrySchedule)| {
        let mut schedule = RetrySchedule::default();
        change(&mut schedule);
        schedule.validate().unwrap_err().to_string()
    };
    assert_eq!(
        invalid(|s| s.queue_full.jitter_percent = 51),
        "queue_full.jitter_percent is 51, the most is 50"
    );
    assert_eq!(
        invalid(|s| s.fatal.delays[1] = Delay::seconds(0)),
        "fatal.delays[1] is 0s, the least is 100ms"
    );
    assert_eq!(
        invalid(|s| s.temporary.delays[0] = Delay::seconds(700_000)),
        "temporary.delays[0] is 194h 26m 40s, the most is 168h"
    );
    assert_eq!(
        invalid(|s| s.throttling.attempts = Some(0)),
        "throttling.attempts is 0, the first attempt counts as one"
    );
    assert_eq!(
        invalid(|s| s.permanent.attempts = Some(2)),
        "permanent.attempts is 2, but permanent.delays is empty"
    );
    for text in ["", "5", "soon", "-5s", "5x"] {
        let error = text.parse::<Delay>().unwrap_err();
        assert_eq!(error.to_string(), format!("'{text}' is no waiting time such as 90s, 5m or 1h 30m"));
    }
    assert!(serde_json::from_str::<RetrySchedule>(r#"{"temporary": {"delay": ["10s"]}}"#).is_err());
}

proptest! {
    #[test]
    fn jitter_stays_within_its_bound(random: u64, attempt in 1u32..20, percent in 0u8..=50) {
        let schedule = spread(percent);
        let next = |schedule: &RetrySchedule| {
            match schedule.next(ErrorClass::Temporary, attempt, Micros(5), Micros(i64::MAX), random) {
                Retry::At(at) => at.0 - 5,
                Retry::GiveUp(reason) => panic!("{reason:?}"),
            }
        };
        let (wait, plain) = (next(&schedule), next(&exact()));
        prop_assert!((wait - plain).abs() <= plain * i64::from(percent) / 100);
    }

    #[test]
    fn a_try_is_later_than_now_and_before_the_end(
        random: u64,
        attempt in 0u32..1000,
        now in 0i64..1_000_000_000,
        remaining in -1_000i64..100_000_000_000,
    ) {
        for class in ErrorClass::ALL {
            let next = RetrySchedule::default().next(class, attempt, Micros(now), Micros(now + remaining), random);
            if let Retry::At(at) = next {
                prop_assert!(at.0 > now && at.0 < now + remaining);
            }
        }
    }
}

#[test]
fn each_class_has_its_own_jitter() {
    let mut schedule = exact();
    schedule.throttling.jitter_percent = 50;
    let next = |class| schedule.next(class, 1, Micros(0), Micros(i64::MAX), u64::MAX);
    assert_eq!(next(ErrorClass::Throttling), Retry::At(Micros(1_500_000)));
    assert_eq!(next(ErrorClass::QueueFull), Retry::At(Micros(5 * SECOND)));
}

#[test]
fn jitter_uses_its_whole_width() {
    let schedule = RetrySchedule::default();
    let wait = |random| match schedule.next(ErrorClass::Temporary, 1, Micros(0), Micros(i64::MAX), random) {
        Retry::At(at) => at.0,
        Retry::GiveUp(_) => 0,
    };
    assert_eq!((wait(0), wait(u64::MAX)), (27 * SECOND, 33 * SECOND));
}
