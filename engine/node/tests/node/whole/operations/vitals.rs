//! What the metrics say of the node itself: certificates, a disk that hangs.

use rustix::process::Signal;
use std::fs;
use std::time::{Duration, Instant};

use super::super::esme::Esme;
use super::super::site::{Site, free_port, rows, wait_for};
use super::super::smsc::Smsc;

const EXPIRY: &str = "tls_certificate_expiry_seconds";

/// Writes a certificate that ends with this year, and its key.
fn certify(site: &Site, year: i32) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut parameters = rcgen::CertificateParams::new(vec!["node.example".to_owned()]).expect("parameters");
    parameters.not_after = rcgen::date_time_ymd(year, 12, 31);
    let certificate = parameters.self_signed(&key).expect("a certificate");
    fs::write(site.path("node.pem"), certificate.pem()).expect("the certificate");
    fs::write(site.path("node.key"), key.serialize_pem()).expect("the key");
}

#[test]
fn the_end_of_the_certificates_is_told_and_follows_a_reload() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let mut site = Site::new(&rows(smsc.address, "", ""));
    certify(&site, 2031);
    let tls = format!("certificate = {:?}\nkey = {:?}\n", site.path("node.pem"), site.path("node.key"));
    site.extra = format!(
        "[api.tls]\n{tls}[[smpp.listen]]\nname = \"safe\"\naddress = \"127.0.0.1:{}\"\n[smpp.listen.tls]\n{tls}",
        free_port()
    );
    let node = site.start();
    for listener in ["listener=\"api\"", "listener=\"smpp/safe\""] {
        assert_eq!(site.metric(EXPIRY, listener), 1_956_441_600.0, "{listener}");
    }
    certify(&site, 2032);
    node.signal(Signal::HUP);
    for listener in ["listener=\"api\"", "listener=\"smpp/safe\""] {
        wait_for("the renewed certificate shows", Duration::from_secs(10), || {
            (site.metric(EXPIRY, listener) == 1_988_064_000.0).then_some(())
        });
    }
    assert_eq!(site.metric(EXPIRY, "listener=\"smpp/smpp\""), 0.0, "it has no TLS");
}

#[test]
fn a_commit_that_takes_long_shows_while_it_is_under_way() {
    let smsc = Smsc::start(Some(Duration::ZERO));
    let mut site = Site::new(&rows(smsc.address, "", ""));
    site.extra = "[store]\nbench_fsync_delay_us = 1000000\n".to_owned();
    let _node = site.start();
    let mut esme = Esme::bind(site.smpp).expect("a bind");
    esme.submit(1).expect("a submit");
    let deadline = Instant::now() + Duration::from_secs(20);
    while site.metric("store_commit_age_seconds", "") < 0.3 {
        assert!(Instant::now() < deadline, "a commit of a second does not show");
        esme.turn(Duration::from_millis(5)).expect("the session stays");
    }
    esme.until("the receipt", Duration::from_secs(20), |esme| !esme.book.receipts.is_empty());
    wait_for("nothing is under way", Duration::from_secs(20), || {
        (site.metric("store_commit_age_seconds", "") == 0.0).then_some(())
    });
}
