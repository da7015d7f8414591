//! deliver_sm and data_sm of a link as MO messages or receipts.

use bytes::Bytes;
use signalbox_core::address::Address;
use signalbox_core::exchange::{Event, Inbound, LinkReceipt, ReplyTo};
use signalbox_core::id::LinkId;
use signalbox_core::message::{Content, ReceiptState};
use signalbox_smpp::receipt::Receipt;
use signalbox_smpp::{CommandStatus, DataSm, Profile, ShortMessage, Tag, Tlvs};

use super::address::{AddressField, Way, core_address};
use super::{parts, receipt, submit};
use crate::links::settings::LinkRules;

/// Octets of the original text that a receipt passes on.
const RECEIPT_TEXT: usize = 20;

/// Where a PDU came from.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Who waits for the answer.
    pub reply: ReplyTo,
    /// The link.
    pub link: LinkId,
    /// Its rules.
    pub rules: &'a LinkRules,
    /// The peer's quirks.
    pub profile: &'a Profile,
}

/// A deliver_sm as the event it means.
///
/// # Errors
/// The status to answer with.
pub fn from_deliver_sm(message: ShortMessage, arrival: Arrival<'_>) -> Result<Event, CommandStatus> {
    let (source, destination) = addresses(
        core_address(&message.source, CommandStatus::RINVSRCADR)?,
        core_address(&message.destination, CommandStatus::RINVDSTADR)?,
        arrival.rules,
    );
    if let Some(found) = Receipt::of(&message, arrival.profile) {
        return Ok(receipt_event(&found, source, arrival));
    }
    let tlvs = arrival.rules.tlvs.taken(message.tlvs);
    let first_part = parts::is_first(message.esm_class, &message.short_message, &tlvs);
    let reference = reference(&tlvs);
    let content = Content {
        service_type: message.service_type.0,
        esm_class: message.esm_class.0,
        protocol_id: message.protocol_id,
        priority: message.priority_flag,
        replace_if_present: false,
        data_coding: arrival.rules.data_coding_in.apply(message.data_coding.0),
        default_message: 0,
        payload: message.short_message,
        tlvs: tlvs.as_bytes().clone(),
        data_sm: false,
        by_default: false,
    };
    let content = submit::worded(content, arrival.profile);
    Ok(inbound(source, destination, content, reference, first_part, arrival))
}

/// A data_sm as the event it means.
///
/// # Errors
/// The status to answer with.
pub fn from_data_sm(mut message: DataSm, arrival: Arrival<'_>) -> Result<Event, CommandStatus> {
    let (source, destination) = addresses(
        core_address(&message.source, CommandStatus::RINVSRCADR)?,
        core_address(&message.destination, CommandStatus::RINVDSTADR)?,
        arrival.rules,
    );
    if let Some(found) = Receipt::of_data_sm(&message, arrival.profile) {
        return Ok(receipt_event(&found, source, arrival));
    }
    message.tlvs = arrival.rules.tlvs.taken(message.tlvs);
    let first_part = parts::is_first(message.esm_class, &[], &message.tlvs);
    let reference = reference(&message.tlvs);
    let mut content = submit::data_sm_content(&message);
    content.data_coding = arrival.rules.data_coding_in.apply(content.data_coding);
    let content = submit::worded(content, arrival.profile);
    Ok(inbound(source, destination, content, reference, first_part, arrival))
}

fn addresses(mut source: Address, mut destination: Address, rules: &LinkRules) -> (Address, Address) {
    rules.rewrites.apply(Way::In, AddressField::Source, &mut source);
    rules.rewrites.apply(Way::In, AddressField::Destination, &mut destination);
    (source, destination)
}

/// The peer's own reference: user_message_reference, which a repeat has again.
fn reference(tlvs: &Tlvs) -> Option<u16> {
    if tlvs.is_empty() { None } else { tlvs.u16(Tag::USER_MESSAGE_REFERENCE) }
}

fn inbound(
    source: Address,
    destination: Address,
    content: Content,
    reference: Option<u16>,
    first_part: bool,
    arrival: Arrival<'_>,
) -> Event {
    Event::Inbound(Box::new(Inbound {
        reply: arrival.reply,
        link: arrival.link,
        source,
        destination,
        content,
        reference,
        first_part,
    }))
}

fn receipt_event(found: &Receipt, device: Address, arrival: Arrival<'_>) -> Event {
    let said = found.state.and_then(receipt::receipt_state);
    let state = match said {
        // An intermediate notification decides nothing, whatever state it names.
        _ if found.intermediate => ReceiptState::Enroute,
        Some(state) => state,
        None => ReceiptState::Unknown,
    };
    let error = found.error_code().and_then(|code| u16::try_from(code).ok()).unwrap_or(0);
    let text = found.text.slice(..found.text.len().min(RECEIPT_TEXT));
    Event::Receipt(Box::new(LinkReceipt {
        reply: arrival.reply,
        link: arrival.link,
        // Copied, for the exchange may park a receipt long after the rest of its frame is of use.
        remote_id: Bytes::copy_from_slice(&found.id),
        device,
        state,
        error,
        network_error: found.network_error.map(|error| (error.network, error.code)),
        text,
    }))
}

#[cfg(test)]
mod tests {
    use signalbox_core::id::SessionId;
    use signalbox_smpp::{Address as SmppAddress, Alphabet, DataCoding, EsmClass, MessageState};

    use super::super::{Change, DataCodings, Rewrite, Rewrites, TlvEdits};
    use super::*;

    fn arrival<'a>(rules: &'a LinkRules, profile: &'a Profile) -> Arrival<'a> {
        Arrival { reply: ReplyTo { session: SessionId(1), token: 9 }, link: LinkId(4), rules, profile }
    }

    fn message(text: &'static str) -> ShortMessage {
        ShortMessage {
            source: SmppAddress::international("447700900123"),
            destination: SmppAddress::short_code("12345"),
            short_message: Bytes::from_static(text.as_bytes()),
            ..ShortMessage::default()
        }
    }

    const RECEIPT: &str = "id:00a1B2 sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 \
                           stat:DELIVRD err:000 text:hello";

    #[test]
    fn a_receipt_is_known_by_esm_class_or_text() {
        let (rules, profile) = (LinkRules::default(), Profile::default());
        let marked = ShortMessage { esm_class: EsmClass::DELIVERY_RECEIPT, ..message(RECEIPT) };
        for message in [message(RECEIPT), marked] {
            let Event::Receipt(found) = from_deliver_sm(message, arrival(&rules, &profile)).unwrap() else {
                panic!()
            };
            assert_eq!(&found.remote_id[..], b"00a1B2");
            assert_eq!(found.state, ReceiptState::Delivered);
            assert_eq!(found.device.octets(), b"447700900123");
            assert_eq!(&found.text[..], b"hello");
            assert_eq!(found.reply.token, 9);
        }
    }

    #[test]
    fn a_receipt_of_tlvs_alone_counts() {
        let (rules, profile) = (LinkRules::default(), Profile::default());
        let mut tlvs = Tlvs::new();
        tlvs.push_c_octets(Tag::RECEIPTED_MESSAGE_ID, b"77").unwrap();
        tlvs.push_u8(Tag::MESSAGE_STATE, MessageState::REJECTED.0);
        let data = DataSm {
            source: SmppAddress::international("447700900123"),
            esm_class: EsmClass::DELIVERY_RECEIPT,
            tlvs,
            ..DataSm::default()
        };
        let Event::Receipt(found) = from_data_sm(data, arrival(&rules, &profile)).unwrap() else { panic!() };
        assert_eq!((&found.remote_id[..], found.state), (&b"77"[..], ReceiptState::Rejected));
    }

    #[test]
    fn an_intermediate_notification_decides_nothing() {
        let (rules, profile) = (LinkRules::default(), Profile::default());
        let between = ShortMessage { esm_class: EsmClass::INTERMEDIATE, ..message(RECEIPT) };
        let Event::Receipt(found) = from_deliver_sm(between, arrival(&rules, &profile)).unwrap() else {
            panic!()
        };
        assert_eq!(found.state, ReceiptState::Enroute);
    }

    /// Whoever reads the message afterwards, a webhook for one, knows nothing of the link.
    #[test]
    fn an_mo_message_says_itself_in_which_alphabet_it_is() {
        let rules = LinkRules::default();
        let habits = [(Alphabet::Latin1, 0x03), (Alphabet::Ucs2, 0x08), (Alphabet::Gsm7, 0x00)];
        for (default_alphabet, data_coding) in habits {
            let profile = Profile { default_alphabet, ..Profile::default() };
            let Event::Inbound(inbound) = from_deliver_sm(message("ab"), arrival(&rules, &profile)).unwrap()
            else {
                panic!()
            };
            assert_eq!(inbound.content.data_coding, data_coding, "{default_alphabet:?}");
        }
    }

    #[test]
    fn an_mo_message_is_changed_as_the_link_says() {
        let rules = LinkRules {
            rewrites: Rewrites(vec![Rewrite {
                way: Way::In,
                field: AddressField::Source,
                prefix: b"44".to_vec(),
                ton: Some(1),
                npi: None,
                change: Change::Prefix { strip: 2, add: b"0".to_vec() },
                set_ton: Some(2),
                set_npi: None,
            }]),
            data_coding_in: DataCodings::new([(0x11, 0x08)]),
            tlvs: TlvEdits { strip_in: vec![0x1400], ..TlvEdits::default() },
            ..LinkRules::default()
        };
        let profile = Profile::default();
        let mut tlvs = Tlvs::new().with(Tag(0x1400), &[1]).unwrap();
        tlvs.push_u16(Tag::USER_MESSAGE_REFERENCE, 0x0102);
        let sent = ShortMessage { data_coding: DataCoding(0x11), tlvs, ..message("STOP") };
        let Event::Inbound(inbound) = from_deliver_sm(sent, arrival(&rules, &profile)).unwrap() else {
            panic!()
        };
        assert_eq!((inbound.source.ton, inbound.source.octets()), (2, &b"07700900123"[..]));
        assert_eq!(inbound.destination.octets(), b"12345");
        assert_eq!(inbound.content.data_coding, 0x08);
        assert_eq!(&inbound.content.payload[..], b"STOP");
        assert_eq!(inbound.reference, Some(0x0102));
        assert_eq!(inbound.content.tlvs.len(), 6);
        assert!(inbound.first_part);
    }

    #[test]
    fn an_mo_message_with_the_word_id_is_none() {
        let (rules, profile) = (LinkRules::default(), Profile::default());
        let event = from_deliver_sm(message("id: please"), arrival(&rules, &profile)).unwrap();
        assert!(matches!(event, Event::Inbound(_)));
    }
}
