//! Texts as they are compared: without case, diacritics, punctuation at the ends of words and odd spaces.

use unicode_normalization::UnicodeNormalization;

/// The text as keywords and words of consent are compared (KEY-02): words with one space between them, lower case,
/// without accents, compatibility forms made plain, and without punctuation at the ends of a word. A word that is
/// punctuation alone stays.
///
/// Marks that make another letter of a letter's writing, as in Devanagari, are no accents and stay.
///
/// ```
/// assert_eq!(signalbox_text::fold("  «Bánk»\tBAL! "), "bank bal");
/// assert_eq!(signalbox_text::fold("?"), "?");
/// ```
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && !is_sign(c));
        let word = if bare.is_empty() { word } else { bare };
        if !folded.is_empty() {
            folded.push(' ');
        }
        if word.is_ascii() {
            folded.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            fold_word(word, &mut folded);
        }
    }
    folded
}

/// Signs that may be the whole difference between two words, and letters' own marks, which are not alphanumeric.
fn is_sign(c: char) -> bool {
    matches!(c, '#' | '*' | '+' | '$' | '€' | '£' | '%' | '&' | '@')
        || unicode_normalization::char::is_combining_mark(c)
}

fn fold_word(word: &str, folded: &mut String) {
    let plain = word.nfkd().filter(|c| !is_accent(*c)).flat_map(char::to_lowercase);
    // Compatibility forms may bring spaces, and lower case may bring a dot (U+0130): neither is to stay.
    let plain = plain.filter(|c| !is_accent(*c) && !c.is_whitespace());
    let letters: String = plain.nfc().collect();
    for letter in letters.chars() {
        match letter {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            letter => folded.push(letter),
        }
    }
}

/// Accents of Latin, Greek and Cyrillic letters, vowel points of Arabic and Hebrew, which writers leave out, and what
/// nobody sees.
fn is_accent(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}' | '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}'
        | '\u{FEFF}' | '\u{064B}'..='\u{0652}' | '\u{0670}' | '\u{0591}'..='\u{05BD}')
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn what_people_write_for_one_word_is_one_word() {
        for (written, folded) in [
            ("STOP", "stop"),
            (" stop. ", "stop"),
            ("Stop!!", "stop"),
            ("\"STOP\"", "stop"),
            ("ＳＴＯＰ", "stop"),
            ("S\u{200b}TOP\u{feff}", "stop"),
            ("arrêt", "arret"),
            ("ARRE\u{302}T", "arret"),
            ("Straße", "strasse"),
            ("İPTAL", "iptal"),
            ("ΣΤΟΠ ΟΔΟΣ", "στοπ οδοσ"),
            ("bank\u{a0}  bal", "bank bal"),
            ("a)", "a"),
            ("#1", "#1"),
            ("1.5", "1.5"),
            ("don't", "don't"),
            ("...", "..."),
            ("", ""),
        ] {
            assert_eq!(fold(written), folded, "{written:?}");
        }
    }

    /// क and कि are two words, and so are रुक and रक.
    #[test]
    fn vowel_signs_are_no_accents() {
        assert_ne!(fold("कि"), fold("क"));
        assert_eq!(fold("रुकें"), "रुकें");
    }

    #[test]
    fn what_is_folded_stays_as_it_is() {
        for text in ["Ünïcødé ﬁne", "İI ıi", "½ ™", "안녕 하세요", "e\u{301}", "ﷺ"] {
            let once = fold(text);
            assert_eq!(fold(&once), once, "{text:?}");
        }
    }
}
