//! What is told when a script is saved.

use signalbox_script::lint;

use crate::given::{pool, script};

fn told(source: &str) -> Vec<String> {
    lint(source, &["welcome".to_owned()]).iter().map(ToString::to_string).collect()
}

fn told_of(begin: &str) -> Vec<String> {
    told(&script(&format!("\n{begin}\n")))
}

#[test]
fn a_missing_entry_point_is_named() {
    assert_eq!(
        told(
            "function begin() {}\nconst moHandler = () => {};\nfunction outer() { function helpHandler() {} }"
        ),
        [
            "line 1, column 1: the entry point `optOutHandler` is missing",
            "line 1, column 1: the entry point `helpHandler` is missing",
        ]
    );
    assert!(told(&script("")).is_empty());
}

#[test]
fn a_syntax_error_has_its_place() {
    let findings = told("function begin() {\n  let a = 1;\n  let = ;\n}");
    assert_eq!(findings.len(), 1);
    assert!(findings[0].starts_with("line 3, column "), "{findings:?}");
}

#[test]
fn programs_that_are_not_there_are_named() {
    assert_eq!(
        told_of("sendTextMessage('welcom', 'x');"),
        ["line 2, column 17: there is no program `welcom`"]
    );
    assert_eq!(
        told_of("sendLongTextMessage(\n\"other\", 'x'); const p = 'x'; sendTextMessage(p, 'x');"),
        ["line 3, column 1: there is no program `other`"]
    );
    assert!(told_of("sendTextMessage('welcome', 'x');").is_empty());
}

#[test]
fn members_and_functions_that_are_not_there_are_named() {
    assert_eq!(
        told_of("const c = getContact(); log(c.firstname, getDevice().adress, c.firstName);"),
        ["line 2, column 31: Contact has no `firstname`", "line 2, column 54: Device has no `adress`"]
    );
    assert_eq!(
        told_of("sendTextMesage('welcome', 'x');"),
        ["line 2, column 1: there is no function `sendTextMesage`"]
    );
    assert_eq!(told_of("setTimeout(() => 1, 5);"), ["line 2, column 1: there is no function `setTimeout`"]);
}

#[test]
fn big_integers_are_told() {
    let findings = told_of("log(3n ** 10n);");
    assert_eq!(findings.len(), 2);
    assert!(findings[0].contains("big integers"), "{findings:?}");
}

#[test]
fn what_is_right_is_left_alone() {
    let right = r#"
        class Survey { #n = 0; constructor(n) { this.#n = n; } ask(q) { return helper(q, this.#n); } get n() { return 1; } }
        const table = { one() { return 1; }, two: (x) => x(2), ["three"]: 3 };
        const helper = (q, n) => `${q} ${(function inner(m) { return inner ? m : 0; })(n)}`;
        const { floor } = Math; const say = log;
        for (const f of [Number, String]) say(f("1"), floor(1.5), parseInt("7", 10));
        const c = getConversation().get("x"); const m = getContact().fields; say(c, m.anything, new Survey(1).ask("q"));
        say(table.two((x) => x), /function nowhere\(\)/.test("a"), foldText("X"), new Map([[1, 2]]));
        callback(1); function callback(x) { if (x) { return; } while (x) {} switch (x) { default: } }
        const d = getDevice(); { const d = new Date(); say(d.getTime()); }
    "#;
    assert_eq!(told_of(right), Vec::<String>::new());
}

#[test]
fn a_worker_is_asked_about_sources_that_are_not_trusted() {
    let (pool, _) = pool(|settings| settings.workers = 1);
    let findings = pool.lint(1, "function begin() {}", Vec::new()).wait().unwrap();
    assert_eq!(findings.len(), 3);
    assert!(pool.lint(1, script(""), Vec::new()).wait().unwrap().is_empty());
}
