//! Tokens and rights.

use reqwest::Method;
use serde_json::json;
use signalbox_config::catalog::Right;

use super::rig::{ALPHA, BETA, BLIND, Node, OPERATOR, reply};

/// The hash of a password that nobody has: that of each person here, so that none has to be hashed.
const PERSON: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U";

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

/// What needs no right: who asks is told of himself and of the API, or shows otherwise who he is.
const OPEN: [&str; 9] = [
    "about.openapi",
    "about.token",
    "link.events",
    "link.mo",
    "link.mo_by_query",
    "link.receipts",
    "link.receipts_by_query",
    "session.close",
    "session.open",
];

/// ACC-08: every operation of the document is refused to a token that lacks its right, whatever else it has, and to a
/// token of a person who lacks it, whatever the token says.
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
        let person = json!({ "name": name, "password": PERSON, "rights": others, "account": "alpha" });
        assert_eq!(node.post(OPERATOR, "users", &person).await.status, 201);
        let all: Vec<&str> = Right::ALL.iter().map(|right| right.as_str()).collect();
        let secret = format!("person-{name}-0123456789");
        let token =
            json!({ "name": format!("person-{name}"), "secret": secret, "rights": all, "user": name });
        assert_eq!(node.post(OPERATOR, "tokens", &token).await.status, 201);
    }
    let document = signalbox::api::document();
    let (mut checked, mut open) = (0, Vec::new());
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Some(right) = operation["x-right"].as_str() else {
                open.push(operation["operationId"].as_str().unwrap());
                continue;
            };
            let token = format!("no-{}-0123456789", right.replace(':', "-"));
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let place = path.trim_start_matches("/v1/").replace(['{', '}'], "");
            for token in [token.clone(), format!("person-{token}")] {
                let refused = reply(node.request(&token, method.clone(), &place)).await;
                refused.is_problem(403, "forbidden");
                assert!(refused.body["detail"].as_str().unwrap().ends_with(right), "{}", refused.body);
            }
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked}");
    open.sort_unstable();
    assert_eq!(open, OPEN);
    node.stop().await;
}

/// ACC-01, ACC-08: a person logs in, may do what their row says, and is gone with their password or their row.
#[tokio::test]
async fn a_person_logs_in_and_is_what_their_row_says() {
    let node = Node::start().await;
    let row =
        json!({ "name": "ann", "password": "ann has one", "rights": ["messages:read"], "account": "alpha" });
    assert_eq!(node.post(OPERATOR, "users", &row).await.status, 201);
    let login = |password: &str| json!({ "user": "ann", "password": password });
    node.post("", "sessions", &login("a guess")).await.is_problem(401, "unauthenticated");
    let session = node.post("", "sessions", &login("ann has one")).await;
    assert_eq!(session.status, 200, "{}", session.body);
    let token = session.body["token"].as_str().unwrap().to_owned();
    let told = node.get(&token, "token").await.body;
    let expected =
        json!({ "name": "user:ann", "user": "ann", "account": "alpha", "rights": ["messages:read"] });
    assert_eq!(told, expected);
    node.get(&token, "accounts").await.is_problem(403, "forbidden");
    let mut row = node.get(OPERATOR, "users/ann").await.body;
    assert_eq!(row["password"], "***", "it is seen by nobody");
    row["rights"] = json!(["messages:read", "catalog:read"]);
    assert_eq!(node.put(OPERATOR, "users/ann", &row).await.status, 200);
    assert_eq!(node.get(&token, "accounts").await.status, 200, "from the next request on");
    assert_eq!(node.get(&token, "users").await.body["items"][0]["name"], "ann", "of the own account");
    row["password"] = json!("another one");
    assert_eq!(node.put(OPERATOR, "users/ann", &row).await.status, 200);
    node.get(&token, "token").await.is_problem(401, "unauthenticated");
    let token =
        node.post("", "sessions", &login("another one")).await.body["token"].as_str().unwrap().to_owned();
    row["enabled"] = json!(false);
    assert_eq!(node.put(OPERATOR, "users/ann", &row).await.status, 200);
    node.get(&token, "token").await.is_problem(401, "unauthenticated");
    node.post("", "sessions", &login("another one")).await.is_problem(401, "unauthenticated");
    node.stop().await;
}

/// Guesses are bounded.
#[tokio::test]
async fn wrong_passwords_lock_out_where_they_come_from() {
    let node = Node::start().await;
    let guess = json!({ "user": "ann", "password": "a guess" });
    for _ in 0..5 {
        node.post("", "sessions", &guess).await.is_problem(401, "unauthenticated");
    }
    node.post("", "sessions", &guess).await.is_problem(429, "too_many_requests");
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
