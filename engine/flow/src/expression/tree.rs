use regex::Regex;

use super::functions::Function;
use super::place::Place;

/// An expression as it is evaluated.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Text(String),
    Number(f64),
    Truth(bool),
    /// Something that an invocation holds, with its name for the trace.
    Place(Place, String),
    Call {
        function: &'static Function,
        arguments: Vec<Node>,
        /// The regular expression of a function that takes one, made when the flow was read.
        pattern: Option<Box<Regex>>,
        /// Character at which the name stands, from 1.
        column: usize,
    },
    /// Its second or third argument, of which only one is looked at.
    If(Box<[Node; 3]>),
    Not(Box<Node>),
    Negative(Box<Node>, usize),
    Binary {
        operator: Operator,
        sides: Box<[Node; 2]>,
        column: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Join,
    Plus,
    Minus,
    Times,
    By,
    Remainder,
}

impl Operator {
    /// Which operator a sign or word is, and how tightly it binds.
    pub(crate) fn of(sign: &str) -> Option<(Self, u8)> {
        Some(match sign {
            "or" => (Self::Or, 1),
            "and" => (Self::And, 2),
            "=" | "==" => (Self::Equal, 4),
            "!=" | "<>" => (Self::Unequal, 4),
            "<" => (Self::Less, 4),
            "<=" => (Self::LessOrEqual, 4),
            ">" => (Self::Greater, 4),
            ">=" => (Self::GreaterOrEqual, 4),
            "&" => (Self::Join, 5),
            "+" => (Self::Plus, 6),
            "-" => (Self::Minus, 6),
            "*" => (Self::Times, 7),
            "/" => (Self::By, 7),
            "%" => (Self::Remainder, 7),
            _ => return None,
        })
    }
}
