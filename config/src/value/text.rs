//! Texts with bounds, and names.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use crate::setting::{Cursor, Problems, Setting, Shape, text_setting};
use crate::tree::Tree;

/// Text of `MIN` to `MAX` octets without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> Deref for Text<MIN, MAX> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> FromStr for Text<MIN, MAX> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() < MIN || text.len() > MAX || text.chars().any(char::is_control) {
            return Err(format!("text of {MIN} to {MAX} octets without control characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MIN: usize, const MAX: usize> Setting for Text<MIN, MAX> {
    fn shape() -> Shape {
        Shape::Scalar("text")
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        crate::setting::read_text(at, problems)
    }
    fn to_tree(&self) -> Tree {
        self.0.as_str().into()
    }
}

/// The name of a row, a node or a listener: 1 to 64 letters, digits, `.`, `_` and `-`, beginning with a
/// letter or digit. Rows refer to each other by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

const NAME: &str = "a name of 1 to 64 letters, digits, `.`, `_` and `-`, beginning with a letter or digit";

text_setting!(Name, NAME);

impl Name {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, to be shared: a catalog has the same in many places.
    pub fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl FromStr for Name {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !begins || text.len() > 64 || !text.chars().all(allowed) {
            return Err(NAME.into());
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One to twenty digits: the beginning of numbers, or a whole number of a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digits(String);

const DIGITS: &str = "1 to 20 digits in the international form without `+`";

text_setting!(Digits, DIGITS);

impl Digits {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Digits {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > 20 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(DIGITS.into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
