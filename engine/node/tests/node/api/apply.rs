//! The catalog as a file.

use reqwest::Method;
use serde_json::{Value, json};

use super::rig::{ALPHA, Node, OPERATOR, Reply, reply};

async fn apply(node: &Node, query: &str, file: &str) -> Reply {
    let request = node.request(OPERATOR, Method::POST, &format!("catalog/apply{query}"));
    reply(request.header("content-type", "application/toml").body(file.to_owned())).await
}

fn told(answer: &Value) -> Vec<String> {
    answer["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            format!(
                "{} {} {}",
                row["change"].as_str().unwrap(),
                row["kind"].as_str().unwrap(),
                row["name"].as_str().unwrap()
            )
        })
        .collect()
}

const FILE: &str = r#"
[[link]]
name = "up"
host = "127.0.0.1"
port = 2776
system_id = "signalbox"
password = "another-secret"
window = 20
retry = { temporary = { waits = ["1h"] } }

[[carrier]]
name = "new"
prefixes = ["4478"]

[[account]]
name = "alpha"
system_id = "alpha"
password = "alpha"
default_source = "12345"
mo_addresses = ["12345"]
default_country = "GB"
"#;

#[tokio::test]
async fn a_dry_run_tells_and_changes_nothing_and_the_real_one_does() {
    let node = Node::start().await;
    let before = node.control.in_force().snapshot.version.0;
    let dry = apply(&node, "?dry_run=true", FILE).await;
    assert_eq!(dry.status, 200, "{}", dry.body);
    // The password of alpha is the one that it has, so that alpha does not change.
    assert_eq!(told(&dry.body), ["add carrier new", "change link up"]);
    assert_eq!(dry.body["dry_run"], true);
    let fields = &dry.body["changes"][1]["fields"];
    let window = fields.as_array().unwrap().iter().find(|field| field["field"] == "window").unwrap();
    assert_eq!((&window["before"], &window["after"]), (&json!("10"), &json!("20")));
    assert!(fields.to_string().contains("password"));
    assert!(!dry.body.to_string().contains("another-secret"), "{}", dry.body);
    assert_eq!(node.control.in_force().snapshot.version.0, before);

    let done = apply(&node, "", FILE).await;
    assert_eq!(told(&done.body), told(&dry.body));
    assert_eq!(done.body["version"], before + 1);
    assert_eq!(node.get(OPERATOR, "links/up").await.body["window"], 20);
    let again = apply(&node, "", FILE).await;
    assert_eq!(told(&again.body), Vec::<String>::new());
    assert_eq!(again.body["version"], before + 1);
    node.stop().await;
}

#[tokio::test]
async fn prune_removes_what_the_file_does_not_have() {
    let node = Node::start().await;
    let file = r#"
[[token]]
name = "operator"
secret = "operator-token-0123456789"
rights = ["catalog:read", "catalog:write", "audit:read"]
"#;
    let kept = apply(&node, "?dry_run=true", file).await;
    assert_eq!(told(&kept.body), ["change token operator"]);
    let pruned = apply(&node, "?prune=true", file).await;
    assert!(told(&pruned.body).contains(&"remove link up".to_owned()), "{}", pruned.body);
    assert!(node.get(OPERATOR, "links").await.body["items"].as_array().unwrap().is_empty());
    node.get(ALPHA, "messages").await.is_problem(401, "unauthenticated");
    node.stop().await;
}

#[tokio::test]
async fn a_file_that_is_wrong_is_refused_with_its_lines() {
    let node = Node::start().await;
    let refused = apply(&node, "", "[[link]]\nname = \"x\"\nhots = \"h\"\n").await;
    refused.is_problem(422, "invalid");
    let errors = refused.body["errors"].as_array().unwrap();
    assert!(errors.iter().any(|error| error["line"] == 3 && error["field"] == "link[0].hots"), "{errors:?}");
    let broken =
        apply(&node, "", "[[route]]\nname = \"x\"\nthen = { links = [{ link = \"nobody\" }] }\n").await;
    broken.is_problem(422, "invalid");
    // A new password of an account is kept as its hash.
    let file = FILE.replace("password = \"alpha\"", "password = \"changed-password\"");
    assert_eq!(apply(&node, "", &file).await.status, 200);
    let stored = std::fs::read(node.dir().join("data/catalog.db")).unwrap();
    let log = std::fs::read(node.dir().join("data/catalog.db-wal")).unwrap_or_default();
    for octets in [stored, log] {
        assert!(!octets.windows(16).any(|window| window == b"changed-password"));
    }
    node.stop().await;
}
