//! We as ESME.

use std::time::Duration;

use bytes::Bytes;
use signalbox::links::settings::{
    LinkRules, LinkSettings, ListenerSettings, LiveRules, OutbindListener, Password,
};
use signalbox::links::{ErrorTable, Phase, StatusMap};
use signalbox_core::exchange::{Answer, Event, Refusal, Reply, Unsent};
use signalbox_core::id::{LinkId, PeerId};
use signalbox_core::message::{Body as CoreBody, Content, ReceiptState};
use signalbox_core::outcome::ErrorClass;
use signalbox_smpp::{
    AlertNotification, BindMode, Body, CommandStatus, MessageResp, Outbind, ShortMessage, Tag, Tlvs,
};
use tokio::net::{TcpListener, TcpStream};

use super::exchange::{Exchange, link, linked};
use super::peer::{Peer, receipt, text};

/// An SMSC's listener.
async fn smsc() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A link that is bound to a peer.
async fn bound(change: impl FnOnce(&mut LinkSettings)) -> (Exchange, TcpListener, Peer) {
    let (listener, port) = smsc().await;
    let mut settings = link(4, "a", port);
    change(&mut settings);
    let exchange = Exchange::open(linked(vec![settings])).await;
    let peer = Peer::serve(&listener).await;
    (exchange, listener, peer)
}

const A: PeerId = PeerId::Link(LinkId(4));

#[tokio::test]
async fn a_message_leaves_and_its_answer_comes_back() {
    let (mut exchange, _listener, mut smsc) = bound(|_| {}).await;
    let (peer, session, window) = exchange.up().await;
    assert_eq!((peer, window), (A, 10));
    let permit = exchange.send_text(session, A, "hello");
    let (sequence, message) = smsc.submit_sm().await;
    assert_eq!(&message.short_message[..], b"hello");
    assert_eq!(message.registered_delivery.0, 1);
    assert_eq!(message.validity_period.len(), 16);
    smsc.took(sequence, "1A2B").await;
    assert_eq!(exchange.answered(permit).await, Answer::Taken { remote_id: Bytes::from_static(b"1A2B") });
}

#[tokio::test]
async fn errors_mean_what_the_links_table_says() {
    let (mut exchange, _listener, mut smsc) = bound(|link| {
        link.rules = LiveRules::from(LinkRules {
            errors: ErrorTable::new([(0x0b, ErrorClass::Temporary)]),
            status_in: StatusMap::new([(0x0b, 0x99)]),
            ..LinkRules::default()
        });
    })
    .await;
    let (_, session, _) = exchange.up().await;
    for (status, class, reported) in [
        (CommandStatus::RTHROTTLED, ErrorClass::Throttling, 0x58),
        (CommandStatus::RMSGQFUL, ErrorClass::QueueFull, 0x14),
        (CommandStatus::RINVDSTADR, ErrorClass::Temporary, 0x99),
        (CommandStatus::RINVSRCADR, ErrorClass::Permanent, 0x0a),
    ] {
        let permit = exchange.send_text(session, A, "x");
        let (sequence, _) = smsc.submit_sm().await;
        smsc.send(sequence, status, Body::SubmitSmResp(MessageResp::default())).await;
        assert_eq!(exchange.answered(permit).await, Answer::Refused { class, status: reported });
    }
}

#[tokio::test]
async fn the_window_is_filled_and_not_exceeded() {
    let (mut exchange, _listener, mut smsc) = bound(|link| link.window = 3).await;
    let (_, session, _) = exchange.up().await;
    let permits = exchange.send_batch(session, A, 5);
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(smsc.submit_sm().await.0);
    }
    let more = tokio::time::timeout(Duration::from_millis(100), smsc.next()).await;
    assert!(more.is_err(), "a fourth beyond the window: {more:?}");
    for sequence in open {
        smsc.took(sequence, "x").await;
    }
    for _ in 0..2 {
        let (sequence, _) = smsc.submit_sm().await;
        smsc.took(sequence, "x").await;
    }
    for permit in permits {
        assert!(matches!(exchange.answered(permit).await, Answer::Taken { .. }));
    }
}

#[tokio::test]
async fn receipts_and_mo_messages_come_in_and_are_answered() {
    let (mut exchange, _listener, mut smsc) = bound(|_| {}).await;
    exchange.up().await;
    smsc.request(Body::DeliverSm(receipt("00FF"))).await;
    let pdu = smsc.pdu().await;
    assert_eq!((pdu.status, pdu.body), (CommandStatus::ROK, Body::DeliverSmResp(MessageResp::default())));
    let (id, state) = exchange
        .event("receipt", |event| match event {
            Event::Receipt(receipt) => Some((receipt.remote_id.clone(), receipt.state)),
            _ => None,
        })
        .await;
    assert_eq!((&id[..], state), (&b"00FF"[..], ReceiptState::Delivered));
    smsc.request(Body::DeliverSm(text("STOP"))).await;
    assert_eq!(smsc.pdu().await.status, CommandStatus::ROK);
    let inbound = exchange
        .event("mo", |event| match event {
            Event::Inbound(inbound) => Some(inbound.content.payload.clone()),
            _ => None,
        })
        .await;
    assert_eq!(&inbound[..], b"STOP");
}

#[tokio::test]
async fn what_the_exchange_refuses_is_answered_by_the_links_map() {
    let (mut exchange, _listener, mut smsc) = bound(|link| {
        link.rules = LiveRules::from(LinkRules {
            status_out: StatusMap::new([(CommandStatus::RMSGQFUL.0, CommandStatus::RTHROTTLED.0)]),
            ..LinkRules::default()
        });
    })
    .await;
    exchange.up().await;
    for (refusal, status) in [
        (Refusal::StoreFull, CommandStatus::RTHROTTLED),
        (Refusal::NoRoute, CommandStatus::RX_R_APPN),
        (Refusal::Internal, CommandStatus::RX_T_APPN),
    ] {
        exchange.answer(move |_| Some(Reply::Refused(refusal.clone())));
        smsc.request(Body::DeliverSm(text("x"))).await;
        assert_eq!(smsc.pdu().await.status, status);
    }
}

#[tokio::test]
async fn a_receiver_takes_nothing_and_hears_everything() {
    let (mut exchange, _listener, mut smsc) = bound(|link| link.mode = BindMode::Receiver).await;
    smsc.request(Body::DeliverSm(text("MO"))).await;
    assert_eq!(smsc.pdu().await.status, CommandStatus::ROK);
    exchange.event("mo", |event| matches!(event, Event::Inbound(_)).then_some(())).await;
    assert!(!exchange.rest().iter().any(|event| matches!(event, Event::SessionUp { .. })));
}

#[tokio::test]
async fn a_silent_peer_is_reported_and_heard_when_it_speaks_after_all() {
    let (mut exchange, _listener, mut smsc) =
        bound(|link| link.times.response = Duration::from_millis(80)).await;
    let (_, session, _) = exchange.up().await;
    let permit = exchange.send_text(session, A, "x");
    let (sequence, _) = smsc.submit_sm().await;
    assert_eq!(exchange.answered(permit).await, Answer::Silent);
    smsc.took(sequence, "late").await;
    assert_eq!(exchange.answered(permit).await, Answer::Taken { remote_id: Bytes::from_static(b"late") });
}

#[tokio::test]
async fn a_permit_that_ran_out_is_not_written() {
    let (mut exchange, _listener, mut smsc) = bound(|link| link.window = 1).await;
    let (_, session, _) = exchange.up().await;
    let first = exchange.send_text(session, A, "first");
    let (sequence, _) = smsc.submit_sm().await;
    let content = Content { payload: Bytes::from_static(b"too late"), ..Content::default() };
    let second = exchange.send(session, A, CoreBody::Content(content), Duration::from_millis(50));
    assert_eq!(exchange.unsent(second).await, Unsent::NotWritten);
    smsc.took(sequence, "x").await;
    exchange.answered(first).await;
    exchange.send_text(session, A, "third");
    assert_eq!(&smsc.submit_sm().await.1.short_message[..], b"third");
}

#[tokio::test]
async fn a_reset_leaves_nothing_unsaid_and_the_link_comes_back() {
    let (mut exchange, listener, mut smsc) = bound(|link| link.window = 5).await;
    let (_, session, _) = exchange.up().await;
    let permits = exchange.send_batch(session, A, 8);
    let (sequence, _) = smsc.submit_sm().await;
    smsc.took(sequence, "x").await;
    assert!(matches!(exchange.answered(permits[0]).await, Answer::Taken { .. }));
    for _ in 0..5 {
        smsc.submit_sm().await;
    }
    smsc.reset();
    let (mut unsent, mut in_flight) = exchange.down(session).await;
    unsent.sort();
    in_flight.sort();
    // One was answered, five were written, two never left.
    assert_eq!(in_flight, permits[1..6]);
    assert_eq!(unsent, permits[6..]);
    let mut again = Peer::serve(&listener).await;
    let (_, next, _) = exchange.up().await;
    assert_ne!(next, session);
    exchange.send_text(next, A, "again");
    assert_eq!(&again.submit_sm().await.1.short_message[..], b"again");
}

#[tokio::test]
async fn a_refused_bind_is_tried_again() {
    let (listener, port) = smsc().await;
    let exchange = Exchange::open(linked(vec![link(4, "a", port)])).await;
    for _ in 0..3 {
        let mut peer = Peer::accept(&listener).await;
        let pdu = peer.pdu().await;
        let Body::BindTransceiver(_) = pdu.body else { panic!("{pdu:?}") };
        let resp = Body::BindTransceiverResp(signalbox_smpp::BindResp::default());
        peer.send(pdu.sequence, CommandStatus::RINVPASWD, resp).await;
        peer.end().await;
    }
    let mut peer = Peer::accept(&listener).await;
    let bind = peer.serve_bind().await;
    assert_eq!(bind.system_id, "signalbox");
    let state = loop {
        let state = exchange.links.states().remove(0);
        if state.bound() == 1 {
            break state;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((state.wanted, state.sessions[0].phase), (1, Phase::Bound));
}

#[tokio::test]
async fn all_sessions_of_a_link_come_up() {
    let (listener, port) = smsc().await;
    let settings = LinkSettings { sessions: 3, ..link(4, "a", port) };
    let mut exchange = Exchange::open(linked(vec![settings])).await;
    let mut peers = Vec::new();
    for _ in 0..3 {
        peers.push(Peer::serve(&listener).await);
        exchange.up().await;
    }
    assert_eq!(exchange.links.states()[0].bound(), 3);
}

#[tokio::test]
async fn a_dead_peer_is_noticed_by_enquire_link() {
    let (mut exchange, listener, smsc) = bound(|link| {
        link.times.enquire_link = Some(Duration::from_millis(40));
        link.times.response = Duration::from_millis(80);
    })
    .await;
    let (_, session, _) = exchange.up().await;
    // It says nothing any more, and its connection stays open.
    exchange.down(session).await;
    let _again = Peer::serve(&listener).await;
    exchange.up().await;
    drop(smsc);
}

#[tokio::test]
async fn the_exchange_can_have_a_session_closed_and_it_comes_back() {
    let (mut exchange, listener, mut smsc) = bound(|_| {}).await;
    let (_, session, _) = exchange.up().await;
    exchange.close(session, CommandStatus::RINVBNDSTS.0);
    smsc.unbound().await;
    exchange.down(session).await;
    let _again = Peer::serve(&listener).await;
    exchange.up().await;
}

#[tokio::test]
async fn the_peers_unbind_ends_the_session_in_order() {
    let (mut exchange, listener, mut smsc) = bound(|_| {}).await;
    let (_, session, _) = exchange.up().await;
    let permit = exchange.send_text(session, A, "x");
    let (sequence, _) = smsc.submit_sm().await;
    smsc.request(Body::Unbind).await;
    assert_eq!(smsc.pdu().await.body, Body::UnbindResp);
    let _ = sequence;
    // The session was withdrawn before it ended, so its open permit comes back by itself.
    exchange.down(session).await;
    assert_eq!(exchange.answered(permit).await, Answer::Silent);
    let _again = Peer::serve(&listener).await;
    exchange.up().await;
}

#[tokio::test]
async fn alerts_stray_answers_and_congestion_do_no_harm() {
    let (mut exchange, _listener, mut smsc) =
        bound(|link| link.version = signalbox_smpp::Version::V5_0).await;
    let (_, session, _) = exchange.up().await;
    smsc.request(Body::AlertNotification(AlertNotification::default())).await;
    smsc.took(77, "stray").await;
    let permit = exchange.send_text(session, A, "x");
    let (sequence, _) = smsc.submit_sm().await;
    let mut resp = MessageResp::new("1");
    resp.tlvs = Tlvs::new().with(Tag::CONGESTION_STATE, &[90]).unwrap();
    smsc.send(sequence, CommandStatus::ROK, Body::SubmitSmResp(resp)).await;
    assert!(matches!(exchange.answered(permit).await, Answer::Taken { .. }));
    let state = exchange
        .event("congestion", |event| match event {
            Event::Congestion { session: of, state } if *of == session => Some(*state),
            _ => None,
        })
        .await;
    assert_eq!(state, 90);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_counts_by_its_status() {
    let (mut exchange, _listener, mut smsc) = bound(|link| {
        link.profile.missing_body = signalbox_smpp::Leniency::Refuse;
    })
    .await;
    let (_, session, _) = exchange.up().await;
    let permit = exchange.send_text(session, A, "x");
    let (sequence, _) = smsc.submit_sm().await;
    let mut bare = *b"\0\0\0\x10\x80\0\0\x04\0\0\0\0\0\0\0\0";
    bare[12..].copy_from_slice(&sequence.to_be_bytes());
    smsc.raw(&bare).await;
    assert_eq!(exchange.answered(permit).await, Answer::Taken { remote_id: Bytes::new() });
}

#[tokio::test]
async fn a_link_connects_from_its_local_address_with_its_code_point() {
    let (listener, port) = smsc().await;
    let settings = LinkSettings {
        local_address: Some("127.0.0.2".parse().unwrap()),
        dscp: Some(46),
        ..link(4, "a", port)
    };
    let _exchange = Exchange::open(linked(vec![settings])).await;
    let peer = Peer::serve(&listener).await;
    assert_eq!(peer.stream.peer_addr().unwrap().ip().to_string(), "127.0.0.2");
}

#[tokio::test]
async fn a_link_and_a_listener_speak_ipv6() {
    let mut settings = super::exchange::serving_by(
        ListenerSettings::new("smpp", "[::1]:0".parse().unwrap()),
        vec![super::exchange::account(7, "signalbox")],
    );
    let exchange = Exchange::open(settings.clone()).await;
    let address = exchange.links.addresses()[0];
    // The link binds to our own listener.
    let mut own = LinkSettings {
        host: "::1".into(),
        local_address: Some("::1".parse().unwrap()),
        dscp: Some(10),
        ..link(4, "a", address.port())
    };
    own.password = Password("secret".into());
    let mut other = Exchange::open(linked(vec![own])).await;
    let (peer, _, _) = other.up().await;
    assert_eq!(peer, A);
    // A local address of the other family is said to be the reason.
    settings = linked(vec![LinkSettings {
        local_address: Some("127.0.0.1".parse().unwrap()),
        host: "::1".into(),
        ..link(5, "b", address.port())
    }]);
    let third = Exchange::open(settings).await;
    let error = loop {
        let states = third.links.states();
        if let Some(error) = states[0].sessions.iter().find_map(|session| session.last_error.clone()) {
            break error;
        }
        tokio::task::yield_now().await;
    };
    assert!(error.contains("no address of the family of 127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_nack_takes_nothing_whatever_its_status_says() {
    let (mut exchange, _listener, mut smsc) = bound(|_| {}).await;
    let (_, session, _) = exchange.up().await;
    for (status, class, reported) in [
        (CommandStatus::ROK, ErrorClass::Temporary, CommandStatus::RUNKNOWNERR),
        (CommandStatus::RINVCMDID, ErrorClass::Permanent, CommandStatus::RINVCMDID),
    ] {
        let permit = exchange.send_text(session, A, "x");
        let (sequence, _) = smsc.submit_sm().await;
        smsc.send(sequence, status, Body::GenericNack).await;
        assert_eq!(exchange.answered(permit).await, Answer::Refused { class, status: reported.0 });
    }
}

#[tokio::test]
async fn a_link_that_wants_outbind_binds_when_the_smsc_knocks() {
    let (probe, port) = smsc().await;
    drop(probe);
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let settings = LinkSettings {
        mode: BindMode::Receiver,
        outbind: Some(OutbindListener {
            address,
            system_id: "smsc".into(),
            password: Password("knock".into()),
        }),
        ..link(4, "a", 1)
    };
    let mut exchange = Exchange::open(linked(vec![settings])).await;
    let connected = |address| async move {
        loop {
            if let Ok(stream) = TcpStream::connect(address).await {
                break Peer::over(stream);
            }
            tokio::task::yield_now().await;
        }
    };
    let knock = |password: &str| {
        Body::Outbind(Outbind { system_id: "smsc".into(), password: password.into(), ..Outbind::default() })
    };
    let mut stranger = connected(address).await;
    stranger.request(knock("guess")).await;
    assert!(stranger.next().await.is_none());
    let mut smsc = connected(address).await;
    smsc.request(knock("knock")).await;
    let bind = smsc.serve_bind().await;
    assert_eq!(bind.system_id, "signalbox");
    smsc.request(Body::DeliverSm(ShortMessage { ..text("MO") })).await;
    assert_eq!(smsc.pdu().await.status, CommandStatus::ROK);
    exchange.event("mo", |event| matches!(event, Event::Inbound(_)).then_some(())).await;
}

#[tokio::test]
async fn a_bound_session_follows_the_rules_of_its_link_and_binds_anew_for_the_rest() {
    let (mut exchange, listener, mut smsc) = bound(|_| {}).await;
    let (_, session, _) = exchange.up().await;
    let port = listener.local_addr().unwrap().port();
    let mut other = link(4, "a", port);
    other.rules = LiveRules::from(LinkRules {
        errors: ErrorTable::new([(0x0b, ErrorClass::Temporary)]),
        ..LinkRules::default()
    });
    exchange.links.apply(linked(vec![other.clone()])).await.unwrap();
    let permit = exchange.send_text(session, A, "hello");
    let (sequence, _) = smsc.submit_sm().await;
    let refused = Body::SubmitSmResp(MessageResp::default());
    smsc.send(sequence, CommandStatus::RINVDSTADR, refused).await;
    let temporary = Answer::Refused { class: ErrorClass::Temporary, status: 0x0b };
    assert_eq!(
        exchange.answered(permit).await,
        temporary,
        "by the new table, over the session that is bound"
    );

    exchange.links.apply(linked(vec![LinkSettings { system_type: "X".into(), ..other }])).await.unwrap();
    smsc.unbound().await;
    let mut again = Peer::accept(&listener).await;
    assert_eq!(again.serve_bind().await.system_type, "X");
    exchange.up().await;
}

#[tokio::test]
async fn a_bound_session_follows_window_and_timers_of_its_link() {
    let (mut exchange, listener, mut smsc) = bound(|link| link.window = 2).await;
    let (_, session, _) = exchange.up().await;
    let mut other = link(4, "a", listener.local_addr().unwrap().port());
    other.window = 3;
    other.times.response = Duration::from_millis(80);
    other.times.enquire_link = Some(Duration::from_millis(40));
    exchange.links.apply(linked(vec![other.clone()])).await.unwrap();
    let resized = |event: &Event| match event {
        Event::Window { session: of, window } if *of == session => Some(*window),
        _ => None,
    };
    assert_eq!(exchange.event("window", resized).await, 3);
    assert_eq!(exchange.links.states()[0].sessions[0].window, 3);
    // Three leave, where there was room for two; nobody answers, and the new response timer ends them.
    let permits = exchange.send_batch(session, A, 3);
    for _ in 0..3 {
        smsc.submit_sm().await;
    }
    for permit in permits {
        assert_eq!(exchange.answered(permit).await, Answer::Silent);
    }
    // The new time of silence is over long since, the old one of 30 s is not.
    let enquiry = loop {
        let pdu = smsc.next().await.unwrap();
        if pdu.body == Body::EnquireLink {
            break pdu.sequence;
        }
    };
    smsc.send(enquiry, CommandStatus::ROK, Body::EnquireLinkResp).await;

    // A later change of what a session is made with has it bind anew, with all that was changed before.
    exchange.links.apply(linked(vec![LinkSettings { system_type: "X".into(), ..other }])).await.unwrap();
    smsc.unbound().await;
    let _again = Peer::serve(&listener).await;
    assert_eq!(exchange.up().await.2, 3);
}
