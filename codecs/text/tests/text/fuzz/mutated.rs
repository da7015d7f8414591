//! Decoders against what no sound peer sends: an error or a text, never a panic, and what is well
//! formed is passed on to the octet.

use bytes::Bytes;
use signalbox_text::gsm7::{Alphabet, HighOctets, Language, Length, Padding, pack, unpack};
use signalbox_text::phone::{Address, Bare, Home, Npi, Ton};
use signalbox_text::text::{Content, PackedFill, Profile};
use signalbox_text::ucs2::ByteOrder;
use signalbox_text::udh::{Element, Udh, UdhError, peek_concat};
use signalbox_text::{E164, Encoding};

use crate::generator::fuzz;

fn user_data() -> Vec<Vec<u8>> {
    [
        &b"\x05\x00\x03\xCC\x02\x01text"[..],
        b"\x06\x08\x04\x12\x34\x02\x02text",
        b"\x0B\x05\x04\x0B\x84\x23\xF0\x00\x03\x01\x02\x01\xDC\x06\x01\xAE",
        b"\x06\x24\x01\x01\x25\x01\x03\x1B\x49",
        b"\x00",
        b"\x05\x70\x03\x01\x02\x03",
    ]
    .map(<[u8]>::to_vec)
    .to_vec()
}

#[test]
fn headers() {
    let samples = user_data();
    fuzz("headers", |generator| {
        let octets = Bytes::from(generator.mutate(&samples));
        let peeked = peek_concat(&octets);
        match Udh::split(&octets) {
            Ok((header, body)) => {
                assert_eq!(peeked, Ok(header.concat()));
                assert_eq!([header.as_bytes(), &body].concat(), octets);
                let elements: Vec<Element<'_>> = header.elements().collect();
                if let Ok(built) = Udh::build(&elements) {
                    assert_eq!(built, header);
                }
                let _ = (header.ports(), header.alphabet());
            }
            Err(error) => {
                assert_eq!(peeked, Err(error));
                let offset = match error {
                    UdhError::Truncated { offset, .. }
                    | UdhError::ElementOverrun { offset, .. }
                    | UdhError::ElementLength { offset, .. } => offset,
                    _ => 0,
                };
                assert!(offset <= octets.len());
            }
        }
    });
}

#[test]
fn packed_septets() {
    let samples = vec![
        b"\xE8\x32\x9B\xFD\x46\x97\xD9\xEC\x37".to_vec(),
        vec![0; 7],
        vec![0x1A; 14],
        vec![0xFF; 140],
        Vec::new(),
    ];
    fuzz("packed septets", |generator| {
        let octets = generator.mutate(&samples);
        let fill = generator.next() as u8;
        let length = match generator.below(3) {
            0 => Length::Septets(generator.below(400)),
            1 => Length::Octets(Padding::Zero),
            _ => Length::Octets(Padding::CarriageReturn),
        };
        let mut septets = Vec::new();
        unpack(&octets, fill, length, &mut septets);
        assert!(septets.iter().all(|&septet| septet < 0x80));
        assert!(septets.len() <= octets.len() * 8 / 7);
        let alphabet =
            Alphabet { locking: *generator.pick(&Language::ALL), single: *generator.pick(&Language::ALL) };
        let mut text = String::new();
        let defects = alphabet.decode(&septets, HighOctets::Replace, &mut text);
        assert_eq!(defects == 0, !text.contains('\u{FFFD}') && !ends_in_escape(&septets));
        let mut again = Vec::new();
        pack(&septets, fill, Padding::Zero, &mut again);
        assert!(again.len() <= octets.len());
    });
}

/// Whether an escape is left open at the end.
fn ends_in_escape(septets: &[u8]) -> bool {
    septets.iter().rev().take_while(|&&septet| septet == 0x1B).count() % 2 == 1
}

#[test]
fn messages_by_profile() {
    let samples = user_data();
    let defaults =
        [Encoding::GSM7, Encoding::Ucs2, Encoding::Octets(signalbox_text::octets::OctetSet::Hebrew)];
    fuzz("messages", |generator| {
        let peer = Profile {
            default: *generator.pick(&defaults),
            packed: *generator.pick(&[None, Some(PackedFill::Zero), Some(PackedFill::CarriageReturn)]),
            byte_order: *generator.pick(&[ByteOrder::Big, ByteOrder::MarkOrBig, ByteOrder::MarkOrLittle]),
            high_octets: *generator.pick(&[HighOctets::Replace, HighOctets::Latin1]),
            ..Profile::default()
        };
        let octets = Bytes::from(generator.mutate(&samples));
        let data_coding = generator.next() as u8;
        let content = match Udh::split(&octets) {
            Ok((header, body)) => peer.decode(data_coding, Some(&header), &body),
            Err(_) => peer.decode(data_coding, None, &octets),
        };
        if let Content::Text { text, .. } = content {
            // What could be read can be answered.
            if let Ok(answer) = peer.encode(&text, None, 1) {
                assert!(!answer.segments.is_empty());
            }
        }
    });
}

#[test]
fn addresses() {
    let samples =
        ["+4915112345678", "004915112345678", "015112345678", "12345", "INFO", "*100#", "2125550123"]
            .map(|text| text.as_bytes().to_vec());
    let regions = [None, "DE".parse().ok(), "US".parse().ok(), "IT".parse().ok()];
    fuzz("addresses", |generator| {
        let octets = generator.mutate(&samples);
        let home = Home {
            region: *generator.pick(&regions),
            bare: *generator.pick(&[Bare::International, Bare::National]),
            short_code_digits: generator.below(10) as u8,
        };
        let (ton, npi) = (Ton::from(generator.below(8) as u8), Npi::from(generator.below(20) as u8));
        let Ok(address) = Address::read(&octets, ton, npi, &home) else { return };
        let _ = address.masked().to_string();
        if let Some(number) = address.number() {
            assert_eq!(E164::from_digits(number.to_ascii().as_bytes()), Ok(number));
            // What is sent on is read as the same number by a peer with the default settings.
            let (ton, npi) = address.numbering();
            let read = Address::read(address.to_wire().as_bytes(), ton, npi, &Home::default());
            assert_eq!(read, Ok(address));
        }
    });
}
