//! Many at once.

use std::sync::Barrier;
use std::time::Duration;

use rusqlite::Connection;
use signalbox_backends::participation::{Campaigns, CampaignsOptions};

use crate::world::{CODES, VOTE, World, entry, said};

/// What entries become when each has a thread of its own and all begin at once.
fn at_once(world: &World, entries: Vec<signalbox_participation::RawEntry>) -> Vec<String> {
    let start = Barrier::new(entries.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = entries
            .iter()
            .map(|entry| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    said(&world.enter(std::slice::from_ref(entry))[0])
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn accepted(found: &[String]) -> usize {
    found.iter().filter(|said| said.starts_with("accepted")).count()
}

/// Acceptance (c).
#[test]
fn of_a_hundred_entries_at_once_the_limit_counts_exactly() {
    let world =
        World::new(&format!(r#"{VOTE}, "requirements": [{{"kind": "max_per_participant", "limit": 5}}]"#));
    let found = at_once(&world, (0..100).map(|id| entry(id, "491", "song a")).collect());
    assert_eq!(accepted(&found), 5);
    assert_eq!(world.submissions(), 5);
    assert_eq!(world.campaigns.tally("song").unwrap().count("choice", "a"), 5);
    assert_eq!(found.iter().filter(|said| *said == "LIMIT").count(), 95);
}

#[test]
fn of_a_hundred_in_one_batch_the_limits_count_exactly() {
    let world = World::new(&format!(
        r#"{VOTE}, "requirements": [{{"kind": "max_per_participant", "limit": 5, "per": "hour"}}, {{"kind": "max_total", "limit": 8}}]"#
    ));
    let entries: Vec<_> =
        (0..100).map(|id| entry(id, if id % 2 == 0 { "491" } else { "492" }, "song a")).collect();
    assert_eq!(world.enter(&entries).iter().filter(|verdict| said(verdict) == "accepted 1").count(), 8);
    assert_eq!(world.submissions(), 8);
}

#[test]
fn one_code_at_once_from_many_is_redeemed_once() {
    let world = World::new(CODES);
    world.campaigns.import_codes("song", "caps", "AAAA0001".as_bytes(), |_| ()).unwrap();
    let found = at_once(&world, (0..32).map(|id| entry(id, &format!("49{id}"), "song AAAA0001")).collect());
    assert_eq!(accepted(&found), 1);
    assert_eq!(world.submissions(), 1);
}

#[test]
fn one_entry_handed_over_twice_at_once_counts_once() {
    let world = World::new(VOTE);
    let found = at_once(&world, (0..16).map(|_| entry(1, "491", "song a")).collect());
    assert_eq!(found, vec!["accepted 1"; 16]);
    assert_eq!(world.submissions(), 1);
}

/// A store that fails has decided nothing, and the same entries again are judged as if for the first time.
#[test]
fn when_the_store_fails_nothing_is_told_and_nothing_counts() {
    let world =
        World::new(&format!(r#"{VOTE}, "requirements": [{{"kind": "max_per_participant", "limit": 2}}]"#));
    let entries = [
        entry(1, "491", "song a"),
        entry(2, "491", "song x"),
        entry(3, "491", "song b"),
        entry(4, "491", "song c"),
    ];
    let blocked = |file: &str| {
        let other = Connection::open(world.dir.path().join(file)).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(world.campaigns.enter("song", &entries).is_err(), "{file}");
        other.execute_batch("ROLLBACK").unwrap();
    };
    blocked("song.campaign.db");
    assert_eq!(world.rows(), 0);
    // The log fails after the campaign's commit: still nobody is told, and repeating it gives the verdicts that hold.
    blocked("song.rejects.db");
    let verdicts = world.enter(&entries);
    assert_eq!(
        verdicts.iter().map(said).collect::<Vec<_>>(),
        ["accepted 1", "BAD_OPTION", "accepted 1", "LIMIT"]
    );
    assert_eq!(world.submissions(), 2);
    assert_eq!(world.sql::<i64>("song.rejects.db", "SELECT count(*) FROM rejects"), 2);
    assert_eq!(world.enter(&entries), verdicts);
}

#[test]
fn a_second_process_on_the_same_files_is_refused() {
    let world = World::new(VOTE);
    let second = Campaigns::open(
        CampaignsOptions { dir: world.dir.path().to_owned(), lock_wait: Duration::ZERO },
        Box::new(()),
    );
    assert!(second.err().unwrap().to_string().contains("is held by process"));
}
