//! Enterprises and accounts below each other: who sees, writes and suspends what (MQ-19, MQ-31).

use serde_json::{Value, json};

use super::rig::{Node, OPERATOR, Wishes};

const ROWS: &str = r#"
[[enterprise]]
name = "group"
[[enterprise]]
name = "north"
parent = "group"
[[enterprise]]
name = "south"
parent = "group"

[[account]]
name = "north-bank"
enterprise = "north"
system_id = "nbank"
password = "p"
[[account]]
name = "north-card"
parent = "north-bank"
system_id = "ncard"
password = "p"
[[account]]
name = "south-shop"
enterprise = "south"
system_id = "sshop"
password = "p"

[[source_address]]
name = "shared"
address = "70650"
sharing = "shared"
country = "US"
links = ["up"]
carriers = ["example-mobile"]
programs = ["alerts", "north-only"]
[[program]]
name = "alerts"
kind = "alert"
[[program]]
name = "north-only"
kind = "alert"
enterprise = "north"
[[approval]]
name = "alerts-shared"
program = "alerts"
source_address = "shared"
carrier = "example-mobile"
status = "approved"
[[approval]]
name = "north-shared"
program = "north-only"
source_address = "shared"
carrier = "example-mobile"
status = "approved"

[[token]]
name = "group"
secret = "token-of-the-group-0123"
enterprise = "group"
rights = ["catalog:read", "catalog:write", "links:read", "links:operate", "messages:read", "queue:operate"]
[[token]]
name = "north"
secret = "token-of-the-north-0123"
enterprise = "north"
rights = ["catalog:read", "catalog:write", "links:read", "links:operate", "messages:read", "queue:operate"]
[[token]]
name = "south-shop"
secret = "token-of-the-shop-01234"
account = "south-shop"
rights = ["catalog:read", "catalog:write", "links:read", "links:operate", "messages:send"]
[[token]]
name = "north-bank"
secret = "token-of-the-bank-01234"
account = "north-bank"
rights = ["catalog:read", "catalog:write", "links:read", "links:operate"]
"#;

const GROUP: &str = "token-of-the-group-0123";
const NORTH: &str = "token-of-the-north-0123";
const SHOP: &str = "token-of-the-shop-01234";
const BANK: &str = "token-of-the-bank-01234";

async fn start() -> Node {
    let node = Node::with(Wishes { rows: ROWS.into(), ..Wishes::default() }).await;
    for (account, name) in [("north-card", "survey-north"), ("south-shop", "survey-south")] {
        let row = json!({ "name": name, "account": account, "kind": "inbound", "state": "running",
            "programs": ["alerts"], "instructions": { "reply": "Thank you." } });
        let made = node.post(OPERATOR, "sub-campaigns", &row).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let words = format!("{name} please");
        let row = json!({ "name": name, "text": words, "source_address": "shared", "account": account,
            "sub_campaign": name });
        let made = node.post(OPERATOR, "keywords", &row).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    node
}

async fn names(node: &Node, token: &str, path: &str) -> Vec<String> {
    let listed = node.get(token, path).await;
    assert_eq!(listed.status, 200, "{path}: {}", listed.body);
    let items = listed.body["items"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().or(item["id"].as_str()).unwrap().to_owned()).collect()
}

/// messages.md, acceptance (c): siblings neither list, read nor change each other's; who is above reads.
#[tokio::test]
async fn siblings_are_invisible_and_who_is_above_sees_both() {
    let node = start().await;
    for path in ["sub-campaigns", "keywords"] {
        assert_eq!(names(&node, GROUP, path).await, ["survey-north", "survey-south"]);
        assert_eq!(names(&node, NORTH, path).await, ["survey-north"]);
        assert_eq!(names(&node, BANK, path).await, ["survey-north"], "of the account below");
        assert_eq!(names(&node, SHOP, path).await, ["survey-south"]);
        let (own, other) = (format!("{path}/survey-south"), format!("{path}/survey-north"));
        let row = node.get(SHOP, &own).await.body;
        assert_eq!(row["account"], "south-shop");
        for token in [NORTH, BANK] {
            node.get(token, &own).await.is_problem(404, "not_found");
            node.delete(token, &own).await.is_problem(404, "not_found");
            node.put(token, &own, &row).await.is_problem(403, "forbidden");
        }
        node.get(SHOP, &other).await.is_problem(404, "not_found");
    }
    assert_eq!(names(&node, GROUP, "accounts").await, ["north-bank", "north-card", "south-shop"]);
    assert_eq!(names(&node, NORTH, "accounts").await, ["north-bank", "north-card"]);
    assert_eq!(names(&node, NORTH, "enterprises").await, ["north"]);
    assert!(names(&node, SHOP, "enterprises").await.is_empty());
    // What is for everybody may be seen, what is a sibling's may not; nor may who shares an address.
    assert_eq!(names(&node, SHOP, "programs").await, ["alerts"]);
    assert_eq!(names(&node, SHOP, "approvals").await, ["alerts-shared"]);
    assert_eq!(names(&node, NORTH, "programs").await, ["alerts", "north-only"]);
    assert_eq!(names(&node, NORTH, "program-families").await, ["north-only/shared"]);
    assert!(names(&node, SHOP, "source-addresses").await.is_empty());
    assert_eq!(names(&node, OPERATOR, "program-families").await, ["alerts/shared", "north-only/shared"]);
    node.stop().await;
}

#[tokio::test]
async fn a_tenant_writes_its_own_rows_and_no_others() {
    let node = start().await;
    let row = |name: &str, account: &str| json!({ "name": name, "account": account, "kind": "inbound" });
    for (token, account, status) in [
        (SHOP, "south-shop", 201),
        (SHOP, "north-card", 403),
        (SHOP, "nobody", 403),
        (BANK, "north-card", 201),
        (NORTH, "north-bank", 201),
        (NORTH, "south-shop", 403),
        (GROUP, "south-shop", 201),
    ] {
        let name = format!("by-{}-for-{account}", &token[13..17]);
        let made = node.post(token, "sub-campaigns", &row(&name, account)).await;
        assert_eq!(made.status, status, "{name}: {}", made.body);
    }
    // A row that is one's own cannot be given away, nor lead to a sibling's.
    let mut own = node.get(SHOP, "sub-campaigns/survey-south").await.body;
    own["account"] = json!("north-bank");
    node.put(SHOP, "sub-campaigns/survey-south", &own).await.is_problem(403, "forbidden");
    own["account"] = json!("south-shop");
    own["programs"] = json!(["north-only"]);
    let refused = node.put(SHOP, "sub-campaigns/survey-south", &own).await;
    refused.is_problem(409, "reference_broken");
    // Where in one's own row, not which one it is among those of all accounts.
    assert_eq!(refused.body["detail"], "not there, not yours, or taken: programs");
    let taken = json!({ "name": "mine", "text": "SURVEY-NORTH  Pléase!", "source_address": "shared",
        "account": "south-shop", "sub_campaign": "survey-south" });
    let refused = node.post(SHOP, "keywords", &taken).await;
    refused.is_problem(409, "reference_broken");
    let told = refused.body["detail"].as_str().unwrap();
    assert!(told.contains("text") && !told.contains("survey-north"), "{told}");
    // Of what is only tested it takes no message from anybody, until it is to live (MQ-10).
    let tested = json!({ "name": "tried", "account": "south-shop", "kind": "inbound", "state": "approved",
        "programs": ["alerts"], "instructions": { "reply": "Thank you." } });
    let made = node.post(SHOP, "sub-campaigns", &tested).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let mut trial = taken.clone();
    trial["sub_campaign"] = json!("tried");
    assert_eq!(node.post(SHOP, "keywords", &trial).await.status, 201);
    let mut lives = node.get(SHOP, "sub-campaigns/tried").await.body;
    lives["state"] = json!("running");
    node.put(SHOP, "sub-campaigns/tried", &lives).await.is_problem(409, "reference_broken");
    // What is above stays as it is, and so do the rights.
    for (path, body) in [
        ("programs", json!({ "name": "x", "kind": "alert", "enterprise": "north" })),
        ("tokens", json!({ "name": "x", "secret": "0123456789abcdef0", "rights": ["catalog:write"] })),
        ("users", json!({ "name": "x", "password": "p", "rights": ["catalog:write"] })),
        ("enterprises", json!({ "name": "x", "parent": "north" })),
        ("accounts", json!({ "name": "x", "system_id": "x", "password": "p", "parent": "north-bank" })),
    ] {
        node.post(NORTH, path, &body).await.is_problem(403, "forbidden");
    }
    let stolen = json!({ "name": "w", "account": "north-bank", "url": "https://a.example/",
        "headers": { "Authorization": { "env": "SIGNALBOX_SECRET_LINK" } } });
    node.post(NORTH, "web-services", &stolen).await.is_problem(403, "forbidden");
    node.stop().await;
}

/// A web service of a private network reaches what only the node reaches: its admin port, a cloud's metadata. Who may
/// write rows must not reach it by them, nor have the node's secrets sent elsewhere.
#[tokio::test]
async fn a_tenant_lets_itself_into_no_private_network() {
    let node = start().await;
    let service = |url: &str, private: bool| {
        json!({ "name": "w", "account": "south-shop", "url": url, "private": private,
            "headers": { "Authorization": { "env": "SIGNALBOX_SECRET_CRM" } } })
    };
    let mut own = service("https://a.example/", true);
    own["headers"] = json!({});
    let refused = node.post(SHOP, "web-services", &own).await;
    refused.is_problem(403, "forbidden");
    assert!(refused.body["detail"].as_str().unwrap().contains("`private`"), "{}", refused.body);
    own["private"] = json!(false);
    assert_eq!(node.post(SHOP, "web-services", &own).await.status, 201);
    own["private"] = json!(true);
    node.put(SHOP, "web-services/w", &own).await.is_problem(403, "forbidden");

    // What the operator gave holds for where he lets it lead.
    for (url, private) in [("http://10.1.2.3/crm/", true), ("https://a.example/crm/", false)] {
        let given = node.put(OPERATOR, "web-services/w", &service(url, private)).await;
        assert_eq!(given.status, 200, "{}", given.body);
        let mut row = node.get(SHOP, "web-services/w").await.body;
        row["timeout"] = json!("2s");
        let kept = node.put(SHOP, "web-services/w", &row).await;
        assert_eq!(kept.status, 200, "{}", kept.body);
        for (key, value) in [("url", json!("http://169.254.169.254/")), ("path", json!(true))] {
            let mut elsewhere = row.clone();
            elsewhere[key] = value;
            node.put(SHOP, "web-services/w", &elsewhere).await.is_problem(403, "forbidden");
        }
    }
    // Without what is the operator's it is the account's own again.
    let mut row = node.get(SHOP, "web-services/w").await.body;
    row["headers"] = json!({});
    row["url"] = json!("https://b.example/");
    assert_eq!(node.put(SHOP, "web-services/w", &row).await.status, 200);
    node.stop().await;
}

/// What knows accounts alone must not take the token of an enterprise for one that sees all.
#[tokio::test]
async fn a_token_of_an_enterprise_is_for_rows() {
    let node = start().await;
    for path in ["messages", "queues", "links", "routes", "tokens", "audit", "carriers"] {
        let refused = node.get(NORTH, path).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.body);
    }
    // People are seen by who is above them, and written by nobody but the operator (ACC-08).
    for (name, enterprise) in [("ned", "north"), ("sue", "south")] {
        let person =
            json!({ "name": name, "password": "p", "rights": ["catalog:read"], "enterprise": enterprise });
        assert_eq!(node.post(OPERATOR, "users", &person).await.status, 201);
    }
    assert_eq!(names(&node, NORTH, "users").await, ["ned"]);
    assert_eq!(names(&node, GROUP, "users").await, ["ned", "sue"]);
    node.delete(NORTH, "users/ned").await.is_problem(403, "forbidden");
    node.post(NORTH, "queue/purge", &json!({ "all": true })).await.is_problem(403, "forbidden");
    assert_eq!(node.get(NORTH, "token").await.body["enterprise"], "north");
    node.stop().await;
}

async fn is_active(node: &Node, account: &str) -> bool {
    let in_force = node.control.in_force();
    let id = in_force.snapshot.ids.account(account).unwrap();
    in_force.policy.accounts[&id].active
}

#[tokio::test]
async fn who_is_above_suspends_all_that_is_below_and_nobody_else() {
    let node = start().await;
    let suspended = |yes: bool| json!({ "suspended": yes });
    let enabled = |yes: bool| json!({ "enabled": yes });
    // Nobody suspends himself, his siblings or who is above.
    node.put(NORTH, "enterprises/north/suspended", &suspended(true)).await.is_problem(403, "forbidden");
    node.put(NORTH, "enterprises/south/suspended", &suspended(true)).await.is_problem(404, "not_found");
    node.put(NORTH, "enterprises/group/suspended", &suspended(true)).await.is_problem(404, "not_found");
    node.put(SHOP, "accounts/north-card/enabled", &enabled(false)).await.is_problem(404, "not_found");
    node.put(SHOP, "accounts/south-shop/enabled", &enabled(false)).await.is_problem(403, "forbidden");
    node.put(GROUP, "links/up/enabled", &enabled(false)).await.is_problem(403, "forbidden");

    let done = node.put(GROUP, "enterprises/north/suspended", &suspended(true)).await;
    assert_eq!((done.status.as_u16(), done.body), (200, suspended(true)));
    let active = async |node: &Node| -> Value {
        json!([
            is_active(node, "north-bank").await,
            is_active(node, "north-card").await,
            is_active(node, "south-shop").await,
        ])
    };
    assert_eq!(active(&node).await, json!([false, false, true]));
    // The rows of those below are what they were: with the end of it they are as before.
    assert_eq!(node.get(OPERATOR, "accounts/north-card").await.body["enabled"], true);
    node.put(GROUP, "enterprises/north/suspended", &suspended(false)).await;
    assert_eq!(active(&node).await, json!([true, true, true]));
    assert_eq!(node.put(NORTH, "accounts/north-bank/enabled", &enabled(false)).await.status, 200);
    assert_eq!(active(&node).await, json!([false, false, true]));
    node.stop().await;
}

/// MQ-29: what was published is what it was, whoever asks and on whatever way.
#[tokio::test]
async fn a_version_that_was_published_does_not_change_and_does_not_go() {
    let node = start().await;
    let script = json!({ "name": "talk", "account": "south-shop", "kind": "javascript" });
    assert_eq!(node.post(SHOP, "scripts", &script).await.status, 201);
    let body = |begin: &str| {
        format!(
            "function begin() {{{begin}}}\nfunction moHandler() {{}}\nfunction optOutHandler() {{}}\n\
             function helpHandler() {{}}\n"
        )
    };
    let mut version = json!({ "name": "talk.1", "script": "talk", "version": 1, "body": body("/* one */") });
    assert_eq!(node.post(SHOP, "script-versions", &version).await.status, 201);
    node.get(NORTH, "script-versions/talk.1").await.is_problem(404, "not_found");
    version["body"] = json!(body("/* two */"));
    assert_eq!(node.put(SHOP, "script-versions/talk.1", &version).await.status, 200, "a draft may change");
    version["state"] = json!("published");
    assert_eq!(node.put(SHOP, "script-versions/talk.1", &version).await.status, 200);
    let mut other = version.clone();
    other["body"] = json!(body("sendTextMessage('alerts', 'another text');"));
    for token in [SHOP, OPERATOR] {
        node.put(token, "script-versions/talk.1", &other).await.is_problem(409, "frozen");
        node.delete(token, "script-versions/talk.1").await.is_problem(409, "frozen");
    }
    other = version.clone();
    other["state"] = json!("draft");
    node.put(SHOP, "script-versions/talk.1", &other).await.is_problem(409, "frozen");
    other["state"] = json!("published");
    other["note"] = json!("the one of May");
    assert_eq!(
        node.put(SHOP, "script-versions/talk.1", &other).await.status,
        200,
        "its note is no text of it"
    );
    let mut script = script;
    script["published"] = json!(2);
    node.put(SHOP, "scripts/talk", &script).await.is_problem(409, "reference_broken");
    script["published"] = json!(1);
    assert_eq!(node.put(SHOP, "scripts/talk", &script).await.status, 200);
    node.stop().await;
}
