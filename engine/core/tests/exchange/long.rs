//! Long texts that are submitted whole, to links that take them whole and to others.

use signalbox_core::exchange::{InParts, Submit};
use signalbox_core::id::{PeerId, SessionId};
use signalbox_core::message::{Body, ReceiptRequest, ReceiptState};
use signalbox_core::outcome::FinalState;

use crate::world::{ACCOUNT, ESME, LINK, SECOND, TO_LINK, World, policy, text};

const TO: &str = "447700900001";

/// A world whose first link takes texts of so many octets whole.
fn world(longest: Option<usize>) -> World {
    let mut policy = policy();
    policy.links.get_mut(&LINK).unwrap().longest = longest;
    let mut world = World::with(policy);
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    world.up(PeerId::Link(SECOND), SessionId(201), 10);
    world
}

fn long(world: &mut World, octets: usize) -> Submit {
    let parts = vec![text("first half"), text("second half")];
    Submit {
        parts: [text(&"x".repeat(octets))].into_iter().collect(),
        in_parts: Some(Box::new(InParts { octets, parts })),
        receipt: ReceiptRequest::FINAL,
        ..world.message(TO)
    }
}

/// The payloads that left to links.
fn sent(world: &World) -> Vec<String> {
    let to_links = world.sent.iter().filter(|(session, _)| *session != ESME);
    to_links
        .map(|(session, released)| {
            assert_eq!(*session, TO_LINK, "all of a message by one link");
            let Body::Content(content) = released.body() else { panic!("{released:?}") };
            String::from_utf8(content.payload.to_vec()).unwrap()
        })
        .collect()
}

#[test]
fn a_link_that_takes_none_whole_gets_parts_and_there_is_one_outcome() {
    let mut world = world(Some(0));
    let submit = long(&mut world, 300);
    let taken = world.submit(submit).unwrap();
    assert_eq!(sent(&world), ["first half", "second half"]);
    let permits: Vec<_> = world.sent.iter().map(|(_, released)| released.permit()).collect();
    for (permit, id) in permits.into_iter().zip(["A1", "A2"]) {
        world.answer(permit, id);
    }
    world.receipt("A1", TO, ReceiptState::Delivered);
    assert!(world.cdrs.is_empty());
    world.receipt("A2", TO, ReceiptState::Delivered);
    let cdr = &world.cdrs[0];
    assert_eq!((world.cdrs.len(), cdr.message, cdr.parts), (1, taken.id, 2));
    assert_eq!(cdr.outcome, FinalState::Delivered);
    let receipts = world.sent.iter().filter(|(session, _)| *session == ESME).count();
    assert_eq!(receipts, 1);
}

#[test]
fn a_text_that_the_link_takes_stays_whole() {
    for (longest, octets) in [(None, 60_000), (Some(254), 254)] {
        let mut world = world(longest);
        let submit = long(&mut world, octets);
        world.submit(submit).unwrap();
        assert_eq!(sent(&world), ["x".repeat(octets)]);
    }
    let mut world = world(Some(254));
    let submit = long(&mut world, 255);
    world.submit(submit).unwrap();
    assert_eq!(sent(&world).len(), 2);
}
