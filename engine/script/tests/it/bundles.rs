//! Scripts of several files (D9).

use std::collections::BTreeMap;

use signalbox_invocation::Failure;
use signalbox_script::{Bundle, Program, lint};

use crate::given::{invocation, limits, pool, run, version};

const MAIN: &str = r#"
const { greeting } = require("./lib/words.js");
const again = require("lib/words.js");
let calls = 0;
function begin() {
  calls += 1;
  again.count.of += 1;
  sendTextMessage("welcome", `${greeting(getContact().firstName)} ${calls} ${again.count.of}`);
}
function moHandler() { require(getContactAttempt().text); }
function optOutHandler() { require("lib/deep/broken.js"); }
function helpHandler() {}
"#;

const WORDS: &str = r#"
const table = require("./deep/table.json");
const count = { of: 0 };
exports.count = count;
exports.greeting = (name) => `${table.hello} ${name} from ${getAccount().name}`;
"#;

fn bundle() -> String {
    let files = [
        ("script.js", MAIN),
        ("lib/words.js", WORDS),
        ("lib/deep/table.json", r#"{"hello": "Hello"}"#),
        ("lib/deep/broken.js", "\n  throw new Error('broken');"),
    ];
    let files: BTreeMap<_, _> =
        files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    Bundle::pack(files).unwrap().to_source()
}

fn told(source: &str) -> Vec<String> {
    lint(source, &["welcome".to_owned()]).iter().map(ToString::to_string).collect()
}

/// Nothing of one invocation is there for the next, in any of the files.
#[test]
fn files_are_made_anew_for_each_invocation() {
    let mut program = Program::compile(&bundle(), &limits()).unwrap();
    for _ in 0..3 {
        let outcome = program.run(&invocation(1, "begin"), &limits()).unwrap();
        assert_eq!(outcome.sends[0].text, "Hello Ann from acme 1 1");
    }
}

#[test]
fn what_is_not_in_the_bundle_is_not_there() {
    for wanted in
        ["/etc/passwd", "../script.js", "fs", "lib/words", "lib/../../x.js", "__proto__", "toString"]
    {
        let mut given = invocation(1, "moHandler");
        given.attempt.as_mut().unwrap().text = wanted.into();
        let failure = run(&bundle(), &given).unwrap_err();
        assert_eq!(failure.name(), "script_threw");
        assert!(failure.to_string().contains(&format!("the bundle has no file `{wanted}`")), "{failure}");
    }
    // A script by itself has no files at all.
    let alone = "function begin() { require('./x.js'); }";
    assert!(
        matches!(run(alone, &invocation(1, "begin")), Err(Failure::Threw { message, .. }) if message.contains("require"))
    );
}

#[test]
fn errors_name_the_file() {
    let failure = run(&bundle(), &invocation(1, "optOutHandler")).unwrap_err();
    let Failure::Threw { message, at } = failure else { panic!("{failure}") };
    assert_eq!(message, "broken");
    assert!(at.contains("lib/deep/broken.js:2"), "{at}");
    let wrong = bundle().replace("exports.count = count;", "exports.count = ;");
    let failure = Program::compile(&wrong, &limits()).err().unwrap();
    assert!(failure.to_string().contains("lib/words.js, line 4, column "), "{failure}");
}

#[test]
fn each_file_is_linted() {
    assert_eq!(told(&bundle()), [""; 0]);
    let wrong = bundle()
        .replace("require(\\\"./lib/words.js\\\")", "require(\\\"./lib/word.js\\\")")
        .replace("getAccount().name", "getAcount().name")
        .replace("function helpHandler", "function helperHandler");
    assert_eq!(
        told(&wrong),
        [
            "line 5, column 61: lib/words.js: there is no function `getAcount`",
            "line 1, column 1: script.js: the entry point `helpHandler` is missing",
            "line 2, column 30: script.js: the bundle has no file `./lib/word.js`",
        ]
    );
    assert_eq!(
        told(r#"{"files": {"other.js": ""}}"#),
        ["line 1, column 1: the bundle has no file `script.js`, with which it is to begin"]
    );
}

#[test]
fn a_bundle_runs_in_a_worker() {
    let (pool, _) = pool(|_| {});
    pool.load(version(1), bundle()).unwrap();
    let outcome = pool.run(invocation(1, "begin")).wait().unwrap();
    assert_eq!(outcome.sends[0].text, "Hello Ann from acme 1 1");
    assert!(pool.lint(1, bundle(), vec!["welcome".to_owned()]).wait().unwrap().is_empty());
}
