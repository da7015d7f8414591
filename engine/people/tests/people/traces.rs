//! The trace of an end user.

use signalbox_core::time::Micros;
use signalbox_people::{Before, Direction, NewTrace, Scope};

use crate::database::{Database, MINE, OTHER, on_both, others};

on_both!(
    pages_go_back_in_time,
    an_event_told_twice_stands_once,
    an_end_told_without_words_leaves_them,
    an_end_in_the_instant_of_the_beginning_is_the_end,
    what_others_did_is_not_seen,
    a_sign_that_a_database_does_not_take_stops_no_history,
);

fn event(number: i64, device: &str, client_id: Option<&str>) -> NewTrace {
    NewTrace {
        event: format!("m-{number:03}"),
        account: MINE,
        device: device.into(),
        client_id: client_id.map(str::to_owned),
        // Two of each instant.
        at: Micros(number / 2),
        direction: if number % 3 == 0 { Direction::In } else { Direction::Out },
        channel: "text".into(),
        source: "72345".into(),
        sub_campaign: Some("survey".into()),
        status: "sent".into(),
        status_at: Micros(number),
        text: Some(format!("text {number}")),
        detail: Some(format!(r#"{{"reason":"way {number}"}}"#)),
    }
}

async fn pages_go_back_in_time(database: &Database) {
    let people = &database.people;
    let events: Vec<_> = (0..25).map(|number| event(number, "+12125550123", Some("C-1"))).collect();
    people.record_trace(&events).await.expect("recorded");
    people.record_trace(&[event(99, "+12125550124", None)]).await.expect("recorded");
    let mut seen: Vec<NewTrace> = Vec::new();
    loop {
        let before = seen.last().map(|last| Before { at: last.at, event: last.event.clone() });
        let page = people
            .trace_of_device(&Scope::All, MINE, "+12125550123", before.as_ref(), 7)
            .await
            .expect("a page");
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen, events.iter().rev().cloned().collect::<Vec<_>>());
    let by_client = people.trace_of_client(&Scope::All, MINE, "C-1", None, 100).await.expect("a page");
    assert_eq!(by_client, seen);
}

async fn an_event_told_twice_stands_once(database: &Database) {
    let people = &database.people;
    let sent = event(5, "+12125550123", None);
    let delivered = NewTrace { status: "delivered".into(), status_at: Micros(50), ..sent.clone() };
    people.record_trace(std::slice::from_ref(&delivered)).await.expect("recorded");
    // What is told late, and twice in one order, changes nothing.
    people.record_trace(&[sent.clone(), sent.clone(), delivered.clone()]).await.expect("recorded");
    let trace = people.trace_of_device(&Scope::All, MINE, "+12125550123", None, 9).await.expect("a page");
    assert_eq!(trace, [delivered]);
}

async fn an_end_told_without_words_leaves_them(database: &Database) {
    let people = &database.people;
    let ended = |of: &NewTrace| NewTrace {
        status: "delivered".into(),
        status_at: Micros(50),
        text: None,
        detail: None,
        ..of.clone()
    };
    // In one order with the message, after it, and before it.
    let [together, after, before] = [1, 2, 3].map(|number| event(number, "+12125550123", None));
    people.record_trace(&[together.clone(), ended(&together), after.clone()]).await.expect("recorded");
    people.record_trace(&[ended(&after), ended(&before)]).await.expect("recorded");
    people.record_trace(std::slice::from_ref(&before)).await.expect("recorded");
    let trace = people.trace_of_device(&Scope::All, MINE, "+12125550123", None, 9).await.expect("a page");
    let whole =
        |sent: NewTrace| NewTrace { text: sent.text.clone(), detail: sent.detail.clone(), ..ended(&sent) };
    assert_eq!(trace, [before, after, together].map(whole));
}

/// A text that the gate holds back in the commit that made it: both are told of the same instant.
async fn an_end_in_the_instant_of_the_beginning_is_the_end(database: &Database) {
    let people = &database.people;
    let queued = |number| NewTrace { status: NewTrace::QUEUED.into(), ..event(number, "+12125550123", None) };
    let ended = |of: &NewTrace| NewTrace {
        status: "filtered: opted_out_account".into(),
        text: None,
        detail: None,
        ..of.clone()
    };
    // In one order, after it, and before it; and all of it is told again.
    let [together, after, before] = [1, 2, 3].map(queued);
    people.record_trace(&[ended(&together), together.clone(), after.clone()]).await.expect("recorded");
    people.record_trace(&[ended(&after), ended(&before)]).await.expect("recorded");
    people.record_trace(std::slice::from_ref(&before)).await.expect("recorded");
    people.record_trace(&[together.clone(), after.clone(), before.clone()]).await.expect("recorded");
    let trace = people.trace_of_device(&Scope::All, MINE, "+12125550123", None, 9).await.expect("a page");
    let whole =
        |sent: NewTrace| NewTrace { text: sent.text.clone(), detail: sent.detail.clone(), ..ended(&sent) };
    assert_eq!(trace, [before, after, together].map(whole));
}

async fn what_others_did_is_not_seen(database: &Database) {
    let people = &database.people;
    let theirs = NewTrace { account: OTHER, ..event(1, "+12125550123", Some("C-1")) };
    people.record_trace(&[event(2, "+12125550123", Some("C-1")), theirs.clone()]).await.expect("recorded");
    let seen = people.trace_of_device(&others(), OTHER, "+12125550123", None, 9).await.expect("a page");
    assert_eq!(seen, [theirs]);
    assert_eq!(people.trace_of_client(&others(), MINE, "C-1", None, 9).await.expect("a page"), []);
}

/// PostgreSQL has no NUL in a text, and any device may write one: history must not stand still for it.
async fn a_sign_that_a_database_does_not_take_stops_no_history(database: &Database) {
    let people = &database.people;
    let odd = NewTrace { text: Some("a\0b".into()), ..event(1, "+12125550123", None) };
    people.record_trace(&[odd, event(2, "+12125550123", None)]).await.expect("recorded");
    let seen = people.trace_of_device(&Scope::All, MINE, "+12125550123", None, 10).await.expect("read");
    let texts: Vec<_> = seen.iter().filter_map(|entry| entry.text.as_deref()).collect();
    assert_eq!(texts, ["text 2", "a\u{fffd}b"]);
}
