//! Settings that are one value each.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use super::{Cursor, Problems, Setting, Shape};
use crate::tree::{Tree, Value};

/// Reads a value that is written as text and knows its own grammar; the error of its `FromStr` says what
/// was expected.
pub(crate) fn read_text<T>(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<T>
where
    T: Setting + FromStr<Err = String>,
{
    let Some(text) = at.tree.text() else {
        problems.unexpected(at, T::shape().expects());
        return None;
    };
    match text.parse() {
        Ok(value) => Some(value),
        Err(expected) => {
            problems.unexpected(at, expected);
            None
        }
    }
}

/// Implements [`Setting`] for types with `Display` and `FromStr`.
macro_rules! text_setting {
    ($type:ty, $expects:expr) => {
        impl $crate::setting::Setting for $type {
            fn shape() -> $crate::setting::Shape {
                $crate::setting::Shape::Scalar($expects)
            }
            fn read(
                at: &$crate::setting::Cursor<'_>,
                problems: &mut $crate::setting::Problems<'_>,
            ) -> Option<Self> {
                $crate::setting::read_text(at, problems)
            }
            fn to_tree(&self) -> $crate::tree::Tree {
                self.to_string().into()
            }
        }
    };
}
pub(crate) use text_setting;

/// Implements [`Setting`] for types of the standard library whose `FromStr` errors say too little.
macro_rules! parsed_setting {
    ($type:ty, $expects:literal) => {
        impl Setting for $type {
            fn shape() -> Shape {
                Shape::Scalar($expects)
            }
            fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
                let value = at.tree.text().and_then(|text| text.parse().ok());
                if value.is_none() {
                    problems.unexpected(at, $expects);
                }
                value
            }
            fn to_tree(&self) -> Tree {
                self.to_string().into()
            }
        }
    };
}

parsed_setting!(SocketAddr, "an address with a port such as \"127.0.0.1:2775\" or \"[::1]:2775\"");
parsed_setting!(IpAddr, "an IP address such as \"192.0.2.1\" or \"2001:db8::1\"");
parsed_setting!(jiff::civil::Date, "a day such as \"2026-12-31\"");
parsed_setting!(jiff::Timestamp, "a point in time such as \"2026-12-31T23:59:59Z\"");

impl Setting for bool {
    fn shape() -> Shape {
        Shape::Typed { expects: "true or false", json: "boolean" }
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        if let Value::Bool(value) = at.tree.value {
            return Some(value);
        }
        problems.unexpected(at, "true or false");
        None
    }
    fn to_tree(&self) -> Tree {
        (*self).into()
    }
}

impl Setting for i64 {
    fn shape() -> Shape {
        Shape::Typed { expects: "a whole number", json: "integer" }
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        if let Value::Integer(value) = at.tree.value {
            return Some(value);
        }
        problems.unexpected(at, "a whole number");
        None
    }
    fn to_tree(&self) -> Tree {
        (*self).into()
    }
}

impl Setting for PathBuf {
    fn shape() -> Shape {
        Shape::Scalar("a path")
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        match at.tree.text() {
            Some(text) if !text.is_empty() => Some(text.into()),
            Some(_) | None => {
                problems.unexpected(at, "a path");
                None
            }
        }
    }
    fn to_tree(&self) -> Tree {
        self.display().to_string().into()
    }
}
