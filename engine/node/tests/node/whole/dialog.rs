//! The main job of an enterprise: keyword in, a scripted conversation out, over a real session and the durable
//! exchange, and an STOP that holds.

use std::time::Duration;

use serde_json::{Value, json};

use super::enterprise::{Api, CODE, DEVICE, catalog, got, text, writes};
use super::site::{PATIENCE, Site, ask_until, wait_for};
use super::smsc::Smsc;

async fn history(site: &Site, device: &str) -> Vec<Value> {
    Api(site).items(&format!("/v1/history?device=%2B{device}")).await
}

#[test]
fn a_keyword_begins_a_survey_and_each_answer_leads_to_the_next_question() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&catalog(&smsc));
    let _node = site.start_linked();
    writes(&smsc, DEVICE, "Quiz please");
    assert_eq!(text(&smsc, DEVICE, 1), "How old are you?");
    writes(&smsc, DEVICE, "old");
    assert_eq!(text(&smsc, DEVICE, 2), "A number, please.");
    writes(&smsc, DEVICE, "41");
    assert_eq!(text(&smsc, DEVICE, 3), "Your favourite colour?");
    writes(&smsc, DEVICE, "blue");
    assert_eq!(text(&smsc, DEVICE, 4), "41 and blue: thank you.");
    let sent = smsc.taken();
    assert!(sent.iter().all(|taken| taken.message.source == CODE), "all from the short code");
}

#[test]
fn what_is_no_keyword_is_answered_by_the_default_and_help_by_its_text() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&catalog(&smsc));
    let _node = site.start_linked();
    writes(&smsc, DEVICE, "hello?");
    assert_eq!(text(&smsc, DEVICE, 1), "Text QUIZ to begin.");
    writes(&smsc, DEVICE, "HELP");
    assert_eq!(text(&smsc, DEVICE, 2), "Example Ltd. STOP to end.");
}

/// API-15: what people answered is there for reports, with the version that asked them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_a_survey_are_exported() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&catalog(&smsc));
    let _node = site.start_linked();
    for (number, said) in [(1, "quiz"), (2, "41"), (3, "blue")] {
        writes(&smsc, DEVICE, said);
        text(&smsc, DEVICE, number);
    }
    let path = "/v1/sub-campaigns/quiz-in/conversations";
    let over = |told: &Value| told["items"][0]["ended"] == true;
    let told = ask_until("the survey is over", async || Api(&site).get(path).await, over).await;
    let [one] = told["items"].as_array().unwrap().as_slice() else { panic!("{told}") };
    let shown = (&one["ended"], &one["version"], &one["device"], &one["variables"]);
    let expected = (json!(true), json!("quiz.1"), json!(format!("+{DEVICE}")), json!({ "age": 41 }));
    assert_eq!(shown, (&expected.0, &expected.1, &expected.2, &expected.3));
    let file = Api(&site).ask(&format!("{path}.csv?variables=age")).await.text().await.unwrap();
    assert!(file.lines().nth(1).is_some_and(|line| line.ends_with(",true,41")), "{file}");
}

/// Acceptance (b) of messaging.md, at each moment that the test happens to hit: killed between the answers, exactly
/// one text leaves for each message.
#[test]
fn a_survey_goes_on_over_kills() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&catalog(&smsc));
    let node = site.start_linked();
    writes(&smsc, DEVICE, "quiz");
    text(&smsc, DEVICE, 1);
    node.kill();
    let node = site.start_linked();
    writes(&smsc, DEVICE, "41");
    text(&smsc, DEVICE, 2);
    node.kill();
    let _node = site.start_linked();
    writes(&smsc, DEVICE, "blue");
    assert_eq!(text(&smsc, DEVICE, 3), "41 and blue: thank you.");
    assert_eq!(got(&smsc, DEVICE).len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_outside_begins_a_conversation_and_the_history_tells_all_of_it() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&catalog(&smsc));
    let _node = site.start_linked();
    let contact = json!({
        "client_id": "C-1", "first_name": "Ann", "devices": [{ "kind": "cell", "address": "+447400123456" }]
    });
    let api = Api(&site);
    assert_eq!(api.post("/v1/contacts", &contact).await.0, 201);
    let start = json!({ "sub_campaign": "quiz-out", "device": "+447400123456", "client_id": "C-1" });
    let (status, answer) = api.post("/v1/conversations", &start).await;
    assert_eq!(status, 202, "{answer}");
    assert_eq!(text(&smsc, DEVICE, 1), "Dear Ann, how old are you?");
    writes(&smsc, DEVICE, "7");
    assert_eq!(text(&smsc, DEVICE, 2), "Your favourite colour?");
    let wrong = json!({ "sub_campaign": "quiz-in", "device": "+447400123456" });
    assert_eq!(api.post("/v1/conversations", &wrong).await.0, 404, "it is inbound");
    let delivered = |entry: &&Value| entry["status"] == "delivered";
    let both = |told: &Vec<Value>| told.iter().filter(delivered).count() == 2;
    let told = ask_until("both are delivered", async || history(&site, DEVICE).await, both).await;
    let said: Vec<_> = told.iter().rev().map(|entry| (&entry["direction"], &entry["text"])).collect();
    let expected = [
        (json!("out"), json!("Dear Ann, how old are you?")),
        (json!("in"), json!("7")),
        (json!("out"), json!("Your favourite colour?")),
    ];
    let expected: Vec<_> = expected.iter().map(|(way, text)| (way, text)).collect();
    assert_eq!(said, expected);
}

/// Rule 7: after STOP nothing leaves but its confirmation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_holds_for_all_that_the_account_sends() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&catalog(&smsc));
    let node = site.start_linked();
    writes(&smsc, DEVICE, "quiz");
    text(&smsc, DEVICE, 1);
    writes(&smsc, DEVICE, "Stop.");
    assert_eq!(text(&smsc, DEVICE, 2), "No more texts from us.");
    let start = json!({ "sub_campaign": "quiz-out", "device": "+447400123456" });
    let begin = async || Api(&site).post("/v1/conversations", &start).await.0;
    assert_eq!(begin().await, 202);
    let filtered = |number| {
        let finals = site.finals();
        let filtered = finals.iter().filter(|cdr| cdr["reason"] == "opted_out_account");
        (filtered.count() >= number).then_some(())
    };
    wait_for("it is filtered", PATIENCE, || filtered(1));
    node.kill();
    let _node = site.start_linked();
    assert_eq!(begin().await, 202);
    wait_for("it is filtered after a restart too", PATIENCE, || filtered(2));
    assert_eq!(got(&smsc, DEVICE).len(), 2);
    writes(&smsc, DEVICE, "START");
    assert_eq!(text(&smsc, DEVICE, 3), "Welcome back.");
    assert_eq!(begin().await, 202);
    text(&smsc, DEVICE, 4);
}

/// OPT-03: each change stands in the ledger, with the message that shows it, and the words, at the level as uploads ask
/// for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_tells_who_opted_out_by_which_message() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&catalog(&smsc));
    let _node = site.start_linked();
    writes(&smsc, DEVICE, "Stop.");
    text(&smsc, DEVICE, 1);
    let told = async || Api(&site).items(&format!("/v1/consents?subject=%2B{DEVICE}")).await;
    let ledger = ask_until("it is in the ledger", told, |ledger| !ledger.is_empty()).await;
    let came = history(&site, DEVICE).await.into_iter().find(|entry| entry["direction"] == "in").unwrap();
    let [said] = ledger.as_slice() else { panic!("{ledger:?}") };
    let expected = json!({
        "id": said["id"], "at": said["at"], "evidence": said["evidence"],
        "action": "opt_out", "level": "account", "level_id": "demo", "channels": ["text"],
        "who": "device", "how": "mo", "wording": "Stop.", "source": CODE,
    });
    assert_eq!(*said, expected);
    assert!(said["evidence"].is_string(), "{said}");
    assert_eq!(came["text"], said["wording"]);
}

/// Hours of a country that never has any, on a Monday before noon and after it at once.
const NEVER: &str = r#"
[[sub_campaign]]
name = 'alert-out'
account = 'demo'
campaign = 'research'
kind = 'outbound'
state = 'running'
programs = ['survey']
marketing = false
[sub_campaign.instructions]
reply = 'Your card was used.'
[[jurisdiction]]
name = 'gb-mornings'
countries = ['GB']
source = 'a test'
as_of = '2026-01-15'
[[jurisdiction.allowed]]
days = ['mon']
from = '00:00'
to = '12:00'
[[jurisdiction]]
name = 'gb-afternoons'
countries = ['GB']
source = 'a test'
as_of = '2026-01-15'
[[jurisdiction.allowed]]
days = ['mon']
from = '12:00'
to = '24:00'
"#;

/// INT-02: a jurisdiction of the catalog holds for the country of a number, and not for a sub-campaign that only informs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hours_hold_for_first_messages_that_advertise() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&format!("{}{NEVER}", catalog(&smsc)));
    let _node = site.start_linked();
    let begin = async |sub_campaign: &str| {
        let start = json!({ "sub_campaign": sub_campaign, "device": "+447400123456" });
        Api(&site).post("/v1/conversations", &start).await.0
    };
    assert_eq!(begin("quiz-out").await, 202);
    wait_for("it is filtered", PATIENCE, || {
        site.finals().iter().any(|cdr| cdr["reason"] == "no_allowed_hours").then_some(())
    });
    assert_eq!(begin("alert-out").await, 202);
    assert_eq!(text(&smsc, DEVICE, 1), "Your card was used.");
}
