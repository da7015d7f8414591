//! The layers apart: entries come while nobody judges.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use signalbox_backends::participation::{Intake, IntakeError};
use signalbox_participation::{EntryId, RawEntry, Verdict};

use crate::world::{VOTE, World, document, entry, said};

fn intake(world: &World, bound: u64) -> Intake {
    Intake::open(&world.dir.path().join("intake.db"), bound, Duration::from_secs(1)).unwrap()
}

fn taken(world: &World, queue: &Intake, at_most: usize) -> Vec<Verdict> {
    let taken = world.campaigns.take_from(queue, at_most).unwrap();
    assert!(taken.failed.is_empty(), "{:?}", taken.failed);
    taken.verdicts
}

/// Acceptance (d): a minute of entries by their own clock, 20 a second, of ten participants.
#[test]
fn a_minute_without_extraction_loses_nothing_and_keeps_the_order() {
    let world =
        World::new(&format!(r#"{VOTE}, "requirements": [{{"kind": "max_per_participant", "limit": 3}}]"#));
    world.campaigns.put(&document("dance", "open", VOTE), 1).unwrap();
    let queue = intake(&world, 100_000);
    let start: Timestamp = "2026-05-01T19:00:00Z".parse().unwrap();
    let entries: Vec<RawEntry> = (0..1_200u32)
        .map(|number| {
            let campaign = if number % 20 < 10 { "song" } else { "dance" };
            let mut entry = entry(number.into(), &format!("49{}", number % 10), &format!("{campaign} a"));
            entry.received_at = start + SignedDuration::from_millis(i64::from(number) * 50);
            entry
        })
        .collect();
    entries.chunks(40).for_each(|second| queue.append(second).unwrap());
    assert_eq!((queue.waiting().unwrap(), world.rows()), (1_200, 0));

    // Everything of the second layer dies and comes again in between.
    let mut verdicts = taken(&world, &queue, 100);
    drop(queue);
    let world = world.restart();
    let queue = intake(&world, 100_000);
    for name in ["song", "dance"] {
        let more = if name == "song" {
            format!(r#"{VOTE}, "requirements": [{{"kind": "max_per_participant", "limit": 3}}]"#)
        } else {
            VOTE.to_owned()
        };
        world.campaigns.put(&document(name, "open", &more), 1).unwrap();
    }
    while queue.waiting().unwrap() > 0 {
        verdicts.extend(taken(&world, &queue, 100));
    }
    assert_eq!(verdicts.len(), 1_200);
    let mut ids: Vec<u128> = verdicts.iter().map(|verdict| verdict.entry.0).collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..1_200));
    // Of each participant the first three count, so they were judged in the order in which they came.
    let kept: i64 = world.sql("song.campaign.db", "SELECT count(*) FROM submissions");
    let latest: i64 = world.sql("song.campaign.db", "SELECT max(received_at) FROM submissions");
    assert_eq!(kept, 30);
    assert_eq!(latest, entries[49].received_at.as_microsecond());
    assert_eq!(world.campaigns.tally("dance").unwrap().submissions, 600);
}

#[test]
fn what_is_not_let_go_of_comes_again_with_the_same_verdicts() {
    let world = World::new(VOTE);
    let queue = intake(&world, 10);
    queue.append(&[entry(1, "491", "song a"), entry(2, "491", "nothing")]).unwrap();
    queue.append(&[entry(1, "491", "song a")]).unwrap();
    let waiting: Vec<RawEntry> = queue.first(10).unwrap().into_iter().map(|(_, entry)| entry).collect();
    assert_eq!(waiting.iter().map(|entry| entry.id).collect::<Vec<_>>(), [EntryId(1), EntryId(2)]);
    let before = world.enter(&waiting[..1]);
    let mut verdicts = taken(&world, &queue, 10);
    verdicts.sort_by_key(|verdict| verdict.entry.0);
    assert_eq!(verdicts[0], before[0]);
    assert_eq!(said(&verdicts[1]), "NO_CAMPAIGN");
    assert_eq!((queue.waiting().unwrap(), world.submissions()), (0, 1));
}

#[test]
fn a_full_intake_refuses_early() {
    let world = World::new(VOTE);
    let queue = intake(&world, 2);
    queue.append(&[entry(1, "491", "song a")]).unwrap();
    let refused = queue.append(&[entry(2, "491", "song a"), entry(3, "491", "song a")]);
    assert!(matches!(refused, Err(IntakeError::Full { waiting: 1, bound: 2 })));
    let long = entry(4, "491", &"a".repeat(20_000));
    assert!(matches!(queue.append(&[long]), Err(IntakeError::TooLong { octets: 20_000 })));
    assert_eq!(queue.waiting().unwrap(), 1);
}

/// A reader on another host, with a queue of its own.
#[test]
fn a_reader_has_each_entry_once_whenever_it_stops() {
    let world = World::new(VOTE);
    let queue = intake(&world, 100);
    let folder = tempfile::tempdir().unwrap();
    let reader = || Intake::open(&folder.path().join("intake.db"), 100, Duration::from_secs(1)).unwrap();
    let ids = |queue: &Intake| -> Vec<u128> {
        queue.first(100).unwrap().into_iter().map(|(_, entry)| entry.id.0).collect()
    };
    queue.append(&[entry(1, "491", "song a"), entry(2, "491", "song b")]).unwrap();
    // They were looked at here before another host judged.
    queue.assign(1, |_| "song".to_owned()).unwrap();
    assert_eq!(queue.page(0, 10).unwrap().entries.len(), 1);
    queue.hand_over().unwrap();
    let page = queue.page(0, 10).unwrap();
    assert_eq!((page.last, page.entries.len()), (2, 2));
    assert_eq!(reader().append_from(&page.queue, page.last, &page.entries).unwrap(), 2);
    // It ended before it let go of them, and they were judged meanwhile: read again, they are not kept again.
    reader().release(&reader().page(0, 1).unwrap().queue, 2).unwrap();
    let again = queue.page(0, 10).unwrap();
    assert_eq!(again.entries.len(), 2);
    assert_eq!(reader().append_from(&again.queue, again.last, &again.entries).unwrap(), 2);
    assert_eq!(ids(&reader()), []);
    queue.append(&[entry(3, "491", "song a")]).unwrap();
    let next = queue.page(0, 10).unwrap();
    assert_eq!(next.entries.len(), 3);
    assert_eq!(reader().append_from(&next.queue, next.last, &next.entries).unwrap(), 3);
    assert_eq!(ids(&reader()), [3]);
    assert!(!queue.release("another", 3).unwrap());
    assert!(queue.release(&next.queue, 2).unwrap());
    assert_eq!(ids(&queue), [3], "what is behind the place stays");
    // Put back from a copy, the other queue gives places anew.
    assert_eq!(reader().append_from(&next.queue, 1, &[(1, entry(4, "491", "song a"))]).unwrap(), 1);
    assert_eq!(ids(&reader()), [3, 4]);
    // No room here: nothing is kept, and the place stays.
    let small = Intake::open(&folder.path().join("intake.db"), 2, Duration::from_secs(1)).unwrap();
    let full = small.append_from(&next.queue, 5, &[(5, entry(5, "491", "song a"))]);
    assert!(matches!(full, Err(IntakeError::Full { .. })), "{full:?}");
    assert_eq!(reader().append_from(&next.queue, 5, &[]).unwrap(), 1);
}
