//! Parts of countries.

use std::fmt;
use std::str::FromStr;

use crate::setting::text_setting;

/// A state, province or other part of a country (ISO 3166-2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);

const REGION: &str = "a part of a country such as \"US-FL\"";

text_setting!(Region, REGION);

impl Region {
    /// The country and the part, with a hyphen between them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (country, part) = text.split_once('-').ok_or(REGION)?;
        let good = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
        let is_country = country.len() == 2 && country.chars().all(|c| c.is_ascii_uppercase());
        if !is_country || !(1..=3).contains(&part.len()) || !part.chars().all(good) {
            return Err(REGION.into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
