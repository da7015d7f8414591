//! One rule and the words.

use jiff::Timestamp;
use regex::Regex;

use super::words::{Word, Words, digits};
use super::{code, date};
use crate::rules::{Choice, FieldRule, Find};
use crate::verdict::RejectCode;

/// A value of one field.
pub(super) struct Match {
    pub value: String,
    pub confidence: u8,
    pub weight: u32,
}

pub(super) enum Found {
    /// At least one.
    Matches(Vec<Match>),
    /// None, and what that is called.
    Nothing(RejectCode),
}

const WHOLE: u8 = 100;
const AMONG: u8 = 90;
const PART: u8 = 80;

/// Words that a date or a code may be spread over.
const SPREAD: usize = 8;

/// Finds a field and takes its words: the first match, or all that differ.
pub(super) fn find(rule: &FieldRule, words: &mut Words<'_>, today: Timestamp, all: bool) -> Found {
    let free = words.free();
    let mut search = Search { words, free, rule, all, matches: Vec::new() };
    let nothing = match &rule.find {
        Find::Token => search.at_each(|words, at| Some((words.0[at].folded.clone(), 1, 1))),
        Find::Enumeration(choices) => {
            search.at_each(|words, at| choice(words, at, choices));
            search.parts(choices);
            // Something stands where a choice should be.
            let place = search.rule.position.map_or(search.free > 0, |at| search.words.0.len() > at);
            if place { RejectCode::BadOption } else { RejectCode::BadFormat }
        }
        Find::Number { min, max } => {
            let mut is_outside = false;
            search.at_each(|words, at| {
                let number = number(&words.0[at], *min < 0)?;
                is_outside |= !(*min..=*max).contains(&number);
                (*min..=*max).contains(&number).then(|| (number.to_string(), 1, 1))
            });
            if is_outside { RejectCode::BadOption } else { RejectCode::BadFormat }
        }
        Find::Date(order) => search.at_each(|words, at| {
            (1..=3).find_map(|count| {
                let text = spread(words, at, count, " ")?;
                Some((date::read(&text, *order, today)?.to_string(), count, 1))
            })
        }),
        Find::Code { length, .. } => search.at_each(|words, at| code_at(words, at, *length)),
        Find::Regex(pattern) => search.pattern(pattern),
        Find::Remainder => search.remainder(),
    };
    match search.matches {
        matches if matches.is_empty() => Found::Nothing(nothing),
        matches => Found::Matches(matches),
    }
}

/// Free words next to each other, as they were written but for their outer punctuation.
fn spread(words: &Words<'_>, at: usize, count: usize, between: &str) -> Option<String> {
    let here = words.0.get(at..at + count)?;
    if here.iter().any(|word| word.taken) {
        return None;
    }
    Some(here.iter().map(|word| word.folded.as_str()).collect::<Vec<_>>().join(between))
}

/// A whole number. A dash before it is a sign only where there may be numbers below zero; else it is a mark between
/// words.
fn number(word: &Word<'_>, may_be_negative: bool) -> Option<i64> {
    let number: i64 = word.folded.parse().ok()?;
    let mut before = word.raw.chars().take_while(|c| !c.is_numeric());
    let is_negative = may_be_negative && before.any(|c| matches!(c, '-' | '\u{2212}' | '\u{2013}'));
    Some(if is_negative { -number } else { number })
}

fn choice(words: &Words<'_>, at: usize, choices: &[Choice]) -> Option<(String, usize, u32)> {
    let named = |choice: &Choice| choice.words.iter().filter(|name| words.has(at, name)).map(Vec::len).max();
    choices
        .iter()
        .filter_map(|choice| Some((named(choice)?, choice)))
        .max_by_key(|(count, _)| *count)
        .map(|(count, choice)| (choice.value.clone(), count, choice.weight))
}

fn code_at(words: &Words<'_>, at: usize, length: Option<usize>) -> Option<(String, usize, u32)> {
    let Some(length) = length else {
        return Some((code::normalised_code(&words.0[at].folded)?, 1, 1));
    };
    (1..=SPREAD).find_map(|count| {
        let code = code::normalised_code(&spread(words, at, count, "")?)?;
        (code.len() == length).then_some((code, count, 1))
    })
}

struct Search<'s, 'w> {
    words: &'s mut Words<'w>,
    /// Words that were free before this rule.
    free: usize,
    rule: &'s FieldRule,
    all: bool,
    matches: Vec<Match>,
}

impl Search<'_, '_> {
    fn is_done(&self) -> bool {
        !self.all && !self.matches.is_empty()
    }

    fn add(&mut self, value: String, confidence: u8, weight: u32) {
        if !self.is_done() && !self.matches.iter().any(|found| found.value == value) {
            self.matches.push(Match { value, confidence, weight });
        }
    }

    /// Asks at the rule's position, or at each free word, for a value, the number of its words and its weight.
    fn at_each(
        &mut self,
        mut value: impl FnMut(&Words<'_>, usize) -> Option<(String, usize, u32)>,
    ) -> RejectCode {
        let places = match self.rule.position {
            Some(at) => at..(at + 1).min(self.words.0.len()).max(at),
            None => 0..self.words.0.len(),
        };
        for at in places {
            if self.is_done() {
                break;
            }
            if self.words.0[at].taken {
                continue;
            }
            let Some((value, count, weight)) = value(self.words, at) else { continue };
            let is_sure = self.rule.position.is_some() || count == self.free;
            self.words.take(at, count);
            self.add(value, if is_sure { WHOLE } else { AMONG }, weight);
        }
        RejectCode::BadFormat
    }

    /// Words that are several choices with marks between them, as in `a,b` or `1/3`.
    fn parts(&mut self, choices: &[Choice]) {
        if self.rule.position.is_some() {
            return;
        }
        for at in 0..self.words.0.len() {
            if self.is_done() || self.words.0[at].taken {
                continue;
            }
            let parts: Vec<String> = self.words.0[at]
                .raw
                .split([',', ';', '/', '+', '&', '|', '.', ':', ')', '('])
                .map(|part| digits(&signalbox_text::fold(part)))
                .filter(|part| !part.is_empty())
                .collect();
            let chosen: Option<Vec<&Choice>> = parts
                .iter()
                .map(|part| {
                    choices.iter().find(|choice| choice.words.iter().any(|name| name[..] == [part.clone()]))
                })
                .collect();
            let Some(chosen) = chosen.filter(|chosen| !chosen.is_empty()) else { continue };
            self.words.take(at, 1);
            for choice in chosen {
                self.add(choice.value.clone(), PART, choice.weight);
            }
        }
    }

    fn pattern(&mut self, pattern: &Regex) -> RejectCode {
        let one = |at: usize| at..at + 1;
        let range = self.rule.position.map_or(0..self.words.0.len(), one);
        if range.end > self.words.0.len() {
            return RejectCode::BadFormat;
        }
        for (is_folded, confidence) in [(false, AMONG), (true, PART)] {
            // Where each word is in the text that is searched.
            let mut text = String::new();
            let mut places = Vec::new();
            for at in range.clone() {
                let word = &self.words.0[at];
                if word.taken {
                    continue;
                }
                if !text.is_empty() {
                    text.push(' ');
                }
                let start = text.len();
                text.push_str(if is_folded { &word.folded } else { word.raw });
                places.push((at, start..text.len()));
            }
            for found in pattern.captures_iter(&text) {
                if self.is_done() {
                    break;
                }
                let (Some(whole), Some(value)) = (found.get(0), found.get(1).or(found.get(0))) else {
                    continue;
                };
                if value.is_empty() {
                    continue;
                }
                let is_all = whole.range() == (0..text.len()) || self.rule.position.is_some();
                let confidence = if is_all && !is_folded { WHOLE } else { confidence };
                for (at, place) in &places {
                    if place.start < whole.end() && whole.start() < place.end {
                        self.words.0[*at].taken = true;
                    }
                }
                self.add(value.as_str().to_owned(), confidence, 1);
            }
            if !self.matches.is_empty() {
                break;
            }
        }
        RejectCode::BadFormat
    }

    fn remainder(&mut self) -> RejectCode {
        let free: Vec<&str> = self.words.0.iter().filter(|word| !word.taken).map(|word| word.raw).collect();
        if !free.is_empty() {
            let text = free.join(" ");
            self.add(text, WHOLE, 1);
        }
        self.words.0.iter_mut().for_each(|word| word.taken = true);
        RejectCode::BadFormat
    }
}
