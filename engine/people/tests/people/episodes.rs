//! Episodes of conversations and their session variables (API-15).

use signalbox_core::time::Micros;
use signalbox_people::{Episode, Scope};

use crate::database::{Database, MINE, NOW, OTHER, draft, on_both, others};

on_both!(
    what_is_told_last_stands,
    pages_go_on_with_what_changed,
    versions_are_in_use_while_episodes_are_open,
    an_erased_person_leaves_no_answers,
);

fn episode(number: u32, told: u32) -> Episode {
    Episode {
        id: format!("c{number:03}.1"),
        told: format!("{told:04}"),
        account: MINE,
        sub_campaign: "survey".into(),
        device: format!("+1212555{number:04}"),
        source: "72345".into(),
        client_id: Some(format!("C-{number}")),
        version: Some("survey.2".into()),
        began_at: Micros(i64::from(told)),
        at: Micros(i64::from(told)),
        ended: false,
        variables: format!(r#"{{"told":{told}}}"#),
        test: false,
    }
}

async fn all(database: &Database) -> Vec<Episode> {
    database.people.episodes(&Scope::All, MINE, ("survey", false), None, 1_000).await.expect("episodes")
}

async fn what_is_told_last_stands(database: &Database) {
    let people = &database.people;
    let first = episode(1, 1);
    let later = Episode { ended: true, client_id: None, ..episode(1, 3) };
    // In one order, and again, and what is late.
    people.record_episodes(&[later.clone(), first.clone(), episode(1, 2)]).await.expect("recorded");
    let expected = Episode { began_at: Micros(1), client_id: first.client_id.clone(), ..later.clone() };
    assert_eq!(all(database).await, std::slice::from_ref(&expected));
    people.record_episodes(&[episode(1, 2)]).await.expect("recorded");
    people.record_episodes(&[later]).await.expect("recorded");
    assert_eq!(all(database).await, [expected]);
    assert_eq!(people.episodes(&others(), MINE, ("survey", false), None, 9).await.expect("none"), []);
    let theirs = Episode { id: "x.1".into(), account: OTHER, ..episode(9, 9) };
    people.record_episodes(&[theirs]).await.expect("recorded");
    assert_eq!(all(database).await.len(), 1);
}

async fn pages_go_on_with_what_changed(database: &Database) {
    let people = &database.people;
    let first: Vec<_> = (1..=25).map(|number| episode(number, number)).collect();
    people.record_episodes(&first).await.expect("recorded");
    let mut seen: Vec<Episode> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page =
            people.episodes(&Scope::All, MINE, ("survey", false), after.as_deref(), 7).await.expect("a page");
        let Some(last) = page.last() else { break };
        after = Some(last.told.clone());
        seen.extend(page);
    }
    assert_eq!(seen, first);
    people.record_episodes(&[episode(3, 100)]).await.expect("recorded");
    let page =
        people.episodes(&Scope::All, MINE, ("survey", false), after.as_deref(), 7).await.expect("a page");
    assert_eq!(page.iter().map(|episode| episode.id.as_str()).collect::<Vec<_>>(), ["c003.1"]);
}

async fn versions_are_in_use_while_episodes_are_open(database: &Database) {
    let people = &database.people;
    people.record_episodes(&[episode(1, 1), episode(2, 2)]).await.expect("recorded");
    assert_eq!(people.open_on_version(MINE, "survey.2").await.expect("a count"), 2);
    assert_eq!(people.open_on_version(MINE, "survey.1").await.expect("a count"), 0);
    assert_eq!(people.open_on_version(OTHER, "survey.2").await.expect("a count"), 0);
    people.record_episodes(&[Episode { ended: true, ..episode(1, 3) }]).await.expect("recorded");
    assert_eq!(people.open_on_version(MINE, "survey.2").await.expect("a count"), 1);
}

async fn an_erased_person_leaves_no_answers(database: &Database) {
    let people = &database.people;
    let address = episode(1, 1).device;
    let contact =
        people.create_contact(&Scope::All, MINE, draft("C-1", &address), NOW).await.expect("a contact");
    people.record_episodes(&[episode(1, 1), episode(2, 2)]).await.expect("recorded");
    people.erase_contact(&Scope::All, contact.id, None).await.expect("erased");
    people.record_episodes(&[episode(1, 3)]).await.expect("told again");
    let left = all(database).await;
    assert_eq!(left[0], episode(2, 2));
    assert_eq!((left[1].variables.as_str(), left[1].client_id.as_deref()), ("{}", None));
    assert_ne!(left[1].device, address);
}
