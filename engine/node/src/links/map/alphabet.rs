//! The alphabet of data_coding 0, which SMPP leaves to each SMSC (3.4 cl. 5.2.19), and packed septets.
//!
//! Between peers data_coding 0 means unpacked septets of GSM 03.38. What a peer of another habit sends is relabelled
//! or, where no data_coding says what it is, converted; what it is sent is converted to its habit, or sent in
//! UCS-2 where its alphabet has no place for a character. Text that cannot be read so is passed as it is.

use bytes::Bytes;
use signalbox_smpp::{Alphabet, DataCoding, EsmClass, Packing, Profile, Tag, Tlvs};
use signalbox_text::gsm7::{Alphabet as Septets, HighOctets, Length, Padding, fill_bits, pack, unpack};
use signalbox_text::octets::OctetSet;
use signalbox_text::{Udh, ucs2};

/// A message's text with what says how to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worded {
    /// esm_class.
    pub esm_class: EsmClass,
    /// data_coding.
    pub data_coding: u8,
    /// short_message.
    pub payload: Bytes,
    /// TLVs, with message_payload if the text is there.
    pub tlvs: Tlvs,
}

/// Whether a peer's data_coding 0 means what it means here.
#[must_use]
pub fn is_plain(profile: &Profile) -> bool {
    profile.default_alphabet == Alphabet::Gsm7 && profile.gsm7 == Packing::Unpacked
}

impl Worded {
    /// A peer's text as it is between peers.
    #[must_use]
    pub fn taken_from(self, profile: &Profile) -> Self {
        if is_plain(profile) {
            return self;
        }
        let (alphabet, packing) = profile.alphabet(DataCoding(self.data_coding));
        if alphabet == Alphabet::Gsm7 {
            return if packing == Packing::Packed { self.changed(unpacked) } else { self };
        }
        if self.data_coding != 0 {
            return self;
        }
        let relabelled = |data_coding| Self { data_coding, ..self.clone() };
        match alphabet {
            Alphabet::Ascii => relabelled(0x01),
            Alphabet::Latin1 => relabelled(0x03),
            Alphabet::Ucs2 => relabelled(0x08),
            Alphabet::Binary => relabelled(0x04),
            Alphabet::Utf8 => self.changed(|_, text| {
                let text = std::str::from_utf8(text).ok()?;
                Some(septets_or_ucs2(text))
            }),
            Alphabet::Gsm7 | Alphabet::Other(_) => self,
        }
    }

    /// A text as the peer reads it.
    #[must_use]
    pub fn given_to(self, profile: &Profile) -> Self {
        if is_plain(profile) {
            return self;
        }
        // Which alphabet the text has, by what data_coding means here.
        let here = Profile { default_alphabet: Alphabet::Gsm7, gsm7: Packing::Unpacked, ..profile.clone() };
        let (alphabet, _) = here.alphabet(DataCoding(self.data_coding));
        if alphabet != Alphabet::Gsm7 {
            return self;
        }
        if self.data_coding != 0 || profile.default_alphabet == Alphabet::Gsm7 {
            return if profile.gsm7 == Packing::Packed { self.changed(packed) } else { self };
        }
        let default = profile.default_alphabet;
        self.changed(|header, septets| {
            let tables = header.map(Udh::alphabet).unwrap_or_default();
            let mut text = String::new();
            tables.decode(septets, HighOctets::Latin1, &mut text);
            Some(in_alphabet(&text, default))
        })
    }

    /// The same with another text: `change` gets the header, if there is one, and the text, and gives the new text
    /// and its data_coding (`None` there keeps it), or nothing to leave it.
    fn changed(mut self, change: impl FnOnce(Option<&Udh>, &[u8]) -> Option<Change>) -> Self {
        let in_payload = self.payload.is_empty();
        let whole =
            if in_payload { self.tlvs.message_payload().unwrap_or_default() } else { self.payload.clone() };
        if whole.is_empty() {
            return self;
        }
        let (header, text) = if self.esm_class.has_udh() {
            match Udh::split(&whole) {
                Ok((header, text)) => (Some(header), text),
                Err(_) => return self,
            }
        } else {
            (None, whole)
        };
        let Some((data_coding, text)) = change(header.as_ref(), &text) else { return self };
        let mut whole = header.map(|header| header.as_bytes().to_vec()).unwrap_or_default();
        whole.extend_from_slice(&text);
        if in_payload {
            self.tlvs = self.tlvs.filtered(|tlv| tlv.tag != Tag::MESSAGE_PAYLOAD);
            if self.tlvs.push(Tag::MESSAGE_PAYLOAD, &whole).is_err() {
                // Longer than any TLV: the text stays in short_message, which refuses it.
                self.payload = whole.into();
            }
        } else {
            self.payload = whole.into();
        }
        self.data_coding = data_coding.unwrap_or(self.data_coding);
        self
    }
}

type Change = (Option<u8>, Vec<u8>);

fn header_fill(header: Option<&Udh>) -> u8 {
    header.map_or(0, |header| fill_bits(header.as_bytes().len()))
}

fn unpacked(header: Option<&Udh>, text: &[u8]) -> Option<Change> {
    let mut septets = Vec::with_capacity(text.len() * 8 / 7 + 1);
    unpack(text, header_fill(header), Length::Octets(Padding::Zero), &mut septets);
    Some((None, septets))
}

fn packed(header: Option<&Udh>, septets: &[u8]) -> Option<Change> {
    let mut text = Vec::with_capacity(septets.len());
    pack(septets, header_fill(header), Padding::Zero, &mut text);
    Some((None, text))
}

fn septets_or_ucs2(text: &str) -> Change {
    let mut septets = Vec::with_capacity(text.len());
    match Septets::DEFAULT.encode(text, &mut septets) {
        Ok(()) => (Some(0x00), septets),
        Err(_) => in_ucs2(text),
    }
}

fn in_ucs2(text: &str) -> Change {
    let mut octets = Vec::with_capacity(text.len() * 2);
    ucs2::encode(text, &mut octets);
    (Some(0x08), octets)
}

/// The text in a peer's default alphabet, else in UCS-2.
fn in_alphabet(text: &str, alphabet: Alphabet) -> Change {
    let set = match alphabet {
        Alphabet::Ascii => OctetSet::Ascii,
        Alphabet::Latin1 => OctetSet::Latin1,
        Alphabet::Utf8 => return (Some(0x00), text.as_bytes().to_vec()),
        Alphabet::Ucs2 => return (Some(0x00), in_ucs2(text).1),
        Alphabet::Gsm7 | Alphabet::Binary | Alphabet::Other(_) => return septets_or_ucs2(text),
    };
    let mut octets = Vec::with_capacity(text.len());
    match set.encode(text, &mut octets) {
        Ok(()) => (Some(0x00), octets),
        Err(_) => in_ucs2(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worded(data_coding: u8, payload: &[u8]) -> Worded {
        Worded {
            esm_class: EsmClass(0),
            data_coding,
            payload: Bytes::copy_from_slice(payload),
            tlvs: Tlvs::new(),
        }
    }

    fn peer(default_alphabet: Alphabet, gsm7: Packing) -> Profile {
        Profile { default_alphabet, gsm7, ..Profile::default() }
    }

    /// `Grüße` in septets: ü is 0x7e, ß 0x1e.
    const GRUESSE: &[u8] = b"Gr\x7e\x1ee";

    #[test]
    fn a_latin1_peer_is_relabelled_on_the_way_in_and_converted_on_the_way_out() {
        let latin1 = peer(Alphabet::Latin1, Packing::Unpacked);
        let taken = worded(0, b"Gr\xfc\xdfe").taken_from(&latin1);
        assert_eq!(taken, worded(3, b"Gr\xfc\xdfe"));
        assert_eq!(worded(0, GRUESSE).given_to(&latin1), worded(0, b"Gr\xfc\xdfe"));
        // The euro sign has no place in Latin-1.
        assert_eq!(worded(0, b"\x1b\x65").given_to(&latin1), worded(8, b"\x20\xac"));
    }

    #[test]
    fn a_utf8_peer_is_converted_both_ways() {
        let utf8 = peer(Alphabet::Utf8, Packing::Unpacked);
        assert_eq!(worded(0, "Grüße".as_bytes()).taken_from(&utf8), worded(0, GRUESSE));
        assert_eq!(worded(0, "я".as_bytes()).taken_from(&utf8), worded(8, b"\x04\x4f"));
        assert_eq!(worded(0, GRUESSE).given_to(&utf8), worded(0, "Grüße".as_bytes()));
        let broken = worded(0, b"\xff\xfe");
        assert_eq!(broken.clone().taken_from(&utf8), broken);
    }

    #[test]
    fn packed_septets_are_unpacked_and_packed_with_the_headers_fill_bits() {
        let packing = peer(Alphabet::Gsm7, Packing::Packed);
        // "hellohello", the example of 3GPP TS 23.038.
        let packed = worded(0, b"\xe8\x32\x9b\xfd\x46\x97\xd9\xec\x37");
        assert_eq!(packed.clone().taken_from(&packing), worded(0, b"hellohello"));
        assert_eq!(worded(0, b"hellohello").given_to(&packing), packed);
        let part = Worded { esm_class: EsmClass(0x40), ..worded(0, b"\x05\x00\x03\x2a\x02\x01hello") };
        let sent = part.clone().given_to(&packing);
        assert_eq!(&sent.payload[..6], &part.payload[..6]);
        assert_ne!(&sent.payload[6..], b"hello");
        assert_eq!(sent.taken_from(&packing), part);
        // Message class 1 in the default alphabet is packed too.
        assert_eq!(worded(0xf1, b"\xe8\x32\x9b\xfd\x06").taken_from(&packing), worded(0xf1, b"hello"));
    }

    #[test]
    fn text_in_message_payload_is_converted_there() {
        let latin1 = peer(Alphabet::Latin1, Packing::Unpacked);
        let mut before = worded(0, b"");
        before.tlvs.push(Tag::MESSAGE_PAYLOAD, GRUESSE).unwrap();
        let after = before.given_to(&latin1);
        assert!(after.payload.is_empty());
        assert_eq!(after.tlvs.message_payload().as_deref(), Some(&b"Gr\xfc\xdfe"[..]));
    }

    #[test]
    fn other_codings_and_plain_peers_are_left_alone() {
        for profile in [Profile::default(), peer(Alphabet::Latin1, Packing::Packed)] {
            for text in [worded(4, b"\x00\xff"), worded(8, b"\x04\x4f"), worded(3, b"\xfc")] {
                assert_eq!(text.clone().taken_from(&profile), text);
                assert_eq!(text.clone().given_to(&profile), text);
            }
        }
        assert_eq!(worded(0, GRUESSE).given_to(&Profile::default()), worded(0, GRUESSE));
    }
}
