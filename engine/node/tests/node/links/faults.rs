//! Peers that misbehave: what they do is bounded, and nobody else notices.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use signalbox::links::settings::{AccountSettings, LinkSettings, ListenerSettings};
use signalbox_core::exchange::{Event, Unsent};
use signalbox_core::id::{LinkId, PeerId};
use signalbox_core::message::{Body as CoreBody, Content};
use signalbox_smpp::{BindMode, Body, CommandStatus};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use super::exchange::{Exchange, account, link, linked, listener, serving, serving_by};
use super::peer::{Peer, text};

/// Who is bound, whatever the others do, is answered quickly.
async fn is_served(esme: &mut Peer) {
    let started = Instant::now();
    esme.request(Body::SubmitSm(text("x"))).await;
    assert_eq!(esme.submitted().await.1, CommandStatus::ROK);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// Ten thousand wrong binds while good peers, known and new, bind in under a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_wrong_passwords_keeps_no_good_peer_out() {
    let accounts = vec![account(7, "demo"), account(8, "victim"), account(9, "late")];
    let exchange = Exchange::open(serving(accounts)).await;
    let address = exchange.links.addresses()[0];
    let mut steady = Peer::bound(address, BindMode::Transmitter, "demo").await;
    let flood = Arc::new(tokio::sync::Semaphore::new(40));
    let flooding = tokio::spawn({
        let flood = flood.clone();
        async move {
            let mut tries = tokio::task::JoinSet::new();
            for number in 0..10_000_u32 {
                let turn = flood.clone().acquire_owned().await.unwrap();
                tries.spawn(async move {
                    let _turn = turn;
                    let mut peer = Peer::connect(address).await;
                    let status = peer.bind(BindMode::Transmitter, "victim", &format!("guess{number}")).await;
                    assert!(!status.is_ok());
                    status
                });
            }
            let mut statuses = std::collections::BTreeMap::<u32, u32>::new();
            while let Some(status) = tries.join_next().await {
                *statuses.entry(status.unwrap().0).or_default() += 1;
            }
            statuses
        }
    });
    let mut took = Vec::new();
    while !flooding.is_finished() {
        // One whose password is known, and one that binds for the first time.
        for name in ["demo", "late"] {
            let started = Instant::now();
            let mut good = Peer::bound(address, BindMode::Transmitter, name).await;
            took.push(started.elapsed());
            is_served(&mut good).await;
        }
        is_served(&mut steady).await;
    }
    let statuses = flooding.await.unwrap();
    // The machine may be at other tests too: one bind in fifty may have had to wait for it.
    took.sort();
    let usual = took[took.len() * 49 / 50];
    assert!(usual < Duration::from_secs(1), "good binds took {took:?}");
    assert!(took.len() > 20, "good peers bound {} times", took.len());
    let hashed = statuses.get(&CommandStatus::RINVPASWD.0).copied().unwrap_or(0);
    assert!(hashed <= 5, "{statuses:?}: more passwords were looked at than the lock-out allows");
    assert_eq!(statuses.values().sum::<u32>(), 10_000);
}

#[tokio::test]
async fn connections_beyond_the_bounds_are_closed() {
    let narrow =
        ListenerSettings { max_sessions: 3, max_unbound: 2, max_unbound_per_address: 2, ..listener() };
    let exchange = Exchange::open(serving_by(narrow, vec![account(7, "demo")])).await;
    let address = exchange.links.addresses()[0];
    let mut one = Peer::connect(address).await;
    let mut two = Peer::connect(address).await;
    // Both are there before the third.
    for peer in [&mut one, &mut two] {
        peer.request(Body::EnquireLink).await;
        assert_eq!(peer.pdu().await.body, Body::EnquireLinkResp);
    }
    let mut three = Peer::connect(address).await;
    assert!(three.next().await.is_none());
    assert_eq!(one.bind(BindMode::Transceiver, "demo", "secret").await, CommandStatus::ROK);
    assert_eq!(two.bind(BindMode::Transceiver, "demo", "secret").await, CommandStatus::ROK);
    let mut third = Peer::bound(address, BindMode::Transceiver, "demo").await;
    let mut fourth = Peer::connect(address).await;
    assert!(fourth.next().await.is_none());
    is_served(&mut third).await;
}

#[tokio::test]
async fn who_does_not_bind_in_time_is_closed() {
    let mut quick = listener();
    // Long enough for a password to be hashed on a busy machine.
    quick.times.bind = Duration::from_secs(1);
    let exchange = Exchange::open(serving_by(quick, vec![account(7, "demo")])).await;
    let address = exchange.links.addresses()[0];
    let mut silent = Peer::connect(address).await;
    let mut slow = Peer::connect(address).await;
    // An octet now and then is no bind either.
    slow.raw(b"\0").await;
    assert!(silent.next().await.is_none());
    assert!(slow.next().await.is_none());
    let mut good = Peer::bound(address, BindMode::Transceiver, "demo").await;
    is_served(&mut good).await;
}

#[tokio::test]
async fn garbage_is_nacked_and_ends_its_own_session_only() {
    let exchange = Exchange::open(serving(vec![account(7, "demo")])).await;
    let address = exchange.links.addresses()[0];
    let mut good = Peer::bound(address, BindMode::Transceiver, "demo").await;
    let mut stranger = Peer::connect(address).await;
    stranger.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(stranger.pdu().await.body, Body::GenericNack);
    assert!(stranger.next().await.is_none());
    let mut member = Peer::bound(address, BindMode::Transceiver, "demo").await;
    member.raw(&[0xff; 64]).await;
    assert_eq!(member.pdu().await.status, CommandStatus::RINVCMDLEN);
    assert!(member.next().await.is_none());
    is_served(&mut good).await;
}

/// A peer that sends an octet at a time is served as slowly as it asks, and holds nobody up.
#[tokio::test]
async fn an_octet_at_a_time_holds_nobody_up() {
    let exchange = Exchange::open(serving(vec![account(7, "demo")])).await;
    let address = exchange.links.addresses()[0];
    let mut good = Peer::bound(address, BindMode::Transceiver, "demo").await;
    let mut slow = Peer::bound(address, BindMode::Transceiver, "demo").await;
    let mut octets = bytes::BytesMut::new();
    signalbox_smpp::Pdu::new(9, Body::SubmitSm(text("slow"))).encode(&mut octets, &slow.profile).unwrap();
    for (index, octet) in octets.iter().enumerate() {
        slow.raw(&[*octet]).await;
        if index % 16 == 0 {
            is_served(&mut good).await;
        }
    }
    assert_eq!(slow.submitted().await.0, 9);
}

#[tokio::test]
async fn who_sends_octets_and_no_messages_is_unbound() {
    let mut quick = listener();
    quick.times.inactivity = Some(Duration::from_millis(150));
    let exchange = Exchange::open(serving_by(quick, vec![account(7, "demo")])).await;
    let mut idle = Peer::bound(exchange.links.addresses()[0], BindMode::Transceiver, "demo").await;
    idle.request(Body::EnquireLink).await;
    assert_eq!(idle.pdu().await.body, Body::EnquireLinkResp);
    assert_eq!(idle.pdu().await.body, Body::Unbind);
}

/// A stream whose kernel buffers are as small as they can be.
async fn deaf(to: SocketAddr) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(1024).unwrap();
    socket.connect(to).await.unwrap()
}

/// An ESME that floods and never reads: its memory here is bounded, it is cut off, others are served.
#[tokio::test]
async fn who_floods_and_never_reads_is_cut_off() {
    let mut quick = listener();
    quick.times.write = Duration::from_millis(300);
    let rate = signalbox_core::gcra::Rate::per_second(1).unwrap();
    let accounts =
        vec![AccountSettings { rate: Some(rate), burst: 1, ..account(7, "demo") }, account(8, "good")];
    let exchange = Exchange::open(serving_by(quick, accounts)).await;
    let address = exchange.links.addresses()[0];
    let mut good = Peer::bound(address, BindMode::Transceiver, "good").await;
    let mut peer = Peer::over(deaf(address).await);
    assert_eq!(peer.bind(BindMode::Transmitter, "demo", "secret").await, CommandStatus::ROK);
    let mut octets = bytes::BytesMut::new();
    for sequence in 1..=1000 {
        signalbox_smpp::Pdu::new(sequence, Body::EnquireLink).encode(&mut octets, &peer.profile).unwrap();
    }
    let mut sent = 0_usize;
    let flooded = tokio::time::timeout(Duration::from_secs(15), async {
        loop {
            match peer.stream.write(&octets).await {
                Ok(octets) => sent += octets,
                Err(_) => return,
            }
        }
    });
    flooded.await.expect("the connection is closed");
    // What we took in without being able to answer: our output's bound and what kernels hold.
    assert!(sent < 64 << 20, "{sent} octets were taken from a peer that reads nothing");
    is_served(&mut good).await;
}

/// Nothing of what a peer does not read is called sent: what the kernel has is in doubt, the rest is not.
#[tokio::test]
async fn what_a_deaf_peer_was_not_sent_is_not_in_doubt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    socket2::SockRef::from(&listener).set_recv_buffer_size(1024).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut settings = LinkSettings { window: 2000, ..link(4, "a", port) };
    settings.times.write = Duration::from_millis(300);
    settings.times.response = Duration::from_secs(60);
    let mut exchange = Exchange::open(linked(vec![settings])).await;
    let peer = Peer::serve(&listener).await;
    let (id, session, _) = exchange.up().await;
    let mut permits = Vec::new();
    for _ in 0..2000 {
        let content = Content {
            tlvs: signalbox_smpp::Tlvs::new()
                .with(signalbox_smpp::Tag::MESSAGE_PAYLOAD, &[b'x'; 10_000])
                .unwrap()
                .as_bytes()
                .clone(),
            ..Content::default()
        };
        permits.push(exchange.send(session, id, CoreBody::Content(content), Duration::from_secs(60)));
    }
    let (unsent, in_flight) = exchange.down(session).await;
    let mut all: Vec<_> = unsent.iter().chain(&in_flight).copied().collect();
    all.sort();
    permits.sort();
    assert_eq!(all, permits, "each permit is answered for once");
    assert!(!in_flight.is_empty() && !unsent.is_empty());
    let arrived = {
        let mut peer = peer;
        let mut arrived = 0;
        while let Some(pdu) = peer.next().await {
            arrived += usize::from(matches!(pdu.body, Body::SubmitSm(_)));
        }
        arrived
    };
    assert_eq!(arrived, in_flight.len(), "the kernel delivers what it took, and nothing else is in doubt");
}

/// A permit that runs out while its PDU waits for the kernel ends the connection: it must not be written later.
#[tokio::test]
async fn a_permit_that_runs_out_on_the_way_ends_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    socket2::SockRef::from(&listener).set_recv_buffer_size(1024).unwrap();
    let port = listener.local_addr().unwrap().port();
    let settings = LinkSettings { window: 2000, ..link(4, "a", port) };
    let mut exchange = Exchange::open(linked(vec![settings])).await;
    let _deaf = Peer::serve(&listener).await;
    let (id, session, _) = exchange.up().await;
    let mut permits = Vec::new();
    for _ in 0..2000 {
        let content = Content {
            tlvs: signalbox_smpp::Tlvs::new()
                .with(signalbox_smpp::Tag::MESSAGE_PAYLOAD, &[b'x'; 10_000])
                .unwrap()
                .as_bytes()
                .clone(),
            ..Content::default()
        };
        permits.push(exchange.send(session, id, CoreBody::Content(content), Duration::from_millis(400)));
    }
    let (unsent, in_flight) = exchange.down(session).await;
    let given_back = exchange
        .rest()
        .into_iter()
        .filter(|event| matches!(event, Event::Unsent { why: Unsent::NotWritten, .. }))
        .count();
    assert_eq!(unsent.len() + in_flight.len() + given_back, permits.len());
    assert!(given_back > 0 || !unsent.is_empty());
}

#[tokio::test]
async fn an_smsc_that_sends_garbage_is_left_and_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut exchange = Exchange::open(linked(vec![link(4, "a", port)])).await;
    let mut smsc = Peer::serve(&listener).await;
    let (_, session, _) = exchange.up().await;
    let permit = exchange.send_text(session, PeerId::Link(LinkId(4)), "x");
    smsc.submit_sm().await;
    smsc.raw(&[0xff; 32]).await;
    let (unsent, in_flight) = exchange.down(session).await;
    assert_eq!((unsent, in_flight), (Vec::new(), vec![permit]));
    let _again = Peer::serve(&listener).await;
    exchange.up().await;
}

/// Messages that come while a session ends are given back, not lost.
#[tokio::test]
async fn what_comes_while_a_session_ends_is_given_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut exchange = Exchange::open(linked(vec![link(4, "a", port)])).await;
    let mut smsc = Peer::serve(&listener).await;
    let (id, session, _) = exchange.up().await;
    let stopped = exchange.stop().await;
    // A message and the end of the stream: the session is over, and waits to tell of the message.
    let mut octets = bytes::BytesMut::new();
    signalbox_smpp::Pdu::new(9, Body::DeliverSm(text("last"))).encode(&mut octets, &smsc.profile).unwrap();
    octets.extend_from_slice(&[0xff; 16]);
    smsc.raw(&octets).await;
    while exchange.links.states()[0].sessions[0].received == 0 {
        tokio::task::yield_now().await;
    }
    let permits = exchange.send_batch(session, id, 5);
    drop(stopped);
    assert_eq!(exchange.down(session).await, (permits, Vec::new()));
    exchange.event("mo", |event| matches!(event, Event::Inbound(_)).then_some(())).await;
}

/// An exchange that is behind holds peers back; nothing is lost and nothing is refused.
#[tokio::test]
async fn an_exchange_that_is_behind_holds_the_peers_back() {
    let exchange = Exchange::open(serving(vec![account(7, "demo")])).await;
    let mut esme = Peer::bound(exchange.links.addresses()[0], BindMode::Transmitter, "demo").await;
    let stopped = exchange.stop().await;
    for _ in 0..200 {
        esme.request(Body::SubmitSm(text("x"))).await;
    }
    let answer = tokio::time::timeout(Duration::from_millis(100), esme.next()).await;
    assert!(answer.is_err(), "answered by nobody: {answer:?}");
    drop(stopped);
    for _ in 0..200 {
        assert_eq!(esme.submitted().await.1, CommandStatus::ROK);
    }
}
