//! The main job of an enterprise: keyword in, a scripted conversation out, over a real session and the durable
//! exchange, and an STOP that holds.

use std::time::Duration;

use serde_json::{Value, json};

use super::site::{PATIENCE, Site, rows, wait_for};
use super::smsc::Smsc;
use super::wire::Message;

/// Of a country without quiet hours, so that what begins a conversation leaves at any time of day.
pub const DEVICE: &str = "447400123456";
const CODE: &str = "60777";
const TOKEN: &str = "key-of-the-enterprise";

/// An enterprise with a short code, an approved program, and sub-campaigns of each kind.
pub fn catalog(smsc: &Smsc) -> String {
    format!(
        "{}{}",
        rows(smsc.address, "enterprise = 'example'", ""),
        r#"
[[enterprise]]
name = 'example'
[[carrier]]
name = 'mobile'
prefixes = ['4']
[[token]]
name = 'app'
secret = 'key-of-the-enterprise'
account = 'demo'
rights = ["messages:send", "messages:read", "messages:reveal", "contacts:read", "contacts:write"]
[[program]]
name = 'survey'
kind = 'interactive'
account = 'demo'
[[source_address]]
name = 'code'
address = '60777'
sharing = 'dedicated'
country = 'GB'
links = ['smsc']
carriers = ['mobile']
programs = ['survey']
account = 'demo'
default_sub_campaign = 'info'
[[approval]]
name = 'survey-code-mobile'
program = 'survey'
source_address = 'code'
carrier = 'mobile'
status = 'approved'
[[campaign]]
name = 'research'
account = 'demo'
[[script]]
name = 'quiz'
account = 'demo'
kind = 'javascript'
published = 1
[[script_version]]
name = 'quiz.1'
script = 'quiz'
version = 1
state = 'published'
body = """
function begin() {
  sendTextMessage('survey', 'Dear ' + getContact().firstName + ', how old are you?');
  getConversation().set('nextAction', 'age');
}
function moHandler() {
  sendTextMessage('survey', 'How old are you?');
  getConversation().set('nextAction', 'age');
}
function age() {
  var text = getContactAttempt().text;
  if (!/^[0-9]+$/.test(text)) { sendTextMessage('survey', 'A number, please.'); return; }
  getConversation().set('age', Number(text));
  getConversation().set('nextAction', 'colour');
  sendTextMessage('survey', 'Your favourite colour?');
}
function colour() {
  getConversation().remove('nextAction');
  sendTextMessage('survey', getConversation().get('age') + ' and ' + getContactAttempt().text + ': thank you.');
  endConversation();
}
function optOutHandler() { sendTextMessage('survey', 'No more texts from us.'); }
function helpHandler() { sendTextMessage('survey', 'A quiz. STOP to end.'); }
"""
[[sub_campaign]]
name = 'quiz-in'
account = 'demo'
campaign = 'research'
kind = 'inbound'
state = 'running'
programs = ['survey']
[sub_campaign.instructions]
script = 'quiz'
[sub_campaign.texts]
opt_in = 'Welcome back.'
[[sub_campaign]]
name = 'quiz-out'
account = 'demo'
campaign = 'research'
kind = 'outbound'
state = 'running'
programs = ['survey']
[sub_campaign.instructions]
script = 'quiz'
[[sub_campaign]]
name = 'info'
account = 'demo'
campaign = 'research'
kind = 'inbound'
state = 'running'
programs = ['survey']
[sub_campaign.instructions]
reply = 'Text QUIZ to begin.'
[sub_campaign.texts]
help = 'Example Ltd. STOP to end.'
opt_out = 'You get no more texts.'
opt_in = 'Welcome back.'
[[keyword]]
name = 'code.quiz'
text = 'quiz'
source_address = 'code'
program = 'survey'
account = 'demo'
sub_campaign = 'quiz-in'
"#
    )
}

/// A device writes.
pub fn writes(smsc: &Smsc, device: &str, text: &str) {
    let message = Message {
        source: device.into(),
        destination: CODE.into(),
        text: text.as_bytes().to_vec(),
        ..Message::default()
    };
    smsc.deliver(&message);
}

/// The texts that a device got, in their order.
pub fn got(smsc: &Smsc, device: &str) -> Vec<String> {
    let taken = smsc.taken().into_iter().filter(|taken| taken.message.destination == device);
    taken.map(|taken| String::from_utf8_lossy(&taken.message.text).into_owned()).collect()
}

/// Waits until a device has so many texts, and gives the last.
#[track_caller]
pub fn text(smsc: &Smsc, device: &str, number: usize) -> String {
    wait_for(&format!("text {number}"), PATIENCE, || {
        let got = got(smsc, device);
        (got.len() >= number).then(|| got[number - 1].clone())
    })
}

pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn history(site: &Site, device: &str) -> Vec<Value> {
    let url = format!("http://{}/v1/history?device=%2B{device}", site.api);
    let answer = client().get(url).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json::<Value>().await.unwrap()["items"].as_array().unwrap().clone()
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
    let url = format!("http://{}/v1/sub-campaigns/quiz-in/conversations", site.api);
    let mut told = Value::Null;
    for _ in 0..400 {
        let answer = client().get(&url).bearer_auth(TOKEN).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        told = answer.json().await.unwrap();
        if told["items"][0]["ended"] == true {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let [one] = told["items"].as_array().unwrap().as_slice() else { panic!("{told}") };
    let shown = (&one["ended"], &one["version"], &one["device"], &one["variables"]);
    let expected = (json!(true), json!("quiz.1"), json!(format!("+{DEVICE}")), json!({ "age": 41 }));
    assert_eq!(shown, (&expected.0, &expected.1, &expected.2, &expected.3));
    let file = client().get(format!("{url}.csv?variables=age")).bearer_auth(TOKEN).send().await.unwrap();
    let file = file.text().await.unwrap();
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
    let post = |path: &str, body: &Value| {
        client().post(format!("http://{}{path}", site.api)).bearer_auth(TOKEN).json(body).send()
    };
    assert_eq!(post("/v1/contacts", &contact).await.unwrap().status(), 201);
    let start = json!({ "sub_campaign": "quiz-out", "device": "+447400123456", "client_id": "C-1" });
    let answer = post("/v1/conversations", &start).await.unwrap();
    assert_eq!(answer.status(), 202, "{}", answer.text().await.unwrap());
    assert_eq!(text(&smsc, DEVICE, 1), "Dear Ann, how old are you?");
    writes(&smsc, DEVICE, "7");
    assert_eq!(text(&smsc, DEVICE, 2), "Your favourite colour?");
    let wrong = json!({ "sub_campaign": "quiz-in", "device": "+447400123456" });
    assert_eq!(post("/v1/conversations", &wrong).await.unwrap().status(), 404, "it is inbound");
    let mut told = Vec::new();
    for _ in 0..200 {
        told = history(&site, DEVICE).await;
        let delivered = |entry: &&Value| entry["status"] == "delivered";
        if told.iter().filter(delivered).count() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
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
    let begin = || {
        let url = format!("http://{}/v1/conversations", site.api);
        client().post(url).bearer_auth(TOKEN).json(&start).send()
    };
    assert_eq!(begin().await.unwrap().status(), 202);
    let filtered = |number| {
        let finals = site.finals();
        let filtered = finals.iter().filter(|cdr| cdr["reason"] == "opted_out_account");
        (filtered.count() >= number).then_some(())
    };
    wait_for("it is filtered", PATIENCE, || filtered(1));
    node.kill();
    let _node = site.start_linked();
    assert_eq!(begin().await.unwrap().status(), 202);
    wait_for("it is filtered after a restart too", PATIENCE, || filtered(2));
    assert_eq!(got(&smsc, DEVICE).len(), 2);
    writes(&smsc, DEVICE, "START");
    assert_eq!(text(&smsc, DEVICE, 3), "Welcome back.");
    assert_eq!(begin().await.unwrap().status(), 202);
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
    let told = || async {
        let url = format!("http://{}/v1/consents?subject=%2B{DEVICE}", site.api);
        let answer = client().get(url).bearer_auth(TOKEN).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["items"].as_array().unwrap().clone()
    };
    let mut ledger = Vec::new();
    for _ in 0..200 {
        ledger = told().await;
        if !ledger.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
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
    let begin = |sub_campaign: &str| {
        let start = json!({ "sub_campaign": sub_campaign, "device": "+447400123456" });
        let url = format!("http://{}/v1/conversations", site.api);
        client().post(url).bearer_auth(TOKEN).json(&start).send()
    };
    assert_eq!(begin("quiz-out").await.unwrap().status(), 202);
    wait_for("it is filtered", PATIENCE, || {
        site.finals().iter().any(|cdr| cdr["reason"] == "no_allowed_hours").then_some(())
    });
    assert_eq!(begin("alert-out").await.unwrap().status(), 202);
    assert_eq!(text(&smsc, DEVICE, 1), "Your card was used.");
}
