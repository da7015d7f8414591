//! Folding of texts that people type, so that what they meant can be compared.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A text with case and diacritics folded and white space collapsed: `  Désabonner\n MOI ` is `desabonner moi`.
///
/// Keywords and opt-out words are compared in this form. Compatible forms are one (`ＳＴＯＰ`, `ﬁn`), the marks above and
/// below Latin, Greek and Cyrillic letters fall away, invisible characters too; vowel signs of other scripts stay,
/// because they are letters there. Folding twice is folding once.
#[must_use]
pub fn folded(text: &str) -> String {
    let once: String = text.nfkd().filter(|c| !falls_away(*c)).flat_map(char::to_lowercase).collect();
    let mut out = String::with_capacity(once.len());
    let mut gap = false;
    // Lower case may bring marks of its own.
    for c in once.nfkd().filter(|c| !falls_away(*c)) {
        if c.is_whitespace() {
            gap = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push(' ');
        }
        match letters(c) {
            Some(plain) => out.push_str(plain),
            None => out.push(c),
        }
    }
    out.nfc().collect()
}

/// A folded text without punctuation: only its words, a space between them. Apostrophes vanish (`don't` is `dont`),
/// any other mark separates, and letters spelled out one by one (`S.T.O.P`) are a word.
#[must_use]
pub fn bare(text: &str) -> String {
    let folded = folded(text);
    let mut out = String::with_capacity(folded.len());
    for word in folded
        .split(|c: char| !(c.is_alphanumeric() || is_combining_mark(c) || apostrophe(c)))
        .map(|word| word.chars().filter(|c| !apostrophe(*c)).collect::<String>())
        .filter(|word| !word.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&word);
    }
    let spelled = out.len() > 1 && out.split(' ').all(|word| word.chars().count() == 1);
    if spelled { out.replace(' ', "") } else { out }
}

/// Marks of Latin, Greek and Cyrillic, and what nobody sees.
fn falls_away(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

fn apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '`' | '\u{2bc}')
}

/// Letters that do not decompose, as people without them on the keyboard write them.
fn letters(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' => "d",
        'ı' => "i",
        'ς' => "σ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_marks_and_white_space_fold() {
        for (text, expected) in [
            ("  Désabonner\n MOI ", "desabonner moi"),
            ("KÜNDIGEN", "kundigen"),
            ("Straße", "strasse"),
            ("ＳＴＯＰ", "stop"),
            ("S\u{200b}TOP\u{feff}", "stop"),
            ("İPTAL ıslak", "iptal islak"),
            ("Œuvre", "oeuvre"),
            ("ΤΕΛΟΣ τέλος", "τελοσ τελοσ"),
            ("ВСЁ", "все"),
            ("", ""),
            (" \t ", ""),
        ] {
            assert_eq!(folded(text), expected);
        }
    }

    #[test]
    fn vowel_signs_of_devanagari_stay() {
        assert_eq!(folded("रोकें"), "रोकें");
        assert_ne!(folded("बंद"), folded("बद"));
        assert_eq!(bare("रोकें!"), "रोकें");
    }

    #[test]
    fn only_the_words_stay() {
        for (text, expected) in [
            ("Stop. Thank you!", "stop thank you"),
            ("Opt-Out", "opt out"),
            ("Don’t text me...", "dont text me"),
            ("S.T.O.P.", "stop"),
            ("s t o p", "stop"),
            ("«STOP» 🛑", "stop"),
            ("\"Stop\"", "stop"),
            ("...", ""),
            ("'", ""),
            ("7", "7"),
        ] {
            assert_eq!(bare(text), expected);
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in any::<String>()) {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once.clone());
            prop_assert!(!once.starts_with(' ') && !once.ends_with(' ') && !once.contains("  "));
        }

        #[test]
        fn case_never_counts(text in "[a-zA-Z éÉüÜñÑçÇ]{0,20}") {
            prop_assert_eq!(folded(&text), folded(&text.to_uppercase()));
            prop_assert_eq!(folded(&text), folded(&text.to_lowercase()));
        }
    }
}
