use super::*;
use crate::{Address, MessageIdForm};

/// 2024-05-10 15:43:00 UTC.
const AT: i64 = 1_715_355_780_000_000;

fn rules() -> ReceiptRules {
    ReceiptRules::default()
}

fn parse(text: &str) -> Receipt {
    Receipt::parse(&Bytes::copy_from_slice(text.as_bytes()), &rules()).expect(text)
}

#[test]
fn appendix_b() {
    let receipt = parse(
        "id:0123456789 sub:001 dlvrd:001 submit date:2405101543 done date:2405101544 stat:DELIVRD err:000 \
         text:Hello id:7 stat:x",
    );
    assert_eq!(receipt.id, "0123456789");
    assert_eq!(receipt.submitted, Some(1));
    assert_eq!(receipt.delivered, Some(1));
    assert_eq!(receipt.submit_us, Some(AT));
    assert_eq!(receipt.done_us, Some(AT + 60_000_000));
    assert_eq!(receipt.state, Some(MessageState::DELIVERED));
    assert_eq!(receipt.err, "000");
    assert_eq!(receipt.error_code(), Some(0));
    assert_eq!(&receipt.text[..], b"Hello id:7 stat:x");
    assert!(receipt.is_final());
}

/// text, id, state, err, done date, text
type Variant = (&'static str, &'static str, Option<MessageState>, &'static str, Option<i64>, &'static str);

#[test]
fn variants_of_vendors() {
    let cases: &[Variant] = &[
        // 12 digits, upper-case keys.
        (
            "ID:00AB SUB:001 DLVRD:001 SUBMIT DATE:240510154300 DONE DATE:240510154300 STAT:DELIVRD ERR:000 TEXT:hi",
            "00AB",
            Some(MessageState::DELIVERED),
            "000",
            Some(AT),
            "hi",
        ),
        // No blanks in the keys, letters in err, a state in full.
        (
            "id:0118Z-0122I sub:000 dlvrd:000 submitdate:240510154300 donedate:000000000000 stat:REJECTED err:3WX text:",
            "0118Z-0122I",
            Some(MessageState::REJECTED),
            "3WX",
            None,
            "",
        ),
        // Underscores, 14 digits, 4-digit err.
        (
            "id:7 submit_date:20240510154300 done_date:20240510154300 stat:UNDELIV err:0027",
            "7",
            Some(MessageState::UNDELIVERABLE),
            "0027",
            Some(AT),
            "",
        ),
        // A four-digit year without seconds.
        ("id:7 done date:202405101543 stat:EXPIRED", "7", Some(MessageState::EXPIRED), "", Some(AT), ""),
        // Blanks around colons, empty values.
        (
            "id: 55 sub: dlvrd: submit date: done date:2405101543 stat : DELETED err: text: x",
            "55",
            Some(MessageState::DELETED),
            "",
            Some(AT),
            " x",
        ),
        // Another order, unknown fields, other separators.
        (
            "stat:ACCEPTD,mccmnc:23415;id:9|price:0.01 err:1 network:x text:",
            "9",
            Some(MessageState::ACCEPTED),
            "1",
            None,
            "",
        ),
        // Nothing but id and an odd state.
        ("id:abc stat:LOST", "abc", None, "", None, ""),
        ("id:abc stat:2", "abc", Some(MessageState::DELIVERED), "", None, ""),
        ("id:abc stat:enroute", "abc", Some(MessageState::ENROUTE), "", None, ""),
        ("id:abc stat:SCHEDULED", "abc", Some(MessageState::SCHEDULED), "", None, ""),
        ("id:abc stat:SKIPPED", "abc", Some(MessageState::SKIPPED), "", None, ""),
        ("id:abc stat:UNKNOWN", "abc", Some(MessageState::UNKNOWN), "", None, ""),
        ("id:abc stat:Failed", "abc", Some(MessageState::UNDELIVERABLE), "", None, ""),
        // The first of two.
        ("id:1 id:2 stat:DELIVRD", "1", Some(MessageState::DELIVERED), "", None, ""),
        // NUL at the end, dates that are none.
        ("id:1 done date:2413991543 stat:DELIVRD\0", "1", Some(MessageState::DELIVERED), "", None, ""),
    ];
    for &(text, id, state, err, done, rest) in cases {
        let receipt = parse(text);
        assert_eq!(receipt.id, id, "{text}");
        assert_eq!(receipt.state, state, "{text}");
        assert_eq!(receipt.err, err, "{text}");
        assert_eq!(receipt.done_us, done, "{text}");
        assert_eq!(&receipt.text[..], rest.as_bytes(), "{text}");
    }
}

#[test]
fn error_codes_that_are_numbers() {
    assert_eq!(parse("id:1 err:027").error_code(), Some(27));
    assert_eq!(parse("id:1 err:0x1F").error_code(), Some(31));
    assert_eq!(parse("id:1 err:EC1").error_code(), None);
}

#[test]
fn no_id_is_no_receipt() {
    for text in ["", "hello", "stat:DELIVRD", "id:", "id: stat:DELIVRD", "raid:5"] {
        assert_eq!(Receipt::parse(&Bytes::copy_from_slice(text.as_bytes()), &rules()), None, "{text}");
    }
}

#[test]
fn the_zone_of_the_smsc() {
    let rules = ReceiptRules { utc_offset_quarters: 8, ..rules() };
    let receipt = Receipt::parse(&Bytes::from_static(b"id:1 done date:2405101743"), &rules).unwrap();
    assert_eq!(receipt.done_us, Some(AT));
    assert!(receipt.to_text(&rules).windows(20).any(|part| part == b"done date:2405101743"));
}

fn deliver(class: EsmClass, text: &[u8]) -> ShortMessage {
    ShortMessage { esm_class: class, short_message: Bytes::copy_from_slice(text), ..ShortMessage::default() }
}

const TEXT: &[u8] = b"id:1a stat:UNDELIV err:011";

#[test]
fn what_is_a_receipt() {
    let profile = Profile::default();
    let exact = Profile { receipt: ReceiptRules { by_text: false, ..rules() }, ..Profile::default() };
    let marked = deliver(EsmClass::DELIVERY_RECEIPT, TEXT);
    let unmarked = deliver(EsmClass::DEFAULT, TEXT);
    assert!(Receipt::of(&marked, &exact).is_some());
    assert!(Receipt::of(&unmarked, &profile).is_some());
    assert!(Receipt::of(&unmarked, &exact).is_none());
    // An SME acknowledgement, and a reply of a subscriber that mentions one.
    assert!(Receipt::of(&deliver(EsmClass(0x08), TEXT), &profile).is_none());
    assert!(Receipt::of(&deliver(EsmClass::DEFAULT, b"my id:1 stat:ok"), &profile).is_none());
    let halfway = Receipt::of(&deliver(EsmClass::INTERMEDIATE, b"id:1 stat:ENROUTE"), &profile).unwrap();
    assert!(halfway.intermediate && !halfway.is_final());
    let last = deliver(EsmClass::INTERMEDIATE, b"id:1 stat:DELIVRD");
    assert!(!Receipt::of(&last, &profile).unwrap().is_final());
}

#[test]
fn tlvs_win_over_text() {
    let mut message = deliver(EsmClass::DELIVERY_RECEIPT, TEXT);
    message.tlvs.push_c_octets(Tag::RECEIPTED_MESSAGE_ID, b"26").unwrap();
    message.tlvs.push_u8(Tag::MESSAGE_STATE, MessageState::EXPIRED.0);
    message.tlvs.push_network_error_code(NetworkErrorCode { network: 3, code: 300 });
    let receipt = Receipt::of(&message, &Profile::default()).unwrap();
    assert_eq!(receipt.id, "26");
    assert_eq!(receipt.second_id, Some("1a".into()));
    assert_eq!(receipt.state, Some(MessageState::EXPIRED));
    assert_eq!(receipt.stat, "UNDELIV");
    assert_eq!(receipt.error_code(), Some(300));
    // The response said 0x1a in hexadecimal: both ids lead there.
    let response = IdCandidates::of(b"1A", IdPlace::Response, MessageIdForm::Any);
    assert!(receipt.candidates(&Profile::default()).matches(&response).is_some());
    // A state nobody defined does not hide the text's.
    let mut odd = deliver(EsmClass::DELIVERY_RECEIPT, TEXT);
    odd.tlvs.push_u8(Tag::MESSAGE_STATE, 77);
    assert_eq!(Receipt::of(&odd, &Profile::default()).unwrap().state, Some(MessageState::UNDELIVERABLE));
    // TLVs alone are enough.
    let mut bare = deliver(EsmClass::DELIVERY_RECEIPT, b"");
    bare.tlvs.push_c_octets(Tag::RECEIPTED_MESSAGE_ID, b"26").unwrap();
    assert_eq!(Receipt::of(&bare, &Profile::default()).unwrap().id, "26");
}

#[test]
fn other_places_of_the_text() {
    let profile = Profile::default();
    let mut payload = deliver(EsmClass::DELIVERY_RECEIPT, b"");
    payload.tlvs.push(Tag::MESSAGE_PAYLOAD, TEXT).unwrap();
    assert_eq!(Receipt::of(&payload, &profile).unwrap().id, "1a");
    let wide: Vec<u8> = TEXT.iter().flat_map(|&octet| [0, octet]).collect();
    let mut ucs2 = deliver(EsmClass::DELIVERY_RECEIPT, &wide);
    ucs2.data_coding = DataCoding::UCS2;
    assert_eq!(Receipt::of(&ucs2, &profile).unwrap().id, "1a");
    let mut headed = vec![5, 0, 3, 1, 1, 1];
    headed.extend_from_slice(TEXT);
    let udh = deliver(EsmClass(EsmClass::DELIVERY_RECEIPT.0 | EsmClass::UDHI), &headed);
    assert_eq!(Receipt::of(&udh, &profile).unwrap().id, "1a");
    let data =
        DataSm { esm_class: EsmClass::DELIVERY_RECEIPT, tlvs: payload.tlvs.clone(), ..DataSm::default() };
    assert_eq!(Receipt::of_data_sm(&data, &profile).unwrap().id, "1a");
}

#[test]
fn what_is_built_reads_the_same() {
    let receipt = Receipt {
        id: "00ab".into(),
        submitted: Some(1),
        delivered: Some(0),
        submit_us: Some(AT),
        done_us: Some(AT + 60_000_000),
        state: Some(MessageState::EXPIRED),
        err: "027".into(),
        network_error: Some(NetworkErrorCode { network: 3, code: 27 }),
        text: Bytes::from_static(b"a message of more than twenty octets"),
        ..Receipt::default()
    };
    let profile = Profile::default();
    let message =
        receipt.to_deliver_sm(Address::international("447700900123"), Address::short_code("4242"), &profile);
    assert_eq!(
        &message.short_message[..],
        &b"id:00ab sub:001 dlvrd:000 submit date:2405101543 done date:2405101544 stat:EXPIRED err:027 \
           text:a message of more th"[..]
    );
    let back = Receipt::of(&message, &profile).unwrap();
    let expected = Receipt {
        stat: "EXPIRED".into(),
        text: Bytes::from_static(b"a message of more th"),
        ..receipt.clone()
    };
    assert_eq!(back, expected);
    let old = Profile { version: Version::V3_3, ..Profile::default() };
    let message = receipt.to_deliver_sm(Address::default(), Address::default(), &old);
    assert!(message.tlvs.is_empty());
}

#[test]
fn every_state_survives_the_text() {
    for &state in MessageState::ALL {
        let receipt = Receipt { id: "1".into(), state: Some(state), ..Receipt::default() };
        let text = receipt.to_text(&rules());
        assert_eq!(Receipt::parse(&text, &rules()).unwrap().state, Some(state), "{state}");
    }
}
