//! Texts of several lines.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use crate::setting::{Cursor, Problems, Setting, Shape};
use crate::tree::Tree;

/// Text of `MIN` to `MAX` octets in any number of lines. Copies share it: it may be long.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Prose<const MIN: usize, const MAX: usize>(Arc<str>);

impl<const MIN: usize, const MAX: usize> Prose<MIN, MAX> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, shared.
    pub fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl<const MIN: usize, const MAX: usize> Deref for Prose<MIN, MAX> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> FromStr for Prose<MIN, MAX> {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.len() < MIN || text.len() > MAX || text.chars().any(odd) {
            return Err(format!(
                "text of {MIN} to {MAX} octets without control characters but line ends and tabs"
            ));
        }
        Ok(Self(text.into()))
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Debug for Prose<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            0..=200 => fmt::Debug::fmt(&self.0, f),
            octets => write!(f, "(text of {octets} octets)"),
        }
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for Prose<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MIN: usize, const MAX: usize> Setting for Prose<MIN, MAX> {
    fn shape() -> Shape {
        Shape::Scalar("text")
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        crate::setting::read_text(at, problems)
    }
    fn to_tree(&self) -> Tree {
        (&*self.0).into()
    }
}
