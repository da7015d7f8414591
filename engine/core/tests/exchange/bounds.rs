//! What settings and rows bound: validity, memory of what ended and was asked, CDRs that wait, tries.

use std::time::Duration;

use signalbox_core::backend::Table;
use signalbox_core::exchange::{
    Answer, Ask, Event, Inbound, MessageQuery, MessageReply, Note, Refusal, Reply, ReplyTo, Submit,
    SubmitChannel,
};
use signalbox_core::id::{PeerId, SessionId, WebhookId};
use signalbox_core::message::{ReceiptRequest, TrafficClass};
use signalbox_core::outcome::{ErrorClass, FinalState, Reason};
use signalbox_core::policy::{LongValidity, PeerPolicy};

use crate::world::{ACCOUNT, ESME, LINK, TO_LINK, World, address, policy, text};

const HOOK: WebhookId = WebhookId(5);
const TO_HOOK: SessionId = SessionId(300);

fn hour(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

#[test]
fn a_validity_beyond_the_longest_is_cut_and_said_so_or_refused() {
    let mut world = World::new();
    let at = world.now.wall.after(hour(30));
    let long = Submit { expires_at: Some(at), ..world.message("447700900001") };
    let taken = world.submit(long.clone()).unwrap();
    assert_eq!(world.last_sent().expires_at(), world.now.wall.after(hour(24)));
    let cut = Note::ValidityCut { account: ACCOUNT, message: taken.id, by: hour(6) };
    assert!(world.notes.contains(&cut), "{:?}", world.notes);

    let mut strict = policy();
    strict.accounts.get_mut(&ACCOUNT).unwrap().long_validity = LongValidity::Refuse;
    let mut world = World::with(strict);
    assert_eq!(world.submit(long).unwrap_err(), Refusal::ValidityTooLong);
    let as_long_as_may_be =
        Submit { expires_at: Some(world.now.wall.after(hour(24))), ..world.message("447700900001") };
    world.submit(as_long_as_may_be).unwrap();
}

#[test]
fn nothing_new_is_taken_while_as_many_cdrs_wait_as_may() {
    let mut tight = policy();
    tight.limits.outbox = 10;
    let mut world = World::with(tight);
    world.exchange.set_unpublished(10);
    let message = world.message("447700900001");
    assert_eq!(world.submit(message.clone()).unwrap_err(), Refusal::OutboxFull { waiting: 10 });
    let mo = world.inbound("447700900001", "12345", TO_LINK);
    let refused = |(to, reply): &(ReplyTo, Reply)| {
        *to == mo && matches!(reply, Reply::Refused(Refusal::OutboxFull { .. }))
    };
    assert!(world.replies.iter().any(refused));
    world.exchange.set_unpublished(9);
    world.submit(message).unwrap();
}

fn keyed(world: &mut World, key: u8) -> Submit {
    Submit { idempotency: Some([key; 16]), ..world.message("447700900001") }
}

#[test]
fn answers_to_keys_are_remembered_as_long_and_as_many_as_the_limits_say() {
    let mut tight = policy();
    tight.limits.requests_for = hour(1);
    tight.limits.requests = 2;
    let mut world = World::with(tight);
    let first = keyed(&mut world, 1);
    let id = world.submit(first.clone()).unwrap().id;
    world.pass(hour(1) - Duration::from_secs(1));
    assert_eq!(world.submit(first.clone()).unwrap().id, id);
    world.pass(Duration::from_secs(2));
    assert_ne!(world.submit(first.clone()).unwrap().id, id, "its hour is over");

    let id = world.submit(first.clone()).unwrap().id;
    for key in 2..4 {
        let other = keyed(&mut world, key);
        world.submit(other).unwrap();
    }
    assert_eq!(world.rows_of(Table::Request), 2);
    assert!(world.notes.contains(&Note::KeyForgotten));
    world.restart();
    let again = keyed(&mut world, 3);
    let before = world.exchange.open();
    world.submit(again).unwrap();
    assert_eq!(world.exchange.open(), before, "remembered over the restart");
    assert_ne!(world.submit(first).unwrap().id, id, "the oldest made room");
}

fn state_of(world: &mut World, visible_id: &str) -> MessageReply {
    let reply = ReplyTo { session: ESME, token: 9_000 };
    let query = MessageQuery {
        reply,
        account: ACCOUNT,
        visible_id: visible_id.into(),
        source: None,
        ask: Ask::Query,
    };
    world.replies.clear();
    world.event(Event::Message(Box::new(query)));
    match world.replies.remove(0) {
        (_, Reply::Message(reply)) => reply,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_ended_message_answers_questions_as_long_as_the_limit_says() {
    let mut short = policy();
    short.limits.finished_for = hour(2);
    let mut world = World::with(short);
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    let taken = world.submit(Submit { short_id: true, ..text_to(&mut World::new()) }).unwrap();
    let permit = world.last_sent().permit();
    world.answer(permit, "A1");
    world.pass(hour(2) - Duration::from_secs(1));
    assert!(matches!(state_of(&mut world, &taken.visible_id), MessageReply::State(_)));
    world.pass(Duration::from_secs(2));
    assert_eq!(state_of(&mut world, &taken.visible_id), MessageReply::NotFound);
}

fn text_to(world: &mut World) -> Submit {
    world.message("447700900001")
}

#[test]
fn a_link_that_does_not_adapt_retries_what_it_refuses_as_too_fast() {
    for class in [ErrorClass::Throttling, ErrorClass::QueueFull] {
        let mut fixed = policy();
        fixed.links.get_mut(&LINK).unwrap().adaptive = false;
        let mut world = World::with(fixed);
        world.up(PeerId::Link(LINK), TO_LINK, 10);
        let message = world.message("447700900001");
        world.submit(message).unwrap();
        let permit = world.last_sent().permit();
        world.event(Event::Answered { permit, answer: Answer::Refused { class, status: 0x58 } });
        assert_eq!(world.sent.len(), 1, "not at once: {class:?}");
        let queue = world.exchange.queues(world.now).into_iter().find(|view| view.peer == PeerId::Link(LINK));
        assert_eq!(queue.unwrap().rate, None, "nothing was learned: {class:?}");
        world.pass(Duration::from_secs(10));
        assert_eq!(world.sent.len(), 2, "{class:?}");
    }
}

#[test]
fn switching_the_adaption_off_forgets_what_was_learned() {
    let mut world = World::new();
    let message = world.message("447700900001");
    world.submit(message).unwrap();
    let permit = world.last_sent().permit();
    let throttled = Answer::Refused { class: ErrorClass::Throttling, status: 0x58 };
    world.event(Event::Answered { permit, answer: throttled });
    let rate = |world: &World| {
        let views = world.exchange.queues(world.now);
        views.iter().find(|view| view.peer == PeerId::Link(LINK)).unwrap().rate
    };
    assert!(rate(&world).is_some());
    let mut fixed = policy();
    fixed.links.get_mut(&LINK).unwrap().adaptive = false;
    world.event(Event::Policy(std::sync::Arc::new(fixed)));
    assert_eq!(rate(&world), None);
}

#[test]
fn mo_messages_have_the_class_of_their_link() {
    let mut urgent = policy();
    urgent.links.get_mut(&LINK).unwrap().mo_class = TrafficClass::Otp;
    let mut world = World::with(urgent);
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    world.inbound("447700900001", "12345", TO_LINK);
    assert_eq!(world.last_sent().class(), TrafficClass::Otp);
}

#[test]
fn an_event_is_given_up_after_the_time_of_its_webhook() {
    let mut hooked = policy();
    let hook = PeerPolicy { give_up_after: Some(hour(1)), ..PeerPolicy::default() };
    hooked.webhooks.insert(HOOK, hook);
    hooked.accounts.get_mut(&ACCOUNT).unwrap().mo_webhook = Some(HOOK);
    let mut world = World::with(hooked);
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    let submit = Submit {
        channel: SubmitChannel::Http(Some(HOOK)),
        receipt: ReceiptRequest::FINAL,
        ..world.message("447700900001")
    };
    world.submit(submit).unwrap();
    let permit = world.last_sent().permit();
    world.event(Event::Answered {
        permit,
        answer: Answer::Refused { class: ErrorClass::Permanent, status: 11 },
    });
    let reply = ReplyTo { session: TO_LINK, token: 77 };
    world.event(Event::Inbound(Box::new(Inbound {
        reply,
        link: LINK,
        source: address("447700900002"),
        destination: signalbox_core::address::Address::new(3, 0, b"12345").unwrap(),
        content: text("yes"),
        reference: None,
        first_part: true,
    })));
    assert_eq!(world.exchange.open(), 2);
    world.pass(hour(1) - Duration::from_secs(1));
    assert_eq!(world.exchange.open(), 2);
    world.up(PeerId::Webhook(HOOK), TO_HOOK, 1);
    world.pass(Duration::from_secs(2));
    // One is on its way; its answer comes too late for another try.
    let permit = world.last_sent().permit();
    let failed = Answer::Refused { class: ErrorClass::Temporary, status: 500 };
    world.event(Event::Answered { permit, answer: failed });
    world.pass(Duration::from_secs(1));
    assert_eq!(world.exchange.open(), 0);
    let given_up = world.notes.iter().filter(|note| {
        matches!(note, Note::Ended { peer: Some(PeerId::Webhook(HOOK)), reason: Reason::GivenUp, .. })
    });
    assert_eq!(given_up.count(), 2, "{:?}", world.notes);
    let mo = world.cdrs.last().unwrap();
    assert_eq!((mo.outcome, mo.reason), (FinalState::Expired, Reason::GivenUp));
    assert_eq!(mo.source, "447700900002");
}

#[test]
fn a_window_changes_while_messages_are_out() {
    let mut world = World::with(policy());
    world.up(PeerId::Link(LINK), TO_LINK, 3);
    for _ in 0..8 {
        let message = world.message("447700900001");
        world.submit(message).unwrap();
    }
    assert_eq!(world.sent.len(), 3);
    world.event(Event::Window { session: TO_LINK, window: 5 });
    assert_eq!(world.sent.len(), 5);
    world.event(Event::Window { session: TO_LINK, window: 2 });
    let permits: Vec<_> = world.sent.iter().map(|(_, released)| released.permit()).collect();
    for permit in &permits[..3] {
        world.answer(*permit, "1");
        assert_eq!(world.sent.len(), 5, "two are out");
    }
    world.answer(permits[3], "1");
    assert_eq!(world.sent.len(), 6);
}
