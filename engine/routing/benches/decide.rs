//! A decision with 1,000 and 10,000 rules, and the number plan.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use signalbox_routing::plan::NumberPlan;
use signalbox_routing::rules::{ActionSpec, Conditions, RuleSpec, Sharing, TargetSpec, WindowSpec};
use signalbox_routing::{
    AccountId, AnswerSource, CarrierId, Direction, Health, LinkId, MessageClass, Names, NumberAnswer, Party,
    Query, RuleSet, RuleSetSpec, RuleVersion, UtcMicros,
};

const LINKS: u32 = 50;
const CARRIERS: u32 = 500;
const ACCOUNTS: u32 = 200;

fn names() -> Arc<Names> {
    let mut names = Names::new();
    for n in 0..LINKS {
        names.add_link(&format!("link-{n}"), LinkId(n), None);
    }
    for n in 0..CARRIERS {
        names.add_carrier(&format!("carrier-{n}"), CarrierId(n));
    }
    for n in 0..ACCOUNTS {
        names.add_account(&format!("account-{n}"), AccountId(n));
    }
    Arc::new(names)
}

/// Rules of all kinds: by prefix, by carrier, by account and class, by carrier and hours; the last takes all.
fn rules(count: u32) -> RuleSet {
    let target = |n: u32, priority| TargetSpec {
        link: format!("link-{}", n % LINKS),
        weight: 1 + n % 3,
        priority,
        cost: None,
    };
    let rules = (0..count)
        .map(|n| {
            let mut when = Conditions::default();
            match n % 4 {
                0 => when.destination_prefix = vec![format!("{}", 10_000 + n * 7 % 90_000)],
                1 => when.carrier = vec![format!("carrier-{}", n % CARRIERS)],
                2 => {
                    when.account = vec![format!("account-{}", n % ACCOUNTS)];
                    when.class = vec![MessageClass::Otp];
                }
                _ => {
                    when.carrier = vec![format!("carrier-{}", n * 3 % CARRIERS)];
                    when.time = vec![WindowSpec {
                        zone: "America/New_York".into(),
                        days: vec![],
                        from: Some("08:00".into()),
                        to: Some("09:00".into()),
                    }];
                }
            }
            if n == count - 1 {
                when = Conditions::default();
            }
            RuleSpec {
                name: format!("rule-{n}"),
                enabled: true,
                when,
                then: ActionSpec::Links(vec![
                    target(n, 0),
                    target(n + 1, 0),
                    target(n + 2, 0),
                    target(n + 3, 1),
                ]),
                sharing: Sharing::Weighted,
            }
        })
        .collect();
    RuleSet::compile(&RuleSetSpec { currency: None, rules }, RuleVersion(1), names())
        .expect("the rules are sound")
}

fn query(destination: &[u8], carrier: Option<u32>) -> Query<'_> {
    Query {
        direction: Direction::Mt,
        source: Party::Number(b"12345"),
        destination: Party::Number(destination),
        account: Some(AccountId(7)),
        ingress: None,
        class: MessageClass::Bulk,
        number: NumberAnswer {
            country: "US".parse().ok(),
            carrier: carrier.map(CarrierId),
            source: AnswerSource::NumberPlan,
            as_of: UtcMicros(0),
        },
        max_cost: None,
        at: UtcMicros(1_768_500_000_000_000),
    }
}

fn decide(criterion: &mut Criterion) {
    let destinations: Vec<String> =
        (0..1024u64).map(|n| (12_000_000_000 + n * 7_654_321).to_string()).collect();
    let health = |link: LinkId| if link.0 % 17 == 3 { Health::Down } else { Health::Up };
    for count in [1_000, 10_000] {
        let set = rules(count);
        println!("{count} rules: index of {} octets", set.index_memory());
        for (kind, carrier) in [("by carrier", true), ("last rule", false)] {
            let mut turn = 0usize;
            criterion.bench_function(&format!("decide/{count} rules/{kind}"), |bencher| {
                bencher.iter(|| {
                    turn = (turn + 1) % destinations.len();
                    let carrier = carrier.then(|| (turn as u32 * 13) % CARRIERS);
                    black_box(set.decide(&query(destinations[turn].as_bytes(), carrier), &health))
                });
            });
        }
    }
    let mut plan = NumberPlan::new();
    for n in 0..100_000u32 {
        plan.set_carrier(&format!("1{}", 200_000 + n * 7), CarrierId(n % CARRIERS))
            .expect("the prefix is sound");
    }
    println!("number plan of {} prefixes: {} octets", plan.carriers(), plan.memory());
    let mut turn = 0usize;
    criterion.bench_function("number plan", |bencher| {
        bencher.iter(|| {
            turn = (turn + 1) % destinations.len();
            black_box(plan.look_up(destinations[turn].as_bytes()))
        });
    });
}

criterion_group!(benches, decide);
criterion_main!(benches);
