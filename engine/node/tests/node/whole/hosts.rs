//! The layers on two hosts (CM-16, ACC-09): one node takes entries in, by message and over HTTP, and another one judges
//! them. Between them lies nothing but HTTP.

use std::time::Duration;

use serde_json::{Value, json};

use super::enterprise::{DEVICE, client, text, writes};
use super::participation::{TOKEN, choices, tally, votes};
use super::site::{PATIENCE, Site, wait_for};
use super::smsc::Smsc;

const READER: &str = "key-of-the-other-host";

/// A node that takes entries in and lets another one judge them.
fn taking(smsc: &Smsc) -> Site {
    let token =
        format!("[[token]]\nname = 'reader'\nsecret = '{READER}'\nrights = [\"participations:judge\"]\n");
    let mut site = Site::new(&format!("{}{token}", votes(smsc, 1)));
    site.extra = "[participation]\njudging = \"elsewhere\"\n".to_owned();
    site
}

/// The one that judges.
fn judging(smsc: &Smsc, of: &Site) -> Site {
    let mut site = Site::new(&votes(smsc, 1));
    site.extra = format!("[participation.source]\nurl = 'http://{}'\ntoken = '{READER}'\n", of.api);
    site
}

async fn enter(site: &Site, from: &str, vote: &str) -> (u16, Value) {
    let url = format!("http://{}/v1/participations/song-2026/entries", site.api);
    let body = json!({ "from": from, "text": vote });
    let answer = client().post(url).bearer_auth(TOKEN).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn queue(site: &Site, token: &str, query: &str) -> (u16, Value) {
    let url = format!("http://{}/v1/participation-queue{query}", site.api);
    let answer = client().get(url).bearer_auth(token).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn votes_are_taken_on_one_host_and_judged_on_another() {
    let (smsc, other) = (Smsc::start(Some(Duration::ZERO)), Smsc::start(Some(Duration::ZERO)));
    let intake = taking(&smsc);
    let judge = judging(&other, &intake);
    let _taking = intake.start_linked();
    let _judging = judge.start();
    let (status, voted) = enter(&intake, "+447400123900", "7").await;
    assert_eq!((status, &voted["reply"]), (202, &json!("Thank you for 7.")), "{voted}");
    writes(&smsc, DEVICE, "song 8");
    assert_eq!(text(&smsc, DEVICE, 1), "Thank you for 8.");
    // One participant has one limit, whatever way the votes come.
    let (_, again) = enter(&intake, &format!("+{DEVICE}"), "7").await;
    assert_eq!(again["rejected"], "LIMIT", "{again}");
    assert_eq!(tally(&judge).await, choices(1, 1));
    // Results are where entries are judged, and the queue is for who may read it.
    let url = format!("http://{}/v1/participations/song-2026/tally", intake.api);
    let asked = client().get(url).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(asked.status(), 404);
    assert_eq!(queue(&intake, TOKEN, "").await.0, 403);
    let (status, page) = queue(&intake, READER, "").await;
    assert_eq!((status, &page["entries"]), (200, &json!([])), "what is kept there is gone here");
}

/// Acceptance (d), between two hosts: the one that judges is killed in the midst of its work and away, again and again,
/// while entries come; nothing is lost, nothing counts twice, and of each participant the first entry counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_judges_may_die_and_be_away_and_nothing_is_lost_or_overtaken() {
    let (smsc, other) = (Smsc::start(Some(Duration::ZERO)), Smsc::start(Some(Duration::ZERO)));
    let intake = taking(&smsc);
    let judge = judging(&other, &intake);
    let _taking = intake.start_linked();
    let url = format!("http://{}/v1/participations/song-2026/entries", intake.api);
    let http = client();
    // Each is acknowledged while nobody judges: the one who asks gives up waiting for a verdict, not for the queue.
    let send = async |numbers: std::ops::Range<u32>, vote: &str| {
        let mut posts = tokio::task::JoinSet::new();
        for number in numbers {
            let body = json!({ "from": format!("+4474002{number:05}"), "text": vote });
            posts.spawn(http.post(&url).bearer_auth(TOKEN).json(&body).send());
        }
        while let Some(answer) = posts.join_next().await {
            assert_eq!(answer.unwrap().unwrap().status(), 202);
        }
    };
    send(0..40, "7").await;
    send(0..40, "8").await;
    writes(&smsc, DEVICE, "song 7");
    for round in 0..4 {
        let before = if round == 0 { 0 } else { tallied(&judge) };
        let node = judge.start();
        // In the midst of its work, and the longer the later.
        wait_for("some are judged", PATIENCE, || (tallied(&judge) > before || before >= 41).then_some(()));
        node.kill();
    }
    send(40..60, "8").await;
    let _judging = judge.start();
    assert_eq!(text(&smsc, DEVICE, 1), "Thank you for 7.");
    wait_for("all are judged", PATIENCE, || (tallied(&judge) == 61).then_some(()));
    assert_eq!(tally(&judge).await, choices(41, 20));
    let left = queue(&intake, READER, "").await.1;
    assert_eq!(left["entries"], json!([]), "{left}");
    let rejected = rejects(&judge);
    assert_eq!(rejected, 40, "each second vote is refused once");
}

/// Submissions in the campaign's file, whether its node runs or not.
fn tallied(site: &Site) -> u64 {
    let file = site.data.join("participation/song-2026.campaign.db");
    let count = || -> rusqlite::Result<i64> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let connection = rusqlite::Connection::open_with_flags(&file, flags)?;
        connection.query_row("SELECT submissions FROM campaign", [], |row| row.get(0))
    };
    count().ok().and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
}

fn rejects(site: &Site) -> i64 {
    let file = site.data.join("participation/song-2026.rejects.db");
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.query_row("SELECT count(*) FROM rejects", [], |row| row.get(0)).unwrap()
}
