use super::super::{Correlator, Match};
use super::*;

const LINK: LinkId = LinkId(3);

fn device(text: &str) -> Address {
    Address::new(1, 1, text.as_bytes()).unwrap()
}

fn phone() -> Address {
    device("4917612345678")
}

const PATIENCE: Duration = Duration::from_secs(10);

fn second(seconds: u64) -> Mono {
    Mono(seconds * 1_000_000_000)
}

#[test]
fn an_early_receipt_is_taken_by_the_response_in_any_spelling() {
    let mut early = EarlyReceipts::new(10, PATIENCE);
    assert!(early.take(LINK, b"1", &phone()).is_empty());
    for (receipt, id) in [("first", "3B9ACA01"), ("second", "1000000001"), ("other", "1000000002")] {
        assert_eq!(early.park(LINK, id.as_bytes(), &phone(), receipt, second(1)), None);
    }
    assert!(early.take(LinkId(4), b"1000000001", &phone()).is_empty());
    assert!(early.take(LINK, b"1000000001", &device("4917612345670")).is_empty());
    let taken: Vec<&str> =
        early.take(LINK, b"1000000001", &phone()).into_iter().map(|parked| parked.receipt).collect();
    assert_eq!(taken, ["first", "second"]);
    assert_eq!(early.len(), 1);
    assert!(early.take(LINK, b"1000000001", &phone()).is_empty());
}

#[test]
fn nobody_s_receipts_are_handed_back() {
    let mut early = EarlyReceipts::new(2, PATIENCE);
    let given = early.park(LINK, b"", &phone(), 0, second(1));
    assert_eq!(given, Some(Parked { receipt: 0, since: second(1) }), "an empty id names nothing");
    assert_eq!(early.park(LINK, b"1", &phone(), 1, second(2)), None);
    assert_eq!(early.park(LINK, b"2", &phone(), 2, second(1)), None);
    let evicted = early.park(LINK, b"3", &phone(), 3, second(3));
    assert_eq!(evicted, Some(Parked { receipt: 2, since: second(1) }), "the oldest");
    assert_eq!(early.next_expiry(), Some(second(12)));
    assert!(early.expire(second(11)).is_empty());
    assert_eq!(early.expire(second(12)), [Parked { receipt: 1, since: second(2) }]);
    assert_eq!(early.expire(second(99)), [Parked { receipt: 3, since: second(3) }]);
    assert!(early.is_empty() && early.by_key.is_empty() && early.by_age.is_empty());
}

#[test]
fn a_receipt_before_its_response_ends_where_it_belongs() {
    let mut correlator = Correlator::new();
    for number in 1_000_000_000..1_000_000_010u32 {
        let id = number.to_string();
        correlator.expect(LINK, id.as_bytes(), &phone(), number);
        assert_eq!(correlator.find(LINK, id.as_bytes(), &phone()), Match::One(number));
    }
    let mut early = EarlyReceipts::new(10, PATIENCE);
    for (id, seconds) in [("10", 1), ("16", 2)] {
        assert_eq!(correlator.find(LINK, id.as_bytes(), &phone()), Match::None);
        assert_eq!(early.park(LINK, id.as_bytes(), &phone(), id, second(seconds)), None);
    }
    let mut respond = |id: &str, item| {
        let mut found = Vec::new();
        correlator.expect(LINK, id.as_bytes(), &phone(), item);
        for parked in early.take(LINK, id.as_bytes(), &phone()) {
            match correlator.find(LINK, parked.receipt.as_bytes(), &phone()) {
                Match::One(item) => found.push((parked.receipt, item)),
                Match::Ambiguous(_) | Match::None => {
                    let receipt = parked.receipt;
                    let given = early.park(LINK, receipt.as_bytes(), &phone(), receipt, parked.since);
                    assert_eq!(given, None);
                }
            }
        }
        (found, early.next_expiry())
    };
    // 10 could mean 16 too, in hexadecimal, but not on this link; it waits on with its old time.
    assert_eq!(respond("16", 16), (vec![("16", 16)], Some(second(11))));
    assert_eq!(respond("10", 10), (vec![("10", 10)], None));
}
