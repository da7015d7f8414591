//! The server side on the wire: raw octets in, answers out, as a peer's test bench would see them.

use crate::harness::{Lone, deliver_sm, encoded, submit};
use crate::profiles::{Frame, PLAIN, Submit};
use bytes::{Bytes, BytesMut};
use signalbox_smpp::{
    Bind, BindMode, Body, CancelSm, CloseReason, CommandId, CommandStatus, DataSm, Event, MessageResp, Pdu,
    QuerySm, ReplaceSm, SubmitMulti, SubmitMultiResp, Version,
};

/// An owner as simple as one can be: `demo` with password `demo` may bind, every message is accepted, nothing
/// else is supported.
fn own(lone: &mut Lone, events: Vec<Event>) -> Option<CloseReason> {
    let mut closed = None;
    for event in events {
        match event {
            Event::BindRequest { bind, .. } if bind.password == "demo" => {
                lone.session.accept_bind(lone.now, "smsc").expect("a bind waits");
            }
            Event::BindRequest { .. } => {
                lone.session.reject_bind(lone.now, CommandStatus::RINVPASWD).expect("a bind waits");
            }
            Event::Request { sequence, body, .. } => answer(lone, sequence, &body),
            Event::Closed(reason) => closed = Some(reason),
            Event::Malformed { .. } | Event::PeerUnbind { .. } | Event::Unsolicited { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    closed
}

fn answer(lone: &mut Lone, sequence: u32, request: &Body) {
    let ok = CommandStatus::ROK;
    let (status, resp) = match request {
        Body::SubmitSm(_) => (ok, Body::SubmitSmResp(MessageResp::new("1a2b"))),
        Body::DataSm(_) => (ok, Body::DataSmResp(MessageResp::new("1a2b"))),
        Body::SubmitMulti(_) => {
            let resp = SubmitMultiResp { message_id: "1a2b".into(), ..SubmitMultiResp::default() };
            (ok, Body::SubmitMultiResp(resp))
        }
        Body::QuerySm(_) => (CommandStatus::RQUERYFAIL, Body::QuerySmResp(Default::default())),
        Body::CancelSm(_) => (CommandStatus::RCANCELFAIL, Body::CancelSmResp),
        Body::ReplaceSm(_) => (CommandStatus::RREPLACEFAIL, Body::ReplaceSmResp),
        other => panic!("{other:?}"),
    };
    lone.session.respond(lone.now, sequence, status, &resp).expect("it waits");
}

/// How the session stands before the octets come.
#[derive(Clone, Copy, PartialEq)]
enum Start {
    Fresh,
    Bound(BindMode),
}

use Start::{Bound, Fresh};
const TX: Start = Bound(BindMode::Transmitter);
const RX: Start = Bound(BindMode::Receiver);
const TRX: Start = Bound(BindMode::Transceiver);

struct Check {
    name: &'static str,
    start: Start,
    octets: Vec<u8>,
    /// command, status, sequence of all answers.
    answers: Vec<(CommandId, CommandStatus, u32)>,
    closed: Option<fn(CloseReason) -> bool>,
}

fn pdu(sequence: u32, body: Body) -> Bytes {
    encoded(&Pdu::new(sequence, body))
}

fn join(parts: &[Bytes]) -> Vec<u8> {
    parts.concat()
}

/// The same PDU under another number.
fn numbered(frame: Bytes, sequence: u32) -> Bytes {
    let mut octets = BytesMut::from(&frame[..]);
    assert!(signalbox_smpp::frame::patch_sequence(&mut octets, sequence));
    octets.freeze()
}

fn cut(frame: Bytes, octets: usize) -> Bytes {
    let mut frame = frame[..octets].to_vec();
    frame[..4].copy_from_slice(&(octets as u32).to_be_bytes());
    frame.into()
}

fn bind(mode: BindMode, password: &str) -> Body {
    mode.request(Bind::new("demo", password, Version::V3_4))
}

const LONG: &[u8] = b"012345678901234567890123456789";

#[rustfmt::skip]
fn checks() -> Vec<Check> {
    use CommandId as C;
    use CommandStatus as S;
    let mut list = Vec::new();
    let mut check = |name, start, octets: Vec<u8>, answers: &[(CommandId, CommandStatus, u32)]| {
        list.push(Check { name, start, octets, answers: answers.to_vec(), closed: None });
    };
    let header = |command, octets: &[u8]| Frame::new(command, S::ROK).octets(octets).sequence(5).bytes().to_vec();
    let tx = BindMode::Transmitter;
    let rx = BindMode::Receiver;
    let trx = BindMode::Transceiver;

    // Binding.
    check("bind_transmitter", Fresh, join(&[pdu(5, bind(tx, "demo"))]), &[(C::BIND_TRANSMITTER_RESP, S::ROK, 5)]);
    check("bind_receiver", Fresh, join(&[pdu(5, bind(rx, "demo"))]), &[(C::BIND_RECEIVER_RESP, S::ROK, 5)]);
    check("bind_transceiver", Fresh, join(&[pdu(5, bind(trx, "demo"))]), &[(C::BIND_TRANSCEIVER_RESP, S::ROK, 5)]);
    check("wrong password", Fresh, join(&[pdu(5, bind(trx, "x"))]), &[(C::BIND_TRANSCEIVER_RESP, S::RINVPASWD, 5)]);
    check("bind after a refused one", Fresh, join(&[pdu(5, bind(trx, "x")), pdu(6, bind(trx, "demo"))]),
        &[(C::BIND_TRANSCEIVER_RESP, S::RINVPASWD, 5), (C::BIND_TRANSCEIVER_RESP, S::ROK, 6)]);
    check("second bind", TRX, join(&[pdu(5, bind(trx, "demo"))]), &[(C::BIND_TRANSCEIVER_RESP, S::RALYBND, 5)]);
    check("second bind in another mode", TX, join(&[pdu(5, bind(rx, "demo"))]), &[(C::BIND_RECEIVER_RESP, S::RALYBND, 5)]);
    check("bind with a system_id of 20 octets", Fresh,
        Frame::new(C::BIND_TRANSCEIVER, S::ROK).text(&LONG[..20]).text(b"demo").text(b"").octets(&[0x34, 0, 0, 0]).sequence(5).bytes().to_vec(),
        &[(C::BIND_TRANSCEIVER_RESP, S::RINVSYSID, 5)]);
    check("bind without a body", Fresh, header(C::BIND_TRANSCEIVER, b""), &[(C::BIND_TRANSCEIVER_RESP, S::RINVCMDLEN, 5)]);
    check("bind cut off", Fresh, join(&[cut(pdu(5, bind(trx, "demo")), 28)]), &[(C::BIND_TRANSCEIVER_RESP, S::RINVCMDLEN, 5)]);
    check("bind of version 3.3 gets no tlv", Fresh, join(&[pdu(5, trx.request(Bind::new("demo", "demo", Version::V3_3)))]),
        &[(C::BIND_TRANSCEIVER_RESP, S::ROK, 5)]);

    // Before the bind.
    check("submit_sm before bind", Fresh, join(&[pdu(5, submit("x"))]), &[(C::SUBMIT_SM_RESP, S::RINVBNDSTS, 5)]);
    check("data_sm before bind", Fresh, join(&[pdu(5, Body::DataSm(DataSm::default()))]), &[(C::DATA_SM_RESP, S::RINVBNDSTS, 5)]);
    check("query_sm before bind", Fresh, join(&[pdu(5, Body::QuerySm(QuerySm::default()))]), &[(C::QUERY_SM_RESP, S::RINVBNDSTS, 5)]);
    check("unbind before bind", Fresh, join(&[pdu(5, Body::Unbind)]), &[(C::UNBIND_RESP, S::RINVBNDSTS, 5)]);
    check("enquire_link before bind", Fresh, join(&[pdu(5, Body::EnquireLink)]), &[(C::ENQUIRE_LINK_RESP, S::ROK, 5)]);
    check("submit_sm behind a bind in one segment", Fresh, join(&[pdu(5, bind(tx, "x")), pdu(6, submit("x"))]),
        &[(C::BIND_TRANSMITTER_RESP, S::RINVPASWD, 5), (C::SUBMIT_SM_RESP, S::RINVBNDSTS, 6)]);

    // In the wrong mode or direction.
    check("submit_sm as receiver", RX, join(&[pdu(5, submit("x"))]), &[(C::SUBMIT_SM_RESP, S::RINVBNDSTS, 5)]);
    check("deliver_sm from an esme", TRX, join(&[pdu(5, deliver_sm("x"))]), &[(C::DELIVER_SM_RESP, S::RINVBNDSTS, 5)]);
    check("outbind from an esme", TRX, join(&[pdu(5, Body::Outbind(Default::default()))]), &[]);
    check("alert_notification from an esme", TRX, join(&[pdu(5, Body::AlertNotification(Default::default()))]), &[]);

    // What works.
    check("submit_sm", TX, join(&[pdu(5, submit("x"))]), &[(C::SUBMIT_SM_RESP, S::ROK, 5)]);
    check("submit_sm with sequence 0", TX, join(&[pdu(0, submit("x"))]), &[(C::SUBMIT_SM_RESP, S::ROK, 0)]);
    check("submit_sm with the highest sequence", TX, join(&[pdu(u32::MAX, submit("x"))]), &[(C::SUBMIT_SM_RESP, S::ROK, u32::MAX)]);
    check("submit_sm of no text", TX, join(&[pdu(5, submit(""))]), &[(C::SUBMIT_SM_RESP, S::ROK, 5)]);
    check("submit_sm with a vendor tlv", TX, join(&[numbered(Submit { tail: b"hello\x14\x01\0\x01a", ..PLAIN }.bytes(), 5)]),
        &[(C::SUBMIT_SM_RESP, S::ROK, 5)]);
    check("data_sm", TRX, join(&[pdu(5, Body::DataSm(DataSm::default()))]), &[(C::DATA_SM_RESP, S::ROK, 5)]);
    check("submit_multi", TRX, join(&[pdu(5, Body::SubmitMulti(SubmitMulti::default()))]), &[(C::SUBMIT_MULTI_RESP, S::ROK, 5)]);
    check("query_sm is answered", TRX, join(&[pdu(5, Body::QuerySm(QuerySm::default()))]), &[(C::QUERY_SM_RESP, S::RQUERYFAIL, 5)]);
    check("cancel_sm is answered", TRX, join(&[pdu(5, Body::CancelSm(CancelSm::default()))]), &[(C::CANCEL_SM_RESP, S::RCANCELFAIL, 5)]);
    check("replace_sm is answered", TRX, join(&[pdu(5, Body::ReplaceSm(ReplaceSm::default()))]), &[(C::REPLACE_SM_RESP, S::RREPLACEFAIL, 5)]);
    check("enquire_link", TRX, join(&[pdu(5, Body::EnquireLink)]), &[(C::ENQUIRE_LINK_RESP, S::ROK, 5)]);
    check("three in one segment", TX, join(&[pdu(5, submit("x")), pdu(6, Body::EnquireLink), pdu(7, submit("y"))]),
        &[(C::SUBMIT_SM_RESP, S::ROK, 5), (C::ENQUIRE_LINK_RESP, S::ROK, 6), (C::SUBMIT_SM_RESP, S::ROK, 7)]);

    // Bad fields: the right status, and the session goes on.
    let bad = |change: Submit<'_>| join(&[numbered(change.bytes(), 5), pdu(6, submit("x"))]);
    let refused = |status| vec![(C::SUBMIT_SM_RESP, status, 5), (C::SUBMIT_SM_RESP, S::ROK, 6)];
    check("source_addr of 30 octets", TX, bad(Submit { source: LONG, ..PLAIN }), &refused(S::RINVSRCADR));
    check("destination_addr of 30 octets", TX, bad(Submit { destination: LONG, ..PLAIN }), &refused(S::RINVDSTADR));
    check("service_type of 7 octets", TX, bad(Submit { service_type: &LONG[..7], ..PLAIN }), &refused(S::RINVSERTYP));
    check("schedule_delivery_time of 20 octets", TX, bad(Submit { schedule: &LONG[..20], ..PLAIN }), &refused(S::RINVSCHED));
    check("validity_period of 20 octets", TX, bad(Submit { validity: &LONG[..20], ..PLAIN }), &refused(S::RINVEXPIRY));
    check("sm_length past the end", TX, bad(Submit { sm_length: 99, ..PLAIN }), &refused(S::RINVMSGLEN));
    check("tlv past the end", TX, bad(Submit { tail: b"hello\x02\x04\0\x09\x12", ..PLAIN }), &refused(S::RINVOPTPARSTREAM));
    check("submit_sm without a body", TX, [header(C::SUBMIT_SM, b""), join(&[pdu(6, submit("x"))])].concat(), &refused(S::RINVCMDLEN));
    check("submit_sm cut off", TX, join(&[cut(numbered(PLAIN.bytes(), 5), 30), pdu(6, submit("x"))]), &refused(S::RINVCMDLEN));
    check("query_sm cut off", TRX, join(&[cut(pdu(5, Body::QuerySm(QuerySm::default())), 18)]), &[(C::QUERY_SM_RESP, S::RINVCMDLEN, 5)]);
    check("cancel_sm cut off", TRX, join(&[cut(pdu(5, Body::CancelSm(CancelSm::default())), 20)]), &[(C::CANCEL_SM_RESP, S::RINVCMDLEN, 5)]);

    // What is not understood.
    check("unknown command", TRX, [header(CommandId(0x99), b"abc"), join(&[pdu(6, Body::EnquireLink)])].concat(),
        &[(C::GENERIC_NACK, S::RINVCMDID, 5), (C::ENQUIRE_LINK_RESP, S::ROK, 6)]);
    check("unknown command before bind", Fresh, header(CommandId(0x99), b""), &[(C::GENERIC_NACK, S::RINVCMDID, 5)]);
    check("stray response", TRX, join(&[pdu(5, Body::SubmitSmResp(MessageResp::new("1"))), pdu(6, Body::EnquireLink)]),
        &[(C::ENQUIRE_LINK_RESP, S::ROK, 6)]);
    check("stray generic_nack", TRX, join(&[pdu(5, Body::GenericNack), pdu(6, Body::EnquireLink)]), &[(C::ENQUIRE_LINK_RESP, S::ROK, 6)]);
    check("stray unbind_resp", TRX, join(&[pdu(5, Body::UnbindResp), pdu(6, Body::EnquireLink)]), &[(C::ENQUIRE_LINK_RESP, S::ROK, 6)]);
    check("enquire_link with stray octets", TRX, [header(C::ENQUIRE_LINK, b"abc"), join(&[pdu(6, submit("x"))])].concat(),
        &[(C::ENQUIRE_LINK_RESP, S::ROK, 5), (C::SUBMIT_SM_RESP, S::ROK, 6)]);

    // The end.
    list.push(Check { name: "unbind is answered before the end", start: TRX, octets: join(&[pdu(5, Body::Unbind)]),
        answers: vec![(C::UNBIND_RESP, S::ROK, 5)], closed: Some(|reason| reason == CloseReason::PeerUnbound) });
    list.push(Check { name: "nothing is answered after the end", start: TRX, octets: join(&[pdu(5, Body::Unbind), pdu(6, submit("x"))]),
        answers: vec![(C::UNBIND_RESP, S::ROK, 5)], closed: Some(|reason| reason == CloseReason::PeerUnbound) });
    list.push(Check { name: "command_length 15", start: TRX, octets: [&[0, 0, 0, 15][..], &header(C::SUBMIT_SM, b"")[4..]].concat(),
        answers: vec![(C::GENERIC_NACK, S::RINVCMDLEN, 5)], closed: Some(|reason| matches!(reason, CloseReason::Frame(_))) });
    list.push(Check { name: "command_length of 1 GB", start: TRX, octets: [&[0x40, 0, 0, 0][..], &header(C::SUBMIT_SM, b"")[4..]].concat(),
        answers: vec![(C::GENERIC_NACK, S::RINVCMDLEN, 5)], closed: Some(|reason| matches!(reason, CloseReason::Frame(_))) });
    list.push(Check { name: "another protocol", start: Fresh, octets: b"GET / HTTP/1.1\r\nHost: smsc\r\n\r\n".to_vec(),
        answers: vec![(C::GENERIC_NACK, S::RINVCMDLEN, 0x2e31_0d0a)], closed: Some(|reason| matches!(reason, CloseReason::Frame(_))) });
    list
}

fn start(start: Start) -> Lone {
    let mut lone = Lone::smsc();
    if let Bound(mode) = start {
        let events = lone.give_pdu(&Pdu::new(1, bind(mode, "demo")));
        own(&mut lone, events);
        lone.take();
    }
    lone
}

/// Gives the octets in pieces of `size`, as an owner that answers at once.
fn play(check: &Check, size: usize) -> (Vec<Pdu>, Option<CloseReason>) {
    let mut lone = start(check.start);
    let mut closed = None;
    for piece in check.octets.chunks(size) {
        let mut piece = BytesMut::from(piece);
        lone.session.handle_input(lone.now, &mut piece);
        while let Some(event) = lone.session.poll_event() {
            closed = own(&mut lone, vec![event]).or(closed);
        }
    }
    (lone.take(), closed)
}

#[test]
fn the_server_side_on_the_wire() {
    let checks = checks();
    assert_eq!(checks.len(), 55);
    for check in &checks {
        for size in [usize::MAX, 1, 7] {
            let (pdus, closed) = play(check, size);
            let answers: Vec<_> = pdus.iter().map(|pdu| (pdu.command(), pdu.status, pdu.sequence)).collect();
            assert_eq!(answers, check.answers, "{}, pieces of {size}", check.name);
            match (check.closed, closed) {
                (None, None) => {}
                (Some(expected), Some(reason)) => assert!(expected(reason), "{}: {reason:?}", check.name),
                (_, other) => panic!("{}: closed {other:?}", check.name),
            }
        }
    }
}

#[test]
fn a_3_3_bind_gets_no_tlv_and_a_3_4_bind_does() {
    for (version, tlvs) in [(Version::V3_3, 0), (Version::V3_4, 1)] {
        let mut lone = Lone::smsc();
        let request = BindMode::Transceiver.request(Bind::new("demo", "demo", version));
        let events = lone.give_pdu(&Pdu::new(1, request));
        own(&mut lone, events);
        let answer = lone.take();
        let Body::BindTransceiverResp(resp) = &answer[0].body else { panic!("{answer:?}") };
        assert_eq!(resp.tlvs.iter().count(), tlvs, "{version:?}");
    }
}
