//! Messages as an application reads them: whole, in however many parts they came.
//!
//! The exchange keeps every part exactly as it came. For receivers that take whole messages it lets the parts leave
//! together ([`Joined`]), and [`DeviceMessage`] reads them: it is what webhooks are told, and what any consumer of MO
//! messages in the node is given.

use bytes::Bytes;
use signalbox_text::Udh;
use signalbox_text::reassembly::{Kind, Part, Place};
use signalbox_text::text::{Content as Text, Profile};
use signalbox_text::udh::{Element, peek_concat};

use crate::address::Address;
use crate::gate::Released;
use crate::id::{CarrierId, LinkId, MessageId};
use crate::message::{Body, Content, tlv};
use crate::time::Micros;

/// The bit of esm_class that says that the text begins with a header (SMPP 3.4 cl. 5.2.12).
const UDHI: u8 = 0x40;
/// Tags of message_payload, sar_msg_ref_num, sar_total_segments and sar_segment_seqnum (SMPP 3.4 cl. 5.3.2).
const MESSAGE_PAYLOAD: u16 = 0x0424;
const SAR_REFERENCE: u16 = 0x020c;
const SAR_TOTAL: u16 = 0x020e;
const SAR_SEQUENCE: u16 = 0x020f;

/// Where a content stands in a longer message, by its header (3GPP TS 23.040 cl. 9.2.3.24.1 and 8) or by its sar_ TLVs
/// (SMPP 3.4 cl. 5.3.2.22). `None` for a whole message, and for a place that cannot be.
#[must_use]
pub fn place_of(content: &Content) -> Option<Place> {
    let by_header = || {
        if content.esm_class & UDHI == 0 {
            return None;
        }
        peek_concat(&text_of(content)).ok().flatten().map(Place::from)
    };
    let place = by_header().or_else(|| by_tlvs(content))?;
    (place.total >= 2 && (1..=place.total).contains(&place.sequence)).then_some(place)
}

fn by_tlvs(content: &Content) -> Option<Place> {
    if content.tlvs.is_empty() {
        return None;
    }
    let octet = |tag| match *tlv(&content.tlvs, tag)? {
        [octet] => Some(octet),
        _ => None,
    };
    let reference = match *tlv(&content.tlvs, SAR_REFERENCE)? {
        [high, low] => u16::from_be_bytes([high, low]),
        _ => return None,
    };
    Some(Place { kind: Kind::Sar, reference, total: octet(SAR_TOTAL)?, sequence: octet(SAR_SEQUENCE)? })
}

/// The text with its header, from short_message or message_payload.
fn text_of(content: &Content) -> Bytes {
    if !content.payload.is_empty() {
        return content.payload.clone();
    }
    tlv(&content.tlvs, MESSAGE_PAYLOAD).map(|text| content.tlvs.slice_ref(text)).unwrap_or_default()
}

/// A content as the decoder takes it. A header that cannot be read is told as text, as it came.
fn readable(content: &Content, sequence: u8) -> Part {
    let text = text_of(content);
    let (header, body) = match content.esm_class & UDHI {
        0 => (None, text),
        _ => match Udh::split(&text) {
            Ok((header, body)) => (Some(header), body),
            Err(_) => (None, text),
        },
    };
    Part { token: 0, sequence, data_coding: content.data_coding, header, body }
}

/// True when a content is text, with nothing in its header but its place.
pub(crate) fn is_plain_text(content: &Content) -> bool {
    let part = readable(content, 1);
    let only_place = part
        .header
        .as_ref()
        .is_none_or(|header| header.elements().all(|element| matches!(element, Element::Concat(_))));
    let read = Profile::default().decode(part.data_coding, part.header.as_ref(), &part.body);
    only_place && matches!(read, Text::Text { .. })
}

/// One part of a message that leaves whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedPart {
    /// From 1.
    pub number: u8,
    /// When it was accepted.
    pub accepted_at: Micros,
    /// As it came.
    pub content: Content,
}

/// Parts of one message that leave together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// How many parts the message has.
    pub total: u8,
    /// Those that came, by their numbers.
    pub parts: Vec<JoinedPart>,
}

impl Joined {
    /// The whole text; `None` where a part is no text.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self.read().1 {
            Text::Text { text, .. } => Some(text),
            Text::Binary { .. } => None,
        }
    }

    fn read(&self) -> (Vec<Part>, Text) {
        let parts: Vec<Part> = self.parts.iter().map(|part| readable(&part.content, part.number)).collect();
        let text = Profile::default().decode_parts(&parts);
        (parts, text)
    }

    /// The numbers of the parts that never came.
    #[must_use]
    pub fn missing(&self) -> Vec<u8> {
        (1..=self.total).filter(|number| self.parts.iter().all(|part| part.number != *number)).collect()
    }
}

/// What a device said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Words {
    /// Text.
    Text {
        /// The text; where parts are missing, of those that came.
        text: String,
        /// Characters that could not be read and are U+FFFD in it.
        unreadable: usize,
    },
    /// Octets, without their headers.
    Data(Bytes),
}

/// A message from a device, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceMessage {
    /// Its id: that of the part that came first. The same in each attempt.
    pub id: MessageId,
    /// From: the device.
    pub source: Address,
    /// To: an address of ours.
    pub destination: Address,
    /// What it says.
    pub words: Words,
    /// The user data header without the place in a longer message, if anything else is in it; of several parts that of
    /// the lowest number there is.
    pub header: Option<Udh>,
    /// data_coding, of several parts that of the lowest number there is.
    pub data_coding: u8,
    /// In how many parts it was sent.
    pub parts: u8,
    /// The numbers of those that did not come in time, from 1; empty for a complete message.
    pub missing: Vec<u8>,
    /// When its first part was accepted.
    pub first_at: Micros,
    /// When the last one was.
    pub last_at: Micros,
    /// The link that brought it.
    pub link: Option<LinkId>,
    /// The device's carrier, as far as it is known.
    pub carrier: Option<CarrierId>,
}

impl DeviceMessage {
    /// Reads what is released to a receiver of whole messages; `None` for a receipt.
    #[must_use]
    pub fn of(released: &Released) -> Option<Self> {
        let Body::Content(content) = released.body() else { return None };
        let alone;
        let (joined, parts) = match (released.joined(), place_of(content)) {
            (Some(joined), _) => (joined, joined.total),
            (None, place) => {
                let number = place.map_or(1, |place| place.sequence);
                let accepted_at = released.id().accepted_at();
                let part = JoinedPart { number, accepted_at, content: content.clone() };
                alone = Joined { total: place.map_or(1, |place| place.total), parts: vec![part] };
                (&alone, alone.total)
            }
        };
        let (read, text) = joined.read();
        let words = match text {
            Text::Text { text, defects } => Words::Text { text, unreadable: defects },
            Text::Binary { .. } => {
                Words::Data(read.iter().flat_map(|part| part.body.iter().copied()).collect())
            }
        };
        let times = || joined.parts.iter().map(|part| part.accepted_at);
        let first_at = times().min().unwrap_or(released.id().accepted_at());
        Some(Self {
            id: released.id(),
            source: released.source().clone(),
            destination: released.destination().clone(),
            words,
            header: read.first().and_then(|part| part.header.as_ref()).and_then(without_place),
            data_coding: joined.parts.first().map_or(content.data_coding, |part| part.content.data_coding),
            parts,
            missing: joined.missing(),
            first_at,
            last_at: times().max().unwrap_or(first_at),
            link: released.ingress(),
            carrier: released.carrier(),
        })
    }
}

/// A header without the element that says which part it is; `None` if nothing is left.
fn without_place(header: &Udh) -> Option<Udh> {
    let rest: Vec<Element<'_>> =
        header.elements().filter(|element| !matches!(element, Element::Concat(_))).collect();
    if rest.is_empty() {
        return None;
    }
    Udh::build(&rest).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_header(number: u8, total: u8, text: &[u8]) -> Content {
        let payload = [&[5, 0, 3, 0x2a, total, number], text].concat();
        Content { esm_class: UDHI, payload: payload.into(), ..Content::default() }
    }

    fn by_sar(number: u8, total: u8) -> Content {
        let tlvs = [&[2, 0x0c, 0, 2, 1, 0x2a, 2, 0x0e, 0, 1, total][..], &[2, 0x0f, 0, 1, number]].concat();
        Content { payload: Bytes::from_static(b"text"), tlvs: tlvs.into(), ..Content::default() }
    }

    #[test]
    fn a_place_is_told_by_header_or_tlvs_and_must_be_possible() {
        let told =
            |content: &Content| place_of(content).map(|place| (place.kind, place.reference, place.sequence));
        assert_eq!(told(&by_header(2, 3, b"x")), Some((Kind::Udh8, 0x2a, 2)));
        assert_eq!(told(&by_sar(3, 3)), Some((Kind::Sar, 0x12a, 3)));
        for impossible in [by_header(4, 3, b"x"), by_header(0, 3, b"x"), by_header(1, 1, b"x"), by_sar(0, 2)]
        {
            assert_eq!(told(&impossible), None, "{impossible:?}");
        }
        let text = by_header(2, 3, b"x").payload;
        let tlvs = [&[4, 0x24, 0, text.len() as u8][..], &text].concat();
        let in_payload = Content { esm_class: UDHI, tlvs: tlvs.into(), ..Content::default() };
        assert_eq!(told(&in_payload), Some((Kind::Udh8, 0x2a, 2)));
        assert_eq!(
            told(&Content { esm_class: 0, ..by_header(2, 3, b"x") }),
            None,
            "without the bit it is text"
        );
    }

    #[test]
    fn parts_are_read_as_one_text_and_the_missing_are_named() {
        let part = |number, text: &[u8]| JoinedPart {
            number,
            accepted_at: Micros(number.into()),
            content: by_header(number, 4, text),
        };
        // The escape and what it escapes are in two parts.
        let joined = Joined { total: 4, parts: vec![part(1, b"one \x1b"), part(2, b"\x65uro")] };
        assert_eq!(joined.text().as_deref(), Some("one \u{20ac}uro"));
        assert_eq!(joined.missing(), [3, 4]);
    }

    #[test]
    fn what_has_more_than_its_place_in_the_header_is_no_plain_text() {
        assert!(is_plain_text(&by_header(1, 2, b"x")));
        let ports = b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x2a\x03\x02text";
        let ports = Content { esm_class: UDHI, payload: Bytes::from_static(ports), ..Content::default() };
        assert!(!is_plain_text(&ports));
        assert!(!is_plain_text(&Content { data_coding: 4, ..by_header(1, 2, b"x") }));
        let (header, _) = Udh::split(&ports.payload).unwrap();
        assert_eq!(without_place(&header).unwrap().as_bytes(), b"\x06\x05\x04\x0b\x84\x23\xf0");
    }
}
