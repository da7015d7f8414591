//! What a NOC does: queues, links, trace, alarms, explanations, audit.

use serde_json::json;
use signalbox_core::exchange::Answer;
use signalbox_core::outcome::ErrorClass;

use super::rig::{ALPHA, BLIND, Node, OPERATOR};

const TO: &str = "447700900123";

#[tokio::test]
async fn messages_are_held_released_rerouted_retried_and_purged() {
    let node = Node::start().await;
    let id = node.submit(TO, "x").await;
    let path = format!("messages/{id}");
    let this = json!({ "ids": [id] });
    assert_eq!(node.post(OPERATOR, "queue/hold", &this).await.body["changed"], 1);
    assert_eq!(node.get(OPERATOR, &path).await.body["stage"], "held");
    assert_eq!(node.post(OPERATOR, "queue/hold", &this).await.body["changed"], 0);
    assert_eq!(node.post(OPERATOR, "queue/release", &json!({ "address": TO })).await.body["changed"], 1);
    assert_eq!(node.get(OPERATOR, &path).await.body["stage"], "queued");

    let reroute = json!({ "selection": this, "to": "other" });
    assert_eq!(node.post(OPERATOR, "queue/reroute", &reroute).await.body["changed"], 1);
    assert_eq!(node.get(OPERATOR, &path).await.body["peer"]["name"], "other");
    let back = json!({ "selection": { "link": "other" } });
    assert_eq!(node.post(OPERATOR, "queue/reroute", &back).await.body["changed"], 1);
    node.until(OPERATOR, &path, |body| body["peer"]["name"] == "up").await;
    let nowhere = json!({ "selection": this, "to": "nobody" });
    node.post(OPERATOR, "queue/reroute", &nowhere).await.is_problem(422, "invalid");

    let mut link = node.link("up").await;
    let released = link.next().await;
    link.answer(&released, Answer::Refused { class: ErrorClass::Temporary, status: 8 }).await;
    node.until(OPERATOR, &path, |body| body["stage"] == "scheduled").await;
    assert_eq!(node.post(OPERATOR, "queue/retry", &json!({ "account": "alpha" })).await.body["changed"], 1);
    let released = link.next().await;
    assert_eq!(released.attempt(), 2);
    link.answer(&released, Answer::Refused { class: ErrorClass::Temporary, status: 8 }).await;
    node.until(OPERATOR, &path, |body| body["stage"] == "scheduled").await;
    assert_eq!(node.post(OPERATOR, "queue/purge", &this).await.body["changed"], 1);
    assert_eq!(node.get(OPERATOR, &path).await.body["reason"], "purged_by_operator");
    node.stop().await;
}

#[tokio::test]
async fn an_empty_selection_needs_to_be_meant() {
    let node = Node::start().await;
    node.submit(TO, "x").await;
    for order in ["hold", "release", "purge", "retry"] {
        node.post(OPERATOR, &format!("queue/{order}"), &json!({})).await.is_problem(422, "selection_empty");
    }
    let reroute = json!({ "selection": {} });
    node.post(OPERATOR, "queue/reroute", &reroute).await.is_problem(422, "selection_empty");
    node.post(OPERATOR, "queue/purge", &json!({ "ids": ["x"] })).await.is_problem(422, "invalid");
    node.post(OPERATOR, "queue/purge", &json!({ "idd": [] })).await.is_problem(422, "invalid");
    assert_eq!(node.post(OPERATOR, "queue/purge", &json!({ "all": true })).await.body["changed"], 1);
    node.stop().await;
}

#[tokio::test]
async fn queues_links_and_switches_show_what_is() {
    let node = Node::start().await;
    node.submit(TO, "x").await;
    let queues = node.get(OPERATOR, "queues").await.body;
    assert_eq!(queues["items"][0]["peer"], json!({ "kind": "link", "name": "up" }));
    assert_eq!(queues["items"][0]["waiting"]["transactional"], 1);
    assert_eq!(queues["items"][0]["sending"], true);

    let peers = node.get(OPERATOR, "peers").await.body;
    assert_eq!(peers["items"][0]["name"], "up");
    assert_eq!((&peers["items"][0]["bound"], &peers["items"][0]["wanted"]), (&json!(1), &json!(2)));
    assert_eq!(peers["items"][0]["sessions"][0]["remote"], "127.0.0.1:2776");
    let own = node.get(ALPHA, "peers").await.body;
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
    assert_eq!(own["items"][0]["kind"], "account");
    assert!(node.get(ALPHA, "queues").await.body["items"].as_array().unwrap().is_empty());

    let stopped = node.put(OPERATOR, "links/up/sending", &json!({ "sending": false })).await;
    assert_eq!(stopped.body["changed"], 1);
    assert_eq!(node.get(OPERATOR, "queues").await.body["items"][0]["sending"], false);
    assert_eq!(node.put(OPERATOR, "links/up/sending", &json!({ "sending": false })).await.body["changed"], 0);
    node.put(OPERATOR, "links/no/sending", &json!({ "sending": true })).await.is_problem(404, "not_found");
    node.stop().await;
}

#[tokio::test]
async fn a_trace_finds_open_and_ended_messages() {
    let node = Node::start().await;
    let mut link = node.link("up").await;
    for n in 0..3 {
        node.submit(TO, &format!("n{n}")).await;
        let released = link.next().await;
        link.take(&released, "r").await;
    }
    node.submit("447700900999", "other").await;
    let other = link.next().await;
    link.take(&other, "r").await;
    node.submit(TO, "open").await;
    let path = format!("trace/{TO}");
    let whole = node.until(OPERATOR, &path, |body| body["ended"].as_array().unwrap().len() == 3).await;
    assert_eq!(whole["open"].as_array().unwrap().len(), 1);
    assert_eq!(whole["incomplete"], false);
    assert_eq!(whole["ended"][0]["outcome"], "accepted");
    assert_eq!(whole["ended"][0]["rule"], "mt");
    assert_eq!(whole["ended"][0]["account"], "alpha");
    assert_eq!(whole["ended"][0]["peer"], json!({ "kind": "link", "name": "up" }));
    assert_eq!(whole["ended"][0]["destination"], TO);
    let sequence = |index: usize| whole["ended"][index]["sequence"].as_u64().unwrap();
    assert!(sequence(0) > sequence(1) && sequence(1) > sequence(2));

    let first = node.get(OPERATOR, &format!("trace/+{TO}?limit=2")).await.body;
    assert_eq!(first["ended"].as_array().unwrap().len(), 2);
    let next = first["next"].as_str().unwrap();
    let second = node.get(OPERATOR, &format!("{path}?limit=2&cursor={next}")).await.body;
    assert_eq!(second["ended"].as_array().unwrap().len(), 1);
    assert_eq!(second["ended"][0], whole["ended"][2]);
    assert!(second["open"].as_array().unwrap().is_empty() && second["next"].is_null());

    let masked = node.get(BLIND, &path).await.body;
    assert_eq!(masked["ended"][0]["destination"], "44********23");
    assert!(!masked.to_string().contains(TO));
    let late = node.get(OPERATOR, &format!("{path}?since=2100-01-01T00:00:00Z")).await.body;
    assert!(late["ended"].as_array().unwrap().is_empty());
    let beta = node.get(super::rig::BETA, &path).await.body;
    assert!(beta["ended"].as_array().unwrap().is_empty() && beta["open"].as_array().unwrap().is_empty());
    node.stop().await;
}

#[tokio::test]
async fn alarms_are_shown_masked_and_taken() {
    let node = Node::start().await;
    let from = "447700900555";
    for n in 0..4 {
        let body = json!({ "source": from, "destination": format!("4477009001{n:02}"), "text": "spam" });
        assert_eq!(node.post(ALPHA, "messages", &body).await.status, 202);
    }
    let looked = node.get(OPERATOR, &format!("counters/{from}")).await.body;
    assert_eq!(looked["items"][0]["counter"]["kind"], "source");
    assert!(looked["items"][0]["count"].as_u64().unwrap() >= 3, "{looked}");
    let pair = node.get(OPERATOR, &format!("counters/{from}?with=447700900100")).await;
    assert_eq!(pair.status, 200);
    node.get(OPERATOR, "counters/%20").await.is_problem(422, "invalid");

    let alarms = node.get(OPERATOR, "alarms").await.body;
    let alarm = &alarms["items"][0];
    assert_eq!(alarm["state"], "raised");
    assert_eq!(alarm["counter"]["source"], format!("+{from}"));
    let masked = node.get(BLIND, "alarms").await.body;
    assert!(!masked.to_string().contains(from), "{masked}");
    let ack = format!("alarms/{}/ack", alarm["id"]);
    assert_eq!(node.post(OPERATOR, &ack, &json!({})).await.status, 204);
    assert_eq!(node.get(OPERATOR, "alarms").await.body["items"][0]["state"], "acked");
    node.post(OPERATOR, "alarms/999999/ack", &json!({})).await.is_problem(404, "not_found");
    node.post(OPERATOR, "alarms/x/ack", &json!({})).await.is_problem(404, "not_found");
    node.stop().await;
}

#[tokio::test]
async fn routes_are_explained_and_numbers_looked_up() {
    let node = Node::start().await;
    let body = json!({ "source": "ACME", "destination": "+447700900123", "account": "alpha" });
    let trace = node.post(OPERATOR, "routes/explain", &body).await;
    assert_eq!(trace.status, 200, "{}", trace.body);
    assert_eq!(trace.body["considered"][0]["name"], "nowhere");
    assert_eq!(trace.body["considered"][1]["verdict"], "matched");
    assert_eq!(trace.body["links"][0]["name"], "up");
    assert_eq!(trace.body["carrier"], "example-mobile");
    let mo = json!({ "source": TO, "destination": "12345", "ingress": "up" });
    let trace = node.post(OPERATOR, "routes/explain", &mo).await.body;
    assert!(trace["summary"].as_str().unwrap().contains("alpha"), "{trace}");
    let other = json!({ "source": "A", "destination": TO, "account": "beta" });
    node.post(ALPHA, "routes/explain", &other).await.is_problem(403, "forbidden");
    let nobody = json!({ "source": "A", "destination": TO, "account": "nobody" });
    node.post(OPERATOR, "routes/explain", &nobody).await.is_problem(422, "invalid");

    let number = node.get(OPERATOR, "numbers/447400123456").await.body;
    assert_eq!(number["number"], "+447400123456");
    assert_eq!(number["region"], "GB");
    assert_eq!(number["kind"], "mobile");
    assert_eq!(number["carrier"], "example-mobile");
    assert_eq!(number["source"], "number_plan");
    assert!(number["consulted"].as_array().unwrap().len() >= 2);
    node.get(OPERATOR, "numbers/BANK").await.is_problem(422, "invalid");
    node.stop().await;
}

#[tokio::test]
async fn a_number_is_looked_up_outside_when_that_is_asked_for() {
    use axum::http::StatusCode;
    use axum::response::IntoResponse;
    let service = axum::Router::new().fallback(async |uri: axum::http::Uri| match uri.path() {
        "/447400123456" => axum::Json(json!({ "carrier": "elsewhere", "ttl": 60 })).into_response(),
        "/447400123457" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    let node = Node::with(super::rig::Wishes {
        settings: format!("[numbers.http]\nurl = \"http://{address}/{{number}}\""),
        rows: "[[carrier]]\nname = \"elsewhere\"".into(),
        ..Default::default()
    })
    .await;
    let ask = async |number: &str, query: &str| {
        let reply = node.get(OPERATOR, &format!("numbers/{number}{query}")).await;
        (
            reply.body["carrier"].clone(),
            reply.body["source"].clone(),
            reply.body["consulted"][0]["said"].clone(),
        )
    };
    let (carrier, source, _) = ask("447400123456", "").await;
    assert_eq!((carrier, source), (json!("example-mobile"), json!("number_plan")));
    let (carrier, source, _) = ask("447400123456", "?outside=true").await;
    assert_eq!((carrier, source), (json!("elsewhere"), json!("http")));
    for (number, said) in [("447400123457", "did not answer"), ("447400123458", "does not know the number")] {
        let (carrier, source, told) = ask(number, "?outside=true").await;
        assert_eq!((carrier, source, told), (json!("example-mobile"), json!("number_plan"), json!(said)));
    }
    service.abort();
    node.stop().await;
}

#[tokio::test]
async fn everything_done_is_in_the_audit() {
    let node = Node::start().await;
    let id = node.submit(TO, "x").await;
    node.post(OPERATOR, "queue/hold", &json!({ "address": TO })).await;
    node.put(OPERATOR, "links/up/enabled", &json!({ "enabled": false })).await;
    node.put(OPERATOR, "links/up/sending", &json!({ "sending": false })).await;
    node.delete(OPERATOR, &format!("messages/{id}")).await;
    let trail = node.get(OPERATOR, "audit").await.body;
    let told: Vec<(&str, &str)> = trail["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["by"].as_str().unwrap(), entry["action"].as_str().unwrap()))
        .take(4)
        .collect();
    assert_eq!(
        told,
        [
            ("operator", "message.cancel"),
            ("operator", "link.sending"),
            ("operator", "update"),
            ("operator", "queue.hold"),
        ]
    );
    let change = &trail["items"][2];
    assert_eq!((&change["kind"], &change["name"]), (&json!("link"), &json!("up")));
    assert_eq!((&change["before"]["enabled"], &change["after"]["enabled"]), (&json!(true), &json!(false)));
    assert_eq!(trail["items"][3]["detail"]["selection"]["address"], TO);
    for secret in ["link-secret", "alpha-token", "argon2"] {
        assert!(!trail.to_string().contains(secret), "{secret}");
    }
    let masked = node.get(BLIND, "audit").await.body;
    assert!(!masked.to_string().contains(TO));
    assert_eq!(masked["items"][3]["detail"]["selection"]["address"], "44********23");

    let first = node.get(OPERATOR, "audit?limit=3").await.body;
    let next = first["next"].as_str().unwrap();
    let second = node.get(OPERATOR, &format!("audit?limit=3&cursor={next}")).await.body;
    assert_eq!(second["items"][0], trail["items"][3]);
    node.get(OPERATOR, "audit?cursor=x").await.is_problem(400, "malformed");
    node.stop().await;
}
