//! Scripts and flows over the API: looked at when they are saved (TXS-02), rehearsed (MQ-10), published and gone back
//! from (MQ-29); keywords that ordinary texts begin with (KEY-14).

use reqwest::Method;
use serde_json::{Value, json};

use super::rig::{ALPHA, BETA, Node, OPERATOR, Wishes, reply};

const ROWS: &str = r#"
[[program]]
name = "welcome"
kind = "interactive"
[[program]]
name = "of-beta"
kind = "interactive"
account = "beta"
[[web_service]]
name = "crm"
account = "alpha"
url = "https://example.com/"
[[script]]
name = "hello"
account = "alpha"
kind = "javascript"
[[script]]
name = "steps"
account = "alpha"
kind = "flow"
[[source_address]]
name = "code"
address = "70650"
country = "US"
sharing = "shared"
links = ["up"]
carriers = ["example-mobile"]
[[sub_campaign]]
name = "in"
account = "alpha"
kind = "inbound"
"#;

async fn node() -> Node {
    Node::with(Wishes { rows: ROWS.into(), ..Wishes::default() }).await
}

/// A script that greets so.
fn script(greeting: &str) -> String {
    format!(
        "function begin() {{\n  sendTextMessage(\"welcome\", `{greeting} ${{getContact().firstName}}`);\n}}\n\
         function moHandler() {{\n  const count = (getConversation().get(\"count\") ?? 0) + 1;\n  \
         getConversation().set(\"count\", count);\n  \
         sendTextMessage(\"welcome\", `${{count}}: ${{getContactAttempt().text}}`);\n}}\n\
         function optOutHandler() {{\n  sendTextMessage(\"welcome\", \"Bye\");\n}}\n\
         function helpHandler() {{\n  sendTextMessage(\"welcome\", \"Help\");\n}}\n"
    )
}

fn version(script: &str, number: u32, body: &str) -> Value {
    json!({ "name": format!("{script}.{number}"), "script": script, "version": number, "body": body })
}

fn flow(program: &str, service: &str, last: &str) -> String {
    json!({
        "version": 1, "name": "steps", "start": "look",
        "help": { "program": program, "text": "Help" },
        "optOut": { "program": program, "text": "Bye" },
        "steps": {
            "look": { "kind": "call", "service": service, "next": "told", "otherwise": "told" },
            "told": { "kind": "send", "program": program, "text": last },
        },
    })
    .to_string()
}

async fn drafted(node: &Node, script_name: &str, number: u32, body: &str) {
    let made = node.post(ALPHA, "script-versions", &version(script_name, number, body)).await;
    assert_eq!(made.status, 201, "{}", made.body);
}

#[tokio::test]
async fn a_script_that_cannot_run_is_refused_with_its_places() {
    let node = node().await;
    let without = script("Hello").replace("helpHandler", "somethingElse");
    let refused = node.post(ALPHA, "script-versions", &version("hello", 1, &without)).await;
    refused.is_problem(422, "invalid");
    let error = &refused.body["errors"][0];
    assert_eq!((&error["field"], &error["line"]), (&json!("body"), &json!(1)));
    assert!(error["problem"].as_str().unwrap().contains("`helpHandler` is missing"), "{error}");
    node.get(ALPHA, "script-versions/hello.1").await.is_problem(404, "not_found");

    let broken =
        script("Hello").replacen("sendTextMessage(\"welcome\", `", "sendTextMessage(`", 1) + "\nlet = ;";
    let refused = node.post(ALPHA, "script-versions", &version("hello", 1, &broken)).await;
    refused.is_problem(422, "invalid");
    assert!(refused.body["errors"][0]["line"].as_u64() > Some(10), "{}", refused.body);

    // A program of another account is none that it may name.
    let foreign = script("Hello").replacen("welcome", "of-beta", 1);
    let refused = node.post(ALPHA, "script-versions", &version("hello", 1, &foreign)).await;
    let error = &refused.body["errors"][0];
    assert_eq!((&error["line"], &error["problem"]), (&json!(2), &json!("there is no program `of-beta`")));

    drafted(&node, "hello", 1, &script("Hello")).await;
    let mut changed = node.get(ALPHA, "script-versions/hello.1").await.body;
    changed["body"] = json!(without);
    node.put(ALPHA, "script-versions/hello.1", &changed).await.is_problem(422, "invalid");
    // What is there as JavaScript cannot become a flow.
    let as_flow = json!({ "name": "hello", "account": "alpha", "kind": "flow" });
    let refused = node.put(ALPHA, "scripts/hello", &as_flow).await;
    refused.is_problem(422, "invalid");
    assert_eq!(refused.body["errors"][0]["field"], "script_version[hello.1].body");
    node.stop().await;
}

#[tokio::test]
async fn a_flow_is_checked_with_the_names_of_its_account() {
    let node = node().await;
    for (wrong, path) in [
        (flow("welcome", "nobody", "x"), "body.steps.look.service"),
        (flow("of-beta", "crm", "x"), "body.help.program"),
        (flow("welcome", "crm", "@("), "body.steps.told.text"),
    ] {
        let refused = node.post(ALPHA, "script-versions", &version("steps", 1, &wrong)).await;
        refused.is_problem(422, "invalid");
        let fields: Vec<_> = refused.body["errors"].as_array().unwrap().iter().map(|e| &e["field"]).collect();
        assert!(fields.contains(&&json!(path)), "{fields:?}");
        assert!(refused.body["errors"][0]["column"].is_u64());
    }
    // A step that nothing leads to is probably not as it was meant.
    let mut lost: Value = serde_json::from_str(&flow("welcome", "crm", "x")).unwrap();
    lost["steps"]["lost"] = json!({ "kind": "send", "program": "welcome", "text": "x" });
    let made = node.post(ALPHA, "script-versions", &version("steps", 1, &lost.to_string())).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["warnings"][0]["field"], "body.steps.lost");
    // The answer may be sent back as it is.
    let put = node.put(ALPHA, "script-versions/steps.1", &made.body).await;
    assert_eq!(put.status, 200, "{}", put.body);
    assert!(node.get(ALPHA, "script-versions/steps.1").await.body["warnings"].is_null());
    node.stop().await;
}

async fn applied(node: &Node, rows: &str, query: &str) -> super::rig::Reply {
    let request = node.request(OPERATOR, Method::POST, &format!("catalog/apply?{query}"));
    reply(request.header("content-type", "application/toml").body(rows.to_owned())).await
}

#[tokio::test]
async fn a_file_is_reviewed_as_rows_are() {
    let node = node().await;
    let rows = |body: &str| {
        format!("[[script_version]]\nname = 'hello.1'\nscript = 'hello'\nversion = 1\nbody = '''{body}'''\n")
    };
    for query in ["dry_run=true", "dry_run=false"] {
        let refused = applied(&node, &rows("function begin() {}"), query).await;
        refused.is_problem(422, "invalid");
        assert_eq!(refused.body["errors"][0]["field"], "script_version[hello.1].body");
    }
    let keyword = |name: &str, text: &str| {
        format!(
            "[[keyword]]\nname = '{name}'\ntext = '{text}'\nsource_address = 'code'\naccount = 'alpha'\n\
             sub_campaign = 'in'\n"
        )
    };
    let both = format!("{}{}{}", rows(&script("Hello")), keyword("k1", "Yes"), keyword("k2", "balance"));
    let done = applied(&node, &both, "dry_run=false").await;
    assert_eq!(done.status, 200, "{}", done.body);
    let warnings = done.body["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["field"], "keyword[k1].text");
    // What was there before is not told of again.
    let again = applied(&node, &keyword("k3", "rates"), "dry_run=false").await;
    assert!(again.body["warnings"].is_null(), "{}", again.body);
    let single = json!({ "name": "k4", "text": "7", "source_address": "code", "account": "alpha",
        "sub_campaign": "in" });
    let made = node.post(ALPHA, "keywords", &single).await;
    assert_eq!((made.status.as_u16(), &made.body["warnings"][0]["field"]), (201, &json!("text")));
    node.stop().await;
}

#[tokio::test]
async fn versions_are_tested_published_and_gone_back_from() {
    let node = node().await;
    for (number, greeting) in [(1, "Hello"), (2, "Good day"), (3, "Hi")] {
        drafted(&node, "hello", number, &script(greeting)).await;
    }
    let order =
        async |what: &str, body: Value| node.post(ALPHA, &format!("scripts/hello/{what}"), &body).await;
    let draft = order("publish", json!({ "version": 1 })).await;
    draft.is_problem(422, "invalid");
    assert_eq!(draft.body["errors"][0]["field"], "version");
    order("rollback", json!({})).await.is_problem(422, "invalid");
    order("test", json!({ "version": 9 })).await.is_problem(404, "not_found");
    for number in [1, 2] {
        let tested = order("test", json!({ "version": number })).await;
        assert_eq!(tested.status, 200, "{}", tested.body);
        assert_eq!(tested.body["testing"], number);
        let published = order("publish", json!({ "version": number })).await;
        assert_eq!(published.body, json!({ "published": number, "testing": null }), "{number}");
        let tag = published.header("etag").to_owned();
        assert_eq!(node.get(ALPHA, "scripts/hello").await.header("etag"), tag);
    }
    // What was tested does not change any more.
    let mut changed = node.get(ALPHA, "script-versions/hello.1").await.body;
    assert_eq!(changed["state"], "published");
    changed["body"] = json!(script("Changed"));
    node.put(ALPHA, "script-versions/hello.1", &changed).await.is_problem(409, "frozen");

    let back = order("rollback", json!({})).await;
    assert_eq!(back.body["published"], 1, "{}", back.body);
    order("rollback", json!({})).await.is_problem(422, "invalid");
    order("rollback", json!({ "version": 3 })).await.is_problem(422, "invalid");
    let forward = order("rollback", json!({ "version": 2 })).await;
    assert_eq!(forward.body["published"], 2);
    let stale = node.request(ALPHA, Method::POST, "scripts/hello/rollback").header("if-match", "\"1\"");
    reply(stale.json(&json!({}))).await.is_problem(412, "version_mismatch");
    // Another account's token knows of no such script, and has no such right.
    node.post(BETA, "scripts/hello/publish", &json!({ "version": 1 })).await.is_problem(403, "forbidden");

    let audit = node.get(OPERATOR, "audit?limit=100").await.body.to_string();
    assert!(audit.contains("hello.2") && audit.contains("\"script\""), "{audit}");
    node.stop().await;
}

#[tokio::test]
async fn two_versions_are_compared_line_by_line() {
    let node = node().await;
    drafted(&node, "hello", 1, &script("Hello")).await;
    drafted(&node, "hello", 2, &script("Good day")).await;
    let differs = node.get(ALPHA, "scripts/hello/diff?from=1&to=2").await.body;
    assert_eq!((&differs["added"], &differs["removed"]), (&json!(1), &json!(1)));
    let diff = differs["diff"].as_str().unwrap();
    assert!(diff.starts_with("--- hello.1\n+++ hello.2\n@@ -1,5 +1,5 @@\n"), "{diff}");
    assert!(
        diff.contains("\n-  sendTextMessage(\"welcome\", `Hello ${getContact().firstName}`);\n"),
        "{diff}"
    );
    assert!(
        diff.contains("\n+  sendTextMessage(\"welcome\", `Good day ${getContact().firstName}`);\n"),
        "{diff}"
    );
    node.get(ALPHA, "scripts/hello/diff").await.is_problem(422, "invalid");
    node.get(ALPHA, "scripts/hello/diff?from=1&to=7").await.is_problem(404, "not_found");
    // A flow of one line is compared in as many as it has values.
    drafted(&node, "steps", 1, &flow("welcome", "crm", "one")).await;
    drafted(&node, "steps", 2, &flow("welcome", "crm", "two")).await;
    let differs = node.get(ALPHA, "scripts/steps/diff?from=1").await.body;
    assert_eq!((&differs["to"], &differs["added"]), (&json!(2), &json!(1)));
    assert!(differs["diff"].as_str().unwrap().contains("+      \"text\": \"two\""), "{differs}");
    node.stop().await;
}

#[tokio::test]
async fn a_draft_is_rehearsed_and_nothing_of_it_is_done() {
    let node = node().await;
    drafted(&node, "hello", 1, &script("Grüße ☺")).await;
    let path = "scripts/hello/versions/1/try";
    let body = json!({
        "contact": { "first_name": "Ana" },
        "happenings": [
            { "begin": {} }, { "message": { "text": "one" } }, { "message": { "text": "two" } },
            { "message": { "text": "STOP" } }, { "message": { "text": "help" } }, { "no_reply": {} },
        ],
    });
    let tried = node.post(ALPHA, path, &body).await;
    assert_eq!(tried.status, 200, "{}", tried.body);
    let runs = tried.body["runs"].as_array().unwrap();
    let texts: Vec<_> = runs.iter().map(|run| run["texts"][0]["text"].as_str().unwrap_or("")).collect();
    assert_eq!(texts, ["Grüße ☺ Ana", "1: one", "2: two", "Bye", "Help", ""]);
    let entries: Vec<_> = runs.iter().map(|run| run["entry"].as_str().unwrap_or("")).collect();
    assert_eq!(entries, ["begin", "moHandler", "moHandler", "optOutHandler", "helpHandler", ""]);
    assert_eq!(runs[0]["texts"][0]["encoding"], "ucs2");
    assert_eq!(
        runs[1]["texts"][0],
        json!({
        "program": "welcome", "text": "1: one", "encoding": "gsm7", "segments": 1 })
    );
    assert_eq!(runs[2]["variables"], json!({ "count": 2.0 }));
    assert!(!runs[0]["trace"].as_array().unwrap().is_empty() && runs[0]["micros"].is_u64());
    assert!(runs[5]["note"].is_string());
    // Nothing was sent, and nothing is remembered of it.
    assert_eq!(node.get(OPERATOR, "queues").await.body.to_string().matches("\"in_flight\":1").count(), 0);
    let again = node.post(ALPHA, path, &json!({ "happenings": [{ "message": { "text": "x" } }] })).await;
    assert_eq!(again.body["runs"][0]["variables"], json!({ "count": 1.0 }));

    let hostile = script("x").replace("const count", "for (;;) {} const count");
    drafted(&node, "hello", 2, &hostile).await;
    let tried = node.post(ALPHA, "scripts/hello/versions/2/try", &body).await.body;
    let failures: Vec<_> =
        tried["runs"].as_array().unwrap().iter().map(|run| &run["failure"]["name"]).collect();
    assert!(failures[1].as_str().unwrap().starts_with("script_too_"), "{failures:?}");
    assert_eq!(tried["runs"][4]["texts"][0]["text"], "Help", "it goes on from before the failure");
    node.post(ALPHA, "scripts/hello/versions/9/try", &body).await.is_problem(404, "not_found");
    let many = vec![json!({ "begin": {} }); 51];
    node.post(ALPHA, path, &json!({ "happenings": many })).await.is_problem(422, "invalid");
    node.stop().await;
}

#[tokio::test]
async fn a_flow_is_rehearsed_for_a_contact_of_the_account() {
    let node = node().await;
    let greeting = "Hello @contact.first_name of @contact.fields.city";
    drafted(&node, "steps", 1, &flow("welcome", "crm", greeting)).await;
    let ana = json!({ "client_id": "C-1", "first_name": "Ana", "fields": { "city": "Olot" },
        "devices": [{ "address": "+12025550123", "kind": "cell" }] });
    let made = node.post(ALPHA, "contacts", &ana).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = "scripts/steps/versions/1/try";
    let happenings = json!([{ "begin": {} }, { "answer": { "status": 200, "body": "{}" } }]);
    let tried = node.post(ALPHA, path, &json!({ "client_id": "C-1", "happenings": happenings })).await;
    assert_eq!(tried.status, 200, "{}", tried.body);
    assert_eq!(tried.body["runs"][0]["calls"][0]["service"], "crm");
    assert_eq!(tried.body["runs"][1]["texts"][0]["text"], "Hello Ana of Olot");
    let none = json!({ "client_id": "C-2", "happenings": happenings });
    node.post(ALPHA, path, &none).await.is_problem(404, "not_found");
    node.stop().await;
}
