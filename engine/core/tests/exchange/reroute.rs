//! What a new decision does to those that wait: places, order and age.

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::exchange::{Command, Event, ReplyTo, Submit};
use signalbox_core::id::{LinkId, MessageId, PeerId, SessionId};
use signalbox_core::message::TrafficClass;
use signalbox_core::time::Mono;

use crate::world::{ACCOUNT, ESME, LINK, SECOND, TO_LINK, World, policy};

const TO_SECOND: SessionId = SessionId(201);
const ONE: &str = "447700900001";

/// More than one turn decides for.
const MANY: usize = 2_500;

fn ordered() -> World {
    let mut policy = policy();
    for link in [LINK, SECOND] {
        policy.links.get_mut(&link).unwrap().ordered = true;
    }
    World::with(policy)
}

/// Messages to one destination, of all classes one after the other.
fn wait_for_links(world: &mut World, count: usize) -> Vec<MessageId> {
    let mut accepted = Vec::new();
    for number in 0..count {
        let class = TrafficClass::ALL[3 - number % 4];
        let message = Submit { class, ..world.message(ONE) };
        accepted.push(world.submit(message).unwrap().id);
        world.now.mono = world.now.mono + Duration::from_millis(1);
        world.now.wall = world.now.wall.after(Duration::from_millis(1));
    }
    accepted
}

/// Takes what comes, one after the other, and tells in which order it came.
fn leave(world: &mut World, link: LinkId, count: usize) -> Vec<MessageId> {
    for _ in 0..count {
        let released = world.last_sent();
        assert_eq!(released.peer(), PeerId::Link(link));
        let permit = released.permit();
        world.answer(permit, "1");
    }
    world.sent.iter().map(|(_, released)| released.id()).collect()
}

fn enable(world: &mut World, link: LinkId, enabled: bool) {
    let command = Command::PeerEnabled { peer: PeerId::Link(link), enabled };
    let reply = ReplyTo { session: ESME, token: 1_000_000 };
    world.event(Event::Command { reply, command: Box::new(command) });
}

fn oldest(world: &World, link: LinkId) -> Duration {
    let queues = world.exchange.queues(world.now);
    let queue = queues.iter().find(|queue| queue.peer == PeerId::Link(link)).unwrap();
    Duration::from_micros(queue.oldest_age.cast_unsigned())
}

#[test]
fn a_new_decision_for_the_same_link_moves_nothing() {
    let mut world = ordered();
    let accepted = wait_for_links(&mut world, MANY);
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    let policy = Arc::new(world.policy.clone());
    world.event(Event::Policy(policy));
    for _ in 0..3 {
        world.settle();
    }
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    assert!(leave(&mut world, LINK, MANY) == accepted, "the order to one destination");
}

#[test]
fn what_goes_to_another_link_goes_in_its_order() {
    let mut world = ordered();
    let accepted = wait_for_links(&mut world, MANY);
    world.up(PeerId::Link(SECOND), TO_SECOND, 10);
    while world.exchange.next_due().is_some_and(|due| due <= world.now.mono) {
        world.settle();
    }
    assert!(leave(&mut world, SECOND, MANY) == accepted, "the order to one destination");
}

#[test]
fn a_link_that_is_switched_on_takes_what_waits_for_others() {
    let mut world = World::with(policy());
    world.up(PeerId::Link(SECOND), TO_SECOND, 10);
    enable(&mut world, SECOND, false);
    let message = world.message(ONE);
    world.submit(message).unwrap();
    assert!(world.sent.is_empty());
    enable(&mut world, SECOND, true);
    assert_eq!(world.last_sent().peer(), PeerId::Link(SECOND));
}

#[test]
fn a_wait_goes_on_where_the_message_goes() {
    let mut world = World::with(policy());
    let message = world.message(ONE);
    world.submit(message).unwrap();
    world.pass(Duration::from_secs(1_000));
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    let policy = Arc::new(world.policy.clone());
    world.event(Event::Policy(policy));
    assert_eq!(oldest(&world, LINK), Duration::from_secs(1_000));
    world.up(PeerId::Link(SECOND), TO_SECOND, 0);
    assert_eq!(oldest(&world, SECOND), Duration::from_secs(1_000));
}

#[test]
fn a_wait_goes_on_through_a_restart() {
    let mut world = World::with(policy());
    let message = world.message(ONE);
    world.submit(message).unwrap();
    world.pass(Duration::from_secs(1_000));
    // The new process has a clock of its own, which began a moment ago.
    world.now.mono = Mono(5_000_000);
    world.restart();
    assert_eq!(oldest(&world, LINK), Duration::from_secs(1_000));
}

#[test]
fn what_was_scheduled_waits_from_its_time() {
    let mut world = World::with(policy());
    let at = world.now.wall.after(Duration::from_secs(600));
    let message = Submit { not_before: Some(at), ..world.message(ONE) };
    world.submit(message).unwrap();
    world.pass(Duration::from_secs(1_000));
    assert_eq!(oldest(&world, LINK), Duration::from_secs(400));
    world.restart();
    assert_eq!(oldest(&world, LINK), Duration::from_secs(400));
}
