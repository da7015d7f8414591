//! Long texts that are submitted whole, to links that take them whole and to others.

use std::time::Duration;

use signalbox_core::exchange::{
    Answer, Ask, Command, Event, InParts, LookupDone, MessageQuery, MessageReply, Reply, ReplyTo, Rewording,
    Selection, Stage, Submit,
};
use signalbox_core::id::{LinkId, MessageId, PeerId, SessionId};
use signalbox_core::message::{Body, Content, ReceiptRequest, ReceiptState};
use signalbox_core::outcome::{ErrorClass, FinalState};

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

/// Cuts what is longer than ten octets in two, as a protocol would.
fn halves(content: &Content, reference: u16) -> Option<InParts> {
    let octets = content.payload.len();
    let part = |half: &str| text(&format!("{half} {reference:04x}"));
    (octets > 10).then(|| InParts { octets, parts: vec![part("first"), part("second")] })
}

/// All payloads that left to links, and by which.
fn left(world: &World) -> Vec<(SessionId, String)> {
    let to_links = world.sent.iter().filter(|(session, _)| *session != ESME);
    to_links
        .map(|(session, released)| {
            let Body::Content(content) = released.body() else { panic!("{released:?}") };
            (*session, String::from_utf8(content.payload.to_vec()).unwrap())
        })
        .collect()
}

const TO_SECOND: SessionId = SessionId(201);

/// Two links, of which the second takes no long text; the first has a session without a window.
fn second_takes_parts(lookups: bool) -> World {
    let mut policy = policy();
    policy.lookups = lookups;
    policy.links.get_mut(&SECOND).unwrap().longest = Some(100);
    let mut world = World::with(policy);
    world.exchange.cut_with(halves);
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    world
}

fn one(id: MessageId) -> Selection {
    Selection { ids: vec![id], ..Selection::default() }
}

fn reroute(world: &mut World, selection: Selection, to: Option<LinkId>) {
    let command = Command::Reroute { selection, to: to.map(PeerId::Link) };
    let reply = ReplyTo { session: ESME, token: 1_000_000 };
    world.event(Event::Command { reply, command: Box::new(command) });
}

/// Both parts are out by the second link; their answers and receipts come to one outcome.
fn ends_as_one(mut world: World, id: MessageId) {
    let parts = left(&world);
    assert_eq!(parts.len(), 2, "{parts:?}");
    assert!(parts.iter().all(|(session, _)| *session == TO_SECOND), "{parts:?}");
    assert!(parts[0].1.starts_with("first ") && parts[1].1.starts_with("second "), "{parts:?}");
    let permits: Vec<_> = world.sent.iter().map(|(_, released)| released.permit()).collect();
    for (permit, remote) in permits.into_iter().zip(["B1", "B2"]) {
        world.answer(permit, remote);
    }
    assert!(world.cdrs.is_empty());
    for remote in ["B1", "B2"] {
        world.receipt_over(SECOND, remote, TO, ReceiptState::Delivered);
    }
    let cdr = &world.cdrs[0];
    assert_eq!((world.cdrs.len(), cdr.message, cdr.parts), (1, id, 2));
    assert_eq!(cdr.outcome, FinalState::Delivered);
}

#[test]
fn an_operator_sends_a_long_text_to_a_link_that_takes_parts_only() {
    let mut world = second_takes_parts(false);
    world.up(PeerId::Link(LINK), TO_LINK, 0);
    world.up(PeerId::Link(SECOND), TO_SECOND, 10);
    let submit = long(&mut world, 101);
    let id = world.submit(submit).unwrap().id;
    assert!(world.sent.is_empty());
    reroute(&mut world, one(id), Some(SECOND));
    ends_as_one(world, id);
}

#[test]
fn a_text_that_fits_the_other_link_stays_whole_there() {
    let mut world = second_takes_parts(false);
    world.up(PeerId::Link(LINK), TO_LINK, 0);
    world.up(PeerId::Link(SECOND), TO_SECOND, 10);
    let submit = long(&mut world, 100);
    let id = world.submit(submit).unwrap().id;
    reroute(&mut world, one(id), Some(SECOND));
    assert_eq!(left(&world), [(TO_SECOND, "x".repeat(100))]);
}

#[test]
fn a_long_text_from_the_store_is_cut_for_the_link_that_takes_over() {
    let mut world = second_takes_parts(false);
    let submit = long(&mut world, 101);
    let id = world.submit(submit).unwrap().id;
    world.restart();
    world.exchange.cut_with(halves);
    world.up(PeerId::Link(SECOND), TO_SECOND, 10);
    ends_as_one(world, id);
}

#[test]
fn a_look_up_that_names_the_link_has_it_cut_too() {
    let mut world = second_takes_parts(true);
    let submit = long(&mut world, 101);
    let id = world.submit(submit).unwrap().id;
    world.up(PeerId::Link(SECOND), TO_SECOND, 10);
    assert!(world.sent.is_empty(), "the look-up is under way");
    world.event(Event::LookupDone(LookupDone { message: id, answer: None }));
    ends_as_one(world, id);
}

#[test]
fn an_attempt_of_a_part_that_the_store_lost_is_one_of_the_whole() {
    let mut world = second_takes_parts(false);
    let submit = long(&mut world, 101);
    let id = world.submit(submit).unwrap().id;
    world.restart_with(move |world| world.exchange.attempted(world.now, id.part(2), 1, PeerId::Link(SECOND)));
    world.exchange.cut_with(halves);
    world.up(PeerId::Link(SECOND), TO_SECOND, 10);
    assert!(world.sent.is_empty(), "it is in doubt");
    world.pass(Duration::from_secs(61));
    let parts = left(&world);
    assert!(parts.len() == 2 && parts[0].1.starts_with("first "), "{parts:?}");
}

/// A message in three parts by the first link, of which the window takes one.
fn one_part_out(taken: bool) -> (World, MessageId) {
    let mut world = World::with(policy());
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    world.up(PeerId::Link(LINK), TO_LINK, 1);
    let parts = ["one", "two", "three"].map(text).into_iter().collect();
    let message = Submit { parts, receipt: ReceiptRequest::FINAL, ..world.message(TO) };
    let id = world.submit(message).unwrap().id;
    assert_eq!(left(&world), [(TO_LINK, "one".to_owned())]);
    let permit = world.last_sent().permit();
    world.event(Event::SessionDown {
        session: TO_LINK,
        unsent: if taken { Vec::new() } else { vec![permit] },
        in_flight: if taken { vec![permit] } else { Vec::new() },
    });
    world.sent.clear();
    (world, id)
}

#[test]
fn parts_wait_for_the_link_that_may_have_another_part() {
    let (mut world, _) = one_part_out(true);
    world.up(PeerId::Link(SECOND), TO_SECOND, 10);
    world.pass(Duration::from_secs(1));
    assert_eq!(left(&world), []);
    world.up(PeerId::Link(LINK), SessionId(202), 10);
    assert_eq!(left(&world), ["two", "three"].map(|part| (SessionId(202), part.to_owned())));
}

#[test]
fn parts_of_which_none_left_go_together() {
    let (mut world, _) = one_part_out(false);
    world.up(PeerId::Link(SECOND), TO_SECOND, 1);
    // The first link is there again when the rest has its turn.
    world.up(PeerId::Link(LINK), SessionId(202), 10);
    for _ in 0..3 {
        let permit = world.last_sent().permit();
        world.answer(permit, "1");
    }
    assert_eq!(left(&world), ["one", "two", "three"].map(|part| (TO_SECOND, part.to_owned())));
}

#[test]
fn a_reroute_of_some_parts_is_one_of_the_message() {
    let mut policy = policy();
    policy.links.get_mut(&LINK).unwrap().ordered = true;
    let mut world = World::with(policy);
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    world.up(PeerId::Link(SECOND), TO_SECOND, 10);
    let parts = ["one", "two", "three"].map(text).into_iter().collect();
    let message = Submit { parts, ..world.message(TO) };
    world.submit(message).unwrap();
    let permit = world.last_sent().permit();
    let answer = Answer::Refused { class: ErrorClass::Temporary, status: 8 };
    world.event(Event::Answered { permit, answer });
    world.sent.clear();
    // The first part waits for its next try, and is not among these.
    let selection = Selection { stage: Some(Stage::Queued), ..Selection::default() };
    reroute(&mut world, selection, Some(SECOND));
    world.pass(Duration::from_secs(3_000));
    let mut all = left(&world);
    all.sort();
    assert_eq!(all, ["one", "three", "two"].map(|part| (TO_SECOND, part.to_owned())));
}

#[test]
fn a_text_that_is_replaced_by_a_longer_one_is_cut_too() {
    for scheduled in [false, true] {
        let mut world = second_takes_parts(false);
        world.up(PeerId::Link(SECOND), SessionId(203), 0);
        let span = Duration::from_secs(600);
        let not_before = scheduled.then(|| world.now.wall.after(span));
        let submit = Submit { not_before, receipt: ReceiptRequest::FINAL, ..world.message(TO) };
        let taken = world.submit(submit).unwrap();
        let ask = Ask::Replace {
            content: Box::new(text(&"y".repeat(101))),
            rewording: Rewording::default(),
            not_before: None,
            expires_at: None,
            receipt: ReceiptRequest::FINAL,
        };
        let (reply, visible_id) = (ReplyTo { session: ESME, token: 9_003 }, taken.visible_id);
        let query = MessageQuery { reply, account: ACCOUNT, visible_id, source: None, ask };
        world.event(Event::Message(Box::new(query)));
        assert!(matches!(world.replies.last(), Some((_, Reply::Message(MessageReply::Replaced)))));
        if scheduled {
            world.pass(span);
        }
        assert!(world.sent.is_empty());
        world.up(PeerId::Link(SECOND), TO_SECOND, 10);
        ends_as_one(world, taken.id);
    }
}
