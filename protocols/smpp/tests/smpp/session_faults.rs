//! Bad networks and bad peers: nothing is lost without being known, and nothing grows without bound.

use crate::harness::{Chance, Faults, Lone, Pair, SECOND, encoded, submit};
use bytes::BytesMut;
use proptest::prelude::*;
use signalbox_smpp::{
    BindMode, Body, CommandStatus, Event, MessageResp, Pdu, Role, SendError, SessionConfig, Version,
};
use std::collections::BTreeMap;

/// What became of a request, by its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waiting,
    Answered,
    TimedOut,
    AnsweredLate,
}

struct Books {
    fates: BTreeMap<u64, Fate>,
}

impl Books {
    fn note(&mut self, events: Vec<Event>) {
        for event in events {
            let (token, from, to) = match event {
                Event::Response { token, .. } => (token, Fate::Waiting, Fate::Answered),
                Event::Timeout { token, .. } => (token, Fate::Waiting, Fate::TimedOut),
                Event::LateResponse { token, .. } => (token, Fate::TimedOut, Fate::AnsweredLate),
                Event::Unsolicited { .. } => continue,
                other => panic!("{other:?}"),
            };
            assert_eq!(self.fates.insert(token, to), Some(from), "token {token}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Requests and responses are lost, doubled, reordered and cut to pieces: every request has exactly one
    /// fate, the windows are never exceeded, and at the end nothing waits.
    #[test]
    fn the_books_close(
        seed in any::<u64>(),
        fragment in 0_usize..40,
        up in (0_u32..20, 0_u32..20, any::<bool>()),
        down in (0_u32..20, 0_u32..20, any::<bool>()),
        window in 1_usize..20,
    ) {
        let mut pair = Pair::bound(BindMode::Transceiver, |config| {
            config.window_out = window;
            config.timers.enquire_link = None;
        });
        pair.up.faults = Faults { fragment, drop: up.0, duplicate: up.1, reorder: up.2 };
        pair.down.faults = Faults { fragment, drop: down.0, duplicate: down.1, reorder: down.2 };
        let mut chance = Chance(seed);
        let mut books = Books { fates: BTreeMap::new() };
        let mut next = 0;
        for _ in 0..60 {
            for _ in 0..chance.below(window + 2) {
                match pair.esme.send(pair.now, &submit("x"), next) {
                    Ok(_) => {
                        books.fates.insert(next, Fate::Waiting);
                        next += 1;
                    }
                    Err(SendError::WindowFull { .. }) => prop_assert_eq!(pair.esme.in_flight_len(), window),
                    Err(other) => panic!("{other}"),
                }
            }
            prop_assert!(pair.esme.in_flight_len() <= window);
            pair.run();
            if chance.percent(80) {
                pair.answer_all();
            }
            pair.run();
            if chance.percent(20) {
                pair.pass(SECOND * chance.below(40) as u64);
            }
            books.note(pair.take_esme_events());
        }
        pair.pass(60 * SECOND);
        pair.answer_all();
        pair.run();
        books.note(pair.take_esme_events());
        prop_assert_eq!(pair.esme.in_flight_len(), 0);
        prop_assert!(books.fates.values().all(|fate| *fate != Fate::Waiting));
        prop_assert_eq!(books.fates.len() as u64, pair.esme.stats().requests_sent);
        if up.0 == 0 && down.0 == 0 {
            prop_assert!(books.fates.values().all(|fate| *fate != Fate::TimedOut));
        }
    }
}

#[test]
fn octets_one_by_one() {
    let mut pair = Pair::bound(BindMode::Transceiver, |config| config.window_out = 200);
    pair.up.faults.fragment = 1;
    pair.down.faults.fragment = 1;
    for token in 0..100 {
        pair.esme.send(0, &submit("one octet at a time"), token).unwrap();
    }
    pair.run();
    assert_eq!(pair.answer_all(), 100);
    pair.run();
    assert_eq!(pair.take_esme_events().len(), 100);
}

/// One bad PDU among good ones, of every kind of fault, costs itself and nothing else.
#[test]
fn a_bad_pdu_costs_itself_only() {
    let good = encoded(&Pdu::new(100, submit("good")));
    for cut in 16..good.len() {
        let mut bad = good[..cut].to_vec();
        bad[..4].copy_from_slice(&(cut as u32).to_be_bytes());
        bad[12..16].copy_from_slice(&7_u32.to_be_bytes());
        let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, SessionConfig::new(Role::Smsc));
        let events = lone.give(&[&bad[..], &good].concat());
        assert!(
            matches!(&events[..], [Event::Malformed { error, .. }, Event::Request { sequence: 100, .. }]
                if error.sequence == 7),
            "cut at {cut}: {events:?}"
        );
        let answers = lone.take();
        assert_eq!(answers.len(), 1, "cut at {cut}");
        assert_eq!(answers[0].sequence, 7);
        assert!(!answers[0].status.is_ok());
    }
}

#[test]
fn a_bad_response_ends_its_request_and_nothing_else() {
    let config = SessionConfig {
        profile: signalbox_smpp::Profile::strict(Version::V3_4),
        ..SessionConfig::new(Role::Esme)
    };
    let mut lone = Lone::bound_esme(BindMode::Transceiver, config);
    let sequence = lone.session.send(0, &submit("x"), 77).unwrap();
    lone.take();
    // A message_id without NUL.
    let mut resp = encoded(&Pdu::new(sequence, Body::SubmitSmResp(MessageResp::new("1a2b")))).to_vec();
    resp.pop();
    resp[3] -= 1;
    let events = lone.give(&resp);
    let [Event::BadResponse { token: 77, error }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(error.peer_status, CommandStatus::ROK);
    assert_eq!(lone.session.in_flight_len(), 0);
    assert!(lone.take().is_empty(), "a response is not answered");
}

#[test]
fn a_peer_that_never_reads_costs_bounded_memory() {
    let config = SessionConfig { max_output: 4096, ..SessionConfig::new(Role::Smsc) };
    let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, config);
    let enquiries: Vec<u8> =
        (0..10_000).flat_map(|sequence| encoded(&Pdu::new(sequence, Body::EnquireLink))).collect();
    lone.give(&enquiries);
    assert!(!lone.session.wants_input());
    assert!(lone.session.poll_transmit().unwrap().len() < 4096 + 100);
    assert!(matches!(
        lone.session.send(0, &crate::harness::deliver_sm("x"), 0),
        Err(SendError::OutputFull { .. })
    ));
    // It reads after all: nothing was lost.
    let mut answers = 0;
    loop {
        let pdus = lone.take();
        if pdus.is_empty() {
            break;
        }
        answers += pdus.len();
        assert!(lone.events().is_empty());
    }
    assert_eq!(answers, 10_000);
    assert!(lone.session.wants_input());
}

#[test]
fn an_owner_that_does_not_poll_holds_the_peer_back() {
    let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, SessionConfig::new(Role::Smsc));
    let one = encoded(&Pdu::new(1, submit("x")));
    let mut given = 0;
    while lone.session.wants_input() {
        let mut octets = BytesMut::from(&one[..]);
        lone.session.handle_input(0, &mut octets);
        given += 1;
        assert!(given < 10_000, "input is never refused");
    }
    assert!(lone.session.poll_event().is_some());
    let mut seen = 1;
    while lone.session.poll_event().is_some() {
        seen += 1;
    }
    // The inbound window of 100 took its share, the rest was throttled, none is unaccounted for.
    assert_eq!(seen, 100);
    assert_eq!(lone.session.stats().throttled + seen, given);
}
