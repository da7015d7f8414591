//! Countries, and what is known about a number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use signalbox_text::phone::{E164, E164Error};

use crate::id::{CarrierId, UtcMicros};

/// Reads an international number with or without `+`.
pub(crate) fn read_number(octets: &[u8]) -> Result<E164, E164Error> {
    E164::from_digits(octets.strip_prefix(b"+").unwrap_or(octets))
}

/// A country, ISO 3166-1 alpha-2, as `US`: two octets, where
/// [`Region`](signalbox_text::phone::Region) stands for its number plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// A text that is not two letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a country is two capital letters (ISO 3166-1 alpha-2)")]
pub struct InvalidCountry;

impl Country {
    /// The country with these letters.
    ///
    /// # Errors
    /// When they are not two capital letters.
    pub const fn new(letters: [u8; 2]) -> Result<Self, InvalidCountry> {
        if letters[0].is_ascii_uppercase() && letters[1].is_ascii_uppercase() {
            Ok(Self(letters))
        } else {
            Err(InvalidCountry)
        }
    }

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl FromStr for Country {
    type Err = InvalidCountry;

    fn from_str(text: &str) -> Result<Self, InvalidCountry> {
        let letters: [u8; 2] = text.as_bytes().try_into().map_err(|_| InvalidCountry)?;
        Self::new(letters)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Country({self})")
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where the carrier of a number is known from, best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerSource {
    /// An ENUM query (RFC 6116).
    Enum,
    /// An HTTP look-up.
    Http,
    /// The portability table.
    Portability,
    /// A prefix of the number plan: right unless the number was ported.
    NumberPlan,
    /// Nothing is known.
    #[default]
    Unknown,
}

impl AnswerSource {
    /// The word that traces and CDRs use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enum => "enum",
            Self::Http => "http",
            Self::Portability => "portability",
            Self::NumberPlan => "number_plan",
            Self::Unknown => "unknown",
        }
    }
}

/// What is known about the device of a message: one answer a message, kept by it (shared-rules.md 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberAnswer {
    /// Country by the number plan.
    pub country: Option<Country>,
    /// Carrier that the device belongs to.
    pub carrier: Option<CarrierId>,
    /// Where the carrier is known from.
    pub source: AnswerSource,
    /// When that was found out.
    pub as_of: UtcMicros,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_has_two_capital_letters() {
        assert_eq!("DE".parse::<Country>().unwrap().as_str(), "DE");
        assert_eq!("de".parse::<Country>(), Err(InvalidCountry));
        assert_eq!("DEU".parse::<Country>(), Err(InvalidCountry));
        assert!(serde_json::from_str::<Country>("\"D1\"").is_err());
    }
}
