//! Votes by a public form (CM-02, CM-03): what the page allows, what is counted, and what is not.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Response, StatusCode};

use super::enterprise::{DEVICE, text, writes};
use super::participation::{choices, tally, votes};
use super::site::{Site, ask_until, free_port};
use super::smsc::Smsc;

const FORM: &str = r#"
[[participation.entry_points]]
channel = 'web'
keyword = 'song'
[participation.form]
language = 'en'
title = 'Song & <Dance>'
country = 'GB'
wrong_number = 'That is no number.'
later = 'Later, please.'
received = 'We have it.'
"#;

/// A node with a listener for forms.
fn site(smsc: &Smsc, limit: u32, per_minute: u32) -> (Site, SocketAddr) {
    let mut site = Site::new(&format!("{}{FORM}", votes(smsc, limit)));
    let forms = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    site.extra = format!("[participation.forms]\naddress = '{forms}'\nentries_per_minute = {per_minute}\n");
    (site, forms)
}

/// A browser that does not go where it is sent.
fn browser() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn page(forms: SocketAddr, path: &str) -> (StatusCode, HeaderMap, String) {
    let answer = browser().get(format!("http://{forms}{path}")).send().await.unwrap();
    (answer.status(), answer.headers().clone(), answer.text().await.unwrap())
}

async fn send(forms: SocketAddr, fields: &[(&str, &str)]) -> Response {
    send_with(forms, fields, "accept", "text/html").await
}

/// The same with one more header.
async fn send_with(forms: SocketAddr, fields: &[(&str, &str)], name: &str, value: &str) -> Response {
    let url = reqwest::Url::parse_with_params("http://form/", fields).unwrap();
    let request = browser().post(format!("http://{forms}/song-2026")).header(name, value);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(url.query().unwrap().to_owned()).send().await.unwrap()
}

/// Sends it, and waits for what becomes of it.
async fn vote(forms: SocketAddr, ticket: &str, number: &str, entry: &str) -> String {
    let answer = send(forms, &[("ticket", ticket), ("number", number), ("entry", entry)]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let place = answer.headers()[LOCATION].to_str().unwrap().to_owned();
    let ask = async || {
        let (status, headers, page) = page(forms, &place).await;
        assert_eq!(status, StatusCode::OK);
        assert!(headers.get("refresh").is_none() || page.contains("We have it."), "{page}");
        (headers.get("refresh").is_some(), page)
    };
    let (_, page) = ask_until("the verdict", ask, |(waits, _)| !waits).await;
    page.split("<p>").nth(1).and_then(|said| said.split("</p>").next()).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_of_a_campaign_allows_nothing_but_its_form() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let (site, forms) = site(&smsc, 5, 100);
    let _node = site.start_linked();
    let (status, headers, shown) = page(forms, "/song-2026").await;
    assert_eq!(status, StatusCode::OK);
    let policy = headers["content-security-policy"].to_str().unwrap();
    for rule in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("script") && !shown.contains("<script"));
    let [nosniff, no_store] = ["nosniff", "no-store"].map(reqwest::header::HeaderValue::from_static);
    assert_eq!((&headers["x-content-type-options"], &headers["cache-control"]), (&nosniff, &no_store));
    assert!(headers.get("set-cookie").is_none(), "nobody is known again");
    assert!(
        shown.contains("<h1>Song &amp; &lt;Dance&gt;</h1>")
            && shown.contains("<option value=\"7\">7</option>"),
        "{shown}"
    );
    for nothing in ["/", "/other", "/song-2026/x", "/song-2026/1/2", "/v1/participations", "/.env"] {
        assert_eq!(page(forms, nothing).await.0, StatusCode::NOT_FOUND, "{nothing}");
    }
    assert_eq!(page(forms, "/.style.css").await.1["content-type"], "text/css");
    // What was typed comes back as text.
    let answer = send(forms, &[("number", "\"><script>alert(1)</script>"), ("entry", "7")]).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let again = answer.text().await.unwrap();
    assert!(
        again.contains("That is no number.")
            && again.contains("&quot;&gt;&lt;script&gt;")
            && !again.contains("<script")
    );
    // A page elsewhere that has a browser send something, and what is no form.
    let fields = [("number", "07400123456"), ("entry", "7")];
    let answer = send_with(forms, &fields, "sec-fetch-site", "cross-site").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let answer = browser().post(format!("http://{forms}/song-2026")).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let long = "7".repeat(100_000);
    let answer = send(forms, &[("number", "07400123456"), ("entry", &long)]).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        send(forms, &[("number", "07400123456"), ("entry", " ")]).await.status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(tally(&site).await, (0, vec![]));
}

/// Acceptance (e), over the whole node: a vote by form and one by message are the same participant's, with one limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_by_form_and_one_by_message_are_of_one_participant() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let (site, forms) = site(&smsc, 2, 100);
    let node = site.start_linked();
    let national = format!("0{}", &DEVICE[2..]);
    assert_eq!(vote(forms, "one", &national, "7").await, "Thank you for 7.");
    // The same form once more is the same entry.
    assert_eq!(vote(forms, "one", &national, "7").await, "Thank you for 7.");
    writes(&smsc, DEVICE, "song 8");
    assert_eq!(text(&smsc, DEVICE, 1), "Thank you for 8.");
    assert_eq!(tally(&site).await, choices(1, 1));
    assert_eq!(vote(forms, "two", &format!("+{DEVICE}"), "song 8").await, "You have voted.");
    assert_eq!(vote(forms, "three", "+447400999999", "9").await, "Song 7 or song 8, please.");
    // A field that nobody sees was filled in: it is told that it was received, and is not kept.
    let trapped =
        [("ticket", "t"), ("number", "07400999998"), ("entry", "7"), ("website", "http://example.com")];
    assert_eq!(send(forms, &trapped).await.status(), StatusCode::SEE_OTHER);
    // Acknowledged is durable: killed before anybody looked for a verdict, it counts.
    let last = [("ticket", "l"), ("number", "07400999997"), ("entry", "8")];
    assert_eq!(send(forms, &last).await.status(), StatusCode::SEE_OTHER);
    node.kill();
    let _node = site.start_linked();
    assert_eq!(vote(forms, "l", "07400999997", "8").await, "Thank you for 8.");
    assert_eq!(tally(&site).await, choices(1, 2));
    assert_eq!(smsc.taken().len(), 1, "who votes by form is answered there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_sends_so_many_entries_in_a_minute() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let (site, forms) = site(&smsc, 100, 3);
    let _node = site.start_linked();
    let mut statuses = Vec::new();
    for ticket in ["a", "b", "c", "d"] {
        let answer = send(forms, &[("ticket", ticket), ("number", "07400123456"), ("entry", "7")]).await;
        statuses.push(answer.status().as_u16());
    }
    // A claimed address is nobody's, unless the node stands behind a proxy.
    let fields = [("ticket", "e"), ("number", "07400123456"), ("entry", "7")];
    let answer = send_with(forms, &fields, "x-forwarded-for", "192.0.2.7").await;
    statuses.push(answer.status().as_u16());
    assert_eq!(statuses, [303, 303, 303, 429, 429]);
    assert!(answer.text().await.unwrap().contains("Later, please."));
}
