use super::*;

fn chosen(text: &str, choices: &Choices<'_>) -> (Encoding, usize) {
    let choice = choose(text, choices).unwrap();
    (choice.encoding, choice.count.segments)
}

const TURKISH: Choices<'_> = Choices {
    gsm7: true,
    languages: &[Language::Turkish],
    locking: true,
    octets: None,
    ucs2: true,
    concatenation: Concatenation::Udh8,
};

#[test]
fn plain_text_is_gsm7_and_the_rest_ucs2() {
    assert_eq!(chosen("", &Choices::default()), (Encoding::GSM7, 1));
    assert_eq!(chosen("Grüße {€}", &Choices::default()), (Encoding::GSM7, 1));
    assert_eq!(chosen("Ağaç", &Choices::default()), (Encoding::Ucs2, 1));
}

#[test]
fn a_language_is_used_where_it_saves_parts() {
    // 100 letters with ğ: two parts in UCS-2, one with the single shift table.
    let text = format!("{}ğ", "a".repeat(99));
    assert_eq!(chosen(&text, &Choices::default()).1, 2);
    assert_eq!(chosen(&text, &TURKISH), (Encoding::Gsm7(Alphabet::single(Language::Turkish)), 1));
    // So many that only the locking table holds them in one part.
    let text = "ğ".repeat(120);
    assert_eq!(chosen(&text, &TURKISH), (Encoding::Gsm7(Alphabet::locking(Language::Turkish)), 1));
    let single = Choices { locking: false, ..TURKISH };
    assert_eq!(chosen(&text, &single), (Encoding::Ucs2, 2));
    // Hindi text with Hindi digits needs both tables.
    let hindi = Choices { languages: &[Language::Hindi], ..TURKISH };
    let text = format!("{}१२३", "न".repeat(80));
    assert_eq!(chosen(&text, &hindi), (Encoding::Gsm7(Alphabet::national(Language::Hindi)), 1));
}

#[test]
fn equal_counts_go_to_the_better_known_one() {
    assert_eq!(chosen("hello", &TURKISH).0, Encoding::GSM7);
    let latin = Choices { octets: Some(OctetSet::Latin1), ..Choices::default() };
    assert_eq!(chosen("hello", &latin).0, Encoding::GSM7);
    assert_eq!(chosen("ça ë", &latin).0, Encoding::Octets(OctetSet::Latin1));
    assert_eq!(chosen("ğ", &TURKISH).0, Encoding::Ucs2);
    // 140 octets of Latin-1 against 280 septets of escapes.
    assert_eq!(chosen(&"{".repeat(140), &latin), (Encoding::Octets(OctetSet::Latin1), 1));
}

#[test]
fn nothing_fits() {
    let narrow = Choices { ucs2: false, ..Choices::default() };
    let error = choose("abç€😀", &narrow).unwrap_err();
    assert_eq!(error, Unrepresentable { character: 'ç', offset: 2 });
    let none = Choices { gsm7: false, ucs2: false, ..Choices::default() };
    assert!(choose("a", &none).is_err());
}
