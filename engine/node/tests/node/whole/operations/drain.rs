//! SIGTERM under load: nothing lost, nothing doubled, exit code 0.

use rustix::process::Signal;
use std::time::{Duration, Instant};

use super::super::esme::Esme;
use super::super::kill::judge;
use super::super::site::{PATIENCE, Site, rows, wait_for};
use super::super::smsc::{Mood, Smsc};

#[test]
fn a_drain_under_load_loses_nothing_and_doubles_nothing() {
    let smsc = Smsc::start(Some(Duration::from_millis(20)));
    smsc.set(Mood::Takes(Duration::from_millis(30)));
    let site = Site::new(&rows(smsc.address, "max_binds = 100", "sessions = 2\nburst = 100"));
    let mut next = 0;
    let mut esme: Option<Esme> = None;
    for _ in 0..3 {
        let node = site.start();
        let mut session = match esme.take() {
            None => Esme::bind(site.smpp).expect("a bind"),
            Some(before) => Esme::bind_again(site.smpp, before).unwrap_or_else(|_| panic!("no second bind")),
        };
        let goal = next + 150;
        while next < goal || smsc.unanswered() == 0 {
            session.until("a place in the window", PATIENCE, |esme| esme.open() < 30);
            session.submit(next).expect("a submit");
            next += 1;
        }
        node.signal(Signal::TERM);
        // The load goes on until the node closes.
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "the node does not close its sessions");
            if session.open() < 30 && session.submit(next).is_ok() {
                next += 1;
            }
            if session.turn(Duration::from_millis(2)).is_err() {
                break;
            }
        }
        let ended = node.ended(PATIENCE);
        assert!(ended.success(), "{ended}");
        esme = Some(session);
    }
    let node = site.start();
    let mut session = Esme::bind_again(site.smpp, esme.take().expect("the ESME"))
        .unwrap_or_else(|_| panic!("no last bind"));
    let accepted = session.book.accepted.len();
    assert!(accepted >= 300, "{accepted} accepted");
    let deadline = Instant::now() + PATIENCE;
    let receipted = |esme: &Esme| esme.book.accepted.values().all(|id| esme.book.receipts.contains_key(id));
    while !receipted(&session) {
        let late = Instant::now() >= deadline;
        let lacking = session.book.accepted.iter().filter(|(_, id)| !session.book.receipts.contains_key(*id));
        let lacking = lacking.map(|(to, _)| to.as_str()).collect::<Vec<_>>();
        let of = |cdr: &serde_json::Value| lacking.iter().any(|to| cdr["destination"] == **to);
        assert!(
            !late,
            "{} of {accepted} accepted have no receipt, such as {:?}; the SMSC took {} of them; records {:?}",
            lacking.len(),
            lacking.first(),
            smsc.taken().iter().filter(|taken| lacking.contains(&taken.message.destination.as_str())).count(),
            site.finals().into_iter().find(of),
        );
        session.turn(Duration::from_millis(10)).expect("the session stays");
    }
    assert!(
        session.book.receipts.values().all(|states| *states == ["DELIVRD"]),
        "{:?}",
        session.book.receipts
    );
    wait_for("nothing is open", PATIENCE, || (site.metric("queue_messages", "") == 0.0).then_some(()));
    node.signal(Signal::TERM);
    session.until_closed();
    assert!(node.ended(PATIENCE).success());
    let doubts = site.finals().into_iter().filter(|cdr| cdr["doubt"] == true).collect::<Vec<_>>();
    assert!(doubts.is_empty(), "{} in doubt after a drain, such as {:?}", doubts.len(), doubts.first());
    // A drained node leaves no doubt behind: no duplicate at all.
    let verdict = judge(&site, &session.book, &smsc, 0);
    println!("3 drains under load: {verdict}");
    assert!(
        session.book.refused.iter().all(|(_, status)| [0x08, 0x14, 0x58, 0x64].contains(status)),
        "{:?}",
        session.book.refused
    );
}
