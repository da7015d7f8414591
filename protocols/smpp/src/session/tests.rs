//! What cannot be seen from outside: it takes two thousand million requests to come round to a number.

use super::*;
use crate::{MessageResp, ShortMessage};

fn bound_esme() -> Session {
    bound_with(|_| ())
}

fn bound_with(change: impl FnOnce(&mut SessionConfig)) -> Session {
    let mut config = SessionConfig::new(Role::Esme);
    change(&mut config);
    let mut session = Session::new(config, 0);
    session.bind(0, BindMode::Transceiver, Bind::default()).unwrap();
    session.bind_answered(
        BindMode::Transceiver,
        CommandStatus::ROK,
        Body::BindTransceiverResp(BindResp::default()),
    );
    session
}

#[test]
fn a_number_in_the_window_is_not_given_again() {
    let mut session = bound_esme();
    let body = Body::SubmitSm(ShortMessage::default());
    for expected in [2, 3, 4] {
        assert_eq!(session.send(0, &body, 0), Ok(expected));
    }
    session.next_sequence = MAX_SEQUENCE;
    assert_eq!(session.send(0, &body, 0), Ok(MAX_SEQUENCE));
    // 1 was the bind's; 2 to 4 still wait.
    assert_eq!(session.send(0, &body, 0), Ok(1));
    assert_eq!(session.send(0, &body, 0), Ok(5));
    let resp = Body::SubmitSmResp(MessageResp::default());
    assert!(matches!(
        session.handle_response(3, CommandStatus::ROK, resp),
        Some(Event::Response { sequence: 3, .. })
    ));
    session.next_sequence = 2;
    assert_eq!(session.send(0, &body, 0), Ok(3));
}

#[test]
fn an_empty_input_does_not_hold_the_drivers_buffer() {
    let mut session = bound_esme();
    let mut buffer = BytesMut::with_capacity(4096);
    let start = buffer.as_ptr();
    for sequence in 0..1000_u32 {
        buffer.reserve(64);
        Body::EnquireLink.encode(CommandStatus::ROK, sequence, &mut buffer, &session.profile).unwrap();
        session.handle_input(0, &mut buffer);
        assert!(session.poll_event().is_none());
        session.output.clear();
    }
    buffer.reserve(4096);
    assert_eq!(buffer.as_ptr(), start, "the buffer was replaced");
}

#[test]
fn sequence_numbers_begin_again_where_the_peer_can_hold_no_more() {
    let (mut session, body) =
        (bound_with(|config| config.last_sequence = 1_000), Body::SubmitSm(ShortMessage::default()));
    session.next_sequence = 999;
    let sequences: Vec<_> = (0..3).map(|token| session.send(0, &body, token).unwrap()).collect();
    assert_eq!(sequences, [999, 1_000, 1]);
    // A window that would use all numbers up leaves some.
    let mut narrow = bound_with(|config| (config.window_out, config.last_sequence) = (10, 3));
    let sequences: Vec<_> = (0..10).map(|token| narrow.send(0, &body, token).unwrap()).collect();
    assert_eq!(sequences, (2..12).collect::<Vec<_>>());
}
