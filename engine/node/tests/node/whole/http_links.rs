//! Links over HTTP in whole nodes: two nodes linked to each other, and a node before an aggregator's API.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;

use super::super::links::aggregator::{Aggregator, Says};
use super::esme::Esme;
use super::site::{Site, http, wait_for};
use super::smsc::Smsc;
use super::wire::Message;

const PATIENCE: Duration = Duration::from_secs(30);

const DEMO: &str = "[[account]]\nname = 'demo'\nsystem_id = 'demo'\npassword = 'demo'\nsources = ['*']\n\
                    mo_addresses = ['12345']\n";

/// A node whose only way out is the HTTP API of another one.
fn near(far_api: SocketAddr) -> String {
    format!(
        "{DEMO}[[link]]\nname = 'far'\nprotocol = 'http'\nwindow = 8\nresponse_timeout = '5s'\nbind_timeout = '1s'\n\
         reconnect = {{ min = '50ms', max = '300ms' }}\ndoubt = {{ hold = '500ms', then = 'retry' }}\n\
         [link.http]\nurl = 'http://{far_api}/v1/messages'\ntoken = 'token-of-the-near-node'\n\
         [link.http.callback]\nsecret = 'key-of-the-callbacks'\n\
         [[route]]\nname = 'mt'\nwhen = {{ direction = 'mt' }}\nthen = {{ links = [{{ link = 'far' }}] }}\n"
    )
}

/// The other one: its account for the near node, an SMSC behind it.
fn far(smsc: SocketAddr, near_api: SocketAddr) -> String {
    format!(
        "[[account]]\nname = 'near'\nsystem_id = 'near'\npassword = 'near'\nsources = ['*']\nmo_addresses = ['12345']\n\
         [[token]]\nname = 'near'\nsecret = 'token-of-the-near-node'\naccount = 'near'\nrights = ['messages:send']\n\
         [[webhook]]\nname = 'near'\naccount = 'near'\nurl = 'http://{near_api}/v1/links/far/events'\n\
         secret = 'key-of-the-callbacks'\nretry = {{ waits = ['100ms'], then_every = '200ms' }}\n\
         [[link]]\nname = 'smsc'\nhost = '{}'\nport = {}\nsystem_id = 'signalbox'\npassword = 'secret'\n\
         reconnect = {{ min = '50ms', max = '300ms' }}\n\
         [[route]]\nname = 'mt'\nwhen = {{ direction = 'mt' }}\nthen = {{ links = [{{ link = 'smsc' }}] }}\n",
        smsc.ip(),
        smsc.port()
    )
}

/// Two nodes that know of each other, not started.
fn pair(smsc: &Smsc) -> (Site, Site) {
    let (near_site, mut far_site) = (Site::new(""), Site::new(""));
    std::fs::write(near_site.path("catalog.toml"), near(far_site.api)).unwrap();
    std::fs::write(far_site.path("catalog.toml"), far(smsc.address, near_site.api)).unwrap();
    far_site.extra = "[webhooks]\nprivate_targets = true\n".to_owned();
    (near_site, far_site)
}

fn number(number: u64) -> String {
    format!("4477009{number:05}")
}

fn submit(esme: &mut Esme, numbers: std::ops::Range<u64>) {
    for to in numbers {
        esme.until("a place in the window", PATIENCE, |esme| esme.open() < 10);
        esme.submit_text(&number(to), format!("message {to}").as_bytes()).unwrap();
    }
    esme.until("all answers", PATIENCE, |esme| esme.open() == 0);
}

fn all_have_receipts(esme: &Esme) -> bool {
    esme.book.accepted.values().all(|id| esme.book.receipts.contains_key(id))
}

#[test]
fn two_nodes_are_linked_over_http_with_receipts_and_mo_both_ways() {
    let smsc = Smsc::start(Some(Duration::from_millis(20)));
    let (near, far) = pair(&smsc);
    let (_far_node, _near_node) = (far.start(), near.start());
    let mut esme = Esme::bind(near.smpp).unwrap();
    submit(&mut esme, 0..20);
    // The second part of a long message, as long as septets can be, and a text beyond the GSM alphabet.
    let part = [&b"\x05\x00\x03\x2a\x02\x02"[..], &[b'x'; 153]].concat();
    let long = Message {
        source: "12345".into(),
        destination: number(50),
        esm_class: 0x40,
        registered: 1,
        text: part.clone(),
        ..Message::default()
    };
    esme.submit_message(&long).unwrap();
    esme.until("all answers", PATIENCE, |esme| esme.open() == 0);
    assert_eq!((esme.book.accepted.len(), esme.book.refused.len()), (21, 0));
    esme.until("a receipt for each", PATIENCE, all_have_receipts);
    assert!(esme.book.receipts.values().all(|states| *states == ["DELIVRD"]), "{:?}", esme.book.receipts);

    let taken = smsc.taken();
    assert_eq!(taken.len(), 21);
    let texts: BTreeSet<&[u8]> = taken.iter().map(|taken| taken.message.text.as_slice()).collect();
    assert!(texts.contains(part.as_slice()) && texts.contains(&b"message 7"[..]));
    assert!(taken.iter().all(|taken| taken.message.source == "12345"));

    smsc.deliver(&Message {
        source: number(1),
        destination: "12345".to_owned(),
        text: b"STOP".to_vec(),
        ..Message::default()
    });
    wait_for("the device's message is delivered to the ESME", PATIENCE, || {
        esme.turn(Duration::from_millis(20)).unwrap();
        let finals = near.finals();
        finals.iter().any(|cdr| cdr["direction"] == "mo" && cdr["outcome"] == "delivered").then_some(())
    });
    assert!((near.metric("http_link_requests_total", "result=\"taken\"") - 21.0).abs() < 0.1);
}

#[test]
fn a_node_that_is_killed_goes_on_over_http_without_loss_or_copies() {
    let smsc = Smsc::start(Some(Duration::from_millis(20)));
    let (near, far) = pair(&smsc);
    let far_node = far.start();
    let mut near_node = near.start();
    let mut esme = Esme::bind(near.smpp).unwrap();
    for round in 0..3_u64 {
        for to in round * 100..round * 100 + 60 {
            esme.until("a place in the window", PATIENCE, |esme| esme.open() < 20);
            esme.submit_text(&number(to), b"in the way of a kill").unwrap();
        }
        near_node.kill();
        while esme.turn(Duration::from_millis(20)).is_ok() {}
        near_node = near.start();
        esme = Esme::bind_again(near.smpp, esme).unwrap_or_else(|_| panic!("the esme cannot bind again"));
    }
    esme.until("a receipt for each accepted message", Duration::from_secs(60), all_have_receipts);
    assert!(esme.book.accepted.len() > 100, "{}", esme.book.accepted.len());
    // The other node knows a message that is asked for again by its Idempotency-Key.
    let taken = smsc.taken();
    let once: BTreeSet<&str> = taken.iter().map(|taken| taken.message.destination.as_str()).collect();
    assert_eq!(once.len(), taken.len(), "a message was sent twice");
    assert!(esme.book.accepted.keys().all(|to| once.contains(to.as_str())));

    // While the other node is away messages wait, and callbacks are repeated until this one is back.
    far_node.kill();
    submit(&mut esme, 900..910);
    let _far_node = far.start();
    esme.until("the receipts of what waited", Duration::from_secs(60), all_have_receipts);
}

/// A node before two aggregators, the second for when the first is down.
fn before(first: SocketAddr, second: SocketAddr) -> String {
    let link = |name: &str, address: SocketAddr| {
        format!(
            "[[link]]\nname = '{name}'\nprotocol = 'http'\nreconnect = {{ min = '50ms', max = '100ms' }}\n\
             bind_timeout = '1s'\ndoubt = {{ hold = '500ms', then = 'retry' }}\n[link.http]\nurl = 'http://{address}/send'\nbody = '{{\"to\": \"{{to}}\"}}'\n\
             [link.http.callback]\ntoken = 'key'\ntoken_at = 'field:key'\nanswer = 'OK'\n\
             receipt = {{ id_at = 'field:id', to_at = 'field:to', state_at = 'field:state', error_at = 'none' }}\n\
             mo = {{ id_at = 'field:id', from_at = 'field:from', to_at = 'field:to', text_at = 'field:text', \
             data_at = 'none', udh_at = 'none', coding_at = 'none' }}\n"
        )
    };
    format!(
        "{DEMO}{}{}[[route]]\nname = 'mt'\nwhen = {{ direction = 'mt' }}\n\
         then = {{ links = [{{ link = 'first', priority = 1 }}, {{ link = 'second', priority = 2 }}] }}\n",
        link("first", first),
        link("second", second)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_come_early_late_and_twice_and_mail_goes_by_the_link_that_is_up() {
    let (mut first, mut second) = (Aggregator::start().await, Aggregator::start().await);
    let site = Site::new(&before(first.address, second.address));
    let _node = site.start();
    let call = |path: &str| http(site.api, "GET", &format!("/v1/links/first/{path}"), "").unwrap();
    let mut esme = Esme::bind(site.smpp).unwrap();
    wait_for("the links are up", PATIENCE, || {
        (site.log().matches("link over http is up").count() == 2).then_some(())
    });

    // The receipt comes before the answer that names the message.
    first.plan([Says::Late(Duration::from_millis(500), json!({ "id": "early" }).to_string())]);
    esme.submit_text(&number(1), b"x").unwrap();
    assert_eq!(first.next().await.json()["to"], number(1));
    let early = format!("receipts?key=key&id=early&state=DELIVRD&to={}", number(1));
    assert_eq!(call(&early), (200, "OK".to_owned()));
    esme.until("the early receipt", PATIENCE, |esme| esme.book.receipts.len() == 1);
    // The same again is no news.
    assert_eq!(call(&early).0, 200);

    // One that comes late, twice, in two states.
    first.plan([Says::Answer(200, json!({ "id": "late" }).to_string())]);
    esme.submit_text(&number(2), b"x").unwrap();
    first.next().await;
    let late = format!("receipts?key=key&id=late&state=UNDELIV&to=%2B{}", number(2));
    for _ in 0..2 {
        assert_eq!(call(&late).0, 200);
    }
    esme.until("the late receipt", PATIENCE, |esme| esme.book.receipts.len() == 2);
    let states: BTreeSet<Vec<String>> = esme.book.receipts.values().cloned().collect();
    assert_eq!(states, BTreeSet::from([vec!["DELIVRD".to_owned()], vec!["UNDELIV".to_owned()]]));

    // Strangers and what cannot be read are refused, and say so.
    assert_eq!(call(&early.replace("key=key", "key=wrong")).0, 401);
    assert_eq!(call("receipts?key=key&id=late").0, 422);
    assert_eq!(http(site.api, "POST", "/v1/links/nobody/receipts?key=key", "").unwrap().0, 401);

    // A copy of an MO message is taken once.
    let mo = format!("mo?key=key&id=m1&from={}&to=12345&text=YES", number(3));
    for _ in 0..2 {
        assert_eq!(call(&mo).0, 200);
    }
    assert_eq!(call(&mo.replace("m1", "m2")).0, 200);
    wait_for("both messages of the device", PATIENCE, || {
        esme.turn(Duration::from_millis(20)).unwrap();
        (site.finals().iter().filter(|cdr| cdr["direction"] == "mo").count() == 2).then_some(())
    });
    assert!((site.metric("mo_duplicates_total", "first") - 1.0).abs() < 0.1);

    // Too fast: the pause holds, then the same message goes again.
    first.plan([Says::RetryAfter(429, "1")]);
    let begun = std::time::Instant::now();
    esme.submit_text(&number(4), b"x").unwrap();
    let key = first.next().await.header("idempotency-key").to_owned();
    esme.until("its answer", PATIENCE, |esme| esme.open() == 0);
    assert_eq!(first.next().await.header("idempotency-key"), key);
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());

    // The first is gone: its mail goes by the second, that which met a connection as it closed, too.
    first.gone().await;
    for to in 10..15 {
        esme.submit_text(&number(to), b"x").unwrap();
    }
    esme.until("all answers", PATIENCE, |esme| esme.open() == 0);
    let mut came = BTreeSet::new();
    while came.len() < 5 {
        came.insert(second.next().await.json()["to"].as_str().unwrap().to_owned());
    }
    assert_eq!(came, (10..15).map(number).collect::<BTreeSet<_>>());
}

/// An application of the node's API.
async fn submit_over_http(site: &Site, to: &str, text: &str) -> String {
    // There may be one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(format!("http://{}/v1/messages", site.api))
        .bearer_auth("token-of-an-application")
        .json(&json!({ "destination": to, "source": "12345", "text": text, "receipt": "final" }));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 202);
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["parts"], 3, "{body}");
    body["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_text_leaves_whole_where_the_aggregator_cuts_by_itself() {
    let mut aggregator = Aggregator::start().await;
    let rows = format!(
        "{DEMO}[[token]]\nname = 'app'\nsecret = 'token-of-an-application'\naccount = 'demo'\n\
         rights = ['messages:send']\n\
         [[link]]\nname = 'first'\nprotocol = 'http'\nretry = {{ temporary = {{ waits = ['300ms'] }} }}\n\
         [link.http]\nurl = 'http://{}/send'\nparts = 'whole'\nbody = '{{\"id\": \"{{id}}\", \"text\": \"{{text}}\"}}'\n\
         [link.http.callback]\ntoken = 'key'\n\
         [[route]]\nname = 'mt'\nwhen = {{ direction = 'mt' }}\nthen = {{ links = [{{ link = 'first' }}] }}\n",
        aggregator.address
    );
    let site = Site::new(&rows);
    let _node = site.start();
    // An escape sequence stands where the first part ends.
    let text = format!("{}€{}", "a".repeat(152), "b".repeat(250));
    aggregator.plan([Says::Answer(500, String::new())]);
    let id = submit_over_http(&site, &format!("+{}", number(1)), &text).await;
    let refused = aggregator.next().await.json();
    assert_eq!((&refused["text"], &refused["id"]), (&json!(text), &json!(id)));
    // All parts come again together.
    assert_eq!(aggregator.next().await.json(), refused);

    let receipt = json!({ "type": "receipt", "receipt": { "message_id": "A1", "state": "delivered",
        "destination": number(1) } });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request =
        client.post(format!("http://{}/v1/links/first/events", site.api)).bearer_auth("key").json(&receipt);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let cdr = wait_for("the one outcome", PATIENCE, || site.finals().pop());
    assert_eq!(
        (&cdr["outcome"], &cdr["parts"], &cdr["remote_id"]),
        (&json!("delivered"), &json!(3), &json!("A1"))
    );
    assert_eq!(site.finals().len(), 1);
    assert!(aggregator.is_quiet());
}
