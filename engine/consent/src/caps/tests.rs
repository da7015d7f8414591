use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600_000_000;

fn key(number: u64, matter: u32) -> CapKey {
    let number = E164::from_value(12_025_550_000 + number).unwrap();
    CapKey { number, account: AccountId(1), matter: MatterId(matter) }
}

fn cap(most: u16, hours: u32, over: CapOver) -> Cap {
    Cap::new(&CapSpec { most, hours, over }).unwrap()
}

#[test]
fn three_in_a_day_on_one_matter() {
    let mut caps = FrequencyCaps::new(100);
    let rule = [cap(3, 24, CapOver::Matter)];
    for hour in [0, 1, 5] {
        assert_eq!(caps.ask(&key(1, 1), &rule, Micros(hour * HOUR)), CapVerdict::Free);
        caps.count(&key(1, 1), Micros(hour * HOUR));
    }
    let ask = |number, matter, at| caps.ask(&key(number, matter), &rule, Micros(at));
    assert_eq!(ask(1, 1, 6 * HOUR), CapVerdict::Until(Micros(24 * HOUR)));
    assert_eq!(ask(1, 1, 24 * HOUR - 1), CapVerdict::Until(Micros(24 * HOUR)));
    assert_eq!(ask(1, 1, 24 * HOUR), CapVerdict::Free);
    assert_eq!(ask(1, 2, 6 * HOUR), CapVerdict::Free, "another matter");
    assert_eq!(ask(2, 1, 6 * HOUR), CapVerdict::Free, "another device");
    let whole = [cap(3, 24, CapOver::Account)];
    assert_eq!(caps.ask(&key(1, 2), &whole, Micros(6 * HOUR)), CapVerdict::Until(Micros(24 * HOUR)));
    let other = CapKey { account: AccountId(2), ..key(1, 1) };
    assert_eq!(caps.ask(&other, &rule, Micros(6 * HOUR)), CapVerdict::Free, "another account");
}

#[test]
fn the_latest_of_several_caps_decides() {
    let mut caps = FrequencyCaps::new(100);
    caps.count(&key(1, 1), Micros(0));
    let both = [cap(1, 1, CapOver::Matter), cap(1, 48, CapOver::Account)];
    assert_eq!(caps.ask(&key(1, 1), &both, Micros(1)), CapVerdict::Until(Micros(48 * HOUR)));
}

#[test]
fn rows_bring_the_counts_back() {
    let rule = [cap(2, 24, CapOver::Matter)];
    let mut caps = FrequencyCaps::new(100);
    caps.count(&key(1, 1), Micros(5));
    caps.count(&key(1, 1), Micros(9));
    let latest = caps.drain_changes().last().unwrap();
    assert_eq!(latest.times, [Micros(5), Micros(9)]);
    assert_eq!(caps.drain_changes().count(), 0);
    let mut again = FrequencyCaps::new(100);
    again.restore([latest]);
    assert_eq!(again.drain_changes().count(), 0);
    assert_eq!(again.ask(&key(1, 1), &rule, Micros(10)), caps.ask(&key(1, 1), &rule, Micros(10)));
    assert_eq!(again.ask(&key(1, 1), &rule, Micros(10)), CapVerdict::Until(Micros(5 + 24 * HOUR)));
}

#[test]
fn at_the_bound_new_recipients_wait_and_the_sweep_makes_room() {
    let rule = [cap(3, 24, CapOver::Matter)];
    let mut caps = FrequencyCaps::new(4);
    caps.count(&key(1, 1), Micros(0));
    caps.count(&key(2, 1), Micros(0));
    assert_eq!(caps.len(), 4);
    assert_eq!(caps.ask(&key(1, 1), &rule, Micros(1)), CapVerdict::Free, "it has a place");
    assert_eq!(caps.ask(&key(3, 1), &rule, Micros(1)), CapVerdict::Until(Micros(60_000_001)));
    let later = Micros(i64::from(MAX_HOURS) * HOUR + 1);
    (0..256).for_each(|_| caps.sweep(later));
    assert!(caps.is_empty());
    assert_eq!(caps.ask(&key(3, 1), &rule, later), CapVerdict::Free);
}

#[test]
fn figures_out_of_range_are_refused() {
    let new = |most, hours| Cap::new(&CapSpec { most, hours, over: CapOver::Matter });
    assert_eq!(new(0, 1), Err(CapError::Most(0)));
    assert_eq!(new(MAX_MOST + 1, 1), Err(CapError::Most(MAX_MOST + 1)));
    assert_eq!(new(1, 0), Err(CapError::Hours(0)));
    assert_eq!(new(1, MAX_HOURS + 1), Err(CapError::Hours(MAX_HOURS + 1)));
}

proptest! {
    /// However messages come, no window of the length of the cap ever has more than the cap allows, and none waits
    /// without need.
    #[test]
    fn no_window_holds_more_than_the_cap(
        most in 1u16..6, hours in 1u32..30, gaps in proptest::collection::vec(0i64..10 * HOUR, 1..80),
    ) {
        let rule = [cap(most, hours, CapOver::Matter)];
        let span = i64::from(hours) * HOUR;
        let mut caps = FrequencyCaps::new(10);
        let mut sent: Vec<i64> = Vec::new();
        let mut now = 0;
        for gap in gaps {
            now += gap;
            let inside = sent.iter().filter(|at| **at > now - span).count();
            match caps.ask(&key(1, 1), &rule, Micros(now)) {
                CapVerdict::Free => {
                    prop_assert!(inside < usize::from(most));
                    caps.count(&key(1, 1), Micros(now));
                    sent.push(now);
                }
                CapVerdict::Until(until) => {
                    prop_assert!(inside >= usize::from(most));
                    prop_assert_eq!(caps.ask(&key(1, 1), &rule, until), CapVerdict::Free);
                    let before = Micros(until.0 - 1);
                    prop_assert_ne!(caps.ask(&key(1, 1), &rule, before), CapVerdict::Free);
                }
            }
        }
    }
}
