use std::time::Duration;

use signalbox_core::exchange::{Answer, Event, Submit, Unsent};
use signalbox_core::id::{PeerId, SessionId};
use signalbox_core::message::{ReceiptRequest, ReceiptState};
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::policy::AfterDoubt;

use crate::world::{LINK, SECOND, TO_LINK, World, policy, text};

fn sent_with_receipt(world: &mut World) {
    let message = Submit { receipt: ReceiptRequest::FINAL, ..world.message("447700900001") };
    world.submit(message).unwrap();
}

#[test]
fn what_was_not_written_goes_at_once_by_another_session() {
    let mut world = World::new();
    sent_with_receipt(&mut world);
    let permit = world.last_sent().permit();
    world.up(PeerId::Link(LINK), SessionId(202), 10);
    world.down(TO_LINK, &[permit], &[]);
    assert_eq!(world.sent.last().unwrap().0, SessionId(202));
    assert_eq!(world.last_sent().attempt(), 1);
}

#[test]
fn what_was_in_the_window_waits_for_its_receipt_and_is_then_tried_again_and_marked() {
    let mut world = World::new();
    sent_with_receipt(&mut world);
    let permit = world.last_sent().permit();
    world.down(TO_LINK, &[], &[permit]);
    world.up(PeerId::Link(LINK), SessionId(202), 10);
    world.pass(Duration::from_secs(59));
    assert_eq!(world.sent.len(), 1);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.sent.len(), 2);
    let permit = world.last_sent().permit();
    world.answer(permit, "B");
    world.receipt("B", "447700900001", ReceiptState::Delivered);
    let cdr = &world.cdrs[0];
    assert!(cdr.doubt && cdr.possible_duplicate);
    assert_eq!(cdr.outcome, FinalState::Delivered);
}

#[test]
fn a_receipt_with_its_text_ends_the_doubt_and_the_record_says_so() {
    let mut world = World::new();
    sent_with_receipt(&mut world);
    let permit = world.last_sent().permit();
    world.down(TO_LINK, &[], &[permit]);
    world.receipt_with_text("whatever", "447700900001", "hello");
    let cdr = &world.cdrs[0];
    assert!(cdr.doubt && !cdr.possible_duplicate);
    assert_eq!((cdr.outcome, cdr.reason), (FinalState::Delivered, Reason::ReceiptByText));
    assert_eq!(cdr.remote_id, "whatever");
    assert_eq!(world.exchange.open(), 1, "only the receipt for the origin is left");
}

#[test]
fn a_receipt_that_names_nothing_we_know_and_has_no_text_is_no_guess() {
    let mut world = World::new();
    sent_with_receipt(&mut world);
    let permit = world.last_sent().permit();
    world.down(TO_LINK, &[], &[permit]);
    world.receipt("whatever", "447700900001", ReceiptState::Delivered);
    world.receipt_with_text("", "447700900001", "hello");
    assert!(world.cdrs.is_empty());
    world.up(PeerId::Link(LINK), SessionId(202), 10);
    world.pass(Duration::from_secs(61));
    let permit = world.last_sent().permit();
    world.answer(permit, "B");
    world.receipt("B", "447700900001", ReceiptState::Delivered);
    assert!(world.cdrs[0].doubt && world.cdrs[0].possible_duplicate);
    assert_eq!(world.cdrs[0].reason, Reason::Receipt);
}

#[test]
fn an_id_of_another_form_than_the_link_writes_does_not_end_the_doubt() {
    let mut world = World::new();
    world.taken("447700900002", "7F01");
    sent_with_receipt(&mut world);
    let permit = world.last_sent().permit();
    world.down(TO_LINK, &[], &[permit]);
    world.receipt_with_text("msg-12/x", "447700900001", "hello");
    assert!(world.cdrs.is_empty());
    world.receipt_with_text("7F02", "447700900001", "hello");
    assert_eq!(world.cdrs[0].reason, Reason::ReceiptByText);
}

#[test]
fn texts_that_are_only_in_the_store_are_compared_too() {
    let mut policy = policy();
    policy.limits.hot_octets = 0;
    let mut world = World::with(policy);
    // Nobody takes it at once, so that its text leaves the memory.
    sent_with_receipt(&mut world);
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    let permit = world.last_sent().permit();
    world.down(TO_LINK, &[], &[permit]);
    world.receipt_with_text("X", "447700900001", "good morning");
    assert!(world.cdrs.is_empty());
    world.receipt_with_text("Y", "447700900001", "hello");
    assert_eq!(world.cdrs[0].reason, Reason::ReceiptByText);
}

#[test]
fn one_part_that_ended_by_its_text_marks_the_whole() {
    let mut world = World::new();
    let parts = [text("first"), text("second")].into_iter().collect();
    let message = Submit { parts, receipt: ReceiptRequest::FINAL, ..world.message("447700900001") };
    world.submit(message).unwrap();
    let permits: Vec<_> = world.sent.iter().map(|(_, released)| released.permit()).collect();
    world.answer(permits[0], "7A");
    world.receipt("7A", "447700900001", ReceiptState::Delivered);
    world.down(TO_LINK, &[], &permits[1..]);
    world.receipt_with_text("7B", "447700900001", "second");
    assert_eq!((world.cdrs.len(), world.cdrs[0].reason), (1, Reason::ReceiptByText));
}

#[test]
fn policy_may_say_never_twice() {
    let mut strict = policy();
    strict.links.get_mut(&LINK).unwrap().after_doubt = AfterDoubt::Fail;
    let mut world = World::with(strict);
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    sent_with_receipt(&mut world);
    let permit = world.last_sent().permit();
    world.event(Event::Answered { permit, answer: Answer::Silent });
    world.pass(Duration::from_secs(61));
    assert_eq!((world.cdrs[0].outcome, world.cdrs[0].reason), (FinalState::Failed, Reason::Doubt));
}

#[test]
fn a_late_answer_ends_the_doubt() {
    let mut world = World::new();
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    let permit = world.last_sent().permit();
    world.event(Event::Answered { permit, answer: Answer::Silent });
    world.answer(permit, "late");
    assert_eq!(world.cdrs[0].outcome, FinalState::Accepted);
}

#[test]
fn a_permit_of_the_past_means_nothing() {
    let mut world = World::new();
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    let permit = world.last_sent().permit();
    world.answer(permit, "1");
    world.answer(permit, "1");
    world.event(Event::Unsent { permit, why: Unsent::NotWritten });
    world.down(TO_LINK, &[permit], &[permit]);
    assert_eq!(world.cdrs.len(), 1);
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn what_cannot_be_written_ends_with_that_reason() {
    let mut world = World::new();
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    let permit = world.last_sent().permit();
    world.event(Event::Unsent { permit, why: Unsent::NotEncodable });
    assert_eq!(world.cdrs[0].reason, Reason::NotEncodable);
}

/// A message to the device that was taken and has ended, and another one in doubt.
fn one_ended_one_in_doubt() -> World {
    let mut world = World::new();
    world.taken("447700900001", "A");
    world.receipt("A", "447700900001", ReceiptState::Delivered);
    sent_with_receipt(&mut world);
    let permit = world.sent.iter().rev().find(|(session, _)| *session == TO_LINK).unwrap().1.permit();
    world.down(TO_LINK, &[], &[permit]);
    world
}

#[test]
fn a_receipt_that_comes_again_is_not_for_the_message_in_doubt() {
    let mut world = one_ended_one_in_doubt();
    world.receipt("A", "447700900001", ReceiptState::Delivered);
    assert_eq!(world.cdrs.len(), 1);
}

#[test]
fn a_receipt_with_another_text_is_not_for_the_message_in_doubt() {
    for restarts in [false, true] {
        let mut world = one_ended_one_in_doubt();
        if restarts {
            world.restart();
        }
        world.receipt_with_text("C", "447700900001", "good morning");
        assert_eq!(world.cdrs.len(), 1, "restarts: {restarts}");
        world.receipt_with_text("D", "447700900001", "hello");
        assert_eq!(world.cdrs.len(), 2, "restarts: {restarts}");
    }
}

#[test]
fn texts_tell_two_in_doubt_apart() {
    let mut world = World::new();
    for words in ["first", "second"] {
        let parts = [text(words)].into_iter().collect();
        let message = Submit { parts, receipt: ReceiptRequest::FINAL, ..world.message("447700900001") };
        world.submit(message).unwrap();
    }
    let permits: Vec<_> = world.sent.iter().map(|(_, released)| released.permit()).collect();
    let second = world.last_sent().id();
    world.down(TO_LINK, &[], &permits);
    world.receipt("W", "447700900001", ReceiptState::Delivered);
    assert!(world.cdrs.is_empty(), "without a text it may be either");
    world.receipt_with_text("X", "447700900001", "second");
    assert_eq!((world.cdrs.len(), world.cdrs[0].message), (1, second));
}

#[test]
fn what_is_out_to_a_link_that_is_taken_away_goes_elsewhere() {
    let mut world = World::new();
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    let permit = world.last_sent().permit();
    let mut without = policy();
    without.links.remove(&LINK);
    world.event(Event::Policy(std::sync::Arc::new(without)));
    world.down(TO_LINK, &[], &[permit]);
    world.up(PeerId::Link(SECOND), SessionId(300), 10);
    assert_eq!((world.sent.len(), world.last_sent().attempt()), (2, 2));
    let permit = world.last_sent().permit();
    world.answer(permit, "1");
    assert!(world.cdrs[0].possible_duplicate);
}

#[test]
fn an_early_receipt_of_a_message_that_is_out_is_not_for_the_one_in_doubt() {
    let mut world = World::new();
    sent_with_receipt(&mut world);
    let doubted = world.last_sent().permit();
    world.down(TO_LINK, &[], &[doubted]);
    world.up(PeerId::Link(LINK), SessionId(202), 10);
    sent_with_receipt(&mut world);
    let (permit, second) = (world.last_sent().permit(), world.last_sent().id());
    world.receipt_with_text("B", "447700900001", "hello");
    assert!(world.cdrs.is_empty());
    world.answer(permit, "B");
    assert_eq!((world.cdrs.len(), world.cdrs[0].message), (1, second));
    world.receipt_with_text("A", "447700900001", "hello");
    assert_eq!(world.cdrs.len(), 2, "nothing is out any more");
}
