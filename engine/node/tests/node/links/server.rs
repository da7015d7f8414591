//! We as SMSC.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use signalbox::links::Phase;
use signalbox::links::settings::{AccountSettings, LinksSettings, OutbindTarget, Password};
use signalbox_core::address::Address as CoreAddress;
use signalbox_core::exchange::{
    Answer, Ask, CommandReply, Event, MessageReply, MessageView, QueueView, Refusal, Reply, Stage, Taken,
};
use signalbox_core::gcra::Rate;
use signalbox_core::id::{AccountId, PeerId};
use signalbox_core::message::{Body as CoreBody, Content, Direction, ReceiptRequest, TrafficClass};
use signalbox_core::outcome::{ErrorClass, Reason};
use signalbox_core::time::Micros;
use signalbox_smpp::{
    Address, Bind, BindMode, Body, BroadcastSm, CancelSm, CommandId, CommandStatus, DataSm, Destination,
    MessageResp, MessageState, QuerySm, RegisteredDelivery, ReplaceSm, ShortMessage, SubmitMulti, Tag, Tlvs,
    Version,
};

use super::exchange::{Exchange, account, serving, taken};
use super::peer::{Peer, text};

async fn open(accounts: Vec<AccountSettings>) -> (Exchange, std::net::SocketAddr) {
    let exchange = Exchange::open(serving(accounts)).await;
    let address = exchange.links.addresses()[0];
    (exchange, address)
}

fn is_submit(event: &Event) -> Option<signalbox_core::exchange::Submit> {
    match event {
        Event::Submit(submit) => Some((**submit).clone()),
        _ => None,
    }
}

#[tokio::test]
async fn a_submission_is_answered_with_the_exchanges_id() {
    let (mut exchange, address) = open(vec![account(7, "demo")]).await;
    let mut esme = Peer::bound(address, BindMode::Transceiver, "demo").await;
    let (peer, _, window) = exchange.up().await;
    assert_eq!((peer, window), (PeerId::Account(AccountId(7)), 100));
    let message =
        ShortMessage { registered_delivery: RegisteredDelivery::FINAL, priority_flag: 3, ..text("hello") };
    let sequence = esme.request(Body::SubmitSm(message)).await;
    assert_eq!(esme.submitted().await, (sequence, CommandStatus::ROK, "00000001".to_owned()));
    let submit = exchange.event("submission", is_submit).await;
    assert_eq!(submit.account, AccountId(7));
    assert_eq!(&submit.parts[0].payload[..], b"hello");
    // priority_flag asks for more than the account's class, which is not given.
    assert_eq!((submit.class, submit.receipt), (TrafficClass::Transactional, ReceiptRequest(1)));
    esme.request(Body::Unbind).await;
    assert_eq!(esme.pdu().await.body, Body::UnbindResp);
    esme.end().await;
}

#[tokio::test]
async fn nothing_is_answered_before_the_exchange_has_taken_it() {
    let (mut exchange, address) = open(vec![account(7, "demo")]).await;
    exchange.answer(|_| None);
    let mut esme = Peer::bound(address, BindMode::Transmitter, "demo").await;
    let first = esme.request(Body::SubmitSm(text("a"))).await;
    let second = esme.request(Body::SubmitSm(text("b"))).await;
    let a = exchange.event("submission", is_submit).await.reply;
    let b = exchange.event("submission", is_submit).await.reply;
    // What is answered first goes out first; the peer matches by sequence_number.
    exchange.reply(b, Reply::Submitted(taken(2)));
    assert_eq!(esme.submitted().await.0, second);
    exchange.reply(a, Reply::Refused(Refusal::Draining));
    let (sequence, status, id) = esme.submitted().await;
    assert_eq!((sequence, status, id.as_str()), (first, CommandStatus::RX_T_APPN, ""));
}

#[tokio::test]
async fn many_requests_in_one_segment_are_one_offer_and_one_write() {
    let (mut exchange, address) = open(vec![account(7, "demo")]).await;
    let mut esme = Peer::bound(address, BindMode::Transmitter, "demo").await;
    let mut octets = bytes::BytesMut::new();
    for sequence in 100..200 {
        let pdu = signalbox_smpp::Pdu::new(sequence, Body::SubmitSm(text("batch")));
        pdu.encode(&mut octets, &esme.profile).unwrap();
    }
    esme.raw(&octets).await;
    for sequence in 100..200 {
        assert_eq!(esme.submitted().await.0, sequence);
    }
    for _ in 0..100 {
        exchange.event("submission", is_submit).await;
    }
}

#[tokio::test]
async fn every_refusal_has_its_status() {
    let (exchange, address) = open(vec![account(7, "demo")]).await;
    let mut esme = Peer::bound(address, BindMode::Transmitter, "demo").await;
    for (refusal, status) in [
        (Refusal::QueueFull { held: 9 }, CommandStatus::RMSGQFUL),
        (Refusal::NoRoute, CommandStatus::RINVDSTADR),
        (Refusal::SourceNotAllowed, CommandStatus::RINVSRCADR),
        (Refusal::CounterThrottle, CommandStatus::RTHROTTLED),
        (Refusal::BadSchedule, CommandStatus::RINVSCHED),
        (Refusal::Internal, CommandStatus::RSYSERR),
    ] {
        exchange.answer(move |_| Some(Reply::Refused(refusal.clone())));
        esme.request(Body::SubmitSm(text("x"))).await;
        assert_eq!(esme.submitted().await.1, status);
    }
}

#[tokio::test]
async fn submit_multi_names_the_destinations_that_were_refused() {
    let (exchange, address) = open(vec![account(7, "demo")]).await;
    let mut esme = Peer::bound(address, BindMode::Transmitter, "demo").await;
    exchange.answer(|_| {
        let refused = CoreAddress::new(1, 1, b"447700900002").unwrap();
        Some(Reply::Submitted(Taken {
            refused: smallvec::smallvec![(refused, Refusal::NoRoute)],
            ..taken(5)
        }))
    });
    let to = |digits: &str| Destination::Address(Address::international(digits));
    let multi = SubmitMulti {
        source: Address::alphanumeric("Bank"),
        destinations: vec![to("447700900001"), to("447700900002")],
        short_message: Bytes::from_static(b"hi"),
        ..SubmitMulti::default()
    };
    esme.request(Body::SubmitMulti(multi)).await;
    let pdu = esme.pdu().await;
    let Body::SubmitMultiResp(resp) = pdu.body else { panic!("{pdu:?}") };
    assert_eq!((pdu.status, resp.message_id.to_string().as_str()), (CommandStatus::ROK, "00000005"));
    assert_eq!(resp.unsuccessful.len(), 1);
    assert_eq!(resp.unsuccessful[0].status, CommandStatus::RINVDSTADR);
    assert_eq!(resp.unsuccessful[0].destination, Address::international("447700900002"));
}

#[tokio::test]
async fn data_sm_is_answered_as_data_sm() {
    let (mut exchange, address) = open(vec![account(7, "demo")]).await;
    let mut esme = Peer::bound(address, BindMode::Transceiver, "demo").await;
    let data = DataSm {
        destination: Address::international("447700900123"),
        tlvs: Tlvs::new().with(Tag::MESSAGE_PAYLOAD, b"hello").unwrap(),
        ..DataSm::default()
    };
    esme.request(Body::DataSm(data)).await;
    let pdu = esme.pdu().await;
    assert_eq!(pdu.body, Body::DataSmResp(MessageResp::new("00000001")));
    assert!(exchange.event("submission", is_submit).await.parts[0].data_sm);
}

#[tokio::test]
async fn messages_can_be_asked_about_cancelled_and_replaced() {
    let (mut exchange, address) = open(vec![account(7, "demo")]).await;
    let mut esme = Peer::bound(address, BindMode::Transmitter, "demo").await;
    exchange.answer(|event| {
        let Event::Message(query) = event else { return None };
        Some(Reply::Message(match (&query.ask, query.visible_id.as_str()) {
            (Ask::Query, "1") => MessageReply::State(Box::new(MessageView {
                id: taken(1).id,
                visible_id: "1".into(),
                direction: Direction::Mt,
                account: Some(AccountId(7)),
                source: CoreAddress::default(),
                destination: CoreAddress::default(),
                class: TrafficClass::Bulk,
                stage: Stage::AwaitingReceipt,
                outcome: None,
                reason: Reason::None,
                peer: None,
                attempts: 1,
                status: 0,
                remote_id: String::new(),
                accepted_at: Micros(1),
                due_at: None,
                expires_at: Micros(2),
                final_at: None,
            })),
            (Ask::Cancel { .. }, "1") => MessageReply::Cancelled(1),
            (Ask::Replace { .. }, "1") => MessageReply::Replaced,
            (Ask::Replace { .. }, _) => MessageReply::TooLate,
            _ => MessageReply::NotFound,
        }))
    });
    let query = |id: &str| Body::QuerySm(QuerySm { message_id: id.into(), ..QuerySm::default() });
    esme.request(query("1")).await;
    let Body::QuerySmResp(resp) = esme.pdu().await.body else { panic!() };
    assert_eq!(resp.message_state, MessageState::ENROUTE);
    esme.request(query("2")).await;
    assert_eq!(esme.pdu().await.status, CommandStatus::RINVMSGID);
    esme.request(Body::CancelSm(CancelSm { message_id: "1".into(), ..CancelSm::default() })).await;
    let pdu = esme.pdu().await;
    assert_eq!((pdu.status, pdu.body), (CommandStatus::ROK, Body::CancelSmResp));
    let replace = |id: &str| ReplaceSm {
        message_id: id.into(),
        short_message: Bytes::from_static(b"new"),
        ..ReplaceSm::default()
    };
    esme.request(Body::ReplaceSm(replace("1"))).await;
    assert_eq!(esme.pdu().await.status, CommandStatus::ROK);
    esme.request(Body::ReplaceSm(replace("2"))).await;
    assert_eq!(esme.pdu().await.status, CommandStatus::RREPLACEFAIL);
    exchange.event("query", |event| matches!(event, Event::Message(_)).then_some(())).await;
}

#[tokio::test]
async fn broadcasts_are_refused_with_a_status_of_their_own() {
    let (_exchange, address) = open(vec![account(7, "demo")]).await;
    let mut esme = Peer::connect(address).await;
    let bind = Bind::new("demo", "secret", Version::V5_0);
    assert_eq!(esme.bind_as(BindMode::Transceiver, bind).await, CommandStatus::ROK);
    esme.request(Body::BroadcastSm(BroadcastSm::default())).await;
    let pdu = esme.pdu().await;
    assert_eq!((pdu.command(), pdu.status), (CommandId::BROADCAST_SM_RESP, CommandStatus::RBCASTFAIL));
    esme.request(Body::EnquireLink).await;
    assert_eq!(esme.pdu().await.body, Body::EnquireLinkResp);
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_and_the_session_goes_on() {
    let (mut exchange, address) = open(vec![account(7, "demo")]).await;
    let mut esme = Peer::bound(address, BindMode::Transceiver, "demo").await;
    // A submit_sm cut off after service_type, and an unknown command.
    esme.raw(b"\0\0\0\x11\0\0\0\x04\0\0\0\0\0\0\0\x20\0").await;
    let pdu = esme.pdu().await;
    assert_eq!((pdu.sequence, pdu.command()), (0x20, CommandId::SUBMIT_SM_RESP));
    assert_eq!(pdu.status, CommandStatus::RINVCMDLEN);
    esme.raw(b"\0\0\0\x10\0\0\x7f\0\0\0\0\0\0\0\0\x21").await;
    let pdu = esme.pdu().await;
    assert_eq!((pdu.command(), pdu.status), (CommandId::GENERIC_NACK, CommandStatus::RINVCMDID));
    esme.request(Body::SubmitSm(text("still here"))).await;
    assert_eq!(esme.submitted().await.1, CommandStatus::ROK);
    assert_eq!(&exchange.event("submission", is_submit).await.parts[0].payload[..], b"still here");
}

#[tokio::test]
async fn the_rate_is_shared_by_all_sessions_of_an_account() {
    let limited =
        AccountSettings { rate: Some(Rate::per_minute(1).unwrap()), burst: 5, ..account(7, "demo") };
    let (mut exchange, address) = open(vec![limited, account(8, "other")]).await;
    let mut one = Peer::bound(address, BindMode::Transmitter, "demo").await;
    let mut two = Peer::bound(address, BindMode::Transmitter, "demo").await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        for esme in [&mut one, &mut two] {
            esme.request(Body::SubmitSm(text("x"))).await;
            statuses.push(esme.submitted().await.1);
        }
    }
    let ok = statuses.iter().filter(|status| status.is_ok()).count();
    let throttled = statuses.iter().filter(|status| **status == CommandStatus::RTHROTTLED).count();
    assert_eq!((ok, throttled), (5, 3));
    for _ in 0..5 {
        exchange.event("submission", is_submit).await;
    }
    let mut other = Peer::bound(address, BindMode::Transmitter, "other").await;
    other.request(Body::SubmitSm(text("x"))).await;
    assert_eq!(other.submitted().await.1, CommandStatus::ROK);
}

#[tokio::test]
async fn requests_beyond_the_window_are_throttled() {
    let narrow = AccountSettings { window: 3, ..account(7, "demo") };
    let (mut exchange, address) = open(vec![narrow]).await;
    exchange.answer(|_| None);
    let mut esme = Peer::bound(address, BindMode::Transmitter, "demo").await;
    for _ in 0..5 {
        esme.request(Body::SubmitSm(text("x"))).await;
    }
    assert_eq!(esme.submitted().await.1, CommandStatus::RTHROTTLED);
    assert_eq!(esme.submitted().await.1, CommandStatus::RTHROTTLED);
    let open = exchange.event("submission", is_submit).await.reply;
    exchange.reply(open, Reply::Submitted(taken(1)));
    assert_eq!(esme.submitted().await.1, CommandStatus::ROK);
    exchange.answer(super::exchange::takes_all());
    esme.request(Body::SubmitSm(text("room again"))).await;
    assert_eq!(esme.submitted().await.1, CommandStatus::ROK);
}

#[tokio::test]
async fn receipts_and_messages_go_to_who_can_receive() {
    let (mut exchange, address) = open(vec![account(7, "demo")]).await;
    let _sender = Peer::bound(address, BindMode::Transmitter, "demo").await;
    let mut receiver = Peer::bound(address, BindMode::Receiver, "demo").await;
    let (peer, session, _) = exchange.up().await;
    let receipt = exchange.send_receipt(session, peer, "0000002A");
    let (sequence, message) = receiver.deliver_sm().await;
    assert!(message.esm_class.is_receipt());
    assert!(message.short_message.starts_with(b"id:0000002A sub:001 dlvrd:001"), "{message:?}");
    assert_eq!(message.tlvs.receipted_message_id(), Some(&b"0000002A"[..]));
    receiver.send(sequence, CommandStatus::ROK, Body::DeliverSmResp(MessageResp::default())).await;
    assert_eq!(exchange.answered(receipt).await, Answer::Taken { remote_id: Bytes::new() });
    let mo = exchange.send_text(session, peer, "MO");
    let (sequence, message) = receiver.deliver_sm().await;
    assert_eq!(&message.short_message[..], b"MO");
    receiver.send(sequence, CommandStatus::RX_T_APPN, Body::DeliverSmResp(MessageResp::default())).await;
    assert_eq!(
        exchange.answered(mo).await,
        Answer::Refused { class: ErrorClass::Temporary, status: CommandStatus::RX_T_APPN.0 }
    );
    // The transmitter was announced to nobody.
    assert!(!exchange.rest().iter().any(|event| matches!(event, Event::SessionUp { .. })));
}

#[tokio::test]
async fn a_peer_of_3_3_gets_no_tlvs_and_no_data_sm() {
    let by_data_sm = AccountSettings { deliver_as_data_sm: true, ..account(7, "demo") };
    let (mut exchange, address) = open(vec![by_data_sm]).await;
    let mut old = Peer::connect(address).await;
    let bind = Bind::new("demo", "secret", Version::V3_3);
    assert_eq!(old.bind_as(BindMode::Receiver, bind).await, CommandStatus::ROK);
    let (peer, session, _) = exchange.up().await;
    exchange.send_receipt(session, peer, "0000002A");
    let (_, message) = old.deliver_sm().await;
    assert!(message.tlvs.is_empty());
    // To a newer one it goes as data_sm.
    let mut new = Peer::bound(address, BindMode::Receiver, "demo").await;
    let (peer, session, _) = exchange.up().await;
    exchange.send_receipt(session, peer, "0000002A");
    assert_eq!(new.pdu().await.command(), CommandId::DATA_SM);
}

#[tokio::test]
async fn an_id_that_a_3_3_peer_cannot_take_is_left_out_of_a_positive_answer() {
    let (exchange, address) = open(vec![account(7, "demo")]).await;
    let mut old = Peer::connect(address).await;
    let bind = Bind::new("demo", "secret", Version::V3_3);
    assert_eq!(old.bind_as(BindMode::Transmitter, bind).await, CommandStatus::ROK);
    exchange.answer(|_| Some(Reply::Submitted(Taken { visible_id: "0123456789abcdef".into(), ..taken(1) })));
    old.request(Body::SubmitSm(text("x"))).await;
    let (_, status, id) = old.submitted().await;
    assert_eq!((status, id.as_str()), (CommandStatus::ROK, ""));
}

#[tokio::test]
async fn what_cannot_be_written_to_the_peer_is_given_back() {
    let (mut exchange, address) = open(vec![account(7, "demo")]).await;
    let mut old = Peer::connect(address).await;
    let bind = Bind::new("demo", "secret", Version::V3_3);
    assert_eq!(old.bind_as(BindMode::Receiver, bind).await, CommandStatus::ROK);
    let (peer, session, _) = exchange.up().await;
    let long = Content { payload: vec![b'x'; 300].into(), ..Content::default() };
    let permit = exchange.send(session, peer, CoreBody::Content(long), Duration::from_secs(60));
    let why = exchange.unsent(permit).await;
    assert_eq!(why, signalbox_core::exchange::Unsent::NotEncodable);
    exchange.send_text(session, peer, "short");
    assert_eq!(&old.deliver_sm().await.1.short_message[..], b"short");
}

#[tokio::test]
async fn congestion_is_told_to_peers_of_5_0() {
    let (_exchange, address) = open(vec![account(7, "demo")]).await;
    let mut esme = Peer::connect(address).await;
    let bind = Bind::new("demo", "secret", Version::V5_0);
    assert_eq!(esme.bind_as(BindMode::Transmitter, bind).await, CommandStatus::ROK);
    esme.request(Body::SubmitSm(text("x"))).await;
    let Body::SubmitSmResp(resp) = esme.pdu().await.body else { panic!() };
    assert_eq!(resp.tlvs.congestion_state(), Some(0));
}

#[tokio::test]
async fn an_account_that_is_switched_off_ends_and_the_others_stay() {
    let (mut exchange, address) = open(vec![account(7, "demo"), account(8, "other")]).await;
    let mut demo = Peer::bound(address, BindMode::Transceiver, "demo").await;
    let (_, session, _) = exchange.up().await;
    let mut other = Peer::bound(address, BindMode::Transceiver, "other").await;
    let before = serving(vec![account(7, "demo"), account(8, "other")]);
    let settings = LinksSettings {
        accounts: vec![
            Arc::new(AccountSettings { enabled: false, ..account(7, "demo") }),
            Arc::new(account(8, "other")),
        ],
        ..before
    };
    exchange.links.apply(settings).await.unwrap();
    demo.unbound().await;
    demo.end().await;
    assert_eq!(exchange.down(session).await, (Vec::new(), Vec::new()));
    other.request(Body::SubmitSm(text("still here"))).await;
    assert_eq!(other.submitted().await.1, CommandStatus::ROK);
    let mut again = Peer::connect(address).await;
    let status = again.bind(BindMode::Transceiver, "demo", "secret").await;
    assert_eq!(status, CommandStatus::RINVSYSID);
    let states = exchange.links.states();
    let bound: Vec<(&str, usize)> = states.iter().map(|state| (state.name.as_str(), state.bound())).collect();
    assert_eq!(bound, [("demo", 0), ("other", 1)]);
    let session = &states[1].sessions[0];
    assert_eq!((session.phase, session.mode), (Phase::Bound, Some(BindMode::Transceiver)));
}

#[tokio::test]
async fn a_second_try_on_one_connection_is_not_given() {
    let (_exchange, address) = open(vec![account(7, "demo")]).await;
    let mut esme = Peer::connect(address).await;
    assert_eq!(esme.bind(BindMode::Transceiver, "demo", "wrong").await, CommandStatus::RINVPASWD);
    assert!(esme.next().await.is_none());
}

#[tokio::test]
async fn requests_before_the_bind_are_refused() {
    let (_exchange, address) = open(vec![account(7, "demo")]).await;
    let mut esme = Peer::connect(address).await;
    esme.request(Body::SubmitSm(text("x"))).await;
    assert_eq!(esme.pdu().await.status, CommandStatus::RINVBNDSTS);
    assert_eq!(esme.bind(BindMode::Transceiver, "demo", "secret").await, CommandStatus::ROK);
    esme.request(Body::SubmitSm(text("x"))).await;
    assert_eq!(esme.submitted().await.1, CommandStatus::ROK);
}

/// A peer with Nagle's algorithm on, as most have, writes its second small piece only when the first is
/// acknowledged: a delayed acknowledgement would cost 40 ms each time.
#[tokio::test]
async fn a_peer_with_nagle_on_is_acknowledged_at_once() {
    let (_exchange, address) = open(vec![account(7, "demo")]).await;
    let mut esme = Peer::bound(address, BindMode::Transmitter, "demo").await;
    esme.stream.set_nodelay(false).unwrap();
    let mut octets = bytes::BytesMut::new();
    let message = signalbox_smpp::Pdu::new(9, Body::SubmitSm(text("in two pieces")));
    message.encode(&mut octets, &esme.profile).unwrap();
    let (head, tail) = octets.split_at(20);
    let started = std::time::Instant::now();
    for _ in 0..100 {
        esme.raw(head).await;
        esme.raw(tail).await;
        assert_eq!(esme.submitted().await.1, CommandStatus::ROK);
    }
    let took = started.elapsed();
    assert!(took < Duration::from_millis(1500), "a hundred messages took {took:?}");
}

/// Mail waits, nobody is bound: we knock where the account listens, and it binds over that connection.
#[tokio::test]
async fn an_account_whose_mail_waits_is_asked_to_bind() {
    let esme = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = OutbindTarget {
        host: "127.0.0.1".into(),
        port: esme.local_addr().unwrap().port(),
        system_id: "signalbox".into(),
        password: Password("knock".into()),
        every: Duration::from_millis(20),
    };
    let (mut exchange, _) = open(vec![AccountSettings { outbind: Some(target), ..account(7, "demo") }]).await;
    let waiting = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let told = waiting.clone();
    exchange.answer(move |event| match event {
        Event::Command { .. } => Some(Reply::Command(Box::new(CommandReply::Queues(vec![QueueView {
            peer: PeerId::Account(AccountId(7)),
            waiting: [0, told.load(std::sync::atomic::Ordering::SeqCst), 0, 0],
            in_flight: 0,
            awaiting_receipt: 0,
            oldest_age: 0,
            oldest_ages: [0; 4],
            sessions: 0,
            window: 0,
            rate: None,
            enabled: true,
        }])))),
        _ => None,
    });
    // It is asked about, and as long as nothing waits nobody knocks.
    for _ in 0..3 {
        exchange.event("question", |event| matches!(event, Event::Command { .. }).then_some(())).await;
    }
    waiting.store(3, std::sync::atomic::Ordering::SeqCst);
    let mut esme = Peer::accept(&esme).await;
    let pdu = esme.pdu().await;
    let Body::Outbind(knock) = pdu.body else { panic!("{pdu:?}") };
    assert_eq!((knock.system_id.as_slice(), knock.password.as_slice()), (&b"signalbox"[..], &b"knock"[..]));
    assert_eq!(esme.bind(BindMode::Receiver, "demo", "secret").await, CommandStatus::ROK);
    let (peer, session, _) = exchange.up().await;
    exchange.send_text(session, peer, "mail");
    assert_eq!(&esme.deliver_sm().await.1.short_message[..], b"mail");
}

/// A bind that comes in pieces, with the first message behind it in the same segment.
#[tokio::test]
async fn a_bind_in_pieces_with_a_message_behind_it_works() {
    let (_exchange, address) = open(vec![account(7, "demo")]).await;
    let mut esme = Peer::connect(address).await;
    let mut octets = bytes::BytesMut::new();
    let bind = Body::BindTransceiver(Bind::new("demo", "secret", Version::V3_4));
    signalbox_smpp::Pdu::new(1, bind).encode(&mut octets, &esme.profile).unwrap();
    for octet in &octets {
        esme.raw(&[*octet]).await;
    }
    let resp = esme.pdu().await;
    assert_eq!((resp.sequence, resp.status), (1, CommandStatus::ROK));
    esme.request(Body::SubmitSm(text("x"))).await;
    assert_eq!(esme.submitted().await.1, CommandStatus::ROK);
}
