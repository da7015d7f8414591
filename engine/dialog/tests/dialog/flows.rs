//! Flows as what a sub-campaign talks with: their texts, their answers to HELP, STOP and START, and what comes behind
//! their end (TXS-16, OPT-05, MQ-12).

use signalbox_core::scope::Purpose;
use signalbox_dialog::Said;
use signalbox_flow::{Flow, run};
use signalbox_invocation::{Limits, Value};

use crate::world::{ACCOUNT, DEVICE, REMINDER, SHARED, World, rules};

const FLOW: &str = r#"{
    "version": 1, "name": "visit", "start": "ask", "strict": true, "afterEnd": "again",
    "help": {"program": "alerts", "text": "Help of @account.name for @contact.first_name"},
    "optOut": {"program": "alerts", "text": "@contact.first_name gets no more of @campaign.name"},
    "optIn": {"program": "alerts", "text": "Welcome back, @contact.first_name (@(default(score, 'no score')))"},
    "steps": {
        "ask": {"kind": "ask", "program": "alerts", "text": "@contact.first_name, from 1 to 10?", "save": "score",
            "answer": {"kind": "number"}, "next": "thanks", "otherwise": "thanks"},
        "thanks": {"kind": "send", "program": "alerts", "text": "Thank you for a @score.", "next": "end"},
        "end": {"kind": "end"},
        "again": {"kind": "send", "program": "alerts", "text": "You gave a @score, @contact.first_name."}
    }
}"#;

/// A world in which the flow talks to who is called so.
fn world(first_name: &'static str) -> World {
    let flow = Flow::read(FLOW).unwrap_or_else(|problems| panic!("{problems}"));
    let mut world = World::new(rules());
    world.script = Box::new(move |task| {
        let mut given = task.invocation.clone();
        given.contact.first_name = first_name.to_owned();
        run(&flow, &given, &Limits::default())
    });
    world
}

fn begun() -> World {
    let mut world = world("Ann");
    world.start(REMINDER, DEVICE).unwrap();
    world.run();
    assert_eq!(world.last_text(), "Ann, from 1 to 10?");
    world
}

fn answer<'w>(world: &'w mut World, text: &str) -> &'w str {
    world.mo(DEVICE, SHARED, text);
    world.run();
    world.last_text()
}

#[test]
fn what_comes_behind_the_end_of_a_flow_is_answered_by_its_step_for_that() {
    let mut world = begun();
    assert_eq!(answer(&mut world, "9"), "Thank you for a 9.");
    let over = |world: &World| {
        let told = world.records.iter().rev().find_map(|record| match &record.what {
            Said::Episode { ended, variables, .. } => Some((*ended, variables.get("score").cloned())),
            _ => None,
        });
        told.unwrap()
    };
    assert_eq!(over(&world), (true, Some(Value::Number(9.0))));
    assert_eq!(answer(&mut world, "hello?"), "You gave a 9, Ann.");
    // Again, and after a restart: it stays behind its end until somebody begins it anew.
    world.restart();
    assert_eq!(answer(&mut world, "still there?"), "You gave a 9, Ann.");
    world.start(REMINDER, DEVICE).unwrap();
    world.run();
    assert_eq!(world.last_text(), "Ann, from 1 to 10?");
}

#[test]
fn help_stop_and_start_are_answered_by_the_flow_with_fields_and_variables() {
    let mut world = begun();
    let purpose = |world: &World| world.given.sent.last().unwrap().1.scope.purpose;
    assert_eq!(answer(&mut world, "HELP"), "Help of one for Ann");
    assert_eq!(purpose(&world), Purpose::Help);
    assert_eq!(answer(&mut world, "7"), "Thank you for a 7.", "the question was still open");
    assert_eq!(answer(&mut world, "STOP"), "Ann gets no more of campaign-12");
    assert_eq!(purpose(&world), Purpose::OptOutConfirmation);
    assert!(world.given.consents.iter().all(|change| !change.opt_in && change.account == ACCOUNT));
    assert_eq!(answer(&mut world, "START"), "Welcome back, Ann (7)");
    assert_eq!(purpose(&world), Purpose::OptIn);
}

/// TXS-21: who lacks what the first text needs is filtered as bad data.
#[test]
fn a_first_text_that_lacks_a_field_is_filtered() {
    let mut world = world("");
    world.start(REMINDER, DEVICE).unwrap();
    world.run();
    assert_eq!((world.filtered(), world.texts().len()), (vec!["bad_data"], 0));
    let why = world.records.iter().find_map(|record| match &record.what {
        Said::Filtered { text, .. } => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(why, Some("`contact.first_name` is missing (step ask)"));
}
