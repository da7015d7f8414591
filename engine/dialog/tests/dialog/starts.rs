//! First messages (TXS-03, MT-01, MQ-26).

use std::sync::Arc;

use signalbox_core::backend::Table;
use signalbox_dialog::{Stage, StartRefusal, What};
use signalbox_invocation::{Entry, Failure};

use crate::world::{
    DEVICE, NOTICE, OTHER_ACCOUNT, REMINDER, SECOND, SHARED, SURVEY, World, entry, rules, says, set,
};

#[test]
fn begin_is_run_and_its_text_opens_the_conversation() {
    let mut world = World::new(rules());
    world.start(REMINDER, DEVICE).unwrap();
    let task = world.next_task().unwrap();
    assert_eq!(entry(&task), Entry::Begin);
    assert_eq!((task.invocation.contact.id, task.invocation.contact.client_id.as_str()), (5, "client-5"));
    world.ran(&task, Ok(set(says(&["Dear you"]), "nextAction", "confirm")));
    assert_eq!(world.texts(), [(DEVICE.into(), SHARED.into(), "Dear you".into())]);
    assert_eq!(world.store.count(Table::Start), 0);
    world.mo(DEVICE, SHARED, "ok");
    let task = world.next_task().unwrap();
    assert_eq!(entry(&task), Entry::method("confirm").unwrap());
    assert_eq!(task.invocation.sub_campaign.id, REMINDER);
}

#[test]
fn fixed_texts_need_no_script() {
    let mut world = World::new(rules());
    world.start(NOTICE, DEVICE).unwrap();
    let task = world.next_task().unwrap();
    assert_eq!(entry(&task), Entry::Begin);
    assert_eq!(task.what, What::Text { text: "reply".into() });
    world.run();
    world.ran(&task, Ok(says(&["reply"])));
    assert_eq!(world.last_text(), "reply");
}

/// SRC-11: an address that another account has not written to the device from.
#[test]
fn an_address_that_another_account_uses_for_the_device_is_left_alone() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "poll");
    world.run();
    world.start(REMINDER, DEVICE).unwrap();
    world.run();
    assert_eq!(world.texts().last().unwrap().1, SECOND);
}

#[test]
fn what_cannot_begin_is_refused_with_the_reason() {
    let mut world = World::new(rules());
    assert_eq!(world.start(SURVEY, DEVICE), Err(StartRefusal::NoSubCampaign), "it is inbound");
    assert_eq!(world.start(99, DEVICE), Err(StartRefusal::NoSubCampaign));
    // Acceptance (c) of messaging.md: nobody runs what is another account's.
    let mut theirs = rules();
    Arc::make_mut(theirs.sub_campaigns.get_mut(&REMINDER).unwrap()).account = OTHER_ACCOUNT;
    assert_eq!(World::new(theirs).start(REMINDER, DEVICE), Err(StartRefusal::NoSubCampaign));
    assert_eq!(world.start(REMINDER, ""), Err(StartRefusal::NoDevice));
    let mut paused = rules();
    Arc::make_mut(paused.sub_campaigns.get_mut(&REMINDER).unwrap()).stage = Stage::Paused;
    assert_eq!(World::new(paused).start(REMINDER, DEVICE), Err(StartRefusal::NotRunning));
    let mut no_text = rules();
    no_text.accounts.get_mut(&1).unwrap().channels.clear();
    assert_eq!(World::new(no_text).start(REMINDER, DEVICE), Err(StartRefusal::NotContracted));
}

#[test]
fn a_first_message_whose_script_fails_is_told_and_forgotten() {
    let mut world = World::new(rules());
    world.start(REMINDER, DEVICE).unwrap();
    let task = world.next_task().unwrap();
    world.ran(&task, Err(Failure::Threw { message: "no".into(), at: "begin:1".into() }));
    assert_eq!((world.texts().len(), world.store.count(Table::Start)), (0, 0));
    assert!(world.records.iter().any(|record| matches!(
        &record.what,
        signalbox_dialog::Said::Failed { name, .. } if name == "script_threw"
    )));
}

/// What the device wrote is answered first.
#[test]
fn a_first_message_waits_for_the_run_of_a_message_of_the_device() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    let answer = world.next_task().unwrap();
    world.start(REMINDER, DEVICE).unwrap();
    world.run();
    assert_eq!(world.texts(), []);
    world.ran(&answer, Ok(says(&["answer"])));
    world.pass(std::time::Duration::from_secs(1));
    let texts: Vec<_> = world.texts().into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(texts, ["answer", "begin:"]);
}
