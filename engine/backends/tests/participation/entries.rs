//! What is stored of an entry, and what is told of it.

use signalbox_backends::participation::PutError;
use signalbox_participation::{Channel, EntryId, NoReply, RejectCode, Reply};

use crate::world::{BARRED, CODES, VOTE, World, document, entry, rejected, said, text};

/// Acceptance (a).
#[test]
fn what_does_not_comply_leaves_no_row_in_the_campaigns_database() {
    let world = World::new(&format!(
        r#"{VOTE}, "prepaid": 0, "requirements": [{{"kind": "not_barred"}}, {{"kind": "max_total", "limit": 5}}]"#
    ));
    let found = world.outcomes("491", &["song", "song x", "song a", "song b"]);
    assert_eq!(found, ["BAD_FORMAT", "BAD_OPTION", "LIMIT", "LIMIT"]);
    assert_eq!(world.outcomes(BARRED, &["song a"]), ["BARRED"]);
    let mut late = entry(9, "491", "song a");
    late.received_at = "2026-05-01T20:00:00Z".parse().unwrap();
    assert_eq!(rejected(&world.enter(&[late])[0]), Some(RejectCode::Closed));
    assert_eq!(world.rows(), 0);
    assert_eq!(
        world.campaigns.rejected("song").unwrap(),
        [
            (RejectCode::BadFormat, 1),
            (RejectCode::BadOption, 1),
            (RejectCode::Barred, 1),
            (RejectCode::Closed, 1),
            (RejectCode::Limit, 2)
        ]
    );
}

/// Acceptance (b).
#[test]
fn words_around_a_vote_are_not_stored() {
    let world = World::new(VOTE);
    assert_eq!(
        world.outcomes("491", &["Song hello dear station, my secret is 4711, A please"]),
        ["accepted 1"]
    );
    for file in ["song.campaign.db", "song.campaign.db-wal", "song.rejects.db", "song.rejects.db-wal"] {
        let octets = std::fs::read(world.dir.path().join(file)).unwrap_or_default();
        assert!(!octets.windows(4).any(|four| four == b"4711"), "{file}");
    }
    assert_eq!(
        world.sql::<String>("song.campaign.db", "SELECT fields FROM submissions"),
        r#"{"choice":"a"}"#
    );
}

#[test]
fn the_raw_text_stays_where_the_campaign_says_so() {
    let world = World::new(&format!(r#"{VOTE}, "keep_raw": true"#));
    world.outcomes("491", &["song hey a"]);
    assert_eq!(world.sql::<String>("song.campaign.db", "SELECT raw FROM submissions"), "song hey a");
}

/// Acceptance (e).
#[test]
fn the_same_entry_by_web_and_by_message_is_judged_alike() {
    let world =
        World::new(&format!(r#"{VOTE}, "requirements": [{{"kind": "max_per_participant", "limit": 2}}]"#));
    let mut web = entry(2, "+49 (1) 22", "song b");
    (web.channel, web.to) = (Channel::Web, "song".to_owned());
    let verdicts = world.enter(&[entry(1, "49122", "song b"), web, entry(3, "49122", "song b")]);
    assert_eq!(verdicts.iter().map(said).collect::<Vec<_>>(), ["accepted 1", "accepted 1", "LIMIT"]);
    let query = "SELECT count(DISTINCT fields || weight || confidence || rule || version || participant) FROM submissions";
    assert_eq!(world.sql::<i64>("song.campaign.db", query), 1);
    assert_eq!(world.sql::<i64>("song.campaign.db", "SELECT count(DISTINCT channel) FROM submissions"), 2);
    assert_eq!(world.campaigns.find(Channel::Web, "song", "SONG b").as_deref(), Some("song"));
}

#[test]
fn an_entry_again_has_the_verdict_that_it_had() {
    let world = World::new(&format!(
        r#"{VOTE}, "several": "all", "requirements": [{{"kind": "max_per_participant", "limit": 2}}],
            "responses": {{"accepted": "thanks for {{choice}}", "rejected": {{"LIMIT": "enough"}}}}"#
    ));
    let entries = [entry(1, "491", "song b"), entry(2, "491", "song a c"), entry(3, "491", "song a")];
    let first = world.enter(&entries);
    assert_eq!(first.iter().map(said).collect::<Vec<_>>(), ["accepted 1", "accepted 1, LIMIT of 1", "LIMIT"]);
    assert_eq!(text(&first[0]), Ok("thanks for b"));
    assert_eq!(text(&first[2]), Ok("enough"));
    let rows = world.rows();
    assert_eq!(world.enter(&entries), first);
    // Also in one batch, and after a restart with other rules.
    assert_eq!(world.enter(&[entries[2].clone(), entries[0].clone(), entries[2].clone()])[2], first[2]);
    let world = world.restart();
    world.campaigns.put(&document("song", "open", VOTE), 2).unwrap();
    assert_eq!(world.enter(&entries), first);
    assert_eq!(world.rows(), rows);
    let new = entry(4, "491", "song a");
    let twice = world.enter(&[new.clone(), new]);
    assert_eq!(twice[0], twice[1]);
    assert_eq!((said(&twice[0]), twice[0].version, first[0].version), ("accepted 1".to_owned(), 2, 1));
    assert_eq!(world.submissions(), 3);
    assert_eq!(world.sql::<i64>("song.campaign.db", "SELECT count(DISTINCT version) FROM submissions"), 2);
}

#[test]
fn regrets_are_few_and_never_go_to_barred_numbers() {
    let world = World::new(&format!(
        r#"{VOTE}, "requirements": [{{"kind": "not_barred"}}], "responses": {{"rejected": {{"BAD_OPTION": "no such"}}}}"#
    ));
    let mut number = 0;
    let mut told = |from: &str, at: &str, count: u32| {
        let entries: Vec<_> = (0..count)
            .map(|_| {
                number += 1;
                let mut entry = entry(number, from, "song x");
                entry.received_at = at.parse().unwrap();
                entry
            })
            .collect();
        world.enter(&entries).iter().map(|verdict| text(verdict).map(str::len)).collect::<Vec<_>>()
    };
    assert_eq!(told("491", "2026-05-01T18:10:00Z", 2), [Ok(7), Ok(7)]);
    assert_eq!(told("491", "2026-05-01T18:20:00Z", 2), [Ok(7), Err(NoReply::TooMany)]);
    assert_eq!(told("492", "2026-05-01T18:20:00Z", 1), [Ok(7)]);
    assert_eq!(told("491", "2026-05-01T19:10:00Z", 3), [Ok(7), Ok(7), Err(NoReply::TooMany)]);
    assert_eq!(told(BARRED, "2026-05-01T19:10:00Z", 1), [Err(NoReply::Barred)]);
}

#[test]
fn an_entry_for_no_campaign_is_logged_and_not_answered() {
    let world = World::new(VOTE);
    let verdicts = world.campaigns.enter("dance", &[entry(1, "491", "dance a")]).unwrap();
    assert_eq!((said(&verdicts[0]).as_str(), text(&verdicts[0])), ("NO_CAMPAIGN", Err(NoReply::NoCampaign)));
    assert_eq!(world.sql::<String>("unmatched.rejects.db", "SELECT code FROM rejects"), "NO_CAMPAIGN");
}

#[test]
fn rules_follow_on_those_in_force() {
    let world = World::new(VOTE);
    let put = |name: &str, state: &str, more: &str, version| {
        world.campaigns.put(&document(name, state, more), version).map_err(|error| error.to_string())
    };
    assert_eq!(put("song", "open", VOTE, 1), Ok(()));
    let old = put("song", "suspended", VOTE, 1).unwrap_err();
    assert_eq!(old, "version 1 is not after 1, which is in force");
    assert_eq!(put("song", "suspended", VOTE, 2), Ok(()));
    assert_eq!(world.outcomes("491", &["song a"]), ["NOT_OPEN"]);
    assert_eq!(put("song", "open", VOTE, 3), Ok(()));
    assert_eq!(world.outcomes("492", &["song a"]), ["accepted 1"]);
    assert_eq!(put("song", "draft", VOTE, 4).unwrap_err(), "a campaign that is open cannot become draft");
    assert!(
        put("song", "open", &format!(r#"{VOTE}, "database": "other""#), 4)
            .unwrap_err()
            .contains("cannot become other")
    );
    let world2 = world.restart();
    assert!(matches!(
        world2.campaigns.put(&document("song", "open", VOTE), 2),
        Err(PutError::Version { version: 2, last: 3 })
    ));
    // Another campaign in the same database, or with the same keyword.
    let other = document("song", "open", VOTE).replace(r#""name": "song""#, r#""name": "dance""#);
    world2.campaigns.put(&document("song", "open", VOTE), 3).unwrap();
    assert!(world2.campaigns.put(&other, 1).unwrap_err().to_string().contains("is taken by song"));
    let same_file = document("dance", "open", &format!(r#"{VOTE}, "database": "song""#));
    assert!(world2.campaigns.put(&same_file, 1).unwrap_err().to_string().contains("of the campaign song"));
}

/// A name is free again when its row is gone. What people sent is not for the next account that takes it.
#[test]
fn entries_stay_with_the_account_that_they_were_sent_to() {
    let world = World::new(VOTE);
    assert_eq!(world.outcomes("491", &["song a"]), ["accepted 1"]);
    world.campaigns.remove("song");
    let others = document("song", "open", VOTE).replace(r#""account": "demo""#, r#""account": "rival""#);
    let refused = world.campaigns.put(&others, 2).unwrap_err();
    assert!(matches!(refused, PutError::Account { .. }), "{refused}");
    assert!(world.campaigns.tally("song").is_err(), "nothing of it is in force");
    // Its own account goes on with it, and the other takes a file of its own.
    world.campaigns.put(&document("song", "open", VOTE), 2).unwrap();
    assert_eq!(world.outcomes("492", &["song a"]), ["accepted 1"]);
    world.campaigns.remove("song");
    let own = others.replace(r#""account": "rival","#, r#""account": "rival", "database": "song-2","#);
    world.campaigns.put(&own, 3).unwrap();
    assert_eq!(world.outcomes("493", &["song a"]), ["accepted 1"]);
    assert_eq!(world.sql::<i64>("song-2.campaign.db", "SELECT count(*) FROM submissions"), 1);
}

#[test]
fn a_step_is_done_in_another_campaign() {
    let world = World::new(VOTE);
    let second = format!(r#"{VOTE}, "requirements": [{{"kind": "step_done", "step": "song"}}]"#);
    world.campaigns.put(&document("final", "open", &second), 1).unwrap();
    let enter = |id| said(&world.campaigns.enter("final", &[entry(id, "491", "final a")]).unwrap()[0]);
    assert_eq!(enter(1), "INELIGIBLE");
    world.outcomes("491", &["song a"]);
    assert_eq!(enter(2), "accepted 1");
}

#[test]
fn codes_are_imported_line_by_line_and_redeemed_once() {
    let world = World::new(CODES);
    let list =
        format!("AAAA-0001\naaaa0002\r\n\nAAAA0001\nshort\n{}\nAAAA 0003\n\u{fffd}AAAA004", "x".repeat(5000));
    let report = world.campaigns.import_codes("song", "caps", list.as_bytes(), |_| ()).unwrap();
    assert_eq!((report.added, report.repeated, report.bad), (3, 1, 3));
    assert_eq!(report.bad_lines.iter().map(|bad| bad.line).collect::<Vec<_>>(), [5, 6, 8]);
    assert!(world.campaigns.import_codes("song", "other", list.as_bytes(), |_| ()).is_err());
    let again = world.campaigns.import_codes("song", "caps", list.as_bytes(), |_| ()).unwrap();
    assert_eq!((again.added, again.repeated), (0, 4));
    assert_eq!(
        world.outcomes("491", &["song aaaa 0001", "song AAAA0001", "song BBBB0001", "song AAAA0002"]),
        ["accepted 1", "CODE_USED", "CODE_UNKNOWN", "accepted 1"]
    );
    assert_eq!(world.outcomes("492", &["song AAAA0001"]), ["CODE_USED"]);
}

#[test]
fn several_codes_of_a_message_are_redeemed_one_by_one() {
    let world = World::new(&format!(r#"{CODES}, "several": "all""#));
    world.campaigns.import_codes("song", "caps", "AAAA0001\nAAAA0002".as_bytes(), |_| ()).unwrap();
    assert_eq!(
        world.outcomes("491", &["song AAAA0002", "song AAAA0001 AAAA0002 AAAA0003"]),
        ["accepted 1", "accepted 1, CODE_USED of 2"]
    );
    assert_eq!(world.campaigns.rejected("song").unwrap().len(), 2);
}

#[test]
fn granted_votes_are_used_up() {
    let world = World::new(&format!(r#"{VOTE}, "prepaid": 1"#));
    assert_eq!(world.outcomes("491", &["song a", "song b"]), ["accepted 1", "LIMIT"]);
    world.campaigns.grant_votes("song", &entry(0, "+491", "").participant(), 2).unwrap();
    let more = [entry(11, "491", "song a"), entry(12, "491", "song a"), entry(13, "491", "song a")];
    assert_eq!(
        world.enter(&more).iter().map(said).collect::<Vec<_>>(),
        ["accepted 1", "accepted 1", "LIMIT"]
    );
}

#[test]
fn who_is_barred_or_was_not_welcomed_does_not_count_and_is_not_answered_against_its_will() {
    let more = r#""requirements": [{"kind": "not_barred"}, {"kind": "opted_in"}],
        "responses": {"accepted": "thanks", "rejected": {"BARRED": "never"}, "not_enabled": "send SONG START first"}"#;
    let world = World::new(&format!("{VOTE}, {more}"));
    let told = |id, from: &str| {
        let verdict = world.enter(&[entry(id, from, "song a")]).remove(0);
        (said(&verdict), verdict.reply)
    };
    assert_eq!(told(1, BARRED), ("BARRED".to_owned(), Reply::None(NoReply::Barred)));
    assert_eq!(told(2, "491"), ("INELIGIBLE".to_owned(), Reply::Text("send SONG START first".to_owned())));
    assert_eq!(told(3, "44791"), ("accepted 1".to_owned(), Reply::Text("thanks".to_owned())));
    assert_eq!(
        world.campaigns.verdict("song", EntryId(3)).unwrap().map(|found| said(&found)).as_deref(),
        Some("accepted 1")
    );
    assert_eq!(
        world.campaigns.verdict("song", EntryId(2)).unwrap().map(|found| said(&found)).as_deref(),
        Some("INELIGIBLE")
    );
    assert_eq!(world.campaigns.verdict("song", EntryId(4)).unwrap(), None);
}
