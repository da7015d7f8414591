//! Rates of messages.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use crate::setting::{Cursor, Problems, Setting, Shape};
use crate::tree::{Tree, Value};

/// A rate: so many messages in a second, a minute or an hour. Written as a number (per second) or as text:
/// `100`, `"100/s"`, `"30/min"`, `"5/h"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    messages: NonZeroU64,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Unit {
    Second,
    Minute,
    Hour,
}

impl Unit {
    const ALL: [Self; 3] = [Self::Second, Self::Minute, Self::Hour];

    fn name(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
        }
    }

    fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
        }
    }
}

const EXPECTS: &str = "a rate above nothing such as 100 (a second), \"100/s\", \"30/min\" or \"5/h\"";
const HIGHEST: u64 = 10_000_000;

impl Rate {
    /// So many messages a second, from 1 to ten million.
    pub fn per_second(messages: u64) -> Option<Self> {
        let messages = NonZeroU64::new(messages).filter(|messages| messages.get() <= HIGHEST)?;
        Some(Self { messages, unit: Unit::Second })
    }

    /// Nanoseconds from one message to the next, at least 1.
    pub fn interval_nanoseconds(self) -> u64 {
        (self.unit.seconds() * 1_000_000_000 / self.messages.get()).max(1)
    }

    /// Messages that go in one second, rounded down; none for slower rates.
    pub fn whole_per_second(self) -> u64 {
        self.messages.get() / self.unit.seconds()
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (messages, unit) = text.trim().split_once('/').unwrap_or((text.trim(), "s"));
        let messages: NonZeroU64 = messages.trim().parse().map_err(|_| EXPECTS)?;
        let unit = Unit::ALL.into_iter().find(|known| known.name() == unit.trim()).ok_or(EXPECTS)?;
        if messages.get() > HIGHEST {
            return Err("a rate of at most 10000000/s".into());
        }
        Ok(Self { messages, unit })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.messages, self.unit.name())
    }
}

impl Setting for Rate {
    fn shape() -> Shape {
        Shape::Scalar(EXPECTS)
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let rate = match &at.tree.value {
            Value::Integer(number) => {
                u64::try_from(*number).ok().and_then(Self::per_second).ok_or(EXPECTS.into())
            }
            Value::Text(text) => text.parse(),
            Value::Null
            | Value::Bool(_)
            | Value::Float(_)
            | Value::Secret(_)
            | Value::List(_)
            | Value::Table(_) => Err(EXPECTS.into()),
        };
        rate.map_err(|expected: String| problems.unexpected(at, expected)).ok()
    }
    fn to_tree(&self) -> Tree {
        self.to_string().into()
    }
}
