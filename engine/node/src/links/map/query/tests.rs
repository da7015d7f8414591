//! What is asked in PDUs, as questions, and the answers.

use bytes::Bytes;
use signalbox_core::address::Address;
use signalbox_core::exchange::ReplyTo;
use signalbox_core::id::{AccountId, MessageId, SessionId, ShardId};
use signalbox_core::message::{Direction, TrafficClass};
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::time::Micros;
use signalbox_smpp::{Alphabet, Npi, Packing, Profile, Tag, Tlvs, Ton};

use super::*;

fn origin(profile: &Profile) -> Origin<'_> {
    Origin {
        reply: ReplyTo { session: SessionId(1), token: 2 },
        account: AccountId(3),
        class: TrafficClass::Bulk,
        default_source: None,
        region: None,
        short_ids: false,
        profile,
        now: Micros(1_767_225_600_000_000),
    }
}

#[test]
fn a_query_names_id_and_source() {
    let profile = Profile::default();
    let request = QuerySm {
        message_id: "1A2B".into(),
        source: SmppAddress::international("4477"),
        ..QuerySm::default()
    };
    let asked = query(&request, origin(&profile)).unwrap();
    assert_eq!(asked.visible_id, "1A2B");
    assert_eq!(asked.source.unwrap().octets(), b"4477");
    let bare = QuerySm::default();
    assert_eq!(query(&bare, origin(&profile)).unwrap_err(), CommandStatus::RINVMSGID);
    let odd = QuerySm { message_id: (&b"\xff"[..]).into(), ..QuerySm::default() };
    assert_eq!(query(&odd, origin(&profile)).unwrap_err(), CommandStatus::RINVMSGID);
}

#[test]
fn a_cancel_goes_by_id_or_by_addresses() {
    let profile = Profile::default();
    let by_addresses = CancelSm {
        service_type: "WAP".into(),
        source: SmppAddress::international("4477"),
        destination: SmppAddress::international("4478"),
        ..CancelSm::default()
    };
    let asked = cancel(&by_addresses, origin(&profile)).unwrap();
    assert!(asked.visible_id.is_empty());
    assert!(matches!(asked.ask, Ask::Cancel { destination: Some(to), service_type }
        if to.octets() == b"4478" && &service_type[..] == b"WAP"));
    assert_eq!(cancel(&CancelSm::default(), origin(&profile)).unwrap_err(), CommandStatus::RINVMSGID);
}

#[test]
fn a_replace_has_new_text_and_times() {
    let profile = Profile::default();
    let request = ReplaceSm {
        message_id: "1".into(),
        validity_period: "000000000100000R".into(),
        short_message: Bytes::from_static(b"new"),
        ..ReplaceSm::default()
    };
    let asked = replace(&request, origin(&profile)).unwrap();
    let Ask::Replace { content, not_before, expires_at, receipt, .. } = asked.ask else { panic!() };
    assert_eq!(&content.payload[..], b"new");
    assert_eq!((not_before, expires_at), (None, Some(Micros(1_767_225_660_000_000))));
    assert_eq!(receipt, ReceiptRequest(0));
}

#[test]
fn the_answer_tells_state_date_and_error() {
    let view = MessageView {
        id: MessageId::new(Micros(1), ShardId::of(b"1"), 1),
        visible_id: "1A2B".into(),
        direction: Direction::Mt,
        account: None,
        source: Address::default(),
        destination: Address::default(),
        class: TrafficClass::Bulk,
        stage: Stage::Final,
        outcome: Some(FinalState::Failed),
        reason: Reason::RetriesExhausted,
        peer: None,
        attempts: 3,
        status: 0x64,
        remote_id: String::new(),
        accepted_at: Micros(1),
        due_at: None,
        expires_at: Micros(2),
        final_at: Some(Micros(1_767_225_600_000_000)),
    };
    let resp = query_resp(&view);
    assert_eq!(resp.message_id, "1A2B");
    assert_eq!(resp.message_state, MessageState::UNDELIVERABLE);
    assert_eq!(resp.final_date, "260101000000000+");
    assert_eq!(resp.error_code, 0x64);
    let open = MessageView { outcome: None, stage: Stage::Queued, final_at: None, status: 0x400, ..view };
    let resp = query_resp(&open);
    assert_eq!((resp.message_state, resp.error_code), (MessageState::ENROUTE, 255));
    assert!(resp.final_date.is_empty());
}

#[test]
fn national_numbers_are_understood_as_when_the_message_was_submitted() {
    let profile = Profile::default();
    let origin = || Origin { region: "GB".parse().ok(), ..origin(&profile) };
    let message_id = || COctets::from("1A2B");
    let number = Address::new(1, 1, b"447700900123").unwrap();
    for (ton, npi) in [(Ton::NATIONAL, Npi::ISDN), (Ton::NATIONAL, Npi(0)), (Ton::UNKNOWN, Npi(0))] {
        let national = || SmppAddress::new(ton, npi, "07700900123");
        let asked =
            query(&QuerySm { message_id: message_id(), source: national(), ..QuerySm::default() }, origin());
        assert_eq!(asked.unwrap().source.as_ref(), Some(&number), "{ton:?} {npi:?}");
        let (source, destination) = (national(), national());
        let by_addresses = CancelSm { source, destination, ..CancelSm::default() };
        let asked = cancel(&by_addresses, origin()).unwrap();
        assert_eq!(asked.source.as_ref(), Some(&number));
        assert!(matches!(asked.ask, Ask::Cancel { destination: Some(to), .. } if to == number));
        let replacing = ReplaceSm { message_id: message_id(), source: national(), ..ReplaceSm::default() };
        assert_eq!(replace(&replacing, origin()).unwrap().source.as_ref(), Some(&number));
    }
}

#[test]
fn a_replace_may_have_its_text_in_message_payload() {
    let profile = Profile::default();
    let request = |short: &'static [u8]| ReplaceSm {
        message_id: "1".into(),
        short_message: Bytes::from_static(short),
        tlvs: Tlvs::new().with(Tag::MESSAGE_PAYLOAD, b"long").unwrap(),
        ..ReplaceSm::default()
    };
    // Of two texts short_message counts.
    for (short, text) in [(&b""[..], &b"long"[..]), (b"short", b"short")] {
        let asked = replace(&request(short), origin(&profile)).unwrap();
        let Ask::Replace { content, .. } = asked.ask else { panic!() };
        assert_eq!(&content.payload[..], text);
    }
}

/// What a message submitted so becomes by a replace_sm of the same session.
fn rewritten(profile: &Profile, data_coding: u8, old: &[u8], new: &[u8]) -> (u8, Bytes) {
    let message = signalbox_smpp::ShortMessage {
        source: SmppAddress::international("4477"),
        destination: SmppAddress::international("4478"),
        data_coding: signalbox_smpp::DataCoding(data_coding),
        short_message: Bytes::copy_from_slice(old),
        ..Default::default()
    };
    let submit = super::super::from_submit_sm(message, origin(profile)).unwrap();
    let request = ReplaceSm {
        message_id: "1".into(),
        short_message: Bytes::copy_from_slice(new),
        ..Default::default()
    };
    let asked = replace(&request, origin(profile)).unwrap();
    let Ask::Replace { content, rewording, .. } = asked.ask else { panic!() };
    let content = rewording.of(submit.parts[0].clone().with_text_of(&content));
    (content.data_coding, content.payload)
}

#[test]
fn a_new_text_is_in_the_alphabet_in_which_the_old_one_was_written() {
    let habit = |default_alphabet| Profile { default_alphabet, ..Profile::default() };
    let (plain, utf8) = (Profile::default(), habit(Alphabet::Utf8));
    let packed = Profile { gsm7: Packing::Packed, ..Profile::default() };
    for (profile, data_coding, old, new, expected) in [
        (&plain, 0, &b"old"[..], &b"new"[..], (0, &b"new"[..])),
        (&plain, 8, b"\0o", b"\0n", (8, b"\0n")),
        (&habit(Alphabet::Latin1), 0, b"\xfc", b"\xdf", (3, b"\xdf")),
        // From one alphabet to another, as the text needs it.
        (&utf8, 0, "\u{4f60}".as_bytes(), "ß".as_bytes(), (0, b"\x1e")),
        (&utf8, 0, "ß".as_bytes(), "\u{4f60}".as_bytes(), (8, b"\x4f\x60")),
        // Said to be UCS-2, and no UTF-8 therefore.
        (&utf8, 8, b"\x4f\x60", b"N-", (8, b"N-")),
        (&packed, 0, b"\xe8\x32\x9b\xfd\x06", b"\xe8\x32\x9b\xfd\x06", (0, b"hello")),
    ] {
        let (data_coding, payload) = rewritten(profile, data_coding, old, new);
        assert_eq!((data_coding, &payload[..]), expected, "{old:02x?} {new:02x?}");
    }
}
