//! The layers in processes of their own (CM-16): this one takes entries in and knows no campaign; another one extracts,
//! judges and stores. Between them lies nothing but the queue's file.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use signalbox_backends::failpoint::{PARTICIPATION, VARIABLE, built_in};
use signalbox_backends::participation::Intake;
use signalbox_participation::RawEntry;

use crate::world::{VOTE, campaigns, document, entry};

/// Names the directory for the process that judges.
const DIR: &str = "SIGNALBOX_TEST_PARTICIPATION_HOST_DIR";
const PARTICIPANTS: u128 = 20;
const LIMIT: usize = 5;

fn queue(dir: &Path) -> Intake {
    Intake::open(&dir.join("intake.db"), 1_000_000, Duration::from_secs(5)).unwrap()
}

#[test]
#[ignore = "the process that judges; the test below starts it"]
fn child() {
    let dir = std::env::var_os(DIR).unwrap();
    let (campaigns, queue) = (campaigns(Path::new(&dir)), queue(Path::new(&dir)));
    let more = format!(
        r#"{VOTE}, "keep_raw": true, "requirements": [{{"kind": "max_per_participant", "limit": {LIMIT}}}]"#
    );
    campaigns.put(&document("song", "open", &more), 1).unwrap();
    while queue.waiting().unwrap() > 0 {
        let taken = campaigns.take_from(&queue, 50).unwrap();
        assert!(taken.failed.is_empty(), "{:?}", taken.failed);
    }
}

fn judging(dir: &Path, dies_at: Option<&str>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "hosts::child", "--include-ignored"]).env(DIR, dir);
    if let Some(place) = dies_at {
        command.env(VARIABLE, place);
    }
    command
}

/// A second of entries by their own clock: each participant sends one, and says which second it is.
fn second(number: u128) -> Vec<RawEntry> {
    let start: Timestamp = "2026-05-01T19:00:00Z".parse().unwrap();
    let one = |participant: u128| {
        let text = format!("song a {number}");
        let mut entry = entry(number * PARTICIPANTS + participant, &format!("49{participant:03}"), &text);
        entry.received_at = start + SignedDuration::from_secs(number as i64);
        entry
    };
    (0..PARTICIPANTS).map(one).collect()
}

/// Acceptance (d): the process that judges dies, is away for 60 seconds of entries, and comes back while more come.
#[test]
fn a_process_that_judges_may_die_and_be_away_and_nothing_is_lost_or_overtaken() {
    assert!(built_in(), "the test needs the places");
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let queue = queue(dir);
    (0..10).for_each(|number| queue.append(&second(number)).unwrap());
    // Killed between the commit and letting go of what it judged.
    let killed = judging(dir, Some(&format!("{}:2", PARTICIPATION[1]))).output().unwrap().status;
    assert!(!killed.success(), "it was not killed");
    assert!(queue.waiting().unwrap() > 0);
    (10..70).for_each(|number| queue.append(&second(number)).unwrap());
    assert!(queue.waiting().unwrap() >= 60 * PARTICIPANTS as u64);
    let mut back = judging(dir, None).spawn().unwrap();
    (70..100).for_each(|number| queue.append(&second(number)).unwrap());
    assert!(back.wait().unwrap().success());
    // What came after its last look.
    assert!(judging(dir, None).output().unwrap().status.success());
    assert_eq!(queue.waiting().unwrap(), 0);

    let rows = |file: &str, query: &str| -> Vec<(String, String)> {
        let connection = Connection::open(dir.join(file)).unwrap();
        let mut statement = connection.prepare(query).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let kept =
        rows("song.campaign.db", "SELECT participant, raw FROM submissions ORDER BY participant, entry");
    assert_eq!(kept.len(), PARTICIPANTS as usize * LIMIT);
    for (of, kept) in kept.chunks(LIMIT).enumerate() {
        let expected = (0..LIMIT).map(|number| (format!("49{of:03}"), format!("song a {number}")));
        assert!(expected.eq(kept.iter().cloned()), "the first ones count: {kept:?}");
    }
    let rejected = rows("song.rejects.db", "SELECT code, count(*) || '' FROM rejects GROUP BY code");
    let others = PARTICIPANTS as usize * (100 - LIMIT);
    assert_eq!(rejected, [("LIMIT".to_owned(), others.to_string())]);
}
