//! Binds, outbind, versions and what is allowed in which state.

use crate::harness::{Lone, Pair, SECOND, deliver_sm, encoded, submit};
use signalbox_smpp::{
    Address, AlertNotification, Bind, BindMode, BindResp, Body, CloseReason, CommandId, CommandStatus,
    DataSm, EncodeError, Event, Outbind, Pdu, QuerySm, RespondError, Role, SendError, Session, SessionConfig,
    State, Tag, Version,
};

fn config(role: Role, version: Version) -> SessionConfig {
    // To the letter: an SMSC that does not say its version speaks 3.3.
    SessionConfig { version, version_without_tlv: Version::V3_3, ..SessionConfig::new(role) }
}

#[test]
fn all_modes_bind() {
    for mode in [BindMode::Transmitter, BindMode::Receiver, BindMode::Transceiver] {
        let pair = Pair::bound(mode, |_| {});
        assert_eq!(pair.smsc.state(), State::bound(mode));
    }
}

#[test]
fn a_refused_bind_may_be_tried_again() {
    let mut pair = Pair::new(SessionConfig::new(Role::Esme), SessionConfig::new(Role::Smsc));
    pair.esme.bind(0, BindMode::Transceiver, Bind::new("demo", "wrong", Version::V3_4)).unwrap();
    pair.run();
    let events = pair.take_smsc_events();
    let [Event::BindRequest { bind, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(bind.password, "wrong");
    pair.smsc.reject_bind(0, CommandStatus::RINVPASWD).unwrap();
    pair.run();
    assert_eq!(pair.take_esme_events(), [Event::BindRefused { status: CommandStatus::RINVPASWD }]);
    assert_eq!(pair.esme.state(), State::Open);
    pair.bind(BindMode::Transceiver);
}

#[test]
fn versions_meet_at_the_lower() {
    use Version::{V3_3, V3_4, V5_0};
    for esme in [V3_3, V3_4, V5_0] {
        for smsc in [V3_3, V3_4, V5_0] {
            let mut pair = Pair::new(config(Role::Esme, esme), config(Role::Smsc, smsc));
            pair.esme.bind(0, BindMode::Transmitter, Bind::new("demo", "", esme)).unwrap();
            pair.run();
            pair.smsc.accept_bind(0, "smsc").unwrap();
            pair.run();
            let agreed = esme.min(smsc);
            assert_eq!(pair.smsc.version(), agreed, "{esme:?} {smsc:?}");
            assert_eq!(pair.esme.version(), agreed, "{esme:?} {smsc:?}");
            let events = pair.take_esme_events();
            let [Event::Bound { version, resp }] = &events[..] else { panic!("{events:?}") };
            assert_eq!(*version, agreed);
            // A 3.3 peer must not be sent TLVs; others are told what we can do at most.
            let told = (agreed > V3_3).then_some(smsc);
            assert_eq!(resp.version(), told, "{esme:?} {smsc:?}");
        }
    }
}

#[test]
fn interface_versions_below_3_4_are_3_3() {
    for octet in [0x00, 0x33] {
        let mut lone = Lone::smsc();
        let bind = Bind { interface_version: octet, ..Bind::new("old", "", Version::V3_3) };
        lone.give_pdu(&Pdu::new(1, Body::BindReceiver(bind)));
        lone.session.accept_bind(0, "smsc").unwrap();
        assert_eq!(lone.session.version(), Version::V3_3);
        let answer = lone.take();
        let Body::BindReceiverResp(resp) = &answer[0].body else { panic!("{answer:?}") };
        assert!(resp.tlvs.is_empty());
    }
}

#[test]
fn an_smsc_that_does_not_say_its_version() {
    for assumed in [Version::V3_3, Version::V3_4] {
        let config = SessionConfig { version_without_tlv: assumed, ..SessionConfig::new(Role::Esme) };
        let lone = Lone::bound_esme(BindMode::Transceiver, config);
        assert_eq!(lone.session.version(), assumed);
    }
}

#[test]
fn a_3_3_peer_gets_no_tlvs_and_no_newer_commands() {
    let config = SessionConfig { version_without_tlv: Version::V3_3, ..SessionConfig::new(Role::Esme) };
    let mut lone = Lone::bound_esme(BindMode::Transceiver, config);
    let version = Version::V3_3;
    let Body::SubmitSm(mut message) = submit("hello") else { unreachable!() };
    message.tlvs.push_u16(Tag::USER_MESSAGE_REFERENCE, 1);
    assert_eq!(
        lone.session.send(0, &Body::SubmitSm(message), 0),
        Err(SendError::Encode(EncodeError::TlvsNotAllowed { version }))
    );
    assert_eq!(
        lone.session.send(0, &Body::DataSm(DataSm::default()), 0),
        Err(SendError::Encode(EncodeError::CommandNotInVersion { command: CommandId::DATA_SM, version }))
    );
    assert!(lone.take().is_empty());
    assert_eq!(lone.session.in_flight_len(), 0);
    assert_eq!(lone.session.send(0, &submit("hello"), 0), Ok(2));
}

#[test]
fn responses_to_a_3_3_peer_lose_their_tlvs() {
    let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_3, SessionConfig::new(Role::Smsc));
    lone.give_pdu(&Pdu::new(5, submit("hello")));
    let mut resp = signalbox_smpp::MessageResp::new("1a2b");
    resp.tlvs.push_c_octets(Tag::ADDITIONAL_STATUS_INFO_TEXT, b"fine").unwrap();
    lone.session.respond(0, 5, CommandStatus::ROK, &Body::SubmitSmResp(resp)).unwrap();
    let expected = signalbox_smpp::MessageResp::new("1a2b");
    assert_eq!(lone.take(), [Pdu::new(5, Body::SubmitSmResp(expected))]);
    // Its message ids have eight digits; the request still waits after the refusal.
    lone.give_pdu(&Pdu::new(6, submit("hello")));
    let long = Body::SubmitSmResp(signalbox_smpp::MessageResp::new("123456789"));
    assert!(matches!(
        lone.session.respond(0, 6, CommandStatus::ROK, &long),
        Err(RespondError::Encode(EncodeError::TooLong { limit: 8, .. }))
    ));
    assert_eq!(lone.session.unanswered_len(), 1);
}

#[test]
fn outbind_leads_to_a_bind() {
    let mut pair = Pair::new(SessionConfig::new(Role::Esme), SessionConfig::new(Role::Smsc));
    let outbind = Outbind { system_id: "smsc".into(), password: "pw".into(), ..Outbind::default() };
    pair.smsc.outbind(0, outbind.clone()).unwrap();
    pair.run();
    assert_eq!(pair.take_esme_events(), [Event::Outbind(outbind)]);
    assert_eq!((pair.esme.state(), pair.smsc.state()), (State::Outbound, State::Outbound));
    pair.bind(BindMode::Receiver);
}

#[test]
fn binds_from_the_wrong_side_or_at_the_wrong_time() {
    let mut smsc = Session::new(SessionConfig::new(Role::Smsc), 0);
    assert!(matches!(
        smsc.bind(0, BindMode::Receiver, Bind::default()),
        Err(SendError::NotAllowed { state: State::Open, .. })
    ));
    assert!(matches!(smsc.accept_bind(0, "smsc"), Err(RespondError::NoRequest { .. })));
    assert!(matches!(smsc.reject_bind(0, CommandStatus::RBINDFAIL), Err(RespondError::NoRequest { .. })));
    let mut esme = Session::new(SessionConfig::new(Role::Esme), 0);
    assert!(esme.outbind(0, Outbind::default()).is_err());
    esme.bind(0, BindMode::Receiver, Bind::default()).unwrap();
    assert!(esme.bind(0, BindMode::Receiver, Bind::default()).is_err());
    // An outbind that crosses our bind changes nothing.
    let mut lone = Lone { session: esme, now: 0 };
    assert!(lone.give_pdu(&Pdu::new(9, Body::Outbind(Outbind::default()))).is_empty());
    assert_eq!(lone.session.state(), State::Open);
}

#[test]
fn an_esme_refuses_to_be_bound_to() {
    let mut lone = Lone { session: Session::new(SessionConfig::new(Role::Esme), 0), now: 0 };
    lone.give_pdu(&Pdu::new(3, Body::BindTransceiver(Bind::default())));
    assert_eq!(lone.take(), [Pdu::error(CommandId::BIND_TRANSCEIVER_RESP, CommandStatus::RINVBNDSTS, 3)]);
}

#[test]
fn a_damaged_bind_answer_still_binds() {
    let mut lone = Lone { session: Session::new(SessionConfig::new(Role::Esme), 0), now: 0 };
    let sequence = lone.session.bind(0, BindMode::Receiver, Bind::default()).unwrap();
    // system_id of 20 octets.
    let mut octets = encoded(&Pdu::new(sequence, Body::Unbind)).to_vec();
    octets[3] = 37;
    octets[4..8].copy_from_slice(&CommandId::BIND_RECEIVER_RESP.0.to_be_bytes());
    octets.extend_from_slice(&[b'x'; 20]);
    octets.push(0);
    let events = lone.give(&octets);
    assert!(matches!(&events[..], [Event::Malformed { .. }, Event::Bound { .. }]), "{events:?}");
    assert_eq!(lone.session.state(), State::BoundRx);
}

#[test]
fn answers_to_a_bind_that_was_not_sent() {
    let mut lone = Lone { session: Session::new(SessionConfig::new(Role::Esme), 0), now: 0 };
    let answer = Body::BindReceiverResp(BindResp::default());
    let events = lone.give_pdu(&Pdu::new(1, answer.clone()));
    assert!(matches!(&events[..], [Event::Unsolicited { .. }]));
    // The right sequence, the wrong mode.
    let sequence = lone.session.bind(0, BindMode::Transmitter, Bind::default()).unwrap();
    let events = lone.give_pdu(&Pdu::new(sequence, answer));
    assert!(matches!(&events[..], [Event::Unsolicited { .. }]));
    assert_eq!(lone.session.state(), State::Open);
    // A peer that does not know the command at all.
    let events = lone.give_pdu(&Pdu::response(sequence, CommandStatus::RINVCMDID, Body::GenericNack));
    assert_eq!(events, [Event::BindRefused { status: CommandStatus::RINVCMDID }]);
}

/// state, then the commands the ESME and the SMSC may send.
#[test]
fn what_may_be_sent_in_which_state() {
    let samples = [
        submit("x"),
        deliver_sm("x"),
        Body::DataSm(DataSm::default()),
        Body::QuerySm(QuerySm::default()),
        Body::AlertNotification(AlertNotification::default()),
    ];
    let allowed = |mode: BindMode, role: Role| -> Vec<bool> {
        let mut pair = Pair::bound(mode, |_| {});
        let session = if role == Role::Esme { &mut pair.esme } else { &mut pair.smsc };
        samples.iter().map(|body| session.send(0, body, 0).is_ok()).collect()
    };
    // submit_sm, deliver_sm, data_sm, query_sm, alert_notification
    assert_eq!(allowed(BindMode::Transmitter, Role::Esme), [true, false, true, true, false]);
    assert_eq!(allowed(BindMode::Transmitter, Role::Smsc), [false; 5]);
    assert_eq!(allowed(BindMode::Receiver, Role::Esme), [false; 5]);
    assert_eq!(allowed(BindMode::Receiver, Role::Smsc), [false, true, true, false, true]);
    assert_eq!(allowed(BindMode::Transceiver, Role::Esme), [true, false, true, true, false]);
    assert_eq!(allowed(BindMode::Transceiver, Role::Smsc), [false, true, true, false, true]);
}

#[test]
fn calls_of_their_own_are_no_plain_requests() {
    let mut pair = Pair::bound(BindMode::Transceiver, |_| {});
    for body in [Body::Unbind, Body::EnquireLink, Body::UnbindResp, Body::GenericNack] {
        assert!(matches!(pair.esme.send(0, &body, 0), Err(SendError::NotAllowed { .. })), "{body:?}");
    }
}

#[test]
fn alerts_have_no_answer_and_take_no_window() {
    let mut pair = Pair::bound(BindMode::Receiver, |config| config.window_out = 1);
    let alert =
        AlertNotification { source: Address::international("447700900123"), ..AlertNotification::default() };
    for _ in 0..3 {
        pair.smsc.send(0, &Body::AlertNotification(alert.clone()), 0).unwrap();
    }
    pair.run();
    assert_eq!(pair.take_esme_events(), vec![Event::Alert(alert); 3]);
    assert!(pair.up.log.is_empty());
    assert_eq!(pair.smsc.in_flight_len(), 0);
}

#[test]
fn no_bind_in_time_ends_the_session() {
    let mut lone = Lone::smsc();
    assert!(lone.pass(10 * SECOND - 1).is_empty());
    assert_eq!(lone.pass(1), [Event::Closed(CloseReason::SessionInitTimeout)]);
    assert_eq!(lone.session.poll_timeout(), None);
}

#[test]
fn a_bind_that_is_not_answered_ends_the_session() {
    let mut config = SessionConfig::new(Role::Esme);
    config.timers.session_init = None;
    config.timers.response = Some(5 * SECOND);
    let mut lone = Lone { session: Session::new(config, 0), now: 0 };
    lone.session.bind(0, BindMode::Receiver, Bind::default()).unwrap();
    assert_eq!(lone.pass(5 * SECOND), [Event::Closed(CloseReason::BindTimeout)]);
}
