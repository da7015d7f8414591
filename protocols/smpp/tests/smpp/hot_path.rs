//! The views of the hot path.

use crate::harness::{encoded, message, submit};
use signalbox_smpp::frame::patch_sequence;
use signalbox_smpp::{
    Body, CommandId, CommandStatus, Header, MessageResp, MessageRespView, Pdu, Profile, ShortMessageView, Tag,
};

#[test]
fn a_view_is_given_of_messages_only() {
    let profile = Profile::default();
    let frame = encoded(&Pdu::new(1, Body::EnquireLink));
    assert_eq!(ShortMessageView::decode(&frame, &profile), Ok(None));
    let frame = encoded(&Pdu::new(1, submit("hello")));
    let (header, view) = ShortMessageView::decode(&frame, &profile).unwrap().unwrap();
    assert_eq!(header.command, CommandId::SUBMIT_SM);
    assert_eq!(view.short_message, b"hello");
    assert_eq!(view.tlv(Tag::MESSAGE_PAYLOAD), None);
    let error = ShortMessageView::decode(&frame[..40], &profile).unwrap_err();
    assert_eq!(error.status, CommandStatus::RINVCMDLEN);
}

#[test]
fn what_is_decoded_shares_the_frame() {
    let mut sent = message("hello");
    sent.tlvs.push(Tag(0x1401), b"abc").unwrap();
    let frame = encoded(&Pdu::new(1, Body::SubmitSm(sent)));
    let Body::SubmitSm(message) = Pdu::decode(&frame, &Profile::default()).unwrap().body else { panic!() };
    let inside = |octets: &[u8]| frame.as_ptr_range().contains(&octets.as_ptr());
    assert!(inside(&message.source.addr) && inside(&message.destination.addr));
    assert!(inside(&message.short_message) && inside(message.tlvs.as_bytes()));
    assert!(inside(&message.tlvs.get_bytes(Tag(0x1401)).unwrap()));
}

#[test]
fn the_view_of_a_response() {
    let mut sent = MessageResp::new("1a2b");
    sent.tlvs.push_u8(Tag::CONGESTION_STATE, 5);
    let frame = encoded(&Pdu::new(9, Body::SubmitSmResp(sent.clone())));
    let (header, view) = MessageRespView::decode(&frame).unwrap();
    assert_eq!((header.sequence, view.message_id), (9, &b"1a2b"[..]));
    assert_eq!(view.share(&frame), sent);
    let bare = encoded(&Pdu::error(CommandId::SUBMIT_SM_RESP, CommandStatus::RTHROTTLED, 9));
    assert_eq!(MessageRespView::decode(&bare).unwrap().1.message_id, b"");
    assert_eq!(MessageRespView::decode(&encoded(&Pdu::new(9, submit("x")))), None);
}

#[test]
fn text_stays_out_of_debug_output() {
    let mut sent = message("a secret text");
    sent.tlvs.push(Tag::MESSAGE_PAYLOAD, b"another secret").unwrap();
    let shown = format!("{:?}", Body::SubmitSm(sent));
    assert!(!shown.contains("secret"), "{shown}");
    assert!(shown.contains("(13 octets)"), "{shown}");
    let bind = signalbox_smpp::Bind::new("demo", "hidden", signalbox_smpp::Version::V3_4);
    assert!(!format!("{bind:?}").contains("hidden"));
}

#[test]
fn the_number_is_patched_in_place() {
    let mut frame = encoded(&Pdu::new(1, submit("x"))).to_vec();
    assert!(patch_sequence(&mut frame, 77));
    assert_eq!(Header::read(&frame).unwrap().sequence, 77);
}
