//! RateLease: no span of time has more tokens than its limit allows.

use std::time::Duration;

use proptest::prelude::*;
use signalbox_backends::lease::LocalLease;
use signalbox_backends::memory::{Cluster, Refusal};
use signalbox_core::backend::{RateKey, RateLease};
use signalbox_core::id::{AccountId, LinkId, PeerId};
use signalbox_core::time::{Mono, Now};

const LINK: RateKey = RateKey(PeerId::Link(LinkId(1)));
const ACCOUNT: RateKey = RateKey(PeerId::Account(AccountId(1)));

fn each(promise: impl Fn(&mut dyn RateLease)) {
    promise(&mut LocalLease::default());
    promise(&mut Cluster::new(1).lease());
}

fn at(nanos: u64) -> Now {
    Now { mono: Mono(nanos), ..Now::default() }
}

#[test]
fn without_a_limit_everything_is_given() {
    each(|lease| assert_eq!(lease.lease(LINK, 12_345, at(0)).tokens, 12_345));
}

#[test]
fn keys_do_not_share_their_limits() {
    each(|lease| {
        lease.limit(LINK, Some(1));
        lease.limit(ACCOUNT, Some(1));
        assert_eq!(lease.lease(LINK, 9, at(0)).tokens, 1);
        assert_eq!(lease.lease(LINK, 9, at(0)).tokens, 0);
        assert_eq!(lease.lease(ACCOUNT, 9, at(0)).tokens, 1);
    });
}

#[test]
fn to_set_the_same_limit_again_gives_nothing_new() {
    each(|lease| {
        lease.limit(LINK, Some(10));
        assert_eq!(lease.lease(LINK, 1, at(0)).tokens, 1);
        lease.limit(LINK, Some(10));
        assert_eq!(lease.lease(LINK, 1, at(0)).tokens, 0);
    });
}

#[test]
fn nodes_share_a_limit_and_refusals_are_counted() {
    let cluster = Cluster::new(1);
    let (mut one, mut two) = (cluster.lease(), cluster.lease());
    one.limit(LINK, Some(100));
    assert_eq!(one.lease(LINK, 1, at(0)).tokens + one.lease(LINK, 1, at(0)).tokens, 2);
    assert_eq!(two.lease(LINK, 5, at(0)).tokens, 0);
    assert_eq!(cluster.tally().refused(Refusal::NoToken), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_limit_holds_over_every_span(
        rate in 1..5000u32,
        calls in prop::collection::vec((0..100_000_000u64, 1..300u32), 1..200),
    ) {
        let mut lease = LocalLease::default();
        lease.limit(LINK, Some(rate));
        let mut now = 0;
        let mut given: Vec<(u64, u64)> = Vec::new();
        for (pause, want) in calls {
            now += pause;
            let got = lease.lease(LINK, want, at(now));
            prop_assert!(got.tokens <= want);
            given.push((now, u64::from(got.tokens)));
            if got.tokens == 0 {
                // Who asks when told gets something, and not before.
                let wait = u64::try_from(got.retry_after.as_nanos()).unwrap();
                let mut early = given.clone();
                prop_assert!(wait > 0);
                prop_assert_eq!(lease.lease(LINK, 1, at(now + wait - 1)).tokens, 0);
                now += wait;
                prop_assert_eq!(lease.lease(LINK, 1, at(now)).tokens, 1);
                early.push((now, 1));
                given = early;
            }
        }
        let burst = u64::from((rate / 50).max(1));
        for (first, &(start, _)) in given.iter().enumerate() {
            let mut sum = 0;
            for &(end, tokens) in &given[first..] {
                sum += tokens;
                let allowed = burst + (end - start) * u64::from(rate) / 1_000_000_000 + 1;
                prop_assert!(sum <= allowed, "{sum} tokens in {:?}", Duration::from_nanos(end - start));
            }
        }
    }
}
