//! The CDR files of a process that dies at each of its steps.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use signalbox_backends::failpoint::{CDR_FILES, VARIABLE, built_in};
use signalbox_backends::files::{CdrFiles, CdrFilesOptions, CdrReader};
use signalbox_core::backend::CdrSink;

use crate::sink::batch;
use crate::world::scratch;

/// Names the directory for the child.
const DIR: &str = "SIGNALBOX_TEST_CDR_DIR";
const COMMITS: u64 = 24;

fn records(sequence: u64) -> u64 {
    1 + sequence % 3
}

fn open(dir: &Path) -> CdrFiles {
    let options = CdrFilesOptions { max_octets: 5000, ..CdrFilesOptions::in_dir(dir.join("cdr")) };
    CdrFiles::open(options).unwrap()
}

/// A relay: publishes the outbox two commits at a time and writes down what was acknowledged.
fn relay(dir: &Path) {
    let mut sink = open(dir);
    let mut told = OpenOptions::new().create(true).append(true).open(dir.join("told")).unwrap();
    loop {
        let position = sink.position().unwrap();
        let batches: Vec<_> = (position + 1..=COMMITS.min(position + 2))
            .map(|sequence| batch(sequence, records(sequence)))
            .collect();
        if batches.is_empty() {
            return;
        }
        let published = sink.publish(&batches).unwrap();
        writeln!(told, "{published}").unwrap();
    }
}

#[test]
#[ignore = "the process that dies; the test below starts it"]
fn child() {
    relay(Path::new(&std::env::var_os(DIR).unwrap()));
}

/// Runs [`child`] in a process of its own; true when it came to its end.
fn run(dir: &Path, fail_point: Option<&str>) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "cdr_crash::child", "--include-ignored"]).env(DIR, dir).env_remove(VARIABLE);
    if let Some(place) = fail_point {
        command.env(VARIABLE, place);
    }
    command.output().unwrap().status.success()
}

#[test]
fn a_crash_at_any_step_neither_loses_nor_repeats_a_record() {
    assert!(built_in(), "fail points are in builds with debug assertions only");
    let mut deaths = 0;
    for place in CDR_FILES {
        for visit in 1..=3 {
            let dir = scratch();
            let place = format!("{place}:{visit}");
            assert!(!run(dir.path(), Some(&place)), "the process did not come to {place}");
            deaths += 1;
            let told = fs::read_to_string(dir.path().join("told")).unwrap();
            let told: u64 = told.lines().last().map_or(0, |line| line.parse().unwrap());
            let position = open(dir.path()).position().unwrap();
            assert!(position >= told, "{place}: {told} acknowledged, {position} there");

            assert!(run(dir.path(), None), "{place}: the process after it failed");
            let reader = CdrReader::new(dir.path().join("cdr"), "signalbox");
            let found: Vec<_> = reader.forward(0).unwrap().map(Result::unwrap).collect();
            let expected =
                (1..=COMMITS).flat_map(|commit| (0..records(commit)).map(move |index| (commit, index)));
            assert!(
                found.iter().map(|record| (record.commit, u64::from(record.index))).eq(expected),
                "{place}: records are lost or there twice"
            );
            assert!(found.iter().zip(1..).all(|(record, sequence)| record.sequence == sequence), "{place}");
            let files = reader.files().unwrap();
            let serials = files
                .iter()
                .zip(1u64..)
                .all(|(path, serial)| path.to_str().unwrap().contains(&format!("-{serial:010}.cdr")));
            assert!(serials, "{place}: {files:?}");
            for path in files.iter().filter(|path| path.extension().unwrap() == "cdr") {
                CdrReader::verify(path).unwrap();
            }
        }
    }
    assert_eq!(deaths, 27);
}
