//! Receipts of the exchange as deliver_sm or data_sm for their origin.

use signalbox_core::address::Address;
use signalbox_core::message::{ReceiptContent, ReceiptState};
use signalbox_smpp::receipt::Receipt;
use signalbox_smpp::{
    Body, COctets, DataSm, MessageState, NetworkErrorCode, Profile, ShortMessage, Tag, Version,
};

use super::address::smpp_address;

/// message_state for a state of ours (SMPP 3.4 cl. 5.2.28).
#[must_use]
pub fn message_state(state: ReceiptState) -> MessageState {
    match state {
        ReceiptState::Enroute => MessageState::ENROUTE,
        ReceiptState::Delivered => MessageState::DELIVERED,
        ReceiptState::Expired => MessageState::EXPIRED,
        ReceiptState::Deleted => MessageState::DELETED,
        ReceiptState::Undeliverable => MessageState::UNDELIVERABLE,
        ReceiptState::Accepted => MessageState::ACCEPTED,
        ReceiptState::Unknown => MessageState::UNKNOWN,
        ReceiptState::Rejected => MessageState::REJECTED,
        ReceiptState::Scheduled => MessageState::SCHEDULED,
        ReceiptState::Skipped => MessageState::SKIPPED,
    }
}

/// The state that a peer's message_state means; `None` for values without a meaning.
#[must_use]
pub fn receipt_state(state: MessageState) -> Option<ReceiptState> {
    Some(match state {
        MessageState::SCHEDULED => ReceiptState::Scheduled,
        MessageState::ENROUTE => ReceiptState::Enroute,
        MessageState::DELIVERED => ReceiptState::Delivered,
        MessageState::EXPIRED => ReceiptState::Expired,
        MessageState::DELETED => ReceiptState::Deleted,
        MessageState::UNDELIVERABLE => ReceiptState::Undeliverable,
        MessageState::ACCEPTED => ReceiptState::Accepted,
        MessageState::UNKNOWN => ReceiptState::Unknown,
        MessageState::REJECTED => ReceiptState::Rejected,
        MessageState::SKIPPED => ReceiptState::Skipped,
        _ => return None,
    })
}

/// The PDU that carries a receipt to its origin: the text of SMPP 3.4 appendix B and, by the profile, TLVs.
#[must_use]
pub fn receipt(
    content: &ReceiptContent,
    source: &Address,
    destination: &Address,
    profile: &Profile,
    as_data_sm: bool,
) -> Body {
    let receipt = Receipt {
        id: COctets::from(content.message_id.as_str()),
        submit_us: Some(content.submitted_at.0),
        done_us: Some(content.done_at.0),
        state: Some(message_state(content.state)),
        err: COctets::from(format!("{:03}", content.error.min(999))),
        network_error: content.network_error.map(|(network, code)| NetworkErrorCode { network, code }),
        text: content.text.clone(),
        intermediate: content.state.is_intermediate(),
        ..Receipt::default()
    };
    let message = receipt.to_deliver_sm(smpp_address(source), smpp_address(destination), profile);
    if as_data_sm && profile.version >= Version::V3_4 {
        return Body::DataSm(into_data_sm(message));
    }
    Body::DeliverSm(message)
}

fn into_data_sm(message: ShortMessage) -> DataSm {
    let mut tlvs = message.tlvs;
    tlvs.push(Tag::MESSAGE_PAYLOAD, &message.short_message).expect("a receipt's text fits a tlv");
    DataSm {
        service_type: message.service_type,
        source: message.source,
        destination: message.destination,
        esm_class: message.esm_class,
        registered_delivery: message.registered_delivery,
        data_coding: message.data_coding,
        tlvs,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use signalbox_core::id::{MessageId, ShardId};
    use signalbox_core::time::Micros;

    use super::*;

    fn content() -> ReceiptContent {
        ReceiptContent {
            message_id: "0123abcd".into(),
            message: MessageId::new(Micros(1), ShardId::of(b"1"), 1),
            state: ReceiptState::Undeliverable,
            submitted_at: Micros(1_767_225_600_000_000),
            done_at: Micros(1_767_225_660_000_000),
            error: 34,
            network_error: Some((3, 27)),
            text: Bytes::from_static(b"hello"),
        }
    }

    fn made(profile: &Profile, as_data_sm: bool) -> Body {
        let device = Address::new(1, 1, b"447700900123").unwrap();
        let origin = Address::new(5, 0, b"Bank").unwrap();
        receipt(&content(), &device, &origin, profile, as_data_sm)
    }

    #[test]
    fn a_receipt_has_text_and_tlvs() {
        let Body::DeliverSm(message) = made(&Profile::default(), false) else { panic!() };
        assert_eq!(message.source.addr, "447700900123");
        assert_eq!(message.destination.addr, "Bank");
        assert!(message.esm_class.is_receipt());
        assert_eq!(
            std::str::from_utf8(&message.short_message).unwrap(),
            "id:0123abcd sub:001 dlvrd:000 submit date:2601010000 done date:2601010001 stat:UNDELIV err:034 text:hello"
        );
        assert_eq!(message.tlvs.receipted_message_id(), Some(&b"0123abcd"[..]));
        assert_eq!(message.tlvs.message_state(), Some(MessageState::UNDELIVERABLE));
        assert_eq!(message.tlvs.network_error_code(), Some(NetworkErrorCode { network: 3, code: 27 }));
    }

    #[test]
    fn a_3_3_peer_gets_the_text_alone() {
        let old = Profile { version: Version::V3_3, ..Profile::default() };
        let Body::DeliverSm(message) = made(&old, true) else { panic!() };
        assert!(message.tlvs.is_empty());
    }

    #[test]
    fn as_data_sm_the_text_is_in_message_payload() {
        let Body::DataSm(message) = made(&Profile::default(), true) else { panic!() };
        assert!(message.esm_class.is_receipt());
        assert!(message.tlvs.message_payload().unwrap().starts_with(b"id:0123abcd "));
    }

    #[test]
    fn an_intermediate_notification_says_so() {
        let on_its_way = ReceiptContent { state: ReceiptState::Enroute, ..content() };
        let address = Address::default();
        let Body::DeliverSm(message) = receipt(&on_its_way, &address, &address, &Profile::default(), false)
        else {
            panic!()
        };
        assert!(message.esm_class.is_intermediate());
    }

    #[test]
    fn states_map_both_ways() {
        for state in (0..=9).map(MessageState) {
            assert_eq!(receipt_state(state).map(message_state), Some(state));
        }
        assert_eq!(receipt_state(MessageState(10)), None);
    }
}
