//! Several sub-campaigns and one device: each answer is clear, for no address waits for two (MQ-28).

use std::sync::Arc;
use std::time::Duration;

use signalbox_dialog::{Rules, WhenBusy};

use crate::world::{DEVICE, NOTICE, REMINDER, SECOND, SHARED, SURVEY, World, rules, says, set};

fn policy(when_busy: WhenBusy) -> Rules {
    let mut rules = rules();
    Arc::make_mut(rules.sub_campaigns.get_mut(&NOTICE).unwrap()).when_busy = when_busy;
    rules
}

/// Both addresses wait for the device's answer: to a survey, and to a reminder.
fn busy(when_busy: WhenBusy) -> World {
    let mut world = World::new(policy(when_busy));
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.start(REMINDER, DEVICE).unwrap();
    world.run();
    let from: Vec<_> = world.texts().into_iter().map(|(_, from, _)| from).collect();
    assert_eq!(from, [SHARED, SECOND]);
    world.start(NOTICE, DEVICE).unwrap();
    world.run();
    world
}

/// Acceptance (a) of messaging.md.
#[test]
fn two_sub_campaigns_that_wait_for_one_device_get_addresses_of_their_own() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(set(says(&["Your age?"]), "nextAction", "age")));
    world.start(REMINDER, DEVICE).unwrap();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(set(says(&["Coming at ten?"]), "nextAction", "coming")));
    let asked: Vec<_> = world.texts().into_iter().map(|(_, from, text)| (from, text)).collect();
    assert_eq!(asked, [(SHARED.into(), "Your age?".into()), (SECOND.into(), "Coming at ten?".into())]);
    for (to, text, sub, method) in [(SECOND, "yes", REMINDER, "coming"), (SHARED, "41", SURVEY, "age")] {
        world.mo(DEVICE, to, text);
        let task = world.next_task().unwrap();
        assert_eq!((task.invocation.sub_campaign.id, task.invocation.entry.name()), (sub, method));
        world.ran(&task, Ok(says(&["thanks"])));
        assert_eq!(world.texts().last().unwrap().1, to);
    }
}

#[test]
fn where_no_address_is_free_a_first_message_shares_one_if_it_may() {
    let world = busy(WhenBusy::Share);
    assert_eq!(world.texts().len(), 3);
    assert_eq!(world.filtered(), Vec::<&str>::new());
}

#[test]
fn where_no_address_is_free_a_first_message_expires_if_it_is_to() {
    let world = busy(WhenBusy::Expire);
    assert_eq!(world.texts().len(), 2);
    assert_eq!(world.filtered(), ["address_busy"]);
}

#[test]
fn where_no_address_is_free_a_first_message_waits_for_one_if_it_is_to() {
    let mut world = busy(WhenBusy::Wait);
    world.pass(Duration::from_secs(60));
    world.run();
    assert_eq!((world.texts().len(), world.filtered().len()), (2, 0));
    // The survey is answered and over.
    world.mo(DEVICE, SHARED, "41");
    let task = world.next_task().unwrap();
    let over = signalbox_invocation::Outcome { ended: true, ..says(&["thanks"]) };
    world.ran(&task, Ok(over));
    world.pass(Duration::from_secs(16));
    world.run();
    let last = world.texts().pop().unwrap();
    assert_eq!((last.1.as_str(), last.2.as_str()), (SHARED, "reply"));
}

#[test]
fn who_waits_for_an_address_waits_no_longer_than_a_conversation() {
    let mut rules = policy(WhenBusy::Wait);
    for sub in [SURVEY, REMINDER] {
        // Those are waited for longer.
        Arc::make_mut(rules.sub_campaigns.get_mut(&sub).unwrap()).timeout = Duration::from_secs(7 * 86_400);
    }
    let mut world = World::new(rules);
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.start(REMINDER, DEVICE).unwrap();
    world.run();
    world.start_in(1, NOTICE, 5, DEVICE, true).unwrap();
    world.run();
    world.pass(Duration::from_secs(86_000));
    world.run();
    assert_eq!(world.completions(), []);
    world.pass(Duration::from_secs(500));
    world.run();
    assert_eq!(world.completions(), [(5, "filtered", "address_busy")]);
}
