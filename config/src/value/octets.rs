//! Octets and TLV tags, written in hexadecimal.

use std::fmt;
use std::str::FromStr;

use crate::setting::text_setting;

/// Octets in hexadecimal, such as `0a1b`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Octets(Vec<u8>);

const OCTETS: &str = "hexadecimal digits in pairs, such as \"0a1b\"";

text_setting!(Octets, OCTETS);

impl Octets {
    /// The octets.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Octets {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(OCTETS.into());
        }
        let pair = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| OCTETS.to_owned());
        (0..text.len()).step_by(2).map(pair).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// The tag of an SMPP optional parameter (SMPP 3.4, 5.3.1), written `0x1400`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TlvTag(pub u16);

const TAG: &str = "the tag of an optional parameter in hexadecimal, such as \"0x1400\"";

text_setting!(TlvTag, TAG);

impl FromStr for TlvTag {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0x").ok_or(TAG)?;
        u16::from_str_radix(digits, 16).map(Self).map_err(|_| TAG.into())
    }
}

impl fmt::Display for TlvTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:04x}", self.0)
    }
}
