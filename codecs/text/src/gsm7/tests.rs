use super::*;

fn encode(alphabet: Alphabet, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    alphabet.encode(text, &mut out).unwrap();
    out
}

fn decode(alphabet: Alphabet, septets: &[u8]) -> (String, usize) {
    let mut out = String::new();
    let defects = alphabet.decode(septets, HighOctets::Replace, &mut out);
    (out, defects)
}

fn packed(text: &str, fill: u8, padding: Padding) -> Vec<u8> {
    let mut out = Vec::new();
    pack(&encode(Alphabet::DEFAULT, text), fill, padding, &mut out);
    out
}

fn unpacked(octets: &[u8], fill: u8, length: Length) -> String {
    let mut septets = Vec::new();
    unpack(octets, fill, length, &mut septets);
    decode(Alphabet::DEFAULT, &septets).0
}

/// TS 23.038 clause 6.2.1, column by column as printed.
const DEFAULT_COLUMNS: [&str; 8] = [
    "@£$¥èéùìòÇ\nØø\rÅå",
    "Δ_ΦΓΛΩΠΨΣΘΞ\u{1B}ÆæßÉ",
    " !\"#¤%&'()*+,-./",
    "0123456789:;<=>?",
    "¡ABCDEFGHIJKLMNO",
    "PQRSTUVWXYZÄÖÑÜ§",
    "¿abcdefghijklmno",
    "pqrstuvwxyzäöñüà",
];

/// Clause A.3.1: where Turkish differs from the default alphabet.
const TURKISH: [(u8, char); 8] =
    [(4, '€'), (7, 'ı'), (11, 'Ğ'), (12, 'ğ'), (28, 'Ş'), (29, 'ş'), (64, 'İ'), (96, 'ç')];

/// Clause A.3.3, column by column.
const PORTUGUESE_COLUMNS: [&str; 8] = [
    "@£$¥êéúíóç\nÔô\rÁá",
    "Δ_ªÇÀ∞^\\€Ó|\u{1B}ÂâÊÉ",
    " !\"#º%&'()*+,-./",
    "0123456789:;<=>?",
    "ÍABCDEFGHIJKLMNO",
    "PQRSTUVWXYZÃÕÚÜ§",
    "~abcdefghijklmno",
    "pqrstuvwxyzãõ`üà",
];

fn check_columns(alphabet: Alphabet, columns: &[&str; 8]) {
    let printed: Vec<char> = columns.iter().flat_map(|column| column.chars()).collect();
    assert_eq!(printed.len(), 128);
    for (septet, character) in (0u8..).zip(printed) {
        if septet != ESCAPE {
            assert_eq!(decode(alphabet, &[septet]), (character.to_string(), 0), "septet {septet:#x}");
            assert_eq!(encode(alphabet, &character.to_string()), [septet], "{character:?}");
        }
    }
}

#[test]
fn default_and_portuguese_tables_are_as_printed() {
    check_columns(Alphabet::DEFAULT, &DEFAULT_COLUMNS);
    check_columns(Alphabet::locking(Language::Portuguese), &PORTUGUESE_COLUMNS);
}

#[test]
fn turkish_differs_in_eight_places() {
    let turkish = Alphabet::locking(Language::Turkish);
    for septet in (0..128).filter(|&septet| septet != ESCAPE) {
        let expected = match TURKISH.iter().find(|(place, _)| *place == septet) {
            Some((_, character)) => character.to_string(),
            None => decode(Alphabet::DEFAULT, &[septet]).0,
        };
        assert_eq!(decode(turkish, &[septet]).0, expected, "septet {septet:#x}");
    }
}

#[test]
fn extension_tables_of_the_latin_languages() {
    let extension = "\u{c}^{}\\[~]|€";
    let escaped =
        [0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40, 0x65].map(|septet| [ESCAPE, septet]).concat();
    for language in [Language::Default, Language::Turkish, Language::Spanish, Language::Portuguese] {
        assert_eq!(encode(Alphabet::single(language), extension), escaped, "{language:?}");
    }
    let cases = [
        (Language::Turkish, "ĞİŞğış", "GISgis"),
        (Language::Spanish, "ÁÍÓÚáíóú", "AIOUaiou"),
        (Language::Portuguese, "ÀÍÓÚÂíóúâ", "AIOUaiou\u{e0}"),
    ];
    for (language, text, plain) in cases {
        let expected: Vec<u8> =
            encode(Alphabet::DEFAULT, plain).into_iter().flat_map(|septet| [ESCAPE, septet]).collect();
        assert_eq!(encode(Alphabet::single(language), text), expected, "{language:?}");
    }
    // The circumflexed a is at 0x61 as a capital and at 0x7F as a small letter.
    assert_eq!(decode(Alphabet::single(Language::Portuguese), &[ESCAPE, 0x61]).0, "Â");
    // Spanish writes what the default alphabet has in it, and only ç by its own escape.
    assert_eq!(encode(Alphabet::single(Language::Spanish), "ñç"), [0x7D, ESCAPE, 0x09]);
}

/// First code point of each Indic block, and its letters in the locking table (A.3.4 to A.3.12).
const INDIC: [(Language, u32, usize); 9] = [
    (Language::Bengali, 0x0980, 67),
    (Language::Gujarati, 0x0A80, 73),
    (Language::Hindi, 0x0900, 80),
    (Language::Kannada, 0x0C80, 73),
    (Language::Malayalam, 0x0D00, 73),
    (Language::Oriya, 0x0B00, 69),
    (Language::Punjabi, 0x0A00, 63),
    (Language::Tamil, 0x0B80, 55),
    (Language::Telugu, 0x0C00, 73),
];

#[test]
fn indic_locking_tables_ascend_through_their_block() {
    for (language, block, letters) in INDIC {
        let in_block: Vec<u32> = (0..128)
            .filter_map(|septet| language.locking_table().character(septet))
            .map(u32::from)
            .filter(|code| (block..block + 0x80).contains(code))
            .collect();
        assert_eq!(in_block.len(), letters, "{language:?}");
        assert!(in_block.is_sorted_by(|a, b| a < b), "{language:?}: {in_block:x?}");
        for plain in "0123456789:;?!(),. \n\rabcxyz".chars() {
            assert_eq!(Alphabet::locking(language).cost(plain), Some(1), "{language:?} {plain:?}");
        }
    }
}

#[test]
fn indic_single_shift_tables_hold_digits_and_capitals() {
    for (language, block, _) in INDIC {
        let alphabet = Alphabet::single(language);
        let digits: String = (0..10).filter_map(|digit| char::from_u32(block + 0x66 + digit)).collect();
        let places: Vec<u8> = encode(alphabet, &digits).chunks(2).map(|pair| pair[1]).collect();
        let expected: Vec<u8> = match language {
            Language::Bengali => [0x19, 0x1A].into_iter().chain(0x1C..=0x23).collect(),
            _ => (0x1C..=0x25).collect(),
        };
        assert_eq!(places, expected, "{language:?}");
        let national = Alphabet::national(language);
        assert_eq!(encode(national, "Az€"), [ESCAPE, 0x41, 0x7A, ESCAPE, 0x65], "{language:?}");
    }
    let urdu = Alphabet::national(Language::Urdu);
    assert_eq!(encode(urdu, "۰۹"), [ESCAPE, 0x1C, ESCAPE, 0x25]);
}

/// Words whose septets were read off the printed tables by hand.
#[test]
fn words_in_the_national_tables() {
    let cases: [(Language, &str, &[u8]); 6] = [
        (Language::Hindi, "नमस्ते", &[0x2F, 0x42, 0x4C, 0x5F, 0x27, 0x59]),
        (Language::Bengali, "বাংলা", &[0x40, 0x50, 0x01, 0x46, 0x50]),
        (Language::Tamil, "தமிழ்", &[0x27, 0x42, 0x51, 0x48, 0x5F]),
        (Language::Telugu, "తెలుగు", &[0x27, 0x58, 0x46, 0x53, 0x17, 0x53]),
        (Language::Urdu, "اردو", &[0x00, 0x25, 0x1A, 0x53]),
        (Language::Kannada, "ಕನ್ನಡ", &[0x15, 0x2F, 0x5F, 0x2F, 0x24]),
    ];
    for (language, word, septets) in cases {
        assert_eq!(encode(Alphabet::locking(language), word), septets, "{language:?}");
        assert_eq!(decode(Alphabet::locking(language), septets), (word.to_owned(), 0), "{language:?}");
    }
}

#[test]
fn every_character_of_every_table_comes_back() {
    for locking in Language::ALL {
        for single in Language::ALL {
            let alphabet = Alphabet { locking, single };
            for septet in (0..128).filter(|&septet| septet != ESCAPE) {
                for septets in [&[septet][..], &[ESCAPE, septet]] {
                    let (text, defects) = decode(alphabet, septets);
                    if defects > 0 {
                        assert_eq!(text, "\u{FFFD}", "{alphabet:?} {septets:x?}");
                        continue;
                    }
                    let again = encode(alphabet, &text);
                    assert_eq!(decode(alphabet, &again).0, text, "{alphabet:?} {septets:x?}");
                    assert!(again.len() <= septets.len(), "{alphabet:?} {septets:x?}");
                }
            }
        }
    }
}

#[test]
fn what_receivers_make_of_odd_escapes() {
    let cases: [(&[u8], &str, usize); 6] = [
        (&[ESCAPE, 0x41], "A", 0),
        (&[ESCAPE, ESCAPE, 0x41], " A", 0),
        (&[0x41, ESCAPE], "A ", 1),
        (&[ESCAPE, 0x0D], "\r", 0),
        (&[ESCAPE, 0x0A], "\u{c}", 0),
        (&[ESCAPE, 0x80, 0x65], "\u{FFFD}e", 1),
    ];
    for (septets, text, defects) in cases {
        assert_eq!(decode(Alphabet::DEFAULT, septets), (text.to_owned(), defects), "{septets:x?}");
    }
    let mut latin = String::new();
    assert_eq!(Alphabet::DEFAULT.decode(&[0xE9, 0x00], HighOctets::Latin1, &mut latin), 1);
    assert_eq!(latin, "é@");
}

#[test]
fn the_first_character_without_a_place_is_named() {
    let error = Alphabet::DEFAULT.encode("Grüße, ça va", &mut Vec::new()).unwrap_err();
    assert_eq!(error, Unrepresentable { character: 'ç', offset: 9 });
    assert_eq!(Alphabet::DEFAULT.count("a\u{1F600}"), Err(Unrepresentable { character: '😀', offset: 1 }));
    assert_eq!(Alphabet::DEFAULT.count("{€}"), Ok(6));
}

#[test]
fn packed_vectors() {
    assert_eq!(packed("hellohello", 0, Padding::Zero), *b"\xE8\x32\x9B\xFD\x46\x97\xD9\xEC\x37");
    // The same behind a header of six octets: one fill bit.
    assert_eq!(fill_bits(6), 1);
    assert_eq!(packed("hellohello", 1, Padding::Zero), *b"\xD0\x65\x36\xFB\x8D\x2E\xB3\xD9\x6F");
    assert_eq!(packed("", 1, Padding::CarriageReturn), b"");
    assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 12].map(fill_bits), [0, 6, 5, 4, 3, 2, 1, 0, 2]);
    // 160 septets fill 140 octets to the bit.
    assert_eq!(packed(&"x".repeat(160), 0, Padding::Zero).len(), 140);
    assert_eq!(packed(&"x".repeat(153), 1, Padding::Zero).len(), 134);
}

#[test]
fn seven_spare_bits() {
    let octets = Length::Octets(Padding::Zero);
    let seven = packed("1234567", 0, Padding::Zero);
    assert_eq!(seven.len(), 7);
    assert_eq!(unpacked(&seven, 0, octets), "1234567");
    assert_eq!(unpacked(&seven, 0, Length::Septets(8)), "1234567@");
    // An @ in the eighth place cannot be told from padding; the count tells it.
    let eight = packed("1234567@", 0, Padding::Zero);
    assert_eq!(unpacked(&eight, 0, octets), "1234567");
    assert_eq!(unpacked(&eight, 0, Length::Septets(8)), "1234567@");
    // With carriage returns as padding it can.
    let returns = Length::Octets(Padding::CarriageReturn);
    assert_eq!(unpacked(&packed("1234567@", 0, Padding::CarriageReturn), 0, returns), "1234567@");
    let padded = packed("1234567", 0, Padding::CarriageReturn);
    assert_eq!(padded[6], 0x0D << 1, "the last bit of 7 is zero");
    assert_eq!(unpacked(&padded, 0, returns), "1234567");
    // A carriage return of the text itself is doubled on the boundary and nowhere else.
    let own = packed("1234567\r", 0, Padding::CarriageReturn);
    assert_eq!(own.len(), 8);
    assert_eq!(unpacked(&own, 0, returns), "1234567\r\r");
    assert_eq!(unpacked(&packed("123456\r", 0, Padding::CarriageReturn), 0, returns), "123456\r");
    // Fill bits move the ambiguous place.
    let shifted = packed("123456", 6, Padding::Zero);
    assert_eq!(unpacked(&shifted, 6, octets), "123456");
    assert_eq!(unpacked(&packed("12345", 6, Padding::Zero), 6, octets), "12345");
}
