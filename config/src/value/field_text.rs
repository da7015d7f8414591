//! Texts for devices, with fields.

use std::fmt;
use std::str::FromStr;

use crate::setting::{Cursor, Problems, Setting, Shape};
use crate::tree::Tree;

/// A text of a message with fields in braces, such as `{first_name}` or `{variable.color}`; `{{` and `}}` are braces
/// themselves (TXS-16, OPT-05, TAP-13). 1 to `MAX` octets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldText<const MAX: usize>(String);

/// Fields that every contact and conversation has a place for; others are submitted with a list, or set by a script.
pub const CONTACT_FIELDS: [&str; 10] = [
    "first_name",
    "last_name",
    "name",
    "company",
    "email",
    "client_id",
    "source_address",
    "account",
    "campaign",
    "pass",
];

/// Octets of a known field from which on a name that is one letter off is taken for a slip.
const LONG: usize = 7;

/// A part of a [`FieldText`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldPiece<'a> {
    /// Text as it is.
    Text(&'a str),
    /// The value of a field.
    Field(&'a str),
}

impl<const MAX: usize> FieldText<MAX> {
    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its pieces in their order.
    pub fn pieces(&self) -> impl Iterator<Item = FieldPiece<'_>> {
        Pieces { rest: &self.0 }.filter_map(Result::ok)
    }

    /// The fields in it, in their order.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.pieces().filter_map(|piece| match piece {
            FieldPiece::Field(field) => Some(field),
            FieldPiece::Text(_) => None,
        })
    }

    /// What is wrong with its fields: each is one of [`CONTACT_FIELDS`] or of the `declared` ones. Where none are
    /// declared any name may be one of a list or a variable, but for those that are a slip away from a known one.
    pub fn unknown_fields(&self, declared: &[&str]) -> Vec<String> {
        self.fields().filter_map(|field| unknown(field, declared)).collect()
    }

    /// The text with the values of its fields.
    ///
    /// # Errors
    /// The first field that `value` does not know.
    pub fn fill<'v>(
        &self,
        value: impl Fn(&str) -> Option<std::borrow::Cow<'v, str>>,
    ) -> Result<String, String> {
        let mut filled = String::with_capacity(self.0.len());
        for piece in self.pieces() {
            match piece {
                FieldPiece::Text(text) => filled.push_str(text),
                FieldPiece::Field(field) => filled.push_str(&value(field).ok_or_else(|| field.to_owned())?),
            }
        }
        Ok(filled)
    }
}

struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<FieldPiece<'a>, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let piece = match self.rest.find(['{', '}']) {
            None => (FieldPiece::Text(self.rest), ""),
            Some(brace @ 1..) => (FieldPiece::Text(&self.rest[..brace]), &self.rest[brace..]),
            Some(0) if self.rest.starts_with("{{") || self.rest.starts_with("}}") => {
                (FieldPiece::Text(&self.rest[..1]), &self.rest[2..])
            }
            Some(0) => match self.rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                Some((field, rest)) if is_field(field) => (FieldPiece::Field(field), rest),
                Some(_) | None => {
                    self.rest = "";
                    return Some(Err("{"));
                }
            },
        };
        self.rest = piece.1;
        Some(Ok(piece.0))
    }
}

/// Why there is no such field, if there is none.
fn unknown(field: &str, declared: &[&str]) -> Option<String> {
    let folded = field.to_lowercase();
    let known = |name: &str| CONTACT_FIELDS.contains(&name);
    let is_declared = |name: &str| declared.iter().any(|field| field.eq_ignore_ascii_case(name));
    if let Some(own) = folded.strip_prefix("contact.").filter(|own| !own.starts_with("fields.")) {
        let wrong = format!("there is no field `{field}`: what a list brings is `contact.fields.{own}`");
        return (!known(own)).then_some(wrong);
    }
    let prefixes = ["contact.fields.", "fields.", "variable.", "stored."];
    let bare = prefixes.iter().find_map(|prefix| folded.strip_prefix(prefix));
    match bare {
        // Who says what is meant means it.
        Some(bare) if declared.is_empty() || is_declared(bare) => return None,
        None if known(&folded) || is_declared(&folded) => return None,
        Some(_) | None => {}
    }
    if !declared.is_empty() {
        return Some(format!("there is no field `{field}` among `fields`"));
    }
    // A short name a letter away from a known one may well be meant.
    let slip = |known: &&&str| known.len() >= LONG && crate::nearest::edits(&folded, known) == 1;
    let meant = CONTACT_FIELDS.iter().find(slip).filter(|_| bare.is_none())?;
    Some(format!("there is no field `{field}`, did you mean `{meant}`"))
}

/// A name of a field: letters, digits, `_`, `-` and `.`, beginning with a letter; at most 64.
fn is_field(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.len() <= 64 && name.chars().all(allowed)
}

impl<const MAX: usize> FromStr for FieldText<MAX> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.is_empty() || text.len() > MAX || text.chars().any(odd) {
            return Err(format!(
                "text of 1 to {MAX} octets without control characters but line ends and tabs"
            ));
        }
        if (Pieces { rest: text }).any(|piece| piece.is_err()) {
            return Err("text with fields such as {first_name}; {{ and }} stand for braces".into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl<const MAX: usize> fmt::Display for FieldText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> Setting for FieldText<MAX> {
    fn shape() -> Shape {
        Shape::Scalar("text with fields such as {first_name}; {{ and }} stand for braces")
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        crate::setting::read_text(at, problems)
    }
    fn to_tree(&self) -> Tree {
        self.0.as_str().into()
    }
}
