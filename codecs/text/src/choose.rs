//! The encoding that needs the fewest parts.

#[cfg(test)]
mod tests;

use crate::encoding::{Encoding, Unrepresentable};
use crate::gsm7::{Alphabet, Language};
use crate::octets::OctetSet;
use crate::segments::{Concatenation, Count, Plan, count};

/// What may be chosen from.
#[derive(Clone, Copy, Debug)]
pub struct Choices<'a> {
    /// Whether GSM 7-bit is among them.
    pub gsm7: bool,
    /// National languages whose tables may be used. Handsets that do not know them show other
    /// letters, so there are none unless asked for.
    pub languages: &'a [Language],
    /// Whether locking shift tables may be used, or only single shift tables.
    pub locking: bool,
    /// A set of one octet a character that the peer takes.
    pub octets: Option<OctetSet>,
    /// Whether UCS-2 is among them.
    pub ucs2: bool,
    /// How parts would be marked.
    pub concatenation: Concatenation,
}

impl Default for Choices<'_> {
    /// GSM 7-bit without national languages, then UCS-2, 8-bit references.
    fn default() -> Self {
        Self {
            gsm7: true,
            languages: &[],
            locking: true,
            octets: None,
            ucs2: true,
            concatenation: Concatenation::Udh8,
        }
    }
}

/// The encoding chosen, and what the text needs in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The encoding.
    pub encoding: Encoding,
    /// Its parts.
    pub count: Count,
}

/// Chooses the encoding with the fewest parts. At the same number the one that more handsets know
/// wins, in the order: GSM 7-bit, the octet set, UCS-2, single shift tables, locking shift tables, both.
///
/// # Errors
/// Where no choice has a place for every character: the one that the first choice stumbled over.
/// [`crate::substitution::prepare`] makes such a text fit.
pub fn choose(text: &str, choices: &Choices<'_>) -> Result<Choice, Unrepresentable> {
    let mut best: Option<Choice> = None;
    let mut first_error = None;
    for encoding in candidates(choices) {
        let plan = Plan { concatenation: choices.concatenation, ..Plan::new(encoding) };
        if best.is_some_and(|best| fewest(text, &plan) >= best.count.segments) {
            continue;
        }
        match count(text, &plan) {
            Ok(count) if count.segments == 1 => return Ok(better(best, Choice { encoding, count })),
            Ok(count) => best = Some(better(best, Choice { encoding, count })),
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    match (best, first_error) {
        (Some(best), _) => Ok(best),
        (None, Some(error)) => Err(error),
        // No candidates at all: UCS-2 has a place for everything, but it was not wanted.
        (None, None) => Err(Unrepresentable { character: text.chars().next().unwrap_or('\0'), offset: 0 }),
    }
}

/// Parts that a text needs at least. Most candidates are ruled out by it, without cutting the text.
fn fewest(text: &str, plan: &Plan<'_>) -> usize {
    match plan.encoding.count(text) {
        Ok(units) if units > plan.capacity().single => units.div_ceil(plan.capacity().part),
        Ok(_) => 1,
        Err(_) => usize::MAX,
    }
}

fn better(best: Option<Choice>, new: Choice) -> Choice {
    match best {
        Some(best) if best.count.segments <= new.count.segments => best,
        Some(_) | None => new,
    }
}

fn candidates<'a>(choices: &'a Choices<'_>) -> impl Iterator<Item = Encoding> + 'a {
    let languages = choices.languages.iter().filter(|_| choices.gsm7).copied();
    let singles = languages.clone().filter(|&l| l != Language::Default).map(Alphabet::single);
    let with_locking = move || languages.clone().filter(|l| choices.locking && l.has_locking_table());
    let locking = with_locking().map(Alphabet::locking);
    let both = with_locking().map(Alphabet::national);
    let default = choices.gsm7.then_some(Alphabet::DEFAULT).into_iter();
    let national = singles.chain(locking).chain(both).map(Encoding::Gsm7);
    default
        .map(Encoding::Gsm7)
        .chain(choices.octets.map(Encoding::Octets))
        .chain(choices.ucs2.then_some(Encoding::Ucs2))
        .chain(national)
}
