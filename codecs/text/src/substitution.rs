//! What becomes of characters that an encoding has no place for.

#[cfg(test)]
mod tests;
mod transliteration;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::encoding::{Encoding, Unrepresentable};
pub use transliteration::transliterate;

/// Policy for characters without a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    /// Refuse the text.
    #[default]
    Error,
    /// Write `?`.
    Replace,
    /// Write the nearest letters or signs (`ł` as `l`, `“` as `"`, `…` as `...`), and `?` for the rest.
    Transliterate,
}

/// A text in which every character has a place in the encoding it was prepared for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared<'a> {
    /// The text; borrowed when nothing had to change.
    pub text: Cow<'a, str>,
    /// Characters that were replaced or transliterated.
    pub changed: usize,
}

/// Makes a text fit an encoding.
///
/// # Errors
/// The first character without a place, under [`Unknown::Error`].
pub fn prepare(text: &str, encoding: Encoding, unknown: Unknown) -> Result<Prepared<'_>, Unrepresentable> {
    let first = match encoding.count(text) {
        Ok(_) => return Ok(Prepared { text: Cow::Borrowed(text), changed: 0 }),
        Err(first) => first,
    };
    if unknown == Unknown::Error {
        return Err(first);
    }
    let (fitting, rest) = text.split_at(first.offset);
    let mut prepared = String::with_capacity(text.len());
    prepared.push_str(fitting);
    let mut changed = 0;
    for character in rest.chars() {
        if encoding.cost(character).is_some() {
            prepared.push(character);
            continue;
        }
        changed += 1;
        match unknown {
            Unknown::Transliterate => push_nearest(character, encoding, &mut prepared),
            Unknown::Replace | Unknown::Error => prepared.push('?'),
        }
    }
    Ok(Prepared { text: Cow::Owned(prepared), changed })
}

fn push_nearest(character: char, encoding: Encoding, out: &mut String) {
    match transliterate(character) {
        Some(nearest) if nearest.chars().all(|c| encoding.cost(c).is_some()) => out.push_str(nearest),
        // The accent may be what does not fit: Ά is Α, which GSM 7-bit writes as A.
        Some(nearest) => {
            let mut chars = nearest.chars();
            let again = match (chars.next(), chars.next()) {
                (Some(only), None) => transliterate(only),
                _ => None,
            };
            match again {
                Some(plain) if plain.chars().all(|c| encoding.cost(c).is_some()) => out.push_str(plain),
                _ => out.push('?'),
            }
        }
        None => out.push('?'),
    }
}
