//! Currencies.

use std::fmt;
use std::str::FromStr;

use crate::setting::text_setting;

/// A currency by its three letters (ISO 4217).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

const CURRENCY: &str = "the three letters of a currency such as \"EUR\"";

text_setting!(Currency, CURRENCY);

impl Currency {
    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Currency {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let letters = <[u8; 3]>::try_from(text.as_bytes()).map_err(|_| CURRENCY)?;
        if !letters.iter().all(u8::is_ascii_uppercase) {
            return Err(CURRENCY.into());
        }
        Ok(Self(letters))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
