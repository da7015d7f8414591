use metrics_exporter_prometheus::PrometheusBuilder;
use signalbox_core::id::AccountId;

use super::*;

/// Gauges of a link and an account that are both named `acme`, and the link `other`.
fn gauges() -> Gauges {
    let names = FxHashMap::from_iter([
        (PeerId::Link(LinkId(1)), "acme".to_owned()),
        (PeerId::Account(AccountId(1)), "acme".to_owned()),
    ]);
    let (lookups, _requests) = mpsc::channel(1);
    Gauges::new(Arc::new(arc_swap::ArcSwap::from_pointee(names)), lookups)
}

/// The lines of `/metrics` that the work leads to, with this metric.
fn exported(metric: &str, work: impl FnOnce(&mut Gauges)) -> Vec<String> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let register = recorder.handle();
    metrics::with_local_recorder(&recorder, || work(&mut gauges()));
    let mut lines: Vec<String> =
        register.render().lines().filter(|line| line.starts_with(metric)).map(str::to_owned).collect();
    lines.sort();
    lines
}

const LINK: PeerId = PeerId::Link(LinkId(1));
const ACCOUNT: PeerId = PeerId::Account(AccountId(1));

#[test]
fn a_link_and_an_account_of_equal_name_have_gauges_of_their_own() {
    let found = exported("queue_oldest_age_seconds{", |gauges| {
        gauges.queue_gauges(LINK).oldest.set(5.0);
        gauges.queue_gauges(ACCOUNT).oldest.set(0.0);
    });
    assert_eq!(
        found,
        [
            "queue_oldest_age_seconds{kind=\"account\",link=\"acme\"} 0",
            "queue_oldest_age_seconds{kind=\"link\",link=\"acme\"} 5",
        ]
    );
}

#[test]
fn a_link_and_an_account_of_equal_name_are_counted_apart() {
    let notes = [
        Note::Released { peer: LINK },
        Note::Released { peer: ACCOUNT },
        Note::Released { peer: ACCOUNT },
        Note::InDoubt { peer: LINK },
        Note::InDoubt { peer: ACCOUNT },
        Note::Accepted { direction: Direction::Mt, account: Some(AccountId(1)), link: None, test: false },
        Note::Accepted { direction: Direction::Mt, account: None, link: Some(LinkId(1)), test: false },
        Note::Accepted { direction: Direction::Mt, account: Some(AccountId(1)), link: None, test: true },
    ];
    let of = |metric: &str| exported(metric, |gauges| gauges.notes(&notes));
    assert_eq!(
        of("delivery_attempts_total{"),
        [
            "delivery_attempts_total{kind=\"account\",link=\"acme\"} 2",
            "delivery_attempts_total{kind=\"link\",link=\"acme\"} 1",
        ]
    );
    assert_eq!(of("delivery_doubts_total{").len(), 2);
    assert_eq!(of("messages_accepted_total{").len(), 2);
    assert_eq!(of("messages_accepted_total{").iter().filter(|line| line.ends_with(" 1")).count(), 2);
    assert_eq!(of("messages_tested_total{"), ["messages_tested_total{direction=\"mt\"} 1"]);
}
