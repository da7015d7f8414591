//! Parts of long messages: which one a PDU holds, and the other way to say so.

use bytes::{BufMut, Bytes, BytesMut};
use signalbox_core::exchange::InParts;
use signalbox_core::message::Content;
use signalbox_smpp::{EsmClass, Sar, Tag, Tlvs};
use signalbox_text::data_coding::{Charset, DataCoding, Scheme};
use signalbox_text::encoding::OCTETS_PER_MESSAGE;
use signalbox_text::octets::OctetSet;
use signalbox_text::segments::{Concatenation, Plan};
use signalbox_text::udh::{Concat, Element, peek_concat};
use signalbox_text::{Encoding, Udh};

/// How parts of long messages leave to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LongMessages {
    /// As they came.
    #[default]
    AsTheyCame,
    /// With a header of 8-bit references (3GPP TS 23.040 cl. 9.2.3.24.1).
    Udh8,
    /// With a header of 16-bit references (cl. 9.2.3.24.8).
    Udh16,
    /// With the three sar_ TLVs (SMPP 3.4 cl. 5.3.2.22).
    Sar,
    /// Text in message_payload.
    Payload,
}

/// The text of a message, wherever it is.
fn text<'a>(short_message: &'a [u8], tlvs: &'a Tlvs) -> &'a [u8] {
    if short_message.is_empty() { tlvs.get(Tag::MESSAGE_PAYLOAD).unwrap_or_default() } else { short_message }
}

/// The part of a longer message that a PDU holds, by its header or its TLVs.
pub fn part(esm_class: EsmClass, short_message: &[u8], tlvs: &Tlvs) -> Option<Sar> {
    if esm_class.has_udh()
        && let Ok(Some(concat)) = peek_concat(text(short_message, tlvs))
    {
        return Some(Sar { reference: concat.reference, total: concat.total, segment: concat.sequence });
    }
    if tlvs.is_empty() { None } else { tlvs.sar() }
}

/// Whether a PDU is a whole message or the first part of one.
pub fn is_first(esm_class: EsmClass, short_message: &[u8], tlvs: &Tlvs) -> bool {
    part(esm_class, short_message, tlvs).is_none_or(|part| part.segment <= 1)
}

/// A whole content that needs several segments, in parts with 16-bit references: each fits one segment in any of
/// the [`LongMessages`]. `None` for what fits one, is a part, or has another header: that is cut by its maker.
pub fn cut(content: &Content, reference: u16) -> Option<InParts> {
    // What is shorter fits in any alphabet.
    if content.payload.len() <= OCTETS_PER_MESSAGE && content.tlvs.len() <= OCTETS_PER_MESSAGE {
        return None;
    }
    if EsmClass(content.esm_class).has_udh() {
        return None;
    }
    let tlvs = Tlvs::from_bytes(content.tlvs.clone()).ok()?;
    if tlvs.sar().is_some() {
        return None;
    }
    let text = if content.payload.is_empty() { tlvs.message_payload()? } else { content.payload.clone() };
    let encoding = match DataCoding::from_octet(content.data_coding, Scheme::Smpp).charset {
        Charset::SmscDefault | Charset::Gsm7 => Encoding::GSM7,
        Charset::Ucs2 => Encoding::Ucs2,
        // One octet a character, or nothing that is known.
        _ => Encoding::Octets(OctetSet::Latin1),
    };
    let plan = Plan { concatenation: Concatenation::Udh16, ..Plan::new(encoding) };
    let capacity = plan.capacity();
    if text.len() <= capacity.single {
        return None;
    }
    let tlvs = tlvs.filtered(|tlv| tlv.tag != Tag::MESSAGE_PAYLOAD);
    let pieces = pieces(&text, encoding, capacity.part);
    let total = u8::try_from(pieces.len()).ok()?;
    let part = |(piece, sequence): (Bytes, u8)| {
        let header =
            Udh::build(&[Element::Concat(Concat { reference, total, sequence, wide: true })]).ok()?;
        let mut payload = BytesMut::with_capacity(header.as_bytes().len() + piece.len());
        payload.put_slice(header.as_bytes());
        payload.put_slice(&piece);
        Some(Content {
            esm_class: content.esm_class | EsmClass::UDHI,
            payload: payload.freeze(),
            tlvs: tlvs.as_bytes().clone(),
            data_sm: false,
            ..content.clone()
        })
    };
    let parts = pieces.into_iter().zip(1..=u8::MAX).map(part).collect::<Option<Vec<_>>>()?;
    Some(InParts { octets: text.len(), parts })
}

/// A text in pieces of at most so many octets; an escape sequence and a pair of surrogates stay together.
fn pieces(text: &Bytes, encoding: Encoding, most: usize) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let mut end = text.len().min(start + most);
        let goes_on = end < text.len();
        match encoding {
            Encoding::Gsm7(_) if goes_on && text[end - 1] == ESCAPE => end -= 1,
            Encoding::Ucs2 if goes_on && text[end - 2] & 0xfc == HIGH_SURROGATE => end -= 2,
            Encoding::Gsm7(_) | Encoding::Ucs2 | Encoding::Octets(_) => {}
        }
        pieces.push(text.slice(start..end));
        start = end;
    }
    pieces
}

/// The escape to the extension table (3GPP TS 23.038 cl. 6.2.1.1).
const ESCAPE: u8 = 0x1b;
/// First octet of a high surrogate, without its two lowest bits (RFC 2781 cl. 2.1).
const HIGH_SURROGATE: u8 = 0xd8;

/// A message on its way out, as far as parts change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// esm_class.
    pub esm_class: EsmClass,
    /// short_message.
    pub payload: Bytes,
    /// TLVs.
    pub tlvs: Tlvs,
}

impl Carried {
    /// The same part, told in the link's way. What is no part, or has a header that cannot be read, stays as it
    /// is.
    #[must_use]
    pub fn told_as(self, way: LongMessages) -> Self {
        match way {
            LongMessages::AsTheyCame => self,
            LongMessages::Udh8 => self.with_header(false),
            LongMessages::Udh16 => self.with_header(true),
            LongMessages::Sar => self.with_sar(),
            LongMessages::Payload => self.in_payload(),
        }
    }

    fn with_header(mut self, wide: bool) -> Self {
        let Some(place) = part(self.esm_class, &self.payload, &self.tlvs) else { return self };
        if self.payload.is_empty() {
            return self;
        }
        let (header, text) = match self.header() {
            Ok(split) => split,
            Err(_) => return self,
        };
        // An 8-bit reference is the low octet of a 16-bit one: parts of one message keep a common one.
        let reference = if wide { place.reference } else { place.reference & 0xff };
        let concat = Concat { reference, total: place.total, sequence: place.segment, wide };
        let mut elements = vec![Element::Concat(concat)];
        if let Some(header) = &header {
            elements.extend(header.elements().filter(|element| !matches!(element, Element::Concat(_))));
        }
        let Ok(built) = Udh::build(&elements) else { return self };
        let mut payload = BytesMut::with_capacity(built.as_bytes().len() + text.len());
        payload.put_slice(built.as_bytes());
        payload.put_slice(&text);
        self.payload = payload.freeze();
        self.esm_class.0 |= EsmClass::UDHI;
        self.tlvs = self.tlvs.filtered(|tlv| !is_sar(tlv.tag));
        self
    }

    fn with_sar(mut self) -> Self {
        if !self.esm_class.has_udh() || self.payload.is_empty() {
            return self;
        }
        let Ok((Some(header), text)) = self.header() else { return self };
        let Some(concat) = header.concat() else { return self };
        let others: Vec<Element<'_>> =
            header.elements().filter(|element| !matches!(element, Element::Concat(_))).collect();
        if others.is_empty() {
            self.payload = text;
            self.esm_class.0 &= !EsmClass::UDHI;
        } else {
            let Ok(rest) = Udh::build(&others) else { return self };
            let mut payload = BytesMut::from(rest.as_bytes());
            payload.put_slice(&text);
            self.payload = payload.freeze();
        }
        self.tlvs = self.tlvs.filtered(|tlv| !is_sar(tlv.tag));
        self.tlvs.push_sar(Sar {
            reference: concat.reference,
            total: concat.total,
            segment: concat.sequence,
        });
        self
    }

    /// Moves the text to message_payload.
    #[must_use]
    pub fn in_payload(mut self) -> Self {
        if self.payload.is_empty() || self.tlvs.contains(Tag::MESSAGE_PAYLOAD) {
            return self;
        }
        if self.tlvs.push(Tag::MESSAGE_PAYLOAD, &self.payload).is_ok() {
            self.payload = Bytes::new();
        }
        self
    }

    /// Moves the text to short_message if it is in message_payload and has at most `limit` octets.
    #[must_use]
    pub fn in_short_message(mut self, limit: usize) -> Self {
        if !self.payload.is_empty() {
            return self;
        }
        if let Some(text) = self.tlvs.message_payload()
            && text.len() <= limit
        {
            self.payload = text;
            self.tlvs = self.tlvs.filtered(|tlv| tlv.tag != Tag::MESSAGE_PAYLOAD);
        }
        self
    }

    /// The header of short_message, if it has one, and what follows.
    fn header(&self) -> Result<(Option<Udh>, Bytes), signalbox_text::udh::UdhError> {
        if !self.esm_class.has_udh() {
            return Ok((None, self.payload.clone()));
        }
        Udh::split(&self.payload).map(|(header, text)| (Some(header), text))
    }
}

fn is_sar(tag: Tag) -> bool {
    matches!(tag, Tag::SAR_MSG_REF_NUM | Tag::SAR_TOTAL_SEGMENTS | Tag::SAR_SEGMENT_SEQNUM)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UDH8: &[u8] = b"\x05\x00\x03\x2a\x03\x02text";
    const SAR: Sar = Sar { reference: 0x012a, total: 3, segment: 2 };

    fn by_header() -> Carried {
        Carried { esm_class: EsmClass(0x40), payload: Bytes::from_static(UDH8), tlvs: Tlvs::new() }
    }

    fn by_tlvs() -> Carried {
        let mut tlvs = Tlvs::new();
        tlvs.push_sar(SAR);
        Carried { esm_class: EsmClass(0), payload: Bytes::from_static(b"text"), tlvs }
    }

    #[test]
    fn a_part_is_known_by_header_or_tlvs() {
        assert_eq!(part(EsmClass(0x40), UDH8, &Tlvs::new()), Some(Sar { reference: 0x2a, ..SAR }));
        assert!(!is_first(EsmClass(0x40), UDH8, &Tlvs::new()));
        assert!(is_first(EsmClass(0x40), b"\x05\x00\x03\x2a\x03\x01x", &Tlvs::new()));
        // Without the bit it is text.
        assert!(is_first(EsmClass(0), UDH8, &Tlvs::new()));
        let carried = by_tlvs();
        assert_eq!(part(carried.esm_class, &carried.payload, &carried.tlvs), Some(SAR));
        let mut payload = Tlvs::new();
        payload.push(Tag::MESSAGE_PAYLOAD, UDH8).unwrap();
        assert!(!is_first(EsmClass(0x40), b"", &payload));
    }

    #[test]
    fn tlvs_become_a_header_and_back() {
        let wide = by_tlvs().told_as(LongMessages::Udh16);
        assert_eq!(wide.esm_class, EsmClass(0x40));
        assert_eq!(&wide.payload[..], b"\x06\x08\x04\x01\x2a\x03\x02text");
        assert!(wide.tlvs.is_empty());
        let back = wide.told_as(LongMessages::Sar);
        assert_eq!(back, by_tlvs());
        let narrow = by_tlvs().told_as(LongMessages::Udh8);
        assert_eq!(&narrow.payload[..], UDH8);
    }

    #[test]
    fn other_elements_of_a_header_stay() {
        let ports = Carried {
            payload: Bytes::from_static(b"\x0b\x05\x04\x0b\x84\x23\xf0\x00\x03\x2a\x03\x02text"),
            ..by_header()
        };
        let sar = ports.told_as(LongMessages::Sar);
        assert_eq!(&sar.payload[..], b"\x06\x05\x04\x0b\x84\x23\xf0text");
        assert!(sar.esm_class.has_udh());
        assert_eq!(sar.tlvs.sar().map(|sar| sar.segment), Some(2));
    }

    #[test]
    fn what_is_whole_or_unreadable_stays() {
        let whole = Carried { esm_class: EsmClass(0), payload: Bytes::from_static(b"hi"), tlvs: Tlvs::new() };
        assert_eq!(whole.clone().told_as(LongMessages::Udh8), whole);
        let broken = Carried { payload: Bytes::from_static(b"\xfftext"), ..by_header() };
        for way in [LongMessages::Udh8, LongMessages::Sar] {
            assert_eq!(broken.clone().told_as(way), broken);
        }
    }

    #[test]
    fn text_moves_to_message_payload_and_back() {
        let moved = by_header().told_as(LongMessages::Payload);
        assert!(moved.payload.is_empty());
        assert_eq!(moved.tlvs.message_payload().as_deref(), Some(UDH8));
        assert_eq!(moved.clone().in_short_message(4), moved);
        assert_eq!(moved.in_short_message(254), by_header());
    }

    fn whole(data_coding: u8, text: &[u8]) -> Content {
        Content { data_coding, payload: Bytes::copy_from_slice(text), ..Content::default() }
    }

    /// What a handset puts together from the parts; each must fit one segment.
    fn joined(content: &Content, most: usize) -> Vec<u8> {
        let long = cut(content, 0x1234).unwrap();
        let mut text = Vec::new();
        for (number, part) in (1..).zip(&long.parts) {
            let esm_class = EsmClass(part.esm_class);
            let place = super::part(esm_class, &part.payload, &Tlvs::new()).unwrap();
            assert_eq!(place, Sar { reference: 0x1234, total: long.parts.len() as u8, segment: number });
            let (_, piece) = Udh::split(&part.payload).unwrap();
            assert!(piece.len() <= most, "{}", piece.len());
            text.extend_from_slice(&piece);
        }
        assert_eq!(long.octets, text.len());
        text
    }

    #[test]
    fn a_long_text_is_cut_so_that_each_part_fits() {
        for (data_coding, single, most) in [(0, 160, 152), (8, 140, 132), (3, 140, 133), (4, 140, 133)] {
            assert!(cut(&whole(data_coding, &vec![b'a'; single]), 1).is_none(), "{data_coding}");
            let text: Vec<u8> = (0..2_000u32).map(|octet| b'a' + (octet % 20) as u8).collect();
            assert_eq!(joined(&whole(data_coding, &text), most), text);
        }
    }

    #[test]
    fn characters_of_two_units_stay_together() {
        let mut euro = vec![b'a'; 151];
        euro.extend(b"\x1b\x65 and so on to the end");
        let parts = cut(&whole(0, &euro), 1).unwrap().parts;
        assert_eq!((parts[0].payload.len(), parts[1].payload[7]), (7 + 151, ESCAPE));
        assert_eq!(joined(&whole(0, &euro), 152), euro);
        let smile: Vec<u8> = "a"
            .repeat(65)
            .encode_utf16()
            .chain("\u{1f600} okay".encode_utf16())
            .flat_map(u16::to_be_bytes)
            .collect();
        let parts = cut(&whole(8, &smile), 1).unwrap().parts;
        assert_eq!(parts[0].payload.len(), 7 + 130);
        assert_eq!(joined(&whole(8, &smile), 132), smile);
    }

    #[test]
    fn message_payload_is_cut_too_and_other_tlvs_stay_on_each_part() {
        let mut tlvs = Tlvs::new();
        tlvs.push(Tag::MESSAGE_PAYLOAD, &[b'x'; 400]).unwrap();
        tlvs.push_u16(Tag::USER_MESSAGE_REFERENCE, 7);
        let content = Content { tlvs: tlvs.as_bytes().clone(), data_sm: true, ..Content::default() };
        assert_eq!(joined(&content, 152), [b'x'; 400]);
        for part in cut(&content, 1).unwrap().parts {
            let tlvs = Tlvs::from_bytes(part.tlvs.clone()).unwrap();
            assert!(!tlvs.contains(Tag::MESSAGE_PAYLOAD) && !part.data_sm);
            assert_eq!(tlvs.u16(Tag::USER_MESSAGE_REFERENCE), Some(7));
        }
    }

    #[test]
    fn what_has_a_header_or_is_a_part_is_left_as_it_is() {
        let long = vec![b'a'; 300];
        assert!(cut(&Content { esm_class: 0x40, ..whole(0, &long) }, 1).is_none());
        let mut tlvs = Tlvs::new();
        tlvs.push_sar(SAR);
        assert!(cut(&Content { tlvs: tlvs.as_bytes().clone(), ..whole(0, &long) }, 1).is_none());
        assert!(cut(&whole(0, &vec![b'a'; 152 * 256]), 1).is_none(), "no more than 255 parts");
    }
}
