//! `signalbox flow`, `signalbox script` and what `signalbox check` says of scripts, run as processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::super::site::{Site, rows};

fn program(args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_signalbox")).args(args).output();
    output.expect("the program runs")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text_of(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

#[test]
fn a_flow_is_checked_and_drawn() {
    let survey = root().join("config/examples/flows/survey.json");
    let survey = survey.to_str().expect("a path in UTF-8");
    let checked = program(&["flow", "check", survey]);
    assert!(checked.status.success(), "{checked:?}");
    let checked = program(&["flow", "check", survey, "--program", "nothing-it-names"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(text_of(&checked.stderr).contains("error: "), "{checked:?}");

    let drawn = program(&["flow", "picture", survey]);
    assert!(drawn.status.success());
    let golden = fs::read_to_string(root().join("docs/pictures/flow-survey.svg")).expect("the picture");
    assert_eq!(text_of(&drawn.stdout), golden);

    let broken = tempfile::NamedTempFile::new().expect("a file");
    fs::write(broken.path(), "{\"version\": 1,\n \"name\": 3}").expect("the flow");
    let checked = program(&["flow", "check", broken.path().to_str().expect("a path in UTF-8")]);
    assert_eq!(checked.status.code(), Some(1));
    let told = text_of(&checked.stderr);
    assert!(told.contains(":2:") && told.contains("name"), "{told}");
}

fn rehearsed(args: &[&str]) -> Vec<Value> {
    let output = program(&[&["script", "test", "--json"], args].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_script_is_rehearsed_through_several_messages() {
    let survey = root().join("docs/examples/scripts/survey.js");
    let contact = r#"{"first_name": "Ana"}"#;
    let runs = rehearsed(&[
        survey.to_str().expect("a path in UTF-8"),
        "--contact",
        contact,
        "--message",
        "7",
        "--message",
        "stop",
        "--message",
        "help",
    ]);
    let entries: Vec<_> = runs.iter().map(|run| run["entry"].as_str().expect("an entry")).collect();
    assert_eq!((entries[0], &entries[2..]), ("begin", &["optOutHandler", "helpHandler"][..]));
    assert!(runs[0]["texts"][0]["segments"].as_u64() >= Some(1), "{}", runs[0]);
    assert!(runs[0]["ticks"].is_u64() && !runs[0]["trace"].as_array().expect("a trace").is_empty());
    // What the first run kept is what the second one began with: the survey's own next action.
    let next = runs[0]["variables"]["nextAction"].as_str().expect("a next action");
    assert_eq!(entries[1], next);
}

#[test]
fn a_failure_is_told_and_is_the_exit_code() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("bad.js");
    fs::write(&file, "function begin() {\n  throw new Error('no luck');\n}\n").expect("the script");
    let output = program(&["script", "test", file.to_str().expect("a path in UTF-8")]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text_of(&output.stdout);
    assert!(shown.contains("script_threw") && shown.contains("no luck"), "{shown}");
}

#[test]
fn a_flow_is_rehearsed_with_waits_and_answers() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("flow.json");
    let flow = json!({
        "version": 1, "name": "reminder", "start": "ask",
        "help": { "program": "p", "text": "Help" },
        "optOut": { "program": "p", "text": "Bye" },
        "steps": {
            "ask": { "kind": "ask", "program": "p", "text": "Coming, @contact.first_name? ✓",
                "answer": { "kind": "text" }, "save": "reply", "wait": { "seconds": 60, "next": "late" },
                "next": "look" },
            "late": { "kind": "send", "program": "p", "text": "Too late" },
            "look": { "kind": "call", "service": "crm", "path": "@reply", "save": "found",
                "next": "told", "otherwise": "late" },
            "told": { "kind": "send", "program": "p", "text": "Found @found" },
        },
    });
    fs::write(&file, flow.to_string()).expect("the flow");
    let file = file.to_str().expect("a path in UTF-8");
    let contact = r#"{"first_name": "Ana"}"#;
    let happenings =
        r#"[{"begin": {}}, {"message": {"text": "yes"}}, {"answer": {"status": 200, "body": "7"}}]"#;
    let runs = rehearsed(&[file, "--contact", contact, "--happenings", happenings]);
    let text = &runs[0]["texts"][0];
    assert_eq!(text, &json!({ "program": "p", "text": "Coming, Ana? ✓", "encoding": "ucs2", "segments": 1 }));
    assert_eq!((&runs[0]["wait_seconds"], &runs[0]["position"]), (&json!(60), &json!("ask")));
    assert_eq!(runs[1]["calls"][0]["path"], "yes");
    assert_eq!(runs[1]["variables"]["reply"], "yes");
    assert_eq!(runs[2]["texts"][0]["text"], "Found 7");
    assert_eq!(runs[2]["ended"], true);

    let happenings = r#"[{"begin": {}}, {"no_reply": {}}, {"no_reply": {}}]"#;
    let runs = rehearsed(&[file, "--happenings", happenings]);
    assert_eq!(runs[1]["texts"][0]["text"], "Too late");
    assert!(runs[2]["entry"].is_null() && runs[2]["note"].is_string(), "{}", runs[2]);
}

#[test]
fn check_refuses_scripts_that_cannot_run_and_warns_of_common_keywords() {
    let scripts = |kind: &str, body: &str| {
        format!(
            "[[script]]\nname = \"s\"\naccount = \"scripted\"\nkind = \"{kind}\"\n\
             [[script_version]]\nname = \"s.1\"\nscript = \"s\"\nversion = 1\nbody = '''{body}'''\n"
        )
    };
    let check = |more: &str| {
        let seed = rows(([127, 0, 0, 1], 2775).into(), "", "");
        let seed = format!("{seed}\n{ACCOUNT}");
        let site = Site::new(&format!("{seed}\n{more}"));
        site.write_settings_with("");
        let config = site.path("node.toml");
        let output = program(&["check", "--config", config.to_str().expect("a path in UTF-8")]);
        (output.status.success(), text_of(&output.stderr))
    };
    let whole = "function begin() {}\nfunction moHandler() {}\nfunction optOutHandler() {}\n";
    let (right, told) = check(&scripts("javascript", whole));
    assert!(!right && told.contains("the entry point `helpHandler` is missing"), "{told}");
    let (right, told) = check(&scripts("javascript", &format!("{whole}function helpHandler() {{}}\n")));
    assert!(right, "{told}");
    let (right, told) = check(&scripts("flow", "{\"version\": 1}"));
    assert!(!right && told.contains("script_version `s.1`, body"), "{told}");
    let (right, told) = check(KEYWORD);
    assert!(right && told.contains("keyword `yes`, text: many ordinary texts begin"), "{told}");
    let (right, told) = check(&KEYWORD.replace("\"Yes\"", "\"balance\""));
    assert!(right && told.is_empty(), "{told}");
}

/// TXS-02: an empty catalog is not filled with a seed whose scripts cannot run; what is wrong is told at its place in the
/// file.
#[test]
fn a_node_does_not_begin_with_a_script_that_cannot_run() {
    let seed = rows(([127, 0, 0, 1], 2775).into(), "", "");
    let script = "[[script]]\nname = \"s\"\naccount = \"scripted\"\nkind = \"javascript\"\n\
                  [[script_version]]\nname = \"s.1\"\nscript = \"s\"\nversion = 1\nbody = '''\n\
                  function begin() {}\nfunction moHandler() { noSuchCall(); }\n\
                  function optOutHandler() {}\nfunction helpHandler() {}\n'''\n";
    let site = Site::new(&format!("{seed}\n{ACCOUNT}{script}"));
    site.write_settings_with("");
    let config = site.path("node.toml");
    let config = config.to_str().expect("a path in UTF-8");
    let line = format!("{seed}\n{ACCOUNT}{script}").lines().position(|line| line.contains("noSuchCall"));
    let place = format!("catalog.toml:{}:24: script_version `s.1`, body", line.expect("the line") + 1);
    let checked = program(&["check", "--config", config]);
    assert!(text_of(&checked.stderr).contains(&place), "{checked:?}");
    let started = program(&["run", "--config", config]);
    let told = text_of(&started.stderr);
    assert_eq!(started.status.code(), Some(1), "{told}");
    assert!(told.contains(&place) && told.contains("there is no function `noSuchCall`"), "{told}");
}

const ACCOUNT: &str = "[[account]]\nname = \"scripted\"\nsystem_id = \"scripted\"\npassword = \"p\"\n";

const KEYWORD: &str = r#"
[[carrier]]
name = "red"
prefixes = ["1212"]
[[source_address]]
name = "code"
address = "70650"
country = "US"
sharing = "shared"
links = ["smsc"]
carriers = ["red"]
[[sub_campaign]]
name = "in"
account = "scripted"
kind = "inbound"
[[keyword]]
name = "yes"
text = "Yes"
source_address = "code"
account = "scripted"
sub_campaign = "in"
"#;
