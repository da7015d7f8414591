//! Receipts and MO messages to HTTP targets.

use bytes::Bytes;
use serde_json::{Value, json};
use signalbox_core::address::Address;
use signalbox_core::exchange::{Event, LinkReceipt, ReplyTo};
use signalbox_core::message::{Content, ReceiptState};

use super::rig::{ALPHA, Node, OPERATOR, PlayedLink, Wishes};
use super::target::{Says, Target};

const TO: &str = "447700900123";
const PRIVATE: &str = "private_targets = true";

fn hook(target: &Target, lines: &str) -> Wishes {
    let rows = format!(
        "[[webhook]]\nname = \"events\"\naccount = \"alpha\"\nurl = \"http://{}/in\"\nsecret = \"key\"\n\
         retry = {{ waits = [\"100ms\"], then_every = \"100ms\", jitter_percent = 0 }}\n{lines}\n",
        target.address
    );
    Wishes { rows, webhooks: PRIVATE.into(), ..Wishes::default() }
}

async fn queue(node: &Node) -> Value {
    let queues = node.get(OPERATOR, "queues").await.body;
    let found = queues["items"].as_array().unwrap().iter().find(|queue| queue["peer"]["kind"] == "webhook");
    found.cloned().unwrap_or_default()
}

fn text(text: &str) -> Content {
    Content { payload: Bytes::copy_from_slice(text.as_bytes()), ..Content::default() }
}

async fn receipt(node: &Node, link: &PlayedLink, remote_id: &'static str) {
    let id = node.control.in_force().snapshot.ids.link("up").unwrap();
    let receipt = LinkReceipt {
        reply: ReplyTo { session: link.session(), token: 9 },
        link: id,
        remote_id: remote_id.into(),
        device: Address::new(1, 1, TO.as_bytes()).unwrap(),
        state: ReceiptState::Undeliverable,
        error: 34,
        network_error: Some((3, 27)),
        text: Bytes::new(),
    };
    node.spine.offer(vec![Event::Receipt(Box::new(receipt))]).await.unwrap();
}

#[tokio::test]
async fn a_receipt_is_posted_signed() {
    let mut target = Target::start(&[]).await;
    let node = Node::with(hook(&target, "")).await;
    let body = json!({ "destination": TO, "text": "x", "receipt": "final" });
    let submitted = node.post(ALPHA, "messages", &body).await.body;
    let mut link = node.link("up").await;
    let released = link.next().await;
    link.take(&released, "remote-1").await;
    receipt(&node, &link, "remote-1").await;

    let posted = target.next().await;
    assert_eq!(posted.body["type"], "receipt");
    assert_eq!(posted.body["account"], "alpha");
    assert_eq!(posted.body["attempt"], 1);
    let told = &posted.body["receipt"];
    assert_eq!(told["message_id"], submitted["id"]);
    assert_eq!(told["state"], "undeliverable");
    assert_eq!(told["error"], 34);
    assert_eq!(told["network_error"], json!({ "network": 3, "code": 27 }));
    assert_eq!((&told["source"], &told["destination"]), (&json!("12345"), &json!(TO)));
    assert_eq!(posted.header("content-type"), "application/json");
    assert_eq!(posted.header("signalbox-event"), posted.body["id"]);
    assert_eq!(posted.header("signalbox-attempt"), "1");
    let signature = posted.header("signalbox-signature");
    let seconds: i64 = signature.strip_prefix("t=").unwrap().split(',').next().unwrap().parse().unwrap();
    assert_eq!(signature, signalbox::webhooks::sign("key", seconds, &posted.raw));
    assert!((jiff::Timestamp::now().as_second() - seconds).abs() < 60);
    node.until(OPERATOR, "queues", |body| {
        body["items"].as_array().unwrap().iter().all(|queue| queue["in_flight"] == 0)
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn an_mo_message_is_posted_with_its_text_or_its_octets() {
    let mut target = Target::start(&[]).await;
    let node = Node::with(hook(&target, "")).await;
    node.inbound(TO, "12345", text("Hi @\x00")).await;
    let posted = target.next().await.body;
    assert_eq!(posted["type"], "mo");
    assert_eq!(posted["message"]["source"], TO);
    assert_eq!(posted["message"]["destination"], "12345");
    assert_eq!(posted["message"]["text"], "Hi ¡@");

    assert_eq!(
        (posted["message"]["parts"].as_u64(), &posted["message"]["completed_at"]),
        (Some(1), &Value::Null)
    );

    // The parts of a long message, in the order in which the network brings them.
    for (number, letter) in [(2, 0x2f), (3, 0x30), (1, 0x2e)] {
        let part = Content {
            esm_class: 0x40,
            data_coding: 8,
            payload: Bytes::copy_from_slice(&[6, 8, 4, 1, 0x2a, 3, number, 4, letter]),
            ..Content::default()
        };
        node.inbound(TO, "12345", part).await;
    }
    let posted = target.next().await.body;
    assert_eq!(posted["message"]["text"], "\u{42e}\u{42f}\u{430}");
    assert_eq!(posted["message"]["parts"], 3);
    assert_eq!((&posted["message"]["missing"], &posted["message"]["header"]), (&Value::Null, &Value::Null));
    assert!(posted["message"]["completed_at"].is_string());

    let octets = Content { data_coding: 4, payload: Bytes::from_static(b"\x00\xff"), ..Content::default() };
    node.inbound(TO, "12345", octets).await;
    let posted = target.next().await.body;
    assert_eq!(posted["message"]["data"], "00ff");
    assert!(posted["message"]["text"].is_null());

    // message_payload, tag 0x0424.
    let long = Content { tlvs: Bytes::from_static(b"\x04\x24\x00\x04long"), ..Content::default() };
    node.inbound(TO, "12345", long).await;
    assert_eq!(target.next().await.body["message"]["text"], "long");
    node.stop().await;
}

#[tokio::test]
async fn what_fails_for_now_is_tried_again_and_what_is_refused_is_not() {
    let says = [Says::Status(500), Says::Status(408), Says::Status(429), Says::Elsewhere];
    let mut target = Target::start(&says).await;
    let node = Node::with(hook(&target, "")).await;
    node.inbound(TO, "12345", text("first")).await;
    let mut ids = Vec::new();
    for attempt in 1..=4 {
        let posted = target.next().await;
        assert_eq!(posted.body["message"]["text"], "first");
        assert_eq!(posted.header("signalbox-attempt"), attempt.to_string());
        ids.push(posted.body["id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    // A redirect is a refusal: it is not followed and not tried again.
    node.inbound(TO, "12345", text("second")).await;
    assert_eq!(target.next().await.body["message"]["text"], "second");
    let trace = node
        .until(OPERATOR, &format!("trace/{TO}"), |body| body["ended"].as_array().unwrap().len() == 2)
        .await;
    let outcomes: Vec<&str> =
        trace["ended"].as_array().unwrap().iter().map(|ended| ended["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["delivered", "rejected"]);
    node.stop().await;
}

#[tokio::test]
async fn silence_and_long_answers_are_bounded() {
    let mut target = Target::start(&[Says::Nothing, Says::Much(1 << 20)]).await;
    let node = Node::with(hook(&target, "timeout = \"300ms\"")).await;
    node.inbound(TO, "12345", text("x")).await;
    assert_eq!(target.next().await.header("signalbox-attempt"), "1");
    assert_eq!(target.next().await.header("signalbox-attempt"), "2");
    node.until(OPERATOR, &format!("trace/{TO}"), |body| body["ended"][0]["outcome"] == "delivered").await;
    assert!(target.is_quiet());
    node.stop().await;
}

#[tokio::test]
async fn at_most_the_window_is_on_its_way() {
    let mut target = Target::start(&[Says::Nothing, Says::Nothing]).await;
    let node = Node::with(hook(&target, "window = 2\ntimeout = \"1h\"")).await;
    for n in 0..5 {
        node.inbound(&format!("44770090010{n}"), "12345", text("x")).await;
    }
    target.next().await;
    target.next().await;
    let queue = queue(&node).await;
    assert_eq!((&queue["in_flight"], &queue["waiting"]["reply"]), (&json!(2), &json!(3)), "{queue}");
    assert!(target.is_quiet());
    node.stop().await;
}

#[tokio::test]
async fn private_targets_are_refused_unless_they_are_allowed() {
    let mut target = Target::start(&[]).await;
    let by_name = hook(&target, "").rows.replace("127.0.0.1", "localhost");
    let node = Node::with(Wishes { rows: by_name, ..Wishes::default() }).await;
    node.inbound(TO, "12345", text("x")).await;
    node.until(OPERATOR, &format!("trace/{TO}"), |body| {
        body["open"][0]["attempts"].as_u64().is_some_and(|attempts| attempts >= 2)
    })
    .await;
    assert!(target.is_quiet());
    node.stop().await;

    // By its address nothing is even tried: the events wait.
    let node = Node::with(Wishes { webhooks: String::new(), ..hook(&target, "") }).await;
    node.inbound(TO, "12345", text("x")).await;
    let queue = queue(&node).await;
    assert_eq!((&queue["sessions"], &queue["waiting"]["reply"]), (&json!(0), &json!(1)), "{queue}");
    assert!(target.is_quiet());
    node.stop().await;
}

#[tokio::test]
async fn a_webhook_that_is_off_holds_its_events_and_changes_are_followed() {
    let mut target = Target::start(&[]).await;
    let node = Node::with(hook(&target, "")).await;
    let off = json!({ "enabled": false });
    assert_eq!(node.put(OPERATOR, "webhooks/events/enabled", &off).await.status, 200);
    node.inbound(TO, "12345", text("held")).await;
    node.until(OPERATOR, "queues", |body| body["items"][0]["sessions"] == 0).await;
    assert_eq!(queue(&node).await["waiting"]["reply"], 1);
    assert!(target.is_quiet());

    // On again, and to another place.
    let mut second = Target::start(&[]).await;
    let mut row = node.get(OPERATOR, "webhooks/events").await.body;
    row["enabled"] = json!(true);
    row["url"] = json!(format!("http://{}/there", second.address));
    assert_eq!(node.put(OPERATOR, "webhooks/events", &row).await.status, 200);
    let posted = second.next().await;
    assert_eq!(posted.body["message"]["text"], "held");
    // The secret that came back masked is the old one.
    let signature = posted.header("signalbox-signature").to_owned();
    let seconds: i64 = signature[2..].split(',').next().unwrap().parse().unwrap();
    assert_eq!(signature, signalbox::webhooks::sign("key", seconds, &posted.raw));
    assert!(target.is_quiet());
    node.stop().await;
}

#[tokio::test]
async fn events_survive_a_restart() {
    let mut target = Target::start(&[Says::Nothing]).await;
    let node = Node::with(hook(&target, "")).await;
    node.inbound(TO, "12345", text("once accepted")).await;
    let first = target.next().await;
    let node = node.again().await;
    let second = target.next().await;
    assert_eq!(first.body["id"], second.body["id"]);
    target.plan(&[]);
    node.stop().await;
}

#[tokio::test]
async fn a_stop_lets_what_is_on_its_way_end() {
    let mut target = Target::start(&[Says::Late(200)]).await;
    let mut node = Node::with(hook(&target, "window = 1")).await;
    node.inbound(TO, "12345", text("one")).await;
    node.inbound("447700900124", "12345", text("two")).await;
    target.next().await;
    node.drain_webhooks().await;
    assert!(target.is_quiet());
    let queue = queue(&node).await;
    assert_eq!((&queue["in_flight"], &queue["waiting"]["reply"]), (&json!(0), &json!(1)), "{queue}");
    let mut node = node.again().await;
    // What was answered is not posted again.
    assert_eq!(target.next().await.body["message"]["text"], "two");
    node.drain_webhooks().await;
    assert!(target.is_quiet());
    node.stop().await;
}
