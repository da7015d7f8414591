use std::collections::BTreeSet;
use std::str::FromStr;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Micros {
    Micros(Timestamp::from_str(text).unwrap().as_microsecond())
}

fn number(value: u64) -> E164 {
    E164::from_value(12_025_550_000 + value).unwrap()
}

const PACIFIC: &str = "America/Los_Angeles";
const DAY: LimitId = LimitId(1);
const RATE: LimitId = LimitId(2);
const NONE: SourceId = SourceId(0);

fn limits(zones: &Zones, most: u32) -> DailyLimits {
    let mut limits = DailyLimits::default();
    limits.put(DAY, &LimitSpec::PerDay { most, zone: PACIFIC.into() }, zones).unwrap();
    limits.put(RATE, &LimitSpec::PerMinute { most: 240 }, zones).unwrap();
    limits
}

#[test]
fn a_day_ends_at_midnight_of_its_zone() {
    let zones = Zones::load();
    let mut limits = limits(&zones, 2);
    let now = at("2026-03-08T05:00:00Z");
    for _ in 0..2 {
        assert_eq!(limits.ask(&[DAY], now), LimitVerdict::Free);
        limits.count(&[DAY], NONE, None, now, &zones);
    }
    // 8 March 2026 begins by the clock of winter and ends by that of summer.
    assert_eq!(limits.ask(&[DAY], now), LimitVerdict::Until(at("2026-03-08T08:00:00Z")));
    assert_eq!(limits.ask(&[DAY], at("2026-03-08T08:00:00Z")), LimitVerdict::Free);
    let sunday = at("2026-03-08T08:00:00Z");
    (0..2).for_each(|_| limits.count(&[DAY], NONE, None, sunday, &zones));
    assert_eq!(limits.ask(&[DAY], sunday), LimitVerdict::Until(at("2026-03-09T07:00:00Z")));
}

#[test]
fn a_midnight_that_the_clock_skips_is_the_first_instant_of_the_day() {
    let zones = Zones::load();
    // Beirut goes from 0:00 to 1:00 on 29 March 2026.
    let beirut = zones.find("Asia/Beirut").unwrap();
    assert_eq!(end_of(Period::Day, &zones, beirut, at("2026-03-28T12:00:00Z")), at("2026-03-28T22:00:00Z"));
    assert_eq!(end_of(Period::Day, &zones, beirut, at("2026-03-28T22:00:00Z")), at("2026-03-29T21:00:00Z"));
}

#[test]
fn a_month_ends_with_its_last_day() {
    let zones = Zones::load();
    let mut limits = DailyLimits::default();
    limits.put(DAY, &LimitSpec::PerMonth { most: 1, zone: PACIFIC.into() }, &zones).unwrap();
    let now = at("2026-02-01T08:00:00Z");
    limits.count(&[DAY], NONE, None, now, &zones);
    assert_eq!(limits.ask(&[DAY], now), LimitVerdict::Until(at("2026-03-01T08:00:00Z")));
    assert_eq!(
        limits.ask(&[DAY], at("2026-03-01T07:59:59Z")),
        LimitVerdict::Until(at("2026-03-01T08:00:00Z"))
    );
    assert_eq!(limits.ask(&[DAY], at("2026-03-01T08:00:00Z")), LimitVerdict::Free);
    // A count of days is none of months.
    limits.put(DAY, &LimitSpec::PerDay { most: 1, zone: PACIFIC.into() }, &zones).unwrap();
    assert_eq!(limits.ask(&[DAY], now), LimitVerdict::Free);
}

#[test]
fn a_rate_lets_a_second_through_at_once() {
    let zones = Zones::load();
    let mut limits = limits(&zones, 1);
    let now = at("2026-01-15T12:00:00Z");
    let mut let_through = 0;
    while limits.ask(&[RATE], now) == LimitVerdict::Free {
        limits.count(&[RATE], NONE, None, now, &zones);
        let_through += 1;
    }
    assert_eq!(let_through, 4, "240 a minute are 4 a second");
    assert_eq!(limits.ask(&[RATE], now), LimitVerdict::Until(Micros(now.0 + 250_000)));
    assert_eq!(limits.ask(&[RATE], Micros(now.0 + 250_000)), LimitVerdict::Free);
}

#[test]
fn limits_and_zones_must_be_known() {
    let zones = Zones::load();
    let mut limits = limits(&zones, 1);
    assert_eq!(limits.ask(&[DAY, LimitId(9)], Micros(0)), LimitVerdict::Unknown);
    limits.remove(DAY);
    assert_eq!(limits.ask(&[DAY], Micros(0)), LimitVerdict::Unknown);
    assert_eq!(limits.put(DAY, &LimitSpec::PerMinute { most: 0 }, &zones), Err(LimitError::Zero));
    let mars = LimitSpec::PerDay { most: 1, zone: "Mars/Dome".into() };
    assert_eq!(limits.put(DAY, &mars, &zones), Err(LimitError::UnknownZone("Mars/Dome".into())));
    assert_eq!(limits.put_source(SourceId(1), 0, PACIFIC, &zones), Err(LimitError::Zero));
}

#[test]
fn a_changed_limit_keeps_what_was_used() {
    let zones = Zones::load();
    let mut limits = limits(&zones, 2);
    let now = at("2026-01-15T12:00:00Z");
    (0..2).for_each(|_| limits.count(&[DAY], NONE, None, now, &zones));
    limits.put(DAY, &LimitSpec::PerDay { most: 3, zone: PACIFIC.into() }, &zones).unwrap();
    assert_eq!(limits.ask(&[DAY], now), LimitVerdict::Free);
    limits.count(&[DAY], NONE, None, now, &zones);
    assert_ne!(limits.ask(&[DAY], now), LimitVerdict::Free);
}

#[test]
fn a_source_address_has_so_many_recipients_a_day() {
    let zones = Zones::load();
    let mut limits = DailyLimits::default();
    let source = SourceId(7);
    limits.put_source(source, 2, PACIFIC, &zones).unwrap();
    let now = at("2026-01-15T12:00:00Z");
    for n in [1, 2, 1, 1] {
        assert_eq!(limits.ask_source(source, number(n), now), LimitVerdict::Free);
        limits.count(&[], source, Some(number(n)), now, &zones);
    }
    let midnight = at("2026-01-16T08:00:00Z");
    assert_eq!(limits.ask_source(source, number(3), now), LimitVerdict::Until(midnight));
    assert_eq!(limits.ask_source(source, number(2), now), LimitVerdict::Free, "it was written to before");
    assert_eq!(limits.ask_source(SourceId(8), number(3), now), LimitVerdict::Free, "no bound");
    assert_eq!(limits.ask_source(source, number(3), midnight), LimitVerdict::Free);
    limits.remove_source(source);
    assert_eq!(limits.ask_source(source, number(3), now), LimitVerdict::Free);
}

proptest! {
    /// After a restart from the rows every limit answers as before, and no day has more than its limit.
    #[test]
    fn rows_bring_the_use_back(
        most in 1u32..5,
        sends in proptest::collection::vec((0i64..12 * 3600, 0u64..6), 0..40),
    ) {
        let zones = Zones::load();
        let source = SourceId(7);
        let new = || {
            let mut limits = limits(&zones, most);
            limits.put_source(source, most, PACIFIC, &zones).unwrap();
            limits
        };
        let (mut first, mut rows) = (new(), Vec::new());
        let mut now = at("2026-01-15T12:00:00Z");
        let mut reached: BTreeSet<u64> = BTreeSet::new();
        let (mut sent, mut ends) = (0, Micros(i64::MIN));
        for (gap, to) in sends {
            now = Micros(now.0 + gap * 1_000_000);
            if now >= ends {
                ends = end_of(Period::Day, &zones, zones.find(PACIFIC).unwrap(), now);
                reached.clear();
                sent = 0;
            }
            let free = first.ask(&[DAY, RATE], now) == LimitVerdict::Free
                && first.ask_source(source, number(to), now) == LimitVerdict::Free;
            if free {
                first.count(&[DAY, RATE], source, Some(number(to)), now, &zones);
                sent += 1;
                reached.insert(to);
            }
            prop_assert!(sent <= most && reached.len() <= most as usize);
            rows.extend(first.drain_changes());
            let mut again = new();
            again.restore(rows.iter().copied());
            prop_assert_eq!(again.ask(&[DAY], now), first.ask(&[DAY], now));
            prop_assert_eq!(again.ask(&[RATE], now), first.ask(&[RATE], now));
            for n in 0..6 {
                let asked = again.ask_source(source, number(n), now);
                prop_assert_eq!(asked, first.ask_source(source, number(n), now));
            }
        }
    }
}
