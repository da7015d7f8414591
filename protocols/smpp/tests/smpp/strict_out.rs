//! What is refused on the way out, and that nothing of it is written.

use crate::harness::message;
use bytes::{Bytes, BytesMut};
use signalbox_smpp::{
    Address, AlertNotification, Bind, Body, BroadcastSm, CommandId, CommandStatus, DataSm, Destination,
    EncodeError, Field, Leniency, MessageResp, Profile, QueryLastMsgs, ShortMessage, SubmitMulti, Tag,
    Version,
};

fn encode(body: &Body, profile: &Profile) -> Result<usize, EncodeError> {
    let mut out = BytesMut::from(&b"before"[..]);
    let result = body.encode(CommandStatus::ROK, 1, &mut out, profile);
    if result.is_err() {
        assert_eq!(out, "before", "{body:?}");
    }
    result.map(|()| out.len() - 6)
}

fn changed(change: impl FnOnce(&mut ShortMessage)) -> Body {
    let mut message = message("hello");
    change(&mut message);
    Body::SubmitSm(message)
}

#[test]
fn fields_that_break_the_specification() {
    let too_long = |field, length, limit| EncodeError::TooLong { field, length, limit };
    let multi = |count| {
        Body::SubmitMulti(SubmitMulti {
            destinations: vec![Destination::List("l".into()); count],
            ..SubmitMulti::default()
        })
    };
    let cases = [
        (changed(|message| message.service_type = "SIXSIX".into()), too_long(Field::ServiceType, 6, 5)),
        (
            changed(|message| message.source.addr = "012345678901234567890".into()),
            too_long(Field::SourceAddr, 21, 20),
        ),
        (
            changed(|message| message.destination.addr = "012345678901234567890".into()),
            too_long(Field::DestAddr, 21, 20),
        ),
        (
            changed(|message| message.short_message = Bytes::from(vec![b'x'; 255])),
            too_long(Field::ShortMessage, 255, 254),
        ),
        (
            changed(|message| message.source.addr = "a\0b".into()),
            EncodeError::Nul { field: Field::SourceAddr },
        ),
        (
            changed(|message| message.validity_period = "tomorrow".into()),
            EncodeError::Time { field: Field::ValidityPeriod },
        ),
        (
            changed(|message| message.schedule_delivery_time = "241310154307300+".into()),
            EncodeError::Time { field: Field::ScheduleDeliveryTime },
        ),
        (changed(|message| message.tlvs.push(Tag::MESSAGE_PAYLOAD, b"x").unwrap()), EncodeError::BothTexts),
        (Body::SubmitSmResp(MessageResp::new("7".repeat(65))), too_long(Field::MessageId, 65, 64)),
        (multi(255), too_long(Field::NumberOfDests, 255, 254)),
        (
            Body::BindReceiver(Bind::new("a system id that is too long", "", Version::V3_4)),
            too_long(Field::SystemId, 28, 15),
        ),
    ];
    for (body, error) in cases {
        assert_eq!(encode(&body, &Profile::default()), Err(error), "{body:?}");
    }
    assert!(encode(&multi(254), &Profile::default()).is_ok());
}

#[test]
fn latin_1_goes_out_where_the_profile_takes_it() {
    let body = changed(|message| message.source = Address::alphanumeric(&b"Caf\xe9"[..]));
    assert!(encode(&body, &Profile::default()).is_ok());
    let strict = Profile { latin1_address: Leniency::Refuse, ..Profile::default() };
    assert_eq!(encode(&body, &strict), Err(EncodeError::NotAscii { field: Field::SourceAddr, octet: 0xe9 }));
}

#[test]
fn commands_of_other_versions() {
    let bodies = [
        (Body::DataSm(DataSm::default()), [false, true, true]),
        (Body::BindTransceiver(Bind::default()), [false, true, true]),
        (Body::AlertNotification(AlertNotification::default()), [false, true, true]),
        (Body::BroadcastSm(BroadcastSm::default()), [false, false, true]),
        (Body::QueryLastMsgs(QueryLastMsgs::default()), [true, false, false]),
        (Body::EnquireLink, [true, true, true]),
        // An error is owed even to a command that the version does not have.
        (Body::DataSmResp(MessageResp::default()), [true, true, true]),
    ];
    for (body, allowed) in bodies {
        for (version, allowed) in [Version::V3_3, Version::V3_4, Version::V5_0].into_iter().zip(allowed) {
            let profile = Profile { version, ..Profile::default() };
            let expected = EncodeError::CommandNotInVersion { command: body.command(), version };
            let result = encode(&body, &profile).map(|_| ());
            assert_eq!(result, if allowed { Ok(()) } else { Err(expected) }, "{body:?} {version:?}");
        }
    }
}

#[test]
fn a_pdu_beyond_the_limit() {
    let profile = Profile { max_pdu: 60, ..Profile::default() };
    let body = changed(|message| message.short_message = Bytes::from(vec![b'x'; 100]));
    let error = encode(&body, &profile).unwrap_err();
    assert!(matches!(error, EncodeError::PduTooLong { limit: 60, .. }), "{error}");
    assert!(encode(&changed(|_| {}), &profile).is_ok());
}

#[test]
fn error_responses_have_a_body_where_the_profile_asks_for_it() {
    let length = |error_response_body| {
        let profile = Profile { error_response_body, ..Profile::default() };
        let mut out = BytesMut::new();
        let body = Body::blank_response(CommandId::SUBMIT_SM_RESP).unwrap();
        body.encode(CommandStatus::RTHROTTLED, 1, &mut out, &profile).unwrap();
        out.len()
    };
    assert_eq!((length(false), length(true)), (16, 17));
}
