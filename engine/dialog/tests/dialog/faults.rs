//! Deaths between commits (rules 1 and 2; acceptance (b) of messaging.md).

use std::time::Duration;

use signalbox_core::backend::Table;
use signalbox_dialog::{Effect, Event, Instructions, Said, StartRefusal, SubCampaignRule};
use signalbox_invocation::{Failure, Wait, WebCall};

use crate::world::{DEVICE, REMINDER, SHARED, SURVEY, World, code, entry, number, rules, says};

/// Killed between taking a message and the end of its run: the run begins again, and sees the same.
#[test]
fn a_run_that_a_kill_cut_off_begins_again_with_the_same_time_and_seed() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    let before = world.next_task().unwrap();
    world.restart();
    let after = world.next_task().unwrap();
    assert_eq!(after, before);
    world.ran(&after, Ok(says(&["answer"])));
    world.ran(&before, Ok(says(&["answer"])));
    assert_eq!(world.texts().len(), 1, "exactly one MT leaves");
}

/// Killed after the end of the run was committed: it is not run again.
#[test]
fn what_is_committed_is_not_done_again() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.restart();
    assert!(world.next_task().is_none());
    world.pass(Duration::from_secs(3_600));
    assert!(world.next_task().is_none());
    assert_eq!(world.texts().len(), 1);
}

#[test]
fn messages_that_wait_survive_in_order() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    world.mo(DEVICE, SHARED, "a");
    world.mo(DEVICE, SHARED, "b");
    world.restart();
    world.run();
    let texts: Vec<_> = world.texts().into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(texts, ["moHandler:survey", "moHandler:a", "moHandler:b"]);
}

#[test]
fn a_wait_for_the_device_survives() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    let task = world.next_task().unwrap();
    let wait = Some(Wait { seconds: 600, then: "remind".into() });
    world.ran(&task, Ok(signalbox_invocation::Outcome { wait, ..says(&["?"]) }));
    world.restart();
    world.pass(Duration::from_secs(300));
    assert!(world.next_task().is_none());
    world.pass(Duration::from_secs(301));
    assert_eq!(entry(&world.next_task().unwrap()).name(), "remind");
}

#[test]
fn a_call_that_a_kill_cut_off_is_made_again() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    let task = world.next_task().unwrap();
    let call = WebCall { service: "crm".into(), path: "/x".into(), body: String::new(), then: "got".into() };
    world.ran(&task, Ok(signalbox_invocation::Outcome { calls: vec![call], ..says(&["?"]) }));
    world.restart();
    assert_eq!(world.answer_call("yes"), "/x");
    assert_eq!(entry(&world.next_task().unwrap()).name(), "got");
}

#[test]
fn a_first_message_that_a_kill_cut_off_begins_again() {
    let mut world = World::new(rules());
    world.start(REMINDER, DEVICE).unwrap();
    let before = world.next_task().unwrap();
    world.restart();
    let after = world.next_task().unwrap();
    assert_eq!((before.run, before.invocation.seed), (after.run, after.invocation.seed));
    world.ran(&after, Ok(says(&["hello"])));
    world.ran(&before, Ok(says(&["hello"])));
    assert_eq!(world.texts().len(), 1);
    world.restart();
    assert!(world.next_task().is_none());
}

#[test]
fn records_are_given_again_until_they_are_taken() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "hello");
    let held = world.records.len();
    assert!(held > 0);
    world.records.clear();
    world.restart();
    assert_eq!(world.records.len(), held);
    let ids = world.records.iter().map(|record| record.id).collect();
    world.event(signalbox_dialog::Event::Recorded(ids));
    assert_eq!(world.store.count(Table::Record), 0);
}

/// A run that never comes to an end is begun three times, then parked, and the conversation goes on.
#[test]
fn a_run_without_end_is_parked() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    world.mo(DEVICE, SHARED, "next");
    let mut begun = 0;
    for _ in 0..10 {
        match world.next_task() {
            Some(task) if task.invocation.attempt.as_ref().unwrap().text == "survey" => begun += 1,
            Some(task) => {
                world.ran(&task, Ok(says(&["went on"])));
                break;
            }
            None => world.pass(Duration::from_secs(31)),
        }
    }
    assert_eq!(begun, 3);
    assert_eq!(world.last_text(), "went on");
    let parked = |record: &signalbox_dialog::Record| matches!(&record.what, Said::Failed { name, .. } if name == "internal");
    assert_eq!(world.records.iter().filter(|record| parked(record)).count(), 1);
}

#[test]
fn workers_that_are_too_busy_are_asked_again() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    let task = world.next_task().unwrap();
    world.ran(&task, Err(Failure::Overloaded { waiting: 9 }));
    assert!(world.next_task().is_none());
    world.pass(Duration::from_secs(31));
    world.run();
    assert_eq!(world.last_text(), "moHandler:survey");
}

/// A first message whose run is interrupted, refused or never ends is begun again, at growing pauses, for as long as its
/// sub-campaign runs: only what the script itself did is the end of it.
#[test]
fn a_first_message_is_not_failed_by_what_is_not_its_script_s_fault() {
    let ends = [
        Some(Failure::Overloaded { waiting: 9 }),
        Some(Failure::Interrupted("the pool was closed".into())),
        None,
    ];
    for end in ends {
        let mut world = World::new(rules());
        world.start_in(3, REMINDER, 41, DEVICE, true).unwrap();
        let mut longest = 0;
        for _ in 0..12 {
            let task = world.next_task().expect("it is begun again");
            if let Some(failure) = &end {
                world.ran(&task, Err(failure.clone()));
            }
            let mut waited = 0;
            while !world.effects.iter().any(|effect| matches!(effect, Effect::Run(_))) {
                world.pass(Duration::from_millis(500));
                waited += 1;
                assert!(waited <= 2 * 91, "the pause is bounded");
            }
            longest = longest.max(waited);
        }
        assert!(longest >= 2 * 30, "and it grows: {longest}");
        assert_eq!(world.completions(), []);
        world.run();
        assert_eq!(world.texts().len(), 1);
    }
}

/// What the script did is the end of it at once, and what is not has an end, too: that of the conversation's time.
#[test]
fn a_first_message_fails_by_its_script_or_when_its_time_is_over() {
    let mut world = World::new(rules());
    world.start_in(3, REMINDER, 41, DEVICE, true).unwrap();
    let task = world.next_task().unwrap();
    world.ran(&task, Err(Failure::TooLong { millis: 50 }));
    assert_eq!(world.completions(), [(41, "failed", "script_too_long")]);
    let mut world = World::new(rules());
    world.start_in(3, REMINDER, 41, DEVICE, true).unwrap();
    let task = world.next_task().unwrap();
    world.pass(Duration::from_secs(10));
    world.now.wall = world.now.wall.after(Duration::from_secs(86_400));
    world.ran(&task, Err(Failure::Overloaded { waiting: 9 }));
    assert_eq!(world.completions(), [(41, "failed", "script_overloaded")]);
}

/// The same holds for what devices wrote: no try is counted for a refusal.
#[test]
fn a_device_is_answered_however_often_the_workers_were_too_busy() {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    for _ in 0..20 {
        let task = world.next_task().expect("it is begun again");
        world.ran(&task, Err(Failure::Overloaded { waiting: 9 }));
        world.pass(Duration::from_secs(5));
    }
    world.run();
    assert_eq!(world.last_text(), "moHandler:survey");
}

/// An entry of a participation campaign was acknowledged: it is asked for again until it has its verdict (CM-16).
#[test]
fn an_entry_without_a_verdict_is_never_parked() {
    let mut rules = rules();
    let survey = rules.sub_campaigns[&SURVEY].clone();
    let vote = SubCampaignRule { instructions: Instructions::Participation(5), ..(*survey).clone() };
    rules.sub_campaigns.insert(SURVEY, vote.into());
    let mut world = World::new(rules);
    world.mo(DEVICE, SHARED, "survey 7");
    world.mo(DEVICE, SHARED, "survey 8");
    let mut last = None;
    for _ in 0..20 {
        last = world.next_task().or(last);
        world.pass(Duration::from_secs(31));
    }
    let task = world.next_task().or(last).unwrap();
    assert_eq!(task.invocation.attempt.as_ref().unwrap().text, "survey 7", "the second waits for the first");
    world.ran(&task, Ok(says(&["you voted"])));
    assert_eq!(world.last_text(), "you voted");
    assert_eq!(world.next_task().unwrap().invocation.attempt.unwrap().text, "survey 8");
}

/// While the catalog's database fails, what is to be written there does not fill the memory: devices are asked to wait,
/// and what is only carried goes on.
#[test]
fn what_waits_for_the_database_is_bounded() {
    let mut rules = rules();
    rules.limits.records = 4;
    let mut world = World::new(rules);
    let room = |world: &World, to: &str| world.dialog.has_room(&number(DEVICE), &code(to));
    assert!(room(&world, SHARED));
    for text in ["survey", "1", "2", "3"] {
        world.mo(DEVICE, SHARED, text);
        world.run();
    }
    assert!(world.dialog.to_record() >= 4 && !room(&world, SHARED) && room(&world, "447400123456"));
    assert_eq!(world.start(REMINDER, "447400123456"), Err(StartRefusal::TooMany(4)));
    let ids: Vec<_> = std::mem::take(&mut world.records).into_iter().map(|record| record.id).collect();
    world.restart();
    assert!(!room(&world, SHARED), "they are known after a restart too");
    world.event(Event::Recorded(ids));
    assert!(room(&world, SHARED));
    assert_eq!((world.dialog.to_record(), world.store.count(Table::Record)), (0, 0));
}
