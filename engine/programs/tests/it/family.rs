use std::collections::BTreeSet;

use proptest::prelude::*;
use signalbox_programs::{Approval, ApprovalStatus, Book, Family, KeywordBinding, Program, Rows};

fn keyword(words: &str, address: &str, program: Option<&str>) -> KeywordBinding {
    KeywordBinding { words: words.into(), address: address.into(), program: program.map(Into::into) }
}

fn families(approvals: Vec<Approval>, keywords: Vec<KeywordBinding>) -> Vec<Family> {
    let programs = vec![Program::new("p"), Program::new("q")];
    Book::new(Rows { programs, addresses: vec![], approvals, keywords }).families(0)
}

fn ids(families: &[Family]) -> Vec<&str> {
    families.iter().map(|family| family.id.as_str()).collect()
}

#[test]
fn approvals_with_a_carrier_or_an_address_in_common_are_one_family() {
    let approvals = vec![
        Approval::new("p", "one", "red"),
        Approval::new("p", "one", "blue"),
        Approval::new("p", "two", "blue"),
        Approval::new("p", "three", "green"),
        Approval::new("q", "one", "red"),
    ];
    let found = families(approvals, vec![]);
    assert_eq!(ids(&found), ["p/one", "p/three", "q/one"]);
    assert_eq!(found[0].members.len(), 3);
    assert!(found[0].has_address("two") && !found[0].has_address("three"));
}

#[test]
fn a_keyword_in_common_joins_what_it_is_a_keyword_of() {
    let approvals = || vec![Approval::new("p", "one", "red"), Approval::new("p", "two", "blue")];
    assert_eq!(families(approvals(), vec![]).len(), 2);
    let shared = vec![keyword("bal", "one", None), keyword("bal", "two", Some("p"))];
    let found = families(approvals(), shared);
    assert_eq!(ids(&found), ["p/one"]);
    assert_eq!(found[0].keywords, BTreeSet::from(["bal".to_owned()]));
    let of_another = vec![keyword("bal", "one", Some("p")), keyword("bal", "two", Some("q"))];
    assert_eq!(families(approvals(), of_another).len(), 2, "the second is a keyword of another program");
}

/// PRG-05: a changed approval changes the families, with nothing else done.
#[test]
fn what_is_rejected_or_over_is_in_no_family() {
    let mut bridge = Approval::new("p", "one", "blue");
    let others = [Approval::new("p", "one", "red"), Approval::new("p", "two", "blue")];
    let with =
        |bridge: &Approval| families([&others[..], std::slice::from_ref(bridge)].concat(), vec![]).len();
    assert_eq!(with(&bridge), 1);
    for (status, count) in [
        (ApprovalStatus::Submitted, 1),
        (ApprovalStatus::Suspended, 1),
        (ApprovalStatus::Rejected, 2),
        (ApprovalStatus::Expired, 2),
    ] {
        bridge.status = status;
        assert_eq!(with(&bridge), count, "{status:?}");
    }
    bridge.status = ApprovalStatus::Approved;
    bridge.to = Some(0);
    assert_eq!(with(&bridge), 2, "its time is over");
    bridge.to = None;
    bridge.from = Some(1);
    let members = families(vec![bridge], vec![])[0].members.clone();
    assert!(!members[0].live, "its time has not come");
}

/// PRG-06: address and carrier name at most one family of a program.
#[test]
fn an_inbound_message_finds_its_family() {
    let approvals = vec![
        Approval::new("p", "one", "red"),
        Approval::new("p", "two", "blue"),
        Approval::new("q", "one", "green"),
    ];
    let found = families(approvals, vec![]);
    let taking = |address, carrier| {
        let families = found.iter().filter(move |family| family.takes(address, carrier));
        families.map(|family| family.id.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(taking("one", Some("red")), ["p/one"]);
    assert_eq!(taking("one", Some("green")), ["q/one"]);
    assert_eq!(taking("one", None), ["p/one", "q/one"], "of an unknown carrier the keyword decides");
    assert!(taking("two", Some("red")).is_empty());
}

proptest! {
    /// PRG-04, PRG-07: whatever the rows, families of one program share nothing, and each approval is in one.
    #[test]
    fn families_of_a_program_share_no_carrier_address_or_keyword(
        approvals in prop::collection::vec((0..2_u8, 0..6_u8, 0..6_u8), 0..14),
        keywords in prop::collection::vec((0..5_u8, 0..6_u8, prop::option::of(0..2_u8)), 0..10),
    ) {
        let program = |p: u8| ["p", "q"][usize::from(p)];
        let rows: BTreeSet<_> = approvals.into_iter().collect();
        let count = rows.len();
        let approvals = rows.into_iter().map(|(p, a, c)| Approval::new(program(p), &format!("a{a}"), &format!("c{c}")));
        let keywords = keywords.into_iter().map(|(k, a, p)| keyword(&format!("k{k}"), &format!("a{a}"), p.map(program)));
        let found = families(approvals.collect(), keywords.collect());
        prop_assert_eq!(found.iter().map(|family| family.members.len()).sum::<usize>(), count);
        for (place, one) in found.iter().enumerate() {
            for other in found[place + 1..].iter().filter(|other| other.program == one.program) {
                prop_assert!(one.keywords.is_disjoint(&other.keywords));
                for member in &one.members {
                    prop_assert!(other.members.iter().all(|of| of.carrier != member.carrier));
                    prop_assert!(!other.has_address(&member.address));
                }
            }
        }
    }
}
