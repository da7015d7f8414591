//! Quotas of accounts and enterprises: refused with their reason (MQ-32, ACC-05).

use reqwest::Method;
use serde_json::json;

use super::rig::{ALPHA, Node, OPERATOR, Wishes, reply};

const ROWS: &str = r#"
[[enterprise]]
name = "corp"
limits = { running = 2, accounts = 2 }
[[account]]
name = "one"
enterprise = "corp"
system_id = "one"
password = "p"
quotas = { running = 1 }
[[account]]
name = "two"
enterprise = "corp"
system_id = "two"
password = "p"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_of_messages_is_refused_with_its_reason_and_outlasts_a_restart() {
    let node = Node::start().await;
    let mut row = node.get(OPERATOR, "accounts/alpha").await.body;
    row["quotas"] = json!({ "messages_per_day": 2 });
    let put = node.put(OPERATOR, "accounts/alpha", &row).await;
    assert_eq!(put.status, 200, "{}", put.body);
    let message = json!({ "destination": "447700900123", "text": "x" });
    for _ in 0..2 {
        assert_eq!(node.post(ALPHA, "messages", &message).await.status, 202);
    }
    let refused = node.post(ALPHA, "messages", &message).await;
    refused.is_problem(429, "too_many_requests");
    assert_eq!(refused.body["reason"], "quota_reached");
    let node = node.again().await;
    assert_eq!(node.post(ALPHA, "messages", &message).await.body["reason"], "quota_reached");
    row["quotas"] = json!({ "messages_per_day": 3 });
    assert_eq!(node.put(OPERATOR, "accounts/alpha", &row).await.status, 200);
    assert_eq!(node.post(ALPHA, "messages", &message).await.status, 202);
    assert_eq!(node.post(ALPHA, "messages", &message).await.body["reason"], "quota_reached");
    node.stop().await;
}

#[tokio::test]
async fn running_sub_campaigns_and_accounts_are_bounded_for_each_and_for_all_above() {
    let node = Node::with(Wishes { rows: ROWS.into(), ..Wishes::default() }).await;
    let sub = |name: &str, account: &str, state: &str| {
        json!({ "name": name, "account": account, "kind": "inbound", "state": state,
            "instructions": { "reply": "Hello" } })
    };
    let made = |name: &'static str, account: &'static str, state: &'static str| {
        let (node, row) = (&node, sub(name, account, state));
        async move { node.post(OPERATOR, "sub-campaigns", &row).await }
    };
    assert_eq!(made("a", "one", "running").await.status, 201);
    assert_eq!(made("b", "one", "paused").await.status, 201);
    let refused = node.put(OPERATOR, "sub-campaigns/b", &sub("b", "one", "running")).await;
    refused.is_problem(409, "reference_broken");
    let told = refused.body["detail"].as_str().unwrap().to_owned();
    assert!(told.contains("state: the account `one` may have 1 running sub-campaigns"), "{told}");
    assert_eq!(made("c", "two", "running").await.status, 201);
    let refused = made("d", "two", "running").await;
    refused.is_problem(409, "reference_broken");
    let told = refused.body["detail"].as_str().unwrap().to_owned();
    assert!(told.contains("the enterprise `corp` may have 2 running sub-campaigns"), "{told}");
    assert_eq!(node.put(OPERATOR, "sub-campaigns/a", &sub("a", "one", "paused")).await.status, 200);
    assert_eq!(made("d", "two", "running").await.status, 201);
    let third = json!({ "name": "three", "enterprise": "corp", "system_id": "three", "password": "p" });
    let refused = node.post(OPERATOR, "accounts", &third).await;
    refused.is_problem(409, "reference_broken");
    assert!(refused.body["detail"].as_str().unwrap().contains("the enterprise `corp` may have 2 accounts"));
    node.stop().await;
}

/// The bound holds however a contact comes, the answer says both numbers, and the account sees how much it uses.
#[tokio::test]
async fn contacts_are_bounded_by_the_api_and_by_files() {
    let node = Node::start().await;
    let mut row = node.get(OPERATOR, "accounts/alpha").await.body;
    row["quotas"] = json!({ "contacts": 2 });
    assert_eq!(node.put(OPERATOR, "accounts/alpha", &row).await.status, 200);
    let contact = |id: &str| json!({ "account": "alpha", "client_id": id });
    let usage = async || node.get(OPERATOR, "accounts/alpha/usage").await.body["contacts"].clone();
    assert_eq!(usage().await, json!({ "used": 0, "limit": 2 }));
    assert_eq!(node.post(OPERATOR, "contacts", &contact("C-1")).await.status, 201);
    let list = node.post(OPERATOR, "lists", &json!({ "account": "alpha", "name": "spring" })).await;
    let list = list.body["id"].as_str().unwrap().to_owned();
    let file = "client_id,cell\nC-1,+447400123451\nC-2,+447400123452\nC-3,+447400123453\n";
    let request = node.request(OPERATOR, Method::POST, &format!("lists/{list}/uploads"));
    let upload = reply(request.header("content-type", "text/csv").body(file)).await;
    assert_eq!(
        (upload.body["accepted"].as_u64(), upload.body["rejected"].as_u64()),
        (Some(2), Some(1)),
        "{}",
        upload.body
    );
    let id = upload.body["id"].as_str().unwrap();
    let rejects = node.get(OPERATOR, &format!("uploads/{id}/rejects")).await.body;
    assert_eq!(rejects["items"][0]["line"], 4, "{rejects}");
    assert_eq!(rejects["items"][0]["reason"], "the account may hold 2 contacts and holds 2");
    let refused = node.post(OPERATOR, "contacts", &contact("C-4")).await;
    refused.is_problem(409, "quota_reached");
    assert_eq!(refused.body["detail"], "the account may hold 2 contacts and holds 2");
    assert_eq!(usage().await, json!({ "used": 2, "limit": 2 }));
    row["quotas"] = json!({});
    assert_eq!(node.put(OPERATOR, "accounts/alpha", &row).await.status, 200);
    assert_eq!(node.post(OPERATOR, "contacts", &contact("C-4")).await.status, 201);
    assert_eq!(usage().await, json!({ "used": 3 }));
    node.stop().await;
}
