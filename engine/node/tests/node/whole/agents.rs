//! People who answer: a message waits for an agent over a kill, he logs in, takes it and answers, and nobody else sees it.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::enterprise::{DEVICE, catalog, client, got, text, writes};
use super::site::{Node, PATIENCE, Site, ask_until, wait_for};
use super::smsc::Smsc;

/// Who answers, who only looks, and an account that has nothing to do with either.
const ROWS: &str = r#"
[[account]]
name = 'sibling'
system_id = 'sibling'
password = 'sibling'
[[user]]
name = 'ann'
password = 'ann has a password'
account = 'demo'
rights = ["agents:read", "agents:work", "messages:reveal", "contacts:read"]
[[user]]
name = 'vic'
password = 'vic looks only'
account = 'demo'
rights = ["agents:read"]
[[user]]
name = 'eve'
password = 'eve is elsewhere'
account = 'sibling'
rights = ["agents:read", "agents:work", "messages:reveal"]
[[token]]
name = 'desk-of-ann'
secret = 'token-of-ann-for-her-desk'
user = 'ann'
rights = ["agents:read", "agents:work", "catalog:write"]
[[agent_queue]]
name = 'billing'
account = 'demo'
priority = 90
[[agent_queue.watch]]
keyword = 'refund'
[[sub_campaign]]
name = 'desk'
account = 'demo'
campaign = 'research'
kind = 'inbound'
state = 'running'
programs = ['survey']
agents = 'all'
[[keyword]]
name = 'code.desk'
text = 'desk'
source_address = 'code'
program = 'survey'
account = 'demo'
sub_campaign = 'desk'
"#;

struct Rig<'a> {
    site: &'a Site,
    token: String,
}

impl<'a> Rig<'a> {
    async fn login(site: &'a Site, user: &str, password: &str) -> Self {
        let rig = Rig { site, token: String::new() };
        let body = json!({ "user": user, "password": password });
        let (status, session) = rig.call(Method::POST, "sessions", Some(&body)).await;
        assert_eq!(status, 200, "{session}");
        Rig { token: session["token"].as_str().unwrap().to_owned(), ..rig }
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let request = client().request(method, format!("http://{}/v1/{path}", self.site.api));
        let request = if self.token.is_empty() { request } else { request.bearer_auth(&self.token) };
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.call(Method::POST, path, Some(&body)).await
    }

    /// The texts of a list.
    async fn texts(&self, path: &str) -> Vec<String> {
        let items = self.get(path).await["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["text"].as_str().unwrap().to_owned()).collect()
    }

    /// Asks until a list has so many.
    async fn until(&self, path: &str, number: usize) -> Vec<String> {
        ask_until(path, async || self.texts(path).await, |texts| texts.len() == number).await
    }
}

fn start(smsc: &Smsc) -> Site {
    Site::new(&format!("{}{ROWS}", catalog(smsc)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_waits_for_an_agent_over_a_kill_and_is_answered_in_its_conversation() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = start(&smsc);
    let node = site.start_linked();
    let ann = Rig::login(&site, "ann", "ann has a password").await;
    writes(&smsc, DEVICE, "desk, hello?");
    ann.until("agent-queue", 1).await;
    node.kill();
    let node: Node<'_> = site.start_linked();
    let (status, _) = ann.call(Method::GET, "agent-queue", None).await;
    assert_eq!(status, 200, "who has logged in is so over a restart");
    assert_eq!(ann.texts("agent-queue").await, ["desk, hello?"]);
    let (_, taken) = ann.post("agent-queue/take", json!({})).await;
    let id = taken["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(taken["items"][0]["held_by"], "ann");
    assert_eq!(taken["items"][0]["sub_campaign"], "desk");
    let (status, sent) =
        ann.post(&format!("agent-queue/{id}/answer"), json!({ "text": "Ann speaking.", "stay": true })).await;
    assert_eq!(status, 202, "{sent}");
    assert_eq!(text(&smsc, DEVICE, 1), "Ann speaking.");
    // It is hers over a restart, too, and so is what comes next: the keyword list still leads away from her.
    node.kill();
    let _node = site.start_linked();
    let ann = Rig::login(&site, "ann", "ann has a password").await;
    writes(&smsc, DEVICE, "my bill is wrong");
    assert_eq!(ann.until("agent-queue?held=true", 2).await, ["desk, hello?", "my bill is wrong"]);
    let seen = ann.get(&format!("agent-queue/{id}")).await;
    let said: Vec<&str> =
        seen["conversation"].as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap()).collect();
    assert_eq!(said, ["desk, hello?", "Ann speaking.", "my bill is wrong"]);
    // A kill may have come between the text and its receipt.
    let hers = |item: &&Value| {
        item["text"] == "Ann speaking." && item["status"].as_str().unwrap().starts_with("delivered")
    };
    let find = |history: &Value| history["items"].as_array().unwrap().iter().find(hers).cloned();
    let ask = async || ann.get(&format!("history?device=%2B{DEVICE}")).await;
    let history = ask_until("it is delivered", ask, |history| find(history).is_some()).await;
    let hers = find(&history).unwrap();
    assert_eq!(hers["detail"], json!({ "agent": "ann", "work": id }), "the history says who");
    assert_eq!(site.metric("agent_queue_messages", "state=\"held\""), 2.0);
}

/// MQ-19, MQ-31, ACC-08: a sibling sees none of it; who lacks the right is told which.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn siblings_and_people_without_the_right_neither_list_nor_take_nor_answer() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = start(&smsc);
    let _node = site.start_linked();
    let ann = Rig::login(&site, "ann", "ann has a password").await;
    let eve = Rig::login(&site, "eve", "eve is elsewhere").await;
    let vic = Rig::login(&site, "vic", "vic looks only").await;
    let mut screen = client().get(format!("http://{}/v1/agent-events", site.api)).bearer_auth(&ann.token);
    screen = screen.timeout(PATIENCE);
    let mut screen = screen.send().await.unwrap();
    assert_eq!(screen.chunk().await.unwrap().unwrap(), ": here\n\n");
    writes(&smsc, DEVICE, "desk, hello?");
    let told = String::from_utf8(screen.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    let data: Value = serde_json::from_str(told.trim().strip_prefix("event: work\ndata: ").unwrap()).unwrap();
    assert_eq!((&data["change"], &data["queue"]), (&json!("queued"), &json!("inbound")), "told at once");
    let id = data["id"].as_str().unwrap();
    assert_eq!(eve.texts("agent-queue").await, [""; 0]);
    assert_eq!(eve.post("agent-queue/take", json!({})).await.1["items"], json!([]));
    let answer = json!({ "text": "I am not the bank." });
    assert_eq!(eve.post(&format!("agent-queue/{id}/answer"), answer.clone()).await.0, 404);
    assert_eq!(eve.call(Method::GET, &format!("agent-queue/{id}"), None).await.0, 404);
    assert_eq!(eve.call(Method::GET, "agent-queue?account=demo", None).await.0, 404);
    // Vic sees that something waits, not what, and takes nothing.
    let seen = vic.get("agent-queue").await;
    assert_eq!(seen["items"][0]["text"], Value::Null);
    let (status, refused) = vic.post("agent-queue/take", json!({})).await;
    assert_eq!(status, 403);
    assert_eq!(refused["type"], "urn:signalbox:problem:forbidden");
    assert!(refused["detail"].as_str().unwrap().ends_with("agents:work"), "{refused}");
    // A token of ann lets do what she may and the token says, and no more.
    let token = Rig { site: &site, token: "token-of-ann-for-her-desk".to_owned() };
    assert_eq!(token.get("token").await["rights"], json!(["agents:read", "agents:work"]));
    assert_eq!(token.post("agent-queue/take", json!({})).await.1["items"][0]["held_by"], "ann");
    // Somebody else's guess at her password gives no session.
    let guess = Rig { site: &site, token: String::new() };
    for (user, password) in [("ann", "guess"), ("nobody", "guess")] {
        let (status, _) = guess.post("sessions", json!({ "user": user, "password": password })).await;
        assert_eq!(status, 401, "{user}");
    }
    assert_eq!(ann.post("sessions/end", Value::Null).await.0, 204);
    assert_eq!(ann.call(Method::GET, "agent-queue", None).await.0, 401);
    assert!(got(&smsc, DEVICE).is_empty());
}

/// TXS-09 (the fourth use), KEY-13, OPT-01 by an agent with a reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_begins_conversations_and_opts_out_and_in_with_a_reason() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = start(&smsc);
    let _node = site.start_linked();
    let ann = Rig::login(&site, "ann", "ann has a password").await;
    let begin = |text: &str| {
        let body = json!({ "sub_campaign": "desk", "device": "+447400123456", "text": text });
        let ann = &ann;
        async move { ann.post("agent-conversations", body).await }
    };
    let (status, begun) = begin("Ann from the bank.").await;
    assert_eq!(status, 202, "{begun}");
    assert_eq!(text(&smsc, DEVICE, 1), "Ann from the bank.");
    let id = begun["work"]["id"].as_str().unwrap().to_owned();
    let wish = json!({ "level": "account", "reason": "asked not to be written to" });
    let path = |what: &str| format!("agent-queue/{id}/{what}");
    assert_eq!(ann.post(&path("opt-out"), wish.clone()).await, (StatusCode::OK, json!({ "changed": 1 })));
    let listed = ann.get(&format!("suppressions?device={DEVICE}")).await;
    assert_eq!(listed["items"][0]["by"], "agent");
    assert_eq!(listed["items"][0]["reason"], "ann: asked not to be written to");
    assert_eq!(begin("Once more.").await.0, 202);
    wait_for("it is filtered", PATIENCE, || {
        site.finals().iter().any(|cdr| cdr["reason"] == "opted_out_account").then_some(())
    });
    assert_eq!(ann.post(&path("opt-in"), wish).await, (StatusCode::OK, json!({ "changed": 1 })));
    assert_eq!(begin("Welcome back.").await.0, 202);
    assert_eq!(text(&smsc, DEVICE, 2), "Welcome back.");
    for held in ann.get("agent-queue?held=true").await["items"].as_array().unwrap() {
        let id = held["id"].as_str().unwrap();
        assert_eq!(ann.post(&format!("agent-queue/{id}/finish"), Value::Null).await.0, 204);
    }
    assert_eq!(ann.post(&path("finish"), Value::Null).await.0, 404, "there is nothing left of it");
    // What begins with the watched keyword is in its queue, and on its way from there when it is handed on.
    writes(&smsc, DEVICE, "Refund, please");
    assert_eq!(ann.until("agent-queue?queue=billing", 1).await, ["Refund, please"]);
    let (_, taken) = ann.post("agent-queue/take", json!({ "queue": "billing" })).await;
    assert_eq!(taken["items"][0]["priority"], 90);
    let id = taken["items"][0]["id"].as_str().unwrap();
    let (status, handed) =
        ann.post(&format!("agent-queue/{id}/hand-on"), json!({ "queue": "inbound" })).await;
    assert_eq!((status, &handed["queue"]), (StatusCode::OK, &json!("inbound")));
    assert_eq!(ann.texts("agent-queue?queue=inbound").await, ["Refund, please"]);
}
