//! A large portability table and many rows are put in force while traffic runs: nobody is refused, nothing is lost, and
//! what comes after is routed by them.

use rustix::process::Signal;
use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use super::super::esme::{Esme, destination};
use super::super::kill::judge_of;
use super::super::site::{PATIENCE, Site, rows, wait_for};
use super::super::smsc::Smsc;
use super::apply::{TOKEN, apply};

/// Numbers in the table; the bench `catalog` of perf/bench/load.py has 5 M.
const NUMBERS: u64 = 200_000;
const CARRIERS: usize = 2_000;

/// The first so many destinations belong to a carrier.
fn table(numbers: u64, carrier: &str) -> String {
    let mut text = "number,carrier\n".to_owned();
    for number in 0..numbers {
        let _ = writeln!(text, "{},{carrier}", destination(number));
    }
    text
}

#[test]
fn a_large_upload_beside_traffic_refuses_nobody_and_loses_nothing() {
    let first = Smsc::start(Some(Duration::from_millis(10)));
    let second = Smsc::start(Some(Duration::from_millis(10)));
    let more = format!(
        "burst = 100\n[[link]]\nname = \"second\"\nhost = \"127.0.0.1\"\nport = {}\nsystem_id = \"signalbox\"\n\
         password = \"secret\"\nburst = 100\n\
         [[carrier]]\nname = \"one\"\nprefixes = [\"447\"]\n[[carrier]]\nname = \"two\"\nprefixes = [\"1\"]\n\
         [[route]]\nname = \"two\"\norder = 1\nwhen = {{ carrier = [\"two\"] }}\n\
         then = {{ links = [{{ link = \"second\" }}] }}\n\
         [[token]]\nname = \"operator\"\nsecret = \"{TOKEN}\"\nrights = [\"catalog:read\", \"catalog:write\"]\n",
        second.address.port(),
    );
    let mut site = Site::new(&rows(first.address, "", &more));
    let file = site.path("ported.csv");
    fs::write(&file, table(1, "one")).expect("the table");
    site.extra = format!("[numbers.portability]\nfile = {file:?}\ncheck_every = \"2s\"\n");
    let node = site.start();

    // Put there before the node has looked at the file for the first time.
    let aside = site.path("ported.csv.new");
    let late = NUMBERS + 1;
    let mut text = table(NUMBERS, "two");
    let _ = writeln!(text, "{},late", destination(late));
    fs::write(&aside, text).expect("the table");
    fs::rename(&aside, &file).expect("the table");

    let mut esme = Esme::bind(site.smpp).expect("a bind");
    let mut carriers = String::new();
    for number in 0..CARRIERS {
        let _ = write!(carriers, "[[carrier]]\nname = \"c{number}\"\nprefixes = [\"9{number:04}\"]\n");
    }
    let mut applying = apply(&site, &carriers);
    let mut next = 0;
    let mut slowest = Duration::ZERO;
    let mut submit = |esme: &mut Esme| {
        let begun = Instant::now();
        esme.submit_all(next..next + 1, 1);
        slowest = slowest.max(begun.elapsed());
        next += 1;
        assert!(next < NUMBERS, "the table has no more numbers");
    };
    while applying.try_wait().expect("its state").is_none() {
        submit(&mut esme);
    }
    let output = applying.wait_with_output().expect("its output");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let deadline = Instant::now() + PATIENCE;
    while second.count() < 50 {
        assert!(Instant::now() < deadline, "nothing is routed by the new table");
        submit(&mut esme);
    }
    let before = first.count();
    for _ in 0..50 {
        submit(&mut esme);
    }
    // A carrier that the table has named all along, and the catalog only now.
    let route = "[[carrier]]\nname = \"late\"\nprefixes = [\"7\"]\n[[route]]\nname = \"late\"\norder = 2\n\
                 when = { carrier = [\"late\"] }\nthen = { links = [{ link = \"second\" }] }\n";
    let output = apply(&site, route).wait_with_output().expect("its output");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    esme.submit_all(late..late + 1, 1);
    next += 1;
    let accepted = esme.book.accepted.len();
    assert_eq!(accepted as u64, next, "{:?}", esme.book.refused);
    esme.until("a receipt for each", PATIENCE, |esme| esme.book.receipts.len() == accepted);
    assert_eq!(first.count(), before, "what came after goes by the new table");
    assert!(before > 0, "what came before went by the old one");
    assert_eq!((first.sessions(), second.sessions()), (1, 1), "no link was touched");

    wait_for("nothing is open", PATIENCE, || (site.metric("queue_messages", "") == 0.0).then_some(()));
    node.signal(Signal::TERM);
    esme.until_closed();
    assert!(node.ended(PATIENCE).success());
    println!(
        "{accepted} messages beside {NUMBERS} numbers and {CARRIERS} rows, the slowest response after {slowest:?}: {}",
        judge_of(&site, &esme.book, &[&first, &second], 0)
    );
}
