//! Panics, changes of settings, drains: what is not meant is not touched.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use signalbox::links::settings::{LinkSettings, SessionTimes};
use signalbox_core::exchange::Answer;
use signalbox_core::id::{LinkId, PeerId, SessionId};
use signalbox_smpp::{BindMode, Body, CommandStatus, MessageResp};
use tokio::net::TcpListener;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, Registry};

use super::exchange::{Exchange, account, link, linked, serving};
use super::peer::{Peer, text};

/// Panics in the middle of a session's turn: where it logs an answer to nothing.
struct Bomb;

static ARMED: Mutex<Option<u64>> = Mutex::new(None);

#[derive(Default)]
struct Line {
    text: String,
    session: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => self.text = format!("{value:?}"),
            "session" => self.session = format!("{value:?}"),
            _ => {}
        }
    }
}

impl<S: tracing::Subscriber> Layer<S> for Bomb {
    fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        if line.text != "response to nothing" {
            return;
        }
        let mut armed = ARMED.lock();
        if armed.is_some_and(|session| line.session == format!("{:?}", Some(SessionId(session)))) {
            *armed = None;
            drop(armed);
            panic!("as planned");
        }
    }
}

#[tokio::test]
async fn a_panic_in_one_session_is_settled_and_leaves_the_others_alone() {
    let _guard = tracing::subscriber::set_default(Registry::default().with(Bomb));
    let wild_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let calm_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let wild = link(1, "wild", wild_listener.local_addr().unwrap().port());
    let calm = link(2, "calm", calm_listener.local_addr().unwrap().port());
    let mut exchange = Exchange::open(linked(vec![wild, calm])).await;
    let mut wild = Peer::serve(&wild_listener).await;
    let mut calm = Peer::serve(&calm_listener).await;
    let mut sessions = std::collections::BTreeMap::new();
    for _ in 0..2 {
        let (peer, session, _) = exchange.up().await;
        sessions.insert(peer, session);
    }
    let (wild_id, calm_id) = (PeerId::Link(LinkId(1)), PeerId::Link(LinkId(2)));
    let lost = exchange.send_text(sessions[&wild_id], wild_id, "in the window");
    wild.submit_sm().await;
    *ARMED.lock() = Some(sessions[&wild_id].0);
    wild.took(4711, "to nothing").await;
    // The session's permits are answered for although it panicked.
    assert_eq!(exchange.down(sessions[&wild_id]).await, (Vec::new(), vec![lost]));
    let mut again = Peer::serve(&wild_listener).await;
    let (peer, session, _) = exchange.up().await;
    assert_eq!(peer, wild_id);
    exchange.send_text(session, wild_id, "after");
    assert_eq!(&again.submit_sm().await.1.short_message[..], b"after");
    // The other one is the same as before.
    let permit = exchange.send_text(sessions[&calm_id], calm_id, "calm");
    let (sequence, _) = calm.submit_sm().await;
    calm.took(sequence, "1").await;
    assert!(matches!(exchange.answered(permit).await, Answer::Taken { .. }));
}

/// Who gives no sign of life is ended, settled with the exchange, and begins anew.
#[tokio::test]
async fn a_session_that_is_stuck_is_ended_and_comes_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = linked(vec![link(1, "a", listener.local_addr().unwrap().port())]);
    settings.supervision.stuck_after = Duration::from_secs(5);
    let mut exchange = Exchange::open(settings).await;
    let mut smsc = Peer::serve(&listener).await;
    let (peer, session, _) = exchange.up().await;
    let permit = exchange.send_text(session, peer, "x");
    smsc.submit_sm().await;
    let watchdog = exchange.links.watchdog();
    assert!(watchdog.look().is_empty() && watchdog.all_alive());
    // Nobody runs between these two, so to the watchdog all have been silent for that long.
    exchange.clock.put_forward(Duration::from_secs(6));
    let stuck = watchdog.look();
    assert_eq!(stuck.iter().map(|stuck| stuck.name.as_str()).collect::<Vec<_>>(), ["a/0"]);
    assert_eq!(exchange.down(session).await, (Vec::new(), vec![permit]));
    let _again = Peer::serve(&listener).await;
    exchange.up().await;
    assert!(watchdog.all_alive());
}

#[tokio::test]
async fn a_change_of_one_link_leaves_the_others_connected() {
    let changed_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let kept_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let changed = link(1, "changed", changed_listener.local_addr().unwrap().port());
    let kept = link(2, "kept", kept_listener.local_addr().unwrap().port());
    let mut exchange = Exchange::open(linked(vec![changed.clone(), kept.clone()])).await;
    let mut first = Peer::serve(&changed_listener).await;
    let mut steady = Peer::serve(&kept_listener).await;
    let mut sessions = std::collections::BTreeMap::new();
    for _ in 0..2 {
        let (peer, session, _) = exchange.up().await;
        sessions.insert(peer, session);
    }
    let other = LinkSettings { system_id: "other".into(), sessions: 2, ..changed };
    exchange.links.apply(linked(vec![other, kept.clone()])).await.unwrap();
    first.unbound().await;
    let mut second = Peer::accept(&changed_listener).await;
    assert_eq!(second.serve_bind().await.system_id, "other");
    let mut third = Peer::accept(&changed_listener).await;
    assert_eq!(third.serve_bind().await.system_id, "other");
    let kept_id = PeerId::Link(LinkId(2));
    exchange.send_text(sessions[&kept_id], kept_id, "same session");
    assert_eq!(&steady.submit_sm().await.1.short_message[..], b"same session");
    // Taken out, it unbinds; the other one still stays.
    exchange.links.apply(linked(vec![kept])).await.unwrap();
    assert_eq!(second.pdu().await.body, Body::Unbind);
    exchange.send_text(sessions[&kept_id], kept_id, "still the same");
    assert_eq!(&steady.submit_sm().await.1.short_message[..], b"still the same");
}

#[tokio::test]
async fn a_link_that_is_switched_off_unbinds_and_comes_back_when_switched_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let on = link(1, "a", listener.local_addr().unwrap().port());
    let mut exchange = Exchange::open(linked(vec![on.clone()])).await;
    let mut peer = Peer::serve(&listener).await;
    let (_, session, _) = exchange.up().await;
    let off = LinkSettings { enabled: false, ..on.clone() };
    exchange.links.apply(linked(vec![off])).await.unwrap();
    peer.unbound().await;
    exchange.down(session).await;
    assert_eq!(exchange.links.states()[0].wanted, 0);
    exchange.links.apply(linked(vec![on])).await.unwrap();
    let _again = Peer::serve(&listener).await;
    exchange.up().await;
}

#[tokio::test]
async fn a_drain_does_not_wait_for_an_account_that_never_answers() {
    let mut settings = serving(vec![account(7, "demo")]);
    let response = Duration::from_secs(3);
    let listener = Arc::make_mut(&mut settings.listeners[0]);
    listener.times = SessionTimes { response, ..listener.times };
    let mut exchange = Exchange::open(settings).await;
    let mut silent = Peer::bound(exchange.links.addresses()[0], BindMode::Transceiver, "demo").await;
    let (account, session, _) = exchange.up().await;
    let receipt = exchange.send_receipt(session, account, "1");
    silent.deliver_sm().await;
    // Less than two response timers: unbind is not waited for as well.
    assert!(exchange.links.drain(response * 2 - Duration::from_millis(200)).await);
    exchange.down(session).await;
    assert_eq!(exchange.answered(receipt).await, Answer::Silent);
    assert_eq!(silent.pdu().await.body, Body::Unbind);
    silent.end().await;
}

#[tokio::test]
async fn a_drain_waits_shortly_for_the_answer_to_unbind() {
    let mut exchange = Exchange::open(serving(vec![account(7, "demo")])).await;
    let mut silent = Peer::bound(exchange.links.addresses()[0], BindMode::Transceiver, "demo").await;
    exchange.up().await;
    assert!(exchange.links.drain(Duration::from_secs(15)).await);
    assert_eq!(silent.pdu().await.body, Body::Unbind);
    silent.end().await;
}

#[tokio::test]
async fn a_drain_finishes_the_windows_and_unbinds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = serving(vec![account(7, "demo")]);
    settings.links = vec![Arc::new(link(1, "a", listener.local_addr().unwrap().port()))];
    let mut exchange = Exchange::open(settings).await;
    let address = exchange.links.addresses()[0];
    let mut smsc = Peer::serve(&listener).await;
    let (_, link_session, _) = exchange.up().await;
    let mut esme = Peer::bound(address, BindMode::Transceiver, "demo").await;
    let (account, account_session, _) = exchange.up().await;
    let to_link = exchange.send_text(link_session, PeerId::Link(LinkId(1)), "out");
    let (sequence, _) = smsc.submit_sm().await;
    let to_account = exchange.send_receipt(account_session, account, "1");
    let (receipt, _) = esme.deliver_sm().await;
    exchange.answer(|_| None);
    let open = esme.request(Body::SubmitSm(text("open"))).await;
    let reply = exchange
        .event("submission", |event| match event {
            signalbox_core::exchange::Event::Submit(submit) => Some(submit.reply),
            _ => None,
        })
        .await;
    let links = exchange.links.clone();
    let drained = tokio::spawn(async move { links.drain(Duration::from_secs(20)).await });
    // Both are withdrawn, and not one of their windows is cut.
    assert_eq!(exchange.down(link_session).await, (Vec::new(), Vec::new()));
    assert_eq!(exchange.down(account_session).await, (Vec::new(), Vec::new()));
    smsc.took(sequence, "77").await;
    assert!(matches!(exchange.answered(to_link).await, Answer::Taken { .. }));
    smsc.unbound().await;
    let refused = esme.request(Body::SubmitSm(text("new"))).await;
    let (sequence, status, _) = esme.submitted().await;
    assert_eq!((sequence, status), (refused, CommandStatus::RX_T_APPN));
    exchange.reply(reply, signalbox_core::exchange::Reply::Submitted(super::exchange::taken(1)));
    assert_eq!(esme.submitted().await.0, open);
    esme.send(receipt, CommandStatus::ROK, Body::DeliverSmResp(MessageResp::default())).await;
    assert!(matches!(exchange.answered(to_account).await, Answer::Taken { .. }));
    esme.unbound().await;
    assert!(drained.await.unwrap());
    assert!(exchange.rest().is_empty());
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_drain_ends_although_a_peer_never_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = link(1, "a", listener.local_addr().unwrap().port());
    settings.times.response = Duration::from_millis(100);
    let mut exchange = Exchange::open(linked(vec![settings])).await;
    let mut smsc = Peer::serve(&listener).await;
    let (peer, session, _) = exchange.up().await;
    let permit = exchange.send_text(session, peer, "x");
    smsc.submit_sm().await;
    assert!(exchange.links.drain(Duration::from_secs(20)).await);
    assert_eq!(exchange.answered(permit).await, Answer::Silent);
}
