//! Languages.

use std::fmt;
use std::str::FromStr;

use crate::setting::text_setting;

/// A language, with or without its region, as in BCP 47: `en`, `pt-BR`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(String);

const LANGUAGE: &str = "a language such as \"en\" or \"pt-BR\"";

text_setting!(Language, LANGUAGE);

impl Language {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Language {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (language, region) =
            text.split_once('-').map_or((text, None), |(language, region)| (language, Some(region)));
        let primary = (2..=3).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_lowercase());
        let place = region.is_none_or(|region| {
            let letters = region.len() == 2 && region.bytes().all(|b| b.is_ascii_uppercase());
            letters || (region.len() == 3 && region.bytes().all(|b| b.is_ascii_digit()))
        });
        if primary && place { Ok(Self(text.to_owned())) } else { Err(LANGUAGE.into()) }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
