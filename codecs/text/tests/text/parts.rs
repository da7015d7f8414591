//! Messages that are split and put together again.

use bytes::Bytes;
use proptest::prelude::*;
use signalbox_text::gsm7::{HighOctets, Length, Padding, fill_bits, unpack};
use signalbox_text::octets::OctetSet;
use signalbox_text::reassembly::{Key, Kind, Limits, Outcome, Part, Place, Reassembler};
use signalbox_text::segments::{Concatenation, Field, Plan, Segment, count, split, split_octets};
use signalbox_text::text::{Content, Profile};
use signalbox_text::ucs2::{self, ByteOrder};
use signalbox_text::{Encoding, Udh};

use crate::alphabets::{alphabet, text_in};

fn message() -> impl Strategy<Value = (String, Encoding)> {
    prop_oneof![
        alphabet().prop_flat_map(|alphabet| (text_in(alphabet, 700), Just(Encoding::Gsm7(alphabet)))),
        // Characters with and without a second unit, and marks that join.
        ("[a-zа-яक-हा-्😀-😏\u{300}-\u{30A}👍🏽\u{200D}]{0,400}", Just(Encoding::Ucs2)),
        ("[ -~\u{A0}-\u{FF}]{0,500}", Just(Encoding::Octets(OctetSet::Latin1))),
    ]
}

fn concatenation() -> impl Strategy<Value = Concatenation> {
    let kinds = [Concatenation::Udh8, Concatenation::Udh16, Concatenation::Sar, Concatenation::Payload];
    prop::sample::select(kinds.to_vec())
}

/// The units of a part's body, and its text.
fn read(segment: &Segment, encoding: Encoding, packed: bool) -> (usize, String) {
    let mut text = String::new();
    let body = &segment.body[..];
    match encoding {
        Encoding::Gsm7(alphabet) => {
            let mut septets = Vec::new();
            if packed {
                let header = segment.header.as_ref().map_or(0, |header| header.as_bytes().len());
                unpack(body, fill_bits(header), Length::Octets(Padding::CarriageReturn), &mut septets);
            } else {
                septets.extend_from_slice(body);
            }
            assert_eq!(alphabet.decode(&septets, HighOctets::Replace, &mut text), 0);
            (septets.len(), text)
        }
        Encoding::Octets(set) => {
            assert_eq!(set.decode(body, &mut text), 0);
            (body.len(), text)
        }
        Encoding::Ucs2 => {
            assert_eq!(ucs2::decode(body, ByteOrder::Big, &mut text), 0);
            (body.len(), text)
        }
    }
}

fn place_of(segment: &Segment) -> Option<Place> {
    let by_header = segment.header.as_ref().and_then(Udh::concat).map(Place::from);
    by_header.or(segment.sar.map(|sar| Place {
        kind: Kind::Sar,
        reference: sar.reference,
        total: sar.total,
        sequence: sar.sequence,
    }))
}

proptest! {
    #[test]
    fn every_part_is_sound_alone(
        (text, encoding) in message(),
        concatenation in concatenation(),
        reference in any::<u16>(),
        packed in any::<bool>(),
    ) {
        let packed_by = packed.then_some(Padding::CarriageReturn);
        let plan = Plan { concatenation, reference, packed: packed_by, ..Plan::new(encoding) };
        let segments = split(&text, &plan).unwrap();
        let counted = count(&text, &plan).unwrap();
        let capacity = plan.capacity();
        if concatenation == Concatenation::Payload {
            prop_assert_eq!(segments.len(), 1);
            let large = segments[0].field == Field::MessagePayload;
            prop_assert_eq!(large, counted.segments > 1);
        } else {
            prop_assert_eq!(segments.len(), counted.segments);
        }
        let mut joined = String::new();
        let mut units = 0;
        for (index, segment) in segments.iter().enumerate() {
            let (own, part) = read(segment, encoding, packed);
            // The text of a part that ends in a carriage return may be given a second one.
            let part = if packed && part.ends_with("\r\r") && !text[joined.len()..].starts_with(&part) {
                part[..part.len() - 1].to_owned()
            } else {
                units += own;
                let most = if counted.segments == 1 { capacity.single } else { capacity.part };
                prop_assert!(own <= most || concatenation == Concatenation::Payload);
                part
            };
            joined.push_str(&part);
            if segments.len() > 1 {
                let place = place_of(segment).unwrap();
                prop_assert_eq!(usize::from(place.sequence), index + 1);
                prop_assert_eq!(usize::from(place.total), segments.len());
                let low = if concatenation == Concatenation::Udh8 { 0xFF } else { 0xFFFF };
                prop_assert_eq!(place.reference, reference & low);
            }
            if segment.field == Field::ShortMessage {
                let unpacked = matches!(encoding, Encoding::Gsm7(_)) && !packed;
                // A doubled carriage return may take one octet more than the radio has.
                prop_assert!(unpacked || segment.user_data().len() <= 141);
            }
        }
        prop_assert!(units <= counted.units);
        prop_assert_eq!(joined, text);
    }

    #[test]
    fn octets_come_back(octets in prop::collection::vec(any::<u8>(), 0..2000), wide in any::<bool>()) {
        let concatenation = if wide { Concatenation::Udh16 } else { Concatenation::Udh8 };
        let octets = Bytes::from(octets);
        let plan = Plan { concatenation, ..Plan::new(Encoding::GSM7) };
        let segments = split_octets(&octets, &plan).unwrap();
        prop_assert!(segments.iter().all(|segment| segment.user_data().len() <= 140));
        let joined: Vec<u8> = segments.iter().flat_map(|segment| segment.body.to_vec()).collect();
        prop_assert_eq!(joined, octets);
    }

    /// Several messages at once, their parts shuffled and doubled.
    #[test]
    fn reassembled_text_is_the_original(
        messages in prop::collection::vec(message(), 1..5),
        concatenation in prop::sample::select(&[Concatenation::Udh8, Concatenation::Udh16, Concatenation::Sar][..]),
        seed in any::<u64>(),
    ) {
        let peer = Profile { ..Profile::default() };
        let mut stream = Vec::new();
        for (reference, (text, encoding)) in (0u16..).zip(&messages) {
            let data_coding = match encoding {
                Encoding::Gsm7(_) => 0,
                Encoding::Octets(_) => 3,
                Encoding::Ucs2 => 8,
            };
            let plan = Plan { concatenation, reference, ..Plan::new(*encoding) };
            for segment in split(text, &plan).unwrap() {
                stream.push((reference, data_coding, segment));
            }
        }
        let parts = stream.len();
        let mut generator = crate::generator::Generator::new(seed);
        for _ in 0..parts / 2 {
            stream.push(stream[generator.below(parts)].clone());
        }
        for at in (1..stream.len()).rev() {
            stream.swap(at, generator.below(at + 1));
        }
        let mut buffer = Reassembler::new(Limits::default());
        let mut complete = std::collections::HashMap::new();
        for (token, (reference, data_coding, segment)) in (0u128..).zip(&stream) {
            let alone = Place { kind: Kind::Sar, reference: *reference, total: 1, sequence: 1 };
            let place = place_of(segment).unwrap_or(alone);
            let key = Key {
                link: 0,
                source: "a",
                destination: "b",
                kind: place.kind,
                reference: place.reference,
                total: place.total,
            };
            let (header, body) = (segment.header.clone(), segment.body.clone());
            let part = Part { token, sequence: place.sequence, data_coding: *data_coding, header, body };
            if let Outcome::Complete(group) = buffer.insert(key, part, 0).unwrap() {
                complete.insert(*reference, peer.decode_parts(&group.parts));
            }
        }
        for (reference, (text, _)) in (0u16..).zip(&messages) {
            let expected = Content::Text { text: text.clone(), defects: 0 };
            prop_assert_eq!(complete.get(&reference), Some(&expected));
        }
        // Doubled parts that came after the message was complete wait for parts that never come.
        while let Some(group) = buffer.expire(i64::MAX) {
            prop_assert!(group.parts.len() < usize::from(group.key.total));
        }
        prop_assert_eq!(buffer.octets(), 0);
    }
}
