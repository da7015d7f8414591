//! What is expected of an answer, and what it is taken for.

use regex::Regex;
use signalbox_invocation::Value;
use signalbox_text::fold;
use signalbox_text::phone::{Address, Bare, E164, Home, Npi, Region, Ton};

use crate::expression::{Surroundings, number_in, read_date};

/// Longest telephone number as it is written, in octets.
const MAX_PHONE: usize = 40;

/// What an answer has to be.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    /// Anything, of so many characters at most.
    Text {
        most: usize,
    },
    Number {
        least: f64,
        most: f64,
        whole: bool,
    },
    /// Days from today at which the date may lie at the earliest and latest.
    Date {
        earliest: Option<i64>,
        latest: Option<i64>,
    },
    Choice(Vec<Choice>),
    Pattern(Box<Regex>),
    Email,
    Phone,
}

/// One of several answers, with what people write for it, folded.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub value: String,
    pub words: Vec<String>,
}

impl Expected {
    /// What the answer is taken for, if it is what was expected.
    pub(crate) fn take(&self, answer: &str, now: i64, surroundings: &Surroundings) -> Option<Value> {
        let answer = answer.trim();
        if answer.is_empty() {
            return None;
        }
        match self {
            Self::Text { most } => (answer.chars().count() <= *most).then(|| Value::from(answer)),
            Self::Number { least, most, whole } => {
                let number = number_in(answer)?;
                let fits = (*least..=*most).contains(&number) && !(*whole && number.fract() != 0.0);
                fits.then_some(Value::Number(number))
            }
            Self::Date { earliest, latest } => {
                let date = read_date(answer, now, surroundings)?;
                let days = crate::expression::days_between(now, date, &surroundings.zone)?;
                let fits = earliest.is_none_or(|earliest| days >= earliest)
                    && latest.is_none_or(|latest| days <= latest);
                fits.then_some(Value::Date(date))
            }
            Self::Choice(choices) => {
                choose(choices, &fold(answer)).map(|choice| Value::from(choice.value.as_str()))
            }
            Self::Pattern(pattern) => {
                let found = pattern.captures(answer)?;
                // The first group if there is one, else everything that was found.
                let part = found.get(1).or_else(|| found.get(0))?;
                Some(Value::from(part.as_str()))
            }
            Self::Email => email_in(answer).map(Value::from),
            Self::Phone => phone_in(answer, surroundings.region).map(Value::Text),
        }
    }

    /// Octets times alternatives: what it costs to look at an answer.
    pub(crate) fn cost(&self, answer: &str) -> u64 {
        let octets = answer.len() as u64;
        match self {
            Self::Text { .. } => 1 + octets / 16,
            Self::Number { .. } | Self::Email => 4 + octets / 4,
            Self::Date { .. } => 20 + octets / 2,
            Self::Pattern(_) => 20 + octets,
            Self::Phone => 200,
            Self::Choice(choices) => {
                let words: usize = choices.iter().map(|choice| choice.words.len()).sum();
                octets / 4 + (words as u64) * (1 + octets / 64)
            }
        }
    }
}

/// A choice that the whole answer is, else the only one of which a word or phrase is in it.
fn choose<'c>(choices: &'c [Choice], folded: &str) -> Option<&'c Choice> {
    if let Some(choice) = choices.iter().find(|choice| choice.words.iter().any(|word| word == folded)) {
        return Some(choice);
    }
    let mut within = choices.iter().filter(|choice| choice.words.iter().any(|word| is_choice(folded, word)));
    let first = within.next()?;
    // "yes and no" is neither.
    within.next().is_none().then_some(first)
}

/// True when an answer is this choice, or the choice stands in it as words; both folded.
pub(crate) fn is_choice(answer: &str, choice: &str) -> bool {
    if choice.is_empty() {
        return false;
    }
    answer.match_indices(choice).any(|(at, found)| {
        let before = at == 0 || answer[..at].ends_with(' ');
        let behind = &answer[at + found.len()..];
        before && (behind.is_empty() || behind.starts_with(' '))
    })
}

/// The first email address in a text, as RFC 5321 lets it be without quotes.
pub(crate) fn email_in(text: &str) -> Option<&str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '<' | '>' | '(' | ')' | '"')).find_map(
        |word| {
            let word = word
                .trim_start_matches("mailto:")
                .trim_matches(|c: char| matches!(c, '.' | '!' | '?' | ':' | '\''));
            let (local, domain) = word.split_once('@')?;
            let local_fits = (1..=64).contains(&local.len())
                && !local.starts_with('.')
                && !local.ends_with('.')
                && !local.contains("..")
                && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
            let label = |label: &str| {
                (1..=63).contains(&label.len())
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            };
            let last = domain.rsplit('.').next().unwrap_or_default();
            let named = last.chars().count() >= 2 && !last.chars().all(|c| c.is_ascii_digit());
            let fits = local_fits
                && named
                && domain.len() <= 253
                && domain.contains('.')
                && domain.split('.').all(label);
            fits.then_some(word)
        },
    )
}

/// A telephone number as digits of E.164; one without a country code belongs to the region.
pub(crate) fn phone_in(text: &str, region: Option<Region>) -> Option<String> {
    let first = text.find(|c: char| c.is_ascii_digit() || c == '+' || c == '(')?;
    let last = text.rfind(|c: char| c.is_ascii_digit())?;
    let number = text.get(first..=last)?;
    let written =
        number.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '-' | '.' | '/' | ' '));
    if !written || number.len() > MAX_PHONE {
        return None;
    }
    let bare = if region.is_some() { Bare::National } else { Bare::International };
    let home = Home { region, bare, short_code_digits: 6 };
    let address = Address::read(number.as_bytes(), Ton::Unknown, Npi::Isdn, &home).ok()?;
    address.number().map(E164::to_ascii).map(|digits| digits.as_str().to_owned())
}
