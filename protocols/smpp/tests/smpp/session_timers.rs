//! enquire_link and inactivity.

use crate::harness::{Lone, Pair, SECOND, deliver_sm, submit};
use signalbox_smpp::{
    BindMode, Body, CloseReason, CommandStatus, Event, Pdu, Role, SessionConfig, State, Version,
};

fn quiet(role: Role) -> SessionConfig {
    let mut config = SessionConfig::new(role);
    config.timers.response = Some(10 * SECOND);
    config
}

#[test]
fn both_sides_enquire_and_answer() {
    let mut pair = Pair::bound(BindMode::Transceiver, |_| {});
    pair.pass(300 * SECOND);
    assert!(pair.esme.stats().enquiries_sent > 0);
    let enquiries = pair.esme.stats().enquiries_sent + pair.smsc.stats().enquiries_sent;
    let answers = pair.esme.stats().enquiries_answered + pair.smsc.stats().enquiries_answered;
    assert_eq!(enquiries, answers);
    assert!((10..=20).contains(&enquiries), "{enquiries} in ten periods");
    assert!(pair.take_esme_events().is_empty() && pair.take_smsc_events().is_empty());
    assert!(pair.esme.state().is_bound());
}

#[test]
fn traffic_keeps_enquiries_away() {
    let mut pair = Pair::bound(BindMode::Transceiver, |_| {});
    for token in 0..20 {
        pair.pass(10 * SECOND);
        pair.esme.send(pair.now, &submit("x"), token).unwrap();
        pair.run();
        pair.answer_all();
        pair.run();
    }
    assert_eq!(pair.esme.stats().enquiries_sent + pair.smsc.stats().enquiries_sent, 0);
}

#[test]
fn a_dead_peer_is_found_out_with_one_enquiry() {
    let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, quiet(Role::Smsc));
    assert!(lone.pass(40 * SECOND - 1).is_empty());
    assert_eq!(lone.take(), [Pdu::new(1, Body::EnquireLink)]);
    assert_eq!(lone.pass(1), [Event::Closed(CloseReason::EnquireLinkTimeout)]);
    assert_eq!(lone.session.state(), State::Closed);
}

#[test]
fn a_peer_that_ignores_enquiries_but_talks_is_alive() {
    let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, quiet(Role::Smsc));
    for sequence in 10..20 {
        assert!(lone.pass(35 * SECOND).is_empty());
        assert_eq!(lone.give_pdu(&Pdu::new(sequence, submit("x"))).len(), 1);
        lone.session.reject(lone.now, sequence, CommandStatus::RSYSERR).unwrap();
    }
    assert!(lone.session.stats().enquiries_unanswered > 0);
    assert!(lone.session.state().is_bound());
}

#[test]
fn a_nack_to_an_enquiry_is_a_sign_of_life() {
    let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, quiet(Role::Smsc));
    lone.pass(30 * SECOND);
    let enquiry = lone.take().remove(0);
    let nack = Pdu::response(enquiry.sequence, CommandStatus::RINVCMDID, Body::GenericNack);
    assert!(lone.give_pdu(&nack).is_empty());
    assert!(lone.pass(29 * SECOND).is_empty());
}

#[test]
fn an_answer_that_has_arrived_counts() {
    // The answer is on the wire when the timer fires: the driver hands it over first.
    let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, quiet(Role::Smsc));
    lone.pass(30 * SECOND);
    let enquiry = lone.take().remove(0);
    lone.now = 40 * SECOND;
    lone.give_pdu(&Pdu::new(enquiry.sequence, Body::EnquireLinkResp));
    lone.session.handle_timeout(lone.now);
    assert!(lone.events().is_empty());
}

#[test]
fn enquiries_of_a_peer_are_answered_before_and_after_the_bind() {
    let mut lone = Lone::smsc();
    lone.give_pdu(&Pdu::new(3, Body::EnquireLink));
    assert_eq!(lone.take(), [Pdu::new(3, Body::EnquireLinkResp)]);
    let mut lone = Lone::bound_smsc(BindMode::Receiver, Version::V3_4, quiet(Role::Smsc));
    lone.give_pdu(&Pdu::new(0, Body::EnquireLink));
    assert_eq!(lone.take(), [Pdu::new(0, Body::EnquireLinkResp)]);
}

#[test]
fn inactivity_unbinds() {
    let mut pair = Pair::bound(BindMode::Transceiver, |config| {
        // Only the SMSC minds.
        if config.role == Role::Smsc {
            config.timers.inactivity = Some(120 * SECOND);
        }
    });
    pair.pass(100 * SECOND);
    pair.smsc.send(pair.now, &deliver_sm("x"), 1).unwrap();
    pair.run();
    let Some(Event::Request { sequence, .. }) = pair.take_esme_events().pop() else { panic!() };
    let resp = Body::DeliverSmResp(Default::default());
    pair.esme.respond(pair.now, sequence, CommandStatus::ROK, &resp).unwrap();
    pair.run();
    pair.take_smsc_events();
    pair.pass(119 * SECOND);
    // enquire_link went to and fro, but is no activity.
    assert!(pair.smsc.stats().enquiries_answered + pair.smsc.stats().enquiries_sent > 0);
    assert!(pair.smsc.state().is_bound());
    pair.pass(SECOND);
    assert_eq!(pair.take_smsc_events(), [Event::Closed(CloseReason::Inactivity)]);
    assert_eq!(
        pair.take_esme_events(),
        [Event::PeerUnbind { pending: 0 }, Event::Closed(CloseReason::PeerUnbound)]
    );
}

#[test]
fn timers_that_are_off_never_fire() {
    let mut config = SessionConfig::new(Role::Smsc);
    config.timers =
        signalbox_smpp::Timers { session_init: None, enquire_link: None, inactivity: None, response: None };
    let mut lone = Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, config);
    lone.session.send(0, &deliver_sm("x"), 1).unwrap();
    assert_eq!(lone.session.poll_timeout(), None);
    lone.session.handle_timeout(u64::MAX);
    assert!(lone.events().is_empty());
    assert_eq!(lone.session.in_flight_len(), 1);
}

#[test]
fn no_timeout_is_asked_for_in_the_past_for_ever() {
    // After handle_timeout at the time asked for, the next one lies ahead.
    let mut pair = Pair::bound(BindMode::Transceiver, |config| {
        config.timers.inactivity = Some(50 * SECOND);
        config.timers.response = Some(7 * SECOND);
    });
    for token in 0..5 {
        pair.esme.send(pair.now, &submit("x"), token).unwrap();
    }
    let mut now = 0;
    while let Some(at) = pair.esme.poll_timeout() {
        assert!(at > now, "asked for {at} at {now}");
        now = at;
        pair.esme.handle_timeout(now);
        while pair.esme.poll_event().is_some() {}
    }
    assert_eq!(pair.esme.state(), State::Closed);
}
