//! Tally, export, draws, and what is forgotten.

use signalbox_participation::{Outcome, Seed};

use crate::world::{VOTE, World, document, entry, said};

fn export(world: &World) -> String {
    let mut csv = Vec::new();
    world.campaigns.export("song", &mut csv).unwrap();
    String::from_utf8(csv).unwrap()
}

#[test]
fn the_tally_counts_options_and_weights_and_is_final_at_the_end() {
    let world = World::new(VOTE);
    world.outcomes("491", &["song a", "song b", "song 2", "song x"]);
    let live = world.campaigns.tally("song").unwrap();
    assert_eq!((live.submissions, live.count("choice", "b"), live.weight("choice", "b")), (3, 2, 6));
    assert_eq!((live.count("choice", "a"), live.weight("choice", "a"), live.count("choice", "c")), (1, 1, 0));
    world.campaigns.put(&document("song", "closed", VOTE), 2).unwrap();
    assert_eq!(world.outcomes("492", &["song a"]), ["CLOSED"]);
    world.campaigns.put(&document("song", "tallied", VOTE), 3).unwrap();
    let path = world.dir.path().join("song.campaign.db");
    rusqlite::Connection::open(path).unwrap().execute("UPDATE tally SET submissions = 99", []).unwrap();
    assert_eq!(world.campaigns.tally("song").unwrap(), live);
}

#[test]
fn the_export_has_every_submission_and_no_formula() {
    let world = World::new(
        r#""extraction": [{"field": "n", "kind": "number"}, {"field": "why", "kind": "remainder", "required": false}]"#,
    );
    world.enter(&[entry(1, "491", "song -5 =cmd()"), entry(2, "ann@b.c", "song 6 \"so, yes\"")]);
    assert_eq!(
        export(&world),
        "entry,seq,received_at,channel,participant,carrier,weight,confidence,rule,version,prize,n,why\n\
         00000000000000000000000000000001,0,2026-05-01T19:00:00Z,sms,491,,1,90,n,1,,-5,'=cmd()\n\
         00000000000000000000000000000002,0,2026-05-01T19:00:00Z,sms,ann@b.c,,1,90,n,1,,6,\"\"\"so, yes\"\"\"\n"
    );
}

#[test]
fn winners_are_drawn_by_their_seed_when_it_is_over() {
    let world = World::new(VOTE);
    for from in 0..40 {
        world.outcomes(&format!("49{from}"), &["song a", if from % 4 == 0 { "song c" } else { "song b" }]);
    }
    let (seed, now) = (Seed([7; 32]), "2026-05-02T00:00:00Z".parse().unwrap());
    let draw = |seed, winners, only| world.campaigns.draw("song", seed, winners, only, now);
    assert!(draw(seed, 3, None).unwrap_err().to_string().contains("and it is open"));
    world.campaigns.put(&document("song", "closed", VOTE), 2).unwrap();
    let drawn = draw(seed, 3, None).unwrap();
    assert_eq!((drawn.tickets, drawn.drawn.len()), (80, 3));
    assert_eq!(draw(seed, 3, None).unwrap(), drawn);
    assert_ne!(draw(Seed([8; 32]), 3, None).unwrap().drawn, drawn.drawn);
    let some = draw(seed, 100, Some(("choice", "c"))).unwrap();
    assert_eq!((some.tickets, some.drawn.len()), (10, 10));
    assert_eq!(world.sql::<i64>("song.campaign.db", "SELECT count(*) FROM draws"), 4);
    assert_eq!(
        world.sql::<String>("song.campaign.db", "SELECT seed FROM draws WHERE id = 1"),
        "07".repeat(32)
    );
}

#[test]
fn instant_prizes_are_no_more_than_there_are() {
    let world = World::new(&format!(
        r#"{VOTE}, "prize_seed": "0123456789abcdef", "prizes": [{{"name": "mug", "count": 4, "one_in": 3}}],
            "responses": {{"accepted": "thanks", "won": "a {{prize}}!"}}"#
    ));
    let entries: Vec<_> = (0..60).map(|id| entry(id, &format!("49{id}"), "song a")).collect();
    let verdicts = world.enter(&entries);
    let won = verdicts.iter().filter(|verdict| match &verdict.outcome {
        Outcome::Accepted { prizes, .. } => prizes == &["mug"],
        Outcome::Rejected(_) => false,
    });
    assert_eq!(won.count(), 4);
    assert_eq!(world.sql::<i64>("song.campaign.db", "SELECT won FROM prizes"), 4);
    assert_eq!(world.enter(&entries), verdicts);
}

#[test]
fn personal_data_goes_when_its_time_is_over() {
    let more = r#""retention": "1d", "extraction": [
        {"field": "choice", "kind": "enumeration", "options": [{"value": "a"}]}, {"field": "name", "kind": "remainder"}]"#;
    let world = World::new(more);
    world.enter(&[entry(1, "49123456", "song a Ann"), entry(2, "49123456", "song x Bob")]);
    world.campaigns.put(&document("song", "closed", more), 2).unwrap();
    let forget = |at: &str| world.campaigns.forget(at.parse().unwrap()).unwrap();
    assert_eq!(forget("2026-05-02T19:59:59Z"), 0);
    assert!(export(&world).contains("Ann"));
    assert_eq!(forget("2026-05-02T20:00:00Z"), 2);
    let csv = export(&world);
    assert!(!csv.contains("Ann") && !csv.contains("49123456") && csv.contains(",a,"), "{csv}");
    assert_eq!(world.sql::<i64>("song.rejects.db", "SELECT count(*) FROM rejects"), 0);
    assert_eq!(world.campaigns.tally("song").unwrap().count("choice", "a"), 1);
    assert_eq!(said(&world.enter(&[entry(1, "49123456", "song a Ann")])[0]), "accepted 1");
}
