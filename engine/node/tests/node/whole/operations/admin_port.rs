//! `/live /ready /metrics /log-level /drain /version`.

use rustix::process::Signal;
use std::time::Duration;

use super::super::esme::Esme;
use super::super::site::{PATIENCE, Site, rows, wait_for};
use super::super::smsc::Smsc;

#[test]
fn the_admin_port_says_what_is_and_drains() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let site = Site::new(&rows(smsc.address, "", ""));
    let node = site.start();
    let get = |path: &str| site.http("GET", path, "").expect("an answer");
    assert_eq!(get("/live"), (200, "live\n".to_owned()));
    assert_eq!(get("/ready"), (200, "ready\n".to_owned()));
    let (status, version) = get("/version");
    assert_eq!(status, 200);
    assert!(version.contains("\"signalbox\"") && version.contains(env!("CARGO_PKG_VERSION")), "{version}");

    let mut esme = Esme::bind(site.smpp).expect("a bind");
    esme.submit_all(0..50, 10);
    esme.until("receipts", PATIENCE, |esme| esme.book.receipts.len() == 50);
    wait_for("the metrics tell of 50 messages", PATIENCE, || {
        (site.metric("smpp_requests_total", "submit_sm") >= 100.0).then_some(())
    });
    let (_, metrics) = get("/metrics");
    assert!(metrics.contains("smpp_link_bound"), "{metrics}");
    assert!(!metrics.contains("4470000"), "no phone number is in the metrics");
    assert_eq!(site.metric("smpp_link_sessions_wanted", "link=\"smsc\""), 1.0);
    assert_eq!(site.metric("node_draining", ""), 0.0);
    let year_2025 = 1_735_689_600.0;
    assert!(site.metric("process_start_time_seconds", "") > year_2025);
    assert!(site.metric("process_resident_memory_bytes", "") > 1e6);
    assert!(site.metric("process_open_fds", "") > 10.0 && site.metric("process_cpu_seconds_total", "") > 0.0);
    wait_for("the room on the disk is known", Duration::from_secs(10), || {
        (site.metric("store_free_bytes", "") > 0.0 && site.metric("store_reserve_bytes", "") > 0.0)
            .then_some(())
    });

    assert_eq!(get("/log-level").1.trim(), "info");
    assert_eq!(site.http("PUT", "/log-level", "debug").map(|(status, _)| status), Some(200));
    assert_eq!(get("/log-level").1.trim(), "debug");
    assert_eq!(site.http("PUT", "/log-level", "=loud=").map(|(status, _)| status), Some(400));
    assert_eq!(get("/log-level").1.trim(), "debug");
    esme.submit_all(50..60, 10);
    assert!(!site.log().contains("447000000055"), "numbers are masked in the log, at debug too");
    assert_eq!(get("/nothing").0, 404);

    assert_eq!(site.http("POST", "/drain", "").map(|(status, _)| status), Some(202));
    // A peer that answers until it is unbound does not hold up the drain.
    esme.until_closed();
    let ended = node.ended(PATIENCE);
    assert!(ended.success(), "{ended}");
}

#[test]
fn where_links_are_needed_the_node_is_ready_only_while_they_are_bound() {
    let smsc = Smsc::start(None);
    let site = Site::new(&rows(smsc.address, "", ""));
    let node = site.start();
    let ready = || site.http("GET", "/ready", "").expect("an answer");
    wait_for("the link is bound", Duration::from_secs(5), || (smsc.bound() == 1).then_some(()));
    let file = site.path("node.toml");
    let text = std::fs::read_to_string(&file).expect("the settings");
    let strict = text
        .replace("[admin]\n", "[admin]\nready_needs_links = true\n")
        .replace("[log]\n", "[log]\nlevel = \"warn\"\n");
    std::fs::write(&file, strict).expect("the settings");
    node.signal(Signal::HUP);
    wait_for("the reload sets the level of the log", Duration::from_secs(5), || {
        (site.http("GET", "/log-level", "")?.1.trim() == "warn").then_some(())
    });
    wait_for("the link's session is seen", Duration::from_secs(5), || (ready().0 == 200).then_some(()));
    drop(smsc);
    wait_for("it is not ready without its link", Duration::from_secs(5), || {
        (ready() == (503, "not ready: link `smsc` is not bound\n".to_owned())).then_some(())
    });
    std::fs::write(&file, text).expect("the settings");
    node.signal(Signal::HUP);
    wait_for("it is ready when no link is needed", Duration::from_secs(5), || {
        (ready().0 == 200).then_some(())
    });
}
