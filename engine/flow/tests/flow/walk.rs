use signalbox_invocation::{Entry, Status, Value};

use crate::given::{Walk, flow, texts};

const SURVEY: &str = r#"
    "a": {"kind": "send", "program": "p", "text": "Hello @contact.first_name.", "next": "score"},
    "score": {"kind": "ask", "program": "p", "text": "From 1 to 10?", "save": "score",
        "answer": {"kind": "number", "least": 1, "most": 10, "whole": true},
        "retries": 2, "retryText": "A number from 1 to 10, please.",
        "wait": {"seconds": 3600, "next": "late"}, "next": "judge", "otherwise": "agent"},
    "judge": {"kind": "branch", "cases": [{"when": "score >= 9", "next": "why"}], "otherwise": "better"},
    "why": {"kind": "ask", "program": "p", "text": "Great! What did you like?", "save": "comment", "next": "thanks"},
    "better": {"kind": "ask", "program": "p", "text": "What can we do better?", "save": "comment", "next": "thanks"},
    "thanks": {"kind": "send", "program": "p", "text": "Thank you. You gave @score @(plural(score, 'point', 'points')).", "next": "end"},
    "late": {"kind": "send", "program": "p", "text": "Another time, then.", "next": "end"},
    "agent": {"kind": "agent", "reason": "no score: @answer"},
    "end": {"kind": "end"}"#;

#[test]
fn a_survey_is_walked_through_answer_by_answer() {
    let mut walk = Walk::of(flow(SURVEY));
    let outcome = walk.begin();
    assert_eq!(texts(&outcome), ["Hello Ana.", "From 1 to 10?"]);
    assert_eq!((outcome.position.as_str(), outcome.ended), ("score", false));
    let outcome = walk.answer("dunno");
    assert_eq!(texts(&outcome), ["A number from 1 to 10, please."]);
    let outcome = walk.answer("11");
    assert_eq!(texts(&outcome), ["A number from 1 to 10, please."]);
    assert_eq!(outcome.wait.unwrap().seconds, 3600);
    let outcome = walk.answer("ok 9!");
    assert_eq!(texts(&outcome), ["Great! What did you like?"]);
    assert_eq!(walk.given.conversation.variables.get("score"), Some(&Value::Number(9.0)));
    assert_eq!(walk.given.conversation.variables.len(), 1, "the count of tries is gone");
    let outcome = walk.answer(" The people ");
    assert_eq!(texts(&outcome), ["Thank you. You gave 9 points."]);
    assert_eq!((outcome.ended, outcome.status), (true, Status::Ok));
    assert_eq!(walk.given.conversation.variables["comment"], Value::from("The people"));
}

#[test]
fn too_many_wrong_answers_go_to_an_agent_who_keeps_the_conversation() {
    let mut walk = Walk::of(flow(SURVEY));
    walk.begin();
    walk.answer("?");
    walk.answer("??");
    let outcome = walk.answer("???");
    assert_eq!((outcome.flag.as_deref(), outcome.ended), (Some("no score: ???"), false));
    let outcome = walk.answer("hello?");
    assert_eq!(outcome.flag.as_deref(), Some("no score: hello?"));
}

/// TXS-12: days later, after an answer to help, the survey goes on where it was.
#[test]
fn a_survey_goes_on_at_its_last_position() {
    let mut walk = Walk::of(flow(SURVEY));
    walk.begin();
    walk.answer("3");
    let help = walk.enter(Entry::HelpHandler);
    assert_eq!((texts(&help), help.position.as_str()), (vec!["Help for Ana"], "better"));
    walk.given.now += 3 * 86_400_000_000;
    let outcome = walk.answer("Everything");
    assert_eq!(texts(&outcome), ["Thank you. You gave 3 points."]);
}

#[test]
fn a_time_out_takes_its_own_way_and_a_late_one_none() {
    let mut walk = Walk::of(flow(SURVEY));
    walk.begin();
    let wait = walk.wait.clone();
    let outcome = walk.time_out();
    assert_eq!((texts(&outcome), outcome.ended), (vec!["Another time, then."], true));
    let mut walk = Walk::of(flow(SURVEY));
    walk.begin();
    walk.answer("10");
    walk.wait = wait;
    let outcome = walk.time_out();
    assert_eq!((texts(&outcome), outcome.position.as_str()), (vec![], "why"));
    assert!(outcome.log[0].contains("too late"), "{:?}", outcome.log);
}

/// TXS-17: a web service is asked, and what it says decides where the flow goes on.
#[test]
fn a_web_service_answers_or_does_not() {
    let document = r#"
        "a": {"kind": "call", "service": "crm", "path": "/balance/@contact.client_id", "save": "balance",
            "next": "told", "otherwise": "sorry"},
        "told": {"kind": "send", "program": "p", "text": "You have @balance.", "next": "end"},
        "sorry": {"kind": "send", "program": "p", "text": "Ask again later.", "next": "end"},
        "end": {"kind": "end"}"#;
    for (status, body, text) in
        [(200, "12.50", "You have 12.50."), (503, "", "Ask again later."), (0, "", "Ask again later.")]
    {
        let mut walk = Walk::of(flow(document));
        let outcome = walk.begin();
        let [call] = outcome.calls.as_slice() else { panic!("{:?}", outcome.calls) };
        assert_eq!((call.service.as_str(), call.path.as_str()), ("crm", "/balance/c-1"));
        assert!(texts(&outcome).is_empty() && !outcome.ended);
        let outcome = walk.web_answer(&call.then, status, body);
        assert_eq!((texts(&outcome), outcome.ended), (vec![text], true), "{status}");
    }
}
