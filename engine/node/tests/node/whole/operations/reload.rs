//! SIGHUP: what is right is put in force while sessions stay; what is wrong changes nothing and is named.

use rustix::process::Signal;
use std::fs;

use super::super::esme::Esme;
use super::super::site::{PATIENCE, Site, rows, wait_for};
use super::super::smsc::{Mood, Smsc};
use super::super::wire;

#[test]
fn a_reload_changes_bounds_and_touches_no_session() {
    let smsc = Smsc::start(None);
    let site = Site::new(&rows(smsc.address, "", ""));
    let node = site.start();
    let mut esme = Esme::bind(site.smpp).expect("a bind");
    esme.submit_all(0..10, 10);
    assert_eq!(esme.book.accepted.len(), 10);
    wait_for("the link is bound", PATIENCE, || (smsc.bound() == 1).then_some(()));

    // Two open messages at most: with an SMSC that answers nothing they stay open.
    smsc.set(Mood::Silent);
    site.write_settings_with("[limits]\naccount_messages = 12\n");
    node.signal(Signal::HUP);
    wait_for("the reload is logged", PATIENCE, || site.log().contains("\"reloaded\"").then_some(()));
    assert!((site.metric("config_last_reload_successful", "") - 1.0).abs() < 0.1);
    // The ten before are open too, since their receipts never come.
    esme.submit_all(10..20, 1);
    let refused = esme.book.refused.iter().map(|(_, status)| *status).collect::<Vec<_>>();
    assert_eq!(refused, [wire::QUEUE_FULL; 8], "two are accepted, eight refused");

    let right = fs::read_to_string(site.path("node.toml")).expect("the settings");
    let line = right.lines().count() + 1;
    fs::write(site.path("node.toml"), format!("{right}account_mesages = 5000\n")).expect("the settings");
    node.signal(Signal::HUP);
    wait_for("the fault is logged with its place", PATIENCE, || {
        let log = site.log();
        let told = log.lines().find(|line| line.contains("not reloaded"))?.to_owned();
        assert!(told.contains(&format!("node.toml:{line}:")), "{told}");
        assert!(told.contains("account_mesages"), "{told}");
        Some(())
    });
    assert!(site.metric("config_last_reload_successful", "").abs() < 0.1);
    let before = esme.book.refused.len();
    esme.submit_all(20..22, 1);
    assert_eq!(esme.book.refused.len(), before + 2, "the bound before the fault is in force");

    assert_eq!(smsc.sessions(), 1, "the link's session is the one of the beginning");
    assert_eq!(smsc.bound(), 1);
}
