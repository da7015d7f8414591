//! Acceptance case (e) of messaging: what testers do changes no production count (MQ-10).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::enterprise::{DEVICE, client, got, text, writes};
use super::participation::{TOKEN, votes};
use super::site::{PATIENCE, Site, wait_for};
use super::smsc::Smsc;

const TESTER: &str = "447400123400";
/// Of the enterprise of the dialog tests.
const APP: &str = "key-of-the-enterprise";

/// The vote and the survey that run, with the survey that is to follow, in testing, under the same keyword. Seven
/// texts are all that the account may send in a day.
fn tested(smsc: &Smsc) -> String {
    let all = votes(smsc, 1).replacen(
        "enterprise = 'example'",
        "enterprise = 'example'\nquotas.messages_per_day = 7",
        1,
    );
    let policy = "[[counter_policy]]\nname = 'source'\nkind = 'source'\nthreshold = 1000\nwindow = '10m'\n";
    let next = r#"
[[account]]
name = 'other'
system_id = 'other'
password = 'other-password'
[[script]]
name = 'next'
account = 'demo'
kind = 'javascript'
testing = 1
[[script_version]]
name = 'next.1'
script = 'next'
version = 1
state = 'test'
body = """
function begin() {}
function moHandler() { sendTextMessage('survey', 'New: your name?'); getConversation().set('nextAction', 'named'); }
function named() {
  getConversation().set('name', getContactAttempt().text);
  sendTextMessage('survey', 'Hello ' + getContactAttempt().text + '.');
  endConversation();
}
function optOutHandler() { sendTextMessage('survey', 'No more texts from us.'); }
function helpHandler() {}
"""
[[sub_campaign]]
name = 'quiz-next'
account = 'demo'
kind = 'inbound'
state = 'testing'
agents = 'all'
programs = ['survey']
[sub_campaign.instructions]
script = 'next'
[[keyword]]
name = 'code.quiz-next'
text = 'quiz'
source_address = 'code'
program = 'survey'
account = 'demo'
sub_campaign = 'quiz-next'
"#;
    format!("{all}{policy}{next}")
}

async fn ask(site: &Site, token: &str, method: reqwest::Method, path: &str, body: &Value) -> (u16, String) {
    let url = format!("http://{}/v1/{path}", site.api);
    let request = client().request(method, url).bearer_auth(token);
    let request = if body.is_null() { request } else { request.json(body) };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn get(site: &Site, token: &str, path: &str) -> String {
    let (status, answer) = ask(site, token, reqwest::Method::GET, path, &Value::Null).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// What counts results: all but the work of links, store, log and API, which tests are, too.
const COUNTED: [&str; 10] = [
    "messages_accepted_total",
    "delivery_outcomes_total",
    "delivery_latency_seconds_count",
    "dialog_mo_total",
    "dialog_runs_total",
    "dialog_texts_total",
    "dialog_answer_seconds_count",
    "participation_entries_total",
    "agent_queue_messages",
    "spam_",
];

/// Every production count that somebody sees, by where.
async fn counts(site: &Site) -> BTreeMap<String, String> {
    let mut counts = BTreeMap::new();
    let metrics = site.http("GET", "/metrics", "").unwrap().1;
    for line in metrics.lines().filter(|line| COUNTED.iter().any(|name| line.starts_with(name))) {
        // Its own size, which is rounded to blocks.
        if !line.starts_with("spam_counter_memory_bytes") && !line.starts_with("spam_counter_snapshots") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            // A series is there from its first word on, be that none.
            if value != "0" {
                counts.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    let billed = site.finals().into_iter().filter(|cdr| cdr["origin_class"] != "test").count();
    counts.insert("records that are billed".to_owned(), billed.to_string());
    for path in ["participations/song-2026/tally", "participations/song-2026/export"] {
        counts.insert(path.to_owned(), get(site, TOKEN, path).await);
    }
    for path in ["sub-campaigns/quiz-in/conversations.csv", "sub-campaigns/quiz-next/conversations.csv"] {
        counts.insert(path.to_owned(), get(site, APP, path).await);
    }
    counts
}

fn tests(site: &Site) -> usize {
    site.finals().into_iter().filter(|cdr| cdr["origin_class"] == "test").count()
}

/// A device does the survey that runs, and votes.
fn takes_part(smsc: &Smsc, device: &str) {
    let said = [
        ("quiz", "How old are you?"),
        ("41", "Your favourite colour?"),
        ("blue", "41 and blue: thank you."),
        ("song 7", "Thank you for 7."),
    ];
    for (number, (says, answer)) in (1..).zip(said) {
        writes(smsc, device, says);
        assert_eq!(text(smsc, device, number), answer);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_tester_does_changes_no_production_count() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let mut site = Site::new(&tested(&smsc));
    site.counters = "snapshot_every = \"1h\"\n".to_owned();
    let _node = site.start_linked();
    // Tests are not there for who is no tester: to others the keyword is that of what runs.
    takes_part(&smsc, DEVICE);
    wait_for("four messages and their answers have their records", PATIENCE, || {
        (site.finals().len() == 8).then_some(())
    });
    // A gauge that is looked at from time to time: the device and the code are counted.
    wait_for("both keys are told", PATIENCE, || (site.metric("spam_counter_keys", "") == 2.0).then_some(()));
    let before = counts(&site).await;

    let tester = json!({ "name": "ann-phone", "account": "demo", "device": TESTER });
    let put = |body: Value| {
        let path = format!("testers/{}", body["name"].as_str().unwrap());
        let site = &site;
        async move { ask(site, TOKEN, reqwest::Method::PUT, &path, &body).await }
    };
    assert_eq!(put(tester).await.0, 201);
    let theirs = json!({ "name": "their-phone", "account": "other", "device": DEVICE });
    assert_eq!(put(theirs).await.0, 403, "another account's testers are its own");

    // The survey in testing, by the keyword of the one that runs; the vote, twice; what is no keyword; a first message.
    writes(&smsc, TESTER, "quiz");
    assert_eq!(text(&smsc, TESTER, 1), "New: your name?");
    writes(&smsc, TESTER, "Ann");
    assert_eq!(text(&smsc, TESTER, 2), "Hello Ann.");
    writes(&smsc, TESTER, "song 8");
    assert_eq!(text(&smsc, TESTER, 3), "Thank you for 8.");
    writes(&smsc, TESTER, "song 8");
    assert_eq!(text(&smsc, TESTER, 4), "You have voted.");
    let begin =
        |device: &str| json!({ "sub_campaign": "quiz-out", "device": format!("+{device}"), "test": true });
    let (status, refused) = ask(&site, APP, reqwest::Method::POST, "conversations", &begin(DEVICE)).await;
    assert!(status == 422 || status == 409, "{status}: {refused}");
    assert!(refused.contains("tester"), "{refused}");
    let (status, begun) = ask(&site, APP, reqwest::Method::POST, "conversations", &begin(TESTER)).await;
    assert_eq!(status, 202, "{begun}");
    text(&smsc, TESTER, 5);
    writes(&smsc, TESTER, "12");
    assert_eq!(text(&smsc, TESTER, 6), "Your favourite colour?");
    wait_for("each message of the test has its record", PATIENCE, || (tests(&site) == 11).then_some(()));
    assert_eq!(counts(&site).await, before);

    // It is all there for who tests.
    let tally: Value =
        serde_json::from_str(&get(&site, TOKEN, "participations/song-2026/tally?test=true").await).unwrap();
    assert_eq!(tally["submissions"], 1, "{tally}");
    let results = get(&site, APP, "sub-campaigns/quiz-next/conversations.csv?test=true").await;
    assert!(results.contains("Ann"), "{results}");
    assert!(site.metric("dialog_tests_total", "message") >= 5.0);
    assert_eq!(site.metric("messages_tested_total", "mt"), 6.0);

    // A quota of seven has room for three more texts; and a tester's STOP holds.
    let second = "447400123499";
    writes(&smsc, second, "quiz");
    assert_eq!(text(&smsc, second, 1), "How old are you?");
    writes(&smsc, second, "7");
    assert_eq!(text(&smsc, second, 2), "Your favourite colour?");
    writes(&smsc, TESTER, "STOP");
    text(&smsc, TESTER, 7);
    let (status, _) = ask(&site, APP, reqwest::Method::POST, "conversations", &begin(TESTER)).await;
    assert_eq!(status, 202);
    wait_for("what is for who opted out is filtered", PATIENCE, || {
        site.finals()
            .iter()
            .any(|cdr| cdr["outcome"] == "filtered" && cdr["origin_class"] == "test")
            .then_some(())
    });
    assert_eq!(got(&smsc, TESTER).len(), 7);

    // Switched off it is a device like any, and meets what runs.
    let off = json!({ "name": "ann-phone", "account": "demo", "device": "447400123401", "enabled": false });
    assert_eq!(put(off).await.0, 200);
    writes(&smsc, "447400123401", "song 8");
    assert!(!text(&smsc, "447400123401", 1).is_empty());
    let tally: Value =
        serde_json::from_str(&get(&site, TOKEN, "participations/song-2026/tally").await).unwrap();
    assert_eq!(tally["submissions"], 2, "{tally}");
    writes(&smsc, second, "blue");
    wait_for("the eighth text waits for another day", PATIENCE, || {
        (site.metric("dialog_texts_total", "held") > 0.0).then_some(())
    });
}
