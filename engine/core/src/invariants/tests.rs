use super::{Balance, Books, Committed, Summary, Violation};
use crate::backend::{Offset, ShardMark};
use crate::cdr::tests::example;
use crate::cdr::{Cdr, CdrKind};
use crate::id::{Epoch, LinkId, MessageId, PeerId, ShardId};
use crate::outcome::FinalState;
use crate::time::{Micros, Mono};

const LINK: PeerId = PeerId::Link(LinkId(1));

fn shard() -> ShardId {
    ShardId::of(b"491761")
}

fn message(number: u64) -> MessageId {
    MessageId::new(Micros(1), shard(), number << 8)
}

fn cdr(message: MessageId) -> Cdr {
    Cdr { message, attempt: 1, outcome: FinalState::Accepted, ..example() }
}

fn mark(epoch: u64, position: u64) -> (ShardId, ShardMark) {
    (shard(), ShardMark { epoch: Epoch(epoch), commit: 1, position: Some(Offset(position)) })
}

/// Books in which one message was accepted, sent once, seen and ended, and its CDR published.
fn one_done() -> Books {
    let mut books = Books::default();
    let id = message(1);
    books.durable(id);
    books.answered(id).unwrap();
    books.claimed(shard(), Epoch(1)).unwrap();
    let released = Committed { marks: vec![mark(1, 1)], released: vec![(id, 1)], ..Committed::default() };
    books.committed(&released).unwrap();
    books.transmitted((id, 1), (LINK, 1), (Mono(5), Mono(9))).unwrap();
    books.seen(id);
    books.settled(id, 1);
    let ended = Committed { marks: vec![mark(1, 2)], cdrs: vec![cdr(id)], ..Committed::default() };
    books.committed(&ended).unwrap();
    books.published(1, &cdr(id)).unwrap();
    books
}

#[test]
fn books_of_a_good_run_close() {
    let mut balance = Balance { accepted: 1, ..Balance::default() };
    balance.end(FinalState::Accepted);
    assert_eq!(one_done().close(|_| false), Ok(Summary { balance, duplicates: 0, published: 1 }));
}

#[test]
fn what_is_open_is_not_lost() {
    let mut books = one_done();
    books.durable(message(2));
    assert_eq!(books.close(|_| false), Err(Violation::Lost { message: message(2) }));
    assert_eq!(books.close(|id| id == message(2)).unwrap().balance.open, 1);
    assert_eq!(books.close(|_| true), Err(Violation::EndedAndOpen { message: message(1) }));
}

#[test]
fn what_was_promised_and_never_became_durable_is_lost() {
    let mut books = one_done();
    assert_eq!(books.answered(message(2)), Err(Violation::AnsweredBeforeDurable { message: message(2) }));
    assert_eq!(books.close(|_| false), Err(Violation::Lost { message: message(2) }));
    books.durable(message(2));
    assert!(books.close(|id| id == message(2)).is_ok());
}

#[test]
fn an_outcome_is_one() {
    let mut books = one_done();
    let again = Committed { marks: vec![mark(1, 3)], cdrs: vec![cdr(message(1))], ..Committed::default() };
    let state = FinalState::Accepted;
    let twice = Violation::EndedTwice { message: message(1), first: state, second: state };
    assert_eq!(books.committed(&again), Err(twice));
    let foreign = Committed { cdrs: vec![cdr(message(9))], ..Committed::default() };
    assert_eq!(books.committed(&foreign), Err(Violation::NeverAccepted { message: message(9) }));
}

#[test]
fn a_commit_that_was_undone_may_be_made_again_and_stays_published_once() {
    let mut books = one_done();
    let ended = Committed { marks: vec![mark(1, 2)], cdrs: vec![cdr(message(1))], ..Committed::default() };
    books.undone(&ended);
    books.committed(&ended).unwrap();
    assert!(books.close(|_| false).is_ok());
    let id = cdr(message(1)).id();
    assert_eq!(books.published(2, &cdr(message(1))), Err(Violation::PublishedTwice { id }));
}

#[test]
fn commits_keep_to_epoch_and_position() {
    let mut books = one_done();
    let commit = |epoch, position| Committed { marks: vec![mark(epoch, position)], ..Committed::default() };
    let back = Violation::PositionBack { shard: shard(), held: Offset(2), offered: Offset(1) };
    assert_eq!(books.committed(&commit(1, 1)), Err(back));
    books.claimed(shard(), Epoch(2)).unwrap();
    let order = Violation::EpochOrder { shard: shard(), held: Epoch(2), offered: Epoch(1) };
    assert_eq!(books.committed(&commit(1, 3)), Err(order));
    assert!(books.claimed(shard(), Epoch(2)).is_err());
}

#[test]
fn nothing_leaves_without_a_permit_or_after_it() {
    let mut books = one_done();
    let at = (Mono(5), Mono(9));
    let id = message(1);
    let refused = Violation::NotPermitted { message: id, attempt: 2 };
    assert_eq!(books.transmitted((id, 2), (LINK, 1), at), Err(refused));
    let late = Violation::AfterDeadline { message: id, attempt: 1, late_ns: 1 };
    assert_eq!(books.transmitted((id, 1), (LINK, 1), (Mono(10), Mono(9))), Err(late));
    let full = Violation::WindowExceeded { peer: LINK, found: 1, window: 0 };
    assert_eq!(books.transmitted((id, 1), (LINK, 0), at), Err(full));
}

#[test]
fn a_duplicate_needs_a_reason_and_a_mark() {
    let mut books = one_done();
    books.seen(message(1));
    let (id, times) = (message(1), 2);
    assert_eq!(books.close(|_| false), Err(Violation::NeedlessDuplicate { message: id, times }));
    books.interrupted(id, 1);
    assert_eq!(books.close(|_| false), Err(Violation::UnmarkedDuplicate { message: id, times }));
    assert_eq!(books.close(|open| open == id), Err(Violation::EndedAndOpen { message: id }));
}

#[test]
fn success_means_that_all_parts_were_seen() {
    let mut books = one_done();
    let whole = message(2);
    books.durable(whole);
    let end = Cdr { parts: 2, ..cdr(whole) };
    let commit = Committed { marks: vec![mark(1, 3)], cdrs: vec![end.clone()], ..Committed::default() };
    books.committed(&commit).unwrap();
    books.published(2, &end).unwrap();
    books.seen(whole.part(1));
    let outcome = FinalState::Accepted;
    assert_eq!(books.close(|_| false), Err(Violation::NeverSeen { message: whole.part(2), outcome }));
    books.seen(whole.part(2));
    assert!(books.close(|_| false).is_ok());
}

#[test]
fn a_cdr_is_published_after_its_commit_and_in_sequence() {
    let other = cdr(message(2));
    let uncommitted = Violation::PublishedUncommitted { id: other.id() };
    assert_eq!(one_done().published(2, &other), Err(uncommitted));
    assert_eq!(one_done().published(3, &other), Err(Violation::SequenceGap { last: 1, found: 3 }));
}

#[test]
fn all_cdrs_are_published() {
    let mut books = one_done();
    let other = cdr(message(2));
    let amendment = Cdr { kind: CdrKind::Amendment, ..cdr(message(1)) };
    books.durable(message(2));
    books.seen(message(2));
    let cdrs = vec![other.clone(), amendment.clone()];
    books.committed(&Committed { cdrs, ..Committed::default() }).unwrap();
    books.published(2, &amendment).unwrap();
    assert_eq!(books.close(|_| false), Err(Violation::Unpublished { id: other.id() }));
    books.published(2, &other).unwrap();
    assert_eq!(books.close(|_| false).unwrap().published, 3);
}

#[test]
fn sums_that_differ_are_noticed() {
    let mut balance = Balance { accepted: 2, open: 1, ..Balance::default() };
    assert_eq!(balance.check(), Err(Violation::Unbalanced { accepted: 2, ended: 0, open: 1 }));
    balance.end(FinalState::Filtered);
    assert_eq!((balance.check(), balance.ended(FinalState::Filtered)), (Ok(()), 1));
}
