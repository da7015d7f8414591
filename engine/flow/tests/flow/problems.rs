use std::collections::BTreeSet;

use signalbox_flow::{Names, Severity, check};

use crate::given::document;

fn told(text: &str) -> Vec<String> {
    let programs: BTreeSet<String> = ["p".to_owned()].into();
    let services: BTreeSet<String> = ["crm".to_owned()].into();
    let checked = check(text, &Names { programs: Some(&programs), services: Some(&services) });
    let broken = checked.problems.iter().any(|problem| problem.severity == Severity::Error);
    assert_eq!(checked.flow.is_none(), broken);
    checked.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn all_problems_are_told_at_once_with_their_places() {
    let text = r#"{
  "version": 1,
  "name": "wrong",
  "start": "first",
  "zone": "Mars/Olympus",
  "optOut": {"program": "other", "text": "Bye"},
  "steps": {
    "a": {"kind": "send", "program": "p", "text": "Hi @contact.firstname", "next": "b"},
    "b": {"kind": "ask", "program": "p", "text": "", "answer": {"kind": "number", "least": 5, "most": 1},
          "wait": {"seconds": 0}, "nxt": "a"},
    "begin": {"kind": "set", "name": "contact", "value": "1 +"},
    "c": {"kind": "call", "service": "erp", "next": "a", "otherwise": "z"},
    "d": {"kind": "jump"},
    "e": {"kind": "end", "kind": "end"}
  }
}"#;
    let told = told(text);
    let wanted = [
        "error, line 1 column 1: the flow has no `help`",
        "error, line 4 column 12: start: there is no step `first`",
        "error, line 5 column 11: zone: there is no time zone `Mars/Olympus`",
        "error, line 6 column 25: optOut.program: there is no program `other`",
        "error, line 8 column 51: steps.a.text: `contact` has no `firstname`; it has first_name, last_name, name, company, email, client_id and fields.NAME (column 5)",
        "error, line 9 column 10: steps.b: not every answer fits: `otherwise` names the step behind the last that does not",
        "error, line 9 column 50: steps.b.text: the text is empty",
        "error, line 9 column 92: steps.b.answer.least: 5 is more than the most, 1",
        "error, line 10 column 31: steps.b.wait.seconds: 0 is not within 1 and 2592000",
        "error, line 10 column 42: steps.b.nxt: there is no such key here",
        "error, line 11 column 14: steps.begin: a step cannot be called `begin`: that is an entry of scripts",
        "error, line 11 column 38: steps.begin.name: `contact` cannot be the name of a variable",
        "error, line 11 column 58: steps.begin.value: the expression ends where a value was expected (column 4)",
        "error, line 12 column 38: steps.c.service: there is no web service `erp`",
        "error, line 12 column 71: steps.c.otherwise: there is no step `z`",
        "error, line 13 column 19: steps.d.kind: `jump` is none of send, ask, branch, set, store, call, collect, agent, optOut, end",
        "error, line 14 column 34: steps.e.kind: the key is there twice",
    ];
    for wanted in wanted {
        assert!(
            told.iter().any(|told| told.starts_with(wanted)),
            "{wanted}\nis not among\n{}",
            told.join("\n")
        );
    }
    assert_eq!(told.len(), wanted.len(), "{}", told.join("\n"));
}

#[test]
fn unreachable_steps_circles_and_unset_variables() {
    let warned = told(&document(
        r#""a": {"kind": "branch", "cases": [{"when": "tries < 3", "next": "a"}], "otherwise": "z"},
           "lost": {"kind": "end"}, "z": {"kind": "end"}"#,
    ));
    assert_eq!(warned.len(), 3, "{warned:?}");
    assert!(warned.iter().any(|told| told.contains("steps.a: a way from here leads back without waiting")));
    assert!(
        warned.iter().any(|told| told.contains("steps.a.cases.0.when: no step sets the variable `tries`"))
    );
    assert!(warned.iter().any(|told| told.contains("steps.lost: no step leads here")));
    assert!(warned.iter().all(|told| told.starts_with("warning")));
    let circle = told(&document(
        r#""a": {"kind": "set", "name": "n", "value": "1", "next": "b"},
           "b": {"kind": "send", "program": "p", "text": "x", "next": "a"}"#,
    ));
    assert_eq!(
        circle.iter().filter(|told| told.contains("steps go in a circle that nothing ends")).count(),
        2
    );
    let waiting = told(&document(
        r#""a": {"kind": "ask", "program": "p", "text": "?", "save": "n", "next": "b"},
           "b": {"kind": "set", "name": "n", "value": "n", "next": "a"}"#,
    ));
    assert_eq!(waiting, Vec::<String>::new(), "a circle that waits is a conversation");
}

#[test]
fn what_is_no_document_is_told_in_one_line() {
    for (text, wanted) in [
        ("{", "error, line 1 column 1: this is no JSON: EOF while parsing an object"),
        ("[1]", "error, line 1 column 1: an object was expected, not a list"),
        (r#"{"version": 2}"#, "error, line 1 column 13: version: version 2 is not known; this is read: 1"),
    ] {
        assert_eq!(told(text), [wanted]);
    }
    assert!(told(&format!("\"{}\"", "x".repeat(2 << 20)))[0].contains("the limit is 1048576"));
    assert!(told(&"[".repeat(1_000))[0].contains("recursion limit"));
}
