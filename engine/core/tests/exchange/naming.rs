//! Ids as origins see them, and what they name: whole messages, whatever they consist of.

use std::time::Duration;

use signalbox_core::exchange::{
    Ask, Command, CommandReply, Event, MessageQuery, MessageReply, Reply, ReplyTo, Selection, Stage, Submit,
};
use signalbox_core::id::{MessageId, PeerId};
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::policy::IdStyle;

use crate::world::{ACCOUNT, ESME, LINK, TO_LINK, World, address, policy, text};

const ASKS: ReplyTo = ReplyTo { session: ESME, token: 9_001 };

fn styled(style: IdStyle) -> World {
    let mut styled = policy();
    styled.accounts.get_mut(&ACCOUNT).unwrap().ids = style;
    World::with(styled)
}

#[test]
fn ids_are_as_long_as_the_session_can_take_unless_the_account_says_otherwise() {
    for (style, for_33, for_34) in [(IdStyle::Auto, 8, 32), (IdStyle::Short, 8, 8), (IdStyle::Long, 32, 32)] {
        let mut world = styled(style);
        for (short_id, length) in [(true, for_33), (false, for_34)] {
            let submit = Submit { short_id, ..world.message("447700900001") };
            assert_eq!(world.submit(submit).unwrap().visible_id.len(), length, "{style:?} {short_id}");
        }
    }
}

#[test]
fn a_repeated_request_is_answered_with_the_same_id_also_when_it_is_short() {
    let mut world = styled(IdStyle::Short);
    let submit = Submit { idempotency: Some([7; 16]), ..world.message("447700900001") };
    let first = world.submit(submit.clone()).unwrap();
    assert_eq!(first.visible_id.len(), 8);
    assert_eq!(world.submit(submit.clone()).unwrap().visible_id, first.visible_id);
    world.restart();
    assert_eq!(world.submit(submit).unwrap().visible_id, first.visible_id);
}

#[test]
fn all_messages_of_one_submission_have_one_short_id() {
    let mut world = styled(IdStyle::Short);
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    world.up(PeerId::Account(ACCOUNT), ESME, 10);
    let submit = Submit {
        destinations: [address("447700900001"), address("447700900002")].into_iter().collect(),
        ..world.message("447700900001")
    };
    let taken = world.submit(submit).unwrap();
    let permits: Vec<_> = world.sent.iter().map(|(_, released)| released.permit()).collect();
    for permit in permits {
        world.answer(permit, "");
    }
    let ids: Vec<&str> = world.cdrs.iter().map(|cdr| cdr.visible_id.as_str()).collect();
    assert_eq!(ids, [taken.visible_id.as_str(); 2]);
}

fn of_three_parts(world: &mut World) -> Submit {
    let parts = ["one", "two", "three"].into_iter().map(text).collect();
    Submit { parts, ..world.message("447700900001") }
}

fn cancel(world: &mut World, visible_id: &str) -> MessageReply {
    let ask = Ask::Cancel { destination: None, service_type: bytes::Bytes::new() };
    let query =
        MessageQuery { reply: ASKS, account: ACCOUNT, visible_id: visible_id.into(), source: None, ask };
    world.replies.clear();
    world.event(Event::Message(Box::new(query)));
    match world.replies.remove(0) {
        (_, Reply::Message(reply)) => reply,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_short_id_names_a_whole_message_until_it_is_forgotten() {
    let mut world = styled(IdStyle::Short);
    let submit = of_three_parts(&mut world);
    let taken = world.submit(submit).unwrap();
    assert_eq!(cancel(&mut world, &taken.visible_id), MessageReply::Cancelled(3));
    assert_eq!(world.cdrs.len(), 1);
    assert_eq!(world.exchange.open(), 0);
    assert_eq!(cancel(&mut world, &taken.visible_id), MessageReply::TooLate, "it has ended, and is known");
}

fn command(world: &mut World, command: Command) -> CommandReply {
    world.replies.clear();
    world.event(Event::Command { reply: ASKS, command: Box::new(command) });
    match world.replies.remove(0) {
        (_, Reply::Command(reply)) => *reply,
        other => panic!("{other:?}"),
    }
}

fn changed(world: &mut World, order: Command) -> u64 {
    match command(world, order) {
        CommandReply::Changed(changed) => changed,
        other => panic!("{other:?}"),
    }
}

fn of(id: MessageId) -> Selection {
    Selection { ids: vec![id], ..Selection::default() }
}

#[test]
fn operators_act_on_whole_messages_by_the_id_of_the_whole_or_of_a_part() {
    let mut world = World::with(policy());
    let submit = of_three_parts(&mut world);
    let id = world.submit(submit).unwrap().id;
    assert_eq!(changed(&mut world, Command::Hold(of(id))), 1);
    let CommandReply::Messages(views) =
        command(&mut world, Command::Search { selection: of(id), after: None, limit: 10 })
    else {
        panic!("a search finds messages");
    };
    assert_eq!(views.iter().map(|view| view.stage).collect::<Vec<_>>(), [Stage::Held; 3]);
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    world.pass(Duration::from_secs(1));
    assert!(world.sent.is_empty(), "all of it is held");

    let (part, too) = (id.part(2), id);
    let both = Selection { ids: vec![part, too], ..Selection::default() };
    assert_eq!(changed(&mut world, Command::Purge(both)), 1);
    assert_eq!(world.exchange.open(), 0);
    let cdr = &world.cdrs[0];
    assert_eq!((cdr.outcome, cdr.reason), (FinalState::Cancelled, Reason::PurgedByOperator));
}

#[test]
fn a_message_let_go_leaves_with_all_its_parts() {
    let mut world = World::with(policy());
    let submit = of_three_parts(&mut world);
    let id = world.submit(submit).unwrap().id;
    changed(&mut world, Command::Hold(of(id)));
    world.up(PeerId::Link(LINK), TO_LINK, 10);
    assert_eq!(changed(&mut world, Command::Release(of(id))), 1);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.sent.len(), 3);
}
