//! Bounds of requests, and what is no request of the API.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::rig::{ALPHA, Node, OPERATOR, Wishes, reply};

fn api(lines: &str) -> Wishes {
    Wishes { api: lines.to_owned(), ..Wishes::default() }
}

#[tokio::test]
async fn what_is_no_request_of_the_api_is_a_problem_too() {
    let node = Node::start().await;
    node.get(OPERATOR, "nothing").await.is_problem(404, "not_found");
    reply(node.request(OPERATOR, Method::PATCH, "messages")).await.is_problem(405, "method_not_allowed");
    let text = node.request(ALPHA, Method::POST, "messages").header("content-type", "text/xml").body("<a/>");
    reply(text).await.is_problem(415, "unsupported_media_type");
    let broken = node.request(ALPHA, Method::POST, "messages").header("content-type", "application/json");
    reply(broken.body("{\"a\":")).await.is_problem(400, "malformed");
    let broken = node.request(OPERATOR, Method::PUT, "links/up").header("content-type", "application/json");
    reply(broken.body("{\"a\":")).await.is_problem(400, "malformed");
    let both =
        node.request(OPERATOR, Method::PUT, "links/up").header("if-match", "*").header("if-none-match", "*");
    reply(both.json(&json!({}))).await.is_problem(400, "malformed");
    node.stop().await;
}

#[tokio::test]
async fn a_body_above_the_bound_is_refused() {
    let node = Node::with(api("max_body = \"1KiB\"\nmax_batch = 2\nmax_page = 2")).await;
    let body = json!({ "destination": "447700900123", "text": "x".repeat(2_000) });
    node.post(ALPHA, "messages", &body).await.is_problem(413, "too_large");
    let one = json!({ "destination": "447700900123", "text": "x" });
    let many = json!({ "messages": [one, one, one] });
    node.post(ALPHA, "messages", &many).await.is_problem(422, "invalid");
    node.get(OPERATOR, "messages?limit=3").await.is_problem(422, "invalid");
    node.stop().await;
}

/// Begins a request whose body never comes.
async fn hang(node: &Node) -> TcpStream {
    let mut stream = TcpStream::connect(node.address()).await.unwrap();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ALPHA}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The node asks for the body: the request is in work.
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test]
async fn above_the_bound_of_requests_the_node_says_so() {
    let node = Node::with(api("max_requests = 1")).await;
    let held = hang(&node).await;
    let refused = node.get(OPERATOR, "messages").await;
    refused.is_problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
    drop(held);
    node.until(OPERATOR, "messages", |_| true).await;
    node.stop().await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let node = Node::with(api("max_requests = 1\nrequest_timeout = \"200ms\"")).await;
    let mut stream = hang(&node).await;
    let mut answer = vec![0; 12];
    tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"HTTP/1.1 504");
    assert_eq!(node.get(OPERATOR, "messages").await.status, 200);
    node.stop().await;
}

#[tokio::test]
async fn while_the_node_drains_messages_are_not_taken() {
    let node = Node::start().await;
    node.spine.offer(vec![signalbox_core::exchange::Event::Draining(true)]).await.unwrap();
    let refused = node.post(ALPHA, "messages", &json!({ "destination": "447700900123", "text": "x" })).await;
    refused.is_problem(503, "not_accepted_now");
    assert_eq!(refused.body["reason"], "draining");
    assert_eq!(refused.header("retry-after"), "5");
    node.stop().await;
}

#[tokio::test]
async fn when_the_exchange_has_stopped_requests_are_told() {
    let node = Node::start().await;
    node.spine.close();
    loop {
        let refused = node.get(OPERATOR, "messages").await;
        if refused.status == 503 {
            refused.is_problem(503, "unavailable");
            break;
        }
    }
    node.stop().await;
}

#[tokio::test]
async fn connections_above_the_bound_are_closed() {
    let node = Node::with(api("max_requests = 1")).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(hang_idle(&node).await);
    }
    let mut fifth = TcpStream::connect(node.address()).await.unwrap();
    let mut nothing = [0; 1];
    let end = tokio::time::timeout(Duration::from_secs(10), fifth.read(&mut nothing)).await.unwrap();
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    drop(held);
    loop {
        // Until the node has seen that the places are free.
        let mut again = TcpStream::connect(node.address()).await.unwrap();
        let asked = format!("GET /v1/token HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {OPERATOR}\r\n\r\n");
        let mut answer = [0; 12];
        if again.write_all(asked.as_bytes()).await.is_ok()
            && again.read_exact(&mut answer).await.is_ok()
            && &answer == b"HTTP/1.1 200"
        {
            break;
        }
    }
    node.stop().await;
}

/// A connection that has asked once and stays open.
async fn hang_idle(node: &Node) -> TcpStream {
    let mut stream = TcpStream::connect(node.address()).await.unwrap();
    let asked = format!("GET /v1/token HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {OPERATOR}\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    stream
}
