//! replace_if_present_flag: a submission takes the place of one that waits (SMPP 3.4 cl. 5.2.18).

use bytes::Bytes;
use signalbox_core::exchange::{Ask, Event, InParts, MessageQuery, MessageReply, Reply, ReplyTo, Submit};
use signalbox_core::id::PeerId;
use signalbox_core::message::{Body, Content, ReceiptRequest, ReceiptState};
use signalbox_core::outcome::{FinalState, Reason};

use crate::world::{ACCOUNT, ESME, LINK, OTHER, TO_LINK, World, address, policy, text};

const TO: &str = "447700900001";

/// Nobody is bound: everything waits.
fn quiet() -> World {
    World::with(policy())
}

fn flagged(words: &str) -> Content {
    Content { replace_if_present: true, ..text(words) }
}

fn submit(world: &mut World, content: Content) -> String {
    let submit = Submit { parts: [content].into_iter().collect(), ..world.message(TO) };
    world.submit(submit).unwrap().visible_id
}

/// Texts that left to the link, and whether each may replace another there.
fn sent(world: &mut World) -> Vec<(String, bool)> {
    if world.sent.is_empty() {
        world.up(PeerId::Link(LINK), TO_LINK, 100);
    }
    let content = |body: &Body| match body {
        Body::Content(content) => {
            (String::from_utf8(content.payload.to_vec()).unwrap(), content.replace_if_present)
        }
        Body::Receipt(receipt) => panic!("{receipt:?}"),
    };
    world.sent.iter().map(|(_, released)| content(released.body())).collect()
}

fn one(words: &str, flag: bool) -> (String, bool) {
    (words.to_owned(), flag)
}

#[test]
fn what_waits_is_replaced_in_the_commit_that_accepts_the_new() {
    let mut world = quiet();
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    let first = Submit { receipt: ReceiptRequest::FINAL, ..world.message(TO) };
    let first = world.submit(first).unwrap();
    let second = submit(&mut world, flagged("new"));
    assert_eq!(world.exchange.open(), 2, "the new one, and the receipt of the old one");
    let cdr = &world.cdrs[0];
    assert_eq!((world.cdrs.len(), cdr.message), (1, first.id));
    assert_eq!((cdr.outcome, cdr.reason), (FinalState::Replaced, Reason::ReplacedByOrigin));
    let Body::Receipt(receipt) = world.last_sent().body() else { panic!("a receipt for the old one") };
    assert_eq!((&receipt.message_id, receipt.state), (&first.visible_id, ReceiptState::Deleted));
    assert_ne!(first.visible_id, second);
    world.sent.clear();
    assert_eq!(sent(&mut world), [one("new", false)], "what it replaced had not left");
}

#[test]
fn without_the_flag_nothing_is_replaced() {
    let mut world = quiet();
    submit(&mut world, flagged("old"));
    submit(&mut world, text("new"));
    assert_eq!(sent(&mut world), [one("old", true), one("new", false)]);
}

#[test]
fn what_differs_in_account_address_or_service_stays() {
    let mut world = quiet();
    submit(&mut world, text("old"));
    let content = || [flagged("new")].into_iter().collect();
    let others = [
        Submit { account: OTHER, parts: content(), ..world.message(TO) },
        Submit { source: address("12346"), parts: content(), ..world.message(TO) },
        Submit {
            destinations: [address("447700900002")].into_iter().collect(),
            parts: content(),
            ..world.message(TO)
        },
        Submit {
            parts: [Content { service_type: Bytes::from_static(b"WAP"), ..flagged("new") }]
                .into_iter()
                .collect(),
            ..world.message(TO)
        },
    ];
    for other in others {
        world.submit(other).unwrap();
    }
    assert!(world.cdrs.is_empty(), "{:?}", world.cdrs);
    assert_eq!(sent(&mut world).iter().filter(|(_, flag)| *flag).count(), 4, "it is passed on");
}

#[test]
fn what_has_left_is_the_smscs_to_replace_and_an_earlier_one_that_waits_goes() {
    let mut world = World::new();
    let hour = std::time::Duration::from_secs(3600);
    let later = Submit { not_before: Some(world.now.wall.after(hour / 2)), ..world.message(TO) };
    let later = world.submit(later).unwrap();
    submit(&mut world, text("sent"));
    assert_eq!(world.sent.len(), 1);
    submit(&mut world, flagged("new"));
    assert_eq!(world.cdrs[0].message, later.id, "the scheduled one, though another came after it");
    submit(&mut world, flagged("newest"));
    assert_eq!(world.cdrs.len(), 1);
    assert_eq!(sent(&mut world), [one("sent", false), one("new", false), one("newest", true)]);
}

#[test]
fn a_restart_forgets_nothing_of_what_may_be_replaced() {
    for hot_octets in [u64::MAX, 0] {
        let mut held = policy();
        held.limits.hot_octets = hot_octets;
        let mut world = World::with(held);
        submit(&mut world, Content { service_type: Bytes::from_static(b"WAP"), ..text("old") });
        world.restart();
        submit(&mut world, flagged("another service"));
        submit(&mut world, Content { service_type: Bytes::from_static(b"WAP"), ..flagged("new") });
        assert_eq!(world.cdrs.iter().map(|cdr| cdr.outcome).collect::<Vec<_>>(), [FinalState::Replaced]);
        world.restart();
        assert_eq!(sent(&mut world), [one("another service", true), one("new", false)], "{hot_octets}");
    }
}

#[test]
fn parts_replace_no_part_and_a_cut_message_replaces_as_a_whole() {
    let mut world = quiet();
    let part = |words| Content { esm_class: 0x40, ..flagged(words) };
    submit(&mut world, part("\x05\0\x03\x01\x02\x01a"));
    submit(&mut world, part("\x05\0\x03\x01\x02\x02b"));
    assert!(world.cdrs.is_empty());

    let mut cutting = policy();
    cutting.links.get_mut(&LINK).unwrap().longest = Some(0);
    let mut world = World::with(cutting);
    submit(&mut world, text("old"));
    let parts = vec![part("first"), part("second")];
    let long = |world: &mut World| Submit {
        parts: [flagged(&"x".repeat(300))].into_iter().collect(),
        in_parts: Some(Box::new(InParts { octets: 300, parts: parts.clone() })),
        ..world.message(TO)
    };
    // The second finds nothing that it may replace, and yet its parts say nothing of it where they arrive.
    for _ in 0..2 {
        let submit = long(&mut world);
        world.submit(submit).unwrap();
    }
    assert_eq!(world.cdrs.iter().map(|cdr| cdr.outcome).collect::<Vec<_>>(), [FinalState::Replaced]);
    let parts = [one("first", false), one("second", false)];
    assert_eq!(sent(&mut world), [parts.clone(), parts].concat());
}

#[test]
fn the_new_text_of_a_replaced_text_is_replaced_too_and_a_cancelled_one_is_not() {
    let mut world = quiet();
    let ask = |world: &mut World, id: &str, ask| {
        let reply = ReplyTo { session: ESME, token: 9_002 };
        let query = MessageQuery { reply, account: ACCOUNT, visible_id: id.into(), source: None, ask };
        world.event(Event::Message(Box::new(query)));
        match world.replies.pop() {
            Some((_, Reply::Message(reply))) => reply,
            other => panic!("{other:?}"),
        }
    };
    let first = submit(&mut world, text("old"));
    let second = submit(&mut world, flagged("new"));
    let MessageReply::State(view) = ask(&mut world, &first, Ask::Query) else { panic!("it is known") };
    assert_eq!(view.outcome, Some(FinalState::Replaced));
    let cancel = Ask::Cancel { destination: None, service_type: Bytes::new() };
    assert_eq!(ask(&mut world, &second, cancel), MessageReply::Cancelled(1));
    submit(&mut world, flagged("newest"));
    assert_eq!(world.cdrs.len(), 2);
    assert_eq!(sent(&mut world), [one("newest", true)]);
}

#[test]
fn a_submission_that_is_refused_replaces_nothing() {
    let mut world = quiet();
    submit(&mut world, text("old"));
    let over = Submit {
        parts: [flagged("new")].into_iter().collect(),
        expires_at: Some(signalbox_core::time::Micros(1)),
        ..world.message(TO)
    };
    world.submit(over).unwrap_err();
    assert!(world.cdrs.is_empty());
    assert_eq!(world.exchange.open(), 1);
}
