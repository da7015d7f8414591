//! What is encoded is decoded to the same, in every alphabet.

use proptest::prelude::*;
use signalbox_text::Encoding;
use signalbox_text::gsm7::{Alphabet, HighOctets, Language, Length, Padding, fill_bits, pack, unpack};
use signalbox_text::octets::OctetSet;
use signalbox_text::substitution::{Unknown, prepare};
use signalbox_text::ucs2::{self, ByteOrder};

pub fn alphabet() -> impl Strategy<Value = Alphabet> {
    let language = || prop::sample::select(&Language::ALL[..]);
    (language(), language()).prop_map(|(locking, single)| Alphabet { locking, single })
}

/// The characters of an alphabet, found by decoding.
fn characters(alphabet: Alphabet) -> Vec<char> {
    let mut all = String::new();
    for septet in (0..128).filter(|&septet| septet != 0x1B) {
        alphabet.decode(&[septet], HighOctets::Replace, &mut all);
        alphabet.decode(&[0x1B, septet], HighOctets::Replace, &mut all);
    }
    all.chars().filter(|&character| character != char::REPLACEMENT_CHARACTER).collect()
}

pub fn text_in(alphabet: Alphabet, most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(characters(alphabet)), 0..=most)
        .prop_map(|characters| characters.into_iter().collect())
}

fn text_and_alphabet() -> impl Strategy<Value = (String, Alphabet)> {
    alphabet().prop_flat_map(|alphabet| (text_in(alphabet, 200), Just(alphabet)))
}

fn packing() -> impl Strategy<Value = (Vec<u8>, u8, Padding)> {
    let padding = prop::sample::select(&[Padding::Zero, Padding::CarriageReturn][..]);
    (prop::collection::vec(0u8..128, 0..200), 0usize..20, padding)
        .prop_map(|(septets, header, padding)| (septets, fill_bits(header), padding))
}

proptest! {
    #[test]
    fn gsm7((text, alphabet) in text_and_alphabet()) {
        let mut septets = Vec::new();
        alphabet.encode(&text, &mut septets).unwrap();
        prop_assert_eq!(alphabet.count(&text), Ok(septets.len()));
        let each: usize = text.chars().map(|c| usize::from(alphabet.cost(c).unwrap())).sum();
        prop_assert_eq!(each, septets.len());
        let mut again = String::new();
        prop_assert_eq!(alphabet.decode(&septets, HighOctets::Replace, &mut again), 0);
        prop_assert_eq!(again, text);
    }

    #[test]
    fn packed_with_a_count((septets, fill, padding) in packing()) {
        let mut octets = Vec::new();
        pack(&septets, fill, padding, &mut octets);
        let mut again = Vec::new();
        unpack(&octets, fill, Length::Septets(septets.len()), &mut again);
        prop_assert_eq!(again, septets);
    }

    #[test]
    fn packed_without_a_count((septets, fill, padding) in packing()) {
        let mut octets = Vec::new();
        pack(&septets, fill, padding, &mut octets);
        let mut again = Vec::new();
        unpack(&octets, fill, Length::Octets(padding), &mut again);
        // What the standard cannot tell: a final @ in the last place of a full octet with zero
        // padding, and a final carriage return there with the other.
        let full = (septets.len() * 7 + usize::from(fill)).is_multiple_of(8);
        let expected = match (padding, septets.last(), full) {
            (Padding::Zero, Some(0), true) => septets[..septets.len() - 1].to_vec(),
            (Padding::CarriageReturn, Some(13), true) => [&septets[..], &[13]].concat(),
            _ => septets,
        };
        prop_assert_eq!(again, expected);
    }

    #[test]
    fn packed_octets_are_packed_the_same(octets in prop::collection::vec(any::<u8>(), 0..140)) {
        let mut septets = Vec::new();
        let all = octets.len() * 8 / 7;
        unpack(&octets, 0, Length::Septets(all), &mut septets);
        prop_assert_eq!(septets.len(), all);
        let mut again = Vec::new();
        pack(&septets, 0, Padding::Zero, &mut again);
        let bits = all * 7;
        let (whole, rest) = (bits / 8, bits % 8);
        prop_assert_eq!(&again[..whole], &octets[..whole]);
        if rest > 0 {
            prop_assert_eq!(again[whole], octets[whole] & ((1u16 << rest) - 1) as u8);
        }
    }

    #[test]
    fn utf16(text in any::<String>()) {
        let mut octets = Vec::new();
        ucs2::encode(&text, &mut octets);
        prop_assert_eq!(ucs2::count(&text), octets.len());
        let mut again = String::new();
        prop_assert_eq!(ucs2::decode(&octets, ByteOrder::Big, &mut again), 0);
        prop_assert_eq!(&again, &text);
        let marked = format!("\u{FEFF}{text}");
        let swapped: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for order in [ByteOrder::MarkOrBig, ByteOrder::MarkOrLittle] {
            let mut again = String::new();
            prop_assert_eq!(ucs2::decode(&swapped, order, &mut again), 0);
            prop_assert_eq!(&again, &text);
        }
        let mut again = String::new();
        ucs2::decode(&swapped[2..], ByteOrder::MarkOrLittle, &mut again);
        let mark = ['\u{FEFF}', '\u{FFFE}'];
        let same = again == text || text.starts_with(mark);
        prop_assert!(same, "{:?}", again);
    }

    #[test]
    fn broken_utf16_is_as_the_standard_library_reads_it(octets in prop::collection::vec(any::<u8>(), 0..80)) {
        let units: Vec<u16> = octets.as_chunks::<2>().0.iter().map(|&pair| u16::from_be_bytes(pair)).collect();
        let mut expected = String::from_utf16_lossy(&units);
        if octets.len() % 2 == 1 {
            expected.push('\u{FFFD}');
        }
        let mut text = String::new();
        let defects = ucs2::decode(&octets, ByteOrder::Big, &mut text);
        prop_assert_eq!(text, expected);
        prop_assert_eq!(defects > 0, octets.len() % 2 == 1 || String::from_utf16(&units).is_err());
    }

    #[test]
    fn prepared_text_always_fits(text in any::<String>(), alphabet in alphabet(), nearest in any::<bool>()) {
        let policy = if nearest { Unknown::Transliterate } else { Unknown::Replace };
        for encoding in [Encoding::Gsm7(alphabet), Encoding::Octets(OctetSet::Ascii), Encoding::Ucs2] {
            let prepared = prepare(&text, encoding, policy).unwrap();
            prop_assert!(encoding.count(&prepared.text).is_ok());
            prop_assert_eq!(prepared.changed == 0, prepared.text == text);
        }
    }
}

/// ISO 8859-5 and 8859-8 as printed from 0xA0; a dot where there is no character.
const CYRILLIC: &str = "\u{A0}ЁЂЃЄЅІЇЈЉЊЋЌ\u{AD}ЎЏАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя\
                        №ёђѓєѕіїјљњћќ§ўџ";
const HEBREW: &str = "\u{A0}\0¢£¤¥¦§¨©×«¬\u{AD}®¯°±²³´µ¶·¸¹÷»¼½¾\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
                      \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0‗אבגדהוזחטיךכלםמןנסעףפץצקרשת\0\0\u{200E}\u{200F}\0";

#[test]
fn octet_sets_are_as_printed() {
    for (set, upper) in [(OctetSet::Cyrillic, CYRILLIC), (OctetSet::Hebrew, HEBREW)] {
        assert_eq!(upper.chars().count(), 96, "{set:?}");
        for (octet, character) in (0xA0..=0xFF).zip(upper.chars()) {
            let expected = (character != '\0').then_some(character);
            assert_eq!(set.character(octet), expected, "{set:?} {octet:#x}");
        }
    }
}

#[test]
fn every_octet_of_every_set_comes_back() {
    for set in [OctetSet::Ascii, OctetSet::Latin1, OctetSet::Cyrillic, OctetSet::Hebrew] {
        for octet in 0..=u8::MAX {
            let mut text = String::new();
            let defects = set.decode(&[octet], &mut text);
            assert_eq!(defects, usize::from(set.character(octet).is_none()));
            if defects == 0 {
                let mut again = Vec::new();
                set.encode(&text, &mut again).unwrap();
                assert_eq!(again, [octet], "{set:?} {text:?}");
                assert_eq!(set.count(&text), Ok(1));
            }
        }
        // Nothing else is taken for a character of the set.
        for character in (0..0x1_0000).filter_map(char::from_u32) {
            if let Some(octet) = set.octet(character) {
                assert_eq!(set.character(octet), Some(character), "{set:?}");
            }
        }
    }
}

/// Every table against the golden file, septet by septet, and nothing beside it.
#[test]
fn tables_are_those_of_the_standard() {
    let golden = include_str!("../golden/gsm7.txt");
    let mut tables = 0;
    for line in golden.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        let (kind, language) = (words.next().unwrap(), words.next().unwrap());
        let language = Language::from_identifier(language.parse().unwrap()).unwrap();
        let mut expected = [None; 128];
        for word in words {
            let (septet, code) = word.split_once('=').unwrap();
            let code = u32::from_str_radix(code, 16).unwrap();
            expected[usize::from_str_radix(septet, 16).unwrap()] = char::from_u32(code);
        }
        for (septet, expected) in (0u8..).zip(expected) {
            if septet == 0x1B {
                continue;
            }
            let mut found = String::new();
            let defects = match kind {
                "locking" => Alphabet::locking(language).decode(&[septet], HighOctets::Replace, &mut found),
                _ => {
                    // Escaped septets without a character show that of the default alphabet.
                    let mut plain = String::new();
                    Alphabet::DEFAULT.decode(&[septet], HighOctets::Replace, &mut plain);
                    Alphabet::single(language).decode(&[0x1B, septet], HighOctets::Replace, &mut found);
                    usize::from(found == plain && expected.is_none_or(|e| !plain.starts_with(e)))
                }
            };
            match expected {
                Some(character) => {
                    assert_eq!(found, character.to_string(), "{kind} {language:?} {septet:#x}")
                }
                None => assert_eq!(defects, 1, "{kind} {language:?} {septet:#x} is {found:?}"),
            }
        }
        tables += 1;
    }
    assert_eq!(tables, 13 + 14);
}
