//! Links over HTTP, against an aggregator on loopback.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use signalbox::links::Phase;
use signalbox::links::settings::LinkSettings;
use signalbox_config::Catalog;
use signalbox_config::value::SecretPlaces;
use signalbox_core::exchange::{Answer, Event, Unsent};
use signalbox_core::id::{LinkId, PeerId, SessionId};
use signalbox_core::message::{Body, Content};
use signalbox_core::outcome::ErrorClass;

use super::aggregator::{Aggregator, Says, resets};
use super::exchange::{Exchange, PATIENCE, linked};
use super::tls::Authority;

const A: PeerId = PeerId::Link(LinkId(4));
const QUICK: &str = "reconnect = { min = '10ms', max = '50ms' }";

/// The settings of a row whose lines about the link and about HTTP are these; `ADDRESS` is the aggregator.
fn settings(address: impl ToString, link: &str, http: &str) -> LinkSettings {
    let text = format!("[[link]]\nname = 'a'\nprotocol = 'http'\n{QUICK}\n{link}\n[link.http]\n{http}\n")
        .replace("ADDRESS", &address.to_string());
    let catalog = Catalog::parse("c", &text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    let secrets = SecretPlaces { directory: Path::new("/nowhere") };
    LinkSettings::of_row(LinkId(4), &catalog.link[0], secrets).unwrap()
}

/// A link that is up.
async fn up(link: &str, http: &str) -> (Exchange, Aggregator, SessionId) {
    let aggregator = Aggregator::start().await;
    let mut exchange = Exchange::open(linked(vec![settings(aggregator.address, link, http)])).await;
    let (peer, session, _) = exchange.up().await;
    assert_eq!(peer, A);
    (exchange, aggregator, session)
}

const PLAIN: &str = "url = 'http://ADDRESS/v1/messages'\ntoken = 'secret-token'";

fn content(payload: &[u8], esm_class: u8, data_coding: u8) -> Body {
    let payload = Bytes::copy_from_slice(payload);
    Body::Content(Content { payload, esm_class, data_coding, ..Content::default() })
}

fn refused(class: ErrorClass, status: u32) -> Answer {
    Answer::Refused { class, status }
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_message_leaves_in_our_own_form_and_its_id_comes_back() {
    let (mut exchange, mut aggregator, session) = up("", PLAIN).await;
    let permit = exchange.send_text(session, A, "hi \"there\" \u{1b}e");
    let asked = aggregator.next().await;
    assert_eq!((asked.method.as_str(), asked.uri.path()), ("POST", "/v1/messages"));
    assert_eq!(asked.header("authorization"), "Bearer secret-token");
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(asked.header("content-length"), asked.body.len().to_string());
    assert_eq!(asked.header("idempotency-key").len(), 32);
    let body = asked.json();
    assert_eq!(body["destination"], "+447700900123");
    assert_eq!(body["source"], "Bank");
    assert_eq!(body["text"], "hi \"there\" €");
    assert_eq!((&body["receipt"], &body["flash"]), (&json!("final"), &json!(false)));
    assert_eq!(body["protocol_id"], 0);
    // What is absent is left out.
    assert!(body.get("service_type").is_none() && body.get("binary").is_none(), "{body}");
    assert_eq!(exchange.answered(permit).await, Answer::Taken { remote_id: "A1".into() });
    let state = &exchange.links.states()[0];
    assert_eq!((state.bound(), state.wanted), (1, 1));
}

#[tokio::test]
async fn octets_and_parts_leave_with_their_header() {
    let (mut exchange, mut aggregator, session) = up("", PLAIN).await;
    exchange.send(session, A, content(b"\x00\xff", 0, 4), LONG);
    let body = aggregator.next().await.json();
    assert_eq!(body["binary"], json!({ "data": "00ff", "data_coding": 4 }));
    assert!(body.get("text").is_none());
    let part = content(b"\x05\x00\x03\x2a\x03\x02text", 0x40, 0);
    let permit = exchange.send(session, A, part, LONG);
    let body = aggregator.next().await.json();
    assert_eq!(body["binary"], json!({ "data": "74657874", "header": "0500032a0302", "data_coding": 0 }));
    assert!(matches!(exchange.answered(permit).await, Answer::Taken { .. }));
}

#[tokio::test]
async fn another_api_is_data() {
    let http = "url = 'http://ADDRESS/send/{to}?from={from}&key={secret.key}'\nmethod = 'put'\n\
                user = 'us'\npassword = 'pass'\nsecrets = { key = 'k&y' }\n\
                headers = { x-id = '{id}', x-text = '{text}' }\nbody_type = 'form'\nparts = 'text'\n\
                body = 'text={text}&udh={udh}&part={part}/{parts}&dlr={receipt_url}'\n\
                answer = { id_at = 'regex:id=(\\w+)' }\n\
                [link.http.callback]\nbase = 'http://us/'\ntoken = 't'";
    let (mut exchange, mut aggregator, session) = up("", http).await;
    aggregator.plan([Says::Answer(200, "OK id=x7\n".into())]);
    let permit = exchange.send(session, A, content(b"\x05\x00\x03\x2a\x03\x02a&b=c d\nX: y", 0x40, 0), LONG);
    let asked = aggregator.next().await;
    assert_eq!(asked.method, "PUT");
    assert_eq!(asked.uri.to_string(), "/send/447700900123?from=Bank&key=k%26y");
    // us:pass
    assert_eq!(asked.header("authorization"), "Basic dXM6cGFzcw==");
    assert_eq!((asked.header("x-id").len(), asked.header("x-text")), (32, "a&b=c d X: y"));
    assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(
        asked.body,
        "text=a%26b%3Dc%20d%0AX%3A%20y&udh=0500032a0302&part=2/3&dlr=http%3A%2F%2Fus%2Fv1%2Flinks%2Fa%2Freceipts"
    );
    assert_eq!(exchange.answered(permit).await, Answer::Taken { remote_id: "x7".into() });
    // It has no form for octets.
    let permit = exchange.send(session, A, content(b"\x00", 0, 4), LONG);
    assert_eq!(exchange.unsent(permit).await, Unsent::NotEncodable);
}

#[tokio::test]
async fn a_get_has_all_in_its_url_and_xml_is_escaped() {
    let http = "url = 'http://ADDRESS/?t={text}'\nmethod = 'get'\nanswer = { id_at = 'header:x-id' }";
    let (exchange, mut aggregator, session) = up("", http).await;
    exchange.send_text(session, A, "a b");
    let asked = aggregator.next().await;
    assert_eq!((asked.method.as_str(), asked.uri.query()), ("GET", Some("t=a%20b")));
    assert_eq!(asked.body, "");
    drop(exchange);

    let http = "url = 'http://ADDRESS/'\nbody_type = 'xml'\nbody = '<sms to=\"{to}\">{text}</sms>'";
    let (exchange, mut aggregator, session) = up("", http).await;
    exchange.send_text(session, A, "a<b & \"c\"");
    let asked = aggregator.next().await;
    assert_eq!(asked.header("content-type"), "application/xml; charset=utf-8");
    assert_eq!(asked.body, "<sms to=\"447700900123\">a&lt;b &amp; &quot;c&quot;</sms>");
}

#[tokio::test]
async fn each_answer_has_its_meaning() {
    let (mut exchange, aggregator, session) = up("errors = { 409 = 'temporary' }", PLAIN).await;
    for (says, answer) in [
        (Says::Answer(422, "{}".into()), refused(ErrorClass::Permanent, 422)),
        (Says::Answer(500, String::new()), refused(ErrorClass::Temporary, 500)),
        (Says::Answer(429, String::new()), refused(ErrorClass::Throttling, 429)),
        (Says::Answer(409, String::new()), refused(ErrorClass::Temporary, 409)),
        (Says::Answer(504, String::new()), Answer::Silent),
        // Redirects are not followed: the link is not what we think.
        (Says::Elsewhere(302), refused(ErrorClass::Fatal, 302)),
        (Says::Answer(401, String::new()), refused(ErrorClass::Fatal, 401)),
        // Good statuses that say nothing of the message.
        (Says::Answer(200, "<html>log in</html>".into()), Answer::Silent),
        (Says::Answer(200, "{\"id\":".into()), Answer::Silent),
        (Says::Much(1 << 20), Answer::Silent),
        (Says::Answer(200, "{\"id\": 5}".into()), Answer::Taken { remote_id: "5".into() }),
    ] {
        aggregator.plan([says.clone()]);
        let permit = exchange.send_text(session, A, "x");
        assert_eq!(exchange.answered(permit).await, answer, "{says:?}");
    }
}

#[tokio::test]
async fn a_pause_is_told_before_the_refusal_that_asks_for_it() {
    let (mut exchange, aggregator, session) = up("", PLAIN).await;
    for (status, after, class) in [(429, "7", ErrorClass::Throttling), (503, "7", ErrorClass::Throttling)] {
        aggregator.plan([Says::RetryAfter(status, after)]);
        let permit = exchange.send_text(session, A, "x");
        let events = exchange
            .event("the refusal", |event| match event {
                Event::Pause { session: of, wait } => {
                    assert_eq!((*of, *wait), (session, Duration::from_secs(7)));
                    Some(())
                }
                // Had it come first, it would be seen first.
                Event::Answered { .. } => panic!("the refusal came before the pause"),
                _ => None,
            })
            .await;
        let () = events;
        assert_eq!(exchange.answered(permit).await, refused(class, u32::from(status)));
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_leaves_doubt() {
    let (mut exchange, mut aggregator, session) =
        up("response_timeout = '300ms'\nbind_timeout = '200ms'", PLAIN).await;
    aggregator.plan([Says::Nothing, Says::Closes]);
    for _ in 0..2 {
        let permit = exchange.send_text(session, A, "x");
        aggregator.next().await;
        assert_eq!(exchange.answered(permit).await, Answer::Silent);
    }
    // The link stays up: one lost answer says nothing of the next message.
    let permit = exchange.send_text(session, A, "x");
    assert!(matches!(exchange.answered(permit).await, Answer::Taken { .. }));
}

#[tokio::test]
async fn a_reset_after_the_request_was_written_is_doubt() {
    let address = resets().await;
    let mut exchange = Exchange::open(linked(vec![settings(address, "", PLAIN)])).await;
    let (_, session, _) = exchange.up().await;
    let permit = exchange.send_text(session, A, "x");
    assert_eq!(exchange.answered(permit).await, Answer::Silent);
}

#[tokio::test]
async fn a_link_that_cannot_be_reached_gives_its_messages_back_and_comes_again() {
    let (mut exchange, aggregator, session) = up("window = 50", PLAIN).await;
    let address = aggregator.address;
    drop(aggregator);
    // The old listener's task ends soon; until then its connections are accepted and closed.
    let permit = loop {
        let permit = exchange.send_text(session, A, "x");
        let unsent = exchange
            .event("an end", |event| match event {
                Event::Unsent { permit: of, why } if *of == permit => Some(Some(*why)),
                Event::Answered { permit: of, .. } if *of == permit => Some(None),
                _ => None,
            })
            .await;
        if let Some(why) = unsent {
            assert_eq!(why, Unsent::NotWritten);
            break permit;
        }
    };
    let (unsent, in_flight) = exchange.down(session).await;
    assert!(!unsent.contains(&permit) && in_flight.is_empty());
    let waiting = wait_for_phase(&exchange, Phase::Waiting).await;
    assert!(waiting.is_some_and(|error| error.contains("connect")));

    let mut aggregator = Aggregator::at(address).await;
    let (_, again, _) = exchange.up().await;
    assert_ne!(again, session);
    let permit = exchange.send_text(again, A, "back");
    assert_eq!(aggregator.next().await.json()["text"], "back");
    assert!(matches!(exchange.answered(permit).await, Answer::Taken { .. }));
}

/// Waits until the link's session is in a phase; its last error then.
async fn wait_for_phase(exchange: &Exchange, phase: Phase) -> Option<String> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let states = exchange.links.states();
        if let Some(found) = states[0].sessions.iter().find(|session| session.phase == phase) {
            return found.last_error.clone();
        }
        assert!(tokio::time::Instant::now() < deadline, "never {phase:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_refusal_of_the_link_ends_the_session_and_it_begins_anew() {
    let (mut exchange, _aggregator, session) = up("", PLAIN).await;
    exchange.close(session, 401);
    let (unsent, in_flight) = exchange.down(session).await;
    assert!(unsent.is_empty() && in_flight.is_empty());
    let (_, again, _) = exchange.up().await;
    assert_ne!(again, session);
}

#[tokio::test]
async fn a_permit_that_has_run_out_is_not_used() {
    let (mut exchange, mut aggregator, session) = up("", PLAIN).await;
    let permit = exchange.send(session, A, content(b"late", 0, 0), Duration::ZERO);
    assert_eq!(exchange.unsent(permit).await, Unsent::NotWritten);
    let permit = exchange.send_text(session, A, "in time");
    assert_eq!(aggregator.next().await.json()["text"], "in time");
    assert!(matches!(exchange.answered(permit).await, Answer::Taken { .. }));
    assert!(aggregator.is_quiet());
}

#[tokio::test]
async fn a_window_of_requests_is_on_its_way_at_once() {
    let (mut exchange, mut aggregator, session) = up("window = 3", PLAIN).await;
    let late = || Says::Late(Duration::from_millis(200), "{\"id\": \"late\"}".into());
    aggregator.plan([late(), late(), late()]);
    let permits = exchange.send_batch(session, A, 3);
    for _ in 0..3 {
        aggregator.next().await;
    }
    for permit in permits {
        assert_eq!(exchange.answered(permit).await, Answer::Taken { remote_id: "late".into() });
    }
}

#[tokio::test]
async fn a_drain_waits_for_what_is_under_way() {
    let (mut exchange, mut aggregator, session) = up("", PLAIN).await;
    aggregator.plan([Says::Late(Duration::from_millis(300), "{\"id\": \"late\"}".into())]);
    let permit = exchange.send_text(session, A, "x");
    aggregator.next().await;
    assert!(exchange.links.drain(PATIENCE).await);
    let (unsent, in_flight) = exchange.down(session).await;
    assert!(unsent.is_empty() && in_flight.is_empty());
    assert_eq!(exchange.answered(permit).await, Answer::Taken { remote_id: "late".into() });
}

#[tokio::test]
async fn a_stop_leaves_what_is_under_way_in_doubt() {
    let (mut exchange, mut aggregator, session) = up("", PLAIN).await;
    aggregator.plan([Says::Nothing]);
    let permit = exchange.send_text(session, A, "x");
    aggregator.next().await;
    assert!(!exchange.links.drain(Duration::from_millis(100)).await);
    assert_eq!(exchange.answered(permit).await, Answer::Silent);
}

#[tokio::test]
async fn a_changed_row_begins_a_new_session() {
    let (mut exchange, mut aggregator, session) = up("", PLAIN).await;
    let other = PLAIN.replace("secret-token", "other-token");
    exchange.links.apply(linked(vec![settings(aggregator.address, "", &other)])).await.unwrap();
    exchange.down(session).await;
    let (_, again, _) = exchange.up().await;
    exchange.send_text(again, A, "x");
    assert_eq!(aggregator.next().await.header("authorization"), "Bearer other-token");
}

#[tokio::test]
async fn a_link_over_https_trusts_its_own_authority_and_no_other() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let mut aggregator = Aggregator::over_tls(authority.sign("localhost")).await;
    let http = format!("url = 'https://localhost:{}/'\ntoken = 't'", aggregator.address.port());
    let link = |ca: &Path| settings("", &format!("tls = {{ ca = '{}' }}", ca.display()), &http);
    let mut exchange = Exchange::open(linked(vec![link(&authority.ca())])).await;
    let (_, session, _) = exchange.up().await;
    let permit = exchange.send_text(session, A, "secret");
    assert_eq!(aggregator.next().await.json()["text"], "secret");
    assert!(matches!(exchange.answered(permit).await, Answer::Taken { .. }));
    assert!(exchange.links.states()[0].sessions[0].tls);

    let exchange = Exchange::open(linked(vec![link(&stranger.ca())])).await;
    let error = wait_for_phase(&exchange, Phase::Waiting).await;
    assert!(error.as_ref().is_some_and(|error| error.contains("handshake")), "{error:?}");
    assert!(aggregator.is_quiet());
}
