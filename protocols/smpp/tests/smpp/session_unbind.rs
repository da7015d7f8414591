//! The end of a session, from either side.

use crate::harness::{Lone, Pair, SECOND, deliver_sm, submit};
use signalbox_smpp::{
    BindMode, Body, CloseReason, CommandId, CommandStatus, Event, MessageResp, Pdu, Role, SendError,
    SessionConfig, State, Version,
};

fn smsc() -> Lone {
    Lone::bound_smsc(BindMode::Transceiver, Version::V3_4, SessionConfig::new(Role::Smsc))
}

#[test]
fn either_side_unbinds() {
    for role in [Role::Esme, Role::Smsc] {
        let mut pair = Pair::bound(BindMode::Transceiver, |_| {});
        let side = if role == Role::Esme { &mut pair.esme } else { &mut pair.smsc };
        side.unbind(0).unwrap();
        assert!(matches!(side.send(0, &submit("x"), 0), Err(SendError::NotAllowed { .. })));
        pair.run();
        let (own, peer) = match role {
            Role::Esme => (pair.take_esme_events(), pair.take_smsc_events()),
            Role::Smsc => (pair.take_smsc_events(), pair.take_esme_events()),
        };
        assert_eq!(own, [Event::Closed(CloseReason::Unbound)]);
        assert_eq!(peer, [Event::PeerUnbind { pending: 0 }, Event::Closed(CloseReason::PeerUnbound)]);
    }
}

#[test]
fn unbind_is_answered_after_what_came_before_it() {
    let mut lone = smsc();
    lone.give_pdu(&Pdu::new(5, submit("x")));
    assert_eq!(lone.give_pdu(&Pdu::new(6, Body::Unbind)), [Event::PeerUnbind { pending: 1 }]);
    assert!(lone.take().is_empty());
    // Nothing new is taken.
    assert!(lone.give_pdu(&Pdu::new(7, submit("x"))).is_empty());
    assert_eq!(lone.take(), [Pdu::error(CommandId::SUBMIT_SM_RESP, CommandStatus::RINVBNDSTS, 7)]);
    let resp = Body::SubmitSmResp(MessageResp::new("1a"));
    lone.session.respond(0, 5, CommandStatus::ROK, &resp).unwrap();
    assert_eq!(lone.events(), [Event::Closed(CloseReason::PeerUnbound)]);
    assert_eq!(lone.take(), [Pdu::new(5, resp), Pdu::new(6, Body::UnbindResp)]);
}

#[test]
fn unbind_is_answered_even_if_the_owner_does_not_answer() {
    let mut lone = smsc();
    lone.give_pdu(&Pdu::new(5, submit("x")));
    lone.give_pdu(&Pdu::new(6, Body::Unbind));
    assert_eq!(lone.pass(30 * SECOND), [Event::Closed(CloseReason::PeerUnbound)]);
    assert_eq!(lone.take(), [Pdu::new(6, Body::UnbindResp)]);
}

#[test]
fn requests_that_cross_our_unbind_are_still_handed_over() {
    let mut pair = Pair::bound(BindMode::Transceiver, |_| {});
    pair.smsc.send(0, &deliver_sm("on its way"), 1).unwrap();
    pair.esme.unbind(0).unwrap();
    pair.run();
    let events = pair.take_esme_events();
    assert!(
        matches!(&events[..], [Event::Request { .. }, Event::Closed(CloseReason::Unbound)]),
        "{events:?}"
    );
    // The SMSC knows which of its requests went without an answer.
    assert_eq!(pair.smsc.in_flight().map(|pending| pending.token).collect::<Vec<_>>(), [1]);
}

#[test]
fn both_unbind_at_once() {
    let mut pair = Pair::bound(BindMode::Transceiver, |_| {});
    pair.esme.unbind(0).unwrap();
    pair.smsc.unbind(0).unwrap();
    pair.run();
    assert_eq!(pair.take_esme_events(), [Event::Closed(CloseReason::Unbound)]);
    assert_eq!(pair.take_smsc_events(), [Event::Closed(CloseReason::Unbound)]);
}

#[test]
fn an_unbind_that_is_not_answered_ends_all_the_same() {
    let mut lone = smsc();
    lone.session.unbind(0).unwrap();
    assert_eq!(lone.pass(30 * SECOND), [Event::Closed(CloseReason::UnbindTimeout)]);
    let mut lone = smsc();
    lone.session.unbind(0).unwrap();
    let unbind = lone.take().remove(0);
    let nack = Pdu::response(unbind.sequence, CommandStatus::RINVCMDID, Body::GenericNack);
    assert_eq!(lone.give_pdu(&nack), [Event::Closed(CloseReason::Unbound)]);
}

#[test]
fn unbind_without_a_bind_is_refused() {
    let mut lone = Lone::smsc();
    assert!(lone.session.unbind(0).is_err());
    assert!(lone.give_pdu(&Pdu::new(2, Body::Unbind)).is_empty());
    assert_eq!(lone.take(), [Pdu::error(CommandId::UNBIND_RESP, CommandStatus::RINVBNDSTS, 2)]);
    assert_eq!(lone.session.state(), State::Open);
    let events = lone.give_pdu(&Pdu::new(2, Body::UnbindResp));
    assert!(matches!(&events[..], [Event::Unsolicited { .. }]));
}

#[test]
fn what_was_in_the_window_is_known_after_the_end() {
    let mut pair = Pair::bound(BindMode::Transceiver, |_| {});
    for token in [7, 8, 9] {
        pair.esme.send(0, &submit("x"), token).unwrap();
    }
    pair.esme.connection_lost(SECOND);
    assert_eq!(pair.esme.poll_event(), Some(Event::Closed(CloseReason::ConnectionLost)));
    assert_eq!(pair.esme.poll_event(), None);
    assert_eq!(pair.esme.in_flight().map(|pending| pending.token).collect::<Vec<_>>(), [7, 8, 9]);
    // Once is enough, and nothing follows.
    pair.esme.close(SECOND);
    assert_eq!(pair.esme.poll_event(), None);
    assert_eq!(pair.esme.poll_timeout(), None);
    assert!(pair.esme.send(SECOND, &submit("x"), 0).is_err());
}

#[test]
fn nothing_is_answered_after_the_end() {
    let mut lone = smsc();
    lone.give_pdu(&Pdu::new(5, submit("x")));
    lone.session.close(0);
    assert_eq!(lone.events(), [Event::Closed(CloseReason::Local)]);
    assert!(lone.session.reject(0, 5, CommandStatus::RSYSERR).is_err());
    assert!(lone.give_pdu(&Pdu::new(6, submit("x"))).is_empty());
    assert!(lone.take().is_empty());
    assert!(!lone.session.wants_input());
}
