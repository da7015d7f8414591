use std::time::Duration;

use signalbox_core::address::Address;
use signalbox_core::gate::{Attempt, Case, ConsentVerdict, ContractVerdict, CounterVerdict, Gate};
use signalbox_core::id::{LinkId, MessageId, PeerId, PermitId, ShardId};
use signalbox_core::message::{Body as CoreBody, Direction, OriginClass, ReceiptRequest, TrafficClass};
use signalbox_core::time::Mono;

use super::super::{Change, DataCodings, LongMessages, Rewrite, Rewrites, TlvEdits};
use super::*;

const NOW: Micros = Micros(1_767_225_600_000_000);

fn released(content: Content) -> Released {
    let case = Case {
        origin_class: OriginClass::User,
        direction: Direction::Mt,
        contract: ContractVerdict::Covered,
        consent: ConsentVerdict::NotAsked,
        counters: CounterVerdict::Pass,
        rate: None,
        now: Mono(1),
        wall: NOW,
    };
    let attempt = Attempt {
        permit: PermitId(1),
        deadline: Mono(2),
        id: MessageId::new(NOW, ShardId::of(b"1"), 1),
        attempt: 1,
        peer: PeerId::Link(LinkId(1)),
        source: Address::new(5, 0, b"Bank").unwrap(),
        destination: Address::new(1, 1, b"447700900123").unwrap(),
        class: TrafficClass::Bulk,
        expires_at: NOW.after(Duration::from_secs(3600)),
        receipt: ReceiptRequest(0x11),
        ingress: None,
        carrier: None,
        body: CoreBody::Content(content),
        joined: None,
    };
    Gate.release(&case, attempt).unwrap()
}

fn content() -> Content {
    Content {
        service_type: Bytes::from_static(b"CMT"),
        esm_class: 0,
        protocol_id: 0x40,
        priority: 2,
        replace_if_present: true,
        data_coding: 3,
        default_message: 7,
        payload: Bytes::from_static(b"hello"),
        tlvs: Bytes::from_static(b"\x14\x00\x00\x01\x05"),
        data_sm: false,
        by_default: false,
    }
}

fn to_link(content: Content, rules: &LinkRules, profile: &Profile) -> Result<Body, NotEncodable> {
    let released = released(content.clone());
    submit_to_link(&released, &content, rules, profile, NOW)
}

fn to_account(content: Content, profile: &Profile, as_data_sm: bool) -> Result<Body, NotEncodable> {
    let released = released(content.clone());
    deliver(&released, &content, profile, as_data_sm)
}

#[test]
fn all_fields_leave_in_submit_sm() {
    let Ok(Body::SubmitSm(message)) = to_link(content(), &LinkRules::default(), &Profile::default()) else {
        panic!()
    };
    assert_eq!(message.service_type, "CMT");
    assert_eq!((message.source.ton.0, message.source.addr.as_slice()), (5, &b"Bank"[..]));
    assert_eq!((message.destination.ton.0, message.destination.npi.0), (1, 1));
    assert_eq!((message.protocol_id, message.priority_flag), (0x40, 2));
    assert_eq!((message.replace_if_present, message.sm_default_msg_id), (1, 7));
    assert_eq!(message.registered_delivery.0, 0x11);
    assert_eq!(message.data_coding.0, 3);
    assert_eq!(message.validity_period, "000000010000000R");
    assert!(message.schedule_delivery_time.is_empty());
    assert_eq!(&message.short_message[..], b"hello");
    assert_eq!(message.tlvs.get(Tag(0x1400)), Some(&[5][..]));
}

#[test]
fn a_links_rules_change_what_leaves() {
    let rules = LinkRules {
        rewrites: Rewrites(vec![Rewrite {
            way: Way::Out,
            field: AddressField::Source,
            prefix: Vec::new(),
            ton: Some(5),
            npi: None,
            change: Change::Whole(b"12345".to_vec()),
            set_ton: Some(3),
            set_npi: Some(0),
        }]),
        data_coding_out: DataCodings::new([(3, 0)]),
        tlvs: TlvEdits { strip_out: vec![0x1400], add_out: vec![(0x1401, vec![1])], ..TlvEdits::default() },
        max_validity: Some(Duration::from_secs(60)),
        long_messages: LongMessages::Payload,
        ..LinkRules::default()
    };
    let Ok(Body::SubmitSm(message)) = to_link(content(), &rules, &Profile::default()) else { panic!() };
    assert_eq!((message.source.ton.0, message.source.addr.as_slice()), (3, &b"12345"[..]));
    assert_eq!(message.data_coding.0, 0);
    assert_eq!(message.validity_period, "000000000100000R");
    assert!(message.short_message.is_empty());
    assert_eq!(message.tlvs.message_payload().as_deref(), Some(&b"hello"[..]));
    assert!(!message.tlvs.contains(Tag(0x1400)) && message.tlvs.contains(Tag(0x1401)));
}

#[test]
fn data_sm_leaves_as_it_came_and_as_submit_sm_where_the_version_has_none() {
    let mut tlvs = Tlvs::new();
    tlvs.push(Tag::MESSAGE_PAYLOAD, b"hello").unwrap();
    tlvs.push_u32(Tag::QOS_TIME_TO_LIVE, 9);
    let data = Content { payload: Bytes::new(), tlvs: tlvs.as_bytes().clone(), data_sm: true, ..content() };
    let rules = LinkRules::default();
    let Ok(Body::DataSm(message)) = to_link(data.clone(), &rules, &Profile::default()) else { panic!() };
    assert_eq!(message.tlvs.u32(Tag::QOS_TIME_TO_LIVE), Some(3600));
    assert_eq!(message.tlvs.message_payload().as_deref(), Some(&b"hello"[..]));
    let old = Profile { version: Version::V3_3, ..Profile::default() };
    let Ok(Body::SubmitSm(message)) = to_link(data, &rules, &old) else { panic!() };
    assert_eq!(&message.short_message[..], b"hello");
    assert!(message.tlvs.is_empty());
}

#[test]
fn a_long_text_goes_to_message_payload_or_nowhere() {
    let long = Content { payload: vec![b'x'; 300].into(), ..content() };
    let rules = LinkRules::default();
    let Ok(Body::SubmitSm(message)) = to_link(long.clone(), &rules, &Profile::default()) else { panic!() };
    assert!(message.short_message.is_empty());
    assert_eq!(message.tlvs.message_payload().map(|text| text.len()), Some(300));
    let old = Profile { version: Version::V3_3, ..Profile::default() };
    assert_eq!(to_link(long, &rules, &old), Err(NotEncodable::TooLong));
    let mut tlvs = Tlvs::new();
    tlvs.push(Tag::MESSAGE_PAYLOAD, &[b'x'; 300]).unwrap();
    let payload = Content { payload: Bytes::new(), tlvs: tlvs.as_bytes().clone(), ..content() };
    assert_eq!(to_link(payload, &rules, &old), Err(NotEncodable::TooLong));
}

#[test]
fn of_two_texts_one_leaves() {
    let mut tlvs = Tlvs::new();
    tlvs.push(Tag::MESSAGE_PAYLOAD, b"other").unwrap();
    let both = Content { tlvs: tlvs.as_bytes().clone(), ..content() };
    let Ok(Body::SubmitSm(message)) = to_link(both, &LinkRules::default(), &Profile::default()) else {
        panic!()
    };
    assert_eq!(&message.short_message[..], b"hello");
    assert!(!message.tlvs.contains(Tag::MESSAGE_PAYLOAD));
}

#[test]
fn a_3_3_link_gets_parts_with_a_header() {
    let mut tlvs = Tlvs::new();
    tlvs.push_sar(signalbox_smpp::Sar { reference: 0x2a, total: 2, segment: 1 });
    let part = Content { tlvs: tlvs.as_bytes().clone(), ..content() };
    let old = Profile { version: Version::V3_3, ..Profile::default() };
    let Ok(Body::SubmitSm(message)) = to_link(part, &LinkRules::default(), &old) else { panic!() };
    assert_eq!(&message.short_message[..], b"\x05\x00\x03\x2a\x02\x01hello");
    assert!(message.esm_class.has_udh() && message.tlvs.is_empty());
}

#[test]
fn damaged_tlvs_are_no_message() {
    let damaged = Content { tlvs: Bytes::from_static(b"\x14\x00\x00\x09\x01"), ..content() };
    assert_eq!(to_link(damaged, &LinkRules::default(), &Profile::default()), Err(NotEncodable::Tlvs));
}

#[test]
fn an_mo_message_leaves_as_deliver_sm_or_data_sm() {
    let Ok(Body::DeliverSm(message)) = to_account(content(), &Profile::default(), false) else { panic!() };
    assert_eq!(&message.short_message[..], b"hello");
    assert!(message.validity_period.is_empty());
    assert_eq!((message.registered_delivery.0, message.replace_if_present), (0, 0));
    assert_eq!(message.data_coding.0, 3);
    assert_eq!(message.tlvs.get(Tag(0x1400)), Some(&[5][..]));
    let Ok(Body::DataSm(message)) = to_account(content(), &Profile::default(), true) else { panic!() };
    assert_eq!(message.tlvs.message_payload().as_deref(), Some(&b"hello"[..]));
}

#[test]
fn text_leaves_in_the_peers_own_alphabet() {
    let latin1 = Profile { default_alphabet: signalbox_smpp::Alphabet::Latin1, ..Profile::default() };
    let gsm = Content { data_coding: 0, payload: Bytes::from_static(b"Gr\x7e\x1ee"), ..content() };
    let Ok(Body::SubmitSm(message)) = to_link(gsm, &LinkRules::default(), &latin1) else { panic!() };
    assert_eq!((message.data_coding.0, &message.short_message[..]), (0, &b"Gr\xfc\xdfe"[..]));
}
