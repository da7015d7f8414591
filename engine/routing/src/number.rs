//! International numbers, countries, and what is known about a number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{CarrierId, UtcMicros};

/// Most digits of an international number (E.164 cl. 6.1).
pub const MAX_DIGITS: usize = 15;
/// Fewest digits that are taken for an international number; the shortest in use have 6 or 7.
pub const MIN_DIGITS: usize = 5;

/// An international number (E.164) without `+`, packed; at most 15 digits, so below 2^50.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Number(u64);

/// Why a text is no international number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidNumber {
    /// Something other than digits after an optional `+`.
    #[error("a number has digits only")]
    NotDigits,
    /// Fewer than [`MIN_DIGITS`] or more than [`MAX_DIGITS`] digits.
    #[error("a number has {MIN_DIGITS} to {MAX_DIGITS} digits, this has {0}")]
    Length(usize),
    /// No country code begins with 0.
    #[error("an international number does not begin with 0")]
    LeadingZero,
}

impl Number {
    /// Packs the digits of an international number, with or without `+`.
    ///
    /// # Errors
    /// When it is no such number.
    pub fn parse(octets: &[u8]) -> Result<Self, InvalidNumber> {
        let digits = octets.strip_prefix(b"+").unwrap_or(octets);
        if digits.len() < MIN_DIGITS || digits.len() > MAX_DIGITS {
            return Err(InvalidNumber::Length(digits.len()));
        }
        let mut value = 0u64;
        for &octet in digits {
            let digit = octet.wrapping_sub(b'0');
            if digit > 9 {
                return Err(InvalidNumber::NotDigits);
            }
            value = value * 10 + u64::from(digit);
        }
        if digits[0] == b'0' {
            return Err(InvalidNumber::LeadingZero);
        }
        Ok(Self(value))
    }

    /// The number as an integer.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A country, ISO 3166-1 alpha-2, as `US`.
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
    fn numbers_are_packed_without_loss() {
        assert_eq!(Number::parse(b"+442079460148").unwrap().to_string(), "442079460148");
        assert_eq!(Number::parse(b"999999999999999").unwrap().as_u64(), 999_999_999_999_999);
        assert_eq!(Number::parse(b"1234"), Err(InvalidNumber::Length(4)));
        assert_eq!(Number::parse(b"1234567890123456"), Err(InvalidNumber::Length(16)));
        assert_eq!(Number::parse(b"0171234567"), Err(InvalidNumber::LeadingZero));
        assert_eq!(Number::parse(b"1 2345678"), Err(InvalidNumber::NotDigits));
        assert_eq!(Number::parse(b"++12345678"), Err(InvalidNumber::NotDigits));
    }

    #[test]
    fn a_country_has_two_capital_letters() {
        assert_eq!("DE".parse::<Country>().unwrap().as_str(), "DE");
        assert_eq!("de".parse::<Country>(), Err(InvalidCountry));
        assert_eq!("DEU".parse::<Country>(), Err(InvalidCountry));
        assert!(serde_json::from_str::<Country>("\"D1\"").is_err());
    }
}
