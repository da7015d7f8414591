//! A process that dies while it judges.

use std::path::Path;
use std::process::Command;

use signalbox_backends::failpoint::{PARTICIPATION, VARIABLE, built_in};

use crate::world::{VOTE, World, campaigns, document, entry, said};

/// Names the directory for the child.
const DIR: &str = "SIGNALBOX_TEST_PARTICIPATION_DIR";

fn rules() -> String {
    let more = format!(
        r#"{VOTE}, "prepaid": 4, "requirements": [{{"kind": "max_per_participant", "limit": 5}}],
            "responses": {{"accepted": "thanks for {{choice}}", "rejected": {{"LIMIT": "enough"}}}}"#
    );
    document("song", "open", &more)
}

/// Ten batches of one participant, each of which counts once and is rejected once until the votes are used up.
fn batch(number: u128) -> [signalbox_participation::RawEntry; 2] {
    [entry(2 * number, "491", "song b"), entry(2 * number + 1, "491", "song x")]
}

#[test]
#[ignore = "the process that dies; the test below starts it"]
fn child() {
    let campaigns = campaigns(Path::new(&std::env::var_os(DIR).unwrap()));
    campaigns.put(&rules(), 1).unwrap();
    for number in 0..10 {
        campaigns.enter("song", &batch(number)).unwrap();
    }
}

/// Wherever it dies, everything handed over again gives the verdicts and the rows of a run that nothing disturbed.
#[test]
fn a_process_that_dies_between_commit_and_answer_counts_nothing_twice() {
    assert!(built_in(), "the test needs the places");
    for place in PARTICIPATION {
        for visit in [1, 2, 4, 5, 6] {
            let dir = tempfile::tempdir().unwrap();
            let status = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "crash::child", "--include-ignored"])
                .env(DIR, dir.path())
                .env(VARIABLE, format!("{place}:{visit}"))
                .output()
                .unwrap()
                .status;
            assert!(!status.success(), "{place}:{visit} was not reached");
            let world = World { campaigns: campaigns(dir.path()), dir };
            world.campaigns.put(&rules(), 1).unwrap();
            let stored = (visit - i64::from(place == PARTICIPATION[0])).min(4);
            assert_eq!(world.submissions(), stored, "{place}:{visit}");
            let mut found = Vec::new();
            for number in 0..10 {
                found.extend(world.enter(&batch(number)).iter().map(said));
            }
            let expected = (0..20).map(|at| match at {
                at if at % 2 == 1 => "BAD_OPTION",
                0..8 => "accepted 1",
                _ => "LIMIT",
            });
            assert!(found.iter().map(String::as_str).eq(expected), "{place}:{visit}: {found:?}");
            assert_eq!(world.submissions(), 4);
            assert_eq!(world.campaigns.tally("song").unwrap().weight("choice", "b"), 12);
            assert_eq!(world.sql::<i64>("song.campaign.db", "SELECT used FROM votes"), 4);
            assert_eq!(world.sql::<i64>("song.rejects.db", "SELECT count(*) FROM rejects"), 16);
        }
    }
}
