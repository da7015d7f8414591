//! Load sharing and failover.

use super::*;
use crate::decision::Targets;

fn decide(set: &RuleSet, destination: u64, health: &dyn LinkHealth) -> Targets {
    let destination = destination.to_string();
    let query = Query { destination: Party::of(destination.as_bytes()), ..query() };
    match set.decide(&query, health).outcome {
        Outcome::Links(targets) => targets,
        other => panic!("{other:?}"),
    }
}

fn three() -> RuleSet {
    rules(
        "[[rules]]
        name = 'share'
        then.links = [{ link = 'a', weight = 1 }, { link = 'b', weight = 2 }, { link = 'c', weight = 5 }]",
    )
}

const NUMBERS: std::ops::Range<u64> = 12_025_500_000..12_025_580_000;

#[test]
fn links_share_by_weight() {
    let set = three();
    let mut first = [0u32; 4];
    let mut second_after_c = [0u32; 4];
    for number in NUMBERS {
        let targets = decide(&set, number, &up);
        assert_eq!(targets.len(), 3);
        first[targets[0].link.0 as usize] += 1;
        if targets[0].link == C {
            second_after_c[targets[1].link.0 as usize] += 1;
        }
    }
    // Of 80,000: one, two and five eighths, within 2 % of each; a binomial deviates by 0.9 % here.
    for (link, expected) in [(A, 10_000), (B, 20_000), (C, 50_000)] {
        let got = first[link.0 as usize];
        assert!(got.abs_diff(expected) * 50 < expected, "{link:?}: {got}");
    }
    // What fails over from c is shared one to two as well.
    let (to_a, to_b) = (f64::from(second_after_c[1]), f64::from(second_after_c[2]));
    assert!((to_b / to_a - 2.0).abs() < 0.1, "{to_a} {to_b}");
}

#[test]
fn a_pair_of_addresses_stays_on_its_link() {
    let set = three();
    let before: Vec<_> = NUMBERS.step_by(100).map(|number| decide(&set, number, &up)).collect();
    let after: Vec<_> = NUMBERS.step_by(100).map(|number| decide(&set, number, &up)).collect();
    assert_eq!(before, after);
    // Other rules, another version, another order of the links: the same choice.
    let reordered = rules(
        "[[rules]]
        name = 'new'
        when.direction = 'mo'
        then.reject = 'x'
        [[rules]]
        name = 'share'
        then.links = [{ link = 'c', weight = 5 }, { link = 'a', weight = 1 }, { link = 'b', weight = 2 }]",
    );
    let moved: Vec<_> = NUMBERS.step_by(100).map(|number| decide(&reordered, number, &up)).collect();
    assert_eq!(before, moved);
}

#[test]
fn both_addresses_count() {
    let set = three();
    let sources = ["12345", "23456", "34567", "45678", "56789", "67890", "78901", "89012", "90123", "1234"];
    let links: std::collections::BTreeSet<LinkId> = sources
        .iter()
        .map(|source| {
            let query = Query { source: Party::of(source.as_bytes()), ..query() };
            set.decide(&query, &up).targets()[0].link
        })
        .collect();
    assert!(links.len() > 1);
}

#[test]
fn only_the_messages_of_a_lost_link_move() {
    let set = three();
    let without_b = |link: LinkId| if link == B { Health::Down } else { Health::Up };
    let mut moved = 0;
    for number in NUMBERS {
        let (before, after) = (decide(&set, number, &up), decide(&set, number, &without_b));
        if before[0].link == B {
            moved += 1;
            assert_eq!(after[0].link, before[1].link);
        } else {
            assert_eq!(after[0].link, before[0].link);
        }
        assert_eq!((after[2].link, after[2].health), (B, Health::Down));
    }
    assert!((19_000..21_000).contains(&moved), "{moved}");
}

#[test]
fn a_new_link_takes_only_its_part() {
    let pair = rules("[[rules]]\nname = 'x'\nthen.links = [{ link = 'a' }, { link = 'b' }]");
    let triple =
        rules("[[rules]]\nname = 'x'\nthen.links = [{ link = 'a' }, { link = 'b' }, { link = 'c' }]");
    for number in NUMBERS.step_by(10) {
        let (before, after) = (decide(&pair, number, &up)[0].link, decide(&triple, number, &up)[0].link);
        assert!(after == before || after == C);
    }
}

fn groups() -> RuleSet {
    rules(
        "[[rules]]
        name = 'failover'
        then.links = [{ link = 'c', priority = 1 }, { link = 'a' }, { link = 'b', weight = 0 }]",
    )
}

fn order(set: &RuleSet, health: impl Fn(LinkId) -> Health) -> Vec<LinkId> {
    let decision = set.decide(&query(), &health);
    let explanation = set.explain(&query(), &health);
    assert_eq!(explanation.decision, decision);
    let explained: Vec<LinkId> =
        explanation.links.iter().filter(|link| link.position.is_some()).map(|link| link.link).collect();
    let targets: Vec<LinkId> = decision.targets().iter().map(|target| target.link).collect();
    assert_eq!(explained, targets);
    targets
}

#[test]
fn failover_follows_priority_and_health() {
    use Health::{Degraded, Disabled, Down, Up};
    let set = groups();
    let with = |a, b, c| {
        order(&set, move |link| match link {
            A => a,
            B => b,
            _ => c,
        })
    };
    assert_eq!(with(Up, Up, Up), [A, B, C], "weight 0 comes after its group");
    assert_eq!(with(Down, Up, Up), [B, C, A]);
    assert_eq!(with(Down, Down, Up), [C, A, B]);
    assert_eq!(with(Degraded, Up, Up), [B, A, C]);
    assert_eq!(with(Degraded, Down, Up), [A, C, B], "a degraded link still goes before a lower priority");
    assert_eq!(with(Disabled, Up, Down), [B, C]);
    assert_eq!(with(Down, Down, Down), [A, B, C]);
    assert_eq!(with(Disabled, Disabled, Disabled), []);
}

#[test]
fn the_reason_tells_when_nothing_is_up() {
    let set = groups();
    assert_eq!(set.decide(&query(), &|_| Health::Up).reason, Reason::RuleMatched);
    assert_eq!(set.decide(&query(), &|_| Health::Down).reason, Reason::AllLinksDown);
    assert_eq!(set.decide(&query(), &|_| Health::Disabled).reason, Reason::AllLinksDisabled);
    let waiting = set.explain(&query(), &|_| Health::Down);
    assert_eq!(waiting.summary, "rule 0 \"failover\" of version 7: all links are down, waits for a");
    let disabled = set.explain(&query(), &|_| Health::Disabled);
    assert!(disabled.links.iter().all(|link| link.why == "disabled" && link.position.is_none()));
}

#[test]
fn the_cheapest_goes_first() {
    let text = "currency = 'USD'\n[[rules]]\nname = 'least cost'\nsharing = 'cheapest'\n\
        then.links = [{ link = 'c', cost = 600 }, { link = 'b' }, { link = 'a' }]";
    assert_eq!(order(&rules(text), up), [A, C, B]);
    // Priorities stay above cost.
    assert_eq!(order(&rules(&text.replace("cost = 600", "cost = 600, priority = 1")), up), [A, B, C]);
}

#[test]
fn explained_scores_give_the_order() {
    let set = three();
    let explanation = set.explain(&query(), &up);
    let scores: Vec<f64> = explanation.links.iter().filter_map(|link| link.score).collect();
    assert_eq!(scores.len(), 3);
    assert!(scores.is_sorted());
    assert_eq!(explanation.links[0].why, "first choice");
}
