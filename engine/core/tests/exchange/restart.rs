use std::time::Duration;

use signalbox_core::backend::Table;
use signalbox_core::exchange::Submit;
use signalbox_core::id::{PeerId, SessionId};
use signalbox_core::message::ReceiptState;
use signalbox_core::outcome::FinalState;

use crate::world::{ACCOUNT, ESME, LINK, SECOND, TO_LINK, World, policy, text};

#[test]
fn what_waited_goes_on_in_its_order() {
    let mut world = World::with(policy());
    for to in ["447700900001", "447700900002", "447700900003"] {
        let message = world.message(to);
        world.submit(message).unwrap();
    }
    world.restart();
    assert_eq!(world.exchange.open(), 3);
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    let order: Vec<_> = world.sent.iter().map(|(_, released)| released.destination().to_text()).collect();
    assert_eq!(order, ["447700900001", "447700900002", "447700900003"]);
}

#[test]
fn what_was_out_is_in_doubt_and_then_tried_again() {
    let mut world = World::new();
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    world.restart();
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    assert!(world.sent.is_empty());
    world.pass(Duration::from_secs(61));
    assert_eq!(world.last_sent().attempt(), 2);
    let permit = world.last_sent().permit();
    world.answer(permit, "1");
    assert!(world.cdrs[0].possible_duplicate);
    assert!(world.rows.is_empty(), "{:?}", world.rows.keys());
}

#[test]
fn an_awaited_receipt_still_finds_its_message() {
    let mut world = World::new();
    let taken = world.taken("447700900001", "77");
    world.restart();
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    world.receipt("77", "447700900001", ReceiptState::Delivered);
    assert_eq!((world.cdrs[0].message, world.cdrs[0].outcome), (taken.id, FinalState::Delivered));
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn an_early_receipt_survives() {
    let mut world = World::new();
    world.receipt("77", "447700900001", ReceiptState::Delivered);
    world.restart();
    assert_eq!(world.rows_of(Table::EarlyReceipt), 1);
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    world.taken("447700900001", "77");
    assert_eq!(world.cdrs[0].outcome, FinalState::Delivered);
}

#[test]
fn parts_that_ended_before_count() {
    let mut world = World::new();
    let parts = [text("one"), text("two")].into_iter().collect();
    let message = Submit { parts, ..world.message("447700900001") };
    world.submit(message).unwrap();
    let permit = world.sent[0].1.permit();
    world.answer(permit, "1");
    world.restart();
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    world.pass(Duration::from_secs(61));
    assert_eq!(world.sent.len(), 1);
    let permit = world.last_sent().permit();
    world.answer(permit, "2");
    assert_eq!((world.cdrs.len(), world.cdrs[0].parts), (1, 2));
    assert!(world.rows.is_empty(), "{:?}", world.rows.keys());
}

#[test]
fn a_restart_writes_nothing_by_itself() {
    let mut world = World::with(policy());
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    let before = world.rows.clone();
    world.restart();
    assert_eq!(world.rows, before);
}

#[test]
fn a_link_that_was_switched_off_meanwhile_is_not_waited_for() {
    let mut world = World::with(policy());
    // Room for nothing: the message is given to the second link and waits for it.
    world.up(PeerId::Link(SECOND), SessionId(201), 0);
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    assert!(world.sent.is_empty());
    world.policy.links.get_mut(&SECOND).unwrap().enabled = false;
    world.restart();
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    assert_eq!(world.last_sent().peer(), PeerId::Link(LINK));
}
