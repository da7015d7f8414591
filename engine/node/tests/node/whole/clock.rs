//! The wall clock is set an hour ahead and an hour back while the node has mail in every state.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use signalbox::node::{Node, Surrounds};
use signalbox_backends::system::SystemClock;
use signalbox_config::Settings;
use signalbox_core::backend::Clock;
use signalbox_core::time::{Micros, Now};

use super::esme::{Esme, destination};
use super::kill::judge;
use super::site::{PATIENCE, Site, finals_in, rows, wait_for};
use super::smsc::{Mood, Smsc};
use super::wire::{self, Message};

const HOUR: i64 = 3_600_000_000;
const MINUTE: i64 = 60_000_000;

/// The machine's clocks, the wall clock set by so much.
struct Stepped {
    system: SystemClock,
    by: AtomicI64,
}

impl Clock for Stepped {
    fn now(&self) -> Now {
        let now = self.system.now();
        Now { wall: Micros(now.wall.0 + self.by.load(Ordering::SeqCst)), ..now }
    }
}

impl Stepped {
    fn step(&self, by: i64) {
        self.by.fetch_add(by, Ordering::SeqCst);
    }

    /// An instant so far from now, as SMPP writes it (3.4, 7.1.1).
    fn smpp_time(&self, after: i64) -> String {
        let at = jiff::Timestamp::from_microsecond(self.now().wall.0 + after).expect("a time");
        format!("{}000+", at.strftime("%y%m%d%H%M%S"))
    }
}

fn message(number: u64) -> Message {
    Message {
        source: "12345".to_owned(),
        destination: destination(number),
        registered: 1,
        text: b"a message of a test of the clock".to_vec(),
        // Ten minutes from now on.
        validity: "000000001000000R".to_owned(),
        ..Message::default()
    }
}

#[test]
fn an_hour_ahead_and_an_hour_back_expire_nothing_and_hold_up_nothing() {
    let smsc = Smsc::start(Some(Duration::from_secs(2)));
    let link = "window = 50\nburst = 100\nretry = { temporary = { waits = [\"2s\"] } }";
    let site = Site::new(&rows(smsc.address, "", link));
    site.write_settings_with("");
    let settings = Settings::load(&site.path("node.toml")).expect("the settings");
    let clock = Arc::new(Stepped { system: SystemClock::new(), by: AtomicI64::new(0) });
    let surrounds = Surrounds {
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        log: None,
        file: None,
        clock: clock.clone(),
        program: Some(env!("CARGO_BIN_EXE_signalbox").into()),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let node = runtime.block_on(Node::start(settings, surrounds)).expect("a node");
    let mut esme = Esme::bind(site.smpp).expect("a bind");
    let mut next = 0;
    let mut expected = 0;
    let submit = |esme: &mut Esme, next: &mut u64, count: u64, change: &dyn Fn(&mut Message)| {
        for number in *next..*next + count {
            let mut message = message(number);
            change(&mut message);
            esme.submit_message(&message).expect("a submit");
        }
        *next += count;
        esme.until("the responses", PATIENCE, |esme| esme.open() == 0);
        assert_eq!(esme.book.accepted.len() as u64, *next, "{:?}", esme.book.refused);
    };
    for by in [HOUR, -HOUR] {
        // Some wait for their receipt, some for another attempt, one for its time.
        let before = smsc.count();
        submit(&mut esme, &mut next, 20, &|_| {});
        wait_for("all are taken", PATIENCE, || (smsc.count() == before + 20).then_some(()));
        smsc.set(Mood::Refuses(wire::SYSTEM_ERROR));
        submit(&mut esme, &mut next, 20, &|_| {});
        wait_for("all are refused", PATIENCE, || (smsc.count() >= before + 40).then_some(()));
        smsc.set(Mood::Takes(Duration::ZERO));
        let later = next;
        submit(&mut esme, &mut next, 1, &|message| {
            message.schedule = clock.smpp_time(30 * MINUTE);
            message.validity = clock.smpp_time(40 * MINUTE);
        });
        clock.step(by);
        // The clock says that its time has come, or that it has not.
        expected += if by > 0 { 41 } else { 40 };
        esme.until("a receipt for each", PATIENCE, |esme| esme.book.receipts.len() as u64 >= expected);
        // After the step the node takes mail as before it.
        submit(&mut esme, &mut next, 5, &|_| {});
        expected += 5;
        esme.until("receipts for what came after", PATIENCE, |esme| {
            esme.book.receipts.len() as u64 >= expected
        });
        let came = smsc.taken().iter().any(|taken| taken.message.destination == destination(later));
        assert_eq!(came, by > 0, "{by}");
    }
    clock.step(2 * HOUR);
    esme.until("a receipt for the last schedule", PATIENCE, |esme| esme.book.receipts.len() as u64 == next);
    assert!(
        esme.book.receipts.values().all(|states| *states == ["DELIVRD"]),
        "{:?}",
        esme.book.receipts.values().find(|states| **states != ["DELIVRD"])
    );
    let drained = runtime.spawn(node.drain());
    esme.until_closed();
    runtime.block_on(drained).expect("the drain").expect("the drain");

    let finals = finals_in(&site.cdr_folder());
    assert_eq!(finals.len() as u64, next);
    for record in &finals {
        let at = |name: &str| {
            let text = record[name].as_str().unwrap_or_else(|| panic!("no {name} in {record}"));
            text.parse::<jiff::Timestamp>().unwrap_or_else(|error| panic!("{name} of {record}: {error}"))
        };
        let instants = ["accepted_at", "first_sent_at", "taken_at", "final_at"].map(at);
        assert!(instants.is_sorted(), "{record}");
    }
    println!("{}", judge(&site, &esme.book, &smsc, 0));
}
