use proptest::prelude::*;

use super::*;

const LINK: LinkId = LinkId(3);

fn device(text: &str) -> Address {
    Address::new(1, 1, text.as_bytes()).unwrap()
}

fn phone() -> Address {
    device("4917612345678")
}

/// What a receipt with `receipt` means when a message is open whose id was `response`.
fn relation(response: &str, receipt: &str) -> Match<u32> {
    let mut correlator = Correlator::new();
    correlator.expect(LINK, response.as_bytes(), &phone(), 7);
    correlator.find(LINK, receipt.as_bytes(), &phone())
}

#[test]
fn spellings_of_one_id_match_without_configuration() {
    for (response, receipt) in [
        ("1000000001", "1000000001"),
        ("3B9ACA01", "1000000001"),
        ("3b9aca01", "1000000001"),
        ("000000003B9ACA01", "1000000001"),
        ("3B9ACA01", "001000000001"),
        ("1000000001", "3B9ACA01"),
        ("1000000001", "000000003b9aca01"),
        ("3b9aca01", "3B9ACA01"),
        ("3b9aca01", "00003B9ACA01"),
        ("0x3B9ACA01", "1000000001"),
        ("0010", "10"),
        ("0", "000"),
        (" 1000000001", "1000000001 "),
        ("1000000001", "1000000001\0\0"),
        ("Ab-77-xy", "aB-77-XY"),
        ("550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000"),
        // A UUID's 128 bits in decimal.
        ("550e8400e29b41d4a716446655440000", "113059749145936325402354257176981405696"),
        // The longest ids there are: 64 digits.
        (
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
        ),
        (
            "1fffffffffffffffffffffffffffffffffffffffffffffffffff",
            "51422017416287688817342786954917203280710495801049370729644031",
        ),
    ] {
        assert_eq!(relation(response, receipt), Match::One(7), "{response} and {receipt}");
    }
}

#[test]
fn other_ids_do_not_match() {
    for (response, receipt) in [
        ("1000000001", "1000000002"),
        ("3B9ACA01", "1000000002"),
        ("10", "100"),
        ("ab-1", "ab-01"),
        ("0ab-1", "ab-1"),
        ("", ""),
        ("\0", "0"),
        ("x", ""),
        ("0x", "0"),
        // Decimal and written as hexadecimal with a letter: 10 is not sixteen times a.
        ("a0", "10"),
    ] {
        assert_eq!(relation(response, receipt), Match::None, "{response} and {receipt}");
    }
}

#[test]
fn an_id_alone_never_matches() {
    let mut correlator = Correlator::new();
    correlator.expect(LINK, b"1000000001", &phone(), 7);
    assert_eq!(correlator.find(LinkId(4), b"1000000001", &phone()), Match::None);
    assert_eq!(correlator.find(LINK, b"1000000001", &device("4917612345679")), Match::None);
    assert_eq!(correlator.find(LINK, b"1000000001", &device("017612345678")), Match::None);
    assert_eq!(correlator.find(LINK, b"1000000001", &device("2345678")), Match::None);
    for same in ["+4917612345678", "004917612345678", "4917612345678"] {
        for ton in [0, 1, 2, 5] {
            let spelled = Address::new(ton, 0, same.as_bytes()).unwrap();
            assert_eq!(correlator.find(LINK, b"1000000001", &spelled), Match::One(7), "{same} as {ton}");
        }
    }
    correlator.expect(LINK, b"77", &Address::new(5, 0, b"Bank").unwrap(), 8);
    assert_eq!(correlator.find(LINK, b"77", &Address::new(0, 0, b"BANK").unwrap()), Match::One(8));
}

#[test]
fn a_link_that_rewrites_numbers_is_compared_by_seven_digits() {
    let mut correlator = Correlator::new();
    correlator.set_link(LINK, LinkIds { relation: None, device: DeviceMatch::Suffix });
    correlator.expect(LINK, b"1000000001", &phone(), 7);
    correlator.expect(LINK, b"55", &device("72345"), 8);
    for rewritten in ["017612345678", "12345678", "2345678", "8617612345678"] {
        assert_eq!(correlator.find(LINK, b"1000000001", &device(rewritten)), Match::One(7), "{rewritten}");
    }
    for other in ["017612345679", "345678", ""] {
        assert_eq!(correlator.find(LINK, b"1000000001", &device(other)), Match::None, "{other}");
    }
    assert_eq!(correlator.find(LINK, b"55", &device("72345")), Match::One(8));
    assert_eq!(correlator.find(LINK, b"55", &device("2345")), Match::None);
    correlator.set_link(LINK, LinkIds::default());
    assert_eq!(correlator.find(LINK, b"1000000001", &device("017612345678")), Match::None);
}

#[test]
fn two_candidates_are_ambiguous() {
    let mut correlator = Correlator::new();
    let ten = correlator.expect(LINK, b"10", &phone(), 10).unwrap();
    correlator.expect(LINK, b"16", &phone(), 16);
    correlator.expect(LINK, b"a", &phone(), 1);
    // 10 itself, sixteen in hexadecimal, a in decimal.
    assert_eq!(correlator.find(LINK, b"10", &phone()), Match::Ambiguous(3));
    correlator.forget(ten);
    assert_eq!(correlator.find(LINK, b"10", &phone()), Match::Ambiguous(2));

    let mut correlator = Correlator::new();
    let first = correlator.expect(LINK, b"1000000001", &phone(), 1).unwrap();
    let second = correlator.expect(LINK, b"1000000001", &phone(), 2).unwrap();
    assert_eq!(correlator.find(LINK, b"3B9ACA01", &phone()), Match::Ambiguous(2));
    assert_eq!(correlator.forget(first), Some(1));
    assert_eq!(correlator.find(LINK, b"3B9ACA01", &phone()), Match::One(2));
    assert_eq!(correlator.forget(second), Some(2));
    assert_eq!(correlator.find(LINK, b"3B9ACA01", &phone()), Match::None);
}

#[test]
fn two_ids_of_one_message_are_not_ambiguous() {
    let mut correlator = Correlator::new();
    correlator.expect(LINK, b"10", &phone(), 7);
    correlator.expect(LINK, b"10", &phone(), 7);
    correlator.expect(LINK, b"16", &phone(), 7);
    assert_eq!(correlator.find(LINK, b"10", &phone()), Match::One(7));
}

/// A correlator that learned a relation from receipts for other devices.
fn taught(spell: fn(u32) -> (String, String)) -> Correlator<u32> {
    let mut correlator = Correlator::new();
    for number in 0..u32::from(CONVINCED) {
        let (response, receipt) = spell(0x0ace_0000 + number);
        let other = device(&format!("49160{number:07}"));
        let expected = correlator.expect(LINK, response.as_bytes(), &other, number).unwrap();
        assert_eq!(correlator.find(LINK, receipt.as_bytes(), &other), Match::One(number));
        correlator.forget(expected);
    }
    correlator.expect(LINK, b"10", &phone(), 10);
    correlator.expect(LINK, b"16", &phone(), 16);
    correlator.expect(LINK, b"a", &phone(), 1);
    correlator
}

#[test]
fn what_was_learned_decides_between_candidates() {
    let mut same = taught(|number| (number.to_string(), number.to_string()));
    assert_eq!(same.relation(LINK), Some(IdRelation::Same));
    assert_eq!(same.find(LINK, b"10", &phone()), Match::One(10));
    let mut hex = taught(|number| (format!("{number:x}"), number.to_string()));
    assert_eq!(hex.relation(LINK), Some(IdRelation::HexToDecimal));
    assert_eq!(hex.find(LINK, b"10", &phone()), Match::One(1));
    let mut decimal = taught(|number| (number.to_string(), format!("{number:X}")));
    assert_eq!(decimal.relation(LINK), Some(IdRelation::DecimalToHex));
    assert_eq!(decimal.find(LINK, b"10", &phone()), Match::One(16));
    // Another link has habits of its own.
    for (id, item) in [(b"10", 1), (b"16", 2)] {
        hex.expect(LinkId(9), id, &phone(), item);
    }
    assert_eq!(hex.find(LinkId(9), b"10", &phone()), Match::Ambiguous(2));
    hex.remove_link(LINK);
    assert_eq!(hex.find(LINK, b"10", &phone()), Match::Ambiguous(3));
}

#[test]
fn what_was_learned_is_given_up_on_contradiction() {
    let mut correlator = taught(|number| (format!("{number:x}"), number.to_string()));
    correlator.expect(LINK, b"1000000001", &phone(), 7);
    assert_eq!(correlator.find(LINK, b"1000000001", &phone()), Match::One(7));
    assert_eq!(correlator.relation(LINK), None);
    assert_eq!(correlator.find(LINK, b"10", &phone()), Match::Ambiguous(3));
    for _ in 1..CONVINCED {
        correlator.find(LINK, b"1000000001", &phone());
    }
    assert_eq!(correlator.relation(LINK), Some(IdRelation::Same));
    assert_eq!(correlator.find(LINK, b"10", &phone()), Match::One(10));
}

#[test]
fn small_numbers_that_coincide_in_two_bases_are_not_believed_at_once() {
    // The receipt for 1234, which is final, comes a second time; 4660 is 1234 in hexadecimal.
    let mut correlator = taught(|number| (number.to_string(), number.to_string()));
    correlator.expect(LINK, b"4660", &phone(), 7);
    assert_eq!(correlator.find(LINK, b"1234", &phone()), Match::None);
    assert_eq!(correlator.find(LINK, b"1234", &phone()), Match::None);
    assert_eq!(correlator.relation(LINK), Some(IdRelation::Same));
    // Again and again without a receipt that confirms: the link has changed.
    assert_eq!(correlator.find(LINK, b"1234", &phone()), Match::One(7));
    assert_eq!(correlator.relation(LINK), None);
}

#[test]
fn ids_that_say_nothing_teach_nothing() {
    let mut correlator = Correlator::new();
    for _ in 0..10 {
        correlator.expect(LINK, b"7", &phone(), 7);
        correlator.expect(LINK, b"x-7", &phone(), 8);
        assert_eq!(correlator.find(LINK, b"07", &phone()), Match::One(7));
        assert_eq!(correlator.find(LINK, b"X-7", &phone()), Match::One(8));
    }
    assert_eq!(correlator.relation(LINK), None);
}

#[test]
fn a_configured_relation_overrides_what_was_learned() {
    let mut correlator = taught(|number| (number.to_string(), number.to_string()));
    let configured = LinkIds { relation: Some(IdRelation::HexToDecimal), device: DeviceMatch::Exact };
    correlator.set_link(LINK, configured);
    assert_eq!(correlator.relation(LINK), Some(IdRelation::HexToDecimal));
    assert_eq!(correlator.find(LINK, b"10", &phone()), Match::One(1));
    correlator.expect(LINK, b"1000000001", &phone(), 7);
    assert_eq!(correlator.find(LINK, b"1000000001", &phone()), Match::None);
    correlator.expect(LINK, b"A", &phone(), 2);
    assert_eq!(correlator.find(LINK, b"10", &phone()), Match::Ambiguous(2));
}

#[test]
fn what_is_forgotten_is_gone_and_its_name_is_stale() {
    let mut correlator = Correlator::new();
    assert_eq!(correlator.expect(LINK, b"", &phone(), 1), None);
    let first = correlator.expect(LINK, b"1000000001", &phone(), 1).unwrap();
    assert_eq!(correlator.len(), 1);
    assert_eq!(correlator.forget(first), Some(1));
    assert_eq!(correlator.forget(first), None);
    let second = correlator.expect(LINK, b"1000000001", &phone(), 2).unwrap();
    assert_eq!(correlator.forget(first), None, "its place is taken by another");
    assert_eq!(correlator.find(LINK, b"1000000001", &phone()), Match::One(2));
    assert_eq!(correlator.forget(second), Some(2));
    assert!(correlator.is_empty() && correlator.index.iter().all(HashTable::is_empty));
}

#[test]
fn one_id_for_everything_stays_fast_and_ambiguous() {
    let mut correlator = Correlator::new();
    let names: Vec<Expected> =
        (0..200_000u32).filter_map(|item| correlator.expect(LINK, b"1", &phone(), item)).collect();
    assert_eq!(correlator.find(LINK, b"1", &phone()), Match::Ambiguous(CHAIN_LOOK));
    for &name in names.iter().skip(1).rev() {
        correlator.forget(name);
    }
    assert_eq!(correlator.find(LINK, b"1", &phone()), Match::One(0));
}

/// An id as a number in some base or as text, independently of `Readings`.
fn readings(id: &str) -> (Option<u128>, Option<u128>, String) {
    let lower = id.to_ascii_lowercase();
    let marked = lower.strip_prefix("0x");
    let hex = u128::from_str_radix(marked.unwrap_or(&lower), 16).ok();
    let decimal = id.parse().ok();
    let text = if hex.is_some() { String::new() } else { lower };
    (hex, decimal, text)
}

fn agrees(response: &str, receipt: &str) -> bool {
    let (hex, decimal, text) = readings(response);
    let (receipt_hex, receipt_decimal, receipt_text) = readings(receipt);
    match (hex, receipt_hex) {
        (Some(hex), Some(receipt_hex)) => {
            hex == receipt_hex || Some(hex) == receipt_decimal || decimal == Some(receipt_hex)
        }
        (None, None) => text == receipt_text,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[derive(Clone, Debug)]
enum Step {
    Expect(u32, String, usize),
    Forget(usize),
    Find(u32, String, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let id = "[0-3aAx-]{1,4}";
    prop_oneof![
        (0..2u32, id, 0..3usize).prop_map(|(link, id, device)| Step::Expect(link, id, device)),
        any::<usize>().prop_map(Step::Forget),
        (0..2u32, id, 0..3usize).prop_map(|(link, id, device)| Step::Find(link, id, device)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn it_finds_what_a_look_at_everything_finds(steps in proptest::collection::vec(step(), 1..120)) {
        let devices = ["4917612345678", "017612345678", "72345"].map(device);
        let mut correlator: Correlator<usize> = Correlator::new();
        let mut open: Vec<(u32, String, usize, usize, Expected)> = Vec::new();
        for (item, step) in steps.into_iter().enumerate() {
            match step {
                Step::Expect(link, id, at) => {
                    let name = correlator.expect(LinkId(link), id.as_bytes(), &devices[at], item).unwrap();
                    open.push((link, id, at, item, name));
                }
                Step::Forget(which) if !open.is_empty() => {
                    let (_, _, _, item, name) = open.swap_remove(which % open.len());
                    prop_assert_eq!(correlator.forget(name), Some(item));
                }
                Step::Forget(_) => {}
                Step::Find(link, id, at) => {
                    let meant: Vec<usize> = open
                        .iter()
                        .filter(|other| other.0 == link && other.2 == at && agrees(&other.1, &id))
                        .map(|other| other.3)
                        .collect();
                    // Without what was learned, so that nothing but the candidates decides.
                    correlator.remove_link(LinkId(link));
                    let expected = match meant[..] {
                        [] => Match::None,
                        [one] => Match::One(one),
                        _ => Match::Ambiguous(meant.len()),
                    };
                    prop_assert_eq!(correlator.find(LinkId(link), id.as_bytes(), &devices[at]), expected);
                }
            }
            prop_assert_eq!(correlator.len(), open.len());
        }
    }

    #[test]
    fn every_number_matches_in_every_spelling(number: u64, zeros in 0usize..8, learned: bool) {
        let spellings = [
            format!("{number}"),
            format!("{number:x}"),
            format!("{number:X}"),
            format!("{}{number}", "0".repeat(zeros)),
            format!("{}{number:x}", "0".repeat(zeros)),
        ];
        for response in &spellings {
            for receipt in &spellings {
                if !learned {
                    prop_assert_eq!(relation(response, receipt), Match::One(7), "{} {}", response, receipt);
                    continue;
                }
                // Whatever the link did before: a number this large is no coincidence.
                let mut correlator = taught(|number| (format!("{number:x}"), number.to_string()));
                correlator.expect(LINK, response.as_bytes(), &device("4915200000000"), 7);
                if number >= COINCIDENCE_ENDS {
                    let found = correlator.find(LINK, receipt.as_bytes(), &device("4915200000000"));
                    prop_assert_eq!(found, Match::One(7), "{} {}", response, receipt);
                }
            }
        }
    }
}
