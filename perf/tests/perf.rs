//! The simulators against each other over loopback.

#![allow(clippy::unwrap_used)]

use signalbox_perf::handsets::{Behaviour, HandsetsOptions, HandsetsSim, Through};
use signalbox_perf::smsc::{ReceiptBy, ReceiptPolicy, ReceiptState};
use signalbox_perf::{EsmeOptions, EsmeSim, IdForm, Report, SmscOptions, SmscSim, SmscStats};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

fn esme(sim: &SmscSim, count: u64) -> EsmeOptions {
    EsmeOptions {
        connect: sim.addr(),
        count: Some(count),
        retry_after: Duration::from_millis(5),
        receipt_wait: Duration::from_millis(300),
        ..EsmeOptions::default()
    }
}

async fn smsc(change: impl FnOnce(&mut SmscOptions)) -> SmscSim {
    let mut options = SmscOptions::default();
    change(&mut options);
    SmscSim::start(options).await.unwrap()
}

async fn run(options: EsmeOptions) -> Report {
    tokio::time::timeout(LIMIT, EsmeSim::run(options)).await.unwrap().unwrap()
}

async fn until(sim: &SmscSim, condition: impl Fn(&SmscStats) -> bool) -> SmscStats {
    tokio::time::timeout(LIMIT, sim.until(condition)).await.unwrap()
}

#[tokio::test]
async fn every_message_arrives_once_with_its_fields() {
    let sim = smsc(|options| options.record = true).await;
    let report = run(EsmeOptions { sessions: 3, window: 7, priority: 2, ..esme(&sim, 1_000) }).await;
    assert!(report.holds(), "{:?}", report.problems);
    assert_eq!((report.submitted, report.accepted, report.latency.count), (1_000, 1_000, 1_000));
    let mut markers: Vec<_> = sim.submits().iter().map(|submit| submit.marker.unwrap()).collect();
    markers.sort_unstable();
    assert!(markers.into_iter().eq(0..1_000));
    let submits = sim.submits();
    let one = submits.iter().find(|submit| submit.marker == Some(17)).unwrap();
    assert_eq!((one.source.as_str(), one.destination.as_str()), ("12345", "447700900017"));
    assert_eq!((one.priority, one.registered, one.status), (2, 0, Some(0)));
    assert_eq!(one.text.len(), 60);
    let stats = sim.stop().await.unwrap();
    assert_eq!((stats.submits, stats.taken, stats.binds, stats.receipts_sent), (1_000, 1_000, 3, 0));
}

#[tokio::test]
async fn credentials_are_checked() {
    let sim = smsc(|options| options.accounts = vec![("a".to_owned(), "b".to_owned())]).await;
    assert!(EsmeSim::run(esme(&sim, 1)).await.is_err());
    let credentials = ("a".to_owned(), "b".to_owned());
    let report =
        run(EsmeOptions { system_id: credentials.0, password: credentials.1, ..esme(&sim, 1) }).await;
    assert_eq!(report.accepted, 1);
    assert_eq!(sim.stats().binds_refused, 1);
}

#[tokio::test]
async fn throttled_submits_are_sent_again_until_taken() {
    let sim = smsc(|options| options.faults.throttle = Some("2000:20".parse().unwrap())).await;
    let report = run(EsmeOptions { retry: true, window: 50, ..esme(&sim, 300) }).await;
    assert!(report.holds(), "{:?}", report.problems);
    assert_eq!(report.accepted, 300);
    assert!(report.throttled > 0 && report.throttled == report.retried, "{report:?}");
    assert!(report.seconds > 0.1, "280 of 300 at 2,000/s take 0.14 s, not {}", report.seconds);
    assert_eq!(sim.stats().throttled, report.throttled);
}

#[tokio::test]
async fn errors_come_in_their_shares() {
    let sim = smsc(|options| {
        options.faults.errors = vec![(0x45, 10.0), (0x0b, 5.0)];
        options.faults.queue_full_each = Some(100);
    })
    .await;
    let report = run(esme(&sim, 2_000)).await;
    assert!((140..=260).contains(&report.refused["0x00000045"]), "{report:?}");
    assert!((60..=140).contains(&report.refused["0x0000000b"]), "{report:?}");
    assert_eq!(report.refused["0x00000014"], 20);
    assert!(!report.holds());
}

async fn with_receipts(change: impl FnOnce(&mut SmscOptions)) -> (Report, SmscStats) {
    let sim = smsc(change).await;
    let report = run(EsmeOptions { registered: 1, expect_receipts: true, ..esme(&sim, 200) }).await;
    let stats = sim.stop().await.unwrap();
    assert_eq!((report.accepted, report.receipts.expected), (200, 200));
    (report, stats)
}

#[tokio::test]
async fn receipts_come_once_for_each() {
    for by in [ReceiptBy::DeliverSm, ReceiptBy::DataSm] {
        for (tlvs, text) in [(true, true), (false, true), (true, false)] {
            let (report, stats) = with_receipts(|options| {
                options.receipts.by = by;
                (options.receipts.tlvs, options.receipts.text) = (tlvs, text);
            })
            .await;
            assert!(report.holds(), "{by:?} {tlvs} {text}: {:?}", report.problems);
            assert_eq!((report.receipts.matched, report.receipt_latency.count), (200, 200));
            assert_eq!((stats.receipts_sent, stats.receipts_ok), (200, 200));
        }
    }
}

#[tokio::test]
async fn late_random_receipts_come() {
    let (report, _) = with_receipts(|options| options.receipts.delay = "5ms..30ms".parse().unwrap()).await;
    assert!(report.holds(), "{:?}", report.problems);
    assert!(report.receipt_latency.p50_us > 5_000.0);
}

#[tokio::test]
async fn early_receipts_come_before_their_response() {
    let (report, _) = with_receipts(|options| options.receipts.early = Some(Duration::from_millis(5))).await;
    assert!(report.holds(), "{:?}", report.problems);
    assert!(report.receipt_latency.max_us < report.latency.max_us);
    assert!(report.receipt_latency.p50_us + 4_000.0 < report.latency.p50_us, "{report:?}");
}

#[tokio::test]
async fn lost_and_duplicated_receipts_are_found() {
    let (report, stats) = with_receipts(|options| options.receipts.lost_percent = 10.0).await;
    assert!((5..=40).contains(&report.receipts.missing), "{:?}", report.receipts);
    assert_eq!(stats.receipts_lost, report.receipts.missing);
    assert!(!report.holds());
    let (report, stats) = with_receipts(|options| options.receipts.duplicated_percent = 10.0).await;
    assert!((5..=40).contains(&report.receipts.duplicated), "{:?}", report.receipts);
    assert_eq!(stats.receipts_sent, 200 + report.receipts.duplicated);
    assert!(!report.holds());
}

#[tokio::test]
async fn states_come_in_their_shares_and_intermediate_ones_beside_them() {
    let (report, _) = with_receipts(|options| {
        options.receipts.intermediate = true;
        options.receipts.states = vec![(ReceiptState::Undeliv, 30.0)];
    })
    .await;
    assert!((35..=85).contains(&report.receipts.states["UNDELIV"]), "{:?}", report.receipts);
    assert_eq!(report.receipts.intermediate, 200);
    assert!(report.holds(), "{:?}", report.problems);
}

#[tokio::test]
async fn receipts_only_when_asked_or_always() {
    for (policy, registered, sent) in [
        (ReceiptPolicy::AsAsked, 0, 0),
        (ReceiptPolicy::AsAsked, 1, 10),
        (ReceiptPolicy::AsAsked, 2, 0),
        (ReceiptPolicy::AsAsked, 3, 10),
        (ReceiptPolicy::Always, 0, 10),
        (ReceiptPolicy::None, 1, 0),
    ] {
        let sim = smsc(|options| options.receipts.policy = policy).await;
        run(EsmeOptions { registered, ..esme(&sim, 10) }).await;
        assert_eq!(sim.stats().receipts_sent, sent, "{policy:?} {registered}");
    }
}

#[tokio::test]
async fn ids_differ_between_response_and_receipt_where_told() {
    for (form, same) in [
        (IdForm::Decimal, true),
        (IdForm::Hex, true),
        (IdForm::Text, true),
        (IdForm::HexThenDecimal, false),
        (IdForm::DecimalThenHex, false),
        (IdForm::LowerThenUpper, false),
        (IdForm::PaddedDecimal, false),
        (IdForm::PaddedHex, false),
    ] {
        let (report, _) = with_receipts(|options| {
            options.id_form = form;
            options.first_id = Some(0x00ab_cdef);
        })
        .await;
        // The ESME compares ids as they are written: a form that differs is one that it cannot match.
        let matched = if same { 200 } else { 0 };
        assert_eq!((report.receipts.matched, report.receipts.wrong), (matched, 200 - matched), "{form:?}");
    }
}

#[tokio::test]
async fn a_dropped_connection_leaves_its_window_in_doubt_and_the_rest_goes_on() {
    let sim = smsc(|options| {
        options.faults.drop_each = Some(100);
        options.faults.refuse = Duration::from_millis(80);
        options.record = true;
    })
    .await;
    let report = run(EsmeOptions { reconnect: true, ..esme(&sim, 450) }).await;
    assert_eq!(report.accepted + report.ambiguous, 450);
    assert!((4..=40).contains(&report.ambiguous), "{report:?}");
    let stats = sim.stats();
    assert_eq!(stats.drops, 4);
    assert!(stats.refused > 0);
    assert!(sim.submits().iter().filter(|submit| submit.status.is_none()).count() == 4);
    // Taken by the SMSC is all that was answered, and of the rest some.
    assert!(stats.taken >= report.accepted);
}

#[tokio::test]
async fn receipts_owed_to_a_lost_connection_go_to_the_next() {
    let sim = smsc(|options| {
        options.faults.drop_each = Some(150);
        options.receipts.delay = "50ms".parse().unwrap();
    })
    .await;
    let options = EsmeOptions { reconnect: true, registered: 1, expect_receipts: true, ..esme(&sim, 200) };
    let report = run(options).await;
    assert_eq!(report.accepted + report.ambiguous, 200);
    assert_eq!(report.receipts.missing, 0, "{report:?}");
}

#[tokio::test]
async fn submits_never_answered_time_out() {
    let sim = smsc(|options| options.faults.never_answer_percent = 5.0).await;
    let response_timeout = Duration::from_millis(200);
    let report = run(EsmeOptions { response_timeout, window: 50, ..esme(&sim, 400) }).await;
    assert!((5..=50).contains(&report.timed_out), "{report:?}");
    assert_eq!(report.accepted + report.timed_out, 400);
    assert_eq!(sim.stats().unanswered, report.timed_out);
    assert_eq!(sim.stats().taken, 400);
}

#[tokio::test]
async fn a_silent_smsc_answers_nothing_any_more() {
    let sim = smsc(|options| options.faults.silent_after = Some(30)).await;
    let response_timeout = Duration::from_millis(100);
    let report = run(EsmeOptions { response_timeout, ..esme(&sim, 50) }).await;
    assert_eq!((report.accepted, report.timed_out), (30, 20));
}

#[tokio::test]
async fn garbage_and_single_octets_do_not_disturb() {
    let sim = smsc(|options| {
        options.faults.garbage_each = Some(3);
        options.faults.one_byte_writes = true;
    })
    .await;
    let report = run(esme(&sim, 100)).await;
    assert_eq!(report.accepted, 100);
    assert!(sim.stats().nacks > 0);
}

#[tokio::test]
async fn an_impossible_length_ends_the_connection() {
    let sim = smsc(|options| options.faults.bad_length_after = Some(10)).await;
    assert!(EsmeSim::run(EsmeOptions { window: 1, ..esme(&sim, 50) }).await.is_err());
}

#[tokio::test]
async fn responses_wait_for_their_delay() {
    let sim = smsc(|options| options.response_delay = "10ms".parse().unwrap()).await;
    let report = run(EsmeOptions { window: 100, ..esme(&sim, 100) }).await;
    assert!(report.latency.p50_us >= 10_000.0, "{:?}", report.latency);
}

#[tokio::test]
async fn latency_counts_from_the_time_a_message_was_to_be_sent() {
    let sim = smsc(|options| options.response_delay = "20ms".parse().unwrap()).await;
    // One in 20 ms gets through, one in 2 ms is to be sent: the wait of the last is in the figure.
    let report = run(EsmeOptions { window: 1, rate: Some(500.0), ..esme(&sim, 25) }).await;
    assert!(report.latency.max_us > 400_000.0, "{:?}", report.latency);
}

#[tokio::test]
async fn an_open_loop_keeps_its_rate() {
    let sim = smsc(|_| {}).await;
    let options = EsmeOptions {
        count: None,
        duration: Some(Duration::from_millis(400)),
        rate: Some(1_000.0),
        sessions: 2,
        ..esme(&sim, 0)
    };
    let report = run(options).await;
    assert_eq!(report.accepted, 400);
}

#[tokio::test]
async fn messages_from_devices_arrive() {
    let sim = smsc(|options| {
        options.mo = Some(signalbox_perf::smsc::MoOptions {
            per_second: 20_000.0,
            count: Some(500),
            first_source: "447700900000".to_owned(),
            sources: 10,
            destination: "12345".to_owned(),
            texts: vec!["STOP".to_owned(), "yes".to_owned()],
        });
    })
    .await;
    let esme = EsmeSim::start(EsmeOptions { linger: LIMIT, ..esme(&sim, 0) }).unwrap();
    sim.send_mo("447700900123", "12345", b"by hand", 0);
    let stats = until(&sim, |stats| stats.mo_ok == 501).await;
    assert_eq!((stats.mo_sent, stats.mo_refused), (501, 0));
    esme.stop();
    assert_eq!(tokio::time::timeout(LIMIT, esme.finish()).await.unwrap().unwrap().mo, 501);
}

#[tokio::test]
async fn what_is_refused_for_a_time_is_sent_again() {
    let sim = smsc(|options| options.deliver_retry = Duration::from_millis(5)).await;
    let options = EsmeOptions {
        registered: 1,
        expect_receipts: true,
        deliver_errors: vec![(0x14, 50.0)],
        receipt_wait: LIMIT,
        ..esme(&sim, 100)
    };
    let report = run(options).await;
    assert!(report.holds(), "{:?}", report.problems);
    let stats = until(&sim, |stats| stats.receipts_ok == 100).await;
    assert_eq!(stats.receipts_sent, 100 + stats.receipts_refused);
    assert!(stats.receipts_refused > 50);
}

#[tokio::test]
async fn a_transmitter_gets_its_receipts_on_a_receiver() {
    let sim = smsc(|_| {}).await;
    let options = EsmeOptions {
        bind: signalbox_perf::esme::BindAs::Transmitter,
        receivers: 1,
        registered: 1,
        expect_receipts: true,
        receipt_wait: LIMIT,
        ..esme(&sim, 100)
    };
    let report = run(options).await;
    assert!(report.holds(), "{:?}", report.problems);
    assert_eq!(report.receipts.matched, 100);
}

#[tokio::test]
async fn behaviour_changes_while_it_runs() {
    let sim = smsc(|_| {}).await;
    assert_eq!(run(esme(&sim, 10)).await.accepted, 10);
    sim.change(|options| options.faults.errors = vec![(8, 100.0)]);
    assert_eq!(run(esme(&sim, 10)).await.refused["0x00000008"], 10);
    sim.change(|options| options.faults.errors.clear());
    assert_eq!(run(esme(&sim, 10)).await.accepted, 10);
    let esme = EsmeSim::start(EsmeOptions { linger: LIMIT, ..esme(&sim, 0) }).unwrap();
    until(&sim, |stats| stats.open == 1 && stats.binds == 4).await;
    sim.drop_connections(Duration::ZERO);
    assert!(tokio::time::timeout(LIMIT, esme.finish()).await.unwrap().is_err());
}

#[tokio::test]
async fn the_logs_tell_the_same_story() {
    let folder = tempfile::tempdir().unwrap();
    let (smsc_log, esme_log) = (folder.path().join("smsc"), folder.path().join("esme"));
    let sim = smsc(|options| {
        options.log = Some(smsc_log.clone());
        options.log_sync = true;
        options.faults.queue_full_each = Some(10);
    })
    .await;
    let options =
        EsmeOptions { log: Some(esme_log.clone()), registered: 1, expect_receipts: true, ..esme(&sim, 100) };
    run(options).await;
    sim.send_mo("447700900123", "12345", b"m=000077", 0);
    sim.stop().await.unwrap();
    let read = |path: &std::path::Path| -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (theirs, ours) = (read(&smsc_log), read(&esme_log));
    let of = |log: &[serde_json::Value], event: &str| -> Vec<serde_json::Value> {
        log.iter().filter(|line| line["e"] == event).cloned().collect()
    };
    let key = |line: &serde_json::Value| {
        (line["m"].as_u64().unwrap(), line["id"].as_str().unwrap().to_owned(), line["status"].as_u64())
    };
    let mut answered: Vec<_> = of(&theirs, "submit").iter().map(key).collect();
    let mut responses: Vec<_> = of(&ours, "response").iter().map(key).collect();
    answered.sort();
    responses.sort();
    assert_eq!(answered, responses);
    assert_eq!(responses.iter().filter(|(_, _, status)| *status == Some(0x14)).count(), 10);
    assert_eq!(of(&ours, "submit").len(), 100);
    let receipts = |log: &[serde_json::Value]| {
        let mut ids: Vec<_> =
            of(log, "receipt").iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(receipts(&theirs).len(), 90);
    assert_eq!(receipts(&theirs), receipts(&ours));
    assert_eq!(of(&theirs, "receipt_answer").len(), 90);
}

#[tokio::test]
async fn a_synced_log_has_what_was_answered() {
    use signalbox_perf::wire;
    use std::io::{Read, Write};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("smsc");
    let sim = smsc(|options| {
        options.log = Some(path.clone());
        options.log_sync = true;
    })
    .await;
    let address = sim.addr();
    let judge = move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let mut answer = [0; 256];
        let mut out = Vec::new();
        wire::put_bind(&mut out, wire::BIND_TRANSCEIVER, 1, "a", "b");
        stream.write_all(&out).unwrap();
        assert!(stream.read(&mut answer).unwrap() > 0);
        for number in 0..200_u32 {
            let text = format!("m={number}");
            let message = wire::Message {
                source: b"1",
                destination: b"2",
                text: text.as_bytes(),
                ..wire::Message::default()
            };
            out.clear();
            wire::put_message(
                &mut out,
                wire::SUBMIT_SM,
                2 + number,
                &wire::Fields { message, payload: false },
            );
            stream.write_all(&out).unwrap();
            assert!(stream.read(&mut answer).unwrap() > 0);
            let log = std::fs::read_to_string(&path).unwrap();
            assert!(log.contains(&format!("\"m\":{number},")), "{number} was answered before it was logged");
        }
    };
    tokio::task::spawn_blocking(judge).await.unwrap();
}

#[test]
fn the_judge_finds_what_is_planted() {
    let python = std::env::var("SIGNALBOX_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let judge = concat!(env!("CARGO_MANIFEST_DIR"), "/judge");
    let output = std::process::Command::new(python)
        .args(["-B", "-m", "unittest", "discover", "-s", judge])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Ran 7 tests"), "{said}");
}

fn handsets(through: Through, population: u64) -> HandsetsOptions {
    let behaviour = Behaviour {
        population,
        begins: vec!["quiz".to_owned()],
        answers: vec!["yes".to_owned()],
        over: Duration::from_millis(200),
        delay: "1ms..20ms".parse().unwrap(),
        answered: 100.0,
        typos: 0.0,
        stops: 0.0,
        messages: 2,
        ..Behaviour::default()
    };
    HandsetsOptions { through, to: "60777".to_owned(), behaviour }
}

/// The account of a node, whose part an SMSC plays here: each device writes, and answers the text that it gets.
#[tokio::test]
async fn a_population_writes_and_answers_over_a_session() {
    let sim = smsc(|options| {
        options.record = true;
        options.accounts = vec![("handsets".to_owned(), "secret".to_owned())];
    })
    .await;
    let account = |password: &str| Through::Account {
        address: sim.addr(),
        system_id: "handsets".to_owned(),
        password: password.to_owned(),
    };
    assert!(HandsetsSim::start(handsets(account("wrong"), 1)).await.is_err());
    let mut population = HandsetsSim::start(handsets(account("secret"), 50)).await.unwrap();
    let begun = tokio::time::Instant::now();
    while population.summary().answers < 50 {
        assert!(begun.elapsed() < LIMIT, "{:?}", population.summary());
        // What was written since is answered with a text.
        let heard = usize::try_from(population.summary().heard).unwrap();
        for submit in sim.submits().iter().filter(|submit| submit.text == b"quiz").skip(heard) {
            sim.send_mo("60777", &submit.source, b"Yes or no?", 0);
        }
        let soon = tokio::time::Instant::now() + Duration::from_millis(300);
        assert!(!population.play(soon).await.unwrap());
    }
    until(&sim, |stats| stats.submits >= 100).await;
    let summary = population.summary();
    assert_eq!((summary.begun, summary.reached, summary.strays, summary.after_stop), (50, 50, 0, 0));
    let written = sim.submits();
    assert!(written.iter().all(|submit| submit.destination == "60777"));
    for text in [&b"quiz"[..], b"yes"] {
        let mut devices: Vec<&str> = written
            .iter()
            .filter(|submit| submit.text == text)
            .map(|submit| submit.source.as_str())
            .collect();
        devices.sort_unstable();
        devices.dedup();
        assert_eq!(devices.len(), 50);
    }
}

/// The handsets of an SMSC to which a node binds; an ESME stands for the node.
#[tokio::test]
async fn a_population_behind_an_smsc_hears_what_is_submitted_to_it() {
    let smsc = Through::Smsc(Box::default());
    let mut population = HandsetsSim::start(handsets(smsc, 20)).await.unwrap();
    let address = population.address().unwrap();
    let esme = EsmeOptions {
        connect: address,
        count: Some(20),
        sources: vec!["60777".to_owned()],
        first_destination: "12025550000".to_owned(),
        destinations: 20,
        ..EsmeOptions::default()
    };
    let node = tokio::spawn(EsmeSim::run(esme));
    let begun = tokio::time::Instant::now();
    while population.summary().answers < 20 {
        assert!(begun.elapsed() < LIMIT, "{:?}", population.summary());
        population.play(tokio::time::Instant::now() + Duration::from_millis(50)).await.unwrap();
    }
    assert_eq!(node.await.unwrap().unwrap().accepted, 20);
    assert_eq!((population.summary().begun, population.summary().heard), (20, 20));
}
