//! What origins ask of their messages by the ids they know: of one, and of all that share an id.

use std::time::Duration;

use bytes::Bytes;
use signalbox_core::address::Address;
use signalbox_core::exchange::{
    Ask, Event, MessageQuery, MessageReply, Note, Refusal, Reply, ReplyTo, Rewording, Submit, Taken,
};
use signalbox_core::id::{MessageId, PeerId};
use signalbox_core::message::{Body, Content, ReceiptRequest};
use signalbox_core::outcome::FinalState;
use signalbox_core::policy::IdStyle;
use signalbox_core::time::Micros;

use crate::world::{ACCOUNT, ESME, LINK, TO_LINK, World, address, policy, text};

const ASKS: ReplyTo = ReplyTo { session: ESME, token: 9_002 };
const ONE: &str = "447700900001";
const TWO: &str = "447700900002";
const THREE: &str = "447700900003";

fn ask(world: &mut World, visible_id: &str, ask: Ask) -> MessageReply {
    let query =
        MessageQuery { reply: ASKS, account: ACCOUNT, visible_id: visible_id.into(), source: None, ask };
    world.replies.clear();
    world.event(Event::Message(Box::new(query)));
    match world.replies.remove(0) {
        (_, Reply::Message(reply)) => reply,
        other => panic!("{other:?}"),
    }
}

fn cancel(world: &mut World, visible_id: &str, destination: Option<Address>) -> MessageReply {
    ask(world, visible_id, Ask::Cancel { destination, service_type: Bytes::new() })
}

fn replace(world: &mut World, visible_id: &str, content: Content) -> MessageReply {
    let content = Box::new(content);
    let receipt = ReceiptRequest::NONE;
    ask(
        world,
        visible_id,
        Ask::Replace {
            content,
            rewording: Rewording::default(),
            not_before: None,
            expires_at: None,
            receipt,
        },
    )
}

/// Three messages of one submission, with no link up.
fn three(style: IdStyle) -> (World, Taken) {
    let mut styled = policy();
    styled.accounts.get_mut(&ACCOUNT).unwrap().ids = style;
    let mut world = World::with(styled);
    let destinations = [ONE, TWO, THREE].into_iter().map(address).collect();
    let submit = Submit { destinations, ..world.message(ONE) };
    let taken = world.submit(submit).unwrap();
    (world, taken)
}

const STYLES: [IdStyle; 2] = [IdStyle::Short, IdStyle::Long];

#[test]
fn an_id_of_several_messages_cancels_all_that_are_open() {
    for style in STYLES {
        let (mut world, taken) = three(style);
        assert_eq!(cancel(&mut world, &taken.visible_id, None), MessageReply::Cancelled(3), "{style:?}");
        assert_eq!(world.exchange.open(), 0);
        assert_eq!(cancel(&mut world, &taken.visible_id, None), MessageReply::TooLate);
    }
}

#[test]
fn an_id_with_a_destination_cancels_that_one_and_with_a_wrong_one_none() {
    for style in STYLES {
        let (mut world, taken) = three(style);
        let wrong = Some(address("447700900009"));
        assert_eq!(cancel(&mut world, &taken.visible_id, wrong), MessageReply::NotFound, "{style:?}");
        assert_eq!(world.exchange.open(), 3);
        let second = || Some(address(TWO));
        assert_eq!(cancel(&mut world, &taken.visible_id, second()), MessageReply::Cancelled(1));
        assert_eq!(
            world.cdrs.iter().map(|cdr| cdr.destination.as_str()).collect::<Vec<_>>(),
            ["447700900002"]
        );
        assert_eq!(cancel(&mut world, &taken.visible_id, second()), MessageReply::TooLate);
        // The first has ended and is known no more; the last is still there by the same id.
        assert_eq!(cancel(&mut world, &taken.visible_id, Some(address(ONE))), MessageReply::Cancelled(1));
        world.restart();
        assert_eq!(cancel(&mut world, &taken.visible_id, None), MessageReply::Cancelled(1), "{style:?}");
    }
}

#[test]
fn an_id_of_several_messages_is_free_once_all_are_forgotten() {
    let mut styled = policy();
    styled.accounts.get_mut(&ACCOUNT).unwrap().ids = IdStyle::Short;
    let span = Duration::from_secs(3600);
    styled.limits.finished_for = span;
    let mut world = World::with(styled);
    let destinations = [ONE, TWO].into_iter().map(address).collect();
    let expires_at = Some(world.now.wall.after(span * 4));
    let submit = Submit { destinations, expires_at, ..world.message(ONE) };
    let id = world.submit(submit).unwrap().visible_id;
    assert_eq!(cancel(&mut world, &id, Some(address(ONE))), MessageReply::Cancelled(1));
    world.pass(span + Duration::from_secs(1));
    let MessageReply::State(view) = ask(&mut world, &id, Ask::Query) else { panic!("the second is open") };
    assert_eq!(view.outcome, None);
    assert_eq!(cancel(&mut world, &id, None), MessageReply::Cancelled(1));
    world.pass(span + Duration::from_secs(1));
    assert_eq!(ask(&mut world, &id, Ask::Query), MessageReply::NotFound);
}

#[test]
fn the_state_of_several_messages_is_final_once_all_have_ended() {
    for style in STYLES {
        let (mut world, taken) = three(style);
        let state = |world: &mut World| match ask(world, &taken.visible_id, Ask::Query) {
            MessageReply::State(view) => (view.outcome, view.visible_id),
            other => panic!("{other:?}"),
        };
        for to in [ONE, THREE] {
            cancel(&mut world, &taken.visible_id, Some(address(to)));
            assert_eq!(state(&mut world), (None, taken.visible_id.clone()), "{style:?}");
        }
        world.up(PeerId::Link(LINK), TO_LINK, 10);
        let permit = world.last_sent().permit();
        world.answer(permit, "");
        // The worst of what became of them.
        assert_eq!(state(&mut world), (Some(FinalState::Cancelled), taken.visible_id.clone()));
    }
}

fn contents(world: &World) -> Vec<Content> {
    let content = |body: &Body| match body {
        Body::Content(content) => content.clone(),
        Body::Receipt(receipt) => panic!("{receipt:?}"),
    };
    world.sent.iter().map(|(_, released)| content(released.body())).collect()
}

#[test]
fn an_id_of_several_messages_replaces_all_that_are_open() {
    for style in STYLES {
        let (mut world, taken) = three(style);
        cancel(&mut world, &taken.visible_id, Some(address(ONE)));
        assert_eq!(replace(&mut world, &taken.visible_id, text("new")), MessageReply::Replaced);
        world.up(PeerId::Link(LINK), TO_LINK, 10);
        let sent = contents(&world);
        assert_eq!(sent.iter().map(|content| &content.payload[..]).collect::<Vec<_>>(), [b"new"; 2]);
        assert_eq!(replace(&mut world, &taken.visible_id, text("newer")), MessageReply::TooLate);
        assert_eq!(replace(&mut world, "00000000", text("newer")), MessageReply::NotFound);
    }
}

/// A message with more than a text, whose body is in memory or in the store alone.
fn rich(in_memory: bool) -> (World, String, MessageId) {
    let mut cold = policy();
    if !in_memory {
        cold.limits.hot_octets = 0;
    }
    let mut world = World::with(cold);
    let content = Content {
        service_type: Bytes::from_static(b"WAP"),
        data_coding: 8,
        payload: Bytes::from_static(b"\0o\0l\0d"),
        // user_message_reference, then message_payload.
        tlvs: Bytes::from_static(b"\x02\x04\x00\x02\x00\x07\x04\x24\x00\x02\0x"),
        ..Content::default()
    };
    let submit = Submit { parts: [content].into_iter().collect(), ..world.message(ONE) };
    let taken = world.submit(submit).unwrap();
    (world, taken.visible_id, taken.id)
}

#[test]
fn a_replaced_message_keeps_all_but_its_text() {
    for in_memory in [true, false] {
        let (mut world, id, _) = rich(in_memory);
        assert_eq!(replace(&mut world, &id, text("\0n\0e\0w")), MessageReply::Replaced);
        world.up(PeerId::Link(LINK), TO_LINK, 10);
        let content = contents(&world).remove(0);
        assert_eq!(content.data_coding, 8);
        assert_eq!(&content.service_type[..], b"WAP", "in memory: {in_memory}");
        assert_eq!(&content.payload[..], b"\0n\0e\0w");
        assert_eq!(&content.tlvs[..], b"\x02\x04\x00\x02\x00\x07", "the old text is in no TLV either");
    }
}

#[test]
fn a_message_replaced_and_cancelled_in_one_turn_is_in_the_store_no_more() {
    let (mut world, id, message) = rich(true);
    let query = |ask| {
        let visible_id = id.clone();
        Event::Message(Box::new(MessageQuery {
            reply: ASKS,
            account: ACCOUNT,
            visible_id,
            source: None,
            ask,
        }))
    };
    let (content, receipt) = (Box::new(text("new")), ReceiptRequest::NONE);
    let change = Ask::Replace {
        content,
        rewording: Rewording::default(),
        not_before: None,
        expires_at: None,
        receipt,
    };
    world.exchange.handle(world.now, query(change));
    world.exchange.handle(world.now, query(Ask::Cancel { destination: None, service_type: Bytes::new() }));
    world.settle();
    assert_eq!(world.rows_of(signalbox_core::backend::Table::Message), 0, "{message}");
    world.restart();
    assert_eq!(world.exchange.open(), 0);
}

#[test]
fn a_cancel_by_addresses_takes_those_of_the_service_it_names() {
    for hot_octets in [u64::MAX, 0] {
        let mut held = policy();
        held.limits.hot_octets = hot_octets;
        let mut world = World::with(held);
        for service in ["WAP", "", "WAP", "CMT"] {
            let content = Content { service_type: Bytes::from_static(service.as_bytes()), ..text("hello") };
            let submit = Submit { parts: [content].into_iter().collect(), ..world.message(ONE) };
            world.submit(submit).unwrap();
        }
        let mut by_addresses = |service: &'static str| {
            let service_type = Bytes::from_static(service.as_bytes());
            let ask = Ask::Cancel { destination: Some(address(ONE)), service_type };
            let source = Some(address("12345"));
            let query =
                MessageQuery { reply: ASKS, account: ACCOUNT, visible_id: String::new(), source, ask };
            world.replies.clear();
            world.event(Event::Message(Box::new(query)));
            match world.replies.remove(0) {
                (_, Reply::Message(reply)) => reply,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(by_addresses("USSD"), MessageReply::NotFound, "{hot_octets}");
        assert_eq!(by_addresses("WAP"), MessageReply::Cancelled(2));
        assert_eq!(by_addresses(""), MessageReply::Cancelled(2), "no service means all");
    }
}

fn replace_times(
    world: &mut World,
    id: &str,
    not_before: Option<Micros>,
    expires_at: Option<Micros>,
) -> Reply {
    let (content, receipt) = (Box::new(text("new")), ReceiptRequest::NONE);
    let ask = Ask::Replace { content, rewording: Rewording::default(), not_before, expires_at, receipt };
    let query = MessageQuery { reply: ASKS, account: ACCOUNT, visible_id: id.into(), source: None, ask };
    world.replies.clear();
    world.event(Event::Message(Box::new(query)));
    world.replies.remove(0).1
}

#[test]
fn new_times_are_checked_as_those_of_a_submission() {
    let mut world = World::with(policy());
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let at = |world: &World, from_now: Duration| Some(world.now.wall.after(from_now));
    let submit = Submit { not_before: at(&world, hours(2)), ..world.message(ONE) };
    let id = world.submit(submit).unwrap().visible_id;
    world.pass(hours(1));

    let over = Some(Micros(world.now.wall.0 - 1));
    let (one, three) = (at(&world, hours(1) / 2), at(&world, hours(3)));
    let too_far = at(&world, hours(24 * 31));
    for (not_before, expires_at, why) in [
        (too_far, None, Refusal::BadSchedule),
        // After the validity that it has.
        (three, None, Refusal::BadSchedule),
        (None, over, Refusal::AlreadyExpired),
        (three, one, Refusal::AlreadyExpired),
        // Before the schedule that it has.
        (None, one, Refusal::AlreadyExpired),
    ] {
        let reply = replace_times(&mut world, &id, not_before, expires_at);
        assert!(matches!(&reply, Reply::Refused(refusal) if *refusal == why), "{why:?}: {reply:?}");
        let submit = Submit { not_before, expires_at, ..world.message(TWO) };
        if expires_at.is_some() && not_before.is_some() {
            assert_eq!(world.submit(submit).unwrap_err(), why, "a submission the same");
        }
    }
    // It stays as it was.
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    world.pass(hours(1));
    assert_eq!(contents(&world).iter().map(|content| &content.payload[..]).collect::<Vec<_>>(), [b"hello"]);
}

#[test]
fn a_new_validity_is_cut_and_a_new_schedule_holds() {
    let mut world = World::with(policy());
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    let hour = Duration::from_secs(3600);
    let start = world.now.wall.after(hour);
    let submit = Submit { not_before: Some(start), ..world.message(ONE) };
    let id = world.submit(submit).unwrap().visible_id;
    let (later, long) = (start.after(hour), start.after(hour * 100));
    let reply = replace_times(&mut world, &id, Some(later), Some(long));
    assert!(matches!(reply, Reply::Message(MessageReply::Replaced)), "{reply:?}");
    assert!(world.notes.iter().any(|note| matches!(note, Note::ValidityCut { .. })));
    world.restart();
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    world.pass(hour);
    assert!(world.sent.is_empty(), "the first schedule is void");
    // A time that is over means now.
    let over = Some(Micros(world.now.wall.0 - 1));
    let reply = replace_times(&mut world, &id, over, None);
    assert!(matches!(reply, Reply::Message(MessageReply::Replaced)), "{reply:?}");
    assert_eq!(
        world.last_sent().expires_at(),
        later.after(Duration::from_secs(86_400)),
        "cut from its schedule"
    );
}
