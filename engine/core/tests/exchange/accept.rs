use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use signalbox_core::backend::Table;
use signalbox_core::exchange::{Answer, Event, NoBodies, Refusal, Submit};
use signalbox_core::gcra::Rate;
use signalbox_core::id::{PeerId, SessionId};
use signalbox_core::message::{Body, ReceiptRequest, ReceiptState, TrafficClass};
use signalbox_core::outcome::{ErrorClass, FinalState, Reason};

use crate::world::{ACCOUNT, LINK, SECOND, TO_LINK, World, policy, text};

#[test]
fn a_message_is_stored_before_it_is_answered_and_leaves_in_the_same_turn() {
    let mut world = World::new();
    let message = world.message("447700900001");
    let taken = world.submit(message).unwrap();
    assert_eq!(taken.visible_id.len(), 32);
    assert_eq!(world.rows_of(Table::Message), 1);
    let (session, released) = &world.sent[0];
    assert_eq!(*session, TO_LINK);
    assert!(matches!(released.body(), Body::Content(content) if content.payload.as_ref() == b"hello"));

    let permit = released.permit();
    world.answer(permit, "A1");
    assert!(world.rows.is_empty(), "{:?}", world.rows.keys());
    let cdr = &world.cdrs[0];
    assert_eq!((cdr.outcome, cdr.attempt, cdr.remote_id.as_str()), (FinalState::Accepted, 1, "A1"));
    assert_eq!((cdr.rule.as_str(), cdr.rule_version), ("mt", 7));
    assert_eq!(world.exchange.open(), 0);
}

#[test]
fn what_cannot_be_routed_is_refused_at_once() {
    let mut world = World::new();
    let unroutable = world.message("77");
    assert_eq!(world.submit(unroutable).unwrap_err(), Refusal::NoRoute);
    let rejected = world.message("9911111111");
    assert_eq!(world.submit(rejected).unwrap_err(), Refusal::RouteRejects { rule: "refused".into() });
    assert!(world.rows.is_empty() && world.cdrs.is_empty());
}

#[test]
fn a_full_account_a_full_exchange_and_a_full_store_refuse_early() {
    let mut tight = policy();
    tight.accounts.get_mut(&ACCOUNT).unwrap().queue_max = 1;
    tight.limits.messages = 2;
    let mut world = World::with(tight);
    let first = world.message("447700900001");
    world.submit(first).unwrap();
    let second = world.message("447700900001");
    assert_eq!(world.submit(second).unwrap_err(), Refusal::AccountQueueFull { held: 1 });
    let other = Submit { account: crate::world::OTHER, ..world.message("447700900001") };
    world.submit(other.clone()).unwrap();
    assert_eq!(world.submit(other.clone()).unwrap_err(), Refusal::QueueFull { held: 2 });
    world.exchange.set_store_low(true);
    assert_eq!(world.submit(other).unwrap_err(), Refusal::StoreFull);
}

#[test]
fn credit_bounds_what_is_out() {
    let mut world = World::with(policy());
    world.up(PeerId::Link(LINK), TO_LINK, 2);
    for _ in 0..5 {
        let message = world.message("447700900001");
        world.submit(message).unwrap();
    }
    assert_eq!(world.sent.len(), 2);
    let permit = world.sent[0].1.permit();
    world.answer(permit, "1");
    assert_eq!(world.sent.len(), 3);
}

#[test]
fn a_one_time_password_overtakes_bulk() {
    let mut world = World::with(policy());
    for _ in 0..50 {
        let bulk = Submit { class: TrafficClass::Bulk, ..world.message("447700900001") };
        world.submit(bulk).unwrap();
    }
    let otp = Submit { class: TrafficClass::Otp, ..world.message("447700900002") };
    world.submit(otp).unwrap();
    world.up(PeerId::Link(LINK), TO_LINK, 1);
    assert_eq!(world.sent[0].1.class(), TrafficClass::Otp);
}

#[test]
fn a_link_that_is_down_hands_its_mail_to_the_next() {
    let mut world = World::with(policy());
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    assert!(world.sent.is_empty());
    world.up(PeerId::Link(SECOND), SessionId(201), 10);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.sent[0].1.peer(), PeerId::Link(SECOND));
}

#[test]
fn temporary_errors_are_retried_and_permanent_ones_end() {
    let mut world = World::new();
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    let refuse = |class| Answer::Refused { class, status: 0x64 };
    let permit = world.last_sent().permit();
    world.event(Event::Answered { permit, answer: refuse(ErrorClass::Temporary) });
    assert_eq!(world.rows_of(Table::State), 1);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.sent.len(), 2);
    assert_eq!(world.last_sent().attempt(), 2);
    let permit = world.last_sent().permit();
    world.event(Event::Answered { permit, answer: refuse(ErrorClass::Permanent) });
    let cdr = &world.cdrs[0];
    assert_eq!((cdr.outcome, cdr.reason, cdr.status), (FinalState::Rejected, Reason::PeerRefused, 0x64));
    assert!(world.rows.is_empty());
}

#[test]
fn a_message_that_nobody_takes_expires() {
    let mut world = World::with(policy());
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    world.pass(Duration::from_secs(3601));
    assert_eq!(world.cdrs[0].outcome, FinalState::Expired);
    assert!(world.rows.is_empty());
}

#[test]
fn a_schedule_is_kept_and_follows_the_wall_clock() {
    let mut world = World::new();
    let at = world.now.wall.after(Duration::from_secs(600));
    let message = Submit { not_before: Some(at), ..world.message("447700900001") };
    world.submit(message).unwrap();
    world.pass(Duration::from_secs(500));
    assert!(world.sent.is_empty());
    // Somebody sets the clock ten minutes ahead.
    world.now.wall = world.now.wall.after(Duration::from_secs(600));
    world.settle();
    world.pass(Duration::from_millis(1));
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn a_step_of_the_wall_clock_expires_nothing() {
    let mut world = World::with(policy());
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    world.now.wall = world.now.wall.after(Duration::from_secs(86_400));
    world.settle();
    world.pass(Duration::from_secs(10));
    assert!(world.cdrs.is_empty());
    world.pass(Duration::from_secs(3600));
    assert_eq!(world.cdrs[0].outcome, FinalState::Expired);
}

#[test]
fn the_same_request_twice_is_one_message() {
    let mut world = World::new();
    let message = Submit { idempotency: Some([7; 16]), ..world.message("447700900001") };
    let first = world.submit(message.clone()).unwrap();
    let second = Submit { reply: world.message("447700900001").reply, ..message.clone() };
    assert_eq!(world.submit(second).unwrap().id, first.id);
    assert_eq!(world.sent.len(), 1);
    world.restart();
    let third = Submit { reply: world.message("447700900001").reply, ..message };
    assert_eq!(world.submit(third).unwrap().id, first.id);
}

#[test]
fn a_message_of_several_parts_has_one_outcome() {
    let mut world = World::new();
    let message = Submit {
        parts: [text("one"), text("two"), text("three")].into_iter().collect(),
        ..world.message("447700900001")
    };
    let taken = world.submit(message).unwrap();
    assert_eq!(world.sent.len(), 3);
    let permits: Vec<_> = world.sent.iter().map(|(_, released)| released.permit()).collect();
    world.answer(permits[0], "1");
    world.answer(permits[2], "3");
    assert!(world.cdrs.is_empty());
    let answer = Answer::Refused { class: ErrorClass::Permanent, status: 11 };
    world.event(Event::Answered { permit: permits[1], answer });
    assert_eq!(world.cdrs.len(), 1);
    let cdr = &world.cdrs[0];
    assert_eq!((cdr.message, cdr.parts, cdr.outcome), (taken.id, 3, FinalState::Rejected));
    assert!(world.rows.is_empty(), "{:?}", world.rows.keys());
}

#[test]
fn parts_that_left_as_one_have_the_outcome_of_the_one_with_the_receipt() {
    for (state, outcome) in
        [(ReceiptState::Delivered, FinalState::Delivered), (ReceiptState::Rejected, FinalState::Rejected)]
    {
        let mut world = World::new();
        let parts = [text("one"), text("two"), text("three")].into_iter().collect();
        let message = world.message("447700900001");
        world.submit(Submit { parts, receipt: ReceiptRequest::FINAL, ..message }).unwrap();
        let permits: Vec<_> = world.sent.iter().map(|(_, released)| released.permit()).collect();
        world.answer(permits[0], "A1");
        for permit in &permits[1..] {
            world.event(Event::Answered {
                permit: *permit,
                answer: Answer::Joined { remote_id: "A1".into() },
            });
        }
        assert!(world.cdrs.is_empty(), "the receipt is still to come");
        world.receipt("A1", "447700900001", state);
        assert_eq!(world.cdrs.len(), 1);
        let cdr = &world.cdrs[0];
        assert_eq!((cdr.parts, cdr.outcome, cdr.remote_id.as_str()), (3, outcome, "A1"));
    }
}

#[test]
fn parts_that_were_refused_together_are_tried_together() {
    let mut world = World::new();
    let parts = [text("one"), text("two"), text("three")].into_iter().collect();
    let message = world.message("447700900001");
    world.submit(Submit { parts, ..message }).unwrap();
    let permits: Vec<_> = world.sent.iter().map(|(_, released)| released.permit()).collect();
    for permit in permits {
        let answer = Answer::Refused { class: ErrorClass::Temporary, status: 500 };
        world.event(Event::Answered { permit, answer });
    }
    assert_eq!(world.sent.len(), 3);
    while world.sent.len() == 3 {
        world.pass(Duration::from_millis(100));
    }
    assert_eq!(world.sent.len(), 6, "all of them in one turn");
}

#[test]
fn order_per_destination_waits_for_the_final_outcome() {
    let mut ordered = policy();
    ordered.links.get_mut(&LINK).unwrap().ordered = true;
    let mut world = World::with(ordered);
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    for to in ["447700900001", "447700900001", "447700900002"] {
        let message = world.message(to);
        world.submit(message).unwrap();
    }
    assert_eq!(world.sent.len(), 2, "the second to the same number waits");
    let permit = world.sent[0].1.permit();
    let answer = Answer::Refused { class: ErrorClass::Temporary, status: 0x64 };
    world.event(Event::Answered { permit, answer });
    assert_eq!(world.sent.len(), 2, "a retry keeps its place before the later one");
    world.pass(Duration::from_secs(60));
    assert_eq!(world.sent.len(), 3);
    let permit = world.last_sent().permit();
    world.answer(permit, "1");
    assert_eq!(world.sent.len(), 4);
}

#[test]
fn a_fatal_status_closes_the_session_and_the_message_goes_on() {
    let mut world = World::new();
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    let permit = world.last_sent().permit();
    let answer = Answer::Refused { class: ErrorClass::Fatal, status: 4 };
    world.event(Event::Answered { permit, answer });
    assert_eq!(world.closed, [TO_LINK]);
    world.down(TO_LINK, &[], &[]);
    world.up(PeerId::Link(LINK), SessionId(202), 10);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.sent.last().unwrap().0, SessionId(202));
    assert!(world.cdrs.is_empty());
}

#[test]
fn mo_goes_to_its_account_and_is_counted_delivered_when_it_is_taken() {
    let mut world = World::new();
    world.inbound("447700900001", "12345", TO_LINK);
    let (session, released) = world.sent.last().unwrap();
    assert_eq!((*session, released.peer()), (crate::world::ESME, PeerId::Account(ACCOUNT)));
    let permit = released.permit();
    world.answer(permit, "");
    assert_eq!(world.cdrs[0].outcome, FinalState::Delivered);
}

#[test]
fn mo_that_nobody_takes_is_in_the_books() {
    let mut world = World::new();
    world.inbound("447700900001", "54321", TO_LINK);
    assert_eq!((world.cdrs[0].outcome, world.cdrs[0].reason), (FinalState::Rejected, Reason::NoRoute));
}

#[test]
fn a_copy_of_an_mo_after_a_lost_session_is_one_message_but_a_repeat_is_two() {
    let mut world = World::new();
    world.inbound("447700900001", "12345", TO_LINK);
    world.inbound("447700900001", "12345", TO_LINK);
    assert_eq!(world.sent.len(), 2, "a person who says yes twice is heard twice");
    world.down(TO_LINK, &[], &[]);
    world.up(PeerId::Link(LINK), SessionId(203), 10);
    world.inbound("447700900001", "12345", SessionId(203));
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn nobody_waits_for_the_commit_of_an_answer_but_it_is_not_put_off_for_long() {
    let mut world = World::new();
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    let permit = world.last_sent().permit();
    let answer = Answer::Taken { remote_id: Bytes::new() };
    world.exchange.handle(world.now, Event::Answered { permit, answer });
    assert!(world.exchange.settle_if_awaited(world.now, &NoBodies).is_none());
    let due = world.exchange.next_due().unwrap();
    assert!(due <= world.now.mono + Duration::from_millis(5));
    world.now.mono = due;
    let turn = world.exchange.settle_if_awaited(world.now, &NoBodies).unwrap();
    assert_eq!(turn.commit.cdrs.len(), 1);
}

#[test]
fn the_next_attempt_takes_earlier_answers_into_its_commit() {
    let mut world = World::new();
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    let permit = world.last_sent().permit();
    let answer = Answer::Taken { remote_id: Bytes::new() };
    world.exchange.handle(world.now, Event::Answered { permit, answer });
    assert!(world.exchange.settle_if_awaited(world.now, &NoBodies).is_none());
    let next = world.message("447700900002");
    world.exchange.handle(world.now, Event::Submit(Box::new(next)));
    let turn = world.exchange.settle_if_awaited(world.now, &NoBodies).unwrap();
    assert_eq!(turn.commit.cdrs.len(), 1);
    assert!(turn.effects.len() == 2, "its reply and its attempt");
}

#[test]
fn a_paced_link_goes_on_by_time_alone() {
    let mut paced = policy();
    let rate = Rate::per_second(10).unwrap();
    paced.links.get_mut(&LINK).unwrap().rate = Some((rate, 1));
    let mut world = World::with(paced);
    world.up(PeerId::Link(LINK), TO_LINK, 100);
    for _ in 0..20 {
        let message = world.message("447700900001");
        world.submit(message).unwrap();
    }
    for _ in 0..25 {
        world.now.mono = world.exchange.next_due().unwrap().max(world.now.mono);
        world.pass(Duration::from_millis(100));
    }
    assert_eq!(world.sent.len(), 20);
}

#[test]
fn a_link_that_asks_for_a_pause_gets_nothing_until_it_is_over() {
    let mut world = World::new();
    let first = world.message("447700900001");
    world.submit(first).unwrap();
    let permit = world.sent[0].1.permit();
    world.event(Event::Pause { session: TO_LINK, wait: Duration::from_secs(30) });
    // A shorter word that comes after the longer one does not end it.
    world.event(Event::Pause { session: TO_LINK, wait: Duration::from_secs(1) });
    let refused = Answer::Refused { class: ErrorClass::Throttling, status: 429 };
    world.event(Event::Answered { permit, answer: refused });
    world.pass(Duration::from_secs(29));
    assert_eq!(world.sent.len(), 1);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.sent.len(), 2);
    assert_eq!(world.sent[1].1.id(), world.sent[0].1.id());
}

#[test]
fn a_link_that_throttles_goes_on_by_time_alone() {
    let mut ordered = policy();
    ordered.links.get_mut(&LINK).unwrap().ordered = true;
    let mut world = World::with(ordered);
    world.up(PeerId::Link(LINK), TO_LINK, 50);
    for number in 0..50 {
        let message = world.message(&format!("4477009{number:05}"));
        world.submit(message).unwrap();
    }
    let permits: Vec<_> = world.sent.iter().map(|(_, released)| released.permit()).collect();
    for (place, permit) in permits.into_iter().enumerate() {
        if place < 10 {
            world.answer(permit, "");
        } else {
            let answer = Answer::Refused { class: ErrorClass::Throttling, status: 0x58 };
            world.event(Event::Answered { permit, answer });
        }
    }
    for _ in 0..3_000 {
        world.pass(Duration::from_millis(20));
        while world.cdrs.len() < world.sent.len() - 40 {
            let permit = world.sent[world.cdrs.len() + 40].1.permit();
            world.answer(permit, "");
        }
    }
    assert_eq!(world.cdrs.len(), 50);
}

#[test]
fn links_that_are_switched_off_for_maintenance_keep_their_mail_waiting() {
    let mut world = World::with(policy());
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    let switch = |world: &mut World, on| {
        for link in world.policy.links.values_mut() {
            link.enabled = on;
        }
        world.event(Event::Policy(Arc::new(world.policy.clone())));
        world.pass(Duration::from_secs(6));
    };
    switch(&mut world, false);
    assert!(world.cdrs.is_empty());
    let another = world.message("447700900002");
    world.submit(another).unwrap();
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    assert!(world.sent.is_empty());
    switch(&mut world, true);
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn a_schedule_has_a_furthest_day_and_validity_counts_from_it() {
    let mut world = World::new();
    let day = Duration::from_secs(86_400);
    let too_far =
        Submit { not_before: Some(world.now.wall.after(31 * day)), ..world.message("447700900001") };
    assert_eq!(world.submit(too_far).unwrap_err(), Refusal::BadSchedule);
    let (start, end) = (world.now.wall.after(10 * day), world.now.wall.after(10 * day + day / 2));
    let later = Submit { not_before: Some(start), expires_at: Some(end), ..world.message("447700900001") };
    world.submit(later).unwrap();
}
