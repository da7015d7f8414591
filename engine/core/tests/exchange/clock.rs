//! Somebody sets the wall clock: spans keep their length, schedules follow, books stay in order (decision 0008).

use std::time::Duration;

use signalbox_core::exchange::{Answer, Event, Submit};
use signalbox_core::id::PeerId;
use signalbox_core::message::{Body, ReceiptRequest, ReceiptState};
use signalbox_core::outcome::{ErrorClass, FinalState};
use signalbox_core::scope::Purpose;
use signalbox_core::time::Micros;

use crate::world::{LINK, TO_LINK, World, policy};

const HOUR: i64 = 3_600_000_000;
const MINUTE: Duration = Duration::from_secs(60);
const HONOLULU: &str = "18085550100";

fn step(world: &mut World, by: i64) {
    world.now.wall.0 += by;
    world.settle();
}

fn scheduled(world: &mut World, after: Duration, valid_for: Duration) {
    let at = world.now.wall.after(after);
    let submit = Submit {
        not_before: Some(at),
        expires_at: Some(at.after(valid_for)),
        ..world.message("447700900001")
    };
    world.submit(submit).unwrap();
}

#[test]
fn a_step_back_delays_a_schedule_and_does_not_let_it_expire_before() {
    let mut world = World::new();
    scheduled(&mut world, 30 * MINUTE, 20 * MINUTE);
    step(&mut world, -HOUR);
    world.pass(89 * MINUTE);
    assert!(world.sent.is_empty() && world.cdrs.is_empty(), "{:?}", world.cdrs);
    world.pass(2 * MINUTE);
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn a_step_over_a_schedule_releases_it_with_all_of_its_validity() {
    let mut world = World::with(policy());
    scheduled(&mut world, 30 * MINUTE, 20 * MINUTE);
    step(&mut world, HOUR);
    world.pass(19 * MINUTE);
    assert!(world.cdrs.is_empty(), "{:?}", world.cdrs);
    world.pass(2 * MINUTE);
    assert_eq!(world.cdrs[0].outcome, FinalState::Expired);
}

#[test]
fn a_step_towards_a_schedule_leaves_its_end_where_it_was() {
    let mut world = World::with(policy());
    scheduled(&mut world, 90 * MINUTE, 20 * MINUTE);
    step(&mut world, HOUR);
    world.pass(49 * MINUTE);
    assert!(world.cdrs.is_empty(), "{:?}", world.cdrs);
    world.pass(2 * MINUTE);
    assert_eq!(world.cdrs[0].outcome, FinalState::Expired);
}

#[test]
fn retries_and_waits_for_receipts_keep_their_length_in_both_directions() {
    for by in [HOUR, -HOUR] {
        let mut world = World::new();
        let message = world.message("447700900001");
        world.submit(message).unwrap();
        let permit = world.last_sent().permit();
        let answer = Answer::Refused { class: ErrorClass::Temporary, status: 8 };
        world.event(Event::Answered { permit, answer });
        world.sent.clear();
        world.taken("447700900002", "77");
        world.sent.clear();
        step(&mut world, by);
        assert!(world.sent.is_empty(), "{by}: a retry is not early");
        world.pass(10 * MINUTE);
        assert_eq!(world.sent.len(), 1, "{by}: and not late");
        world.answer(world.last_sent().permit(), "78");
        world.receipt("77", "447700900002", ReceiptState::Delivered);
        let outcomes = world.cdrs.iter().map(|cdr| cdr.outcome).collect::<Vec<_>>();
        assert_eq!(outcomes, [FinalState::Accepted, FinalState::Delivered], "{by}");
    }
}

#[test]
fn the_instants_of_a_record_and_of_a_receipt_are_in_order_after_a_step_back() {
    let mut world = World::new();
    let submit = Submit { receipt: ReceiptRequest::FINAL, ..world.message("447700900001") };
    world.submit(submit).unwrap();
    let permit = world.last_sent().permit();
    step(&mut world, -HOUR);
    world.answer(permit, "77");
    world.receipt("77", "447700900001", ReceiptState::Delivered);
    let cdr = &world.cdrs[0];
    let instants = [Some(cdr.accepted_at), cdr.first_sent_at, cdr.taken_at, Some(cdr.final_at)];
    let instants = instants.map(Option::unwrap);
    assert!(instants.is_sorted(), "{instants:?}");
    assert!(instants[3] < Micros(instants[0].0 + HOUR), "{instants:?}");
    let Body::Receipt(receipt) = world.last_sent().body() else { panic!("no receipt") };
    assert!(receipt.submitted_at <= receipt.done_at, "{receipt:?}");
}

#[test]
fn an_amendment_is_not_before_the_record_that_it_amends() {
    let mut world = World::new();
    world.taken("447700900001", "77");
    world.receipt("77", "447700900001", ReceiptState::Expired);
    step(&mut world, -HOUR);
    world.receipt("77", "447700900001", ReceiptState::Delivered);
    let finals = world.cdrs.iter().map(|cdr| cdr.final_at).collect::<Vec<_>>();
    assert_eq!(finals.len(), 2);
    assert!(finals.is_sorted(), "{finals:?}");
}

#[test]
fn ids_of_messages_before_and_after_a_step_back_are_different() {
    let mut world = World::new();
    let mut ids = std::collections::BTreeSet::new();
    for round in 0..50 {
        let message = world.message("447700900001");
        ids.insert(world.submit(message).unwrap().id);
        // There and back: the same microsecond again.
        step(&mut world, if round % 2 == 0 { HOUR } else { -HOUR });
    }
    assert_eq!(ids.len(), 50);
}

/// Quiet hours end when the clock on the wall says so, and what waits for that does not wait an hour more, over a restart
/// neither.
#[test]
fn a_step_over_the_end_of_quiet_hours_lets_go_what_waited_for_it() {
    for (restarts, by) in [(false, HOUR), (true, HOUR), (false, -HOUR)] {
        let mut world = crate::consent::world(crate::consent::decided(|_, _| {}));
        world.say(crate::consent::own(Purpose::Begin, HONOLULU, "news"));
        if restarts {
            world.restart();
            world.up(PeerId::Link(LINK), TO_LINK, 10);
        }
        // From 4:13 in Honolulu to half past seven; what begins a conversation leaves from eight on.
        world.pass(Duration::from_secs(3 * 3_600 + 16 * 60 + 40));
        assert_eq!(world.sent.len(), 0, "half an hour is left");
        step(&mut world, by);
        world.pass(Duration::from_secs(1));
        assert_eq!(world.sent.len(), usize::from(by > 0));
        if by < 0 {
            world.pass(MINUTE * 80);
            assert_eq!(world.sent.len(), 0, "it is an hour later again");
            world.pass(MINUTE * 11);
            assert_eq!(world.sent.len(), 1);
        }
    }
}
