//! kill -9 under load, round after round; the books are computed by a judge in another language.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::esme::{Book, Esme, destination};
use super::peers::python;
use super::site::{Site, root, rows, wait_for};
use super::smsc::{Mood, Smsc};
use super::wire;

const ROUNDS: usize = 20;
const WINDOW: usize = 10;
const SESSIONS: usize = 2;

#[test]
fn twenty_kills_under_load_lose_nothing_and_double_at_most_the_window() {
    let smsc = Smsc::start(Some(Duration::from_millis(30)));
    smsc.set(Mood::Takes(Duration::from_millis(15)));
    // Some doubts are ended by the receipt, the others by another send.
    smsc.delay_odd_receipts(Duration::from_secs(6));
    let link = format!(
        "sessions = {SESSIONS}\nwindow = {WINDOW}\nburst = 100\nadaptive = false\n\
         doubt = {{ hold = \"1s\", then = \"retry\" }}"
    );
    let mut site = Site::new(&rows(smsc.address, "max_binds = 100", &link));
    site.extra = "[retry.unbound]\nwaits = [\"100ms\"]\nthen_every = \"200ms\"\n".to_owned();
    let mut next = 0;
    let mut esme: Option<Esme> = None;
    let mut resubmitted = 0;
    let mut kills = Vec::new();
    let started = Instant::now();
    for round in 0..ROUNDS {
        let node = site.start();
        let mut session = match esme.take() {
            None => Esme::bind(site.smpp).expect("a bind"),
            Some(before) => Esme::bind_again(site.smpp, before)
                .unwrap_or_else(|_| panic!("round {round}: the ESME cannot bind again")),
        };
        // What was not answered is sent again: under a new number, so that the books see each submission.
        let again = session.book.unanswered.len() as u64 - resubmitted;
        resubmitted += again;
        // From some dozens to some hundreds of messages, another number each round.
        let goal = next + again + 60 + (round as u64 * 37) % 160;
        while next < goal || smsc.unanswered() == 0 {
            session.until("a place in the window", Duration::from_secs(20), |esme| esme.open() < 20);
            session.submit(next).expect("a submit");
            next += 1;
            if next > goal + 2_000 {
                break;
            }
        }
        kills.push(smsc.unanswered());
        node.kill();
        // The answers that were on their way still count.
        while session.turn(Duration::from_millis(20)).is_ok() {}
        esme = Some(session);
        wait_for("the sessions of the dead node are gone", Duration::from_secs(5), || {
            (smsc.bound() == 0).then_some(())
        });
    }

    let node = site.start();
    let mut session = Esme::bind_again(site.smpp, esme.take().expect("the ESME"))
        .unwrap_or_else(|_| panic!("the ESME cannot bind after the last kill"));
    session.submit_all(next..next + 20, 10);
    session.until("an outcome for each accepted message", Duration::from_secs(40), |esme| {
        esme.book.accepted.values().all(|id| esme.book.receipts.contains_key(id))
    });
    wait_for("nothing is open", Duration::from_secs(20), || {
        (site.metric("queue_messages", "") == 0.0).then_some(())
    });
    node.signal("TERM");
    session.until_closed();
    assert!(node.ended(Duration::from_secs(40)).success());

    let nonempty = kills.iter().filter(|unanswered| **unanswered > 0).count();
    let verdict = judge(&site, &session.book, &smsc, ROUNDS * WINDOW * SESSIONS);
    println!(
        "{ROUNDS} kills in {:?}, {nonempty} with a non-empty window {kills:?}\n{verdict}",
        started.elapsed()
    );
    assert!(nonempty >= 15, "only {nonempty} kills met a message in a window: {kills:?}");
    assert!(session.book.accepted.contains_key(&destination(0)));
}

/// Has the books of both peers and the CDR files compared, by a program in another language; fails when they do not
/// agree. `most` is how many duplicates there may be.
pub fn judge(site: &Site, book: &Book, smsc: &Smsc, most: usize) -> String {
    write_lines(site, "esme.log", book.accepted.iter().map(|(to, id)| json!({"to": to, "id": id})));
    write_lines(site, "unanswered.log", book.unanswered.iter().map(|to| json!({"to": to})));
    let taken = smsc.taken().into_iter().filter(|taken| taken.status == wire::OK);
    write_lines(
        site,
        "smsc.log",
        taken.map(|taken| json!({"to": taken.message.destination, "id": taken.id})),
    );
    let judged = Command::new(python())
        .arg(root().join(".ci/peers/books.py"))
        .arg(site.path(""))
        .arg(site.cdr_folder())
        .arg(most.to_string())
        .output()
        .expect("the judge runs");
    let verdict = String::from_utf8_lossy(&judged.stdout).into_owned();
    assert!(judged.status.success(), "{verdict}\n{}", String::from_utf8_lossy(&judged.stderr));
    verdict
}

fn write_lines(site: &Site, name: &str, lines: impl Iterator<Item = Value>) {
    let mut file = fs::File::create(site.path(name)).expect("a log");
    for line in lines {
        writeln!(file, "{line}").expect("a line");
    }
    file.sync_all().expect("the log");
}
