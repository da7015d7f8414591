use std::time::Duration;

use signalbox_core::backend::{Offset, Table};
use signalbox_core::cdr::Cdr;
use signalbox_core::exchange::{Answer, Event, Submit};
use signalbox_core::id::{MessageId, PeerId, ShardId};
use signalbox_core::message::ReceiptRequest;
use signalbox_core::outcome::{FinalState, Reason};

use crate::world::{LINK, TO_LINK, World, address, policy, text};

const TO: &str = "447700900001";

fn id_of(world: &World, to: &str) -> MessageId {
    MessageId::new(world.now.wall, address(to).shard(), 0x77 << 8)
}

fn log(world: &mut World, submit: &Submit) -> MessageId {
    let id = MessageId::new(world.now.wall, submit.destinations[0].shard(), 0x77 << 8);
    world.exchange.accepted(world.now, id, submit);
    world.settle();
    id
}

#[test]
fn it_keeps_the_id_and_the_time_of_its_record() {
    let mut world = World::new();
    let submit = world.message(TO);
    let id = id_of(&world, TO);
    world.pass(Duration::from_secs(5));
    world.exchange.accepted(world.now, id, &submit);
    world.settle();
    assert!(world.replies.is_empty(), "it was answered when it became durable");
    assert_eq!(world.last_sent().id(), id);
    assert_eq!(world.last_sent().expires_at(), id.accepted_at().after(Duration::from_secs(3600)));
}

#[test]
fn a_record_read_twice_is_one_message() {
    let mut world = World::new();
    let submit = world.message(TO);
    let id = log(&mut world, &submit);
    world.exchange.accepted(world.now, id, &submit);
    world.settle();
    assert_eq!((world.exchange.open(), world.sent.len()), (1, 1));
    let permit = world.last_sent().permit();
    world.answer(permit, "1");
    world.exchange.accepted(world.now, id, &submit);
    world.settle();
    assert_eq!((world.exchange.open(), world.sent.len(), world.cdrs.len()), (0, 1, 1));
}

#[test]
fn parts_have_the_same_ids_whoever_cuts() {
    let ids = |world: &mut World| {
        let parts = [text("one"), text("two")].into_iter().collect();
        let submit = Submit { parts, ..world.message(TO) };
        log(world, &submit);
        world.sent.iter().map(|(_, released)| released.id()).collect::<Vec<_>>()
    };
    let (mut one, mut other) = (World::new(), World::new());
    other.taken("447700900009", "1");
    other.sent.clear();
    assert_eq!(ids(&mut one), ids(&mut other));
}

#[test]
fn what_has_no_way_ends_with_a_cdr() {
    let mut world = World::new();
    let refused = Submit { receipt: ReceiptRequest::FINAL, ..world.message("99123") };
    let id = log(&mut world, &refused);
    let cdr = &world.cdrs[0];
    assert_eq!((cdr.message, cdr.outcome, cdr.reason), (id, FinalState::Rejected, Reason::RouteRejects));
    assert_eq!(world.sent.len(), 1, "the receipt that was asked for");
    let late = Submit { expires_at: Some(world.now.wall), ..world.message(TO) };
    log(&mut world, &late);
    assert_eq!((world.cdrs[1].outcome, world.exchange.open()), (FinalState::Expired, 1));
}

#[test]
fn an_answer_finds_its_attempt_after_a_restart() {
    let mut world = World::new();
    let submit = world.message(TO);
    let id = log(&mut world, &submit);
    let before = world.exchange.permit_of(id, 1);
    assert_eq!(before, Some(world.last_sent().permit()));
    world.restart();
    assert_eq!(world.exchange.permit_of(id, 2), None);
    let permit = world.exchange.permit_of(id, 1).expect("in doubt");
    world.answer(permit, "1");
    assert_eq!((world.cdrs[0].outcome, world.cdrs[0].possible_duplicate), (FinalState::Accepted, false));
    assert_eq!(world.exchange.permit_of(id, 1), None);
    assert!(world.rows.is_empty(), "{:?}", world.rows.keys());
}

#[test]
fn an_attempt_that_the_store_lost_is_in_doubt() {
    let mut world = World::with(policy());
    let submit = world.message(TO);
    let id = log(&mut world, &submit);
    world.exchange.attempted(world.now, id, 1, PeerId::Link(LINK));
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    assert!(world.sent.is_empty());
    world.pass(Duration::from_secs(61));
    assert_eq!(world.last_sent().attempt(), 2);
    let permit = world.last_sent().permit();
    world.answer(permit, "1");
    assert!(world.cdrs[0].possible_duplicate);
}

#[test]
fn attempts_and_answers_of_the_log_lead_to_where_they_led() {
    let mut world = World::with(policy());
    let submit = world.message(TO);
    let id = log(&mut world, &submit);
    world.exchange.attempted(world.now, id, 1, PeerId::Link(LINK));
    let permit = world.exchange.permit_of(id, 1).unwrap();
    world.event(Event::Answered { permit, answer: Answer::Taken { remote_id: "5".into() } });
    world.exchange.attempted(world.now, id, 1, PeerId::Link(LINK));
    world.settle();
    assert_eq!((world.cdrs.len(), world.cdrs[0].possible_duplicate), (1, false));
}

#[test]
fn two_attempts_without_an_answer_mark_it() {
    let mut world = World::with(policy());
    let submit = world.message(TO);
    let id = log(&mut world, &submit);
    for attempt in [1, 2] {
        world.exchange.attempted(world.now, id, attempt, PeerId::Link(LINK));
    }
    assert_eq!(world.exchange.permit_of(id, 1), None);
    let permit = world.exchange.permit_of(id, 2).unwrap();
    world.answer(permit, "5");
    assert!(world.cdrs[0].possible_duplicate);
}

#[test]
fn the_commit_says_how_far_the_log_is_handled() {
    let mut world = World::new();
    let shard = ShardId::of(b"1");
    world.exchange.handled(shard, Offset(9));
    let turn = world.exchange.settle(world.now, &signalbox_core::exchange::NoBodies);
    let marks: Vec<_> = turn.commit.marks.iter().map(|(shard, mark)| (*shard, mark.position)).collect();
    assert_eq!(marks, [(shard, Some(Offset(9)))]);
    assert_eq!(world.rows_of(Table::Message), 0);
}

#[test]
fn what_a_former_owner_ended_ends_the_same_way() {
    let mut world = World::with(policy());
    let parts = [text("one"), text("two")].into_iter().collect();
    let single = Submit { receipt: ReceiptRequest::FINAL, ..world.message(TO) };
    let long = Submit { parts, ..world.message("447700900002") };
    let ids = [log(&mut world, &single), log(&mut world, &long)];
    // Time decided elsewhere.
    world.pass(Duration::from_secs(3601));
    let cdrs = std::mem::take(&mut world.cdrs);
    assert_eq!(cdrs.len(), 2);

    let mut other = World::with(policy());
    assert_eq!([log(&mut other, &single), log(&mut other, &long)], ids);
    for cdr in &cdrs {
        other.exchange.ended(other.now, cdr);
        other.exchange.ended(other.now, cdr);
    }
    other.settle();
    assert_eq!(other.cdrs, cdrs, "once each, though told twice");
    assert_eq!(other.exchange.open(), 1, "the receipt that was asked for");
    other.restart();
    assert_eq!(other.exchange.open(), 1);
}

/// A world that replays a log, under rules that have no way for anything.
fn replaying_without_links() -> World {
    let mut rules = policy();
    for link in rules.links.values_mut() {
        link.enabled = false;
    }
    let mut world = World::with(rules);
    world.exchange.replay();
    world
}

#[test]
fn a_replay_routes_nothing_before_its_end() {
    let mut world = replaying_without_links();
    let parts = [text("one"), text("two")].into_iter().collect();
    let messages = [world.message(TO), Submit { parts, ..world.message("77") }];
    let ids: Vec<_> = messages
        .iter()
        .map(|submit| {
            let id = MessageId::new(world.now.wall, submit.destinations[0].shard(), 0x77 << 8);
            world.exchange.accepted(world.now, id, submit);
            id
        })
        .collect();
    world.exchange.attempted(world.now, ids[0], 1, PeerId::Link(LINK));
    let permit = world.exchange.permit_of(ids[0], 1).unwrap();
    world
        .exchange
        .handle(world.now, Event::Answered { permit, answer: Answer::Taken { remote_id: "5".into() } });
    world.exchange.replayed(world.now);
    world.settle();
    let ends: Vec<_> = world.cdrs.iter().map(|cdr| (cdr.message, cdr.outcome)).collect();
    assert_eq!(ends, [(ids[0], FinalState::Accepted), (ids[1], FinalState::Rejected)]);
}

#[test]
fn what_the_store_has_waits_for_the_end_of_the_replay() {
    let mut world = World::with(policy());
    let submit = world.message(TO);
    let id = log(&mut world, &submit);
    let mut rules = policy();
    rules.links.values_mut().for_each(|link| link.enabled = false);
    world.policy = rules;
    world.restart_with(move |world| {
        world.exchange.attempted(world.now, id, 1, PeerId::Link(LINK));
    });
    assert!(world.cdrs.is_empty(), "it is in doubt");
    let permit = world.exchange.permit_of(id, 1).unwrap();
    world.answer(permit, "5");
    assert_eq!(world.cdrs[0].outcome, FinalState::Accepted);
}

#[test]
fn an_attempt_behind_the_end_that_a_replay_finds_marks_the_cdr() {
    for recorded in [false, true] {
        let mut world = World::with(policy());
        let submit = Submit { receipt: ReceiptRequest::FINAL, ..world.message(TO) };
        world.exchange.replay();
        let id = id_of(&world, TO);
        world.exchange.accepted(world.now, id, &submit);
        world.exchange.attempted(world.now, id, 1, PeerId::Link(LINK));
        // For the former owner the doubt was over before the receipt came.
        let permit = world.exchange.permit_of(id, 1).unwrap();
        world
            .exchange
            .handle(world.now, Event::Answered { permit, answer: Answer::Taken { remote_id: "5".into() } });
        world.open_receipt("5", TO);
        world.exchange.attempted(world.now, id, 2, PeerId::Link(LINK));
        if recorded {
            let cdr = other_end(id);
            world.exchange.ended(world.now, &cdr);
        }
        world.exchange.replayed(world.now);
        world.settle();
        let cdr = &world.cdrs[0];
        assert_eq!((world.cdrs.len(), cdr.attempt, cdr.possible_duplicate), (1, 2, true));
        assert_eq!(cdr.outcome, if recorded { FinalState::Expired } else { FinalState::Delivered });
    }
}

/// How a former owner ended a message that it had tried twice.
fn other_end(id: MessageId) -> Cdr {
    let mut world = World::with(policy());
    let submit = world.message(TO);
    world.exchange.accepted(world.now, id, &submit);
    for attempt in [1, 2] {
        world.exchange.attempted(world.now, id, attempt, PeerId::Link(LINK));
    }
    world.pass(Duration::from_secs(3700));
    world.cdrs.remove(0)
}
