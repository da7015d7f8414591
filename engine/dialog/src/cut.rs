//! Long texts as several messages (API-10, D3).

use signalbox_text::Encoding;
use signalbox_text::choose::{Choices, choose};

/// Characters of a message in the GSM alphabet, and in any other (3GPP TS 23.038 cl. 6.1).
const GSM: usize = 160;
const UCS2: usize = 70;

/// Cuts a text into texts that each fit into one message: at blanks where there are any, else where they are full. A
/// text that fits is one.
#[must_use]
pub fn separate(text: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = text.trim_end();
    while !fits(rest) {
        let end = longest(rest);
        // A word that is longer than a message is cut anywhere.
        let blank = rest[..end].rfind(char::is_whitespace).filter(|at| *at > 0);
        let blank = if rest[end..].starts_with(char::is_whitespace) { Some(end) } else { blank };
        let at = blank.unwrap_or(end);
        texts.push(rest[..at].trim_end().to_owned());
        rest = rest[at..].trim_start();
    }
    if !rest.is_empty() || texts.is_empty() {
        texts.push(rest.to_owned());
    }
    texts
}

fn fits(text: &str) -> bool {
    choose(text, &Choices::default()).is_ok_and(|choice| choice.count.segments <= 1)
}

/// Where the longest beginning ends that fits into one message.
fn longest(text: &str) -> usize {
    let most = match choose(text, &Choices::default()).map(|choice| choice.encoding) {
        Ok(Encoding::Gsm7(_)) => GSM,
        _ => UCS2,
    };
    // A beginning may do with a smaller alphabet than the whole.
    let ends = |most: usize| text.char_indices().map(|(at, _)| at).chain([text.len()]).take(most + 1);
    let mut best = text.chars().next().map_or(0, char::len_utf8);
    for end in ends(GSM.max(most)) {
        if end > best && fits(&text[..end]) {
            best = end;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_fits_is_one() {
        assert_eq!(separate(""), [""]);
        assert_eq!(separate(&"x".repeat(160)), ["x".repeat(160)]);
    }

    #[test]
    fn words_stay_whole_and_every_part_fits() {
        let text = "word ".repeat(100);
        let parts = separate(&text);
        assert_eq!(parts.len(), 4);
        assert!(parts.iter().all(|part| fits(part) && part.ends_with("word")), "{parts:?}");
        assert_eq!(parts.join(" "), text.trim_end());
    }

    #[test]
    fn a_word_longer_than_a_message_is_cut() {
        let parts = separate(&"x".repeat(321));
        assert_eq!(parts.iter().map(String::len).collect::<Vec<_>>(), [160, 160, 1]);
    }

    #[test]
    fn another_alphabet_has_room_for_less() {
        let parts = separate(&"ж".repeat(141));
        assert_eq!(parts.iter().map(|part| part.chars().count()).collect::<Vec<_>>(), [70, 70, 1]);
        let emoji = separate(&"😀".repeat(40));
        assert_eq!(emoji.iter().map(|part| part.chars().count()).collect::<Vec<_>>(), [35, 5]);
    }
}
