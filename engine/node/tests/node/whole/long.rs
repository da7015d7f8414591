//! Long messages that come in parts, to receivers that take them whole.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::api::target::{Says, Target};
use super::super::links::aggregator::{Aggregator, Says as Answers};
use super::esme::Esme;
use super::site::{Site, rows, wait_for};
use super::smsc::Smsc;
use super::wire::Message;

const PATIENCE: Duration = Duration::from_secs(30);
const DEVICE: &str = "447700900001";

/// Part `number` of `total`, of the message `reference`.
fn part(reference: u8, number: u8, total: u8, text: &str) -> Message {
    Message {
        esm_class: 0x40,
        text: [&[5, 0, 3, reference, total, number], text.as_bytes()].concat(),
        ..Message::default()
    }
}

fn from_device(part: Message) -> Message {
    Message { source: DEVICE.into(), destination: "12345".into(), ..part }
}

/// Brings a part and waits for its answer.
fn bring(smsc: &Smsc, site: &Site, part: Message) {
    let before = accepted(site);
    smsc.deliver(&from_device(part));
    wait_for("a part is accepted", PATIENCE, || (accepted(site) > before + 0.5).then_some(()));
}

fn accepted(site: &Site) -> f64 {
    site.metric("messages_accepted_total", "direction=\"mo\"")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_message_of_a_device_is_one_event_across_a_kill_and_with_what_came() {
    let smsc = Smsc::start(None);
    let mut target = Target::start(&[Says::Status(200), Says::Status(200)]).await;
    let hook = format!(
        "[[webhook]]\nname = 'app'\naccount = 'demo'\nurl = 'http://{}/'\nsecret = 'key-of-the-application'\n\
         events = ['mo']\n",
        target.address
    );
    let mut site = Site::new(&format!("{}{hook}", rows(smsc.address, "", "")));
    site.extra = "[webhooks]\nprivate_targets = true\n".to_owned();
    let node = site.start_linked();
    bring(&smsc, &site, part(7, 3, 3, "three"));
    bring(&smsc, &site, part(7, 1, 3, "one "));
    node.kill();
    assert!(target.is_quiet());
    let node = site.start_linked();
    smsc.deliver(&from_device(part(7, 2, 3, "two ")));
    let posted = target.next().await.body;
    let message = &posted["message"];
    assert_eq!((&message["text"], &message["parts"]), (&json!("one two three"), &json!(3)));
    assert_eq!((&message["source"], &message["missing"]), (&json!(DEVICE), &Value::Null));

    // One whose second part never comes.
    bring(&smsc, &site, part(8, 1, 2, "half"));
    wait_for("it waits", PATIENCE, || (site.metric("messages_waiting_for_parts", "") > 0.5).then_some(()));
    node.kill();
    assert!(target.is_quiet());
    site.extra += "[limits.reassembly]\nwait = '1s'\n";
    let _node = site.start_linked();
    let posted = target.next().await.body;
    assert_eq!((&posted["message"]["text"], &posted["message"]["missing"]), (&json!("half"), &json!([2])));
    let finals =
        wait_for("both records", PATIENCE, || Some(site.finals()).filter(|finals| finals.len() == 2));
    let said: Vec<_> = finals.iter().map(|cdr| (&cdr["outcome"], &cdr["parts"], &cdr["reason"])).collect();
    let delivered = json!("delivered");
    assert_eq!(
        said,
        [(&delivered, &json!(3), &json!("none")), (&delivered, &json!(1), &json!("parts_missing"))]
    );
    assert!(target.is_quiet());
    assert!((site.metric("messages_joined_total", "result=\"incomplete\"") - 1.0).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_that_an_esme_cut_leave_as_one_text_with_a_receipt_for_each() {
    let mut aggregator = Aggregator::start().await;
    let site = Site::new(&format!(
        "[[account]]\nname = 'demo'\nsystem_id = 'demo'\npassword = 'demo'\nsources = ['*']\n\
         [[link]]\nname = 'first'\nprotocol = 'http'\n[link.http]\nurl = 'http://{}/send'\nparts = 'whole'\n\
         body = '{{\"to\": \"{{to}}\", \"text\": \"{{text}}\"}}'\nbinary = '{{\"udh\": \"{{udh}}\"}}'\n\
         [link.http.callback]\ntoken = 'key'\n\
         [[route]]\nname = 'mt'\nwhen = {{ direction = 'mt' }}\nthen = {{ links = [{{ link = 'first' }}] }}\n",
        aggregator.address
    ));
    let _node = site.start();
    aggregator.plan([Answers::Answer(200, json!({ "id": "A1" }).to_string())]);
    let mut esme = Esme::bind(site.smpp).unwrap();
    for part in [part(9, 2, 2, "two"), part(9, 1, 2, "one and ")] {
        let whole = Message { source: "12345".into(), destination: DEVICE.into(), registered: 1, ..part };
        esme.submit_message(&whole).unwrap();
        esme.until("its answer", PATIENCE, |esme| esme.open() == 0);
    }
    assert_eq!(aggregator.next().await.json(), json!({ "to": DEVICE, "text": "one and two" }));
    let receipt = json!({ "type": "receipt", "receipt": { "message_id": "A1", "state": "delivered", "destination": DEVICE } });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request =
        client.post(format!("http://{}/v1/links/first/events", site.api)).bearer_auth("key").json(&receipt);
    assert_eq!(request.send().await.unwrap().status(), 200);
    esme.until("a receipt for each part", PATIENCE, |esme| esme.book.receipts.len() == 2);
    assert!(esme.book.receipts.values().all(|states| *states == ["DELIVRD"]), "{:?}", esme.book.receipts);
    let finals =
        wait_for("both records", PATIENCE, || Some(site.finals()).filter(|finals| finals.len() == 2));
    assert!(finals.iter().all(|cdr| cdr["remote_id"] == "A1" && cdr["parts"] == 1), "{finals:?}");
    assert!(aggregator.is_quiet());
}
