use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;
const A: SessionId = SessionId(1);
const B: SessionId = SessionId(2);

fn address(text: &str) -> Address {
    Address::new(1, 1, text.as_bytes()).unwrap()
}

fn key_between<'a>(
    source: &'a Address,
    destination: &'a Address,
    text: &'a str,
    change: impl FnOnce(&mut MoFacts<'a>),
) -> MoKey {
    let mut facts = MoFacts {
        link: LinkId(7),
        source,
        destination,
        data_coding: 0,
        esm_class: 0,
        payload: text.as_bytes(),
        reference: None,
    };
    change(&mut facts);
    MoKey::of(&facts)
}

fn key_with(text: &str, change: impl FnOnce(&mut MoFacts<'_>)) -> MoKey {
    key_between(&address("4917612345678"), &address("12345"), text, |facts| change(facts))
}

fn key(text: &str) -> MoKey {
    key_with(text, |_| {})
}

fn at(seconds: i64) -> Micros {
    Micros(seconds * SECOND)
}

fn verdict(seen: &mut SeenMo, key: MoKey, session: SessionId, seconds: i64) -> Verdict {
    seen.check(key, session, at(seconds)).verdict
}

#[test]
fn a_user_who_says_yes_twice_is_heard_twice() {
    let mut seen = SeenMo::new(DedupeLimits::default());
    assert_eq!(verdict(&mut seen, key("YES"), A, 0), Verdict::New);
    assert_eq!(verdict(&mut seen, key("YES"), A, 1), Verdict::New);
    // On another session of the same link, while the first lives.
    assert_eq!(verdict(&mut seen, key("YES"), B, 2), Verdict::New);
}

#[test]
fn a_copy_after_the_session_ended_is_a_duplicate_once() {
    let mut seen = SeenMo::new(DedupeLimits::default());
    assert_eq!(verdict(&mut seen, key("YES"), A, 0), Verdict::New);
    seen.session_ended(A, at(5));
    assert_eq!(verdict(&mut seen, key("YES"), B, 20), Verdict::Duplicate);
    assert_eq!(verdict(&mut seen, key("YES"), B, 21), Verdict::New);
    assert_eq!(verdict(&mut seen, key("NO"), B, 21), Verdict::New);
}

#[test]
fn as_many_copies_are_duplicates_as_came() {
    let mut seen = SeenMo::new(DedupeLimits::default());
    for second in 0..3 {
        verdict(&mut seen, key("YES"), A, second);
    }
    seen.session_ended(A, at(5));
    let verdicts: Vec<Verdict> = (20..25).map(|second| verdict(&mut seen, key("YES"), B, second)).collect();
    assert_eq!(verdicts.iter().filter(|&&verdict| verdict == Verdict::Duplicate).count(), 3);
    assert_eq!(verdicts[3..], [Verdict::New; 2]);
}

#[test]
fn a_copy_of_a_copy_is_a_duplicate() {
    let mut seen = SeenMo::new(DedupeLimits::default());
    verdict(&mut seen, key("YES"), A, 0);
    for (session, second) in [(2, 20), (3, 40), (4, 60)] {
        seen.session_ended(SessionId(session - 1), at(second - 10));
        assert_eq!(verdict(&mut seen, key("YES"), SessionId(session), second), Verdict::Duplicate);
    }
}

#[test]
fn what_was_surely_answered_is_not_expected_again() {
    let mut seen = SeenMo::new(DedupeLimits::default());
    verdict(&mut seen, key("YES"), A, 0);
    seen.session_ended(A, at(91));
    assert_eq!(verdict(&mut seen, key("YES"), B, 100), Verdict::New);

    let mut seen = SeenMo::new(DedupeLimits::default());
    verdict(&mut seen, key("YES"), A, 0);
    verdict(&mut seen, key("YES"), A, 600);
    seen.session_ended(A, at(601));
    assert_eq!(verdict(&mut seen, key("YES"), B, 610), Verdict::Duplicate);
    assert_eq!(verdict(&mut seen, key("YES"), B, 611), Verdict::New, "the first one was answered");
}

#[test]
fn the_window_ends() {
    let mut seen = SeenMo::new(DedupeLimits::default());
    verdict(&mut seen, key("YES"), A, 0);
    seen.session_ended(A, at(1));
    assert_eq!(verdict(&mut seen, key("YES"), B, 3601), Verdict::New);
}

#[test]
fn a_reference_marks_copies_even_on_one_session() {
    let marked = |reference| key_with("YES", |facts| facts.reference = Some(reference));
    let mut seen = SeenMo::new(DedupeLimits::default());
    assert_eq!(verdict(&mut seen, marked(17), A, 0), Verdict::New);
    assert_eq!(verdict(&mut seen, marked(17), A, 60), Verdict::Duplicate);
    assert_eq!(verdict(&mut seen, marked(18), A, 61), Verdict::New);
    assert_eq!(verdict(&mut seen, key("YES"), A, 62), Verdict::New);
    // Zero is no mark.
    assert_eq!(marked(0), key("YES"));
    assert_eq!(verdict(&mut seen, marked(0), A, 63), Verdict::New);
}

#[test]
fn every_fact_makes_a_difference() {
    let between = |source, destination| key_between(&address(source), &address(destination), "YES", |_| {});
    assert_eq!(between("+4917612345678", "12345"), key("YES"), "one number in two spellings");
    for changed in [
        key("YES "),
        key_with("YES", |facts| facts.link = LinkId(8)),
        between("4917612345679", "12345"),
        between("4917612345678", "12346"),
        key_with("YES", |facts| facts.data_coding = 8),
        key_with("YES", |facts| facts.esm_class = 0x40),
        key_with("YES", |facts| facts.reference = Some(1)),
    ] {
        assert_ne!(changed, key("YES"));
    }
    let marked = key_with("YES", |facts| facts.reference = Some(1));
    assert_eq!(MoKey::from_bytes(marked.to_bytes()), marked);
    assert_eq!(marked.shard(), address("4917612345678").shard());
}

#[test]
fn rows_survive_a_crash() {
    let mut seen = SeenMo::new(DedupeLimits::default());
    let old = seen.check(key("OLD"), A, at(0));
    let new = seen.check(key("NEW"), A, at(200));
    let stored = [(key("OLD"), old.row), (key("NEW"), new.row)]
        .map(|(key, row)| (key.to_bytes(), postcard::to_stdvec(&row).unwrap()));
    let load = |last_alive| {
        let rows =
            stored.iter().map(|(key, row)| (MoKey::from_bytes(*key), postcard::from_bytes(row).unwrap()));
        SeenMo::load(DedupeLimits::default(), rows, last_alive).0
    };
    // Session numbers begin anew: the same number is another session.
    let mut seen = load(None);
    assert_eq!(verdict(&mut seen, key("NEW"), A, 210), Verdict::Duplicate);
    assert_eq!(verdict(&mut seen, key("NEW"), A, 211), Verdict::New);
    assert_eq!(verdict(&mut seen, key("OLD"), A, 212), Verdict::New, "answered long before the crash");
    let mut seen = load(Some(at(1000)));
    assert_eq!(verdict(&mut seen, key("NEW"), A, 1010), Verdict::New, "answered long before the crash");
}

#[test]
fn the_oldest_rows_make_room() {
    let limits = DedupeLimits { capacity: 2, ..DedupeLimits::default() };
    let mut seen = SeenMo::new(limits);
    assert_eq!(seen.check(key("1"), A, at(1)).evicted, None);
    assert_eq!(seen.check(key("2"), A, at(2)).evicted, None);
    seen.check(key("1"), A, at(3));
    assert_eq!(seen.check(key("3"), A, at(4)).evicted, Some(key("2")), "the first one came again");
    assert_eq!(seen.len(), 2);
    let row = SeenRow { at: at(9), session: A, seen: 1, owed: 0 };
    let rows = [(key("1"), SeenRow { at: at(1), ..row }), (key("2"), row), (key("3"), row)];
    let (seen, dropped) = SeenMo::load(limits, rows, None);
    assert_eq!((seen.len(), dropped), (2, vec![key("1")]));
}

#[test]
fn expiry_names_the_rows_to_delete() {
    let mut seen = SeenMo::new(DedupeLimits::default());
    seen.check(key("1"), A, at(0));
    seen.check(key("2"), A, at(1));
    seen.check(key("1"), A, at(3000));
    seen.session_ended(A, at(3000));
    assert_eq!(seen.expire(at(3600), 10), []);
    assert_eq!(seen.expire(at(3602), 10), [key("2")]);
    assert_eq!(seen.expire(at(7000), 0), []);
    assert_eq!(seen.expire(at(7000), 10), [key("1")]);
    assert!(seen.is_empty() && seen.by_age.is_empty() && seen.ended.is_empty());
}

#[test]
fn a_failed_commit_leaves_no_trace() {
    let marked = key_with("YES", |facts| facts.reference = Some(9));
    let mut seen = SeenMo::new(DedupeLimits::default());
    let first = seen.check(marked, A, at(0));
    seen.restore(marked, first.before);
    assert!(seen.is_empty() && seen.by_age.is_empty());
    assert_eq!(verdict(&mut seen, marked, A, 1), Verdict::New);
    let again = seen.check(marked, A, at(2));
    seen.restore(marked, again.before);
    assert_eq!(seen.check(marked, A, at(3)).before, again.before);
}

#[test]
fn a_clock_that_steps_back_swallows_nothing() {
    let mut seen = SeenMo::new(DedupeLimits::default());
    verdict(&mut seen, key("YES"), A, 10_000);
    assert_eq!(verdict(&mut seen, key("YES"), A, 5), Verdict::New);
    seen.session_ended(A, at(6));
    assert_eq!(verdict(&mut seen, key("YES"), B, 7), Verdict::Duplicate);
}

proptest! {
    /// A link that repeats what it has no answer for, and users who repeat themselves: as many are taken as
    /// users sent.
    #[test]
    fn each_message_counts_once(
        steps in proptest::collection::vec((0u8..3, any::<bool>(), any::<bool>()), 1..120),
    ) {
        let mut seen = SeenMo::new(DedupeLimits::default());
        let (mut session, mut now, mut sent, mut taken) = (1, 0, 0, 0);
        let mut unanswered: Vec<MoKey> = Vec::new();
        for (text, answered, breaks) in steps {
            now += 1;
            let key = key(&text.to_string());
            sent += 1;
            taken += u32::from(verdict(&mut seen, key, SessionId(session), now) == Verdict::New);
            if !answered {
                unanswered.push(key);
            }
            if breaks {
                seen.session_ended(SessionId(session), at(now));
                session += 1;
                for key in std::mem::take(&mut unanswered) {
                    now += 1;
                    taken += u32::from(verdict(&mut seen, key, SessionId(session), now) == Verdict::New);
                }
            }
        }
        // What was answered is never repeated by this link, so it may make a later message of the same text
        // look like a repeat; it never lets a repeat through.
        prop_assert!(taken <= sent);
    }
}
