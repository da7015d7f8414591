//! Keywords: what begins a conversation (KEY-01 to KEY-14).

use super::program::check_span;
use crate::setting::{Agreement, Cursor, Problems, settings};
use crate::value::{KeywordText, Name};

settings! {
    /// A word or words that begin a conversation on a source address.
    pub struct Keyword agrees {
        /// Name in the API and in traces.
        name: Name => "us-70650.bal",
        /// The words; case and accents do not count (KEY-02).
        text: KeywordText => "bank bal",
        /// The source address.
        source_address: Name => "us-70650",
        /// The program whose family it belongs to on this address (KEY-01, PRG-07).
        program: Option<Name> => "balance",
        /// The account whose it is.
        account: Name => "demo",
        /// The inbound sub-campaign that it begins (KEY-03).
        sub_campaign: Name => "balance-in",
        /// From when on it is bound (MQ-27); the same words may be bound again once it is over.
        from: Option<jiff::Timestamp> => "2026-01-01T00:00:00Z",
        /// Up to when.
        to: Option<jiff::Timestamp> => "2028-01-01T00:00:00Z",
    }
}

impl Agreement for Keyword {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        check_span(self.from, self.to, at, problems);
    }
}

// Data: words that begin so many ordinary texts that a keyword of one of them would catch them. English, Spanish,
// German and French; folded.
const COMMON: &[&str] = &[
    "a", "ah", "all", "and", "are", "as", "at", "back", "be", "but", "by", "call", "can", "come", "day",
    "did", "do", "for", "from", "get", "go", "good", "great", "had", "has", "have", "he", "hello", "hey",
    "hi", "how", "i", "if", "im", "in", "is", "it", "its", "just", "know", "later", "let", "like", "lol",
    "love", "maybe", "me", "more", "my", "need", "new", "nice", "no", "not", "now", "of", "off", "oh", "ok",
    "okay", "on", "one", "or", "out", "please", "right", "see", "she", "so", "some", "sorry", "sure", "text",
    "thank", "thanks", "that", "the", "then", "there", "they", "this", "time", "to", "today", "tomorrow",
    "up", "want", "was", "we", "well", "what", "when", "where", "who", "why", "will", "with", "yeah", "yep",
    "yes", "you", "your", "ya", "si", "el", "la", "los", "las", "que", "de", "en", "un", "una", "hola",
    "gracias", "bueno", "pero", "como", "ja", "nein", "und", "der", "die", "das", "ich", "du", "es", "ist",
    "nicht", "danke", "hallo", "bitte", "oui", "non", "je", "le", "les", "et", "bonjour", "merci", "tu",
    "il", "est", "pas",
];

/// Why a keyword is likely to be met in ordinary conversation (KEY-14); none when it is not.
pub fn too_common(keyword: &KeywordText) -> Option<String> {
    let folded = keyword.folded();
    if COMMON.contains(&folded) {
        return Some(format!("many ordinary texts begin with `{folded}`"));
    }
    if folded.chars().count() == 1 {
        return Some("texts of one sign are often answers to other questions".into());
    }
    let short_number = folded.len() <= 2 && folded.bytes().all(|octet| octet.is_ascii_digit());
    short_number.then(|| "texts of one or two digits are often answers to other questions".into())
}
