//! A text as words.

use crate::rules::EntryPoint;

/// A word as it was written and as it is compared.
pub(super) struct Word<'a> {
    pub raw: &'a str,
    pub folded: String,
    /// A rule has it already.
    pub taken: bool,
}

/// The words behind the keyword.
pub(super) struct Words<'a>(pub Vec<Word<'a>>);

impl<'a> Words<'a> {
    /// The words of a text behind the longest keyword that it begins with. On a channel where nothing has to be said
    /// before the choice there may be none, and nothing is skipped then.
    pub fn behind_keyword(text: &'a str, points: &[EntryPoint]) -> Self {
        let mut words: Vec<Word<'a>> = text
            .split_whitespace()
            .map(|raw| Word { raw, folded: digits(&signalbox_text::fold(raw)), taken: false })
            .filter(|word| word.folded.chars().any(|c| !is_mark(c)))
            .collect();
        let keyword = points
            .iter()
            .map(|point| &point.keyword)
            .filter(|keyword| {
                keyword.len() <= words.len()
                    && keyword.iter().zip(&words).all(|(key, word)| *key == word.folded)
            })
            .map(Vec::len)
            .max()
            .unwrap_or(0);
        words.drain(..keyword);
        Self(words)
    }

    /// How many no rule has yet.
    pub fn free(&self) -> usize {
        self.0.iter().filter(|word| !word.taken).count()
    }

    /// Whether the words from `start` on are these, and free.
    pub fn has(&self, start: usize, words: &[String]) -> bool {
        self.0.get(start..start + words.len()).is_some_and(|here| {
            here.iter().zip(words).all(|(word, asked)| !word.taken && word.folded == *asked)
        })
    }

    pub fn take(&mut self, start: usize, count: usize) {
        self.0[start..start + count].iter_mut().for_each(|word| word.taken = true);
    }
}

/// Punctuation that stands alone is no word.
fn is_mark(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '-' | '–' | '—' | '(' | ')' | '"' | '\'' | '/')
}

/// Digits of other scripts as ASCII digits.
pub(super) fn digits(text: &str) -> String {
    text.chars().map(|c| digit(c).and_then(|digit| char::from_digit(digit, 10)).unwrap_or(c)).collect()
}

fn digit(c: char) -> Option<u32> {
    // Zeros of Arabic, Persian, Devanagari, Bengali, Gurmukhi, Gujarati, Tamil, Telugu, Thai, Lao, Burmese, Khmer.
    const ZEROS: [u32; 12] =
        [0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xBE6, 0xC66, 0xE50, 0xED0, 0x1040, 0x17E0];
    let c = u32::from(c);
    ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&c)).map(|zero| c - zero)
}
