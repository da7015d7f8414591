//! Erasure of a person.

use signalbox_core::time::Micros;
use signalbox_people::{
    Action, Channels, ContactDevice, DeviceKind, Direction, Draft, Erased, Level, NewConsent, NewTrace,
    PeopleError, Scope,
};

use crate::database::{Database, MINE, NOW, OTHER, draft, on_both, others};

on_both!(
    nothing_tells_of_them_any_more,
    an_opt_out_outlives_its_number,
    a_shared_device_stays_with_the_other,
    who_may_not_does_nothing,
);

const NUMBER: &str = "+12125550123";
const HOME: &str = "+12125550100";

fn line(event: &str, device: &str, client_id: Option<&str>) -> NewTrace {
    NewTrace {
        event: event.into(),
        account: MINE,
        device: device.into(),
        client_id: client_id.map(str::to_owned),
        at: NOW,
        direction: Direction::In,
        channel: "text".into(),
        source: "72345".into(),
        sub_campaign: None,
        status: "received".into(),
        status_at: NOW,
        text: Some("I am Ann".into()),
        detail: Some(r#"{"keyword":"Ann"}"#.into()),
    }
}

fn said(event: &str, action: Action, channels: Channels) -> NewConsent {
    NewConsent {
        event: event.into(),
        account: MINE,
        level: Level::Account,
        level_id: "1".into(),
        subject: NUMBER.into(),
        action,
        channels,
        at: NOW,
        who: "device".into(),
        how: "keyword".into(),
        wording: Some("STOP".into()),
        source: Some("72345".into()),
        evidence: None,
    }
}

fn ann() -> Draft {
    let mut draft = draft("C-1", NUMBER);
    draft.known.first_name = Some("Ann".into());
    draft.devices.push(ContactDevice { kind: DeviceKind::Home, address: HOME.into() });
    draft.fields.insert("plan".into(), "gold".into());
    draft
}

/// How often one of the words stands anywhere in the database.
async fn found(database: &Database, words: &[&str]) -> i64 {
    let columns = [
        ("contact", "client_id || COALESCE(first_name, '') || COALESCE(email, '')"),
        ("device", "address"),
        ("field", "value"),
        ("consent", "subject"),
        ("suppression", "subject"),
        ("trace", "device || COALESCE(client_id, '') || COALESCE(body, '') || COALESCE(detail, '')"),
    ];
    let pool = sqlx::AnyPool::connect(&database.url()).await.expect("the database");
    let mut count = 0;
    for (table, text) in columns {
        for word in words {
            let query = format!("SELECT COUNT(*) FROM {table} WHERE {text} LIKE $1");
            let query = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(query));
            count += query.bind(format!("%{word}%")).fetch_one(&pool).await.expect("counted");
        }
    }
    pool.close().await;
    count
}

async fn nothing_tells_of_them_any_more(database: &Database) {
    let people = &database.people;
    let made = people.create_contact(&Scope::All, MINE, ann(), NOW).await.expect("made");
    let list = people.create_list(&Scope::All, MINE, "spring", NOW).await.expect("a list");
    people.add_members(&Scope::All, list.id, &[made.id], NOW).await.expect("a member");
    let lines =
        [line("m-1", NUMBER, Some("C-1")), line("m-2", HOME, None), line("m-3", "+12125550999", Some("C-1"))];
    people.record_trace(&lines).await.expect("recorded");
    people.record_consent(&said("s-1", Action::OptOut, Channels::TEXT)).await.expect("recorded");
    let words = [NUMBER, HOME, "C-1", "Ann", "gold"];
    assert!(found(database, &words).await >= 12);
    let erased = people.erase_contact(&Scope::All, made.id, Some(1)).await.expect("erased");
    assert_eq!(erased, Erased { devices: 2, history: 3, consents: 1, suppressions: 1 });
    assert_eq!(found(database, &words).await, 0);
    let list = people.list(&Scope::All, list.id).await.expect("read").expect("there");
    assert_eq!(list.members, 0);
    // A line that is told again has a later status, and no words.
    let late = NewTrace { status: "answered".into(), status_at: Micros(NOW.0 + 1), ..lines[0].clone() };
    people.record_trace(&[late]).await.expect("recorded");
    assert_eq!(found(database, &["Ann"]).await, 0);
    let again = people.erase_contact(&Scope::All, made.id, None).await;
    assert!(matches!(again, Err(PeopleError::Absent { .. })), "{again:?}");
}

async fn an_opt_out_outlives_its_number(database: &Database) {
    let people = &database.people;
    let levels = [(Level::Account, "1".to_owned())];
    let held = async || {
        let found = people.suppressions_of(&levels, &[NUMBER]).await.expect("read");
        found.into_iter().map(|one| (one.subject, one.channels)).collect::<Vec<_>>()
    };
    for (event, channels) in [("1", Channels::TEXT), ("2", Channels::VOICE)] {
        let made = people.create_contact(&Scope::All, MINE, ann(), NOW).await.expect("made");
        people.record_consent(&said(event, Action::OptOut, channels)).await.expect("recorded");
        people.erase_contact(&Scope::All, made.id, None).await.expect("erased");
    }
    let both = Channels(Channels::TEXT.0 | Channels::VOICE.0);
    assert_eq!(held().await, [(NUMBER.to_owned(), both)]);
    assert_eq!(people.consents(&Scope::All, MINE, NUMBER, None, 9).await.expect("read").len(), 2);
    // What they say later comes on top, and an opt-in opens what was shut before.
    people.record_consent(&said("3", Action::OptOut, Channels::EMAIL)).await.expect("recorded");
    assert_eq!(held().await, [(NUMBER.to_owned(), Channels(both.0 | Channels::EMAIL.0))]);
    people.record_consent(&said("4", Action::OptIn, Channels::ALL)).await.expect("recorded");
    assert_eq!(held().await, []);
    assert_eq!(people.consents(&Scope::All, MINE, NUMBER, None, 9).await.expect("read").len(), 4);
}

async fn a_shared_device_stays_with_the_other(database: &Database) {
    let people = &database.people;
    let first = people.create_contact(&Scope::All, MINE, ann(), NOW).await.expect("made");
    let second = people.create_contact(&Scope::All, MINE, draft("C-2", HOME), NOW).await.expect("made");
    let theirs = NewTrace { account: OTHER, ..line("m-4", NUMBER, Some("C-1")) };
    let lines = [
        line("m-1", HOME, Some("C-1")),
        line("m-2", HOME, Some("C-2")),
        line("m-3", HOME, None),
        theirs.clone(),
    ];
    people.record_trace(&lines).await.expect("recorded");
    let erased = people.erase_contact(&Scope::All, first.id, None).await.expect("erased");
    assert_eq!((erased.devices, erased.history), (1, 1));
    let kept = people.contact(&Scope::All, second.id).await.expect("read").expect("there");
    assert_eq!(kept.devices[0].address, HOME);
    let trace = people.trace_of_device(&Scope::All, MINE, HOME, None, 9).await.expect("a page");
    let bare = NewTrace { client_id: None, text: None, detail: None, ..lines[0].clone() };
    assert_eq!(trace, [lines[2].clone(), lines[1].clone(), bare]);
    // Another account's history is its own.
    assert_eq!(people.trace_of_device(&others(), OTHER, NUMBER, None, 9).await.expect("a page"), [theirs]);
}

async fn who_may_not_does_nothing(database: &Database) {
    let people = &database.people;
    let made = people.create_contact(&Scope::All, MINE, ann(), NOW).await.expect("made");
    let foreign = people.erase_contact(&others(), made.id, None).await;
    assert!(matches!(foreign, Err(PeopleError::Absent { .. })), "{foreign:?}");
    let stale = people.erase_contact(&Scope::All, made.id, Some(7)).await;
    assert!(matches!(stale, Err(PeopleError::Changed { held: 1, .. })), "{stale:?}");
    let keyless = database.again("node-2").await;
    let refused = keyless.erase_contact(&Scope::All, made.id, None).await;
    assert!(matches!(refused, Err(PeopleError::NoKey)), "{refused:?}");
    keyless.close().await;
    assert_eq!(people.contact(&Scope::All, made.id).await.expect("read"), Some(made));
}
