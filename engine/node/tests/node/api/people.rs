//! Contacts, lists, uploads and history over the API.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use signalbox_core::id::AccountId;
use signalbox_core::time::Micros;
use signalbox_people::{Direction, NewTrace, People, Place};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::rig::{ALPHA, BETA, BLIND, Node, OPERATOR, Reply, reply};

fn ann() -> Value {
    json!({ "client_id": "C-1", "first_name": "Ann", "email": "Ann@Example.com", "zone": "Europe/London",
        "devices": [{ "kind": "cell", "address": "+44 7700 900123" }], "fields": { "car": "red" } })
}

async fn upload(node: &Node, token: &str, place: &str, file: &str) -> Reply {
    let request = node.request(token, Method::POST, place).header("content-type", "text/csv; charset=utf-8");
    reply(request.body(file.to_owned())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_is_made_changed_and_removed() {
    let node = Node::start().await;
    let made = node.post(ALPHA, "contacts", &ann()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["account"], "alpha");
    assert_eq!(made.body["devices"][1], json!({ "kind": "email", "address": "Ann@example.com" }));
    let place = made.header("location").trim_start_matches("/v1/").to_owned();
    let got = node.get(ALPHA, &place).await;
    assert_eq!((&got.body, got.header("etag")), (&made.body, "\"1\""));
    node.post(ALPHA, "contacts", &ann()).await.is_problem(409, "already_exists");
    let mut changed = ann();
    changed["company"] = json!("Example");
    let request = |tag: &str| node.request(ALPHA, Method::PUT, &place).header("if-match", tag).json(&changed);
    let put = reply(request("\"1\"")).await;
    assert_eq!((put.status, put.header("etag")), (StatusCode::OK, "\"2\""));
    assert_eq!(put.body["company"], "Example");
    reply(request("\"1\"")).await.is_problem(412, "version_mismatch");
    let by_device = node.get(ALPHA, "contacts?device=%2B447700900123").await;
    assert_eq!(by_device.body["items"][0], put.body);
    let by_client = node.get(OPERATOR, "contacts?account=alpha&client_id=C-1").await;
    assert_eq!(by_client.body["items"][0], put.body);
    assert_eq!(node.delete(ALPHA, &place).await.status, 204);
    node.get(ALPHA, &place).await.is_problem(404, "not_found");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_erased_and_the_trail_tells_of_it_without_a_name() {
    let node = Node::start().await;
    let made = node.post(ALPHA, "contacts", &ann()).await;
    let place = made.header("location").trim_start_matches("/v1/").to_owned();
    let erasure = format!("{place}/erasure");
    // To change people is another right.
    reply(node.request(ALPHA, Method::POST, &erasure)).await.is_problem(403, "forbidden");
    let mut changed = ann();
    changed["company"] = json!("Example");
    assert_eq!(node.put(ALPHA, &place, &changed).await.status, 200);
    let stale = node.request(OPERATOR, Method::POST, &erasure).header("if-match", "\"1\"");
    reply(stale).await.is_problem(412, "version_mismatch");
    let erased = reply(node.request(OPERATOR, Method::POST, &erasure).header("if-match", "\"2\"")).await;
    let all = json!({ "devices": 2, "history": 0, "consents": 0, "suppressions": 0 });
    assert_eq!((erased.status, &erased.body), (StatusCode::OK, &all));
    node.get(ALPHA, &place).await.is_problem(404, "not_found");
    reply(node.request(OPERATOR, Method::POST, &erasure)).await.is_problem(404, "not_found");
    let other = node.post(ALPHA, "contacts", &ann()).await;
    let other = other.header("location").trim_start_matches("/v1/").to_owned();
    assert_eq!(node.delete(ALPHA, &other).await.status, 204);
    let audit = node.get(OPERATOR, "audit?limit=6").await.body;
    let told: Vec<(&str, &str, &Value)> = audit["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| {
            (item["by"].as_str().unwrap(), item["action"].as_str().unwrap(), &item["detail"]["contact"])
        })
        .collect();
    let id = |place: &str| json!(place.trim_start_matches("contacts/"));
    let (first, second) = (id(&place), id(&other));
    let expected = [
        ("alpha", "contact.delete", &second),
        ("alpha", "contact.create", &second),
        ("operator", "contact.erase", &first),
        ("operator", "contact.erase", &first),
        ("alpha", "contact.put", &first),
        ("alpha", "contact.create", &first),
    ];
    assert_eq!(told, expected);
    for word in ["Ann", "7700", "C-1", "example.com"] {
        assert!(!audit.to_string().contains(word), "{word}: {audit}");
    }
    assert!(node.dir().join("data/people.key").exists());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_sees_its_own_people_alone() {
    let node = Node::with(super::rig::Wishes {
        rows: "[[token]]\nname = \"theirs\"\nsecret = \"theirs-0123456789abcdef\"\naccount = \"beta\"\n\
               rights = [\"contacts:read\", \"contacts:write\"]\n"
            .into(),
        ..Default::default()
    })
    .await;
    let theirs = "theirs-0123456789abcdef";
    let made = node.post(ALPHA, "contacts", &ann()).await;
    let contact = made.header("location").trim_start_matches("/v1/").to_owned();
    let list = node.post(ALPHA, "lists", &json!({ "name": "spring" })).await;
    let list = list.header("location").trim_start_matches("/v1/").to_owned();
    for path in [&contact, &list, &format!("{list}/members")] {
        node.get(theirs, path).await.is_problem(404, "not_found");
    }
    node.put(theirs, &contact, &ann()).await.is_problem(404, "not_found");
    node.delete(theirs, &contact).await.is_problem(404, "not_found");
    node.delete(theirs, &list).await.is_problem(404, "not_found");
    upload(&node, theirs, &format!("{list}/uploads"), "cell\n+447700900123\n")
        .await
        .is_problem(404, "not_found");
    node.get(theirs, "contacts?account=alpha").await.is_problem(404, "not_found");
    node.get(theirs, "history?account=alpha&client_id=C-1").await.is_problem(404, "not_found");
    assert_eq!(node.get(theirs, "contacts").await.body, json!({ "items": [] }));
    // A token for all accounts says which one it means.
    node.get(OPERATOR, "contacts").await.is_problem(422, "invalid");
    node.get(BETA, "contacts").await.is_problem(403, "forbidden");
    node.post(BLIND, "contacts", &ann()).await.is_problem(403, "forbidden");
    node.stop().await;
}

/// Who is above sees what is below, and nothing beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_below_are_seen_and_others_are_not() {
    let token = |name: &str, of: &str| {
        format!(
            "[[token]]\nname = \"{name}\"\nsecret = \"{name}-0123456789abcdef\"\n{of}\n\
             rights = [\"contacts:read\", \"contacts:write\"]\n"
        )
    };
    let rows = format!(
        "[[enterprise]]\nname = \"group\"\n\
         [[account]]\nname = \"above\"\nsystem_id = \"above\"\npassword = \"above\"\nenterprise = \"group\"\n\
         [[account]]\nname = \"below\"\nsystem_id = \"below\"\npassword = \"below\"\nparent = \"above\"\n{}{}",
        token("of-above", "account = \"above\""),
        token("of-below", "account = \"below\""),
    );
    let node = Node::with(super::rig::Wishes { rows, ..Default::default() }).await;
    let [above, below] = ["above", "below"].map(|name| format!("of-{name}-0123456789abcdef"));
    let mut body = ann();
    body["account"] = json!("below");
    let made = node.post(&above, "contacts", &body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let place = made.header("location").trim_start_matches("/v1/").to_owned();
    for token in [&above, &below] {
        assert_eq!(node.get(token, &place).await.body, made.body);
    }
    let own = node.post(&above, "contacts", &ann()).await;
    assert_eq!(own.body["account"], "above");
    let own = own.header("location").trim_start_matches("/v1/").to_owned();
    node.get(&below, &own).await.is_problem(404, "not_found");
    node.get(&above, "contacts?account=alpha").await.is_problem(404, "not_found");
    let alphas = node.post(ALPHA, "contacts", &ann()).await;
    let alphas = alphas.header("location").trim_start_matches("/v1/").to_owned();
    for token in [&above, &below] {
        node.get(token, &alphas).await.is_problem(404, "not_found");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_streams_into_a_list() {
    let node = Node::start().await;
    let list = node.post(ALPHA, "lists", &json!({ "name": "spring" })).await;
    let list = list.header("location").trim_start_matches("/v1/").to_owned();
    // The account's country reads national numbers.
    let file =
        "Customer;Number;Car\nC-1;07700 900123;red\nC-2;none;\nC-1;07700 900124;\nC-3;07700 900125;blue\n";
    let query = "file=spring.csv&delimiter=;&columns={\"Customer\":\"client_id\",\"Number\":\"cell\"}";
    let done = upload(&node, ALPHA, &format!("{list}/uploads?{query}"), file).await;
    assert_eq!((done.status, &done.body["state"]), (StatusCode::OK, &json!("done")), "{}", done.body);
    let counts = ["lines", "accepted", "created", "rejected", "repeated_in_file"];
    assert_eq!(counts.map(|name| done.body[name].as_i64()), [4, 2, 2, 1, 1].map(Some));
    let place = done.header("location").trim_start_matches("/v1/").to_owned();
    assert_eq!(node.get(ALPHA, &place).await.body, done.body);
    assert_eq!(node.get(ALPHA, "uploads").await.body["items"][0], done.body);
    let rejects = node.get(ALPHA, &format!("{place}/rejects")).await.body;
    let wanted = json!({ "items": [{ "line": 3, "column": "Number", "reason": "is no phone number" }] });
    assert_eq!(rejects, wanted);
    let members = node.get(ALPHA, &format!("{list}/members?limit=1")).await.body;
    assert_eq!(members["items"][0]["client_id"], "C-1");
    let next = members["next"].as_str().expect("a second page");
    let members = node.get(ALPHA, &format!("{list}/members?limit=1&cursor={next}")).await.body;
    assert_eq!((&members["items"][0]["client_id"], &members["next"]), (&json!("C-3"), &Value::Null));
    assert_eq!(node.get(ALPHA, &list).await.body["members"], 2);
    let again = node.post(ALPHA, &format!("{place}/cancel"), &json!({})).await;
    assert_eq!(again.body["state"], "done");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_cannot_be_says_why() {
    let node = Node::start().await;
    let list = node.post(ALPHA, "lists", &json!({ "name": "spring" })).await;
    let list = list.header("location").trim_start_matches("/v1/").to_owned();
    let place = format!("{list}/uploads");
    let failed = upload(&node, ALPHA, &place, "name,car\nAnn,red\n").await;
    assert_eq!(failed.body["state"], "failed");
    assert_eq!(failed.body["problem"], "no column holds a number or an e-mail address");
    for (query, field) in [
        ("delimiter=ab", "delimiter"),
        ("country=XX", "country"),
        ("existing=maybe", "existing"),
        ("columns={\"a\":\"phone\"}", "columns"),
        ("unmapped=x", "unmapped"),
    ] {
        let refused = upload(&node, ALPHA, &format!("{place}?{query}"), "cell\n").await;
        refused.is_problem(422, "invalid");
        assert_eq!(refused.body["errors"][0]["field"], field);
    }
    node.post(ALPHA, &place, &json!({})).await.is_problem(415, "unsupported_media_type");
    upload(&node, ALPHA, "lists/999999/uploads", "cell\n").await.is_problem(404, "not_found");
    node.stop().await;
}

/// Most clients send a whole file before they read: the answer must not be lost because the rest of it is of no use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_fails_early_may_be_sent_to_its_end() {
    let node = Node::start().await;
    let list = node.post(ALPHA, "lists", &json!({ "name": "spring" })).await;
    let place = format!("{}/uploads", list.header("location"));
    let file = format!("cell\n{}\n", "1".repeat(16 << 20));
    let mut stream = TcpStream::connect(node.address()).await.unwrap();
    let head = format!(
        "POST {place} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ALPHA}\r\nContent-Type: text/csv\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        file.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(file.as_bytes()).await.expect("the file is taken to its end");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the answer comes");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("is a quote never closed?"), "{answer}");
    node.stop().await;
}

/// The time that a request may take is not that of a file, and a body may be larger than others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_may_be_large() {
    let wishes = super::rig::Wishes { api: "max_body = \"64KiB\"".into(), ..Default::default() };
    let node = Node::with(wishes).await;
    let list = node.post(ALPHA, "lists", &json!({ "name": "spring" })).await;
    let list = list.header("location").trim_start_matches("/v1/").to_owned();
    let mut file = "id,cell\n".to_owned();
    for line in 0..5000 {
        file.push_str(&format!("C-{line},+4477009{line:05}\n"));
    }
    assert!(file.len() > 65536);
    let done = upload(&node, ALPHA, &format!("{list}/uploads"), &file).await;
    assert_eq!(done.body["accepted"], 5000, "{}", done.body);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_filled_used_and_deleted() {
    let node = Node::start().await;
    let made = node.post(OPERATOR, "lists", &json!({ "account": "alpha", "name": "spring" })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let place = made.header("location").trim_start_matches("/v1/").to_owned();
    node.post(ALPHA, "lists", &json!({ "name": "spring" })).await.is_problem(409, "already_exists");
    let contact = node.post(ALPHA, "contacts", &ann()).await.body["id"].clone();
    let members = format!("{place}/members");
    let joined = node.post(ALPHA, &members, &json!({ "contacts": [contact] })).await;
    assert_eq!(joined.body, json!({ "added": 1 }));
    node.post(ALPHA, &members, &json!({ "contacts": ["999999"] })).await.is_problem(404, "not_found");
    let member = format!("{members}/{}", contact.as_str().expect("an id"));
    assert_eq!(node.delete(ALPHA, &member).await.status, 204);
    assert_eq!(node.get(ALPHA, &place).await.body["members"], 0);
    let renamed = node.put(ALPHA, &place, &json!({ "name": "autumn" })).await;
    assert_eq!((&renamed.body["name"], renamed.header("etag")), (&json!("autumn"), "\"2\""));
    let people =
        People::open(&Place::File(node.dir().join("data/people.db")), "other").await.expect("people");
    let id = made.body["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    people.hold_list(&signalbox_people::Scope::All, id, "sub-campaign 7", Micros(0)).await.expect("held");
    node.delete(ALPHA, &place).await.is_problem(409, "reference_broken");
    people.release_list(id, "sub-campaign 7").await.expect("released");
    assert_eq!(node.delete(ALPHA, &place).await.status, 204);
    node.until(ALPHA, "lists", |body| body["items"].as_array().is_some_and(Vec::is_empty)).await;
    people.close().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_is_told_and_masked() {
    let node = Node::start().await;
    let people =
        People::open(&Place::File(node.dir().join("data/people.db")), "other").await.expect("people");
    let account: AccountId = node.control.in_force().snapshot.ids.account("alpha").expect("alpha");
    let event = |number: i64| NewTrace {
        event: format!("m-{number}"),
        account,
        device: "+447700900123".into(),
        client_id: Some("C-1".into()),
        at: Micros(number),
        direction: Direction::In,
        channel: "text".into(),
        source: "12345".into(),
        sub_campaign: None,
        status: "received".into(),
        status_at: Micros(number),
        text: Some("hello".into()),
        detail: Some(r#"{"reasons":["keyword"]}"#.into()),
    };
    people.record_trace(&[event(1), event(2), event(3)]).await.expect("recorded");
    let page = node.get(ALPHA, "history?device=%2B447700900123&limit=2").await.body;
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().expect("items");
        items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids(&page), ["m-3", "m-2"]);
    assert_eq!((&page["items"][0]["text"], &page["items"][0]["client_id"]), (&json!("hello"), &json!("C-1")));
    assert_eq!(page["items"][0]["detail"], json!({ "reasons": ["keyword"] }));
    let next = page["next"].as_str().expect("a second page");
    let page = node.get(ALPHA, &format!("history?device=%2B447700900123&limit=2&cursor={next}")).await.body;
    assert_eq!(ids(&page), ["m-1"]);
    let blind = node.get(BLIND, "history?account=alpha&client_id=C-1").await.body;
    assert_eq!(blind["items"][0]["device"], "+4*********23");
    assert_eq!((&blind["items"][0]["text"], &blind["items"][0]["client_id"]), (&Value::Null, &Value::Null));
    assert_eq!(blind["items"][0]["detail"], Value::Null);
    node.get(ALPHA, "history").await.is_problem(422, "invalid");
    node.get(ALPHA, "history?device=x&cursor=odd").await.is_problem(400, "malformed");
    people.close().await;
    node.stop().await;
}
