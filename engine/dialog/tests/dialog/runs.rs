//! What runs are given and what they want (API-*, TXS-*).

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::outcome::{FinalState, Reason};
use signalbox_dialog::{Effect, Event, Instructions, Said, Whose};
use signalbox_invocation::{Cut, Entry, Failure, Outcome, Send, Side, Status, Value, Version, Wait, WebCall};

use crate::world::{DEVICE, INFO, REMINDER, SHARED, SURVEY, World, entry, rules, says, set, version};

fn surveyed() -> World {
    let mut world = World::new(rules());
    world.mo(DEVICE, SHARED, "survey");
    world
}

#[test]
fn next_action_names_the_method_for_the_next_message() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(set(says(&["How old?"]), "nextAction", "age")));
    world.mo(DEVICE, SHARED, "41");
    let task = world.next_task().unwrap();
    assert_eq!(entry(&task), Entry::method("age").unwrap());
    let attempt = task.invocation.attempt.as_ref().unwrap();
    assert_eq!((attempt.text.as_str(), attempt.side), ("41", Side::Mo));
    // Removed: the next message is moHandler's again.
    let done = Outcome { variables: vec![("nextAction".into(), None)], ..says(&["Thanks"]) };
    world.ran(&task, Ok(done));
    world.mo(DEVICE, SHARED, "bye");
    assert_eq!(entry(&world.next_task().unwrap()), Entry::MoHandler);
}

#[test]
fn a_run_sees_variables_history_and_what_was_stored() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    let mut first = set(says(&["one", "two"]), "answer", "blue");
    first.stored.push(("verified".into(), Some(Value::Date(5))));
    world.ran(&task, Ok(first));
    world.mo(DEVICE, SHARED, "next");
    let task = world.next_task().unwrap();
    let given = &task.invocation;
    assert_eq!(given.conversation.variables["answer"], Value::from("blue"));
    assert_eq!(given.stored["verified"], Value::Date(5));
    let history: Vec<&str> = given.conversation.history.iter().map(|past| past.text.as_str()).collect();
    assert_eq!(history, ["survey", "one", "two", "next"]);
    assert_eq!(given.conversation.history[0].keyword.as_deref(), Some("survey"));
    assert_eq!(given.device.address, DEVICE);
    assert_eq!(given.device.carrier.as_deref(), Some("7"));
    assert_eq!((given.sub_campaign.id, given.account.name.as_str()), (SURVEY, "one"));
}

/// TXS-12: a survey is gone on with; another sub-campaign sees nothing of it.
#[test]
fn variables_are_the_sub_campaign_s_own() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(set(says(&["q"]), "answer", "blue")));
    world.mo(DEVICE, SHARED, "poll");
    let task = world.next_task().unwrap();
    assert!(task.invocation.conversation.variables.is_empty());
    assert!(task.invocation.conversation.elsewhere.is_empty(), "another account's");
    world.ran(&task, Ok(says(&["vote"])));
    world.mo(DEVICE, SHARED, "survey");
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(set(says(&["q"]), "answer", "red")));
    world.mo(DEVICE, SHARED, "survey");
    let task = world.next_task().unwrap();
    assert_eq!(task.invocation.conversation.variables["answer"], Value::from("red"));
}

#[test]
fn several_texts_are_one_group_in_their_order() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(says(&["one", "two", "three"])));
    let groups: Vec<_> = world
        .given
        .sent
        .iter()
        .map(|(_, mt)| (signalbox_dialog::RunId(mt.scope.group), mt.text.as_str()))
        .collect();
    assert_eq!(groups, [(task.run, "one"), (task.run, "two"), (task.run, "three")]);
}

#[test]
fn a_long_text_becomes_several_messages_where_that_is_wanted() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    let text = "word ".repeat(60).trim().to_owned();
    let sends = [Cut::Whole, Cut::Separate]
        .map(|cut| Send { program: "alerts".into(), text: text.clone(), cut })
        .to_vec();
    world.ran(&task, Ok(Outcome { sends, ..Outcome::default() }));
    let lengths: Vec<usize> = world.given.sent.iter().map(|(_, mt)| mt.text.len()).collect();
    assert_eq!(lengths, [299, 159, 139]);
}

#[test]
fn a_text_whose_program_may_not_is_filtered_with_the_reason() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    let send = |program: &str| Send { program: program.into(), text: "x".into(), cut: Cut::Whole };
    let sends = vec![send("no-such"), send("alerts")];
    world.ran(&task, Ok(Outcome { sends, ..Outcome::default() }));
    assert_eq!(world.filtered(), ["program_not_supported"]);
    assert_eq!(world.texts().len(), 1);
}

#[test]
fn bad_data_filters_all_of_the_run() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    let outcome = Outcome { status: Status::BadData("no name".into()), ..says(&["Dear ,"]) };
    world.ran(&task, Ok(outcome));
    assert_eq!(world.filtered(), ["bad_data"]);
    assert_eq!(world.texts(), []);
}

#[test]
fn a_flag_is_a_record() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(Outcome { flag: Some("angry".into()), ..Outcome::default() }));
    let flags = world.records.iter().filter(
        |record| matches!(&record.what, Said::Flagged { reason } if reason == "angry" && record.sub_campaign == SURVEY),
    );
    assert_eq!(flags.count(), 1);
}

#[test]
fn a_script_that_fails_gives_the_configured_answer_and_the_next_message_is_handled() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    world.ran(&task, Err(Failure::TooLong { millis: 50 }));
    world.run();
    assert_eq!(world.last_text(), "sorry");
    let failed = world
        .records
        .iter()
        .any(|record| matches!(&record.what, Said::Failed { name, .. } if name == "script_too_long"));
    assert!(failed);
    world.mo(DEVICE, SHARED, "again");
    world.run();
    assert_eq!(world.last_text(), "moHandler:again");
}

/// Who opts out is told so, whatever the script does.
#[test]
fn an_opt_out_handler_that_fails_is_stood_in_for() {
    let mut world = surveyed();
    world.run();
    world.mo(DEVICE, SHARED, "stop");
    let task = world.next_task().unwrap();
    world.ran(&task, Err(Failure::NoMethod("optOutHandler".into())));
    world.run();
    assert_eq!(world.last_text(), "you are out");
}

#[test]
fn what_wants_too_much_is_a_failure_and_nothing_of_it_is_kept() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    let texts: Vec<&str> = (0..30).map(|_| "x").collect();
    world.ran(&task, Ok(set(says(&texts), "answer", "kept?")));
    world.run();
    assert_eq!(world.texts().len(), 1);
    assert_eq!(world.last_text(), "sorry");
    world.mo(DEVICE, SHARED, "again");
    assert!(world.next_task().unwrap().invocation.conversation.variables.is_empty());
}

#[test]
fn too_many_variables_in_all_are_a_failure() {
    let mut world = surveyed();
    for round in 0..3 {
        let task = world.next_task().unwrap();
        let variables = (0..100).map(|n| (format!("v{round}-{n}"), Some(Value::Number(1.0)))).collect();
        world.ran(&task, Ok(Outcome { variables, ..Outcome::default() }));
        world.mo(DEVICE, SHARED, "next");
    }
    world.run();
    assert!(world.texts().iter().any(|(_, _, text)| text == "sorry"));
}

#[test]
fn a_device_that_does_not_answer_in_time_runs_the_method_named_for_it() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    let wait = Some(Wait { seconds: 60, then: "remind".into() });
    world.ran(&task, Ok(Outcome { wait, ..says(&["?"]) }));
    world.pass(Duration::from_secs(59));
    assert!(world.next_task().is_none());
    world.pass(Duration::from_secs(2));
    let task = world.next_task().unwrap();
    assert_eq!(entry(&task), Entry::method("remind").unwrap());
    assert!(task.invocation.timed_out);
    world.ran(&task, Ok(says(&["Still there?"])));
    assert_eq!(world.last_text(), "Still there?");
}

#[test]
fn an_answer_in_time_takes_the_wait_away() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    let wait = Some(Wait { seconds: 60, then: "remind".into() });
    world.ran(&task, Ok(Outcome { wait, ..says(&["?"]) }));
    world.mo(DEVICE, SHARED, "yes");
    world.run();
    world.pass(Duration::from_secs(120));
    assert!(world.next_task().is_none());
}

#[test]
fn a_conversation_ends_by_itself_when_nobody_writes() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(set(says(&["?"]), "nextAction", "age")));
    world.pass(Duration::from_secs(86_401));
    world.mo(DEVICE, SHARED, "late");
    // Still a response to the same sub-campaign, but from its beginning.
    assert_eq!(entry(&world.next_task().unwrap()), Entry::MoHandler);
}

#[test]
fn a_web_service_is_called_after_the_commit_and_its_answer_runs_the_method() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    let call = |path: &str, then: &str| WebCall {
        service: "crm".into(),
        path: path.into(),
        body: String::new(),
        then: then.into(),
    };
    let calls = vec![call("/a", "gotA"), call("/b", "")];
    world.ran(&task, Ok(Outcome { calls, ..says(&["wait"]) }));
    assert_eq!(world.texts().len(), 1);
    // A message meanwhile waits for the answer.
    world.mo(DEVICE, SHARED, "hurry");
    assert!(world.next_task().is_none());
    assert_eq!(world.answer_call("42"), "/a");
    let task = world.next_task().unwrap();
    assert_eq!(entry(&task), Entry::method("gotA").unwrap());
    assert_eq!(task.invocation.answer.as_ref().unwrap().body, "42");
    world.ran(&task, Ok(says(&["42 it is"])));
    assert_eq!(world.answer_call(""), "/b");
    let task = world.next_task().unwrap();
    assert_eq!(task.invocation.attempt.unwrap().text, "hurry");
}

#[test]
fn calls_that_lead_to_calls_end_somewhere() {
    let mut world = surveyed();
    let call = WebCall { service: "crm".into(), path: "/".into(), body: String::new(), then: "more".into() };
    let mut rounds = 0;
    while let Some(task) = world.next_task() {
        world.ran(&task, Ok(Outcome { calls: vec![call.clone()], ..Outcome::default() }));
        if !world.effects.iter().any(|effect| matches!(effect, Effect::Call { .. })) {
            break;
        }
        world.answer_call("again");
        rounds += 1;
        assert!(rounds < 50);
    }
    assert_eq!(rounds, 10);
    world.mo(DEVICE, SHARED, "still there?");
    assert!(world.next_task().is_some());
}

/// Each service counts for itself, and anew with each message of the device: what a call may cost is the service's word.
#[test]
fn calls_are_counted_by_service() {
    let mut world = surveyed();
    let call = |service: &str| WebCall {
        service: service.into(),
        path: String::new(),
        body: String::new(),
        then: "more".into(),
    };
    let mut numbers = Vec::new();
    for text in ["", "again"] {
        if !text.is_empty() {
            world.mo(DEVICE, SHARED, text);
        }
        let task = world.next_task().unwrap();
        let calls = ["crm", "bank", "crm"].map(call).into();
        world.ran(&task, Ok(Outcome { calls, ..Outcome::default() }));
        for _ in 0..3 {
            numbers.extend(world.effects.iter().filter_map(|effect| match effect {
                Effect::Call { number, call, .. } => Some((call.service.clone(), *number)),
                _ => None,
            }));
            world.answer_call("");
            let task = world.next_task().unwrap();
            world.ran(&task, Ok(Outcome::default()));
        }
    }
    let once = [("crm", 1), ("bank", 1), ("crm", 2)].map(|(service, number)| (service.to_owned(), number));
    assert_eq!(numbers, [once.clone(), once].concat());
}

#[test]
fn two_messages_at_once_are_handled_in_order_once_each() {
    let mut world = surveyed();
    world.mo(DEVICE, SHARED, "first");
    world.mo(DEVICE, SHARED, "second");
    let task = world.next_task().unwrap();
    assert!(world.next_task().is_none(), "one run at a time");
    world.ran(&task, Ok(says(&["0"])));
    world.run();
    let texts: Vec<_> = world.texts().into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(texts, ["0", "moHandler:first", "moHandler:second"]);
}

#[test]
fn an_end_that_comes_twice_counts_once() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(says(&["once"])));
    world.ran(&task, Ok(says(&["twice"])));
    assert_eq!(world.texts().len(), 1);
    assert!(matches!(task.whose, Whose::Conversation(_)));
}

/// API-12: what failed is no part of the conversation.
#[test]
fn a_text_that_failed_leaves_the_history() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(says(&["good", "bad"])));
    world.ended(0, FinalState::Delivered, Reason::Receipt);
    world.ended(1, FinalState::Failed, Reason::Receipt);
    world.mo(DEVICE, SHARED, "next");
    let task = world.next_task().unwrap();
    let history: Vec<&str> =
        task.invocation.conversation.history.iter().map(|past| past.text.as_str()).collect();
    assert_eq!(history, ["survey", "good", "next"]);
}

#[test]
fn what_the_exchange_does_not_take_is_told() {
    let mut world = surveyed();
    world.given.refuses = Some(signalbox_dialog::NotTaken { reason: "no_route", temporary: false });
    world.run();
    assert_eq!(world.filtered(), ["no_route"]);
}

/// Behind so many runs the others wait in their order, and none is lost or tried too often meanwhile.
#[test]
fn runs_beyond_the_bound_wait_in_their_order() {
    let mut rules = rules();
    rules.limits.under_way = 2;
    let mut world = World::new(rules);
    for device in 0..6 {
        world.mo(&format!("1202555020{device}"), SHARED, "survey");
    }
    let first = world.next_task().unwrap();
    let second = world.next_task().unwrap();
    assert!(world.next_task().is_none());
    assert_eq!(world.dialog.queued(), 4);
    // In all longer than a run may take.
    for task in [&first, &second] {
        world.pass(Duration::from_secs(10));
        world.ran(task, Ok(says(&["answer"])));
    }
    world.pass(Duration::from_secs(10));
    let mut order = Vec::new();
    while let Some(task) = world.next_task() {
        order.push(task.invocation.device.address.clone());
        world.pass(Duration::from_secs(10));
        world.ran(&task, Ok(says(&["answer"])));
    }
    assert_eq!(order[..2], ["12025550202", "12025550203"]);
    assert_eq!((world.texts().len(), world.dialog.queued()), (6, 0));
}

#[test]
fn runs_that_wait_survive_a_restart() {
    let mut rules = rules();
    rules.limits.under_way = 1;
    let mut world = World::new(rules);
    for device in 0..4 {
        world.mo(&format!("1202555020{device}"), SHARED, "survey");
    }
    world.restart();
    world.run();
    assert_eq!(world.texts().len(), 4);
}

/// TXS-01, API-04: one script talks in sub-campaigns of several campaigns; each run is told which, and variables are
/// each conversation's own.
#[test]
fn one_script_talks_in_several_sub_campaigns() {
    let mut rules = rules();
    let survey = rules.sub_campaigns[&SURVEY].instructions;
    for id in [REMINDER, INFO] {
        Arc::make_mut(rules.sub_campaigns.get_mut(&id).unwrap()).instructions = survey;
    }
    let mut world = World::new(rules);
    world.script = Box::new(|task| {
        let given = &task.invocation;
        let before = given.conversation.variables.get("in").map_or("-", |value| value.as_text().unwrap());
        let name = given.sub_campaign.name.clone();
        Ok(set(says(&[&format!("{name} of {} after {before}", given.sub_campaign.campaign)]), "in", &name))
    });
    let mut versions = Vec::new();
    for (number, text) in [(1, "survey"), (2, "survey"), (3, "hello")] {
        world.mo(&format!("1202555000{number}"), SHARED, text);
        versions.push(match &world.effects.last() {
            Some(Effect::Run(task)) => task.invocation.version,
            other => panic!("{other:?}"),
        });
        world.run();
    }
    world.start(REMINDER, "12025550004").unwrap();
    world.run();
    world.mo("12025550001", SHARED, "more");
    world.run();
    let texts: Vec<_> = world.texts().into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(
        texts,
        [
            "sub-10 of campaign-10 after -",
            "sub-10 of campaign-10 after -",
            "sub-11 of campaign-11 after -",
            "sub-12 of campaign-12 after -",
            "sub-10 of campaign-10 after sub-10",
        ]
    );
    assert!(versions.windows(2).all(|two| two[0] == two[1]));
}

/// The episodes that were told of: conversation's text, version, a variable, whether it is over.
fn episodes(world: &World) -> Vec<(u32, u32, Option<Value>, bool)> {
    let told = world.records.iter().filter_map(|record| match &record.what {
        Said::Episode { number, version, variables, ended, .. } => {
            Some((*number, version.version, variables.get("answer").cloned(), *ended))
        }
        _ => None,
    });
    told.collect()
}

/// API-15: each change of session variables is told, and the end of each episode.
#[test]
fn session_variables_are_told_as_they_change() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(says(&["q"])));
    assert_eq!(episodes(&world), [(1, 1, None, false)], "it has begun");
    world.mo(DEVICE, SHARED, "hm");
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(says(&["q?"])));
    assert_eq!(episodes(&world).len(), 1, "nothing changed");
    world.mo(DEVICE, SHARED, "blue");
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(set(says(&["thanks"]), "answer", "blue")));
    let blue = Some(Value::from("blue"));
    assert_eq!(episodes(&world)[1..], [(1, 1, blue.clone(), false)]);
    // Nothing comes for a day.
    world.pass(Duration::from_secs(86_401));
    assert_eq!(episodes(&world)[2..], [(1, 1, blue.clone(), true)]);
    // Another episode, which a third takes the place of.
    world.mo(DEVICE, SHARED, "survey");
    world.run();
    world.mo(DEVICE, SHARED, "survey");
    let told: Vec<_> = episodes(&world)[3..].iter().map(|told| (told.0, told.3)).collect();
    assert_eq!(told, [(2, false), (2, true)]);
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(Outcome { ended: true, ..says(&["bye"]) }));
    assert_eq!(episodes(&world).last().unwrap(), &(3, 1, blue, true));
}

/// MQ-29: what is open goes on with the version that it began with, whatever the sub-campaign says meanwhile; what begins,
/// or comes after the end, is of the new one.
#[test]
fn an_open_conversation_finishes_on_its_version() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(says(&["q"])));
    let begun = version(1, 1);
    for changed in [Version { version: 2, ..begun }, Version { script: 9, ..begun }] {
        let mut rules = rules();
        Arc::make_mut(rules.sub_campaigns.get_mut(&SURVEY).unwrap()).instructions =
            Instructions::Version(changed);
        world.event(Event::Rules(Arc::new(rules)));
        world.mo(DEVICE, SHARED, "blue");
        let task = world.next_task().unwrap();
        assert_eq!(task.invocation.version, begun);
        world.ran(&task, Ok(says(&["q"])));
        world.mo("12025550177", SHARED, "survey");
        let task = world.next_task().unwrap();
        assert_eq!(task.invocation.version, changed);
        world.ran(&task, Ok(says(&["q"])));
    }
    world.mo(DEVICE, SHARED, "green");
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(Outcome { ended: true, ..says(&["bye"]) }));
    world.mo(DEVICE, SHARED, "again");
    assert_eq!(world.next_task().unwrap().invocation.version, Version { script: 9, ..begun });
}

/// A flow remembers its end and stays on its version, whose step behind the end is meant.
#[test]
fn a_flow_behind_its_end_stays_on_its_version() {
    let mut world = surveyed();
    let task = world.next_task().unwrap();
    world.ran(&task, Ok(Outcome { ended: true, position: "end".into(), ..says(&["bye"]) }));
    let mut rules = rules();
    Arc::make_mut(rules.sub_campaigns.get_mut(&SURVEY).unwrap()).instructions =
        Instructions::Version(Version { version: 2, ..version(1, 1) });
    world.event(Event::Rules(Arc::new(rules)));
    world.mo(DEVICE, SHARED, "hello?");
    let task = world.next_task().unwrap();
    assert_eq!(task.invocation.version, version(1, 1));
    assert_eq!(task.invocation.conversation.position, "end");
}
