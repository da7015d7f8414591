//! Addresses on our side, and the words that stand before a text.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::setting::{Cursor, Problems, Setting, Shape, text_setting};
use crate::tree::Tree;

/// What an address on our side looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressForm {
    /// Three to eight digits (SRC-02, decision D1).
    ShortCode,
    /// Nine to fifteen digits in the international form (ITU-T E.164).
    LongCode,
    /// A name of letters, digits and a few signs; nobody can answer it (3GPP TS 23.040, 9.1.2.5).
    Alphanumeric,
}

/// An address on our side that devices send to and receive from (SRC-01): a short code, a long code in the
/// international form without `+`, or a name of up to 11 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceAddress(String);

const SERVICE_ADDRESS: &str = "a short code of 3 to 8 digits, a number of 9 to 15 digits in the international form \
                               without `+`, or a name of 1 to 11 letters, digits and spaces with a letter among them";

text_setting!(ServiceAddress, SERVICE_ADDRESS);

impl ServiceAddress {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it looks like.
    pub fn form(&self) -> AddressForm {
        match self.0.len() {
            _ if self.0.bytes().any(|octet| !octet.is_ascii_digit()) => AddressForm::Alphanumeric,
            0..=8 => AddressForm::ShortCode,
            _ => AddressForm::LongCode,
        }
    }
}

impl FromStr for ServiceAddress {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.bytes().all(|octet| octet.is_ascii_digit());
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '&' | '!');
        let right = match text.len() {
            3..=8 if digits => true,
            9..=15 if digits => !text.starts_with('0'),
            1..=11 => {
                text.chars().all(named)
                    && text.chars().any(|c| c.is_ascii_alphabetic())
                    && text.trim() == text
            }
            _ => false,
        };
        if right { Ok(Self(text.to_owned())) } else { Err(SERVICE_ADDRESS.into()) }
    }
}

impl fmt::Display for ServiceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A keyword of one or several words (KEY-02), up to 64 octets.
#[derive(Clone, Debug)]
pub struct KeywordText {
    written: Arc<str>,
    folded: Arc<str>,
}

const KEYWORD: &str = "a keyword of 1 to 64 octets and at most 8 words";

impl KeywordText {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// As it is compared: see [`signalbox_text::fold()`].
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// As it was written, to be shared.
    pub fn shared(&self) -> Arc<str> {
        self.written.clone()
    }

    /// As it is compared, to be shared.
    pub fn folded_shared(&self) -> Arc<str> {
        self.folded.clone()
    }
}

impl PartialEq for KeywordText {
    /// What was written counts: another spelling is a change of the row.
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl FromStr for KeywordText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let folded = signalbox_text::fold(text);
        let words = folded.split(' ').count();
        if folded.is_empty() || text.len() > 64 || words > 8 || text.chars().any(char::is_control) {
            return Err(KEYWORD.into());
        }
        Ok(Self { written: text.into(), folded: folded.into() })
    }
}

impl fmt::Display for KeywordText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Setting for KeywordText {
    fn shape() -> Shape {
        Shape::Scalar(KEYWORD)
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        crate::setting::read_text(at, problems)
    }
    fn to_tree(&self) -> Tree {
        (*self.written).into()
    }
}
