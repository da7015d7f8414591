use signalbox_flow::{Flow, run};
use signalbox_invocation::{Entry, Failure, Level, Limits, Status, Value};

use crate::given::{Walk, attempt, document, flow, invocation, texts};

/// Asks for an answer of this kind, sends this one, and gives what is kept of it.
fn taken(answer: &str, text: &str) -> Option<Value> {
    let mut walk = Walk::of(flow(&format!(
        r#""a": {{"kind": "ask", "program": "p", "text": "?", "answer": {{{answer}}}, "save": "kept", "otherwise": "no"}},
           "no": {{"kind": "end", "status": "no"}}"#
    )));
    walk.begin();
    walk.answer(text);
    walk.given.conversation.variables.get("kept").cloned()
}

#[test]
fn answers_are_taken_for_what_is_expected() {
    let number = r#""kind": "number", "least": 1, "most": 10"#;
    let whole = r#""kind": "number", "whole": true"#;
    let choice = r#""kind": "choice", "choices": [{"value": "Yes", "words": ["y", "sí"]}, {"value": "No", "words": ["not now"]}]"#;
    let pattern = r#""kind": "pattern", "pattern": "^([a-z]{2})-?\\d+$""#;
    let date = r#""kind": "date", "earliest": 0, "latest": 30"#;
    for (answer, text, kept) in [
        (number, "about 7,5 I think", Some(Value::Number(7.5))),
        (number, "11", None),
        (number, "ten", None),
        (whole, "1,200", Some(Value::Number(1200.0))),
        (whole, "2.5", None),
        (choice, "SI!", Some(Value::from("Yes"))),
        (choice, "yes please", Some(Value::from("Yes"))),
        (choice, "not now, thanks", Some(Value::from("No"))),
        (choice, "yes or no", None),
        (choice, "yesterday", None),
        (pattern, "AB-12", Some(Value::from("AB"))),
        (pattern, "12", None),
        (date, "24 Nov", Some(Value::Date(1_795_478_400_000_000))),
        (date, "21 Nov 2026", None),
        (r#""kind": "email""#, "it is <ana@mail.example.com>.", Some(Value::from("ana@mail.example.com"))),
        (r#""kind": "email""#, "ana at example", None),
        (r#""kind": "phone""#, "+1 (206) 555-0101", Some(Value::from("12065550101"))),
        (r#""kind": "phone""#, "soon", None),
        (r#""kind": "text", "most": 5"#, " abc ", Some(Value::from("abc"))),
        (r#""kind": "text", "most": 5"#, "abcdef", None),
    ] {
        assert_eq!(taken(answer, text), kept, "{answer}: {text}");
    }
}

#[test]
fn variables_and_kept_values_are_set_and_forgotten() {
    let mut walk = Walk::of(flow(
        r#""a": {"kind": "set", "name": "n", "value": "default(n, 0) + 1", "next": "b"},
           "b": {"kind": "store", "name": "seen", "value": "now", "next": "c"},
           "c": {"kind": "set", "name": "gone", "next": "d"},
           "d": {"kind": "end", "status": "n=@n"}"#,
    ));
    walk.given.conversation.variables.insert("gone".into(), "x".into());
    assert_eq!(walk.begin().status, Status::Other("n=1".into()));
    assert_eq!(walk.begin().status, Status::Other("n=2".into()));
    assert_eq!(walk.given.stored["seen"], Value::Date(walk.given.now));
    assert!(!walk.given.conversation.variables.contains_key("gone"));
}

const CALL: &str = r#"
    "a": {"kind": "call", "service": "crm", "path": "/c/@contact.last_name?q=@answer",
          "body": "{\"name\": \"@answer\"}", "save": "raw", "next": "good", "otherwise": "bad"},
    "good": {"kind": "send", "program": "p", "text": "Balance @(json(web.body, 'balance'))"},
    "bad": {"kind": "send", "program": "p", "text": "Sorry (@web.status)"}"#;

#[test]
fn a_web_service_is_called_and_its_answer_or_failure_goes_on() {
    for (status, body, text) in
        [(200, r#"{"balance": 12.5}"#, "Balance 12.5"), (500, "", "Sorry (500)"), (0, "", "Sorry (0)")]
    {
        let mut walk = Walk::of(flow(CALL));
        let outcome = walk.answer(r#"a/b & "c""#);
        assert_eq!((outcome.calls.len(), outcome.ended), (1, false));
        let call = &outcome.calls[0];
        assert_eq!(call.path, "/c/L%C3%B3pez?q=a%2Fb%20%26%20%22c%22");
        assert_eq!(call.body, r#"{"name": "a/b & \"c\""}"#);
        assert_eq!((call.service.as_str(), call.then.as_str()), ("crm", "a"));
        let waiting = walk.answer("hello?");
        assert_eq!((texts(&waiting), waiting.position.as_str()), (vec![], "a"));
        assert!(waiting.log[0].contains("passed over"));
        let outcome = walk.web_answer("a", status, body);
        assert_eq!((texts(&outcome), outcome.ended), (vec![text], true));
        assert_eq!(walk.given.conversation.variables.contains_key("raw"), status == 200);
    }
}

#[test]
fn agents_opt_outs_and_ends() {
    let steps = r#"
        "a": {"kind": "agent", "reason": "look: @answer", "next": "b"},
        "b": {"kind": "optOut", "level": "campaign", "next": "c"},
        "c": {"kind": "end", "badData": "no @contact.company"}"#;
    let mut walk = Walk::of(flow(steps));
    let outcome = walk.answer("hi");
    assert_eq!((outcome.flag.as_deref(), outcome.ended), (Some("look: hi"), true));
    assert_eq!(outcome.opt_outs[0].level, Some(Level::Campaign));
    assert_eq!(outcome.status, Status::BadData("no ".into()));
    assert_eq!(outcome.log, ["c: `contact.company` is missing, an empty text stands for it"]);
    let trace: Vec<String> = outcome.trace.iter().map(|step| format!("{}: {}", step.at, step.did)).collect();
    assert_eq!(
        trace,
        [
            "a: an agent is to see it: look: hi",
            "b: opted out",
            "c: `contact.company` is missing, an empty text stands for it",
            "c: the end"
        ]
    );
    walk.given.test = false;
    walk.given.conversation.position.clear();
    assert!(walk.answer("hi").trace.is_empty(), "only a test is traced");
}

#[test]
fn stop_help_and_start_have_their_answers() {
    let flow =
        flow(r#""a": {"kind": "ask", "program": "p", "text": "?", "wait": {"seconds": 60}, "save": "x"}"#);
    let mut walk = Walk::of(flow.clone());
    walk.begin();
    let help = walk.enter(Entry::HelpHandler);
    assert_eq!((texts(&help), help.ended), (vec!["Help for Ana"], false));
    assert_eq!(help.wait.unwrap().seconds, 60, "the question is still waited for");
    let back = walk.enter(Entry::opt_in());
    assert_eq!((texts(&back), back.ended), (vec!["Welcome back"], false));
    assert_eq!(back.wait.unwrap().seconds, 60);
    let silent = document(r#""a": {"kind": "end"}"#)
        .replace(r#""optIn": {"program": "p", "text": "Welcome back"},"#, "");
    let given = signalbox_invocation::Invocation { entry: Entry::opt_in(), ..invocation() };
    let nothing = run(&Flow::read(&silent).unwrap(), &given, &Limits::default());
    assert_eq!(nothing, Err(Failure::NoMethod("optInHandler".into())));
    let bye = walk.enter(Entry::OptOutHandler);
    assert_eq!((texts(&bye), bye.ended), (vec!["Bye Ana"], true));
    assert_eq!(bye.opt_outs[0].level, Some(Level::Enterprise));
}

#[test]
fn a_message_behind_the_end_has_its_own_step() {
    let steps = r#""a": {"kind": "end"}, "again": {"kind": "send", "program": "p", "text": "We are done."}"#;
    let mut walk = Walk::of(flow(r#""a": {"kind": "end"}"#));
    walk.begin();
    let outcome = walk.answer("hello?");
    assert!(outcome.ended && outcome.sends.is_empty() && outcome.log[0].contains("behind the end"));
    let document = document(steps).replace(r#""start""#, r#""afterEnd": "again", "start""#);
    let mut walk = Walk::of(Flow::read(&document).unwrap());
    walk.begin();
    assert_eq!(texts(&walk.answer("hello?")), ["We are done."]);
}

#[test]
fn strict_flows_fail_over_what_is_missing() {
    let document = document(r#""a": {"kind": "send", "program": "p", "text": "@contact.company"}"#);
    let strict = document.replace(r#""start""#, r#""strict": true, "start""#);
    let strict = Flow::read(&strict).unwrap();
    // TXS-21: a contact that lacks what the first message needs is filtered, and nothing is sent.
    let begun = run(&strict, &invocation(), &Limits::default()).unwrap();
    assert_eq!(begun.status, Status::BadData("`contact.company` is missing (step a)".into()));
    assert!(begun.sends.is_empty() && begun.ended && begun.variables.is_empty());
    let mut wrote = invocation();
    (wrote.entry, wrote.attempt) = (Entry::MoHandler, Some(attempt("hi")));
    let failure = run(&strict, &wrote, &Limits::default()).unwrap_err();
    assert_eq!(
        failure,
        Failure::Threw { message: "`contact.company` is missing".into(), at: "step a".into() }
    );
    assert_eq!(
        texts(&run(&Flow::read(&document).unwrap(), &invocation(), &Limits::default()).unwrap()),
        [""]
    );
}

#[test]
fn a_step_that_is_not_there_is_told() {
    let flow = flow(r#""a": {"kind": "end"}"#);
    let mut given = invocation();
    given.entry = Entry::method("b").unwrap();
    assert_eq!(run(&flow, &given, &Limits::default()), Err(Failure::NoMethod("b".into())));
    given.entry = Entry::MoHandler;
    given.attempt = Some(attempt("x"));
    given.conversation.position = "old".into();
    assert_eq!(run(&flow, &given, &Limits::default()), Err(Failure::NoMethod("old".into())));
}
