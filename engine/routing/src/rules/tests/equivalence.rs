//! The compiled form decides like the plain evaluation, and like a third one written here from the text form.

use proptest::prelude::*;

use super::*;

fn subset<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = Vec<T>> {
    // Empty in half of the cases, so that rules with few conditions are common.
    let some = proptest::sample::subsequence(values.clone(), 0..=values.len().min(2));
    prop_oneof![Just(Vec::new()), some]
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let addresses = (
        subset(words(&["12", "121", "345", "12134"])),
        subset(words(&["1", "12", "121", "3", "34"])),
        subset(words(&["12", "345", "BANK", "shop"])),
        subset(words(&["1", "12", "34"])),
        proptest::bool::weighted(0.2),
    );
    let others = (
        proptest::option::of(prop_oneof![Just(Direction::Mt), Just(Direction::Mo)]),
        subset(words(&["US", "DE"])),
        subset(words(&["north", "south"])),
        subset(words(&["acme", "globex"])),
        subset(words(&["a", "b"])),
        subset(MessageClass::ALL.to_vec()),
        proptest::bool::weighted(0.2),
    );
    (addresses, others).prop_map(|(addresses, others)| {
        let (destination, destination_prefix, source, source_prefix, source_alphanumeric) = addresses;
        let (direction, country, carrier, account, ingress, class, mornings) = others;
        let morning = WindowSpec { zone: "UTC".into(), days: vec![], from: None, to: Some("12:00".into()) };
        Conditions {
            direction,
            destination,
            destination_prefix,
            source,
            source_prefix,
            source_alphanumeric,
            country,
            carrier,
            account,
            ingress,
            class,
            time: if mornings { vec![morning] } else { vec![] },
            max_cost: None,
        }
    })
}

fn rule() -> impl Strategy<Value = (Conditions, bool, bool)> {
    (conditions(), proptest::bool::weighted(0.9), any::<bool>())
}

#[derive(Clone, Debug)]
struct Asked {
    direction: Direction,
    source: String,
    destination: String,
    account: Option<&'static str>,
    ingress: Option<&'static str>,
    class: MessageClass,
    country: Option<&'static str>,
    carrier: Option<&'static str>,
    hour: i64,
    max_cost: Option<i64>,
}

fn asked() -> impl Strategy<Value = Asked> {
    (
        prop_oneof![Just(Direction::Mt), Just(Direction::Mo)],
        prop_oneof!["[1-4]{1,5}".boxed(), Just("BANK".to_owned()).boxed(), "[a-z]{1,3}".boxed()],
        prop_oneof![4 => "[1-4]{1,6}", 1 => "[a-z]{2}"],
        proptest::option::of(prop_oneof![Just("acme"), Just("globex")]),
        proptest::option::of(prop_oneof![Just("a"), Just("b"), Just("c")]),
        proptest::sample::select(MessageClass::ALL.to_vec()),
        proptest::option::of(prop_oneof![Just("US"), Just("DE"), Just("FR")]),
        proptest::option::of(prop_oneof![Just("north"), Just("south")]),
        0..24i64,
        proptest::option::of(400..1000i64),
    )
        .prop_map(
            |(direction, source, destination, account, ingress, class, country, carrier, hour, max_cost)| {
                Asked {
                    direction,
                    source,
                    destination,
                    account,
                    ingress,
                    class,
                    country,
                    carrier,
                    hour,
                    max_cost,
                }
            },
        )
}

/// What the text form says, read literally.
fn literal(when: &Conditions, links: bool, asked: &Asked) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let address = |whole: &[String], prefixes: &[String], letters: bool, text: &str| {
        (whole.is_empty() && prefixes.is_empty() && !letters)
            || whole.iter().any(|entry| entry == text)
            || (digits(text) && prefixes.iter().any(|prefix| text.starts_with(prefix.as_str())))
            || (letters && !digits(text))
    };
    let listed = |list: &[String], value: Option<&str>| {
        list.is_empty() || value.is_some_and(|value| list.iter().any(|entry| entry == value))
    };
    when.direction.is_none_or(|direction| direction == asked.direction)
        && (when.class.is_empty() || when.class.contains(&asked.class))
        && address(&when.destination, &when.destination_prefix, false, &asked.destination)
        && address(&when.source, &when.source_prefix, when.source_alphanumeric, &asked.source)
        && listed(&when.country, asked.country)
        && listed(&when.carrier, asked.carrier)
        && listed(&when.account, asked.account)
        && listed(&when.ingress, asked.ingress)
        && (when.time.is_empty() || asked.hour < 12)
        && (!links || asked.max_cost.is_none_or(|cap| cap >= 500))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn compiled_plain_and_literal_agree(
        given in proptest::collection::vec(rule(), 0..150),
        questions in proptest::collection::vec(asked(), 20),
    ) {
        let spec = RuleSetSpec {
            currency: None,
            rules: given.iter().enumerate().map(|(index, (when, enabled, links))| RuleSpec {
                name: index.to_string(),
                enabled: *enabled,
                when: when.clone(),
                then: if *links {
                    let target = |link: &str| TargetSpec { link: link.into(), weight: 1, priority: 0, cost: None };
                    ActionSpec::Links(vec![target("a"), target("b")])
                } else {
                    ActionSpec::Reject("no".into())
                },
                sharing: Sharing::Weighted,
            }).collect(),
        };
        let names = names();
        let set = RuleSet::compile(&spec, RuleVersion(1), Arc::clone(&names)).unwrap();
        for asked in questions {
            let number = NumberAnswer {
                country: asked.country.and_then(|country| country.parse().ok()),
                carrier: asked.carrier.and_then(|carrier| names.carrier(carrier)),
                ..NumberAnswer::default()
            };
            let query = Query {
                direction: asked.direction,
                source: Party::of(asked.source.as_bytes()),
                destination: Party::of(asked.destination.as_bytes()),
                account: asked.account.and_then(|account| names.account(account)),
                ingress: asked.ingress.and_then(|link| names.link(link)).map(|(link, _)| link),
                class: asked.class,
                number,
                max_cost: asked.max_cost.map(Cost),
                at: UtcMicros(asked.hour * 3_600_000_000),
            };
            let decision = set.decide(&query, &up);
            let expected = given.iter().position(|(when, enabled, links)| *enabled && literal(when, *links, &asked));
            prop_assert_eq!(decision.rule.map(|rule| rule.0 as usize), expected);
            prop_assert_eq!(set.explain(&query, &up).decision, decision);
        }
    }
}
