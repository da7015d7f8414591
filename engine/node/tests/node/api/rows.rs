//! Rows of the catalog.

use reqwest::Method;
use serde_json::json;

use super::rig::{ALPHA, Node, OPERATOR, reply};

#[tokio::test]
async fn rows_of_every_kind_are_made_read_changed_and_removed() {
    let node = Node::start().await;
    let hook = json!({ "name": "n", "account": "alpha", "url": "https://example.com/", "secret": "s3cret" });
    for (path, new, field, value) in [
        ("accounts", json!({ "name": "n", "system_id": "n", "password": "pw" }), "max_binds", json!(3)),
        (
            "links",
            json!({ "name": "n", "host": "h.example", "port": 1, "system_id": "s", "password": "p" }),
            "window",
            json!(5),
        ),
        ("routes", json!({ "name": "n", "when": {}, "then": { "reject": "no" } }), "order", json!(9)),
        ("carriers", json!({ "name": "n" }), "title", json!("N")),
        ("counter-policies", json!({ "name": "n", "kind": "pair", "threshold": 9 }), "threshold", json!(8)),
        ("white-list", json!({ "name": "n", "address": "777", "reason": "r" }), "reason", json!("why")),
        (
            "tokens",
            json!({ "name": "n", "secret": "n-0123456789abcdef", "rights": ["catalog:read"] }),
            "enabled",
            json!(false),
        ),
        ("webhooks", hook, "window", json!(2)),
    ] {
        let one = format!("{path}/n");
        let made = node.post(OPERATOR, path, &new).await;
        assert_eq!(made.status, 201, "{path}: {}", made.body);
        assert_eq!(made.header("location"), format!("/v1/{one}"));
        let tag = made.header("etag").to_owned();
        node.post(OPERATOR, path, &new).await.is_problem(409, "already_exists");
        let read = node.get(OPERATOR, &one).await;
        assert_eq!(read.header("etag"), tag);
        assert_eq!(read.body, made.body);
        for secret in ["pw", "s3cret", "n-0123456789abcdef"] {
            assert!(!read.body.to_string().contains(secret), "{path}: {}", read.body);
        }
        let mut changed = read.body.clone();
        changed[field] = value.clone();
        let put =
            reply(node.request(OPERATOR, Method::PUT, &one).header("if-match", &tag).json(&changed)).await;
        assert_eq!(put.status, 200, "{path}: {}", put.body);
        assert_eq!(put.body[field], value);
        assert_ne!(put.header("etag"), tag);
        reply(node.request(OPERATOR, Method::PUT, &one).header("if-match", &tag).json(&changed))
            .await
            .is_problem(412, "version_mismatch");
        reply(node.request(OPERATOR, Method::DELETE, &one).header("if-match", &tag))
            .await
            .is_problem(412, "version_mismatch");
        reply(node.request(OPERATOR, Method::PUT, &one).header("if-none-match", "*").json(&changed))
            .await
            .is_problem(409, "already_exists");
        assert_eq!(node.delete(OPERATOR, &one).await.status, 204);
        node.get(OPERATOR, &one).await.is_problem(404, "not_found");
        node.delete(OPERATOR, &one).await.is_problem(404, "not_found");
        reply(node.request(OPERATOR, Method::PUT, &one).header("if-match", "*").json(&changed))
            .await
            .is_problem(412, "version_mismatch");
    }
    node.stop().await;
}

#[tokio::test]
async fn a_row_that_cannot_be_is_refused_with_its_fields() {
    let node = Node::start().await;
    let bad = json!({ "name": "n", "system_id": "n", "password": "p", "max_bind": 3, "window": 0 });
    let refused = node.post(OPERATOR, "accounts", &bad).await;
    refused.is_problem(422, "invalid");
    let fields: Vec<&str> = refused.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    assert!(fields.contains(&"max_bind") && fields.contains(&"window"), "{}", refused.body);
    let other = json!({ "name": "m", "system_id": "n", "password": "p" });
    node.put(OPERATOR, "accounts/n", &other).await.is_problem(422, "invalid");
    node.stop().await;
}

#[tokio::test]
async fn rows_that_refer_to_each_other_stay_together() {
    let node = Node::start().await;
    node.delete(OPERATOR, "links/up").await.is_problem(409, "reference_broken");
    node.delete(OPERATOR, "accounts/alpha").await.is_problem(409, "reference_broken");
    let route = json!({ "name": "n", "then": { "links": [{ "link": "nobody" }] } });
    node.post(OPERATOR, "routes", &route).await.is_problem(409, "reference_broken");
    assert_eq!(node.get(OPERATOR, "links/up").await.status, 200);
    node.stop().await;
}

#[tokio::test]
async fn a_change_holds_at_once_and_after_a_restart() {
    let node = Node::start().await;
    let reject = json!({ "name": "a-stop", "order": 0, "when": { "destination_prefix": ["44"] },
        "then": { "reject": "closed" } });
    assert_eq!(node.post(OPERATOR, "routes", &reject).await.status, 201);
    let message = json!({ "destination": "447700900123", "text": "x" });
    node.post(ALPHA, "messages", &message).await.is_problem(422, "message_refused");
    let node = node.again().await;
    node.post(ALPHA, "messages", &message).await.is_problem(422, "message_refused");
    assert_eq!(node.delete(OPERATOR, "routes/a-stop").await.status, 204);
    assert_eq!(node.post(ALPHA, "messages", &message).await.status, 202);
    node.stop().await;
}

#[tokio::test]
async fn lists_come_in_pages_by_name() {
    let node = Node::start().await;
    let first = node.get(OPERATOR, "tokens?limit=4").await.body;
    let names = |body: &serde_json::Value| -> Vec<String> {
        body["items"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&first), ["alpha", "beta", "blind", "off"]);
    let next = first["next"].as_str().unwrap();
    let second = node.get(OPERATOR, &format!("tokens?limit=4&cursor={next}")).await.body;
    assert_eq!(names(&second), ["old", "operator"]);
    assert!(second["next"].is_null());
    for odd in ["abc", "%%%", "after:", "after:%20"] {
        let refused = node.get(OPERATOR, &format!("tokens?cursor={odd}")).await;
        refused.is_problem(400, "malformed");
        assert_eq!(refused.body["errors"][0]["field"], "cursor", "{odd}");
    }
    // The row that a page ended with may be gone meanwhile.
    let gone = node.get(OPERATOR, "tokens?cursor=after:blind-and-gone").await.body;
    assert_eq!(names(&gone), ["off", "old", "operator"]);
    assert!(!first.to_string().contains("alpha-token"));
    node.stop().await;
}

#[tokio::test]
async fn an_account_keeps_its_own_webhooks() {
    let node = Node::start().await;
    let own = json!({ "name": "mine", "account": "alpha", "url": "https://example.com/", "secret": "s" });
    assert_eq!(node.post(ALPHA, "webhooks", &own).await.status, 201);
    let others = json!({ "name": "theirs", "account": "beta", "url": "https://example.com/", "secret": "s" });
    node.post(ALPHA, "webhooks", &others).await.is_problem(403, "forbidden");
    assert_eq!(node.post(OPERATOR, "webhooks", &others).await.status, 201);
    node.get(ALPHA, "webhooks/theirs").await.is_problem(404, "not_found");
    node.delete(ALPHA, "webhooks/theirs").await.is_problem(404, "not_found");
    let stolen =
        json!({ "name": "theirs", "account": "alpha", "url": "https://example.com/", "secret": "s" });
    node.put(ALPHA, "webhooks/theirs", &stolen).await.is_problem(403, "forbidden");
    // The node's own secrets are not for it to sign with.
    let mut pointing = own.clone();
    pointing["secret"] = json!({ "file": "link-up" });
    node.put(ALPHA, "webhooks/mine", &pointing).await.is_problem(403, "forbidden");
    pointing["name"] = json!("another");
    node.post(ALPHA, "webhooks", &pointing).await.is_problem(403, "forbidden");
    let seen = node.get(ALPHA, "webhooks").await.body;
    assert_eq!(seen["items"].as_array().unwrap().len(), 1);
    node.stop().await;
}

#[tokio::test]
async fn switching_off_and_on_is_a_change_of_the_row() {
    let node = Node::start().await;
    for path in ["links/up", "accounts/alpha"] {
        let switch = format!("{path}/enabled");
        assert_eq!(node.get(OPERATOR, &switch).await.body, json!({ "enabled": true }));
        let off = node.put(OPERATOR, &switch, &json!({ "enabled": false })).await;
        assert_eq!(off.body, json!({ "enabled": false }));
        assert_eq!(node.get(OPERATOR, path).await.body["enabled"], false);
    }
    let refused = node.post(ALPHA, "messages", &json!({ "destination": "447700900123", "text": "x" })).await;
    refused.is_problem(422, "message_refused");
    assert_eq!(refused.body["reason"], "account_inactive");
    node.put(OPERATOR, "links/none/enabled", &json!({ "enabled": true })).await.is_problem(404, "not_found");
    let stale = node.request(OPERATOR, Method::PUT, "links/up/enabled").header("if-match", "\"1\"");
    reply(stale.json(&json!({ "enabled": true }))).await.is_problem(412, "version_mismatch");
    node.stop().await;
}
