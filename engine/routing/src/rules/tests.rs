//! Rules from text to decision: each condition, each fault, sharing and failover, traces.

mod equivalence;
mod faults;
mod sharing;

use std::sync::Arc;

use super::*;
use crate::id::{AccountId, CarrierId, Cost, LinkId, UtcMicros};
use crate::number::{AnswerSource, NumberAnswer};
use crate::query::{Direction, MessageClass, Party};

pub(super) const A: LinkId = LinkId(1);
pub(super) const B: LinkId = LinkId(2);
pub(super) const C: LinkId = LinkId(3);

pub(super) fn names() -> Arc<Names> {
    let mut names = Names::new();
    names.add_link("a", A, Some(Cost(500))).add_link("b", B, Some(Cost(700))).add_link("c", C, None);
    names.add_account("acme", AccountId(10)).add_account("globex", AccountId(11));
    names.add_carrier("north", CarrierId(20)).add_carrier("south", CarrierId(21));
    Arc::new(names)
}

pub(super) fn rules(text: &str) -> RuleSet {
    let spec: RuleSetSpec = toml::from_str(text).unwrap();
    RuleSet::compile(&spec, RuleVersion(7), names()).unwrap()
}

/// An MT from short code 12345 to a number of carrier "north" in the US.
pub(super) fn query() -> Query<'static> {
    Query {
        direction: Direction::Mt,
        source: Party::of(b"12345"),
        destination: Party::of(b"12025550100"),
        account: Some(AccountId(10)),
        ingress: None,
        class: MessageClass::Transactional,
        number: NumberAnswer {
            country: "US".parse().ok(),
            carrier: Some(CarrierId(20)),
            source: AnswerSource::Portability,
            as_of: UtcMicros(0),
        },
        max_cost: None,
        // Thursday, 2026-01-15T13:00:00Z.
        at: UtcMicros(1_768_482_000_000_000),
    }
}

pub(super) fn up(_: LinkId) -> Health {
    Health::Up
}

fn one_rule(when: &str) -> RuleSet {
    rules(&format!(
        "currency = \"USD\"\n[[rules]]\nname = \"it\"\nwhen = {{ {when} }}\nthen.links = [{{ link = \"a\" }}]"
    ))
}

/// The rule matches the query, by index and plainly alike.
fn matches(set: &RuleSet, query: &Query<'_>) -> bool {
    let decision = set.decide(query, &up);
    assert_eq!(set.explain(query, &up).decision, decision);
    decision.rule.is_some()
}

/// The condition that the trace blames.
fn blamed(set: &RuleSet, query: &Query<'_>) -> (Condition, String, String) {
    match &set.explain(query, &up).considered[0].verdict {
        Verdict::Failed { condition, wanted, got } => (*condition, wanted.clone(), got.clone()),
        other => panic!("{other:?}"),
    }
}

fn blames(when: &str, query: &Query<'_>, condition: Condition, wanted: &str, got: &str) {
    let set = one_rule(when);
    assert!(!matches(&set, query), "{when}");
    assert_eq!(blamed(&set, query), (condition, wanted.to_owned(), got.to_owned()), "{when}");
}

#[test]
fn a_rule_without_conditions_matches_everything() {
    let set = one_rule("");
    assert!(matches(&set, &query()));
    let letters = Query { source: Party::of(b"BANK"), destination: Party::of(b"x@y.z"), ..query() };
    assert!(matches(&set, &Query { number: NumberAnswer::default(), account: None, ..letters }));
}

#[test]
fn direction_and_class() {
    assert!(matches(&one_rule("direction = 'mt', class = ['otp', 'transactional']"), &query()));
    blames("direction = 'mo'", &query(), Condition::Direction, "mo", "mt");
    blames("class = ['otp', 'bulk']", &query(), Condition::Class, "otp, bulk", "transactional");
}

#[test]
fn destination_by_prefix_or_whole() {
    for when in [
        "destination_prefix = ['44', '1202']",
        "destination_prefix = ['+1']",
        "destination = ['+12025550100']",
    ] {
        assert!(matches(&one_rule(when), &query()), "{when}");
    }
    let wanted = "99, 44*";
    blames(
        "destination = ['99'], destination_prefix = ['44']",
        &query(),
        Condition::Destination,
        wanted,
        "12025550100",
    );
    blames("destination = ['1202']", &query(), Condition::Destination, "1202", "12025550100");
    let address = Query { destination: Party::of(b"1202@example.com"), ..query() };
    blames("destination_prefix = ['1202']", &address, Condition::Destination, "1202*", "1202@example.com");
}

#[test]
fn source_by_prefix_whole_or_kind() {
    assert!(matches(&one_rule("source = ['12345']"), &query()));
    assert!(matches(&one_rule("source_prefix = ['123']"), &query()));
    blames("source_alphanumeric = true", &query(), Condition::Source, "alphanumeric", "12345");
    let bank = Query { source: Party::Text(b"BANK"), ..query() };
    assert!(matches(&one_rule("source_alphanumeric = true"), &bank));
    assert!(matches(&one_rule("source = ['BANK']"), &bank));
    assert!(matches(&one_rule("source = ['12345'], source_alphanumeric = true"), &bank));
    blames("source = ['Bank']", &bank, Condition::Source, "Bank", "BANK");
    // Digits that a peer declares to be letters are not the short code of the same digits.
    let disguised = Query { source: Party::Text(b"12345"), ..query() };
    blames("source = ['12345']", &disguised, Condition::Source, "12345", "12345");
}

#[test]
fn country_carrier_account_and_ingress() {
    let when = "country = ['CA', 'US'], carrier = ['north'], account = ['globex', 'acme']";
    assert!(matches(&one_rule(when), &query()));
    blames("country = ['CA']", &query(), Condition::Country, "CA", "US");
    blames("carrier = ['south']", &query(), Condition::Carrier, "south", "north by portability");
    let unknown = Query { number: NumberAnswer::default(), ..query() };
    blames("carrier = ['south']", &unknown, Condition::Carrier, "south", "unknown");
    blames("country = ['CA']", &unknown, Condition::Country, "CA", "unknown");
    blames("account = ['globex']", &query(), Condition::Account, "globex", "acme");
    blames("ingress = ['b']", &query(), Condition::Ingress, "b", "none");
    assert!(matches(&one_rule("ingress = ['b']"), &Query { ingress: Some(B), ..query() }));
}

#[test]
fn time_windows() {
    let when = "time = [{ zone = 'America/New_York', days = ['mon'] }, { zone = 'America/New_York', from = '08:00', to = '21:00' }]";
    assert!(matches(&one_rule(when), &query()));
    let early = Query { at: UtcMicros(query().at.0 - 1), ..query() };
    let got = "thu 07:59 America/New_York, thu 07:59 America/New_York";
    blames(when, &early, Condition::Time, "one of its windows", got);
}

#[test]
fn cost_leaves_out_links_and_then_the_rule() {
    let set = rules(
        "currency = 'USD'
        [[rules]]
        name = 'two'
        then.links = [{ link = 'a', cost = 900 }, { link = 'b', priority = 1 }, { link = 'c', priority = 2 }]
        [[rules]]
        name = 'last'
        then.reject = 'too dear'",
    );
    let links = |cap: Option<i64>| -> Vec<LinkId> {
        let query = Query { max_cost: cap.map(Cost), ..query() };
        assert!(matches(&set, &query));
        set.decide(&query, &up).targets().iter().map(|target| target.link).collect()
    };
    assert_eq!(links(None), [A, B, C]);
    assert_eq!(links(Some(900)), [A, B], "the cost of c is unknown");
    assert_eq!(links(Some(899)), [B]);
    assert_eq!(links(Some(699)), []);
    let dear = Query { max_cost: Some(Cost(699)), ..query() };
    assert_eq!(set.decide(&dear, &up).outcome, Outcome::Reject("too dear".into()));
    assert_eq!(blamed(&set, &dear).0, Condition::Cost);
}

#[test]
fn the_limit_of_a_rule_leaves_out_links() {
    let set = rules(
        "currency = 'USD'
        [[rules]]
        name = 'cheap'
        when.max_cost = 600
        then.links = [{ link = 'a' }, { link = 'b' }, { link = 'c' }]",
    );
    let targets: Vec<LinkId> = set.decide(&query(), &up).targets().iter().map(|target| target.link).collect();
    assert_eq!(targets, [A]);
}

#[test]
fn the_first_rule_that_matches_decides() {
    let set = rules(
        "[[rules]]
        name = 'off'
        enabled = false
        then.reject = 'never'
        [[rules]]
        name = 'other carrier'
        when.carrier = ['south']
        then.links = [{ link = 'b' }]
        [[rules]]
        name = 'inbound'
        when = { direction = 'mo', destination = ['12345'] }
        then.account = 'acme'
        [[rules]]
        name = 'us'
        when.country = ['US']
        then.links = [{ link = 'a' }, { link = 'b', priority = 1 }]
        [[rules]]
        name = 'rest'
        then.reject = 'no agreement'",
    );
    let decision = set.decide(&query(), &up);
    assert_eq!((decision.version, decision.rule), (RuleVersion(7), Some(RuleIndex(3))));
    assert_eq!(set.rule_name(RuleIndex(3)), Some("us"));

    let explanation = set.explain(&query(), &up);
    let verdicts: Vec<&str> = explanation
        .considered
        .iter()
        .map(|considered| match &considered.verdict {
            Verdict::Disabled => "disabled",
            Verdict::Failed { condition: Condition::Carrier, .. } => "carrier",
            Verdict::Failed { condition: Condition::Direction, .. } => "direction",
            Verdict::Matched => "matched",
            Verdict::Failed { .. } => "other",
        })
        .collect();
    assert_eq!(verdicts, ["disabled", "carrier", "direction", "matched"]);
    assert_eq!(explanation.summary, "rule 3 \"us\" of version 7 chose a, 1 more to fail over to");

    let inbound = Query {
        direction: Direction::Mo,
        source: Party::of(b"12025550100"),
        destination: Party::of(b"12345"),
        account: None,
        ingress: Some(A),
        ..query()
    };
    assert_eq!(set.decide(&inbound, &up).outcome, Outcome::Account(AccountId(10)));
    assert_eq!(set.explain(&inbound, &up).summary, "rule 2 \"inbound\" of version 7 gives it to acme");

    let abroad = Query { number: NumberAnswer::default(), ..query() };
    let rejected = set.decide(&abroad, &up);
    assert_eq!(
        (rejected.outcome, rejected.reason),
        (Outcome::Reject("no agreement".into()), Reason::RejectedByRule)
    );
}

#[test]
fn no_rule_means_no_route() {
    let set = RuleSet::compile(&RuleSetSpec::default(), RuleVersion(1), names()).unwrap();
    let decision = set.decide(&query(), &up);
    assert_eq!(
        (decision.rule, decision.outcome, decision.reason),
        (None, Outcome::NoRoute, Reason::NoRuleMatched)
    );
    assert_eq!(set.explain(&query(), &up).summary, "no rule of version 1 matches");
}

#[test]
fn the_trace_is_json() {
    let set = one_rule("carrier = ['south']");
    let json = serde_json::to_value(set.explain(&query(), &up)).unwrap();
    assert_eq!(json["considered"][0]["verdict"]["failed"]["condition"], "carrier");
    assert_eq!(json["number"]["source"], "portability");
    assert_eq!(json["decision"]["reason"], "no_rule_matched");
}

#[test]
fn a_set_survives_its_text_form() {
    let text = "currency = \"USD\"\n[[rules]]\nname = \"x\"\nsharing = \"cheapest\"\n\
        when = { direction = \"mt\", source_alphanumeric = true, time = [{ zone = \"UTC\", days = [\"sun\"] }] }\n\
        then.links = [{ link = \"a\", weight = 3 }]";
    let spec: RuleSetSpec = toml::from_str(text).unwrap();
    let json = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<RuleSetSpec>(&json).unwrap(), spec);
    assert_eq!(toml::from_str::<RuleSetSpec>(&toml::to_string(&spec).unwrap()).unwrap(), spec);
    assert!(serde_json::from_str::<RuleSetSpec>(&json.replace("\"weight\"", "\"wieght\"")).is_err());
}
