//! `signalbox check`: what is wrong with a configuration, before a node starts with it.

use std::process::{Command, Output};

use super::super::site::{Site, rows};

fn check(site: &Site, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .args(["check", "--config"])
        .arg(site.path("node.toml"))
        .args(more)
        .output()
        .expect("the program runs")
}

#[test]
fn a_secret_that_is_not_here_is_a_warning_or_where_it_is_asked_for_an_error() {
    let with = |link: &str| {
        let rows = rows(([127, 0, 0, 1], 2775).into(), "", "");
        let site = Site::new(&rows.replace("password = \"secret\"", link));
        site.write_settings_with("");
        site
    };
    let right = with("password = \"secret\"");
    let checked = check(&right, &["--secrets"]);
    assert!(checked.status.success(), "{checked:?}");
    assert!(checked.stderr.is_empty(), "{checked:?}");

    let lacking = with("password = { env = \"SIGNALBOX_SECRET_NOWHERE\" }");
    let warned = check(&lacking, &[]);
    let text = String::from_utf8_lossy(&warned.stderr).into_owned();
    assert!(warned.status.success(), "{text}");
    let line = format!("warning: {}:", lacking.path("catalog.toml").display());
    assert!(text.starts_with(&line), "{text}");
    let told = ": link[0].password: the environment variable SIGNALBOX_SECRET_NOWHERE is not set";
    assert!(text.contains(told), "{text}");
    let failed = check(&lacking, &["--secrets"]);
    assert_eq!(failed.status.code(), Some(1));
    let text = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(text.contains("error: ") && text.contains(told), "{text}");
}
