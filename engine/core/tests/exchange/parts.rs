//! Parts that an origin cut, on their way to a receiver of whole messages.

use std::time::Duration;

use bytes::Bytes;
use signalbox_core::address::Address;
use signalbox_core::cdr::Cdr;
use signalbox_core::exchange::{
    Answer, Ask, Command, Event, Inbound, LinkReceipt, MessageQuery, MessageReply, Note, Refusal, Reply,
    ReplyTo, Selection, Submit,
};
use signalbox_core::gate::Released;
use signalbox_core::id::{PeerId, SessionId, WebhookId};
use signalbox_core::inbound::{DeviceMessage, Words};
use signalbox_core::message::{Content, Direction, ReceiptRequest, ReceiptState};
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::policy::{PartLimits, PeerPolicy, Policy};

use crate::world::{ACCOUNT, ESME, LINK, SECOND, TO_LINK, World, address, policy};

const HOOK: WebhookId = WebhookId(3);
const TARGET: SessionId = SessionId(300);
const DEVICE: &str = "447700900001";
const WAIT: Duration = Duration::from_secs(600);
const MT_WAIT: Duration = Duration::from_secs(60);

/// A world whose account has MO messages posted, and whose first link takes whole texts.
fn rules() -> Policy {
    let mut policy = policy();
    let hook = PeerPolicy { takes_whole: true, doubt_hold: Duration::ZERO, ..PeerPolicy::default() };
    policy.webhooks.insert(HOOK, hook);
    policy.accounts.get_mut(&ACCOUNT).unwrap().mo_webhook = Some(HOOK);
    policy.links.get_mut(&LINK).unwrap().takes_whole = true;
    policy
}

fn with(policy: Policy) -> World {
    let mut world = World::with(policy);
    connect(&mut world);
    world
}

fn connect(world: &mut World) {
    world.up(PeerId::Webhook(HOOK), TARGET, 10);
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    world.up(PeerId::Link(LINK), TO_LINK, 10);
}

fn part(reference: u8, number: u8, total: u8, text: &str) -> Content {
    let payload = [&[5, 0, 3, reference, total, number], text.as_bytes()].concat();
    Content { esm_class: 0x40, payload: payload.into(), ..Content::default() }
}

fn bring(world: &mut World, from: &str, content: Content) -> Result<(), Refusal> {
    let reply = ReplyTo { session: SessionId(201), token: world.replies.len() as u64 };
    world.event(Event::Inbound(Box::new(Inbound {
        reply,
        link: LINK,
        source: address(from),
        destination: Address::new(3, 0, b"12345").unwrap(),
        content,
        reference: None,
        first_part: true,
    })));
    match world.replies.last() {
        Some((to, Reply::Inbound)) if *to == reply => Ok(()),
        Some((to, Reply::Refused(refusal))) if *to == reply => Err(refusal.clone()),
        other => panic!("{other:?}"),
    }
}

/// A part of the message `reference` of three parts; each says its number.
fn third(world: &mut World, reference: u8, number: u8) {
    bring(world, DEVICE, part(reference, number, 3, &format!("{reference}.{number} "))).unwrap();
}

fn told(released: &Released) -> DeviceMessage {
    DeviceMessage::of(released).unwrap()
}

/// What the target was told, each with the numbers of its missing parts.
fn posted(world: &World) -> Vec<(String, Vec<u8>)> {
    let to_target = world.sent.iter().filter(|(session, _)| *session == TARGET);
    to_target
        .map(|(_, released)| {
            let DeviceMessage { words, missing, .. } = told(released);
            let Words::Text { text, .. } = words else { panic!("{words:?}") };
            (text, missing)
        })
        .collect()
}

fn whole(text: &str) -> (String, Vec<u8>) {
    (text.to_owned(), Vec::new())
}

/// The target takes the last that was posted.
fn take(world: &mut World) {
    let permit = world.last_sent().permit();
    world.answer(permit, "");
}

#[test]
fn parts_in_any_order_are_one_message_with_one_record() {
    let mut world = with(rules());
    third(&mut world, 7, 3);
    world.pass(Duration::from_secs(5));
    third(&mut world, 7, 1);
    assert_eq!((world.sent.len(), world.exchange.waiting_for_parts()), (0, 1));
    world.pass(Duration::from_secs(5));
    third(&mut world, 7, 2);
    assert_eq!(posted(&world), [whole("7.1 7.2 7.3 ")]);
    let message = told(world.last_sent());
    assert_eq!(
        (message.parts, message.link, message.last_at.since(message.first_at)),
        (3, Some(LINK), Duration::from_secs(10))
    );
    assert_eq!((message.source.to_text(), message.header), (DEVICE.to_owned(), None));
    take(&mut world);
    let [cdr]: &[Cdr] = &world.cdrs else { panic!("{:?}", world.cdrs) };
    assert_eq!((cdr.message, cdr.parts, cdr.octets), (message.id, 3, 30));
    assert_eq!((cdr.outcome, cdr.reason), (FinalState::Delivered, Reason::None));
    assert_eq!(world.exchange.open(), 0);
    assert!(world.rows.keys().all(|(table, ..)| *table == signalbox_core::backend::Table::Seen));
    assert!(world.notes.contains(&Note::Gathered { direction: Direction::Mo, complete: true }));
}

#[test]
fn parts_to_a_session_go_on_as_they_came() {
    let mut world = World::new();
    world.policy.links.get_mut(&LINK).unwrap().takes_whole = true;
    let contents = [part(7, 2, 2, "two"), part(7, 1, 2, "one")];
    for content in contents.clone() {
        bring(&mut world, DEVICE, content).unwrap();
    }
    let sent: Vec<_> = world
        .sent
        .iter()
        .map(|(_, released)| (released.body().clone(), released.joined().is_none()))
        .collect();
    assert_eq!(sent, contents.map(|content| (signalbox_core::message::Body::Content(content), true)));
}

#[test]
fn a_copy_of_a_part_that_waits_is_one_part() {
    let mut world = with(rules());
    third(&mut world, 7, 1);
    // Not known by its fingerprint: that is of another link's data, the same part.
    let tlvs = Bytes::from_static(b"\x02\x04\x00\x02\x00\x09");
    let copy = |reference| {
        Event::Inbound(Box::new(Inbound {
            reply: ReplyTo { session: SessionId(201), token: 99 },
            link: LINK,
            source: address(DEVICE),
            destination: Address::new(3, 0, b"12345").unwrap(),
            content: Content { tlvs: tlvs.clone(), ..part(7, 1, 3, "7.1 ") },
            reference: Some(reference),
            first_part: true,
        }))
    };
    world.event(copy(9));
    third(&mut world, 7, 2);
    third(&mut world, 7, 3);
    assert_eq!(posted(&world), [whole("7.1 7.2 7.3 ")]);
    take(&mut world);
    assert_eq!((world.cdrs.len(), world.cdrs[0].parts, world.exchange.open()), (1, 3, 0));
    assert!(world.notes.contains(&Note::DuplicateMo { link: LINK }));
}

#[test]
fn what_is_missing_in_time_is_named_and_nothing_that_came_is_lost() {
    let mut world = with(rules());
    third(&mut world, 7, 1);
    world.pass(Duration::from_secs(60));
    third(&mut world, 7, 3);
    world.pass(WAIT - Duration::from_secs(61));
    assert!(world.sent.is_empty());
    assert_eq!(
        world.exchange.next_due().map(|due| due - world.now.mono <= Duration::from_secs(1)),
        Some(true)
    );
    world.pass(Duration::from_secs(1));
    assert_eq!(posted(&world), [("7.1 7.3 ".to_owned(), vec![2])]);
    take(&mut world);
    assert_eq!((world.cdrs.len(), world.cdrs[0].parts, world.cdrs[0].reason), (1, 2, Reason::PartsMissing));
    assert_eq!(world.cdrs[0].outcome, FinalState::Delivered);
    assert!(world.notes.contains(&Note::Gathered { direction: Direction::Mo, complete: false }));
    // The one that comes after that is a message with two parts missing.
    third(&mut world, 7, 2);
    world.pass(WAIT);
    assert_eq!(posted(&world)[1..], [("7.2 ".to_owned(), vec![1, 3])]);
    take(&mut world);
    assert_eq!((world.cdrs.len(), world.exchange.open()), (2, 0));
}

#[test]
fn a_restart_in_the_middle_changes_nothing() {
    let mut world = with(rules());
    third(&mut world, 7, 1);
    world.pass(Duration::from_secs(60));
    third(&mut world, 7, 2);
    let before = world.rows.clone();
    world.restart();
    assert_eq!(world.rows, before);
    assert_eq!(world.exchange.waiting_for_parts(), 1);
    connect(&mut world);
    world.pass(WAIT - Duration::from_secs(61));
    assert!(world.sent.is_empty(), "it is waited for as long as without the restart");
    third(&mut world, 7, 3);
    assert_eq!(posted(&world), [whole("7.1 7.2 7.3 ")]);
    // And one while it is with the target: it is told again, the whole of it.
    world.restart();
    connect(&mut world);
    world.pass(Duration::from_secs(2));
    assert_eq!(posted(&world), [whole("7.1 7.2 7.3 ")]);
    assert_eq!(world.last_sent().attempt(), 2);
    take(&mut world);
    assert_eq!((world.cdrs.len(), world.cdrs[0].parts, world.exchange.open()), (1, 3, 0));
}

#[test]
fn the_time_goes_on_while_the_process_is_down() {
    let mut world = with(rules());
    third(&mut world, 7, 1);
    world.now.wall = world.now.wall.after(WAIT);
    // A machine that has just started.
    world.now.mono = signalbox_core::time::Mono(1);
    world.restart();
    connect(&mut world);
    assert_eq!(posted(&world), [("7.1 ".to_owned(), vec![2, 3])]);
}

#[test]
fn references_are_told_apart_and_used_again() {
    let mut world = with(rules());
    for (reference, number) in [(7, 1), (8, 3), (7, 2), (8, 1), (8, 2), (7, 3)] {
        third(&mut world, reference, number);
    }
    assert_eq!(posted(&world), [whole("8.1 8.2 8.3 "), whole("7.1 7.2 7.3 ")]);
    for (number, text) in [(2, "new "), (1, "a "), (3, "one")] {
        bring(&mut world, DEVICE, part(7, number, 3, text)).unwrap();
    }
    assert_eq!(posted(&world)[2..], [whole("a new one")]);
    // Another device with the same reference is another message.
    bring(&mut world, "447700900002", part(9, 1, 2, "mine")).unwrap();
    bring(&mut world, DEVICE, part(9, 2, 2, "yours")).unwrap();
    assert_eq!(world.sent.len(), 3);
}

#[test]
fn a_reference_that_is_used_again_before_the_end_lets_the_old_parts_go() {
    let mut world = with(rules());
    third(&mut world, 7, 1);
    bring(&mut world, DEVICE, part(7, 1, 3, "again ")).unwrap();
    assert_eq!(posted(&world), [("7.1 ".to_owned(), vec![2, 3])]);
    third(&mut world, 7, 2);
    third(&mut world, 7, 3);
    assert_eq!(posted(&world)[1..], [whole("again 7.2 7.3 ")]);
}

#[test]
fn at_the_bound_a_part_is_refused_for_now_and_one_that_is_waited_for_is_not() {
    let mut rules = rules();
    rules.limits.parts = PartLimits { messages: 2, of_device: 4, ..PartLimits::default() };
    let mut world = with(rules);
    // Of one link half as many: one message.
    third(&mut world, 7, 1);
    let refused = bring(&mut world, "447700900002", part(7, 1, 2, "x"));
    assert_eq!(refused, Err(Refusal::PartsFull { waiting: 1 }));
    assert!(refused.unwrap_err().is_temporary());
    third(&mut world, 7, 2);
    third(&mut world, 7, 3);
    assert_eq!(posted(&world), [whole("7.1 7.2 7.3 ")]);
    for number in 1..=4 {
        bring(&mut world, DEVICE, part(8, number, 9, &format!("{number}"))).unwrap();
    }
    let refused = bring(&mut world, DEVICE, part(8, 5, 9, "5"));
    assert_eq!(refused, Err(Refusal::PartsFull { waiting: 1 }));
    // What was refused is none that came: the peer brings it again.
    world.pass(WAIT);
    assert_eq!(posted(&world)[1..], [("1234".to_owned(), vec![5, 6, 7, 8, 9])]);
    bring(&mut world, DEVICE, part(8, 5, 9, "5")).unwrap();
}

#[test]
fn a_target_that_does_not_take_it_is_told_all_of_it_again() {
    let mut world = with(rules());
    for number in [2, 1, 3] {
        third(&mut world, 7, number);
    }
    let first = told(world.last_sent()).id;
    let permit = world.last_sent().permit();
    let class = signalbox_core::outcome::ErrorClass::Temporary;
    world.event(Event::Answered { permit, answer: Answer::Refused { class, status: 500 } });
    world.pass(Duration::from_secs(3600));
    assert_eq!(posted(&world), [whole("7.1 7.2 7.3 "), whole("7.1 7.2 7.3 ")]);
    assert_eq!(told(world.last_sent()).id, first);
}

/// Submits the parts of a message of two; each wants a receipt.
fn submit(world: &mut World, numbers: &[u8]) -> Vec<String> {
    numbers
        .iter()
        .map(|number| {
            let content = part(5, *number, 2, ["one ", "two"][usize::from(*number) - 1]);
            let message = world.message(DEVICE);
            let submit =
                Submit { parts: [content].into_iter().collect(), receipt: ReceiptRequest::FINAL, ..message };
            world.submit(submit).unwrap().visible_id
        })
        .collect()
}

/// What left to links: the text of what is whole, and the number of what is a part.
fn left(world: &World) -> Vec<String> {
    let to_links = world.sent.iter().filter(|(session, _)| *session != ESME);
    to_links
        .map(|(_, released)| match released.joined() {
            Some(joined) => joined.text().unwrap(),
            None => format!("part of {:?}", told(released).missing),
        })
        .collect()
}

#[test]
fn parts_an_esme_cut_leave_as_one_and_each_has_its_receipt_and_record() {
    let mut world = with(rules());
    let ids = submit(&mut world, &[2, 1]);
    assert_eq!(left(&world), ["one two"]);
    let permit = world.last_sent().permit();
    assert!(world.last_sent().receipt().wants_any());
    world.answer(permit, "A1");
    world.restart();
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    world.receipt("A1", DEVICE, ReceiptState::Delivered);
    let mut told: Vec<String> = world.cdrs.iter().map(|cdr| cdr.visible_id.clone()).collect();
    told.sort_unstable();
    let mut ids = ids;
    ids.sort_unstable();
    assert_eq!(told, ids);
    assert!(world.cdrs.iter().all(|cdr| (cdr.outcome, cdr.parts) == (FinalState::Delivered, 1)));
    assert!(world.cdrs.iter().all(|cdr| cdr.remote_id == "A1"));
    assert_eq!(world.sent.iter().filter(|(session, _)| *session == ESME).count(), 2);
    // Late news of the one request amend one record.
    world.receipt("A1", DEVICE, ReceiptState::Undeliverable);
    assert_eq!(world.cdrs.len(), 3);
}

#[test]
fn a_part_whose_others_do_not_come_leaves_as_it_came() {
    let mut world = with(rules());
    submit(&mut world, &[2]);
    world.pass(MT_WAIT - Duration::from_secs(1));
    assert!(left(&world).is_empty());
    world.pass(Duration::from_secs(1));
    assert_eq!(left(&world), ["part of [1]"]);
}

#[test]
fn joined_parts_come_apart_for_a_link_that_takes_parts() {
    let mut world = World::with(rules());
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    submit(&mut world, &[1, 2]);
    assert!(left(&world).is_empty());
    world.up(PeerId::Link(SECOND), SessionId(201), 10);
    world.pass(Duration::from_secs(1));
    assert_eq!(left(&world), ["part of [2]", "part of [1]"]);
    for (permit, id) in
        world.sent.iter().map(|(_, sent)| sent.permit()).collect::<Vec<_>>().into_iter().zip(["1", "2"])
    {
        world.answer(permit, id);
    }
    for id in ["1", "2"] {
        world.event(Event::Receipt(Box::new(LinkReceipt {
            reply: ReplyTo { session: SessionId(201), token: 77 },
            link: SECOND,
            remote_id: Bytes::from_static(id.as_bytes()),
            device: address(DEVICE),
            state: ReceiptState::Delivered,
            error: 0,
            network_error: None,
            text: Bytes::new(),
        })));
    }
    assert!(world.cdrs.iter().all(|cdr| cdr.outcome == FinalState::Delivered));
    assert_eq!(world.cdrs.len(), 2);
}

#[test]
fn a_part_that_is_withdrawn_leaves_the_others_as_they_came() {
    for joined in [false, true] {
        let mut world = World::with(rules());
        world.up(PeerId::Account(ACCOUNT), ESME, 10);
        let ids = submit(&mut world, if joined { &[1, 2] } else { &[2] });
        let withdrawn = ids.last().unwrap().clone();
        let reply = ReplyTo { session: ESME, token: 77 };
        let ask = Ask::Cancel { destination: None, service_type: Bytes::new() };
        let query =
            MessageQuery { reply, account: ACCOUNT, visible_id: withdrawn.clone(), source: None, ask };
        world.event(Event::Message(Box::new(query)));
        assert!(
            world
                .replies
                .iter()
                .any(|(to, said)| *to == reply && matches!(said, Reply::Message(MessageReply::Cancelled(1)))),
            "{:?}",
            world.replies.last()
        );
        assert_eq!((world.cdrs.len(), &world.cdrs[0].visible_id), (1, &withdrawn));
        assert_eq!(world.exchange.waiting_for_parts(), 0);
        world.up(PeerId::Link(LINK), TO_LINK, 10);
        let rest = if joined { vec!["part of [2]".to_owned()] } else { Vec::new() };
        assert_eq!(left(&world), rest);
    }
}

#[test]
fn a_held_part_is_not_waited_with_until_it_is_let_go() {
    let mut world = with(rules());
    third(&mut world, 7, 1);
    let all = Selection { account: None, ..Selection::default() };
    let reply = ReplyTo { session: ESME, token: 77 };
    world.event(Event::Command { reply, command: Box::new(Command::Hold(all.clone())) });
    third(&mut world, 7, 2);
    third(&mut world, 7, 3);
    assert!(world.sent.is_empty());
    world.restart();
    connect(&mut world);
    assert!(world.sent.is_empty());
    world.event(Event::Command { reply, command: Box::new(Command::Release(all)) });
    assert_eq!(posted(&world), [whole("7.1 7.2 7.3 ")]);
}
