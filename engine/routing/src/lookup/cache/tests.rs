use proptest::prelude::*;

use super::super::{Finding, LookupSource};
use super::*;
use crate::id::CarrierId;

const SECOND: u64 = 1_000_000_000;

fn limits() -> CacheLimits {
    CacheLimits {
        numbers: 8,
        pending: 2,
        deadline: Duration::from_secs(2),
        longest: Duration::from_secs(100),
        shortest: Duration::from_secs(5),
        not_found: Duration::from_secs(10),
        failed: Duration::from_secs(3),
    }
}

fn number(n: u64) -> E164 {
    E164::from_value(12_025_550_000 + n).unwrap()
}

fn at(seconds: u64) -> MonoNanos {
    MonoNanos(seconds * SECOND)
}

fn wall(seconds: u64) -> UtcMicros {
    UtcMicros(i64::try_from(seconds).unwrap() * 1_000_000)
}

fn answer(ttl_seconds: u32, seconds: u64) -> LookupAnswer {
    let finding = Finding::Carrier(CarrierId(1));
    LookupAnswer { finding, source: LookupSource::Enum, as_of: wall(seconds), ttl_seconds }
}

fn learn(cache: &mut LookupCache, n: u64, ttl: u32, seconds: u64) {
    let reply = LookupReply::Found(answer(ttl, seconds));
    cache.complete(number(n), reply, at(seconds), wall(seconds));
}

#[test]
fn a_number_is_asked_for_once() {
    let mut cache = LookupCache::new(limits());
    assert_eq!(cache.request(number(1), Freshness::Any, at(0)), Request::Ask(at(2)));
    assert_eq!(cache.request(number(1), Freshness::Any, at(1)), Request::Wait(at(2)));
    learn(&mut cache, 1, 60, 1);
    let known = Request::Known(Remembered::Found(answer(60, 1)));
    assert_eq!(cache.request(number(1), Freshness::Any, at(1)), known);
    assert_eq!(cache.request(number(1), Freshness::Any, MonoNanos(61 * SECOND - 1)), known);
    assert_eq!(cache.request(number(1), Freshness::Any, at(61)), Request::Ask(at(63)));
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.asked, stats.joined), (2, 2, 1));
}

#[test]
fn times_to_live_are_bounded() {
    let mut cache = LookupCache::new(limits());
    learn(&mut cache, 1, 0, 0);
    learn(&mut cache, 2, u32::MAX, 0);
    assert!(matches!(cache.request(number(1), Freshness::Any, at(4)), Request::Known(_)));
    assert!(matches!(cache.request(number(1), Freshness::Any, at(5)), Request::Ask(_)));
    assert!(matches!(cache.request(number(2), Freshness::Any, at(99)), Request::Known(_)));
    assert!(matches!(cache.request(number(2), Freshness::Any, at(100)), Request::Ask(_)));
}

#[test]
fn refusals_and_failures_are_remembered() {
    let mut cache = LookupCache::new(limits());
    cache.complete(number(1), LookupReply::NotFound, at(0), wall(0));
    cache.complete(number(2), LookupReply::Failed, at(0), wall(0));
    assert_eq!(cache.request(number(1), Freshness::Any, at(9)), Request::Known(Remembered::NotFound));
    assert!(matches!(cache.request(number(1), Freshness::Any, at(10)), Request::Ask(_)));
    assert_eq!(cache.request(number(2), Freshness::Any, at(2)), Request::Known(Remembered::Failed));
    assert!(matches!(cache.request(number(2), Freshness::Any, at(3)), Request::Ask(_)));
}

#[test]
fn a_retry_asks_again() {
    let mut cache = LookupCache::new(limits());
    learn(&mut cache, 1, 60, 10);
    let retry = Freshness::NewerThan(wall(10));
    assert!(matches!(cache.request(number(1), retry, at(11)), Request::Ask(_)));
    // Meanwhile other messages still take the old answer.
    assert!(matches!(cache.request(number(1), Freshness::Any, at(11)), Request::Known(_)));
    learn(&mut cache, 1, 60, 12);
    let fresh = Request::Known(Remembered::Found(answer(60, 12)));
    assert_eq!(cache.request(number(1), retry, at(13)), fresh);
    // A failure is not asked again by retries either.
    cache.complete(number(2), LookupReply::Failed, at(20), wall(20));
    let retry = Freshness::NewerThan(wall(30));
    assert_eq!(cache.request(number(2), retry, at(21)), Request::Known(Remembered::Failed));
}

#[test]
fn look_ups_under_way_are_bounded_and_end() {
    let mut cache = LookupCache::new(limits());
    cache.request(number(1), Freshness::Any, at(0));
    cache.request(number(2), Freshness::Any, at(1));
    assert_eq!(cache.request(number(3), Freshness::Any, at(1)), Request::Overloaded);
    assert_eq!(cache.expire(MonoNanos(2 * SECOND - 1), wall(1)), []);
    assert_eq!(cache.expire(at(2), wall(2)), [number(1)]);
    assert_eq!(cache.request(number(1), Freshness::Any, at(2)), Request::Known(Remembered::Failed));
    assert!(matches!(cache.request(number(3), Freshness::Any, at(2)), Request::Ask(_)));
    let stats = cache.stats();
    assert_eq!((stats.overloaded, stats.timed_out, cache.pending()), (1, 1, 2));
    // Nobody called expire: the next request takes the question over.
    assert_eq!(cache.request(number(2), Freshness::Any, at(9)), Request::Ask(at(11)));
}

#[test]
fn what_is_used_stays() {
    let mut cache = LookupCache::new(limits());
    learn(&mut cache, 0, 90, 0);
    for n in 1..50 {
        learn(&mut cache, n, 90, 1);
        assert!(matches!(cache.request(number(0), Freshness::Any, at(1)), Request::Known(_)), "{n}");
        assert!(cache.len() <= 8);
    }
    assert!(matches!(cache.request(number(1), Freshness::Any, at(1)), Request::Ask(_)));
    assert!(cache.stats().forgotten > 30);
}

proptest! {
    /// Against a plain map: never a wrong or expired answer, never more than the limit.
    #[test]
    fn answers_are_never_wrong(steps in proptest::collection::vec((0..20u64, 0..120u32, any::<bool>(), 0..20u64), 0..300)) {
        let mut cache = LookupCache::new(limits());
        let mut model = std::collections::HashMap::new();
        let mut now = 0;
        for (n, ttl, write, passed) in steps {
            now += passed;
            if write {
                learn(&mut cache, n, ttl, now);
                model.insert(n, (answer(ttl, now), now + u64::from(ttl).clamp(5, 100)));
            } else {
                match cache.request(number(n), Freshness::Any, at(now)) {
                    Request::Known(Remembered::Found(got)) => {
                        let (expected, expires) = model[&n];
                        prop_assert_eq!(got, expected);
                        prop_assert!(now < expires);
                    }
                    Request::Known(_) => prop_assert!(false, "nothing else was learned"),
                    Request::Ask(_) | Request::Wait(_) | Request::Overloaded => {}
                }
            }
            prop_assert!(cache.len() <= 8);
            prop_assert!(cache.pending() <= 2);
        }
    }
}
