//! The hot path on one core: a submit_sm of 127 octets with two TLVs, alone and through two sessions.
//!
//! `cargo bench -p signalbox-smpp`

use bytes::{Buf, Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use signalbox_smpp::{
    Address, Bind, BindMode, Body, CommandStatus, DataCoding, Event, MessageResp, Pdu, Profile,
    RegisteredDelivery, Role, Session, SessionConfig, ShortMessage, ShortMessageView, Tag, Tlvs, Version,
    split_frame,
};
use std::hint::black_box;

fn message() -> ShortMessage {
    let mut tlvs = Tlvs::new();
    tlvs.push_u16(Tag::USER_MESSAGE_REFERENCE, 0x1234);
    tlvs.push(Tag(0x1401), b"vendor").expect("six octets fit");
    ShortMessage {
        service_type: "CMT".into(),
        source: Address::alphanumeric("Signalbox"),
        destination: Address::international("447700900123"),
        registered_delivery: RegisteredDelivery::FINAL,
        data_coding: DataCoding::DEFAULT,
        short_message: Bytes::from_static(b"Your code is 12345678. Do not give it to anybody else."),
        tlvs,
        ..ShortMessage::default()
    }
}

fn frame() -> Bytes {
    let mut out = BytesMut::new();
    Pdu::new(7, Body::SubmitSm(message())).encode(&mut out, &Profile::default()).expect("a good message");
    assert_eq!(out.len(), 127);
    out.freeze()
}

fn codec(criterion: &mut Criterion) {
    let profile = Profile::default();
    let frame = frame();
    let pdu = Pdu::decode(&frame, &profile).expect("a good frame");
    let mut group = criterion.benchmark_group("submit_sm_127");
    group.throughput(Throughput::Elements(1));
    group.bench_function("decode", |bencher| {
        bencher.iter(|| black_box(Pdu::decode(black_box(&frame), &profile).expect("a good frame")));
    });
    group.bench_function("view", |bencher| {
        bencher
            .iter(|| black_box(ShortMessageView::decode(black_box(&frame), &profile).expect("a good frame")));
    });
    let mut out = BytesMut::with_capacity(1 << 16);
    group.bench_function("encode", |bencher| {
        bencher.iter(|| {
            if out.len() > 60_000 {
                out.clear();
            }
            black_box(&pdu).encode(&mut out, &profile).expect("a good message");
        });
    });
    let batch: Vec<u8> = std::iter::repeat_n(&frame[..], 500).flatten().copied().collect();
    group.throughput(Throughput::Elements(500));
    group.bench_function("split_and_decode_500", |bencher| {
        bencher.iter_batched(
            || BytesMut::from(&batch[..]),
            |mut input| {
                while let Some(frame) = split_frame(&mut input, profile.max_pdu).expect("good lengths") {
                    black_box(Pdu::decode(&frame, &profile).expect("a good frame"));
                }
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// Both sides bound, with a window of `window`.
fn bound(window: usize) -> (Session, Session) {
    let config = |role| SessionConfig { window_out: window, window_in: window, ..SessionConfig::new(role) };
    let mut esme = Session::new(config(Role::Esme), 0);
    let mut smsc = Session::new(config(Role::Smsc), 0);
    esme.bind(0, BindMode::Transceiver, Bind::new("demo", "demo", Version::V3_4)).expect("not bound yet");
    carry(&mut esme, &mut smsc, &mut BytesMut::new());
    assert!(matches!(smsc.poll_event(), Some(Event::BindRequest { .. })));
    smsc.accept_bind(0, "smsc").expect("a bind waits");
    carry(&mut smsc, &mut esme, &mut BytesMut::new());
    assert!(matches!(esme.poll_event(), Some(Event::Bound { .. })));
    (esme, smsc)
}

/// What two sockets do: copy out of one buffer and into another.
fn carry(from: &mut Session, to: &mut Session, buffer: &mut BytesMut) {
    if let Some(output) = from.poll_transmit() {
        buffer.extend_from_slice(output);
        output.advance(output.len());
        to.handle_input(0, buffer);
    }
}

/// One turn: the ESME fills its window, the SMSC answers all, the ESME takes the answers.
fn turn(
    esme: &mut Session,
    smsc: &mut Session,
    wires: &mut [BytesMut; 2],
    body: &Body,
    resp: &Body,
    window: usize,
) {
    for token in 0..window as u64 {
        esme.send(0, body, token).expect("the window is open");
    }
    carry(esme, smsc, &mut wires[0]);
    while let Some(event) = smsc.poll_event() {
        let Event::Request { sequence, body, .. } = black_box(event) else { unreachable!() };
        black_box(body);
        smsc.respond(0, sequence, CommandStatus::ROK, resp).expect("a request waits");
    }
    carry(smsc, esme, &mut wires[1]);
    let mut answers = 0;
    while let Some(event) = esme.poll_event() {
        assert!(matches!(black_box(event), Event::Response { .. }));
        answers += 1;
    }
    assert_eq!(answers, window);
}

fn session(criterion: &mut Criterion) {
    let body = Body::SubmitSm(message());
    let resp = Body::SubmitSmResp(MessageResp::new("1a2b3c4d"));
    let mut group = criterion.benchmark_group("session_both_sides");
    for window in [1_usize, 10, 100] {
        let (mut esme, mut smsc) = bound(window);
        let mut wires = [BytesMut::with_capacity(1 << 16), BytesMut::with_capacity(1 << 16)];
        group.throughput(Throughput::Elements(window as u64));
        group.bench_function(format!("submit_window_{window}"), |bencher| {
            bencher.iter(|| turn(&mut esme, &mut smsc, &mut wires, &body, &resp, window));
        });
    }
    group.finish();
}

criterion_group!(benches, codec, session);
criterion_main!(benches);
