//! Whole numbers with bounds.

use std::fmt;

use crate::setting::{Cursor, Problems, Setting, Shape};
use crate::tree::{Tree, Value};

/// A whole number from `LOW` to `HIGH`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Count<const LOW: u64, const HIGH: u64>(u64);

impl<const LOW: u64, const HIGH: u64> Count<LOW, HIGH> {
    /// The number, where it is within the bounds.
    pub const fn new(number: u64) -> Option<Self> {
        if LOW <= number && number <= HIGH { Some(Self(number)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number as a length or a capacity.
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }

    /// The number in 32 bits; the largest such number where it is larger.
    pub const fn as_u32(self) -> u32 {
        if self.0 > u32::MAX as u64 { u32::MAX } else { self.0 as u32 }
    }
}

impl<const LOW: u64, const HIGH: u64> fmt::Display for Count<LOW, HIGH> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const LOW: u64, const HIGH: u64> Setting for Count<LOW, HIGH> {
    fn shape() -> Shape {
        Shape::Range(LOW, HIGH)
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let number = match at.tree.value {
            Value::Integer(number) => u64::try_from(number).ok().and_then(Self::new),
            Value::Null
            | Value::Bool(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Secret(_)
            | Value::List(_)
            | Value::Table(_) => None,
        };
        if number.is_none() {
            problems.unexpected(at, Self::shape().expects());
        }
        number
    }
    fn to_tree(&self) -> Tree {
        Value::Integer(i64::try_from(self.0).unwrap_or(i64::MAX)).into()
    }
}

/// A whole number from `LOW` to `HIGH`, both included, that may be below nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignedCount<const LOW: i64, const HIGH: i64>(i64);

impl<const LOW: i64, const HIGH: i64> SignedCount<LOW, HIGH> {
    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl<const LOW: i64, const HIGH: i64> Setting for SignedCount<LOW, HIGH> {
    fn shape() -> Shape {
        Shape::SignedRange(LOW, HIGH)
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        if let Value::Integer(number) = at.tree.value
            && (LOW..=HIGH).contains(&number)
        {
            return Some(Self(number));
        }
        problems.unexpected(at, Self::shape().expects());
        None
    }
    fn to_tree(&self) -> Tree {
        Value::Integer(self.0).into()
    }
}
