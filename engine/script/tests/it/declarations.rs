//! The declarations say what is there, and all of it.

use std::collections::BTreeSet;

use signalbox_script::{DECLARATIONS, Program};

use crate::given::{limits, logged, script};

fn declared(prefix: &str) -> BTreeSet<String> {
    let names = DECLARATIONS.lines().filter_map(|line| line.strip_prefix(prefix));
    names.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric()).collect()).collect()
}

#[test]
fn the_calls_are_those_that_are_declared() {
    let program = Program::compile(&script(""), &limits()).unwrap();
    let there: BTreeSet<String> = program.names().unwrap().into_iter().collect();
    assert_eq!(there, declared("declare function "));
}

#[test]
fn the_entities_have_the_members_that_are_declared() {
    let lines = logged(
        r#"const s = { Account: getAccount(), CallPass: getCallPass(), Device: getDevice(), Contact: getContact(),
             ContactAttempt: getContactAttempt(), Conversation: getConversation(), SubCampaign: getSubCampaign(),
             ScriptContext: getScriptContext(), WebAnswer: getWebAnswer(), Segments: segments("x") };
           for (const name in s) log(`${name}: ${Object.keys(s[name]).sort().join()}`);"#,
    );
    let mut expected = Vec::new();
    for block in DECLARATIONS.split("\ninterface ").skip(1) {
        let (body, _) = block.split_once("\n}").unwrap();
        let (name, members) = body.split_once(" {\n").unwrap();
        let mut names: Vec<String> = members
            .lines()
            .map(|line| line.trim_start().trim_start_matches("readonly "))
            .filter(|line| !line.starts_with("/**"))
            .map(|line| line.chars().take_while(|c| c.is_alphanumeric()).collect())
            .collect();
        names.sort();
        expected.push(format!("{name}: {}", names.join(",")));
    }
    expected.sort();
    let mut there = lines;
    there.sort();
    assert_eq!(there, expected);
}
