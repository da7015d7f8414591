//! Habits of the whole API, read off its document and tried on a node: lists page by cursor, what changes has ETags,
//! what makes something takes idempotency keys, errors are problem details of listed types.
//!
//! An operation that fails here lacks what the message says; `operations.rs` has a word for each. One that has a
//! reason to be otherwise is in [`OTHERWISE`] with that reason.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::rig::{ALPHA, Node, OPERATOR, Reply, reply};

/// Operations that are no rows which somebody edits, and why.
const OTHERWISE: [(&str, &str); 3] = [
    ("link.sending", "an order to a running node; it is no row and is forgotten at its end"),
    ("list.leave", "one membership is there or not: there is nothing of it to overwrite"),
    ("message.cancel", "an order; whether it comes in time the exchange alone can say"),
];

/// One operation of the document.
struct Described {
    method: Method,
    path: String,
    id: String,
    value: Value,
    whole: Value,
}

impl Described {
    fn all() -> Vec<Self> {
        let whole = signalbox::api::document();
        let paths = whole["paths"].as_object().unwrap();
        let of_path = |(path, methods): (&String, &Value)| {
            let methods = methods.as_object().unwrap().iter();
            methods
                .map(|(method, value)| Self {
                    method: method.to_uppercase().parse().unwrap(),
                    path: path.clone(),
                    id: value["operationId"].as_str().unwrap().to_owned(),
                    value: value.clone(),
                    whole: whole.clone(),
                })
                .collect::<Vec<_>>()
        };
        paths.iter().flat_map(of_path).collect()
    }

    fn takes(&self, place: &str, name: &str) -> bool {
        let parameters = self.value["parameters"].as_array().unwrap();
        parameters.iter().any(|one| one["in"] == place && one["name"] == name)
    }

    fn answers(&self) -> &Map<String, Value> {
        self.value["responses"].as_object().unwrap()
    }

    fn answers_with(&self, status: &str, header: &str) -> bool {
        self.answers().get(status).is_some_and(|answer| !answer["headers"][header].is_null())
    }

    fn has_problem(&self, kind: &str) -> bool {
        self.value["x-problems"].as_array().unwrap().iter().any(|one| one == kind)
    }

    /// The schema of its usual answer, where that is JSON.
    fn answer(&self) -> Option<&Value> {
        let schema = &self.answers().get("200")?["content"]["application/json"]["schema"];
        match schema["$ref"].as_str() {
            Some(reference) => self.whole.pointer(reference.trim_start_matches('#')),
            None => Some(schema).filter(|schema| schema.is_object()),
        }
    }

    fn is_open(&self) -> bool {
        self.value["security"].as_array().is_some_and(Vec::is_empty)
    }

    fn is_otherwise(&self) -> bool {
        OTHERWISE.iter().any(|(id, _)| *id == self.id)
    }

    fn media(&self) -> Option<&str> {
        self.value["requestBody"]["content"].as_object()?.keys().next().map(String::as_str)
    }
}

/// Asserts that no operation lacks anything.
fn none_lack(lacks: &[String]) {
    assert!(lacks.is_empty(), "\n{}", lacks.join("\n"));
}

#[test]
fn every_list_pages_by_cursor() {
    let mut lacks = Vec::new();
    for one in Described::all().iter().filter(|one| one.method == Method::GET) {
        let items = one.answer().is_some_and(|schema| schema["properties"]["items"]["type"] == "array");
        let array = one.answer().is_some_and(|schema| schema["type"] == "array");
        if array || (one.id.ends_with(".list") && !items) {
            lacks.push(format!("{} must answer with a page: `.page::<T>(..)` and `Page`", one.id));
        }
        if !items {
            continue;
        }
        for name in ["cursor", "limit"] {
            if !one.takes("query", name) {
                let how = "`.query::<PageQuery>()` and `Page::cut` or `Page::of`";
                lacks.push(format!("{} is a list and must take `{name}` in its query: {how}", one.id));
            }
        }
        if one.answer().is_some_and(|schema| schema["properties"]["next"].is_null()) {
            lacks.push(format!("{} must give `next` out", one.id));
        }
    }
    none_lack(&lacks);
}

#[test]
fn what_changes_has_etags() {
    let all = Described::all();
    let mut lacks = Vec::new();
    for one in all.iter().filter(|one| !one.is_otherwise()) {
        let changes = [Method::PUT, Method::PATCH].contains(&one.method);
        if !changes && one.method != Method::DELETE {
            continue;
        }
        if !one.takes("header", "If-Match") {
            lacks.push(format!("{} must take If-Match: `.header(RequestHeader::IfMatch)`", one.id));
        }
        if !one.has_problem("version_mismatch") {
            lacks.push(format!("{} must list version_mismatch among its problems", one.id));
        }
        if changes && !one.answers_with("200", "ETag") {
            lacks.push(format!("{} must answer 200 with the new ETag: `.with(\"ETag\")`", one.id));
        }
        let read = all.iter().find(|other| other.path == one.path && other.method == Method::GET);
        match read {
            Some(read) if !read.answers_with("200", "ETag") => {
                lacks.push(format!("{} must answer with the ETag that {} takes", read.id, one.id));
            }
            Some(_) => {}
            None => lacks.push(format!("{} must be readable at {}, with its ETag", one.id, one.path)),
        }
    }
    for one in all.iter().filter(|one| one.answers().contains_key("201")) {
        for header in ["ETag", "Location"] {
            // A row that a PUT makes is where the request said.
            let said = header == "Location" && one.method == Method::PUT;
            if !said && !one.answers_with("201", header) {
                lacks.push(format!("{} must answer 201 with `{header}`", one.id));
            }
        }
    }
    none_lack(&lacks);
}

#[test]
fn what_makes_something_takes_idempotency_keys() {
    let mut lacks = Vec::new();
    for one in Described::all().iter().filter(|one| one.method == Method::POST && !one.is_open()) {
        let makes = one.answers().keys().any(|status| status == "201" || status == "202")
            || one.answers_with("200", "Location")
            || one.id.ends_with(".create");
        if makes && !one.takes("header", "Idempotency-Key") {
            lacks.push(format!("{} makes something and must take an Idempotency-Key: `.once()`", one.id));
        }
        if one.takes("header", "Idempotency-Key") && !one.has_problem("idempotency_key_reused") {
            lacks.push(format!("{} must list idempotency_key_reused among its problems", one.id));
        }
    }
    none_lack(&lacks);
}

#[test]
fn exceptions_are_of_operations_that_are_there() {
    let all = Described::all();
    let known: BTreeSet<&str> = all.iter().map(|one| one.id.as_str()).collect();
    for (id, reason) in OTHERWISE {
        assert!(known.contains(id), "{id}: {reason}");
    }
}

/// What an error lacks of a problem of the operation's own list.
fn wrong(one: &Described, what: &str, told: &Reply) -> Option<String> {
    if told.status.is_success() {
        return None;
    }
    let kind = told.body["type"].as_str().unwrap_or_default();
    let name = kind.strip_prefix("urn:signalbox:problem:").unwrap_or_default();
    let is = told.header("content-type") == "application/problem+json"
        && told.body["status"] == told.status.as_u16()
        && told.body["title"].is_string();
    if !is || name.is_empty() {
        return Some(format!("{} {what}: {} is no problem: {}", one.id, told.status, told.body));
    }
    if !one.has_problem(name) {
        return Some(format!("{} {what}: `{name}` must be among its problems: {}", one.id, told.body));
    }
    None
}

/// The path of an operation about things that are not there.
fn nowhere(one: &Described) -> String {
    let parts = one.path.trim_start_matches("/v1/").split('/');
    let parts = parts.map(|part| if part.starts_with('{') { "nobody" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn every_error_is_a_problem_of_a_listed_type() {
    let node = Node::start().await;
    let mut lacks = Vec::new();
    for one in Described::all().iter().filter(|one| !one.is_open()) {
        let path = nowhere(one);
        let ask =
            |token: &str, query: &str| node.request(token, one.method.clone(), &format!("{path}{query}"));
        let told = reply(ask("", "")).await;
        if told.status != 401 {
            lacks.push(format!("{} must refuse who has no token: {}", one.id, told.status));
        }
        lacks.extend(wrong(one, "without a token", &told));
        for (who, token) in [("an operator", OPERATOR), ("an account", ALPHA)] {
            let broken = match one.media() {
                Some(media) => ask(token, "").header("content-type", media).body("{\"name\": "),
                None => ask(token, ""),
            };
            let told = reply(broken).await;
            lacks.extend(wrong(one, &format!("by {who}, with a body that breaks off"), &told));
            if one.media().is_some() {
                let other = ask(token, "").header("content-type", "image/png").body("?");
                lacks.extend(wrong(one, &format!("by {who}, with a picture"), &reply(other).await));
            }
            if one.takes("query", "limit") {
                let told = reply(ask(token, "?limit=0")).await;
                if told.status.is_success() {
                    lacks.push(format!("{} must refuse a page of no items", one.id));
                }
                lacks.extend(wrong(one, &format!("by {who}, of a page without items"), &told));
            }
            if one.takes("header", "If-Match") {
                let stale = match one.media() {
                    Some(media) => ask(token, "").header("content-type", media).body("{}"),
                    None => ask(token, ""),
                };
                let told = reply(stale.header("if-match", "\"1\"")).await;
                if told.status.is_success() {
                    lacks.push(format!("{} must not change what has not the ETag", one.id));
                }
                lacks.extend(wrong(one, &format!("by {who}, with an old ETag"), &told));
            }
        }
    }
    reply(node.request(OPERATOR, Method::PATCH, "accounts")).await.is_problem(405, "method_not_allowed");
    node.get(OPERATOR, "nothing/here").await.is_problem(404, "not_found");
    node.stop().await;
    none_lack(&lacks);
}

#[tokio::test]
async fn a_request_with_a_key_is_carried_out_once() {
    let node = Node::start().await;
    let ask = |key: &str, path: &str, body: &Value| {
        reply(node.request(ALPHA, Method::POST, path).header("idempotency-key", key).json(body))
    };
    let contact = json!({ "client_id": "C-1", "devices": [{ "kind": "cell", "address": "+447400123456" }] });
    let made = ask("k-1", "contacts", &contact).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.header("idempotency-replayed"), "");
    let again = ask("k-1", "contacts", &contact).await;
    assert_eq!((again.status, &again.body), (made.status, &made.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    for header in ["etag", "location", "content-type"] {
        assert_eq!(again.header(header), made.header(header), "{header}");
    }
    // Without the key, or with another one, it is a second request.
    node.post(ALPHA, "contacts", &contact).await.is_problem(409, "already_exists");
    ask("k-2", "contacts", &contact).await.is_problem(409, "already_exists");
    // What failed is not remembered.
    node.delete(ALPHA, &format!("contacts/{}", made.body["id"].as_str().unwrap())).await;
    assert_eq!(ask("k-2", "contacts", &contact).await.status, 201);
    // A key belongs to one request of one token.
    let other = json!({ "client_id": "C-2", "devices": [] });
    ask("k-1", "contacts", &other).await.is_problem(422, "idempotency_key_reused");
    ask("k-1", "lists", &json!({ "name": "friends" })).await.is_problem(422, "idempotency_key_reused");
    let list = json!({ "name": "friends", "account": "alpha" });
    let theirs = node.request(OPERATOR, Method::POST, "lists").header("idempotency-key", "k-1").json(&list);
    assert_eq!(reply(theirs).await.status, 201);
    node.stop().await;
}

#[tokio::test]
async fn two_requests_with_one_key_at_once_make_one_thing() {
    let node = Node::start().await;
    let body = json!({ "name": "friends" });
    let ask =
        || reply(node.request(ALPHA, Method::POST, "lists").header("idempotency-key", "once").json(&body));
    let (first, second, third) = tokio::join!(ask(), ask(), ask());
    let answers = [first, second, third];
    let ids: BTreeSet<&str> = answers.iter().map(|answer| answer.body["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1);
    assert!(answers.iter().all(|answer| answer.status == 201));
    let made = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty());
    assert_eq!(made.count(), 1);
    node.stop().await;
}

#[tokio::test]
async fn a_list_that_is_there_as_a_whole_comes_in_pages_too() {
    let node = Node::start().await;
    let whole = node.get(OPERATOR, "peers").await.body;
    assert!(whole["next"].is_null());
    let first = node.get(OPERATOR, "peers?limit=1").await.body;
    assert_eq!(first["items"], json!([whole["items"][0]]));
    let next = first["next"].as_str().unwrap().replace(' ', "%20");
    let second = node.get(OPERATOR, &format!("peers?limit=1&cursor={next}")).await.body;
    assert_eq!(second["items"], json!([whole["items"][1]]));
    assert!(second["next"].is_null());
    node.get(OPERATOR, "peers?cursor=up").await.is_problem(400, "malformed");
    node.stop().await;
}
