//! One campaign's database fails: entries of all are taken, others' are judged and answered, and its own wait in order.

use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use serde_json::{Value, json};

use super::enterprise::{DEVICE, client, text, writes};
use super::participation::{TOKEN, choices, tally, votes};
use super::site::{PATIENCE, Site, wait_for};
use super::smsc::Smsc;

const DANCE: &str = r#"
[[participation]]
name = 'dance'
account = 'demo'
kind = 'vote'
state = 'open'
program = 'survey'
[[participation.entry_points]]
channel = 'sms'
source_address = 'code'
keyword = 'dance'
[[participation.entry_points]]
channel = 'http'
keyword = 'dance'
[[participation.extraction]]
field = 'choice'
kind = 'enumeration'
[[participation.extraction.options]]
value = '1'
[participation.responses]
accepted = 'You dance {choice}.'
"#;

async fn enter(site: &Site, campaign: &str, from: &str, vote: &str) -> Value {
    let url = format!("http://{}/v1/participations/{campaign}/entries", site.api);
    let body = json!({ "from": from, "text": vote });
    let answer = client().post(url).bearer_auth(TOKEN).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    answer.json().await.unwrap()
}

fn judging(site: &Site) -> Value {
    let url = format!("http://{}/v1/participations/song-2026/judging", site.api);
    let asked = async { client().get(url).bearer_auth(TOKEN).send().await.unwrap().json().await.unwrap() };
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(asked))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_whose_database_is_locked_holds_up_no_other_and_loses_nothing() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let mut site = Site::new(&format!("{}{DANCE}", votes(&smsc, 1)));
    site.extra = "[store]\nlock_wait = \"100ms\"\n".to_owned();
    let node = site.start_linked();
    writes(&smsc, DEVICE, "song 7");
    assert_eq!(text(&smsc, DEVICE, 1), "Thank you for 7.");
    let mut other = Connection::open(site.data.join("participation/song-2026.campaign.db")).unwrap();
    let locked = other.transaction_with_behavior(TransactionBehavior::Exclusive).unwrap();
    // By form or API and by message: each is durable, and none is answered before its verdict.
    let first = enter(&site, "song-2026", "+447400123500", "8").await;
    assert_eq!(first["judged"], false, "{first}");
    writes(&smsc, "447400123501", "song 8");
    for number in 0..3 {
        let judged = enter(&site, "dance", &format!("+44740012360{number}"), "1").await;
        assert_eq!(judged["reply"], "You dance 1.", "{judged}");
    }
    writes(&smsc, "447400123502", "dance 1");
    assert_eq!(text(&smsc, "447400123502", 1), "You dance 1.");
    let told = wait_for("the API says so", PATIENCE, || {
        let told = judging(&site);
        (told["state"] == "failing" && told["waiting"] == 1).then_some(told)
    });
    assert!(told["tries"].as_u64().unwrap() >= 1 && told["since"].is_string(), "{told}");
    assert!(site.metric("participation_campaigns_failing", "") >= 1.0);
    // Another start finds the same state, and what changes elsewhere in the catalog is not held up.
    node.kill();
    let _node = site.start_linked();
    let told = judging(&site);
    assert_eq!(told["state"], "failing", "{told}");
    assert!(!told["reason"].as_str().unwrap().contains('/'), "no path is told: {told}");
    let judged = enter(&site, "dance", "+447400123610", "1").await;
    assert_eq!(judged["reply"], "You dance 1.", "{judged}");
    let late = enter(&site, "song-2026", "+447400123500", "7").await;
    assert_eq!(late["judged"], false, "{late}");
    drop(locked);
    assert_eq!(text(&smsc, "447400123501", 1), "Thank you for 8.");
    wait_for("it is judged again", PATIENCE, || {
        let told = judging(&site);
        (told["state"] == "judging" && told["waiting"] == 0).then_some(())
    });
    // The participant's first entry counts, and not the one that came after it.
    assert_eq!(tally(&site).await, choices(1, 2));
    assert!(site.metric("participation_campaigns_failing", "") < 1.0);
}
