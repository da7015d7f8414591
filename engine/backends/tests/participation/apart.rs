//! A campaign whose database fails holds up no other (CM-07): its entries wait in their order until it can be used.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use signalbox_backends::participation::{Intake, PutError};
use signalbox_participation::RawEntry;

use crate::world::{VOTE, World, campaigns, document, entry, said};

fn intake(dir: &Path, bound: u64) -> Intake {
    Intake::open(&dir.join("intake.db"), bound, Duration::from_secs(1)).unwrap()
}

/// Votes of one participant, turn about for two campaigns; only the first of each may count.
fn turn_about(numbers: std::ops::Range<u128>) -> Vec<RawEntry> {
    let campaign = |number| if number % 2 == 0 { "song a" } else { "dance a" };
    numbers.map(|number| entry(number, "491", campaign(number))).collect()
}

fn once() -> String {
    format!(r#"{VOTE}, "requirements": [{{"kind": "max_per_participant", "limit": 1}}]"#)
}

#[test]
fn a_locked_database_holds_up_its_own_entries_alone_and_they_keep_their_order() {
    let world = World::new(&once());
    world.campaigns.put(&document("dance", "open", &once()), 1).unwrap();
    let queue = intake(world.dir.path(), 8);
    let mut other = Connection::open(world.dir.path().join("song.campaign.db")).unwrap();
    let held = other.transaction_with_behavior(TransactionBehavior::Exclusive).unwrap();
    queue.append(&turn_about(0..6)).unwrap();
    let taken = world.campaigns.take_from(&queue, 100).unwrap();
    assert_eq!(taken.verdicts.iter().map(said).collect::<Vec<_>>(), ["accepted 1", "LIMIT", "LIMIT"]);
    assert_eq!(taken.failed.len(), 1);
    assert_eq!(taken.failed[0].0, "song");
    // What waits for it takes nobody else's place in the queue.
    queue.append(&turn_about(6..14)).unwrap();
    assert_eq!(world.campaigns.take_from(&queue, 100).unwrap().verdicts.len(), 4);
    assert_eq!(queue.campaigns().unwrap(), [("song".to_owned(), 7)]);
    drop(held);
    let taken = world.campaigns.take_from(&queue, 3).unwrap();
    assert_eq!(taken.verdicts.iter().map(|verdict| verdict.entry.0).collect::<Vec<_>>(), [0, 2, 4]);
    assert_eq!(taken.verdicts.iter().map(said).collect::<Vec<_>>(), ["accepted 1", "LIMIT", "LIMIT"]);
    assert_eq!(world.campaigns.take_from(&queue, 100).unwrap().verdicts.len(), 4);
    assert_eq!((queue.waiting().unwrap(), world.submissions()), (0, 1));
}

#[test]
fn a_damaged_file_at_the_start_lets_its_entries_wait_until_it_is_whole_again() {
    let world = World::new(VOTE);
    let dir = world.dir;
    drop(world.campaigns);
    let file = dir.path().join("song.campaign.db");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, vec![0x55; whole.len()]).unwrap();
    let campaigns = campaigns(dir.path());
    let refused = campaigns.put(&document("song", "open", VOTE), 1);
    assert!(matches!(refused, Err(PutError::Open(_))), "{refused:?}");
    campaigns.put(&document("dance", "open", VOTE), 1).unwrap();
    let queue = intake(dir.path(), 100);
    queue.append(&turn_about(0..4)).unwrap();
    let taken = campaigns.take_from(&queue, 100).unwrap();
    assert_eq!(taken.verdicts.iter().map(said).collect::<Vec<_>>(), ["accepted 1", "accepted 1"]);
    assert_eq!(taken.failed[0].0, "song");
    assert!(campaigns.tally("song").is_err());
    // Nothing is lost over the process's end.
    drop((campaigns, queue));
    let campaigns = crate::world::campaigns(dir.path());
    assert!(campaigns.put(&document("song", "open", VOTE), 1).is_err());
    let queue = intake(dir.path(), 100);
    assert!(!campaigns.take_from(&queue, 100).unwrap().failed.is_empty());
    // Put back from a copy, without anybody telling the process.
    std::fs::write(&file, whole).unwrap();
    let taken = campaigns.take_from(&queue, 100).unwrap();
    assert_eq!(taken.verdicts.iter().map(|verdict| verdict.entry.0).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(campaigns.tally("song").unwrap().submissions, 2);
    assert_eq!(queue.waiting().unwrap(), 0);
}

#[test]
fn a_queue_of_the_version_before_is_taken_on() {
    let dir = tempfile::tempdir().unwrap();
    let old = Connection::open(dir.path().join("intake.db")).unwrap();
    old.execute_batch(
        "CREATE TABLE entries(place INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;
         PRAGMA application_id = 0x53475049; PRAGMA user_version = 1;",
    )
    .unwrap();
    let body = serde_json::to_string(&entry(7, "491", "song a")).unwrap();
    let id = 7_u128.to_be_bytes();
    old.execute("INSERT INTO entries(id, body) VALUES(?1, ?2)", rusqlite::params![id, body]).unwrap();
    drop(old);
    let queue = intake(dir.path(), 10);
    assert_eq!(queue.arrived().unwrap(), 1);
    let came = queue.assign(10, |_| "song".to_owned()).unwrap();
    assert_eq!(came, [("song".to_owned(), 1)]);
    assert_eq!(queue.of("song", 10).unwrap()[0].1, entry(7, "491", "song a"));
}
