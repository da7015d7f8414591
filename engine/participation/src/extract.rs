//! What a campaign asks for, taken out of what somebody wrote (CM-04).

mod code;
mod date;
mod find;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use code::has_check_digit;
pub use code::normalised_code;
pub(crate) use date::read_iso;

use crate::entry::{MAX_TEXT, RawEntry};
use crate::rules::{FieldRule, Find, Rules, Several};
use crate::verdict::RejectCode;
use find::{Found, Match};
use words::Words;

/// Votes of one message at most; with more of them it is BAD_FORMAT.
pub const MAX_VOTES: usize = 100;

/// One vote, answer or code, as a campaign asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extracted {
    /// Its fields, in the order of their rules.
    pub fields: Vec<Field>,
    /// The certainty of the least certain field, in percent.
    pub confidence: u8,
    /// The field whose rule found the vote; the campaign's first when none is one.
    pub rule: String,
}

/// A value found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name of the field.
    pub name: String,
    /// The value, normalised: an option's value, digits, `2026-05-01`, a code in capitals, folded words.
    pub value: String,
    /// How certain it is that this was meant, in percent: 100 when it is where it should be or all there is, 90 when
    /// other words are around it, 80 when it is a part of a word or fits only without its accents.
    pub confidence: u8,
    /// How many times a chosen option counts; 1 for other fields.
    pub weight: u32,
}

impl Extracted {
    /// The value of a field.
    #[must_use]
    pub fn value(&self, field: &str) -> Option<&str> {
        self.field(field).map(|field| field.value.as_str())
    }

    /// A field.
    #[must_use]
    pub fn field(&self, field: &str) -> Option<&Field> {
        self.fields.iter().find(|found| found.name == field)
    }

    /// How many times it counts: the product of its fields' weights.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.fields.iter().fold(1, |product: u64, field| product.saturating_mul(field.weight.into()))
    }
}

/// A text that lacks what the campaign asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unextractable {
    /// The field that it lacks.
    pub field: String,
    /// BAD_FORMAT, or BAD_OPTION when there is something in its place.
    pub code: RejectCode,
}

/// Takes the campaign's fields out of a text: one [`Extracted`] for each vote that counts by the campaign's policy.
/// Everything else in the text is left behind.
///
/// # Errors
/// The first field that is required and not found.
pub fn extract(rules: &Rules, entry: &RawEntry) -> Result<Vec<Extracted>, Unextractable> {
    let lacks = |rule: Option<&FieldRule>, code| {
        Err(Unextractable { field: rule.map(|rule| rule.field.clone()).unwrap_or_default(), code })
    };
    if entry.text.len() > MAX_TEXT {
        return lacks(rules.extraction.first(), RejectCode::BadFormat);
    }
    let mut words = Words::behind_keyword(&entry.text, &rules.entry_points);
    let vote = rules.vote();
    let mut found: Vec<Option<Field>> = vec![None; rules.extraction.len()];
    let mut votes: Vec<Field> = Vec::new();
    // What is left is known only after all others have taken theirs.
    let (last, first): (Vec<_>, Vec<_>) =
        rules.extraction.iter().enumerate().partition(|(_, rule)| matches!(rule.find, Find::Remainder));
    for (index, rule) in first.into_iter().chain(last) {
        let all = vote == Some(index) && rules.several != Several::First;
        let matches = match find::find(rule, &mut words, entry.received_at, all) {
            Found::Matches(matches) => matches,
            Found::Nothing(_) if !rule.required => continue,
            Found::Nothing(code) => return lacks(Some(rule), code),
        };
        let mut fields = matches.into_iter().map(|found| field(rule, found));
        if all {
            votes = fields.collect();
        } else {
            found[index] = fields.next();
        }
    }
    let rule = vote.or((!rules.extraction.is_empty()).then_some(0)).map(|index| &rules.extraction[index]);
    let is_too_much = votes.len() > 1 && rules.several == Several::Reject;
    if is_too_much || votes.len() > MAX_VOTES {
        return lacks(rule, RejectCode::BadFormat);
    }
    let name = rule.map(|rule| rule.field.clone()).unwrap_or_default();
    let one = |fields: Vec<Field>| Extracted {
        confidence: fields.iter().map(|field| field.confidence).min().unwrap_or(100),
        fields,
        rule: name.clone(),
    };
    match vote {
        Some(vote) if !votes.is_empty() => Ok(votes
            .into_iter()
            .map(|field| {
                let mut fields = found.clone();
                fields[vote] = Some(field);
                one(fields.into_iter().flatten().collect())
            })
            .collect()),
        Some(_) | None => Ok(vec![one(found.into_iter().flatten().collect())]),
    }
}

fn field(rule: &FieldRule, found: Match) -> Field {
    Field { name: rule.field.clone(), value: found.value, confidence: found.confidence, weight: found.weight }
}
