//! What those who ask over the API are known by: sessions, and requests that were asked with a key.

use std::time::Duration;

use signalbox_core::time::Micros;
use signalbox_people::{AccountId, Answer, AskedOnce, KnownKey, People, Scope, Session};

use crate::database::{Database, MINE, NOW, OTHER, draft, on_both};

on_both!(
    a_key_is_answered_as_it_was_over_a_restart_and_on_another_node,
    a_key_that_nobody_answered_is_carried_out_again_by_who_may,
    each_owner_has_bounds_of_their_own,
    an_erasure_takes_answers_away_and_not_that_they_were_given,
    a_session_holds_over_a_restart_until_it_ends,
);

const PATIENCE: Duration = Duration::from_secs(30);
const LONG_AGO: Micros = Micros(0);

fn asked(id: &str, request: &str, at: i64) -> AskedOnce {
    let account = Some(MINE);
    let (id, owner, request) = (id.to_owned(), "token".to_owned(), request.to_owned());
    AskedOnce { id, owner, account, request, at: Micros(NOW.0 + at * 1_000_000) }
}

async fn ask(people: &People, asked: AskedOnce, oldest: Micros) -> KnownKey {
    people.ask_once(&[asked], oldest, PATIENCE).await.expect("known").remove(0)
}

fn answer(body: &str) -> Answer {
    Answer { status: 201, content: Some((r#"[["etag","1"]]"#.to_owned(), body.to_owned())) }
}

async fn keep(people: &People, id: &str, answer: Option<Answer>) {
    people.keep_answers(&[(id.to_owned(), answer)]).await.expect("kept");
}

async fn a_key_is_answered_as_it_was_over_a_restart_and_on_another_node(database: &Database) {
    let people = &database.people;
    assert_eq!(ask(people, asked("k", "r", 0), LONG_AGO).await, KnownKey::Nothing);
    keep(people, "k", Some(answer("{}"))).await;
    for node in ["node-1", "node-2"] {
        let people = database.again(node).await;
        assert_eq!(ask(&people, asked("k", "r", 1), LONG_AGO).await, KnownKey::Answered(answer("{}")));
        assert_eq!(ask(&people, asked("k", "another", 1), LONG_AGO).await, KnownKey::Another);
        people.close().await;
    }
    // Old enough to be forgotten, it is a key like any other.
    let after = Micros(NOW.0 + 1);
    assert_eq!(ask(people, asked("k", "another", 2), after).await, KnownKey::Nothing);
    assert_eq!(ask(people, asked("k", "r", 2), after).await, KnownKey::Another);
}

async fn a_key_that_nobody_answered_is_carried_out_again_by_who_may(database: &Database) {
    let people = &database.people;
    let other = database.again("node-2").await;
    assert_eq!(ask(people, asked("k", "r", 0), LONG_AGO).await, KnownKey::Nothing);
    assert_eq!(ask(&other, asked("k", "r", 1), LONG_AGO).await, KnownKey::UnderWay);
    // The process of the first one was started again.
    assert_eq!(ask(people, asked("k", "r", 2), LONG_AGO).await, KnownKey::Nothing);
    assert_eq!(ask(&other, asked("k", "r", 31), LONG_AGO).await, KnownKey::UnderWay);
    assert_eq!(ask(&other, asked("k", "r", 32), LONG_AGO).await, KnownKey::Nothing, "it is gone");
    // What failed may be asked of anybody at once, with the same request.
    keep(&other, "k", None).await;
    assert_eq!(ask(people, asked("k", "r", 33), LONG_AGO).await, KnownKey::Nothing);
    assert_eq!(ask(people, asked("k", "another", 33), LONG_AGO).await, KnownKey::Another);
    other.close().await;
}

async fn each_owner_has_bounds_of_their_own(database: &Database) {
    let people = &database.people;
    for number in 0..10 {
        let id = format!("k{number}");
        ask(people, asked(&id, "r", number), LONG_AGO).await;
        keep(people, &id, Some(Answer { status: 200, content: Some((String::new(), "12345".to_owned())) }))
            .await;
        let theirs = AskedOnce { owner: "another".to_owned(), ..asked(&format!("t{number}"), "r", number) };
        ask(people, theirs, LONG_AGO).await;
    }
    assert_eq!(people.forget_asked("token", Micros(NOW.0 + 2_000_000), 100, 1_000).await.expect("old"), 2);
    assert_eq!(people.forget_asked("token", LONG_AGO, 6, 1_000).await.expect("many"), 2);
    assert_eq!(people.forget_asked("token", LONG_AGO, 100, 17).await.expect("large"), 3);
    let known = ask(people, asked("k7", "r", 99), LONG_AGO).await;
    assert!(matches!(known, KnownKey::Answered(_)), "{known:?}");
    assert_eq!(ask(people, asked("k6", "r", 99), LONG_AGO).await, KnownKey::Nothing, "the oldest went");
    assert_eq!(people.forget_asked("another", LONG_AGO, 10, 1_000).await.expect("none"), 0);
}

async fn an_erasure_takes_answers_away_and_not_that_they_were_given(database: &Database) {
    let people = &database.people;
    let contact = people.create_contact(&Scope::All, MINE, draft("C-1", "+12125550101"), NOW).await;
    let ways: [(&str, Option<AccountId>); 3] = [("mine", Some(MINE)), ("all", None), ("theirs", Some(OTHER))];
    for (id, account) in ways {
        ask(people, AskedOnce { account, ..asked(id, "r", 0) }, LONG_AGO).await;
        keep(people, id, Some(answer("+12125550101"))).await;
    }
    people.erase_contact(&Scope::All, contact.expect("a contact").id, None).await.expect("erased");
    let gone = KnownKey::Answered(Answer { status: 201, content: None });
    assert_eq!(ask(people, asked("mine", "r", 1), LONG_AGO).await, gone);
    assert_eq!(ask(people, asked("all", "r", 1), LONG_AGO).await, gone);
    let theirs = ask(people, asked("theirs", "r", 1), LONG_AGO).await;
    assert_eq!(theirs, KnownKey::Answered(answer("+12125550101")));
}

async fn a_session_holds_over_a_restart_until_it_ends(database: &Database) {
    let people = &database.people;
    let session = |token: &str, ends: i64| Session {
        token: token.to_owned(),
        person: "ann".to_owned(),
        password: "digest".to_owned(),
        ends: Micros(NOW.0 + ends),
    };
    people.open_session(&session("one", 10), NOW, 3).await.expect("open");
    let again = database.again("node-2").await;
    assert_eq!(again.session("one", NOW).await.expect("asked"), Some(session("one", 10)));
    assert_eq!(again.session("one", Micros(NOW.0 + 10)).await.expect("asked"), None, "its time is over");
    again.close_session("one").await.expect("closed");
    again.close().await;
    assert_eq!(people.session("one", NOW).await.expect("asked"), None);
    // The one whose time ends first makes room.
    for (token, ends) in [("a", 40), ("b", 20), ("c", 30), ("d", 50)] {
        people.open_session(&session(token, ends), NOW, 3).await.expect("open");
    }
    let mut open = Vec::new();
    for token in ["a", "b", "c", "d"] {
        open.extend(people.session(token, NOW).await.expect("asked").map(|session| session.token));
    }
    assert_eq!(open, ["a", "c", "d"]);
}
