//! Passes: a sub-campaign is sent to a list, over a real session and the durable exchange.

use std::time::Duration;

use serde_json::{Value, json};

use super::enterprise::{Api, DEVICE, catalog, got, text, writes, writes_to};
use super::site::{PATIENCE, Site, ask_until, wait_for};
use super::smsc::Smsc;

/// A sub-campaign that only informs, so that no rule of marketing holds for it, and addresses in two countries.
const MORE: &str = r#"
[[carrier]]
name = 'mobile-fr'
prefixes = ['33']
[[source_address]]
name = 'code-fr'
address = '36777'
sharing = 'dedicated'
country = 'FR'
links = ['smsc']
carriers = ['mobile-fr']
programs = ['survey']
account = 'demo'
default_sub_campaign = 'info'
[[approval]]
name = 'survey-code-fr'
program = 'survey'
source_address = 'code-fr'
carrier = 'mobile-fr'
status = 'approved'
[[sub_campaign]]
name = 'alert-out'
account = 'demo'
campaign = 'research'
kind = 'outbound'
state = 'running'
programs = ['survey']
marketing = false
[sub_campaign.instructions]
reply = 'Dear {first_name}, your card was used.'
"#;

/// Another address in the country of the device, and another script that asks something.
const SECOND: &str = r#"
[[source_address]]
name = 'second'
address = '60888'
sharing = 'dedicated'
country = 'GB'
links = ['smsc']
carriers = ['mobile']
programs = ['survey']
account = 'demo'
default_sub_campaign = 'info'
[[approval]]
name = 'survey-second-mobile'
program = 'survey'
source_address = 'second'
carrier = 'mobile'
status = 'approved'
[[script]]
name = 'visit'
account = 'demo'
kind = 'javascript'
published = 1
[[script_version]]
name = 'visit.1'
script = 'visit'
version = 1
state = 'published'
body = """
function begin() { sendTextMessage('survey', 'Shall we come at ten?'); getConversation().set('nextAction', 'hour'); }
function moHandler() { sendTextMessage('survey', 'Ten?'); }
function hour() {
  getConversation().set('hour', getContactAttempt().text);
  getConversation().set('nextAction', 'name');
  sendTextMessage('survey', 'And your name?');
}
function name() {
  sendTextMessage('survey', getContactAttempt().text + ', we come at ' + getConversation().get('hour') + '.');
  endConversation();
}
function optOutHandler() {}
function helpHandler() {}
"""
[[sub_campaign]]
name = 'visit-out'
account = 'demo'
campaign = 'research'
kind = 'outbound'
state = 'running'
programs = ['survey']
[sub_campaign.instructions]
script = 'visit'
"#;

impl Api<'_> {
    /// A list of contacts with these names and addresses.
    async fn list(&self, contacts: &[(&str, &str, &str)]) -> String {
        let (status, list) = self.post("/v1/lists", &json!({ "name": "everybody" })).await;
        assert_eq!(status, 201, "{list}");
        let mut ids = Vec::new();
        for (number, (name, kind, address)) in contacts.iter().enumerate() {
            let contact = json!({
                "client_id": format!("C-{number}"), "first_name": name,
                "devices": [{ "kind": kind, "address": address }],
            });
            let (status, made) = self.post("/v1/contacts", &contact).await;
            assert_eq!(status, 201, "{made}");
            ids.push(made["id"].clone());
        }
        let id = list["id"].as_str().unwrap().to_owned();
        let (status, joined) =
            self.post(&format!("/v1/lists/{id}/members"), &json!({ "contacts": ids })).await;
        assert_eq!((status, joined["added"].as_u64()), (200, Some(contacts.len() as u64)));
        id
    }

    async fn begin(&self, order: &Value) -> String {
        let (status, pass) = self.post("/v1/passes", order).await;
        assert_eq!(status, 201, "{pass}");
        pass["id"].as_str().unwrap().to_owned()
    }

    /// The pass as soon as it is as wished.
    async fn pass(&self, id: &str, what: &str, wished: impl Fn(&Value) -> bool) -> Value {
        ask_until(what, async || self.get(&format!("/v1/passes/{id}")).await, wished).await
    }
}

fn done(pass: &Value) -> bool {
    pass["state"] == "done"
}

/// TXS-09: the three uses of a script that need no agent: begun by a pass, for an answer, for a keyword. CON-03: the
/// contact's fields are given to it. REP-02, D12: each contact comes to one status.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_begins_each_contact_and_the_script_goes_on_with_the_answers() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&catalog(&smsc));
    let _node = site.start_linked();
    let api = Api(&site);
    let list = api
        .list(&[
            ("Ann", "cell", "+447400123456"),
            ("Bob", "cell", "+447400123457"),
            ("Cid", "email", "cid@example.com"),
            ("Dee", "cell", "+33612345678"),
        ])
        .await;
    let id = api.begin(&json!({ "sub_campaign": "quiz-out", "list": list })).await;
    let pass = api.pass(&id, "it is done", done).await;
    let progress = json!({
        "total": 4, "begun": 4, "waiting": 0, "deferred": 0, "sent": 0, "delivered": 2, "unknown": 0, "failed": 0,
        "filtered": 2, "no_text": 0, "reasons": { "country_not_supported": 1, "no_device": 1 }, "replied": 0,
        "done": 4, "test": 0,
    });
    assert_eq!(pass["progress"], progress);
    assert_eq!(got(&smsc, DEVICE), ["Dear Ann, how old are you?"]);
    assert_eq!(got(&smsc, "447400123457"), ["Dear Bob, how old are you?"]);
    // The answer goes to the method that the first run named, and counts as a reply.
    writes(&smsc, DEVICE, "41");
    assert_eq!(text(&smsc, DEVICE, 2), "Your favourite colour?");
    // A keyword begins anew.
    writes(&smsc, DEVICE, "quiz");
    assert_eq!(text(&smsc, DEVICE, 3), "How old are you?");
    api.pass(&id, "the reply is counted", |pass| pass["progress"]["replied"] == 1).await;
    let contacts = api.get(&format!("/v1/passes/{id}/contacts")).await;
    let contacts = contacts["items"].as_array().unwrap();
    let told: Vec<_> = contacts
        .iter()
        .map(|of| (&of["status"], of["reason"].as_str().unwrap_or(""), &of["replied"]))
        .collect();
    let (delivered, filtered) = (json!("delivered"), json!("filtered"));
    let expected = [
        (&delivered, "", &json!(true)),
        (&delivered, "", &json!(false)),
        (&filtered, "no_device", &json!(false)),
        (&filtered, "country_not_supported", &json!(false)),
    ];
    assert_eq!(told, expected);
    // The history of the one that was not attempted says so.
    let history = api.get("/v1/history?device=%2B33612345678").await;
    let statuses: Vec<_> = history["items"].as_array().unwrap().iter().map(|line| &line["status"]).collect();
    assert!(statuses.contains(&&json!("attempt filtered: country_not_supported")), "{statuses:?}");
}

/// INT-04: one list and one pass hold contacts of several countries; the address is chosen for each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_pass_reaches_several_countries_each_from_an_address_of_its_own() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&format!("{}{MORE}", catalog(&smsc)));
    let _node = site.start_linked();
    let api = Api(&site);
    let list = api.list(&[("Ann", "cell", "+447400123456"), ("Dee", "cell", "+33612345678")]).await;
    let id = api.begin(&json!({ "sub_campaign": "alert-out", "list": list, "rate": 50 })).await;
    let pass = api.pass(&id, "it is done", done).await;
    assert_eq!(pass["progress"]["delivered"], 2, "{pass}");
    let mut sent: Vec<_> =
        smsc.taken().into_iter().map(|taken| (taken.message.destination, taken.message.source)).collect();
    sent.sort();
    assert_eq!(sent, [("33612345678".into(), "36777".into()), (DEVICE.to_owned(), "60777".to_owned())]);
    assert_eq!(got(&smsc, "33612345678"), ["Dear Dee, your card was used."]);
}

/// No contact gets the text twice, and none is forgotten, wherever the kills hit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_goes_on_over_kills_and_no_contact_gets_its_text_twice() {
    const CONTACTS: usize = 60;
    let smsc = Smsc::start(Some(Duration::ZERO));
    let mut site = Site::new(&format!("{}{MORE}", catalog(&smsc)));
    // What was on the wire when the process died is not sent again: here the pass alone is looked at.
    site.extra = "[limits.doubt]\nthen = \"fail\"\nhold = \"1s\"\n".to_owned();
    let mut node = site.start_linked();
    let numbers: Vec<String> = (0..CONTACTS).map(|number| format!("+4474001235{number:02}")).collect();
    let contacts: Vec<_> = numbers.iter().map(|number| ("Ann", "cell", number.as_str())).collect();
    let api = Api(&site);
    let list = api.list(&contacts).await;
    let id = api.begin(&json!({ "sub_campaign": "alert-out", "list": list, "rate": 40 })).await;
    for part in [CONTACTS / 5, CONTACTS / 2] {
        wait_for("some of them left", PATIENCE, || (smsc.count() >= part).then_some(()));
        node.kill();
        node = site.start_linked();
    }
    let pass = api.pass(&id, "it is done", done).await;
    assert_eq!((pass["progress"]["begun"].as_u64(), pass["progress"]["done"].as_u64()), (Some(60), Some(60)));
    let texts: Vec<usize> = numbers.iter().map(|number| got(&smsc, &number[1..]).len()).collect();
    assert!(texts.iter().all(|texts| *texts <= 1), "{texts:?}");
    let reached = texts.iter().sum::<usize>();
    let delivered = pass["progress"]["delivered"].as_u64().unwrap();
    assert!(reached as u64 >= delivered && delivered >= 50, "{reached} got it: {pass}");
    drop(node);
}

/// Quiet hours at the recipient's place: the text waits, the pass counts it, and who cancels the pass or ends the
/// sub-campaign takes it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_be_written_to_now_is_deferred_and_counted() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    // Half an hour that is some hours away, whatever season it is.
    let hour = (jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).hour() + 6) % 24;
    let quiet = format!(
        "[[jurisdiction]]\nname = 'gb-later'\ncountries = ['GB']\nsource = 'a test'\nas_of = '2026-01-15'\n\
         [[jurisdiction.allowed]]\ndays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']\n\
         from = '{hour:02}:00'\nto = '{hour:02}:30'\n"
    );
    let rights = r#""contacts:write", "catalog:read", "catalog:write""#;
    let site = Site::new(&format!("{}{quiet}", catalog(&smsc).replace(r#""contacts:write""#, rights)));
    let node = site.start_linked();
    let api = Api(&site);
    let list = api.list(&[("Ann", "cell", "+447400123456"), ("Bob", "cell", "+447400123457")]).await;
    let id = api.begin(&json!({ "sub_campaign": "quiz-out", "list": list })).await;
    let deferred = |pass: &Value| pass["progress"]["deferred"] == 2 && pass["state"] == "closing";
    api.pass(&id, "both wait", deferred).await;
    node.kill();
    let _node = site.start_linked();
    api.pass(&id, "both wait after a kill", deferred).await;
    // All are begun, and still it can be taken back, over a kill too.
    let (status, cancelled) = api.post(&format!("/v1/passes/{id}/cancel"), &json!({})).await;
    assert_eq!(
        (status, &cancelled["taken_back"]),
        (200, &json!({ "contacts": 2, "texts": 2 })),
        "{cancelled}"
    );
    let pass = api.pass(&id, "it is over", |pass| pass["state"] == "cancelled").await;
    assert_eq!(pass["progress"]["reasons"], json!({ "cancelled": 2 }));
    assert_eq!(api.post(&format!("/v1/passes/{id}/cancel"), &json!({})).await.0, 409);
    let again = api.begin(&json!({ "sub_campaign": "quiz-out", "list": list })).await;
    api.pass(&again, "both wait again", deferred).await;
    let end = async || {
        api.post("/v1/sub-campaigns/quiz-out/move", &json!({ "state": "ended", "take_back": true })).await
    };
    let (status, life) = end().await;
    assert_eq!((status, &life["taken_back"]), (200, &json!({ "contacts": 2, "texts": 2 })), "{life}");
    assert_eq!(end().await.1["taken_back"]["texts"], 0, "who asks again is answered");
    api.pass(&again, "it is over", done).await;
    assert_eq!(smsc.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_is_scheduled_paused_and_cancelled() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&format!("{}{MORE}", catalog(&smsc)));
    let _node = site.start_linked();
    let api = Api(&site);
    let list = api.list(&[("Ann", "cell", "+447400123456")]).await;
    let order = json!({ "sub_campaign": "alert-out", "list": list, "starts_at": "2100-01-01T00:00:00Z" });
    let id = api.begin(&order).await;
    assert_eq!(api.get(&format!("/v1/passes/{id}")).await["state"], "scheduled");
    let change = async |what: &str| api.post(&format!("/v1/passes/{id}/{what}"), &json!({})).await;
    assert_eq!(change("pause").await.1["state"], "paused");
    assert_eq!(change("resume").await.1["state"], "scheduled");
    assert_eq!(change("cancel").await.0, 200);
    let pass = api.pass(&id, "it is over", |pass| pass["state"] == "cancelled").await;
    assert_eq!(pass["progress"]["begun"], 0, "{pass}");
    assert_eq!(change("resume").await.0, 409);
    let ids: Vec<_> = api.get("/v1/passes").await["items"].as_array().unwrap().clone();
    assert_eq!(ids.len(), 1);
    for (wrong, status) in [
        (json!({ "sub_campaign": "quiz-in", "list": list }), 422),
        (json!({ "sub_campaign": "nobody", "list": list }), 404),
        (json!({ "sub_campaign": "alert-out", "list": "4711" }), 404),
        (json!({ "sub_campaign": "alert-out", "list": list, "rate": 0 }), 422),
        (json!({ "sub_campaign": "alert-out", "list": list, "devices": ["email"] }), 422),
    ] {
        assert_eq!(api.post("/v1/passes", &wrong).await.0, status, "{wrong}");
    }
    assert_eq!(smsc.count(), 0);
}

/// Acceptance (a) of messaging.md, MQ-28: one device answers two programs on different addresses of the pool,
/// interleaved, and both conversations end as they should.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_device_answers_two_programs_on_addresses_of_their_own() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&format!("{}{SECOND}", catalog(&smsc)));
    let _node = site.start_linked();
    let api = Api(&site);
    for (number, sub_campaign) in [(1, "quiz-out"), (2, "visit-out")] {
        let start = json!({ "sub_campaign": sub_campaign, "device": "+447400123456" });
        assert_eq!(api.post("/v1/conversations", &start).await.0, 202);
        text(&smsc, DEVICE, number);
    }
    let from: Vec<_> = smsc.taken().into_iter().map(|taken| taken.message.source).collect();
    assert_ne!(from[0], from[1]);
    let mut number = 2;
    for (code, said, answer) in [
        (&from[0], "41", "Your favourite colour?"),
        (&from[1], "nine", "And your name?"),
        (&from[1], "Ann", "Ann, we come at nine."),
        (&from[0], "blue", "41 and blue: thank you."),
    ] {
        writes_to(&smsc, DEVICE, code, said);
        number += 1;
        assert_eq!(text(&smsc, DEVICE, number), answer);
        assert_eq!(smsc.taken().last().map(|taken| taken.message.source.clone()), Some(code.clone()));
    }
}

/// Who was erased is somebody new for the dialog server, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_conversation_of_who_is_erased_is_forgotten() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let rights = catalog(&smsc).replace("\"contacts:write\"", "\"contacts:write\", \"contacts:erase\"");
    let site = Site::new(&rights);
    let _node = site.start_linked();
    let api = Api(&site);
    let contact = json!({ "client_id": "C-1", "devices": [{ "kind": "cell", "address": "+447400123456" }] });
    let (status, made) = api.post("/v1/contacts", &contact).await;
    assert_eq!(status, 201, "{made}");
    writes(&smsc, DEVICE, "quiz");
    assert_eq!(text(&smsc, DEVICE, 1), "How old are you?");
    let erase = format!("/v1/contacts/{}/erasure", made["id"].as_str().unwrap());
    let (status, erased) = api.post(&erase, &json!({})).await;
    assert_eq!(status, 200, "{erased}");
    writes(&smsc, DEVICE, "41");
    assert_eq!(text(&smsc, DEVICE, 2), "Text QUIZ to begin.", "the answer belongs to nothing any more");
}
