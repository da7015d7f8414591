use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A country (ISO 3166-1, two capital letters), as `US`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// A state, province or other part of a country (ISO 3166-2), as `US-FL`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    country: Country,
    /// One to three letters or digits, zeros behind them.
    part: [u8; 3],
}

/// A text that names no country or region.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionError {
    /// Not two capital letters.
    #[error("{0:?} is no country: two capital letters are (ISO 3166-1)")]
    Country(String),
    /// Not a country, a hyphen and one to three letters or digits.
    #[error("{0:?} is no region: US-FL is one (ISO 3166-2)")]
    Region(String),
}

impl Country {
    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl Region {
    /// The country it is a part of.
    #[must_use]
    pub fn country(self) -> Country {
        self.country
    }
}

impl FromStr for Country {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        let letters: Option<[u8; 2]> = text.as_bytes().try_into().ok();
        letters
            .filter(|letters| letters.iter().all(u8::is_ascii_uppercase))
            .map(Self)
            .ok_or_else(|| RegionError::Country(text.to_owned()))
    }
}

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        let bad = || RegionError::Region(text.to_owned());
        let (country, rest) = text.split_once('-').ok_or_else(bad)?;
        let country = country.parse().map_err(|_| bad())?;
        let good = |octet: u8| octet.is_ascii_uppercase() || octet.is_ascii_digit();
        if !(1..=3).contains(&rest.len()) || !rest.bytes().all(good) {
            return Err(bad());
        }
        let mut part = [0; 3];
        part[..rest.len()].copy_from_slice(rest.as_bytes());
        Ok(Self { country, part })
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.part.iter().position(|octet| *octet == 0).unwrap_or(self.part.len());
        write!(f, "{}-{}", self.country, std::str::from_utf8(&self.part[..end]).unwrap_or("?"))
    }
}

macro_rules! as_text {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

as_text!(Country Region);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_and_regions_are_read_and_written() {
        for text in ["US-FL", "DE-BY", "FR-75C", "BR-SP", "AT-9"] {
            let region: Region = text.parse().unwrap();
            assert_eq!(region.to_string(), text);
            assert_eq!(region.country().as_str(), &text[..2]);
        }
        for bad in ["US", "US-", "US-fl", "us-FL", "US-FLOR", "USA-F", "-FL", ""] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
        for bad in ["us", "USA", "U1", ""] {
            assert!(bad.parse::<Country>().is_err(), "{bad}");
        }
    }
}
