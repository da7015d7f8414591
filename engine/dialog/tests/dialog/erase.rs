//! A device is forgotten as far as an account knows it (GDPR, article 17).

use std::sync::Arc;

use signalbox_core::backend::Table;
use signalbox_core::exchange::ReplyTo;
use signalbox_core::id::SessionId;
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::time::Micros;
use signalbox_dialog::{Effect, Event, Instructions, Start};
use signalbox_invocation::{SubCampaignKind, Value};

use crate::world::{
    ACCOUNT, DEVICE, INFO, OTHER_ACCOUNT, Only, POLL, REMINDER, SHARED, World, number, rules, says, set,
};

fn erase(world: &mut World) {
    let reply = ReplyTo { session: SessionId(1), token: 99 };
    world.event(Event::Erase { reply, account: ACCOUNT, device: number(DEVICE) });
    assert_eq!(world.effects.pop(), Some(Effect::Erased { to: reply }));
}

#[test]
fn nothing_is_left_of_a_device_that_only_one_account_knows() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    let task = world.next_task().unwrap();
    let mut said = says(&["Your age?"]);
    said.stored.push(("age".to_owned(), Some(Value::Number(41.0))));
    world.ran(&task, Ok(said));
    assert_eq!((world.store.count(Table::Conversation), world.store.count(Table::Device)), (1, 1));
    erase(&mut world);
    assert_eq!((world.store.count(Table::Conversation), world.store.count(Table::Device)), (0, 0));
    // Who writes again is somebody new, now and after a restart.
    world.restart();
    world.mo(DEVICE, SHARED, "41");
    let task = world.next_task().unwrap();
    assert_eq!(task.invocation.sub_campaign.id, INFO);
    assert_eq!((task.invocation.conversation.elsewhere.len(), task.invocation.stored.len()), (0, 0));
}

#[test]
fn what_another_account_has_with_the_device_stays() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.mo(DEVICE, SHARED, "poll");
    world.run();
    erase(&mut world);
    world.mo(DEVICE, SHARED, "yes");
    let task = world.next_task().unwrap();
    assert_eq!(task.invocation.sub_campaign.id, POLL);
    let texts: Vec<_> = task.invocation.conversation.history.iter().map(|past| past.text.as_str()).collect();
    assert_eq!(texts, ["poll", "moHandler:poll", "yes"]);
}

#[test]
fn what_is_under_way_for_the_device_comes_to_nothing() {
    let mut world = World::new(rules());
    world.start_in(1, REMINDER, 5, DEVICE, true).unwrap();
    let task = world.next_task().unwrap();
    world.mo(DEVICE, SHARED, "survey");
    let answer = world.next_task().unwrap();
    erase(&mut world);
    world.ran(&task, Ok(says(&["Dear you"])));
    world.ran(&answer, Ok(says(&["Your age?"])));
    assert_eq!(world.texts(), []);
    assert_eq!(world.completions(), [(5, "filtered", "erased")]);
    world.settle(1, &[5]);
    assert_eq!(world.store.count(Table::Start), 0);
}

/// A first message of another account put what was there aside; if that comes to nothing, nothing comes back.
#[test]
fn nothing_comes_back_when_a_first_message_of_another_account_fails() {
    let mut rules = rules();
    rules.sources = Arc::new(Only(1, SHARED));
    let poll = Arc::make_mut(rules.sub_campaigns.get_mut(&POLL).unwrap());
    (poll.kind, poll.instructions) = (SubCampaignKind::Outbound, Instructions::Texts);
    let mut world = World::new(rules);
    world.mo(DEVICE, SHARED, "survey");
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(signalbox_invocation::Outcome { ended: true, ..set(says(&["?"]), "age", "41") }));
    let reply = ReplyTo { session: SessionId(1), token: 98 };
    let start = Start {
        reply,
        account: OTHER_ACCOUNT,
        sub_campaign: POLL,
        device: number(DEVICE),
        contact: 6,
        client_id: String::new(),
        pass: 0,
        began: Micros(0),
        begins: true,
        test: false,
    };
    world.event(Event::Start(Box::new(start)));
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(says(&["Vote!"])));
    erase(&mut world);
    world.ended(1, FinalState::Filtered, Reason::NoRoute);
    world.mo(DEVICE, SHARED, "hello?");
    let task = world.next_task().unwrap();
    assert_eq!(task.invocation.sub_campaign.id, INFO);
    assert_eq!(task.invocation.conversation.variables.len(), 0);
}
