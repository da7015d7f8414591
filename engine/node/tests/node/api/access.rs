//! Tokens and rights.

use reqwest::Method;
use serde_json::json;
use signalbox_config::catalog::Right;

use super::rig::{ALPHA, BETA, BLIND, Node, OPERATOR, reply};

#[tokio::test]
async fn without_a_good_token_nothing_is_told() {
    let node = Node::start().await;
    for token in ["", "unknown-0123456789", "switched-off-0123456789", "out-of-date-0123456789"] {
        let refused = node.get(token, "messages").await;
        refused.is_problem(401, "unauthenticated");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
    let basic = node.request("", Method::GET, "messages").header("authorization", "Basic YTpi");
    reply(basic).await.is_problem(401, "unauthenticated");
    node.get("", "openapi.json").await.is_problem(401, "unauthenticated");
    let own = node.get(BETA, "token").await;
    assert_eq!(
        own.body,
        json!({ "name": "beta", "account": "beta",
        "rights": ["messages:send", "messages:read"] })
    );
    node.stop().await;
}

/// Every operation of the document is refused to a token that lacks its right, whatever else it has.
#[tokio::test]
async fn each_operation_asks_for_its_right() {
    let node = Node::start().await;
    for right in Right::ALL {
        let others: Vec<&str> =
            Right::ALL.iter().filter(|other| *other != right).map(|right| right.as_str()).collect();
        let name = format!("no-{}", right.as_str().replace(':', "-"));
        let token = json!({ "name": name, "secret": format!("{name}-0123456789"), "rights": others,
            "account": "alpha" });
        assert_eq!(node.post(OPERATOR, "tokens", &token).await.status, 201);
    }
    let document = signalbox::api::document();
    let mut checked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Some(right) = operation["x-right"].as_str() else { continue };
            let token = format!("no-{}-0123456789", right.replace(':', "-"));
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let place = path.trim_start_matches("/v1/").replace(['{', '}'], "");
            let refused = reply(node.request(&token, method, &place)).await;
            refused.is_problem(403, "forbidden");
            assert!(refused.body["detail"].as_str().unwrap().ends_with(right), "{}", refused.body);
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked}");
    node.stop().await;
}

#[tokio::test]
async fn a_token_of_one_account_has_no_hand_in_the_node() {
    let node = Node::start().await;
    let rights: Vec<&str> = Right::ALL.iter().map(|right| right.as_str()).collect();
    let token =
        json!({ "name": "all", "secret": "all-of-alpha-0123456789", "rights": rights, "account": "alpha" });
    assert_eq!(node.post(OPERATOR, "tokens", &token).await.status, 201);
    let own = "all-of-alpha-0123456789";
    for path in [
        "links",
        "routes",
        "tokens",
        "carriers",
        "white-list",
        "counter-policies",
        "audit",
        "alarms",
        "counters/12345",
        "links/up/enabled",
    ] {
        node.get(own, path).await.is_problem(403, "forbidden");
    }
    node.put(own, "links/up/enabled", &json!({ "enabled": false })).await.is_problem(403, "forbidden");
    node.put(own, "links/up/sending", &json!({ "sending": false })).await.is_problem(403, "forbidden");
    node.put(own, "accounts/alpha/enabled", &json!({ "enabled": false })).await.is_problem(403, "forbidden");
    node.delete(own, "accounts/alpha").await.is_problem(403, "forbidden");
    let reroute = json!({ "selection": { "all": true }, "to": "other" });
    node.post(own, "queue/reroute", &reroute).await.is_problem(403, "forbidden");
    let accounts = node.get(own, "accounts").await.body;
    assert_eq!(accounts["items"].as_array().unwrap().len(), 1);
    assert_eq!(accounts["items"][0]["name"], "alpha");
    node.get(own, "accounts/beta").await.is_problem(404, "not_found");
    // Its orders to the queue reach its own messages alone.
    let beta = json!({ "destination": "447700900123", "source": "BETA", "text": "x" });
    assert_eq!(node.post(BETA, "messages", &beta).await.status, 202);
    node.submit("447700900124", "x").await;
    let purged = node.post(own, "queue/purge", &json!({ "all": true })).await;
    assert_eq!(purged.body["changed"], 1, "{}", purged.body);
    node.post(own, "queue/purge", &json!({ "account": "beta" })).await.is_problem(403, "forbidden");
    node.stop().await;
}

#[tokio::test]
async fn a_token_that_is_switched_off_is_refused_at_once() {
    let node = Node::start().await;
    assert_eq!(node.get(BLIND, "messages").await.status, 200);
    let row = node.get(OPERATOR, "tokens/blind").await;
    let mut body = row.body.clone();
    assert_ne!(body["secret"], "blind-operator-0123456789");
    body["enabled"] = json!(false);
    assert_eq!(node.put(OPERATOR, "tokens/blind", &body).await.status, 200);
    node.get(BLIND, "messages").await.is_problem(401, "unauthenticated");
    // The secret that was sent back masked is still the old one.
    body["enabled"] = json!(true);
    assert_eq!(node.put(OPERATOR, "tokens/blind", &body).await.status, 200);
    assert_eq!(node.get(BLIND, "messages").await.status, 200);
    assert_eq!(node.get(ALPHA, "messages").await.status, 200);
    node.stop().await;
}
