//! `signalbox apply` and SIGHUP while traffic runs: the link that is changed works as changed, the others keep their
//! sessions, nothing is lost.

use rustix::process::Signal;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::super::esme::Esme;
use super::super::kill::judge_of;
use super::super::site::{PATIENCE, Site, rows, wait_for};
use super::super::smsc::{Mood, Smsc};

/// Of the operator who changes the catalog.
pub const TOKEN: &str = "operator-token-0123456789";
/// The first number of those that go to the link that stays: 4479...
const KEPT: u64 = 900_000_000;
const LINK: &str = "burst = 100\n";

fn changed_row(smsc: &Smsc, more: &str) -> String {
    format!(
        "[[link]]\nname = \"smsc\"\nhost = \"127.0.0.1\"\nport = {}\nsystem_id = \"signalbox\"\n\
         password = \"secret\"\nreconnect = {{ min = \"50ms\", max = \"300ms\" }}\n{LINK}{more}",
        smsc.address.port()
    )
}

/// Starts `signalbox apply` with these rows.
pub fn apply(site: &Site, rows: &str) -> Child {
    let file = site.path("change.toml");
    fs::write(&file, rows).expect("the change");
    Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .arg("apply")
        .arg(file)
        .args(["--api", &format!("http://{}", site.api), "--token", TOKEN])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("signalbox apply")
}

/// A load that goes on, half to each link.
struct Load {
    esme: Esme,
    next: u64,
}

impl Load {
    fn go_on(&mut self) {
        for number in [self.next, KEPT + self.next] {
            self.esme.until("a place in the window", PATIENCE, |esme| esme.open() < 20);
            self.esme.submit(number).expect("a submit");
        }
        self.next += 1;
        self.esme.turn(Duration::from_millis(1)).expect("the session stays");
    }

    /// Until it holds, and for so many messages more.
    fn until(&mut self, what: &str, mut holds: impl FnMut() -> bool, more: u64) {
        let mut left = 20_000;
        while !holds() {
            self.go_on();
            left -= 1;
            assert!(left > 0, "{what}: not after 20,000 messages");
        }
        for _ in 0..more {
            self.go_on();
        }
    }
}

#[test]
fn a_changed_link_leaves_the_others_alone_and_loses_nothing_under_load() {
    let changed = Smsc::start(Some(Duration::from_millis(10)));
    let kept = Smsc::start(Some(Duration::from_millis(10)));
    for smsc in [&changed, &kept] {
        smsc.set(Mood::Takes(Duration::from_millis(5)));
    }
    let other = format!(
        "{LINK}[[link]]\nname = \"kept\"\nhost = \"127.0.0.1\"\nport = {}\nsystem_id = \"signalbox\"\n\
         password = \"secret\"\n{LINK}\
         [[route]]\nname = \"kept\"\norder = 1\nwhen = {{ destination_prefix = [\"4479\"] }}\n\
         then = {{ links = [{{ link = \"kept\" }}] }}\n\
         [[token]]\nname = \"operator\"\nsecret = \"{TOKEN}\"\nrights = [\"catalog:read\", \"catalog:write\"]\n",
        kept.address.port(),
    );
    let site = Site::new(&rows(changed.address, "", &other));
    let node = site.start();
    let mut load = Load { esme: Esme::bind(site.smpp).expect("a bind"), next: 0 };
    load.until("both links carry mail", || changed.count() > 20 && kept.count() > 20, 50);

    // Another system_type, which a peer is told in the bind; then a window; then a second session.
    let changes = ["system_type = \"other\"\n", "system_type = \"other\"\nwindow = 3\n", "sessions = 2\n"];
    for (change, sessions_at_least) in changes.into_iter().zip([2, 2, 3]) {
        let mut applying = apply(&site, &changed_row(&changed, change));
        load.until("it is applied", || applying.try_wait().expect("its state").is_some(), 0);
        let output = applying.wait_with_output().expect("its output");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
        assert!(told.contains("smsc"), "{told}");
        let before = changed.count();
        load.until("its sessions are bound", || changed.sessions() >= sessions_at_least, 0);
        load.until("it carries mail as changed", || changed.count() > before + 50, 50);
    }
    wait_for("two sessions", PATIENCE, || (changed.bound() == 2).then_some(()));
    assert!((site.metric("smpp_window_limit", "\"smsc\"") - 2.0 * 10.0).abs() < 0.1, "each has its window");

    // A reload that changes nothing touches nobody.
    let sessions = changed.sessions();
    node.signal(Signal::HUP);
    load.until("it is reloaded", || site.log().contains("\"reloaded\""), 50);
    assert_eq!(changed.sessions(), sessions);
    assert_eq!(kept.sessions(), 1, "the other link has its session of the beginning");

    let Load { mut esme, next } = load;
    esme.until("the responses", PATIENCE, |esme| esme.open() == 0);
    assert_eq!(esme.book.accepted.len() as u64, 2 * next, "{:?}", esme.book.refused);
    esme.until("a receipt for each", PATIENCE, |esme| esme.book.receipts.len() as u64 == 2 * next);
    wait_for("nothing is open", PATIENCE, || (site.metric("queue_messages", "") == 0.0).then_some(()));
    node.signal(Signal::TERM);
    esme.until_closed();
    assert!(node.ended(PATIENCE).success());
    println!("{} messages over 3 changes: {}", 2 * next, judge_of(&site, &esme.book, &[&changed, &kept], 0));
}
