//! The examples of the documents are right, and do what they say.

use signalbox_invocation::{Invocation, Outcome, Side, Status, Value};
use signalbox_script::lint;

use crate::given::{attempt, invocation, run};

const WELCOME: &str = include_str!("../../../../docs/examples/scripts/welcome.js");
const SURVEY: &str = include_str!("../../../../docs/examples/scripts/survey.js");

/// Runs a method of a script, and gives what it left to the next.
fn step(source: &str, given: &mut Invocation, method: &str, text: &str) -> Outcome {
    let fresh = invocation(1, method);
    given.entry = fresh.entry;
    given.attempt = Some(attempt(Side::Mo, text));
    let outcome = run(source, given).unwrap();
    for (name, value) in &outcome.variables {
        match value {
            Some(value) => given.conversation.variables.insert(name.clone(), value.clone()),
            None => given.conversation.variables.remove(name),
        };
    }
    for (name, value) in &outcome.stored {
        given.stored.extend(value.clone().map(|value| (name.clone(), value)));
    }
    outcome
}

fn texts(outcome: &Outcome) -> Vec<&str> {
    outcome.sends.iter().map(|send| send.text.as_str()).collect()
}

#[test]
fn the_lint_finds_nothing() {
    assert_eq!(lint(WELCOME, &["welcome".to_owned()]), []);
    assert_eq!(lint(SURVEY, &["survey".to_owned()]), []);
}

#[test]
fn welcome() {
    let mut given = invocation(1, "begin");
    let outcome = step(WELCOME, &mut given, "begin", "");
    assert_eq!(texts(&outcome), ["Hello Ann, welcome to acme. Reply HELP for help, STOP to end."]);
    assert_eq!(outcome.sends[0].program, "welcome");
    assert!(step(WELCOME, &mut given, "moHandler", "An AGENT please").flag.is_some());
    assert_eq!(texts(&step(WELCOME, &mut given, "moHandler", "ok")).len(), 1);
    assert_eq!(step(WELCOME, &mut given, "optOutHandler", "stop").opt_outs.len(), 1);
    assert!(texts(&step(WELCOME, &mut given, "helpHandler", "help"))[0].contains("Questions?"));
    given.contact.first_name = String::new();
    let outcome = step(WELCOME, &mut given, "begin", "");
    assert_eq!((outcome.status, outcome.sends.len()), (Status::BadData("no first name".into()), 0));
}

#[test]
fn a_survey_goes_on_where_it_was() {
    let mut given = invocation(1, "begin");
    given.conversation.variables.clear();
    let next = |given: &Invocation| given.conversation.variables.get("nextAction").cloned();
    assert_eq!(texts(&step(SURVEY, &mut given, "begin", "")), ["How old are you?"]);
    assert_eq!(next(&given), Some(Value::from("age")));
    assert_eq!(texts(&step(SURVEY, &mut given, "age", "guess")), ["Sorry, how old are you, in years?"]);
    assert_eq!(texts(&step(SURVEY, &mut given, "age", "41 years")), ["How did you like it, from 1 to 5?"]);
    assert_eq!(next(&given), Some(Value::from("rating")));
    let outcome = step(SURVEY, &mut given, "rating", "a 4!");
    assert_eq!(texts(&outcome), ["Thank you!"]);
    assert_eq!(next(&given), None);
    assert_eq!(outcome.calls[0].body, r#"{"client":"c-9","age":41,"rating":4}"#);
    assert!(step(SURVEY, &mut given, "handedIn", "").ended);
    // Another conversation with the device knows of it.
    let outcome = step(SURVEY, &mut given, "begin", "");
    assert_eq!((outcome.ended, outcome.sends.len()), (true, 0));
}
