//! The ledger of consent, and the suppressions that it comes to.

use signalbox_core::time::Micros;
use signalbox_people::{Action, Channels, Level, NewConsent, Scope};

use crate::database::{Database, MINE, NOW, on_both, others};

on_both!(
    the_ledger_comes_to_suppressions,
    an_event_stands_once,
    levels_are_apart,
    a_wording_that_a_database_does_not_take_is_evidence_all_the_same,
);

const NUMBER: &str = "+12125550123";

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
        evidence: Some("message 17".into()),
    }
}

async fn held(database: &Database) -> Vec<(Channels, Micros)> {
    let levels = [(Level::Account, "1".to_owned())];
    let found = database.people.suppressions_of(&levels, &[NUMBER, "C-1"]).await.expect("read");
    found.into_iter().map(|one| (one.channels, one.since)).collect()
}

async fn the_ledger_comes_to_suppressions(database: &Database) {
    let people = &database.people;
    let both = Channels(Channels::TEXT.0 | Channels::VOICE.0);
    assert!(people.record_consent(&said("1", Action::OptOut, Channels::TEXT)).await.expect("recorded"));
    let later = NewConsent { at: Micros(NOW.0 + 5), ..said("2", Action::OptOut, Channels::VOICE) };
    people.record_consent(&later).await.expect("recorded");
    // It holds since the first one.
    assert_eq!(held(database).await, [(both, NOW)]);
    people.record_consent(&said("3", Action::OptIn, Channels::TEXT)).await.expect("recorded");
    assert_eq!(held(database).await, [(Channels::VOICE, NOW)]);
    people.record_consent(&said("4", Action::OptIn, Channels::ALL)).await.expect("recorded");
    assert_eq!(held(database).await, []);
    let ledger = people.consents(&Scope::All, MINE, NUMBER, None, 9).await.expect("read");
    let events: Vec<_> = ledger.iter().map(|entry| entry.said.event.as_str()).collect();
    assert_eq!(events, ["4", "3", "2", "1"]);
    assert_eq!(ledger[2].said, later);
    let page = people.consents(&Scope::All, MINE, NUMBER, Some(ledger[1].id), 1).await.expect("read");
    assert_eq!(page, ledger[2..3]);
    assert_eq!(people.consents(&others(), MINE, NUMBER, None, 9).await.expect("read"), []);
}

async fn an_event_stands_once(database: &Database) {
    let people = &database.people;
    people.record_consent(&said("1", Action::OptOut, Channels::TEXT)).await.expect("recorded");
    people.record_consent(&said("2", Action::OptIn, Channels::TEXT)).await.expect("recorded");
    // Told again after a restart, it does not shut what was opened since.
    assert!(!people.record_consent(&said("1", Action::OptOut, Channels::TEXT)).await.expect("recorded"));
    assert_eq!(held(database).await, []);
    assert_eq!(people.consents(&Scope::All, MINE, NUMBER, None, 9).await.expect("read").len(), 2);
}

async fn levels_are_apart(database: &Database) {
    let people = &database.people;
    for (event, level, id) in
        [("1", Level::Campaign, "7"), ("2", Level::Enterprise, "1"), ("3", Level::Account, "2")]
    {
        let said = NewConsent { level, level_id: id.into(), ..said(event, Action::OptOut, Channels::TEXT) };
        people.record_consent(&said).await.expect("recorded");
    }
    assert_eq!(held(database).await, []);
    for subject in ["+12125550100", "C-1"] {
        let said = NewConsent { subject: subject.into(), ..said(subject, Action::OptOut, Channels::TEXT) };
        people.record_consent(&said).await.expect("recorded");
    }
    let page = people.suppressions(Level::Account, "1", None, 1).await.expect("read");
    assert_eq!(page[0].subject, "+12125550100");
    let page = people.suppressions(Level::Account, "1", Some(&page[0].subject), 9).await.expect("read");
    assert_eq!(page.into_iter().map(|one| one.subject).collect::<Vec<_>>(), ["C-1"]);
}

async fn a_wording_that_a_database_does_not_take_is_evidence_all_the_same(database: &Database) {
    let people = &database.people;
    let odd = NewConsent { wording: Some("STOP\0".into()), ..said("1", Action::OptOut, Channels::TEXT) };
    assert!(people.record_consent(&odd).await.expect("recorded"));
    let ledger = people.consents(&Scope::All, MINE, NUMBER, None, 9).await.expect("read");
    assert_eq!(ledger[0].said.wording.as_deref(), Some("STOP\u{fffd}"));
}
