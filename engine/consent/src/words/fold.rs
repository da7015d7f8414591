//! Texts that people type as their bare words, so that what they meant can be compared.

use signalbox_text::fold;
use unicode_normalization::char::is_combining_mark;

/// A text, [folded](fold()) as keywords are, without punctuation: only its words, a space between them. Apostrophes vanish (`don't` is `dont`),
/// any other mark separates, and letters spelled out one by one (`S.T.O.P`) are a word.
#[must_use]
pub fn bare(text: &str) -> String {
    let folded = fold(text);
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

fn apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '`' | '\u{2bc}')
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
            assert_eq!(bare(text), expected);
        }
    }

    #[test]
    fn vowel_signs_of_devanagari_stay() {
        assert_ne!(bare("बंद"), bare("बद"));
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
        fn what_is_bare_stays_so(text in any::<String>()) {
            let once = bare(&text);
            prop_assert_eq!(bare(&once), once.clone());
            prop_assert!(!once.starts_with(' ') && !once.ends_with(' ') && !once.contains("  "));
        }

        #[test]
        fn case_never_counts(text in "[a-zA-Z éÉüÜñÑçÇ]{0,20}") {
            prop_assert_eq!(bare(&text), bare(&text.to_uppercase()));
            prop_assert_eq!(bare(&text), bare(&text.to_lowercase()));
        }
    }
}
