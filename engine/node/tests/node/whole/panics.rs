//! A panic in the session of one link, planted, and again and again.

use rustix::process::Signal;
use std::time::Duration;

use signalbox_backends::failpoint::{VARIABLE, built_in};

use super::esme::Esme;
use super::kill::judge_of;
use super::site::{PATIENCE, Site, rows, wait_for};
use super::smsc::{Mood, Smsc};

const EACH: u64 = 300;
const WINDOW: usize = 10;
/// The first number of those that go to the calm link: 4479...
const CALM: u64 = 900_000_000;

#[test]
fn a_link_that_panics_is_restarted_and_leaves_the_others_alone() {
    assert!(built_in(), "fail points are in builds with debug assertions only");
    let wild = Smsc::start(Some(Duration::from_millis(10)));
    let calm = Smsc::start(Some(Duration::from_millis(10)));
    for smsc in [&wild, &calm] {
        smsc.set(Mood::Takes(Duration::from_millis(5)));
    }
    let link = format!("window = {WINDOW}\nburst = 100\ndoubt = {{ hold = \"500ms\", then = \"retry\" }}\n");
    let other = format!(
        "{link}[[link]]\nname = \"calm\"\nhost = \"127.0.0.1\"\nport = {}\nsystem_id = \"signalbox\"\n\
         password = \"secret\"\n{link}\
         [[route]]\nname = \"calm\"\norder = 1\nwhen = {{ destination_prefix = [\"4479\"] }}\n\
         then = {{ links = [{{ link = \"calm\" }}] }}\n",
        calm.address.port(),
    );
    let site = Site::new(&rows(wild.address, "", &other));
    let mut node = site.launch(&[], &[(VARIABLE, "link.turn@smsc/0:150=panic")]);
    assert_eq!(node.ready(), Ok(()), "{}", site.log());

    let mut esme = Esme::bind(site.smpp).expect("a bind");
    for number in 0..EACH {
        esme.submit_all(number..number + 1, 1);
        esme.submit_all(CALM + number..CALM + number + 1, 1);
    }
    assert_eq!(esme.book.accepted.len() as u64, 2 * EACH, "{:?}", esme.book.refused);
    esme.until("a receipt for each", PATIENCE, |esme| esme.book.receipts.len() as u64 == 2 * EACH);
    let failures = site.metric("actor_failures_total", "kind=\"link\"");
    let restarts = site.metric("actor_restarts_total", "kind=\"link\"");
    assert!(failures >= 1.0 && (failures - restarts).abs() < 0.1, "{failures} failures, {restarts} restarts");
    let log = site.log();
    let told = log.lines().find(|line| line.contains("child failed, restarting")).expect("it is logged");
    assert!(told.contains("smsc/0") && told.contains("fail point") && told.contains("wait_ms"), "{told}");
    assert!(wild.sessions() > 1, "the link is bound again");
    assert_eq!(calm.sessions(), 1, "the other link has its session of the beginning");
    assert_eq!(site.http("GET", "/ready", "").map(|(status, _)| status), Some(200));

    wait_for("nothing is open", PATIENCE, || (site.metric("queue_messages", "") == 0.0).then_some(()));
    node.signal(Signal::TERM);
    esme.until_closed();
    assert!(node.ended(PATIENCE).success());
    // A window for each panic, of which there may have been some since they were counted.
    let most = wild.sessions() as usize * WINDOW;
    let verdict = judge_of(&site, &esme.book, &[&wild, &calm], most);
    println!("{failures} panics in one of two links: {verdict}");
}
