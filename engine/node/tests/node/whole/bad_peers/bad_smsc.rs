//! SMSCs that stop answering, reset, answer late, throttle, send garbage: every accepted message still ends once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::super::esme::Esme;
use super::super::kill::judge;
use super::super::site::{Site, rows, wait_for};
use super::super::smsc::{Mood, Smsc};
use super::super::wire;

/// Submits under a mood, lets the SMSC recover after a while, and has the books judged. Returns the time from the
/// recovery to the last receipt.
fn through(mood: Mood, count: u64, link: &str, most_duplicates: usize, while_bad: impl Fn(&Smsc, &mut Esme)) {
    let smsc = Smsc::start(Some(Duration::from_millis(10)));
    let link = format!("window = 10\nburst = 100\ndoubt = {{ hold = \"500ms\", then = \"retry\" }}\n{link}");
    let mut site = Site::new(&rows(smsc.address, "", &link));
    site.extra = "[retry.unbound]\nwaits = [\"100ms\"]\nthen_every = \"200ms\"\n".to_owned();
    let node = site.start();
    let mut esme = Esme::bind(site.smpp).expect("a bind");
    smsc.set(mood);
    esme.submit_all(0..count, 20);
    assert_eq!(esme.book.accepted.len() as u64, count, "{mood:?}: all are accepted: {:?}", esme.book.refused);
    while_bad(&smsc, &mut esme);
    smsc.set(Mood::Takes(Duration::ZERO));
    esme.until("a receipt for each", Duration::from_secs(40), |esme| {
        esme.book.receipts.len() as u64 >= count
    });
    wait_for("a final record for each", Duration::from_secs(10), || {
        (site.finals().len() as u64 == count).then_some(())
    });
    node.signal("TERM");
    esme.until_closed();
    assert!(node.ended(Duration::from_secs(40)).success());
    println!("{mood:?}: {}", judge(&site, &esme.book, &smsc, most_duplicates));
}

#[test]
fn one_that_stops_answering_is_left_and_bound_again() {
    through(Mood::Silent, 50, "response_timeout = \"1s\"\nenquire_link = \"1s\"", 100, |smsc, esme| {
        esme.until("a second session", Duration::from_secs(20), |_| smsc.sessions() >= 2);
    });
}

#[test]
fn one_that_resets_gets_the_rest_again() {
    through(Mood::Resets(7), 100, "", 200, |smsc, esme| {
        esme.until("ten sessions", Duration::from_secs(30), |_| smsc.sessions() >= 3);
    });
}

#[test]
fn one_that_answers_late_is_not_asked_twice() {
    through(Mood::Takes(Duration::from_millis(400)), 40, "response_timeout = \"5s\"", 0, |_, _| {});
}

#[test]
fn one_that_sends_garbage_keeps_its_session() {
    through(Mood::Garbage(3), 100, "", 0, |smsc, esme| {
        esme.until("all taken", Duration::from_secs(20), |_| smsc.count() >= 100);
        assert_eq!(smsc.sessions(), 1, "well framed garbage ends no session");
    });
}

#[test]
fn one_that_sends_noise_is_left_and_bound_again() {
    through(Mood::Noise(20), 100, "", 200, |smsc, esme| {
        esme.until("another session", Duration::from_secs(30), |_| smsc.sessions() >= 3);
    });
}

#[test]
fn one_that_throttles_gets_its_rate_and_no_more() {
    const RATE: u32 = 200;
    let smsc = Smsc::start(None);
    let site = Site::new(&rows(smsc.address, "", "window = 50\nburst = 10"));
    let _node = site.start();
    smsc.set(Mood::Throttles(RATE));
    let mut esme = Esme::bind(site.smpp).expect("a bind");
    esme.submit_all(0..4_000, 500);
    // Learning is over after some seconds; then four are looked at.
    let begun = Instant::now();
    esme.until("time to learn", Duration::from_secs(10), |_| begun.elapsed() > Duration::from_secs(4));
    let from = smsc.count();
    let since = Instant::now();
    esme.until("time to measure", Duration::from_secs(10), |_| since.elapsed() > Duration::from_secs(4));
    let seen = smsc.taken().split_off(from);
    let all = smsc.taken();
    let ok = all.iter().filter(|taken| taken.status == wire::OK).count();
    assert!(ok < 4_000, "the backlog ended too early to measure: {ok}");
    let elapsed = since.elapsed().as_secs_f64();
    let throttled = seen.iter().filter(|taken| taken.status == wire::THROTTLED).count();
    let used = (seen.len() - throttled) as f64 / elapsed;
    println!("of {RATE}/s {used:.0}/s used, {throttled} of {} throttled after learning", seen.len());
    // The target of a release build is 95 % and 2 %; a debug build on a busy machine gets some slack.
    assert!(used >= 0.80 * f64::from(RATE), "only {used:.0}/s");
    assert!(throttled * 100 <= seen.len() * 10, "{throttled} of {}", seen.len());
    let mut times = HashMap::<String, usize>::new();
    for taken in smsc.taken().into_iter().filter(|taken| taken.status == wire::OK) {
        *times.entry(taken.message.destination).or_default() += 1;
    }
    assert!(times.values().all(|times| *times == 1), "nothing is taken twice");
}
