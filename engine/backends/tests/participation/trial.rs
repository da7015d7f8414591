//! What testers send (MQ-10): judged like anybody's, and counted nowhere.

use jiff::Timestamp;
use signalbox_participation::{EntryId, RejectCode, Seed, Verdict};

use crate::world::{CODES, TESTER, VOTE, World, campaigns, document, entry, rejected, said};

/// All that a sponsor sees of a campaign.
fn counts(world: &World) -> String {
    let campaigns = &world.campaigns;
    let mut export = Vec::new();
    campaigns.export("song", &mut export).unwrap();
    let tally = campaigns.tally("song").unwrap();
    format!("{tally:?} {:?} {}", campaigns.rejected("song").unwrap(), String::from_utf8(export).unwrap())
}

fn limited() -> String {
    format!(
        r#"{VOTE}, "requirements": [{{"kind": "max_per_participant", "limit": 1, "per": "campaign"}}],
           "responses": {{"accepted": "Thanks for {{choice}}", "rejected": {{"LIMIT": "Once only"}}}}"#
    )
}

#[test]
fn a_tester_is_judged_and_answered_and_counts_nowhere() {
    let world = World::new(&limited());
    world.enter(&[entry(1, "49122", "song a")]);
    let before = counts(&world);
    let verdicts = world.enter(&[
        entry(2, TESTER, "song b"),
        entry(3, TESTER, "song b"),
        entry(4, "49123", "song c"),
        entry(5, TESTER, "nothing of it"),
    ]);
    let told: Vec<String> = verdicts.iter().map(said).collect();
    assert_eq!(verdicts.iter().map(|verdict| verdict.entry.0).collect::<Vec<_>>(), [2, 3, 4, 5]);
    assert_eq!(verdicts.iter().map(|verdict| verdict.test).collect::<Vec<_>>(), [true, true, false, true]);
    assert_eq!(told[0], told[2], "{told:?}");
    assert_eq!(rejected(&verdicts[1]), Some(RejectCode::Limit), "limits hold in a test, too");
    let counted = world.campaigns.tally("song").unwrap();
    assert_eq!(counted.submissions, 2);
    assert!(world.campaigns.rejected("song").unwrap().is_empty());
    assert_eq!(world.campaigns.test_tally("song").unwrap().submissions, 1);
    // The same with tests alone leaves everything as it was.
    let alone = World::new(&limited());
    alone.enter(&[entry(1, "49122", "song a")]);
    alone.enter(&[entry(2, TESTER, "song b"), entry(3, TESTER, "song z")]);
    assert_eq!(counts(&alone), before);
}

#[test]
fn a_test_is_judged_once_whoever_is_a_tester_meanwhile() {
    let world = World::new(&limited());
    let first = world.enter(&[entry(2, TESTER, "song b"), entry(1, "49122", "song a")]);
    let again = |world: &World| world.enter(&[entry(2, TESTER, "song b"), entry(1, "49122", "song a")]);
    assert_eq!(again(&world), first);
    // The process dies; and then a tester's entry is handed over again as another's, and the other way round.
    let World { dir, campaigns: before } = world;
    drop(before);
    let after = campaigns(dir.path());
    after.put(&document("song", "open", &limited()), 1).unwrap();
    let world = World { dir, campaigns: after };
    assert_eq!(again(&world), first);
    let swapped = world.enter(&[entry(2, "49122", "song b"), entry(1, TESTER, "song a")]);
    assert_eq!(swapped, first);
    assert_eq!(world.campaigns.verdict("song", EntryId(2)).unwrap().as_ref(), first.first());
    assert_eq!(world.campaigns.tally("song").unwrap().submissions, 1);
}

#[test]
fn a_tester_may_try_before_it_opens_and_nobody_else() {
    let world = World::new(VOTE);
    world.campaigns.put(&document("dance", "ready", VOTE), 1).unwrap();
    let enter = |id, from| {
        let mut early = entry(id, from, "dance a");
        early.received_at = "2026-04-01T00:00:00Z".parse::<Timestamp>().unwrap();
        world.campaigns.enter("dance", &[early]).unwrap().remove(0)
    };
    assert_eq!(rejected(&enter(1, "49122")), Some(RejectCode::NotOpen));
    assert_eq!(rejected(&enter(2, TESTER)), None);
    assert_eq!(world.campaigns.tally("dance").unwrap().submissions, 0);
    // What is over is over.
    world.campaigns.put(&document("dance", "closed", VOTE), 2).unwrap();
    assert_eq!(rejected(&enter(3, TESTER)), Some(RejectCode::Closed));
}

#[test]
fn a_test_uses_up_no_code_and_wins_no_draw() {
    let world = World::new(CODES);
    let codes = "AAAA0001\nAAAA0002\n";
    world.campaigns.import_codes("song", "caps", codes.as_bytes(), |_| {}).unwrap();
    let code = |verdict: &Verdict| rejected(verdict);
    let tested = world.enter(&[
        entry(1, TESTER, "song aaaa0001"),
        entry(2, TESTER, "song aaaa0001"),
        entry(3, TESTER, "song eeee0009"),
    ]);
    let expected = [None, Some(RejectCode::CodeUsed), Some(RejectCode::CodeUnknown)];
    assert_eq!(tested.iter().map(code).collect::<Vec<_>>(), expected);
    assert_eq!(code(&world.enter(&[entry(4, "49122", "song aaaa0001")])[0]), None, "it is as new");
    world.campaigns.forget_tests("song").unwrap();
    assert_eq!(world.campaigns.test_tally("song").unwrap().submissions, 0);
    assert_eq!(code(&world.enter(&[entry(5, TESTER, "song aaaa0001")])[0]), None, "it is tested anew");
    world.campaigns.put(&document("song", "closed", CODES), 2).unwrap();
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let draw = world.campaigns.draw("song", Seed([7; 32]), 10, None, now).unwrap();
    assert_eq!((draw.tickets, draw.drawn.len()), (1, 1));
}
