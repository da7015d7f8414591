//! A device is forgotten as far as an account knows it (GDPR, article 17).

use signalbox_core::backend::Table;
use signalbox_core::exchange::ReplyTo;
use signalbox_core::id::SessionId;
use signalbox_dialog::{Effect, Event};
use signalbox_invocation::Value;

use crate::world::{ACCOUNT, DEVICE, INFO, POLL, REMINDER, SHARED, World, number, rules, says};

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
