//! What those who ask over the API were told holds over a restart: answers to keys, and sessions.

use serde_json::{Value, json};

use super::enterprise::client;
use super::site::Site;

const TOKEN: &str = "key-of-who-is-remembered";

fn rows() -> String {
    format!(
        r#"
[[account]]
name = 'demo'
organization = 'demo'
system_id = 'demo'
password = 'demo'
[[token]]
name = 'lists'
secret = '{TOKEN}'
account = 'demo'
rights = ["contacts:read", "contacts:write"]
[[user]]
name = 'ann'
password = 'ann has one'
account = 'demo'
rights = ["contacts:read"]
"#
    )
}

struct Answered {
    status: u16,
    replayed: bool,
    etag: Option<String>,
    body: Value,
}

async fn post(site: &Site, path: &str, key: &str, body: &Value) -> Answered {
    let request = client().post(format!("http://{}/v1/{path}", site.api)).bearer_auth(TOKEN);
    let answer = request.header("idempotency-key", key).json(body).send().await.unwrap();
    Answered {
        status: answer.status().as_u16(),
        replayed: answer.headers().contains_key("idempotency-replayed"),
        etag: answer.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned()),
        body: answer.json().await.unwrap_or_default(),
    }
}

async fn status(site: &Site, token: &str, path: &str) -> u16 {
    let url = format!("http://{}/v1/{path}", site.api);
    client().get(url).bearer_auth(token).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_with_a_key_is_answered_after_a_kill_as_it_was_before() {
    let site = Site::new(&rows());
    let node = site.start();
    let contact = json!({ "first_name": "Ann", "devices": [{ "kind": "cell", "address": "+447400123456" }] });
    let first = post(&site, "contacts", "key-1", &contact).await;
    assert_eq!((first.status, first.replayed), (201, false), "{}", first.body);
    node.kill();
    let _node = site.start();
    let again = post(&site, "contacts", "key-1", &contact).await;
    assert_eq!((again.status, again.replayed), (201, true), "{}", again.body);
    assert_eq!((again.body, again.etag), (first.body, first.etag));
    let other = post(&site, "contacts", "key-1", &json!({ "first_name": "Bob" })).await;
    assert_eq!(
        (other.status, &other.body["type"]),
        (422, &json!("urn:signalbox:problem:idempotency_key_reused"))
    );
    // With a key of its own it is another request, and who is there already is not made twice.
    assert_eq!(post(&site, "contacts", "key-2", &contact).await.status, 409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_logged_in_is_so_after_a_kill_until_they_log_out() {
    let site = Site::new(&rows());
    let node = site.start();
    let login = json!({ "user": "ann", "password": "ann has one" });
    let opened = client().post(format!("http://{}/v1/sessions", site.api)).json(&login).send().await.unwrap();
    let opened: Value = opened.json().await.unwrap();
    let token = opened["token"].as_str().unwrap().to_owned();
    assert_eq!(status(&site, &token, "contacts").await, 200);
    node.kill();
    let node = site.start();
    assert_eq!(status(&site, &token, "contacts").await, 200);
    let ended = client().post(format!("http://{}/v1/sessions/end", site.api)).bearer_auth(&token);
    assert_eq!(ended.send().await.unwrap().status(), 204);
    assert_eq!(status(&site, &token, "contacts").await, 401);
    node.kill();
    let _node = site.start();
    assert_eq!(status(&site, &token, "contacts").await, 401);
}
