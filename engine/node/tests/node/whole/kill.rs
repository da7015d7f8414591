//! kill -9 under load, round after round, and deaths at named places; the books are computed by a judge in another
//! language.

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};
use signalbox_backends::failpoint::{CDR_FILES, built_in};

use super::esme::Book;
use super::ordeal::{Ordeal, scene};
use super::peers::python;
use super::site::{Site, root};
use super::smsc::Smsc;
use super::wire;

const ROUNDS: u64 = 20;

#[test]
fn twenty_kills_under_load_lose_nothing_and_double_at_most_the_window() {
    let (smsc, site) = scene("");
    let mut ordeal = Ordeal::new(&site, &smsc);
    let started = Instant::now();
    // From some dozens to some hundreds of messages, another number each round.
    let kills = (0..ROUNDS).map(|round| ordeal.kill_after(60 + (round * 37) % 160)).collect::<Vec<_>>();
    let verdict = ordeal.close();
    let nonempty = kills.iter().filter(|unanswered| **unanswered > 0).count();
    println!(
        "{ROUNDS} kills in {:?}, {nonempty} with a non-empty window {kills:?}\n{verdict}",
        started.elapsed()
    );
    assert!(nonempty >= 15, "only {nonempty} kills met a message in a window: {kills:?}");
}

/// Visits of a place of the store that are more than those of a start.
const UNDER_LOAD: u32 = 60;

#[test]
fn a_node_that_dies_at_any_named_place_loses_nothing() {
    assert!(built_in(), "fail points are in builds with debug assertions only");
    let mut places = vec![
        // While it starts.
        "spine.mid-commit:1".to_owned(),
        "spine.after-commit:2".to_owned(),
    ];
    for more in [0, 33] {
        for place in ["spine.before-commit", "spine.mid-commit", "spine.after-commit"] {
            places.push(format!("{place}:{}", UNDER_LOAD + more));
        }
    }
    places.extend(["spine.checkpoint:2", "spine.checkpointed:2"].map(str::to_owned));
    // The second time, so that there is a closed file before it.
    places.extend(CDR_FILES.map(|place| format!("{place}:2")));

    let (smsc, site) = scene("[store]\ncheckpoint_at = \"2MiB\"\n");
    let mut ordeal = Ordeal::new(&site, &smsc);
    let started = Instant::now();
    for place in &places {
        let status = ordeal.die_at(place);
        // SIGABRT.
        assert_eq!(status.signal(), Some(6), "{place}: the node ended with {status}");
        let name = place.split(':').next().unwrap_or_default();
        let last = site.log().lines().last().unwrap_or_default().to_owned();
        assert_eq!(last, format!("fail point {name}"), "the node died elsewhere");
    }
    let verdict = ordeal.close();
    println!("{} deaths at named places in {:?}\n{verdict}", places.len(), started.elapsed());
}

/// Has the books of both peers and the CDR files compared, by a program in another language; fails when they do not
/// agree. `most` is how many duplicates there may be.
pub fn judge(site: &Site, book: &Book, smsc: &Smsc, most: usize) -> String {
    judge_of(site, book, &[smsc], most)
}

/// The same where messages went to several SMSCs.
pub fn judge_of(site: &Site, book: &Book, smscs: &[&Smsc], most: usize) -> String {
    write_lines(site, "esme.log", book.accepted.iter().map(|(to, id)| json!({"to": to, "id": id})));
    write_lines(site, "unanswered.log", book.unanswered.iter().map(|to| json!({"to": to})));
    let taken = smscs.iter().flat_map(|smsc| smsc.taken()).filter(|taken| taken.status == wire::OK);
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
