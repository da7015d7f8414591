//! Patterns of addresses.

use std::fmt;
use std::str::FromStr;

use crate::setting::text_setting;

/// Addresses: one exactly (`12345`, `Signalbox`), or all that begin so (`4479*`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressPattern {
    /// This address alone.
    Exact(String),
    /// All addresses that begin so.
    Prefix(String),
}

const ADDRESS: &str = "an address such as \"12345\", or a prefix such as \"4479*\"";

text_setting!(AddressPattern, ADDRESS);

impl AddressPattern {
    /// Whether the address, digits without `+` or an alphanumeric text, is meant.
    pub fn matches(&self, address: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == address,
            Self::Prefix(prefix) => address.starts_with(prefix.as_str()),
        }
    }
}

impl FromStr for AddressPattern {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let body = text.strip_suffix('*').unwrap_or(text);
        // 20 octets and a NUL are the most that an address field of SMPP holds (3.4, 5.2.9).
        if body.is_empty() || body.len() > 20 || body.starts_with('+') || body.contains(['*', '\0']) {
            return Err(ADDRESS.into());
        }
        if body.len() < text.len() {
            return Ok(Self::Prefix(body.to_owned()));
        }
        Ok(Self::Exact(body.to_owned()))
    }
}

impl fmt::Display for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(exact) => f.write_str(exact),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

/// Source addresses an account may send from: an [`AddressPattern`], `*` for all, or `alphanumeric` for all
/// with a letter in them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourcePattern {
    /// Every address.
    Any,
    /// Every address that is not a number.
    Alphanumeric,
    /// The addresses of a pattern.
    Of(AddressPattern),
}

const SOURCE: &str = "\"*\", \"alphanumeric\", an address such as \"12345\", or a prefix such as \"4479*\"";

text_setting!(SourcePattern, SOURCE);

impl SourcePattern {
    /// Whether the address, digits without `+` or an alphanumeric text, is meant.
    pub fn matches(&self, address: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Alphanumeric => !address.is_empty() && !address.bytes().all(|b| b.is_ascii_digit()),
            Self::Of(pattern) => pattern.matches(address),
        }
    }
}

impl FromStr for SourcePattern {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "*" => Ok(Self::Any),
            "alphanumeric" => Ok(Self::Alphanumeric),
            _ => text.parse().map(Self::Of).map_err(|_: String| SOURCE.into()),
        }
    }
}

impl fmt::Display for SourcePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Alphanumeric => f.write_str("alphanumeric"),
            Self::Of(pattern) => pattern.fmt(f),
        }
    }
}
