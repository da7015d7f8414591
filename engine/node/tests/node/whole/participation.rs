//! Votes by message over a real session and the durable exchange, counted exactly, over kills and over HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use super::enterprise::{DEVICE, catalog, client, got, text, writes};
use super::site::{PATIENCE, Site, wait_for};
use super::smsc::Smsc;

pub const TOKEN: &str = "key-of-the-votes";

/// The enterprise of the dialog tests, and its vote.
pub fn votes(smsc: &Smsc, limit: u32) -> String {
    format!(
        "{}{}",
        catalog(smsc),
        format_args!(
            r#"
[[token]]
name = 'votes'
secret = '{TOKEN}'
account = 'demo'
rights = ["catalog:read", "catalog:write", "messages:send", "messages:reveal"]
[[participation]]
name = 'song-2026'
account = 'demo'
kind = 'vote'
state = 'open'
program = 'survey'
[[participation.entry_points]]
channel = 'sms'
source_address = 'code'
keyword = 'song'
[[participation.entry_points]]
channel = 'http'
keyword = 'song'
[[participation.extraction]]
field = 'choice'
kind = 'enumeration'
[[participation.extraction.options]]
value = '7'
synonyms = ['seven']
[[participation.extraction.options]]
value = '8'
[[participation.requirements]]
kind = 'max_per_participant'
limit = {limit}
[participation.responses]
accepted = 'Thank you for {{choice}}.'
rejected_per_hour = 1000
[participation.responses.rejected]
BAD_OPTION = 'Song 7 or song 8, please.'
BAD_FORMAT = 'Song 7 or song 8, please.'
LIMIT = 'You have voted.'
"#
        )
    )
}

/// The tally: submissions, and those of each choice.
pub async fn tally(site: &Site) -> (u64, Vec<(String, u64)>) {
    let url = format!("http://{}/v1/participations/song-2026/tally", site.api);
    let answer = client().get(url).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let tally: Value = answer.json().await.unwrap();
    let rows = tally["rows"].as_array().unwrap().iter();
    let row = |row: &Value| (row["value"].as_str().unwrap().to_owned(), row["submissions"].as_u64().unwrap());
    (tally["submissions"].as_u64().unwrap(), rows.map(row).collect())
}

pub fn choices(seven: u64, eight: u64) -> (u64, Vec<(String, u64)>) {
    (seven + eight, vec![("7".to_owned(), seven), ("8".to_owned(), eight)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_by_message_are_counted_and_answered() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&votes(&smsc, 5));
    let _node = site.start_linked();
    writes(&smsc, DEVICE, "Song SEVEN please");
    assert_eq!(text(&smsc, DEVICE, 1), "Thank you for 7.");
    writes(&smsc, "447400123457", "song 8");
    assert_eq!(text(&smsc, "447400123457", 1), "Thank you for 8.");
    writes(&smsc, DEVICE, "song 99");
    assert_eq!(text(&smsc, DEVICE, 2), "Song 7 or song 8, please.");
    assert_eq!(tally(&site).await, choices(1, 1));
    // A vote is no conversation: what is no keyword goes where it went before.
    writes(&smsc, DEVICE, "hello?");
    assert_eq!(text(&smsc, DEVICE, 3), "Text QUIZ to begin.");
}

/// CM-12: a participant who sends a hundred at once, by message and by HTTP, has as many votes as it may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_votes_at_once_of_one_device_five_count() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&votes(&smsc, 5));
    let _node = site.start_linked();
    let url = format!("http://{}/v1/participations/song-2026/entries", site.api);
    let (client, vote) = (client(), json!({ "from": DEVICE, "text": "7" }));
    let mut posts = tokio::task::JoinSet::new();
    for number in 0..90 {
        // A device has as many messages open as the dialog server takes of one.
        if number % 9 == 0 {
            writes(&smsc, DEVICE, "song 7");
        }
        posts.spawn(client.post(&url).bearer_auth(TOKEN).json(&vote).send());
    }
    let mut by_http = 0;
    while let Some(answer) = posts.join_next().await {
        let answer = answer.unwrap().unwrap();
        assert_eq!(answer.status(), 202);
        let verdict: Value = answer.json().await.unwrap();
        by_http += usize::from(verdict["accepted"] == true);
    }
    text(&smsc, DEVICE, 10);
    let thanked = got(&smsc, DEVICE).iter().filter(|text| *text == "Thank you for 7.").count();
    assert_eq!(thanked + by_http, 5);
    assert_eq!(tally(&site).await, (5, vec![("7".to_owned(), 5)]));
}

/// A vote that was taken counts once, whenever the process ends, and the next process judges at once what the last one
/// left: it waits for no run to come to nothing, only for receipts of answers that were on their way (rule 4).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_are_counted_once_over_kills() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let mut site = Site::new(&votes(&smsc, 1));
    site.extra = "[limits.doubt]\nhold = \"3s\"\n".to_owned();
    let mut node = site.start_linked();
    let device = |number: u32| format!("4474001{number:05}");
    for round in 0..3 {
        let devices = round * 20..(round + 1) * 20;
        devices
            .clone()
            .for_each(|number| writes(&smsc, &device(number), &format!("song {}", 7 + number % 2)));
        // In the midst of them.
        wait_for("one is answered", PATIENCE, || {
            devices.clone().any(|n| !got(&smsc, &device(n)).is_empty()).then_some(())
        });
        node.kill();
        node = site.start_linked();
    }
    // What was not acknowledged before a kill is sent again by the SMSC's own retry: here by hand. Who voted is refused.
    (0..60).for_each(|number| writes(&smsc, &device(number), &format!("song {}", 7 + number % 2)));
    let thanked = |number: u32| got(&smsc, &device(number)).iter().any(|text| text.starts_with("Thank you"));
    // Shorter than the time after which a run is begun again.
    wait_for("each is thanked", Duration::from_secs(25), || (0..60).all(thanked).then_some(()));
    assert_eq!(tally(&site).await, choices(30, 30));
    let thanks =
        |number: u32| got(&smsc, &device(number)).iter().filter(|text| text.starts_with("Thank")).count();
    assert!((0..60).all(|number| thanks(number) == 1), "each is thanked once");
}

async fn post(site: &Site, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("http://{}/v1/participations/song-2026/{path}", site.api);
    let answer = client().post(url).bearer_auth(TOKEN).json(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

/// CM-02: one participant has one limit, whatever way the votes come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vote_by_http_counts_like_one_by_message_until_the_campaign_is_closed_and_drawn() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&votes(&smsc, 2));
    let node = site.start_linked();
    writes(&smsc, DEVICE, "song 7");
    text(&smsc, DEVICE, 1);
    let vote = json!({ "from": format!("+{DEVICE}"), "text": "8", "id": "form-1" });
    let (status, first) = post(&site, "entries", &vote).await;
    assert_eq!(
        (status, &first["accepted"], &first["reply"]),
        (202, &json!(true), &json!("Thank you for 8."))
    );
    // It was acknowledged: it counts, and the same one again is the same one.
    node.kill();
    let _node = site.start_linked();
    assert_eq!(post(&site, "entries", &vote).await, (202, first));
    let (status, third) = post(&site, "entries", &json!({ "from": DEVICE, "text": "song 8" })).await;
    assert_eq!((status, &third["accepted"], &third["rejected"]), (202, &json!(false), &json!("LIMIT")));
    assert_eq!(tally(&site).await, choices(1, 1));
    let early = post(&site, "draw", &json!({ "winners": 1 })).await;
    assert_eq!(early.0, 409, "{early:?}");
    assert_eq!(post(&site, "close", &json!({})).await.0, 204);
    let (_, late) = post(&site, "entries", &json!({ "from": "+447400123999", "text": "7" })).await;
    assert_eq!(late["rejected"], "CLOSED");
    let seed = "0".repeat(64);
    let (status, drawn) = post(&site, "draw", &json!({ "winners": 3, "seed": seed })).await;
    assert_eq!((status, &drawn["tickets"], &drawn["seed"]), (200, &json!(2), &json!(seed)), "{drawn}");
    let winners: Vec<&Value> =
        drawn["drawn"].as_array().unwrap().iter().map(|won| &won["participant"]).collect();
    assert_eq!(winners, [DEVICE], "a participant wins once");
    let url = format!("http://{}/v1/participations/song-2026/export", site.api);
    let export = client().get(url).bearer_auth(TOKEN).send().await.unwrap().text().await.unwrap();
    assert_eq!(export.lines().count(), 3, "{export}");
    assert!(export.lines().skip(1).all(|line| line.contains(DEVICE)), "{export}");
}
