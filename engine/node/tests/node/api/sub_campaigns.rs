//! The life of sub-campaigns (MQ-29), what their conversations came to (API-15), and scripts of several files (D9).

use std::io::{Cursor, Write};

use reqwest::Method;
use serde_json::{Value, json};
use signalbox_core::time::Micros;
use signalbox_people::{AccountId, Episode};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::rig::{ALPHA, BETA, BLIND, Node, OPERATOR, Wishes, reply};

const ROWS: &str = r#"
[[program]]
name = "welcome"
kind = "interactive"
[[script]]
name = "hello"
account = "alpha"
kind = "javascript"
[[sub_campaign]]
name = "in"
account = "alpha"
kind = "inbound"
instructions = { reply = "Hello" }
"#;

async fn node() -> Node {
    Node::with(Wishes { rows: ROWS.into(), ..Wishes::default() }).await
}

async fn move_to(node: &Node, state: &str) -> super::rig::Reply {
    node.post(ALPHA, "sub-campaigns/in/move", &json!({ "state": state })).await
}

#[tokio::test]
async fn a_sub_campaign_is_taken_through_its_life() {
    let node = node().await;
    let life = node.get(ALPHA, "sub-campaigns/in/life").await;
    assert_eq!(
        life.body,
        json!({ "state": "draft", "next": ["testing", "cancelled"], "standing": "paused" })
    );
    let refused = move_to(&node, "running").await;
    refused.is_problem(422, "invalid");
    assert_eq!(refused.body["errors"][0]["field"], "state");
    assert_eq!(refused.body["errors"][0]["problem"], "goes from draft to testing, cancelled, not to running");
    move_to(&node, "asleep").await.is_problem(422, "invalid");
    for (state, standing) in [("testing", "not_started"), ("approved", "not_started")] {
        let moved = move_to(&node, state).await;
        assert_eq!(
            (moved.status.as_u16(), &moved.body["standing"]),
            (200, &json!(standing)),
            "{}",
            moved.body
        );
    }
    // What is scheduled says when.
    move_to(&node, "scheduled").await.is_problem(422, "invalid");
    let mut row = node.get(ALPHA, "sub-campaigns/in").await.body;
    row["from"] = json!("2090-01-01T00:00:00Z");
    assert_eq!(node.put(ALPHA, "sub-campaigns/in", &row).await.status, 200);
    let moved = move_to(&node, "scheduled").await;
    assert_eq!(moved.body["standing"], "not_started", "{}", moved.body);
    // A row and a file go no other way than an order.
    row["state"] = json!("draft");
    row["from"] = Value::Null;
    let tag = moved.header("etag").to_owned();
    let mut ended = node.get(ALPHA, "sub-campaigns/in").await.body;
    ended["state"] = json!("archived");
    node.put(ALPHA, "sub-campaigns/in", &ended).await.is_problem(422, "invalid");
    let file = "[[sub_campaign]]\nname = 'in'\naccount = 'alpha'\nkind = 'inbound'\nstate = 'testing'\n\
                instructions = { reply = 'Hello' }\n";
    let request = node.request(OPERATOR, Method::POST, "catalog/apply?dry_run=true");
    let applied = reply(request.header("content-type", "application/toml").body(file)).await;
    applied.is_problem(422, "invalid");
    let stale = node.request(ALPHA, Method::POST, "sub-campaigns/in/move").header("if-match", "\"1\"");
    reply(stale.json(&json!({ "state": "running" }))).await.is_problem(412, "version_mismatch");
    let fresh = node.request(ALPHA, Method::POST, "sub-campaigns/in/move").header("if-match", &tag);
    let moved = reply(fresh.json(&json!({ "state": "running" }))).await;
    assert_eq!(moved.body["state"], "running", "{}", moved.body);
    for state in ["paused", "running", "ended", "archived"] {
        assert_eq!(move_to(&node, state).await.body["state"], state);
    }
    assert_eq!(node.get(ALPHA, "sub-campaigns/in/life").await.body["next"], json!([]));
    let mut row = node.get(ALPHA, "sub-campaigns/in").await.body;
    row["priority"] = json!(7);
    node.put(ALPHA, "sub-campaigns/in", &row).await.is_problem(422, "invalid");
    node.get(BETA, "sub-campaigns/in/life").await.is_problem(403, "forbidden");
    node.stop().await;
}

fn episode(number: u32, variables: &Value) -> Episode {
    Episode {
        id: format!("c{number}.1"),
        told: format!("{number:032x}"),
        account: AccountId(1),
        sub_campaign: "in".into(),
        device: format!("+44740012345{number}"),
        source: "12345".into(),
        client_id: Some(format!("C-{number}")),
        version: Some("hello.1".into()),
        began_at: Micros(1_790_000_000_000_000),
        at: Micros(1_790_000_001_000_000),
        ended: false,
        variables: variables.to_string(),
        test: false,
    }
}

#[tokio::test]
async fn conversations_are_exported_with_their_variables() {
    let node = node().await;
    let people = signalbox::people::open(&node.control.in_force().settings).await.unwrap();
    let account = node.control.in_force().snapshot.ids.account("alpha").unwrap();
    let told: Vec<Episode> = [json!({ "age": 41 }), json!({ "age": 7, "said": "a, \"b\"" }), json!({})]
        .iter()
        .zip(1..)
        .map(|(variables, number)| Episode { account, ..episode(number, variables) })
        .collect();
    people.record_episodes(&told).await.unwrap();
    let page = node.get(ALPHA, "sub-campaigns/in/conversations?limit=2").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(page.body["items"].as_array().unwrap().len(), 2);
    assert_eq!(page.body["items"][1]["variables"], json!({ "age": 7, "said": "a, \"b\"" }));
    assert_eq!(page.body["items"][0]["device"], "+447400123451");
    let next = page.body["next"].as_str().unwrap();
    let rest = node.get(ALPHA, &format!("sub-campaigns/in/conversations?cursor={next}")).await.body;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    // Where it ended, what is new comes later.
    let last = rest["items"][0]["cursor"].as_str().unwrap();
    let changed =
        Episode { account, ended: true, told: format!("{:032x}", 9), ..episode(1, &json!({ "age": 42 })) };
    people.record_episodes(&[changed]).await.unwrap();
    let more = node.get(ALPHA, &format!("sub-campaigns/in/conversations?cursor={last}")).await.body;
    assert_eq!(
        (&more["items"][0]["id"], &more["items"][0]["ended"], &more["items"][0]["variables"]["age"]),
        (&json!("c1.1"), &json!(true), &json!(42))
    );
    node.get(ALPHA, "sub-campaigns/in/conversations?cursor=x").await.is_problem(400, "malformed");
    node.get(BETA, "sub-campaigns/in/conversations").await.is_problem(404, "not_found");
    // Without the right to see texts there are neither numbers nor variables.
    let blind = node.get(BLIND, "sub-campaigns/in/conversations").await.body;
    let shown = blind["items"][0].as_object().unwrap();
    assert!(!shown.contains_key("variables") && shown["device"] != "+447400123452", "{shown:?}");
    node.get(BLIND, "sub-campaigns/in/conversations.csv").await.is_problem(403, "forbidden");

    let path = "sub-campaigns/in/conversations.csv?variables=age,said";
    let file = node.request(ALPHA, Method::GET, path).send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "text/csv");
    let text = file.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].ends_with(",ended,age,said"), "{text}");
    assert!(lines[1].starts_with("c2.1,") && lines[1].ends_with(",false,7,\"a, \"\"b\"\"\""), "{text}");
    assert!(lines[3].starts_with("c1.1,") && lines[3].ends_with(",true,42,"), "{text}");
    node.stop().await;
}

fn script(greeting: &str) -> String {
    format!(
        "function begin() {{ sendTextMessage('welcome', '{greeting}'); }}\nfunction moHandler() {{}}\n\
         function optOutHandler() {{}}\nfunction helpHandler() {{}}\n"
    )
}

/// MQ-29: a version that testers were given is not taken from under an open conversation.
#[tokio::test]
async fn a_version_with_open_conversations_is_not_removed() {
    let node = node().await;
    let version = json!({ "name": "hello.1", "script": "hello", "version": 1, "body": script("Hello") });
    assert_eq!(node.post(ALPHA, "script-versions", &version).await.status, 201);
    assert_eq!(node.post(ALPHA, "scripts/hello/test", &json!({ "version": 1 })).await.status, 200);
    let mut script = node.get(ALPHA, "scripts/hello").await.body;
    script["testing"] = Value::Null;
    assert_eq!(node.put(ALPHA, "scripts/hello", &script).await.status, 200);
    let people = signalbox::people::open(&node.control.in_force().settings).await.unwrap();
    let account = node.control.in_force().snapshot.ids.account("alpha").unwrap();
    let open = Episode { account, ..episode(1, &json!({})) };
    people.record_episodes(std::slice::from_ref(&open)).await.unwrap();
    let refused = node.delete(ALPHA, "script-versions/hello.1").await;
    refused.is_problem(409, "frozen");
    assert_eq!(refused.body["detail"], "1 open conversations are on the version `hello.1`");
    let over = Episode { ended: true, told: format!("{:032x}", 2), ..open };
    people.record_episodes(&[over]).await.unwrap();
    assert_eq!(node.delete(ALPHA, "script-versions/hello.1").await.status, 204);
    node.stop().await;
}

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        writer.start_file(*path, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

async fn put_zip(node: &Node, token: &str, version: u32, files: &[(&str, &str)]) -> super::rig::Reply {
    let path = format!("scripts/hello/versions/{version}/bundle");
    let request = node.request(token, Method::PUT, &path).header("content-type", "application/zip");
    reply(request.body(zip(files))).await
}

#[tokio::test]
async fn a_script_of_several_files_comes_as_an_archive() {
    let node = node().await;
    let main = script("x").replace("'x'", "require('./lib/words.js').hello");
    let words = "exports.hello = 'Hello of a file';";
    let made = put_zip(&node, ALPHA, 1, &[("script.js", &main), ("lib/words.js", words)]).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(made.body["files"][0], json!({ "path": "lib/words.js", "octets": words.len() }));
    let tried =
        node.post(ALPHA, "scripts/hello/versions/1/try", &json!({ "happenings": [{ "begin": {} }] })).await;
    assert_eq!(tried.body["runs"][0]["texts"][0]["text"], "Hello of a file", "{}", tried.body);
    let shown = node.get(ALPHA, "scripts/hello/versions/1/bundle").await;
    assert_eq!((&shown.body, shown.header("etag")), (&made.body, made.header("etag")));
    // A draft is written over, what was tested is not.
    let again =
        put_zip(&node, ALPHA, 1, &[("script.js", &main), ("lib/words.js", "exports.hello = 'Hi';")]).await;
    assert_eq!(again.status, 200, "{}", again.body);
    assert_eq!(node.post(ALPHA, "scripts/hello/test", &json!({ "version": 1 })).await.status, 200);
    let frozen = put_zip(&node, ALPHA, 1, &[("script.js", &script("other"))]).await;
    frozen.is_problem(409, "frozen");
    let made = put_zip(&node, ALPHA, 2, &[("script.js", &main), ("lib/words.js", words)]).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let diff = node.get(ALPHA, "scripts/hello/diff?from=1&to=2").await.body;
    assert!(diff["diff"].as_str().unwrap().contains("=== lib/words.js"), "{diff}");
    assert_eq!((&diff["added"], &diff["removed"]), (&json!(1), &json!(1)));

    let lost = put_zip(&node, ALPHA, 3, &[("script.js", &main)]).await;
    lost.is_problem(422, "invalid");
    let told = lost.body["errors"][0]["problem"].as_str().unwrap();
    assert!(told.contains("script.js: the bundle has no file `./lib/words.js`"), "{told}");
    let out = put_zip(&node, ALPHA, 3, &[("script.js", &main), ("../lib/words.js", words)]).await;
    out.is_problem(422, "invalid");
    put_zip(&node, BETA, 3, &[("script.js", &script("x"))]).await.is_problem(403, "forbidden");
    node.get(ALPHA, "script-versions/hello.3").await.is_problem(404, "not_found");
    node.stop().await;
}
