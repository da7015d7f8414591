use proptest::prelude::*;
use signalbox_flow::{Flow, MAX_STEPS, Names, check, picture, run};
use signalbox_invocation::{Excess, Failure, Limits};

use crate::given::{attempt, document, flow, invocation};

#[test]
fn a_run_of_too_many_steps_fails_and_says_so() {
    let counting = |to: usize| {
        flow(&format!(
            r#""a": {{"kind": "set", "name": "n", "value": "default(n, 0) + 1", "next": "b"}},
               "b": {{"kind": "branch", "cases": [{{"when": "n < {to}", "next": "a"}}], "otherwise": "c"}},
               "c": {{"kind": "end"}}"#
        ))
    };
    assert!(run(&counting(49), &invocation(), &Limits::default()).unwrap().ended);
    let excess = Excess { what: "steps of one run".into(), found: 101, limit: MAX_STEPS as u64 };
    assert_eq!(run(&counting(50), &invocation(), &Limits::default()), Err(Failure::Excess(excess)));
}

#[test]
fn texts_that_double_are_ended_by_the_budget() {
    let flow = flow(
        r#""a": {"kind": "set", "name": "t", "value": "default(t, 'xxxxxxxxxxxxxxxx')", "next": "b"},
           "b": {"kind": "set", "name": "t", "value": "t & t & t & t", "next": "b2"},
           "b2": {"kind": "branch", "cases": [{"when": "false", "next": "c"}], "otherwise": "b"},
           "c": {"kind": "end"}"#,
    );
    let failure = run(&flow, &invocation(), &Limits::default()).unwrap_err();
    assert!(matches!(failure, Failure::Excess(_) | Failure::TooMuch { .. }), "{failure}");
}

#[test]
fn few_ticks_allow_little() {
    let flow = flow(r#""a": {"kind": "send", "program": "p", "text": "@(1 + 1)"}"#);
    let limits = Limits { ticks: 0, ..Limits::default() };
    assert_eq!(run(&flow, &invocation(), &limits), Err(Failure::TooMuch { ticks: 0 }));
    assert_eq!(run(&flow, &invocation(), &Limits::default()).unwrap().cost.ticks, 1);
}

#[test]
fn a_text_with_its_values_keeps_its_bound() {
    let flow = flow(r#""a": {"kind": "send", "program": "p", "text": "@answer@answer@answer"}"#);
    let mut given = invocation();
    given.attempt = Some(attempt(&"x".repeat(1_500)));
    let excess = Excess { what: "octets of a text with its values".into(), found: 4_500, limit: 4_000 };
    assert_eq!(run(&flow, &given, &Limits::default()), Err(Failure::Excess(excess)));
}

/// Expressions of any depth, most of them of the language.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("answer".to_owned()),
        Just("n".to_owned()),
        Just("now".to_owned()),
        Just("contact.fields.due".to_owned()),
        "[0-9]{1,18}",
        "'[ -&(-~é]{0,12}'",
    ];
    let names: Vec<(&'static str, usize)> =
        signalbox_flow::FUNCTIONS.iter().map(|function| (function.name, function.most)).collect();
    leaf.prop_recursive(5, 40, 3, move |inner| {
        prop_oneof![
            (
                inner.clone(),
                prop::sample::select(vec!["+", "-", "*", "/", "%", "&", "=", "<", "and", "or"]),
                inner.clone()
            )
                .prop_map(|(left, sign, right)| format!("({left} {sign} {right})")),
            (prop::sample::select(names.clone()), prop::collection::vec(inner, 0..4)).prop_map(
                |((name, most), given)| {
                    format!("{name}({})", given.into_iter().take(most).collect::<Vec<_>>().join(", "))
                }
            ),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = check(&text, &Names::default());
        let quoted = serde_json::to_string(&text).unwrap();
        for steps in [
            format!(r#""a": {{"kind": "send", "program": "p", "text": {quoted}}}"#),
            format!(r#""a": {{"kind": "set", "name": "n", "value": {quoted}}}"#),
            format!(r#"{quoted}: {{"kind": "end"}}, "a": {{"kind": {quoted}}}"#),
        ] {
            if let Some(flow) = check(&document(&steps), &Names::default()).flow {
                let _ = run(&flow, &invocation(), &Limits::default());
                let _ = picture(&flow);
            }
        }
        let _ = signalbox_flow::fill(&text, &invocation());
    }

    #[test]
    fn no_expression_and_no_answer_leaves_the_bounds(expression in expressions(), answer in any::<String>()) {
        let quoted = serde_json::to_string(&expression).unwrap();
        let document = document(&format!(
            r#""a": {{"kind": "set", "name": "n", "value": {quoted}, "next": "b"}},
               "b": {{"kind": "send", "program": "p", "text": "@n", "next": "c"}},
               "c": {{"kind": "branch", "cases": [{{"when": {quoted}, "next": "a"}}], "otherwise": "d"}},
               "d": {{"kind": "end"}}"#
        ));
        let Ok(flow) = Flow::read(&document) else { return Ok(()) };
        let mut given = invocation();
        given.attempt = Some(attempt(&answer));
        let limits = Limits::default();
        if let Ok(outcome) = run(&flow, &given, &limits) {
            prop_assert!(limits.check(&outcome).is_ok());
            prop_assert!(outcome.cost.ticks <= 20);
            prop_assert_eq!(run(&flow, &given, &limits), Ok(outcome), "the same again");
        }
    }
}
