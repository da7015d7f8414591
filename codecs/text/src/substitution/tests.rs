use super::*;

fn prepared(text: &str, encoding: Encoding, unknown: Unknown) -> (String, usize) {
    let Prepared { text, changed } = prepare(text, encoding, unknown).unwrap();
    (text.into_owned(), changed)
}

#[test]
fn a_text_that_fits_is_not_copied() {
    let Prepared { text, changed } =
        prepare("Grüße für 5 €", Encoding::GSM7, Unknown::Transliterate).unwrap();
    assert!(matches!(text, Cow::Borrowed(_)));
    assert_eq!(changed, 0);
}

#[test]
fn three_policies() {
    let text = "“Ça va…” Łódź 😀";
    let error = prepare(text, Encoding::GSM7, Unknown::Error).unwrap_err();
    assert_eq!(error, Unrepresentable { character: '“', offset: 0 });
    let replaced = ("?Ça va?? ??d? ?".to_owned(), 7);
    assert_eq!(prepared(text, Encoding::GSM7, Unknown::Replace), replaced);
    let nearest = ("\"Ça va...\" Lodz ?".to_owned(), 7);
    assert_eq!(prepared(text, Encoding::GSM7, Unknown::Transliterate), nearest);
}

#[test]
fn letters_of_greece_and_russia() {
    let greek = prepared("Καλημέρα", Encoding::GSM7, Unknown::Transliterate);
    assert_eq!(greek, ("KAΛHMEPA".to_owned(), 8));
    let russian = prepared("Привет", Encoding::GSM7, Unknown::Transliterate);
    assert_eq!(russian, ("Privet".to_owned(), 6));
}

#[test]
fn what_is_near_for_one_alphabet_is_not_for_another() {
    // Σ is a letter of GSM 7-bit and has no near letter in Latin-1.
    let latin = Encoding::Octets(crate::octets::OctetSet::Latin1);
    assert_eq!(prepared("σ", latin, Unknown::Transliterate), ("?".to_owned(), 1));
    // é keeps its accent where there is one.
    assert_eq!(prepared("é“", latin, Unknown::Transliterate), ("é\"".to_owned(), 1));
    let ascii = Encoding::Octets(crate::octets::OctetSet::Ascii);
    assert_eq!(prepared("é", ascii, Unknown::Transliterate), ("e".to_owned(), 1));
}

#[test]
fn marks_are_left_out() {
    let decomposed = prepared("e\u{301}\u{200B}!", Encoding::GSM7, Unknown::Transliterate);
    assert_eq!(decomposed, ("e!".to_owned(), 2));
}

#[test]
fn every_spelling_is_written_in_gsm7_or_plainer() {
    for character in (0x80..0x2_0000).filter_map(char::from_u32) {
        if let Some(nearest) = transliterate(character) {
            let (text, _) = prepared(nearest, Encoding::GSM7, Unknown::Transliterate);
            assert!(!text.contains('?'), "{character:?} is {nearest:?}");
        }
    }
}
