//! Submit, query, search, cancel.

use reqwest::Method;
use serde_json::json;
use signalbox_core::exchange::Answer;
use signalbox_core::message::{Body, TrafficClass};
use signalbox_core::outcome::ErrorClass;

use super::rig::{ALPHA, BETA, BLIND, Node, OPERATOR, reply};

const TO: &str = "447700900123";

#[tokio::test]
async fn a_text_is_accepted_sent_and_told_of() {
    let node = Node::start().await;
    let body = json!({ "destination": "+44 7700 900123", "text": "Grüße €", "service_type": "CMT" });
    let submitted = node.post(ALPHA, "messages", &body).await;
    assert_eq!(submitted.status, 202, "{}", submitted.body);
    let id = submitted.body["id"].as_str().unwrap().to_owned();
    assert_eq!(submitted.body["parts"], 1);
    assert_eq!(submitted.body["encoding"], "gsm7");
    assert_eq!(submitted.body["class"], "transactional");
    assert_eq!(submitted.header("location"), format!("/v1/messages/{id}"));

    let queued = node.get(ALPHA, &format!("messages/{id}")).await;
    assert_eq!(queued.status, 200);
    assert_eq!(queued.body["stage"], "queued");
    assert_eq!(queued.body["source"], "12345");
    assert_eq!(queued.body["destination"], TO);
    assert_eq!(queued.body["account"], "alpha");
    assert_eq!(queued.body["peer"], json!({ "kind": "link", "name": "up" }));

    let mut link = node.link("up").await;
    let released = link.next().await;
    let Body::Content(content) = released.body() else { panic!("no content") };
    assert_eq!(&content.payload[..], b"Gr\x7e\x1ee \x1be");
    assert_eq!((content.data_coding, content.esm_class), (0, 0));
    assert_eq!(&content.service_type[..], b"CMT");
    assert_eq!((released.destination().ton, released.destination().npi), (1, 1));
    link.take(&released, "r1").await;
    let ended = node.until(ALPHA, &format!("messages/{id}"), |body| body["stage"] == "final").await;
    assert_eq!(ended["outcome"], "accepted");
    assert_eq!(ended["remote_id"], "r1");
    assert_eq!(ended["attempts"], 1);
    node.stop().await;
}

#[tokio::test]
async fn a_long_text_leaves_in_parts_and_is_one_message() {
    let node = Node::start().await;
    let text = "я".repeat(100);
    let submitted = node.post(ALPHA, "messages", &json!({ "destination": TO, "text": text })).await;
    assert_eq!(submitted.body["parts"], 2);
    assert_eq!(submitted.body["encoding"], "ucs2");
    let id = submitted.body["id"].as_str().unwrap().to_owned();
    // By its account and by an operator, under the id of the whole.
    assert_eq!(node.get(ALPHA, &format!("messages/{id}")).await.body["message_id"], id);
    assert_eq!(node.get(OPERATOR, &format!("messages/{id}")).await.body["message_id"], id);
    let mut link = node.link("up").await;
    let mut references = Vec::new();
    for number in 1..=2 {
        let released = link.next().await;
        let Body::Content(content) = released.body() else { panic!("no content") };
        assert_eq!((content.data_coding, content.esm_class), (8, 0x40));
        let header: Vec<u8> = content.payload[..7].to_vec();
        assert_eq!(&header[..3], [6, 8, 4]);
        assert_eq!(&header[5..], [2, number]);
        references.push(header[3..5].to_vec());
        link.take(&released, "r").await;
    }
    assert_eq!(references[0], references[1]);
    node.until(ALPHA, &format!("messages/{id}"), |body| body["stage"] == "final").await;
    node.stop().await;
}

#[tokio::test]
async fn octets_and_wishes_come_through() {
    let node = Node::start().await;
    let body = json!({
        "destination": TO, "source": "ACME", "class": "bulk", "receipt": "failure", "intermediate": true,
        "protocol_id": 64, "replace_if_present": true, "valid_for": 3600,
        "binary": { "header": "0605040b8423f0", "data": "00ff", "data_coding": 245 },
    });
    let submitted = node.post(ALPHA, "messages", &body).await;
    assert_eq!(submitted.status, 202, "{}", submitted.body);
    assert_eq!(submitted.body["encoding"], "binary");
    let mut link = node.link("up").await;
    let released = link.next().await;
    let Body::Content(content) = released.body() else { panic!("no content") };
    assert_eq!(&content.payload[..], b"\x06\x05\x04\x0b\x84\x23\xf0\x00\xff");
    assert_eq!((content.data_coding, content.esm_class, content.protocol_id), (245, 0x40, 64));
    assert!(content.replace_if_present);
    assert_eq!((released.source().ton, released.source().octets()), (5, &b"ACME"[..]));
    assert_eq!(released.class(), TrafficClass::Bulk);
    // Of failure alone: what is asked of the link is the exchange's affair.
    assert_eq!(released.receipt().0, 0b1_0001);
    node.stop().await;
}

#[tokio::test]
async fn a_schedule_waits_and_a_cancel_takes_back() {
    let node = Node::start().await;
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let body =
        json!({ "destination": TO, "text": "later", "send_at": soon, "expires_at": jiff::Timestamp::now() });
    let refused = node.post(ALPHA, "messages", &body).await;
    refused.is_problem(422, "message_refused");
    let body = json!({ "destination": TO, "text": "later", "send_at": soon, "valid_for": 60 });
    let submitted = node.post(ALPHA, "messages", &body).await;
    assert_eq!(submitted.status, 202, "{}", submitted.body);
    let path = format!("messages/{}", submitted.body["id"].as_str().unwrap());
    let waiting = node.get(ALPHA, &path).await.body;
    assert_eq!(waiting["stage"], "scheduled");
    assert!(waiting["due_at"].is_string());
    node.delete(BETA, &path).await.is_problem(403, "forbidden");
    assert_eq!(node.delete(ALPHA, &path).await.status, 204);
    assert_eq!(node.get(ALPHA, &path).await.body["outcome"], "cancelled");
    node.delete(ALPHA, &path).await.is_problem(409, "too_late");
    node.delete(ALPHA, "messages/00000000000000000000000000000001").await.is_problem(404, "not_found");
    node.stop().await;
}

#[tokio::test]
async fn many_messages_are_taken_or_refused_one_by_one() {
    let node = Node::start().await;
    let body = json!({ "messages": [
        { "destination": TO, "text": "one" },
        { "destination": "99900000001", "text": "two" },
        { "destination": "BANK", "text": "three" },
    ] });
    let reply = node.post(ALPHA, "messages", &body).await;
    assert_eq!(reply.status, 207, "{}", reply.body);
    let results = reply.body["messages"].as_array().unwrap();
    assert!(results[0]["id"].is_string());
    assert_eq!(results[1]["problem"]["reason"], "route_rejects");
    assert_eq!(results[2]["problem"]["errors"][0]["field"], "messages[2].destination");
    let good = json!({ "messages": [{ "destination": TO, "text": "one" }] });
    assert_eq!(node.post(ALPHA, "messages", &good).await.status, 202);
    let wrong = json!({ "messages": [{ "destination": TO, "text": "x" }, { "to": TO }] });
    let refused = node.post(ALPHA, "messages", &wrong).await;
    refused.is_problem(422, "invalid");
    assert!(refused.body["detail"].as_str().unwrap().starts_with("messages[1]"), "{}", refused.body);
    node.post(ALPHA, "messages", &json!({ "messages": [] })).await.is_problem(422, "invalid");
    let beside = json!({ "messages": [{ "destination": TO, "text": "x" }], "text": "x" });
    node.post(ALPHA, "messages", &beside).await.is_problem(422, "invalid");
    // Each pays the account's rate.
    let one = json!({ "destination": TO, "source": "BETA", "text": "x" });
    let many = node.post(BETA, "messages", &json!({ "messages": [one, one, one, one, one] })).await;
    let kinds: Vec<bool> =
        many.body["messages"].as_array().unwrap().iter().map(|result| result["id"].is_string()).collect();
    assert_eq!(kinds, [true, true, true, false, false]);
    assert_eq!(many.body["messages"][4]["problem"]["status"], 429);
    node.stop().await;
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_with_its_field() {
    let node = Node::start().await;
    for (body, field) in [
        (json!({ "destination": "12", "text": "x", "source": "too long a sender" }), "source"),
        (json!({ "destination": "BANK", "text": "x" }), "destination"),
        (json!({ "destination": "", "text": "x" }), "destination"),
        (json!({ "destination": TO }), "text"),
        (json!({ "destination": TO, "text": "я", "encoding": "gsm7" }), "text"),
        (json!({ "destination": TO, "text": "x", "binary": { "data": "00" } }), "binary"),
        (json!({ "destination": TO, "binary": { "data": "0" } }), "binary.data"),
        (json!({ "destination": TO, "binary": { "data": "00", "header": "05" } }), "binary.header"),
        (json!({ "destination": TO, "binary": { "data": "00".repeat(141) } }), "binary.data"),
        (json!({ "destination": TO, "text": "x", "class": "otp" }), "class"),
        (json!({ "destination": TO, "text": "x", "webhook": "none" }), "webhook"),
        (json!({ "destination": TO, "text": "x", "valid_for": 0 }), "valid_for"),
        (json!({ "destination": TO, "text": "x", "valid_for": 100_000_000 }), "valid_for"),
        (json!({ "destination": TO, "text": "x", "expires_at": "2100-01-01T00:00:00Z" }), "expires_at"),
        (json!({ "destination": TO, "text": "x", "send_at": "2100-01-01T00:00:00Z" }), "send_at"),
        (json!({ "destination": TO, "text": "x", "service_type": "toolong" }), "service_type"),
    ] {
        let refused = node.post(ALPHA, "messages", &body).await;
        refused.is_problem(422, "invalid");
        assert_eq!(refused.body["errors"][0]["field"], field, "{body} {}", refused.body);
    }
    let late = json!({ "destination": TO, "text": "x", "send_at": "2100-01-01T00:00:00Z" });
    let late = node.post(ALPHA, "messages", &late).await;
    let told = late.body["errors"][0]["problem"].as_str().unwrap();
    assert!(told.starts_with("is later than ") && told.contains("longest validity"), "{told}");
    let unknown = node.post(ALPHA, "messages", &json!({ "destination": TO, "txt": "x" })).await;
    unknown.is_problem(422, "invalid");
    assert!(unknown.body["detail"].as_str().unwrap().contains("txt"));
    let refused = node.post(ALPHA, "messages", &json!({ "destination": "99912345678", "text": "x" })).await;
    refused.is_problem(422, "message_refused");
    assert_eq!(refused.body["reason"], "route_rejects");
    let refused =
        node.post(BETA, "messages", &json!({ "destination": TO, "text": "x", "source": "ACME" })).await;
    refused.is_problem(422, "message_refused");
    assert_eq!(refused.body["reason"], "source_not_allowed");
    node.stop().await;
}

#[tokio::test]
async fn a_key_is_answered_alike_also_after_a_restart() {
    let node = Node::start().await;
    let body = json!({ "destination": TO, "text": "once" });
    let ask = |node: &Node, key: &str, body: &serde_json::Value| {
        reply(node.request(ALPHA, Method::POST, "messages").header("idempotency-key", key).json(body))
    };
    let first = ask(&node, "k1", &body).await;
    let second = ask(&node, "k1", &body).await;
    assert_eq!(first.status, 202);
    assert_eq!(first.body, second.body);
    assert_ne!(ask(&node, "k2", &body).await.body["id"], first.body["id"]);
    let other = json!({ "destination": TO, "text": "another" });
    ask(&node, "k1", &other).await.is_problem(422, "idempotency_key_reused");
    ask(&node, "", &body).await.is_problem(400, "malformed");

    // A batch of which one was refused: what was taken is not taken again.
    let batch = json!({ "messages": [
        { "destination": TO, "text": "a" }, { "destination": "99912345678", "text": "b" },
    ] });
    let one = ask(&node, "k3", &batch).await;
    let two = ask(&node, "k3", &batch).await;
    assert_eq!(one.status, 207);
    assert_eq!(one.body["messages"][0]["id"], two.body["messages"][0]["id"]);

    let node = node.again().await;
    assert_eq!(ask(&node, "k1", &body).await.body["id"], first.body["id"]);
    let open = node.get(ALPHA, "messages").await;
    assert_eq!(open.body["items"].as_array().unwrap().len(), 3, "{}", open.body);
    node.stop().await;
}

#[tokio::test]
async fn a_search_gives_pages_and_masks() {
    let node = Node::start().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(node.submit(&format!("44770090012{n}"), "x").await);
    }
    let mut found = Vec::new();
    let mut path = "messages?limit=2".to_owned();
    loop {
        let page = node.get(OPERATOR, &path).await.body;
        assert!(page["items"].as_array().unwrap().len() <= 2);
        found.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("messages?limit=2&cursor={next}");
    }
    assert_eq!(found, ids);
    let one = node.get(OPERATOR, "messages?address=447700900123").await.body;
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
    assert_eq!(one["items"][0]["destination"], "447700900123");
    let masked = node.get(BLIND, "messages?address=447700900123").await.body;
    assert_eq!(masked["items"][0]["destination"], "44********23");
    assert_eq!(masked["items"][0]["source"], "12345");
    assert!(!masked.to_string().contains("447700900123"));
    let none = |body: serde_json::Value| body["items"].as_array().unwrap().is_empty();
    assert!(none(node.get(OPERATOR, "messages?link=other").await.body));
    assert!(none(node.get(OPERATOR, "messages?class=otp").await.body));
    assert!(none(node.get(OPERATOR, "messages?accepted_before=2020-01-01T00:00:00Z").await.body));
    assert!(none(node.get(BETA, "messages").await.body));
    node.get(BETA, "messages?account=alpha").await.is_problem(403, "forbidden");
    node.get(OPERATOR, "messages?stage=nowhere").await.is_problem(400, "malformed");
    node.get(OPERATOR, "messages?stages=held").await.is_problem(400, "malformed");
    node.get(OPERATOR, "messages?link=nobody").await.is_problem(422, "invalid");
    node.get(OPERATOR, "messages?cursor=zz").await.is_problem(400, "malformed");
    node.get(OPERATOR, "messages?limit=0").await.is_problem(422, "invalid");
    node.stop().await;
}

#[tokio::test]
async fn an_account_sees_its_own_messages_alone() {
    let node = Node::start().await;
    let id = node.submit(TO, "secret").await;
    node.get(BETA, &format!("messages/{id}")).await.is_problem(404, "not_found");
    assert_eq!(node.get(OPERATOR, &format!("messages/{id}")).await.status, 200);
    assert_eq!(node.delete(OPERATOR, &format!("messages/{id}")).await.status, 204);
    node.stop().await;
}

#[tokio::test]
async fn the_rate_of_an_account_holds() {
    let node = Node::start().await;
    let body = json!({ "destination": TO, "source": "BETA", "text": "x" });
    for _ in 0..3 {
        assert_eq!(node.post(BETA, "messages", &body).await.status, 202);
    }
    let refused = node.post(BETA, "messages", &body).await;
    refused.is_problem(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), "1");
    node.stop().await;
}

#[tokio::test]
async fn a_refusal_of_the_peer_is_told() {
    let node = Node::start().await;
    let id = node.submit(TO, "x").await;
    let mut link = node.link("up").await;
    let released = link.next().await;
    link.answer(&released, Answer::Refused { class: ErrorClass::Permanent, status: 0x0b }).await;
    let ended = node.until(ALPHA, &format!("messages/{id}"), |body| body["stage"] == "final").await;
    assert_eq!(ended["outcome"], "rejected");
    assert_eq!(ended["reason"], "peer_refused");
    assert_eq!(ended["status"], 0x0b);
    node.stop().await;
}
