//! Opt-outs over the API, and that they hold for what is submitted.

use serde_json::json;

use super::rig::{ALPHA, BETA, BLIND, Node, OPERATOR};

const TO: &str = "447700900123";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opt_out_holds_for_what_waits_and_is_ended_with_a_reason() {
    let node = Node::start().await;
    let id = node.submit(TO, "x").await;
    let mut out = json!({ "device": TO, "level": "account", "name": "alpha", "reason": "asked by letter" });
    assert_eq!(node.post(ALPHA, "suppressions", &out).await.body["changed"], 1);
    assert_eq!(node.post(ALPHA, "suppressions", &out).await.body["changed"], 0);
    let listed = node.get(ALPHA, &format!("suppressions?device={TO}")).await;
    let row = &listed.body["items"][0];
    assert_eq!(
        (&row["level"], &row["name"], &row["by"]),
        (&json!("account"), &json!("alpha"), &json!("api"))
    );
    assert!(row["reason"].as_str().unwrap().ends_with(": asked by letter"), "{row}");
    // The link comes up: what has waited for it does not leave.
    let _link = node.link("up").await;
    let path = format!("messages/{id}");
    node.until(OPERATOR, &path, |body| body["reason"] == "opted_out_account").await;
    assert_eq!(node.get(OPERATOR, &path).await.body["outcome"], "filtered");

    out["reason"] = json!(" ");
    node.post(ALPHA, "suppressions/end", &out).await.is_problem(422, "invalid");
    out["reason"] = json!("wrote back");
    assert_eq!(node.post(ALPHA, "suppressions/end", &out).await.body["changed"], 1);
    let listed = node.get(ALPHA, &format!("suppressions?device={TO}")).await;
    assert_eq!(listed.body["items"], json!([]));
    let ledger = node.get(ALPHA, "consents?subject=%2B447700900123").await;
    let said = ledger.body["items"].as_array().unwrap();
    let of =
        |at: usize| (&said[at]["action"], &said[at]["level_id"], &said[at]["how"], &said[at]["channels"]);
    assert_eq!(of(0), (&json!("opt_in"), &json!("alpha"), &json!("api"), &json!(["text"])));
    assert_eq!(of(said.len() - 1).0, &json!("opt_out"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_decides_for_itself_alone() {
    let node = Node::start().await;
    let of = |name: &str| json!({ "device": TO, "level": "account", "name": name, "reason": "x" });
    node.post(ALPHA, "suppressions", &of("beta")).await.is_problem(422, "invalid");
    node.post(BETA, "suppressions", &of("beta")).await.is_problem(403, "forbidden");
    node.post(BLIND, "suppressions", &of("alpha")).await.is_problem(403, "forbidden");
    let wide = json!({ "device": TO, "level": "enterprise", "name": "any", "reason": "x" });
    node.post(ALPHA, "suppressions", &wide).await.is_problem(403, "forbidden");
    let nobody = json!({ "level": "account", "name": "alpha", "reason": "x" });
    node.post(ALPHA, "suppressions", &nobody).await.is_problem(422, "invalid");
    assert_eq!(node.post(OPERATOR, "suppressions", &of("beta")).await.body["changed"], 1);
    let listed = node.get(ALPHA, &format!("suppressions?device={TO}")).await;
    assert_eq!(listed.body["items"], json!([]), "what another account's people want is not its affair");
    node.stop().await;
}
