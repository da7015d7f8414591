//! SMPP command_status values.

use std::fmt;
use std::str::FromStr;

use crate::setting::text_setting;

/// A command_status (SMPP 3.4, 5.1.3), written in hexadecimal as SMSC manuals do: `0x58`; or decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(pub u32);

const EXPECTS: &str = "a command_status such as \"0x58\"";

text_setting!(StatusCode, EXPECTS);

impl FromStr for StatusCode {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let code = match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => text.parse(),
        };
        code.map(Self).map_err(|_| EXPECTS.into())
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:02x}", self.0)
    }
}
