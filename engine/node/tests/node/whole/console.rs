//! A sponsor's job over HTTP (CM-13): a campaign is created, opened, watched while votes come, exported, closed and drawn;
//! and what the words of a campaign do (CM-15).

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::enterprise::{DEVICE, client, got, text, writes};
use super::participation::{TOKEN, choices, tally, votes};
use super::site::{PATIENCE, Site, free_port, wait_for};
use super::smsc::Smsc;

/// A request and what it led to: status, ETag and body.
async fn ask(
    site: &Site,
    method: Method,
    path: &str,
    tag: Option<&str>,
    body: Option<&Value>,
) -> (u16, String, Value) {
    let mut request = client().request(method, format!("http://{}/v1/{path}", site.api)).bearer_auth(TOKEN);
    if let Some(tag) = tag {
        request = request.header("if-none-match", tag);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let tag = answer.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned()).unwrap_or_default();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, tag, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sponsor_creates_watches_exports_closes_and_draws() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&votes(&smsc, 5));
    let _node = site.start_linked();
    let campaign = |state: &str| {
        json!({ "name": "dance", "account": "demo", "kind": "sweepstakes", "state": state, "program": "survey",
            "entry_points": [{ "channel": "sms", "source_address": "code", "keyword": "dance" }, { "channel": "http" }],
            "extraction": [{ "field": "style", "kind": "enumeration",
                "options": [{ "value": "waltz", "label": "The Waltz" }, { "value": "tango" }] }],
            "requirements": [{ "kind": "max_per_participant", "limit": 1, "reject": "DUPLICATE" }],
            "responses": { "accepted": "You are in with {style}.", "not_enabled": "DANCE is not open." } })
    };
    let (status, _, created) =
        ask(&site, Method::PUT, "participations/dance", None, Some(&campaign("ready"))).await;
    assert_eq!(status, 201, "{created}");
    writes(&smsc, DEVICE, "dance waltz");
    assert_eq!(text(&smsc, DEVICE, 1), "DANCE is not open.");
    assert_eq!(ask(&site, Method::PUT, "participations/dance", None, Some(&campaign("open"))).await.0, 200);

    // Watching: at once what there is, and with its ETag what comes next.
    let (status, tag, first) = ask(&site, Method::GET, "participations/dance/tally", None, None).await;
    assert_eq!((status, &first["submissions"], &first["state"]), (200, &json!(0), &json!("open")));
    let known = Some(tag.as_str());
    assert_eq!(ask(&site, Method::GET, "participations/dance/tally", known, None).await.0, 304);
    let watching = ask(&site, Method::GET, "participations/dance/tally?wait=25", known, None);
    let voting = async {
        writes(&smsc, DEVICE, "dance the waltz");
    };
    let ((status, next, seen), ()) = tokio::join!(watching, voting);
    assert_eq!((status, &seen["submissions"]), (200, &json!(1)), "{seen}");
    assert_ne!(next, tag);
    assert_eq!(text(&smsc, DEVICE, 2), "You are in with waltz.");
    assert_eq!(ask(&site, Method::GET, "participations/dance/tally?wait=26", None, None).await.0, 422);
    for number in 0..20 {
        let vote =
            json!({ "from": format!("+4474005{number:05}"), "text": "tango", "id": number.to_string() });
        let (status, _, entry) =
            ask(&site, Method::POST, "participations/dance/entries", None, Some(&vote)).await;
        assert_eq!(
            (status, &entry["judged"], &entry["accepted"]),
            (202, &json!(true), &json!(true)),
            "{entry}"
        );
        let place = format!("participations/dance/entries/{}", entry["entry"].as_str().unwrap());
        assert_eq!(ask(&site, Method::GET, &place, None, None).await, (200, String::new(), entry));
    }
    assert_eq!(ask(&site, Method::GET, "participations/dance/entries/77", None, None).await.0, 404);
    let (_, _, seen) = ask(&site, Method::GET, "participations/dance/tally", None, None).await;
    let row = |value: &str, count: u64| json!({ "field": "style", "value": value, "submissions": count, "weight": count });
    assert_eq!(seen["rows"], json!([row("tango", 20), row("waltz", 1)]));

    let (status, _, export) = ask(&site, Method::GET, "participations/dance/export", None, None).await;
    assert_eq!((status, export.as_str().unwrap().lines().count()), (200, 22));
    let draw = json!({ "winners": 2, "seed": "7".repeat(64), "field": "style", "value": "tango" });
    assert_eq!(ask(&site, Method::POST, "participations/dance/draw", None, Some(&draw)).await.0, 409);
    assert_eq!(ask(&site, Method::POST, "participations/dance/close", None, None).await.0, 204);
    writes(&smsc, DEVICE, "dance tango");
    assert_eq!(text(&smsc, DEVICE, 3), "DANCE is not open.");
    let odd = json!({ "winners": 2, "field": "stlye", "value": "tango" });
    let (status, _, refused) = ask(&site, Method::POST, "participations/dance/draw", None, Some(&odd)).await;
    assert_eq!((status, &refused["errors"][0]["field"]), (422, &json!("field")), "{refused}");
    let (status, _, drawn) = ask(&site, Method::POST, "participations/dance/draw", None, Some(&draw)).await;
    assert_eq!((status, &drawn["tickets"], drawn["drawn"].as_array().unwrap().len()), (200, &json!(20), 2));
    // The final tally stays what it was.
    assert_eq!(
        ask(&site, Method::PUT, "participations/dance", None, Some(&campaign("tallied"))).await.0,
        200
    );
    let (_, _, last) = ask(&site, Method::GET, "participations/dance/tally", None, None).await;
    assert_eq!((&last["state"], &last["rows"]), (&json!("tallied"), &seen["rows"]));
    assert_eq!(ask(&site, Method::PUT, "participations/dance", None, Some(&campaign("open"))).await.0, 422);
}

const WORDS: &str = r#"
[[participation.words]]
word = 'price'
reply = 'A vote costs nothing.'
[[participation.words]]
word = 'stop'
does = 'opt_out'
reply = 'No more about songs.'
[[participation.words]]
word = 'start'
does = 'opt_in'
reply = 'Welcome to the songs.'
[[participation.requirements]]
kind = 'not_barred'
[[participation.requirements]]
kind = 'opted_in'
"#;

/// CM-15, and who is barred by its own word (BARRED) or has not said yet that messages are welcome (INELIGIBLE).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_of_a_campaign_are_answered_and_rule_who_may_take_part() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let rows = votes(&smsc, 5).replace(
        "rejected_per_hour = 1000",
        "rejected_per_hour = 1000\nnot_enabled = 'Send SONG START first.'",
    );
    let site = Site::new(&format!("{rows}{WORDS}"));
    let _node = site.start_linked();
    let vote = |number: u32| json!({ "from": format!("+{DEVICE}"), "text": "8", "id": number.to_string() });
    let by_http = async |number| {
        ask(&site, Method::POST, "participations/song-2026/entries", None, Some(&vote(number))).await.2
    };
    writes(&smsc, DEVICE, "Song PRICE?");
    assert_eq!(text(&smsc, DEVICE, 1), "A vote costs nothing.");
    writes(&smsc, DEVICE, "song 7");
    assert_eq!(text(&smsc, DEVICE, 2), "Send SONG START first.");
    assert_eq!(by_http(1).await["rejected"], "INELIGIBLE");
    writes(&smsc, DEVICE, "song start");
    assert_eq!(text(&smsc, DEVICE, 3), "Welcome to the songs.");
    // The ledger is written behind the answer.
    let mut number = 1;
    let begun = std::time::Instant::now();
    loop {
        number += 1;
        if by_http(number).await["accepted"] == true {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "the opt-in is never seen");
    }
    // More words than that are a vote, whatever song it is for.
    writes(&smsc, DEVICE, "song start 7");
    assert_eq!(text(&smsc, DEVICE, 4), "Thank you for 7.");
    writes(&smsc, DEVICE, "SONG Stop");
    assert_eq!(text(&smsc, DEVICE, 5), "No more about songs.");
    writes(&smsc, DEVICE, "song 7");
    wait_for("the vote is judged", PATIENCE, || {
        (site.metric("participation_entries_total", "rejected") >= f64::from(number) + 1.0).then_some(())
    });
    let barred = by_http(1_000).await;
    assert_eq!((&barred["rejected"], &barred["reply"]), (&json!("BARRED"), &Value::Null));
    assert_eq!(tally(&site).await, choices(1, 1));
    assert_eq!(got(&smsc, DEVICE).len(), 5, "nothing goes to who opted out");
}

/// A population of handsets behind an SMSC plays a campaign, and each vote of it counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_population_of_handsets_takes_part() {
    use signalbox_perf::handsets::{Behaviour, HandsetsOptions, HandsetsSim, Through};
    let listen = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, free_port()));
    let smsc = Smsc::start(Some(Duration::ZERO));
    // The link of the rows leads to the population.
    let rows = votes(&smsc, 1)
        .replace(&format!("port = {}", smsc.address.port()), &format!("port = {}", listen.port()));
    assert!(rows.contains(&listen.port().to_string()), "{rows}");
    let behaviour = Behaviour {
        population: 40,
        first_number: "447400800000".to_owned(),
        begins: vec!["song 7".to_owned(), "Song EIGHT or 8".to_owned()],
        answers: vec!["song 8".to_owned()],
        over: Duration::from_millis(500),
        delay: "1ms..50ms".parse().unwrap(),
        answered: 100.0,
        typos: 0.0,
        stops: 30.0,
        messages: 3,
        seed: 3,
    };
    let smsc_options = signalbox_perf::SmscOptions { listen, ..Default::default() };
    let options =
        HandsetsOptions { through: Through::Smsc(Box::new(smsc_options)), to: "60777".to_owned(), behaviour };
    let mut population = HandsetsSim::start(options).await.unwrap();
    let site = Site::new(&rows);
    let _node = site.start_linked();
    let begun = tokio::time::Instant::now();
    // Each is thanked, and each who went on was told that it had voted, or that no more comes.
    while !(population.summary().reached == 40 && population.summary().heard >= population.summary().written)
    {
        assert!(begun.elapsed() < PATIENCE, "{:?}", population.summary());
        population.play(tokio::time::Instant::now() + Duration::from_millis(100)).await.unwrap();
    }
    let summary = population.summary();
    assert_eq!((summary.begun, summary.after_stop, summary.strays), (40, 0, 0));
    assert!(summary.stopped > 0 && summary.answers > 0, "{summary:?}");
    let (submissions, _) = tally(&site).await;
    assert_eq!(submissions, 40, "one vote of each");
    let texts: Vec<&str> = summary.texts.iter().map(|(text, _)| text.as_str()).collect();
    for said in ["Thank you for 7.", "Thank you for 8.", "You have voted.", "You get no more texts."] {
        assert!(texts.contains(&said), "{texts:?}");
    }
    assert_eq!(
        StatusCode::OK,
        client().get(format!("http://{}/ready", site.admin)).send().await.unwrap().status()
    );
}
