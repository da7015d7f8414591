//! Texts that the exchange has no room for, and first messages that never reach their device.

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::outcome::{FinalState, Reason};
use signalbox_dialog::{Effect, NotTaken, What};
use signalbox_invocation::{Outcome, WebCall};

use crate::world::{
    ACCOUNT, DEVICE, INFO, NOTICE, Only, REMINDER, SECOND, SHARED, SURVEY, World, rules, says, version,
};

const FULL: NotTaken = NotTaken { reason: "queue_full", temporary: true };
const INACTIVE: NotTaken = NotTaken { reason: "account_inactive", temporary: false };

fn words(world: &World) -> Vec<String> {
    world.texts().into_iter().map(|(_, _, text)| text).collect()
}

/// A survey is over; a response to it is still its own (KEY-08), and its address is free.
fn surveyed() -> World {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(Outcome { ended: true, ..says(&["Thank you."]) }));
    world
}

/// An exchange that is full for a moment filters nothing.
#[test]
fn a_text_that_is_refused_for_the_time_being_is_offered_again_in_its_order() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    let task = world.next_task().unwrap();
    world.given.refuses = Some(FULL);
    world.ran(&task, Ok(says(&["a", "b"])));
    world.pass(Duration::from_secs(2));
    assert_eq!((words(&world), world.filtered()), (vec![], vec![]));
    world.given.refuses = None;
    // What comes later does not overtake what waits.
    world.mo(DEVICE, SHARED, "more");
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(says(&["c"])));
    assert_eq!(words(&world), Vec::<String>::new());
    world.pass(Duration::from_secs(2));
    assert_eq!(words(&world), ["a", "b", "c"]);
    assert_eq!(world.filtered(), Vec::<&str>::new());
}

#[test]
fn what_waits_for_room_survives_a_kill() {
    let mut world = World::new(rules());
    world.given.refuses = Some(FULL);
    world.start_in(1, REMINDER, 5, DEVICE, true).unwrap();
    world.run();
    world.restart();
    world.given.refuses = None;
    world.pass(Duration::from_secs(2));
    assert_eq!(words(&world), ["begin:"]);
    world.ended(0, FinalState::Delivered, Reason::Receipt);
    assert_eq!(world.completions(), [(5, "delivered", "")]);
}

#[test]
fn a_text_that_finds_no_room_in_its_time_is_filtered_with_the_reason() {
    let mut world = World::new(rules());
    world.given.refuses = Some(FULL);
    world.start_in(1, REMINDER, 5, DEVICE, true).unwrap();
    world.run();
    for _ in 0..119 {
        world.pass(Duration::from_secs(1));
    }
    assert_eq!(world.filtered(), Vec::<&str>::new());
    world.pass(Duration::from_secs(2));
    assert_eq!(world.filtered(), ["queue_full"]);
    assert_eq!(world.completions(), [(5, "filtered", "queue_full")]);
    world.given.refuses = None;
    world.pass(Duration::from_secs(300));
    assert_eq!(words(&world), Vec::<String>::new());
}

/// D5: the owner is the sub-campaign of the latest text to the device; one that was filtered was none.
#[test]
fn a_first_message_that_is_filtered_does_not_own_the_conversation() {
    for refused in [false, true] {
        let mut world = surveyed();
        if refused {
            world.given.refuses = Some(INACTIVE);
        }
        world.start(REMINDER, DEVICE).unwrap();
        world.run();
        if !refused {
            world.ended(1, FinalState::Filtered, Reason::NoRoute);
        }
        world.given.refuses = None;
        world.mo(DEVICE, SHARED, "forty");
        let task = world.next_task().unwrap();
        assert_eq!(task.invocation.sub_campaign.id, SURVEY, "refused: {refused}");
    }
}

#[test]
fn a_first_message_of_which_nothing_leaves_begins_no_conversation() {
    let mut world = World::new(rules());
    world.given.refuses = Some(INACTIVE);
    world.start(NOTICE, DEVICE).unwrap();
    world.run();
    world.given.refuses = None;
    world.mo(DEVICE, SHARED, "what?");
    assert_eq!(world.next_task().unwrap().invocation.sub_campaign.id, INFO, "the default of the address");
}

/// One text of the group is enough.
#[test]
fn a_first_message_of_which_a_text_leaves_owns_the_conversation() {
    let mut world = surveyed();
    world.start(REMINDER, DEVICE).unwrap();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(says(&["a", "b"])));
    world.ended(1, FinalState::Filtered, Reason::NoRoute);
    world.ended(2, FinalState::Delivered, Reason::Receipt);
    world.mo(DEVICE, SHARED, "yes");
    assert_eq!(world.next_task().unwrap().invocation.sub_campaign.id, REMINDER);
}

/// While the text is on its way its sub-campaign is asked: the device may have it already.
#[test]
fn an_answer_that_comes_before_the_end_of_the_first_message_is_its_own() {
    let mut world = World::new(rules());
    world.start(REMINDER, DEVICE).unwrap();
    world.run();
    world.mo(DEVICE, SHARED, "yes");
    assert_eq!(world.next_task().unwrap().invocation.sub_campaign.id, REMINDER);
}

/// What a first message wants that also asks a web service.
fn says_and_asks(text: &str) -> Outcome {
    let call =
        WebCall { service: "crm".into(), path: String::new(), body: String::new(), then: "told".into() };
    Outcome { position: "confirm".into(), calls: vec![call], ..says(&[text]) }
}

fn calls(world: &World) -> usize {
    world.effects.iter().filter(|effect| matches!(effect, Effect::Call { .. })).count()
}

/// The survey waits for an answer, and so does another sub-campaign on the other address: a first message shares one.
fn waiting() -> World {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(Outcome { position: "age".into(), ..says(&["Your age?"]) }));
    world.start(NOTICE, DEVICE).unwrap();
    world.run();
    assert_eq!(world.texts()[1].1, SECOND);
    world
}

/// D5: nothing of it stays, neither its step nor its calls.
#[test]
fn a_first_message_that_is_refused_leaves_a_survey_where_it_stood() {
    let mut world = waiting();
    world.start(REMINDER, DEVICE).unwrap();
    let task = world.next_task().unwrap();
    world.given.refuses_one = Some(INACTIVE);
    world.ran(&task, Ok(says_and_asks("Dear you")));
    assert_eq!((words(&world).len(), calls(&world)), (2, 0));
    world.mo(DEVICE, SHARED, "forty");
    let task = world.next_task().unwrap();
    assert_eq!(task.invocation.sub_campaign.id, SURVEY);
    assert_eq!(task.invocation.conversation.position, "age");
}

#[test]
fn a_first_message_that_is_refused_leaves_a_new_device_free() {
    let mut world = World::new(rules());
    world.start(REMINDER, DEVICE).unwrap();
    let task = world.next_task().unwrap();
    world.given.refuses_one = Some(INACTIVE);
    world.ran(&task, Ok(says_and_asks("Dear you")));
    world.mo(DEVICE, SHARED, "hello?");
    assert_eq!(world.next_task().unwrap().invocation.sub_campaign.id, INFO);
}

#[test]
fn a_first_message_of_which_the_second_text_is_taken_owns_the_conversation() {
    let mut world = surveyed();
    world.start(REMINDER, DEVICE).unwrap();
    let task = world.next_task().unwrap();
    world.given.refuses_one = Some(INACTIVE);
    world.ran(&task, Ok(says(&["a", "b"])));
    assert_eq!(words(&world), ["Thank you.", "b"]);
    world.mo(DEVICE, SHARED, "yes");
    assert_eq!(world.next_task().unwrap().invocation.sub_campaign.id, REMINDER);
}

/// What it asked a web service is told to its own instructions, not to those that own the conversation again.
#[test]
fn a_call_outlives_the_first_message_that_failed() {
    let mut world = surveyed();
    world.start(REMINDER, DEVICE).unwrap();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(says_and_asks("Dear you")));
    world.ended(1, FinalState::Filtered, Reason::NoRoute);
    world.answer_call("42");
    let task = world.next_task().unwrap();
    assert!(matches!(&task.what, What::Instructions { version: of, .. } if *of == version(ACCOUNT, 2)));
    world.ran(&task, Ok(says(&[])));
    world.mo(DEVICE, SHARED, "forty");
    assert_eq!(world.next_task().unwrap().invocation.sub_campaign.id, SURVEY);
}

/// D5 holds there too: one text of the group is enough.
#[test]
fn texts_that_leave_from_another_address_own_the_conversation_there() {
    let mut of = rules();
    of.sources = Arc::new(Only(2, SECOND));
    let mut world = World::new(of);
    world.mo(DEVICE, SHARED, "survey");
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(says(&["a", "b"])));
    world.ended(0, FinalState::Filtered, Reason::NoRoute);
    world.mo(DEVICE, SECOND, "yes");
    assert_eq!(world.next_task().unwrap().invocation.sub_campaign.id, SURVEY);
}
