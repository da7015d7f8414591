//! Windows in both directions, sequence numbers, responses in any order.

use crate::harness::{Faults, Lone, Pair, SECOND, deliver_sm, encoded, submit};
use bytes::BytesMut;
use signalbox_smpp::session::MAX_SEQUENCE;
use signalbox_smpp::{
    BindMode, Body, CloseReason, CommandId, CommandStatus, Event, Header, MessageResp, Pdu, Profile, QuerySm,
    RespondError, Role, SendError, SessionConfig, Tag, Timers, Unknown, Version,
};

fn tokens(events: &[Event]) -> Vec<u64> {
    events
        .iter()
        .map(|event| match event {
            Event::Response { token, .. } => *token,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn the_window_is_a_limit() {
    let mut pair = Pair::bound(BindMode::Transceiver, |config| config.window_out = 3);
    for token in 0..3 {
        pair.esme.send(0, &submit("x"), token).unwrap();
    }
    assert_eq!(pair.esme.credit(), 0);
    assert_eq!(pair.esme.send(0, &submit("x"), 3), Err(SendError::WindowFull { limit: 3 }));
    assert_eq!(pair.esme.in_flight().map(|pending| pending.token).collect::<Vec<_>>(), [0, 1, 2]);
    pair.run();
    assert_eq!(pair.answer_all(), 3);
    pair.run();
    assert_eq!(tokens(&pair.take_esme_events()), [0, 1, 2]);
    assert_eq!(pair.esme.credit(), 3);
}

#[test]
fn a_window_changes_while_requests_wait() {
    let mut pair = Pair::bound(BindMode::Transceiver, |config| config.window_out = 3);
    for token in 0..3 {
        pair.esme.send(0, &submit("x"), token).unwrap();
    }
    pair.esme.set_windows(5, 100);
    assert_eq!(pair.esme.credit(), 2);
    pair.esme.send(0, &submit("x"), 3).unwrap();
    pair.esme.set_windows(2, 100);
    assert_eq!(pair.esme.credit(), 0);
    assert_eq!(pair.esme.send(0, &submit("x"), 4), Err(SendError::WindowFull { limit: 2 }));
    pair.run();
    assert_eq!(pair.answer_all(), 4);
    pair.run();
    assert_eq!(tokens(&pair.take_esme_events()), [0, 1, 2, 3]);
    assert_eq!(pair.esme.credit(), 2);
}

#[test]
fn other_timers_hold_for_what_waits() {
    let mut pair = Pair::bound(BindMode::Transceiver, |config| config.timers.response = Some(30 * SECOND));
    pair.esme.send(0, &submit("x"), 7).unwrap();
    pair.esme.set_timers(Timers { response: Some(SECOND), enquire_link: None, ..Timers::default() });
    assert_eq!(pair.esme.poll_timeout(), Some(SECOND));
    pair.esme.handle_timeout(SECOND);
    assert!(matches!(pair.esme.poll_event(), Some(Event::Timeout { token: 7, .. })));
}

#[test]
fn other_quirks_hold_for_what_comes_and_the_version_stays() {
    let mut pair = Pair::bound(BindMode::Transceiver, |_| {});
    let version = pair.smsc.version();
    pair.smsc.set_profile(&Profile { max_pdu: 64, version: Version::V5_0, ..Profile::default() });
    assert_eq!((pair.smsc.version(), version), (Version::V3_4, Version::V3_4));
    pair.esme.send(0, &submit(&"x".repeat(100)), 1).unwrap();
    pair.run();
    let events = pair.take_smsc_events();
    assert!(events.iter().any(|event| matches!(event, Event::Closed(CloseReason::Frame(_)))), "{events:?}");
}

#[test]
fn responses_in_any_order_find_their_requests() {
    let mut pair = Pair::bound(BindMode::Transceiver, |config| config.window_out = 50);
    pair.down.faults = Faults { reorder: true, fragment: 7, ..Faults::default() };
    let sequences: Vec<u32> =
        (0..50).map(|token| pair.esme.send(0, &submit("x"), token + 1000).unwrap()).collect();
    pair.run();
    pair.answer_all();
    pair.run();
    let events = pair.take_esme_events();
    let mut seen = tokens(&events);
    assert_ne!(seen, (1000..1050).collect::<Vec<_>>(), "nothing was reordered");
    seen.sort_unstable();
    assert_eq!(seen, (1000..1050).collect::<Vec<_>>());
    for event in events {
        let Event::Response { token, sequence, body: Body::SubmitSmResp(resp), .. } = event else { panic!() };
        assert_eq!(sequences[token as usize - 1000], sequence);
        assert_eq!(resp.message_id, format!("id-{sequence}").as_str());
    }
}

#[test]
fn beyond_the_inbound_window_is_throttled() {
    let config = SessionConfig { window_in: 2, ..SessionConfig::new(Role::Smsc) };
    let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, config);
    let mut octets = BytesMut::new();
    for sequence in 10..14 {
        octets.extend_from_slice(&encoded(&Pdu::new(sequence, submit("x"))));
    }
    assert_eq!(lone.give(&octets).len(), 2);
    let throttled = |sequence| Pdu::error(CommandId::SUBMIT_SM_RESP, CommandStatus::RTHROTTLED, sequence);
    assert_eq!(lone.take(), [throttled(12), throttled(13)]);
    assert_eq!(lone.session.stats().throttled, 2);
    // One answer opens the window by one.
    let resp = Body::SubmitSmResp(MessageResp::new("1"));
    lone.session.respond(0, 10, CommandStatus::ROK, &resp).unwrap();
    assert_eq!(lone.give_pdu(&Pdu::new(14, submit("x"))).len(), 1);
    // enquire_link is never throttled.
    lone.take();
    lone.give_pdu(&Pdu::new(15, Body::EnquireLink));
    assert_eq!(lone.take(), [Pdu::new(15, Body::EnquireLinkResp)]);
}

#[test]
fn sequence_numbers_wrap_and_skip_what_waits() {
    let mut pair = Pair::bound(BindMode::Transceiver, |config| {
        config.first_sequence = MAX_SEQUENCE - 2;
        config.window_out = 10;
    });
    // The bind took the first.
    let send = |pair: &mut Pair| pair.esme.send(0, &submit("x"), 0).unwrap();
    assert_eq!(send(&mut pair), MAX_SEQUENCE - 1);
    assert_eq!(send(&mut pair), MAX_SEQUENCE);
    assert_eq!(send(&mut pair), 1);
    assert_eq!(send(&mut pair), 2);
    pair.run();
    assert_eq!(pair.answer_all(), 4);
    pair.run();
    assert_eq!(pair.take_esme_events().len(), 4);
}

#[test]
fn the_second_response_is_unsolicited() {
    let mut pair = Pair::bound(BindMode::Transceiver, |_| {});
    pair.down.faults.duplicate = 100;
    pair.esme.send(0, &submit("x"), 77).unwrap();
    pair.run();
    pair.answer_all();
    pair.run();
    let events = pair.take_esme_events();
    assert!(
        matches!(&events[..], [Event::Response { token: 77, .. }, Event::Unsolicited { .. }]),
        "{events:?}"
    );
    assert_eq!(pair.esme.stats().unsolicited, 1);
}

#[test]
fn the_wrong_response_leaves_the_request_waiting() {
    let mut lone = Lone::bound_esme(BindMode::Transceiver, SessionConfig::new(Role::Esme));
    let sequence = lone.session.send(0, &submit("x"), 5).unwrap();
    let events = lone.give_pdu(&Pdu::new(sequence, Body::DataSmResp(MessageResp::new("1"))));
    assert!(matches!(&events[..], [Event::Unsolicited { .. }]));
    assert_eq!(lone.session.in_flight_len(), 1);
    // generic_nack fits any request.
    let events = lone.give_pdu(&Pdu::response(sequence, CommandStatus::RINVCMDLEN, Body::GenericNack));
    assert!(matches!(
        &events[..],
        [Event::Response { token: 5, status: CommandStatus::RINVCMDLEN, body: Body::GenericNack, .. }]
    ));
    assert_eq!(lone.session.in_flight_len(), 0);
}

#[test]
fn a_late_response_is_named_so_once() {
    let mut lone = Lone::bound_esme(BindMode::Transceiver, SessionConfig::new(Role::Esme));
    let sequence = lone.session.send(0, &submit("x"), 5).unwrap();
    let events = lone.pass(30 * SECOND);
    assert_eq!(events, [Event::Timeout { token: 5, sequence, command: CommandId::SUBMIT_SM }]);
    assert_eq!(lone.session.credit(), 10);
    let resp = Pdu::new(sequence, Body::SubmitSmResp(MessageResp::new("1a")));
    let events = lone.give_pdu(&resp);
    let [Event::LateResponse { token: 5, body: Body::SubmitSmResp(late), .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(late.message_id, "1a");
    assert!(matches!(&lone.give_pdu(&resp)[..], [Event::Unsolicited { .. }]));
    assert_eq!(lone.session.stats().late_responses, 1);
}

#[test]
fn requests_time_out_in_their_own_time() {
    let mut lone = Lone::bound_esme(BindMode::Transceiver, SessionConfig::new(Role::Esme));
    for token in 0..3 {
        lone.now = token * SECOND;
        lone.session.send(lone.now, &submit("x"), token).unwrap();
    }
    lone.now = 0;
    let resp = Pdu::new(3, Body::SubmitSmResp(MessageResp::new("1a")));
    lone.give_pdu(&resp);
    let expired = |events: Vec<Event>| -> Vec<u64> {
        events
            .into_iter()
            .filter_map(|event| match event {
                Event::Timeout { token, .. } => Some(token),
                _ => None,
            })
            .collect()
    };
    assert_eq!(expired(lone.pass(30 * SECOND)), [0]);
    assert_eq!(expired(lone.pass(SECOND)), []);
    assert_eq!(expired(lone.pass(SECOND)), [2]);
}

#[test]
fn the_same_number_twice_is_answered_in_order() {
    let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, SessionConfig::new(Role::Smsc));
    let first = lone.give_pdu(&Pdu::new(9, submit("one")));
    let second = lone.give_pdu(&Pdu::new(9, submit("two")));
    assert!(matches!(&first[..], [Event::Request { duplicate: false, .. }]));
    assert!(matches!(&second[..], [Event::Request { duplicate: true, .. }]));
    // Another command under the same number is answered by its own response.
    let third = lone.give_pdu(&Pdu::new(9, Body::QuerySm(QuerySm::default())));
    assert!(matches!(&third[..], [Event::Request { duplicate: true, .. }]));
    let resp = |id: &str| Body::SubmitSmResp(MessageResp::new(id));
    let query = Body::QuerySmResp(Default::default());
    lone.session.respond(0, 9, CommandStatus::RQUERYFAIL, &query).unwrap();
    lone.session.respond(0, 9, CommandStatus::ROK, &resp("a")).unwrap();
    lone.session.respond(0, 9, CommandStatus::ROK, &resp("b")).unwrap();
    assert_eq!(
        lone.session.respond(0, 9, CommandStatus::ROK, &resp("c")),
        Err(RespondError::NoRequest { sequence: 9, command: CommandId::SUBMIT_SM_RESP })
    );
    assert_eq!(lone.session.stats().duplicate_sequences, 2);
    assert_eq!(lone.take().len(), 3);
}

#[test]
fn a_response_must_fit_its_request() {
    let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, SessionConfig::new(Role::Smsc));
    lone.give_pdu(&Pdu::new(9, submit("one")));
    let wrong = Body::DataSmResp(MessageResp::new("1"));
    assert!(lone.session.respond(0, 9, CommandStatus::ROK, &wrong).is_err());
    assert!(lone.session.respond(0, 8, CommandStatus::ROK, &Body::GenericNack).is_err());
    lone.session.reject(0, 9, CommandStatus::RMSGQFUL).unwrap();
    assert_eq!(lone.take(), [Pdu::error(CommandId::SUBMIT_SM_RESP, CommandStatus::RMSGQFUL, 9)]);
    assert!(lone.session.reject(0, 9, CommandStatus::RMSGQFUL).is_err());
}

#[test]
fn both_directions_have_windows_of_their_own() {
    let mut pair = Pair::bound(BindMode::Transceiver, |config| config.window_out = 2);
    for token in 0..2 {
        pair.esme.send(0, &submit("up"), token).unwrap();
        pair.smsc.send(0, &deliver_sm("down"), token).unwrap();
    }
    assert!(pair.smsc.send(0, &deliver_sm("down"), 9).is_err());
    pair.run();
    // The same sequence numbers in both directions do not meet.
    assert_eq!(pair.smsc_events.len(), 2);
    let sequences: Vec<u32> = pair
        .take_esme_events()
        .into_iter()
        .map(|event| match event {
            Event::Request { sequence, body: Body::DeliverSm(_), .. } => sequence,
            other => panic!("{other:?}"),
        })
        .collect();
    for sequence in sequences {
        let resp = Body::DeliverSmResp(MessageResp::default());
        pair.esme.respond(0, sequence, CommandStatus::ROK, &resp).unwrap();
    }
    pair.run();
    assert_eq!(tokens(&pair.smsc_events.split_off(2)), [0, 1]);
}

#[test]
fn a_frame_is_forwarded_with_a_new_number() {
    let mut pair = Pair::bound(BindMode::Transceiver, |_| {});
    let Body::SubmitSm(mut message) = submit("as it came") else { unreachable!() };
    message.tlvs.push(Tag(0x1401), b"vendor").unwrap();
    let frame = encoded(&Pdu::new(0xdead, Body::SubmitSm(message)));
    let sequence = pair.esme.send_frame(0, &frame, 3).unwrap();
    pair.run();
    let events = pair.take_smsc_events();
    let [Event::Request { frame: arrived, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(Header::read(arrived).unwrap().sequence, sequence);
    assert_eq!(arrived[16..], frame[16..]);
    assert_eq!(pair.esme.in_flight().next().map(|pending| pending.token), Some(3));
    assert!(matches!(pair.esme.send_frame(0, &frame[1..], 3), Err(SendError::NotAllowed { .. })));
}

#[test]
fn unknown_commands_are_nacked_or_passed() {
    let vendor =
        Pdu::new(4, Body::Unknown(Unknown { command: CommandId(0x0001_0200), octets: vec![1, 2, 3].into() }));
    let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, SessionConfig::new(Role::Smsc));
    let events = lone.give_pdu(&vendor);
    let [Event::Malformed { error, frame }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(error.status, CommandStatus::RINVCMDID);
    assert_eq!(*frame, encoded(&vendor));
    assert_eq!(lone.take(), [Pdu::response(4, CommandStatus::RINVCMDID, Body::GenericNack)]);

    let passing = SessionConfig {
        unknown_commands: signalbox_smpp::session::UnknownCommands::Pass,
        ..SessionConfig::new(Role::Smsc)
    };
    let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, passing);
    let events = lone.give_pdu(&vendor);
    assert!(matches!(&events[..], [Event::Request { sequence: 4, body: Body::Unknown(_), .. }]));
    let resp = Body::Unknown(Unknown { command: CommandId(0x8001_0200), octets: vec![9].into() });
    lone.session.respond(0, 4, CommandStatus::ROK, &resp).unwrap();
    assert_eq!(lone.take(), [Pdu::new(4, resp)]);
}

#[test]
fn congestion_is_reported_and_read_in_5_0() {
    let mut pair = Pair::bound(BindMode::Transceiver, |config| config.version = Version::V5_0);
    pair.smsc.set_congestion(Some(80));
    pair.esme.send(0, &submit("x"), 1).unwrap();
    pair.run();
    pair.answer_all();
    pair.run();
    assert_eq!(pair.esme.peer_congestion(), Some(80));
    let events = pair.take_esme_events();
    let [Event::Response { body: Body::SubmitSmResp(resp), .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(resp.tlvs.congestion_state(), Some(80));
    // A header alone stays one: a TLV there would be read as the message_id.
    pair.esme.send(0, &submit("x"), 1).unwrap();
    pair.run();
    let Some(Event::Request { sequence, .. }) = pair.take_smsc_events().pop() else { panic!() };
    pair.smsc.reject(0, sequence, CommandStatus::RTHROTTLED).unwrap();
    pair.run();
    assert_eq!(pair.down.log.last().map(|pdu| pdu.len()), Some(16));

    let mut old = Pair::bound(BindMode::Transceiver, |_| {});
    old.smsc.set_congestion(Some(80));
    old.esme.send(0, &submit("x"), 1).unwrap();
    old.run();
    old.answer_all();
    old.run();
    assert_eq!(old.esme.peer_congestion(), None);
}
