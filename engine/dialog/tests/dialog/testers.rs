//! Testers (MQ-10): who reaches what is in testing, and what of that counts.

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::time::Micros;
use signalbox_dialog::{Does, Instructions, Keyword, Note, Rules, Said, Stage, StartRefusal, Tester, What};
use signalbox_invocation::Version;

use crate::world::{
    ACCOUNT, DEVICE, OTHER_ACCOUNT, POLL, REMINDER, SECOND, SHARED, SURVEY, World, number, rules, says, set,
    version,
};

const TESTER: &str = "12025550177";
/// A new survey, in testing, with the keyword of the one that runs.
const NEW_SURVEY: u32 = 20;

fn tester(account: u32, until: Option<Micros>) -> Tester {
    Tester { account, programs: Vec::new(), until }
}

/// What runs, with a tester and something to test.
fn tested() -> Rules {
    let mut rules = rules();
    rules.testers.add(number(TESTER).key(), tester(ACCOUNT, None));
    let mut new = (*rules.sub_campaigns[&SURVEY]).clone();
    (new.id, new.stage) = (NEW_SURVEY, Stage::Testing);
    new.instructions = Instructions::Version(version(ACCOUNT, 7));
    rules.sub_campaigns.insert(NEW_SURVEY, Arc::new(new));
    for text in ["survey", "brand new"] {
        let keyword = Keyword {
            id: 30,
            text: text.into(),
            program: None,
            sub_campaign: NEW_SURVEY,
            from: None,
            to: None,
            whole: false,
            does: Does::Begin,
            tests: Some(ACCOUNT),
        };
        rules.keywords.add(1, keyword).unwrap();
    }
    rules
}

fn sub(rules: &mut Rules, id: u32) -> &mut signalbox_dialog::SubCampaignRule {
    Arc::make_mut(rules.sub_campaigns.get_mut(&id).unwrap())
}

/// Which version answers the next message.
fn answers(world: &mut World) -> Version {
    let task = world.next_task().unwrap();
    let What::Instructions { version, .. } = task.what.clone() else { panic!("{task:?}") };
    world.ran(&task, Ok(says(&["answer"])));
    version
}

fn is_counted(note: &Note) -> bool {
    match note {
        Note::Routed { test, .. } | Note::Ran { test, .. } | Note::Sent { test, .. } => !test,
        _ => false,
    }
}

#[test]
fn a_tester_reaches_what_is_tested_and_takes_no_message_from_what_runs() {
    let mut world = World::new(tested());
    world.mo(TESTER, SHARED, "survey");
    assert_eq!(answers(&mut world), version(ACCOUNT, 7), "the tested one");
    world.mo(DEVICE, SHARED, "Survey");
    assert_eq!(answers(&mut world), version(ACCOUNT, 1), "the one that runs");
    // A keyword of a test alone is none yet for others.
    world.mo("12025550144", SHARED, "brand new");
    let task = world.next_task().unwrap();
    assert_eq!(task.what, What::Text { text: "not yet".into() });
}

#[test]
fn nothing_of_a_test_counts_and_all_of_it_is_marked() {
    let mut world = World::new(tested());
    let first = world.mo(TESTER, SHARED, "survey");
    world.run();
    let second = world.mo(TESTER, SHARED, "41");
    world.run();
    assert_eq!(world.given.marked, [(first, true), (second, true)]);
    assert!(world.given.sent.iter().all(|(_, text)| text.scope.test), "{:?}", world.given.sent);
    assert_eq!(world.given.sent.len(), 2);
    assert!(world.records.iter().all(|record| record.test), "{:?}", world.records);
    assert!(!world.notes.iter().any(is_counted), "{:?}", world.notes);
    // The same without a tester is marked nowhere.
    world.given.sent.clear();
    world.records.clear();
    world.notes.clear();
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    assert!(world.given.sent.iter().all(|(_, text)| !text.scope.test));
    assert!(world.records.iter().all(|record| !record.test));
    assert_eq!(world.notes.iter().filter(|note| is_counted(note)).count(), 3);
}

#[test]
fn a_device_is_a_tester_of_its_account_alone() {
    let mut rules = tested();
    sub(&mut rules, POLL).stage = Stage::Testing;
    let mut world = World::new(rules.clone());
    world.mo(TESTER, SHARED, "poll");
    assert_eq!(world.next_task().unwrap().what, What::Text { text: "not yet".into() });
    assert_eq!(world.given.marked.last().map(|(_, test)| *test), Some(false));
    // And of two, where both say so.
    rules.testers.add(number(TESTER).key(), tester(OTHER_ACCOUNT, None));
    let mut world = World::new(rules);
    world.mo(TESTER, SHARED, "poll");
    assert_eq!(answers(&mut world), version(OTHER_ACCOUNT, 3));
}

#[test]
fn what_runs_is_a_test_for_a_tester_too_and_answers_with_the_version_in_testing() {
    let mut rules = rules();
    rules.testers.add(number(TESTER).key(), tester(ACCOUNT, None));
    let next = Version { version: 2, ..version(ACCOUNT, 1) };
    sub(&mut rules, SURVEY).tested = Some(next);
    let mut world = World::new(rules);
    world.mo(TESTER, SHARED, "survey");
    assert_eq!(answers(&mut world), next);
    world.mo(DEVICE, SHARED, "survey");
    assert_eq!(answers(&mut world), version(ACCOUNT, 1));
    let tests: Vec<bool> = world.given.sent.iter().map(|(_, text)| text.scope.test).collect();
    assert_eq!(tests, [true, false]);
}

/// An episode is wholly a test or not at all.
#[test]
fn who_ends_to_be_a_tester_ends_the_test_first() {
    let mut rules = rules();
    let until = Micros(1_790_000_000_000_000).after(Duration::from_secs(60));
    rules.testers.add(number(TESTER).key(), tester(ACCOUNT, Some(until)));
    let mut world = World::new(rules);
    world.script = Box::new(|_| Ok(set(says(&["next?"]), "nextAction", "more")));
    world.mo(TESTER, SHARED, "survey");
    world.run();
    world.pass(Duration::from_secs(61));
    world.mo(TESTER, SHARED, "41");
    world.run();
    world.mo(TESTER, SHARED, "survey");
    world.run();
    let tests: Vec<bool> = world.given.sent.iter().map(|(_, text)| text.scope.test).collect();
    assert_eq!(tests, [true, true, false]);
    // It outlives the process and the memory.
    let mut world = World::new(tested());
    world.script = Box::new(|_| Ok(set(says(&["next?"]), "nextAction", "more")));
    world.mo(TESTER, SHARED, "survey");
    world.run();
    world.restart();
    world.mo(TESTER, SHARED, "41");
    world.run();
    assert!(world.given.sent.iter().all(|(_, text)| text.scope.test));
}

/// SRC-11: what tests used is not among what others choose by.
#[test]
fn a_test_leaves_no_use_of_an_address() {
    let mut rules = rules();
    rules.testers.add(number(TESTER).key(), tester(OTHER_ACCOUNT, None));
    let mut world = World::new(rules);
    world.script = Box::new(|_| {
        let mut outcome = says(&["thanks"]);
        outcome.ended = true;
        Ok(outcome)
    });
    world.mo(TESTER, SHARED, "poll");
    world.run();
    assert!(world.given.sent[0].1.scope.test);
    // The other account has used the address for the device, as a test: it is as good as unused.
    world.start(REMINDER, TESTER).unwrap();
    world.run();
    assert_eq!(world.texts().last().unwrap().1, SHARED);
    // The same without a test sends it elsewhere.
    world.mo(DEVICE, SHARED, "poll");
    world.run();
    world.start(REMINDER, DEVICE).unwrap();
    world.run();
    assert_eq!(world.texts().last().unwrap().1, SECOND);
}

#[test]
fn a_first_message_may_be_asked_for_as_a_test_alone() {
    let mut rules = rules();
    rules.testers.add(number(TESTER).key(), tester(ACCOUNT, None));
    sub(&mut rules, REMINDER).stage = Stage::Testing;
    let mut world = World::new(rules);
    assert_eq!(world.start(REMINDER, DEVICE), Err(StartRefusal::NotRunning));
    assert_eq!(world.test(REMINDER, DEVICE), Err(StartRefusal::NoTester));
    world.test(REMINDER, TESTER).unwrap();
    world.run();
    assert!(world.given.sent[0].1.scope.test);
    assert!(world.records.iter().all(|record| record.test));
}

/// The end of a tester's attempt is marked, so that the pass leaves it out.
#[test]
fn a_tester_in_a_list_is_attempted_as_a_test() {
    let mut rules = rules();
    rules.testers.add(number(TESTER).key(), tester(ACCOUNT, None));
    let mut world = World::new(rules);
    for (contact, device) in [(1, TESTER), (2, DEVICE)] {
        world.start_in(9, REMINDER, contact, device, true).unwrap();
    }
    world.run();
    for text in 0..2 {
        world.ended(text, FinalState::Delivered, Reason::Receipt);
    }
    world.mo(TESTER, SHARED, "yes");
    let told = world.records.iter().filter_map(|record| match &record.what {
        Said::Attempt { of, .. } | Said::Replied { of } => Some((of.contact, record.test)),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [(1, true), (2, false), (1, true)]);
}

/// A tester's STOP holds like anybody's.
#[test]
fn who_tests_is_opted_out_by_stop() {
    let mut world = World::new(tested());
    world.mo(TESTER, SHARED, "survey");
    world.run();
    world.mo(TESTER, SHARED, "STOP");
    world.run();
    assert_eq!(world.given.consents.len(), 1);
    assert!(!world.given.consents[0].opt_in);
}

/// Messages of tests that wait for agents are in their queue, and not in what is told of it.
#[test]
fn a_test_is_none_of_the_messages_that_are_counted_for_agents() {
    let mut rules = tested();
    for id in [SURVEY, NEW_SURVEY] {
        sub(&mut rules, id).flags = true;
    }
    let mut world = World::new(rules);
    let waiting = |world: &World| {
        world.notes.iter().rev().find_map(|note| match note {
            Note::Work { waiting, oldest, .. } => Some((*waiting, oldest.is_some())),
            _ => None,
        })
    };
    world.mo(TESTER, SHARED, "survey");
    assert_eq!(waiting(&world), Some((0, false)));
    world.mo(DEVICE, SHARED, "survey");
    assert_eq!(waiting(&world), Some((1, true)));
    world.restart();
    world.event(signalbox_dialog::Event::Recorded(Vec::new()));
    assert_eq!(waiting(&world), Some((1, true)));
}
