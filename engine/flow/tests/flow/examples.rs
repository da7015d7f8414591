use std::fs;

use signalbox_flow::{Flow, Names, check, picture};
use signalbox_invocation::{Status, Value};

use crate::given::{Walk, texts};
use crate::schema::{fits_schema, root};

const NAMES: [&str; 3] = ["appointment", "survey", "trivia"];

fn example(name: &str) -> String {
    fs::read_to_string(root().join("config/examples/flows").join(format!("{name}.json"))).unwrap()
}

fn walk(name: &str) -> Walk {
    Walk::of(Flow::read(&example(name)).unwrap_or_else(|problems| panic!("{problems}")))
}

#[test]
fn the_examples_fit_the_schema_and_have_no_problems() {
    for name in NAMES {
        let checked = check(&example(name), &Names::default());
        assert_eq!(checked.problems, [], "{name}");
        assert!(fits_schema(&serde_json::from_str(&example(name)).unwrap()), "{name}");
    }
    let files = fs::read_dir(root().join("config/examples/flows")).unwrap().count();
    assert_eq!(files, NAMES.len(), "each example is tested");
}

/// Golden: `SIGNALBOX_BLESS=1` writes them anew.
#[test]
fn the_pictures_are_those_of_the_documents() {
    for name in NAMES {
        let path = root().join("docs/pictures").join(format!("flow-{name}.svg"));
        let drawn = picture(&Flow::read(&example(name)).unwrap());
        if std::env::var_os("SIGNALBOX_BLESS").is_some() {
            fs::write(&path, &drawn).unwrap();
        }
        assert_eq!(
            fs::read_to_string(&path).unwrap_or_default(),
            drawn,
            "{name}: SIGNALBOX_BLESS=1 writes it anew"
        );
    }
}

#[test]
fn the_survey() {
    let mut walk = walk("survey");
    assert_eq!(walk.begin().status, Status::BadData("the field visit is empty".into()));
    walk.given.conversation = Default::default();
    walk.given.contact.fields.insert("visit".into(), "2026-11-20".into());
    let outcome = walk.begin();
    assert_eq!(
        texts(&outcome),
        ["Hi Ana, how was your visit on Friday, 20 November? From 1 (bad) to 10 (great). Text STOP to end."]
    );
    assert!(texts(&walk.time_out())[0].starts_with("We would still like to know"));
    assert!(texts(&walk.answer("a 3"))[0].starts_with("We are sorry."));
    assert_eq!(walk.given.stored["surveyed"], Value::Date(walk.given.now));
    let outcome = walk.answer("Yes, call me");
    assert_eq!(
        (outcome.flag.as_deref(), texts(&outcome)),
        (Some("call about score 3"), vec!["Thank you, Ana."])
    );
    assert_eq!(walk.answer("and?").flag.as_deref(), Some("after the survey: and?"));
    walk.given.conversation = Default::default();
    assert_eq!(walk.begin().status, Status::Other("asked within a week".into()));
}

#[test]
fn the_appointment_reminder() {
    let mut walk = walk("appointment");
    walk.given.contact.fields.insert("appointment".into(), "12/3/2026 2:30 pm".into());
    let outcome = walk.begin();
    assert!(texts(&outcome)[0].contains("on Thursday, December 3 at 2:30 PM"), "{:?}", texts(&outcome));
    assert_eq!(texts(&walk.answer("R"))[0], "Which day suits you? For example 12/10.");
    let outcome = walk.answer("dec 11");
    assert_eq!(outcome.calls[0].path, "/appointments/c-1/move?day=2026-12-11");
    assert!(texts(&walk.web_answer("move", 200, r#"{"free": false}"#))[0].starts_with("Which day"));
    walk.answer("12/14");
    let outcome = walk.web_answer("move", 200, r#"{"free": true, "time": "9:00"}"#);
    assert_eq!(texts(&outcome), ["You are expected on Monday, December 14 at 9:00."]);
}

#[test]
fn the_trivia_game() {
    let mut walk = walk("trivia");
    let mut outcome = walk.answer("TRIVIA");
    for round in 1..=3 {
        assert!(texts(&outcome).last().unwrap().starts_with(&format!("Question {round} of 3: ")));
        let number = |name: &str| match walk.given.conversation.variables[name] {
            Value::Number(number) => number,
            _ => panic!("no number"),
        };
        let right = number("a") * number("b");
        walk.given.seed += 1;
        outcome = if round == 2 { walk.time_out() } else { walk.answer(&right.to_string()) };
    }
    assert_eq!(texts(&outcome)[1], "2 of 3 points. Your best: 2.");
    assert!(outcome.ended);
}
