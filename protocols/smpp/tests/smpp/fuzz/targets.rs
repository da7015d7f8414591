//! What must hold for any octets. Each target returns the kind of outcome.

use crate::harness::{Chance, SECOND, encoded};
use bytes::{Bytes, BytesMut};
use signalbox_smpp::frame::{HEADER_LEN, frame_len};
use signalbox_smpp::time::SmppTime;
use signalbox_smpp::{
    Bind, BindMode, Body, CommandId, CommandStatus, Event, IdCandidates, IdPlace, MessageIdForm, MessageResp,
    MessageRespView, Pdu, Profile, Receipt, ReceiptRules, Role, Session, SessionConfig, ShortMessageView,
    State, Version, split_frame,
};
use std::hash::{DefaultHasher, Hash, Hasher};

fn kind(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// All commands without a name are one kind.
fn known(command: CommandId) -> CommandId {
    if command.is_known() { command } else { CommandId(0) }
}

/// The input as one whole PDU: its length is put right.
fn framed(input: &[u8]) -> BytesMut {
    let mut frame = BytesMut::from(input);
    if frame.len() < HEADER_LEN {
        frame.resize(HEADER_LEN, 0);
    }
    let length = (frame.len() as u32).to_be_bytes();
    frame[..4].copy_from_slice(&length);
    frame
}

pub fn decode(input: &[u8]) -> u64 {
    let frame = framed(input).freeze();
    let profiles = [
        Profile::default(),
        Profile::lenient(),
        Profile::strict(Version::V3_3),
        Profile::strict(Version::V3_4),
        Profile::strict(Version::V5_0),
    ];
    let mut kinds = Vec::new();
    for profile in &profiles {
        match Pdu::decode(&frame, profile) {
            Ok(pdu) => {
                check_decoded(&pdu, &frame, profile);
                kinds.push((known(pdu.command()), None));
            }
            Err(error) => {
                assert!(error.offset <= frame.len());
                assert_ne!(error.status, CommandStatus::ROK);
                if let Some(reply) = error.reply() {
                    let answer = encoded(&reply);
                    assert_eq!(answer.len(), HEADER_LEN);
                    assert_eq!(reply.sequence, error.sequence);
                }
                kinds.push((known(error.command), Some((error.field, std::mem::discriminant(&error.fault)))));
            }
        }
    }
    kind(kinds)
}

fn check_decoded(pdu: &Pdu, frame: &Bytes, profile: &Profile) {
    if let Body::SubmitSm(message) | Body::DeliverSm(message) = &pdu.body {
        let (header, view) = ShortMessageView::decode(frame, profile).unwrap().unwrap();
        assert_eq!((header.status, header.sequence), (pdu.status, pdu.sequence));
        assert_eq!(view.share(frame), *message);
        assert_eq!(view.tlvs().count(), message.tlvs.iter().count());
        let _ = message.payload();
        let _ = message.tlvs.sar();
        if let Some(receipt) = Receipt::of(message, profile) {
            assert!(!receipt.candidates(profile).is_empty() || receipt.id.trim_ascii().is_empty());
        }
    }
    if let Some((_, view)) = MessageRespView::decode(frame)
        && let Body::SubmitSmResp(resp) = &pdu.body
    {
        assert_eq!(view.share(frame).message_id, resp.message_id);
    }
    // What can be sent on means the same to the next.
    let mut out = BytesMut::new();
    if pdu.encode(&mut out, profile).is_err() {
        assert!(out.is_empty(), "a refused pdu leaves nothing behind");
        return;
    }
    let again = Pdu::decode(&out.freeze(), profile).expect("what we send can be decoded");
    if profile.version == Version::V3_3 && pdu.command().is_response() {
        // Their TLVs are not sent.
        assert_eq!(again.command(), pdu.command());
    } else {
        assert_eq!(again, *pdu);
    }
}

pub fn frame(input: &[u8]) -> u64 {
    let mut stream = BytesMut::from(input);
    let mut left = stream.len();
    let mut frames = 0_u8;
    loop {
        match split_frame(&mut stream, 4096) {
            Ok(Some(frame)) => {
                assert!(frame.len() >= HEADER_LEN);
                left -= frame.len();
                assert_eq!(stream.len(), left);
                frames = frames.saturating_add(1);
            }
            Ok(None) => {
                assert_eq!(stream.len(), left);
                return kind((frames.min(3), stream.is_empty()));
            }
            Err(error) => {
                assert_eq!(stream.len(), left);
                return kind((frames.min(3), std::mem::discriminant(&error)));
            }
        }
    }
}

/// A session on either side, bound, with requests of its own on the way, gets the input as one PDU, then others
/// of it cut anew, and at the end a question that it must answer.
pub fn session(input: &[u8]) -> u64 {
    let mut kinds = Vec::new();
    for role in [Role::Smsc, Role::Esme] {
        let mut chance = Chance(kind(input));
        let mut config = SessionConfig { window_in: 4, window_out: 4, ..SessionConfig::new(role) };
        config.max_output = 64 * 1024;
        let mut session = bound(config);
        let own = match role {
            Role::Smsc => Body::DeliverSm(Default::default()),
            Role::Esme => Body::SubmitSm(Default::default()),
        };
        for token in 0..3 {
            session.send(0, &own, token).expect("the window is open");
        }
        let first = framed(input);
        let halves = input.split_at(chance.below(input.len() + 1));
        let mut stream = first.clone();
        stream.extend_from_slice(&framed(halves.0));
        stream.extend_from_slice(&framed(halves.1));
        stream.extend_from_slice(&first);
        assert!(matches!(frame_len(&stream, usize::MAX), Ok(Some(_))));
        let now = chance.below(3) as u64 * SECOND;
        let mut closed = false;
        let piece = 1 + chance.below(stream.len());
        for piece in stream.chunks(piece) {
            let mut piece = BytesMut::from(piece);
            session.handle_input(now, &mut piece);
            while let Some(event) = session.poll_event() {
                kinds.push(shape(&event));
                closed |= matches!(event, Event::Closed(_));
                settle(&mut session, event, now, &mut chance);
            }
            assert!(session.unanswered_len() <= 4 && session.in_flight_len() <= 4);
        }
        let later = now + chance.below(40) as u64 * SECOND;
        session.handle_timeout(later);
        while let Some(event) = session.poll_event() {
            closed |= matches!(event, Event::Closed(_));
        }
        assert_eq!(closed, session.state() == State::Closed);
        check_end(&mut session, later, stream.len());
    }
    kind(kinds)
}

fn bound(config: SessionConfig) -> Session {
    let role = config.role;
    let mut session = Session::new(config, 0);
    let bind = Bind::new("a", "b", Version::V5_0);
    let octets = match role {
        Role::Smsc => encoded(&Pdu::new(1, Body::BindTransceiver(bind))),
        Role::Esme => {
            let sequence = session.bind(0, BindMode::Transceiver, bind).expect("not bound yet");
            encoded(&Pdu::new(sequence, Body::BindTransceiverResp(Default::default())))
        }
    };
    session.handle_input(0, &mut BytesMut::from(&octets[..]));
    while let Some(event) = session.poll_event() {
        if matches!(event, Event::BindRequest { .. }) {
            session.accept_bind(0, "c").expect("a bind waits");
        }
    }
    assert!(session.state().is_bound());
    if let Some(output) = session.poll_transmit() {
        output.clear();
    }
    session
}

/// Answers some requests, well or badly, and leaves others.
fn settle(session: &mut Session, event: Event, now: u64, chance: &mut Chance) {
    let Event::Request { sequence, body, .. } = event else { return };
    match chance.below(3) {
        0 => {}
        1 => {
            let _ = session.reject(now, sequence, CommandStatus::RSYSERR);
        }
        _ => {
            let resp = match body {
                Body::SubmitSm(_) => Body::SubmitSmResp(MessageResp::new("1")),
                Body::DeliverSm(_) => Body::DeliverSmResp(MessageResp::default()),
                _ => Body::GenericNack,
            };
            let _ = session.respond(now, sequence, CommandStatus::ROK, &resp);
        }
    }
}

/// The stream is still cut right: a question after all that is answered, unless the session has ended.
fn check_end(session: &mut Session, now: u64, given: usize) {
    const SENTINEL: u32 = 0x5e47_19e1;
    if session.state() == State::Closed {
        return;
    }
    let question = encoded(&Pdu::new(SENTINEL, Body::EnquireLink));
    session.handle_input(now, &mut BytesMut::from(&question[..]));
    while session.poll_event().is_some() {}
    let output = session.poll_transmit().expect("an answer").split();
    assert!(output.len() <= 1024 + given * 2, "{} octets of answers to {given}", output.len());
    let mut output = output;
    let mut last = None;
    while let Some(frame) = split_frame(&mut output, usize::MAX).expect("whole pdus") {
        last = Some(Pdu::decode(&frame, &Profile::default()).expect("good pdus"));
    }
    assert_eq!(last, Some(Pdu::new(SENTINEL, Body::EnquireLinkResp)));
}

fn shape(event: &Event) -> u64 {
    match event {
        Event::Request { body, duplicate, .. } => kind((body.command(), duplicate)),
        Event::Response { status, body, .. } | Event::Unsolicited { status, body, .. } => {
            kind((status.is_ok(), known(body.command())))
        }
        Event::Malformed { error, .. } | Event::BadResponse { error, .. } => {
            kind((known(error.command), error.field, std::mem::discriminant(&error.fault)))
        }
        other => kind(std::mem::discriminant(other)),
    }
}

pub fn receipt(input: &[u8]) -> u64 {
    let rules = ReceiptRules::default();
    let text = Bytes::copy_from_slice(input);
    let Some(receipt) = Receipt::parse(&text, &rules) else { return 0 };
    assert!(!receipt.id.is_empty());
    let _ = receipt.error_code();
    let _ = receipt.candidates(&Profile::default());
    // What we write of it, we read as the same message in the same state.
    let again = Receipt::parse(&receipt.to_text(&rules), &rules).expect("what we write is a receipt");
    assert_eq!(again.id, receipt.id);
    assert_eq!(again.state, receipt.state.or(Some(signalbox_smpp::MessageState::UNKNOWN)));
    kind((
        receipt.submitted.is_some(),
        receipt.delivered.is_some(),
        receipt.submit_us.is_some(),
        receipt.done_us.is_some(),
        receipt.state.map(|state| state.0),
        receipt.err.is_empty(),
        receipt.error_code().is_some(),
        receipt.text.is_empty(),
    ))
}

pub fn times_and_ids(input: &[u8]) -> u64 {
    let time = SmppTime::parse(input);
    if let Ok(Some(time)) = time {
        let _ = time.resolve(i64::MAX / 2);
        if let SmppTime::Absolute { unix_us, quarters } = time {
            let again = SmppTime::parse(&SmppTime::format_absolute(unix_us, quarters)).unwrap().unwrap();
            assert_eq!(again, time);
        }
    }
    let mut keys = Vec::new();
    for form in [MessageIdForm::Any, MessageIdForm::Text, MessageIdForm::HexThenDecimal] {
        let sent = IdCandidates::of(input, IdPlace::Response, form);
        let got = IdCandidates::of(input, IdPlace::Receipt, form);
        assert!(sent.keys().len() <= 3);
        assert_eq!(sent.is_empty(), input.trim_ascii().is_empty());
        if form != MessageIdForm::HexThenDecimal && !sent.is_empty() {
            assert!(sent.matches(&got).is_some(), "an id matches itself");
        }
        keys.push(sent.keys().iter().map(|key| key.to_string().starts_with('n')).collect::<Vec<_>>());
    }
    kind((keys, time.map(|_| ()).map_err(|error| std::mem::discriminant(&error))))
}
