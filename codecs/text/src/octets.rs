//! Character sets of one octet a character: what SMPP 3.4 clause 5.2.19 calls IA5, Latin-1,
//! Cyrillic and Latin/Hebrew.

use serde::{Deserialize, Serialize};

use crate::encoding::Unrepresentable;

/// A set of one octet a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OctetSet {
    /// IA5 (CCITT T.50), ANSI X3.4.
    Ascii,
    /// ISO 8859-1.
    Latin1,
    /// ISO 8859-5.
    Cyrillic,
    /// ISO 8859-8, without its two direction marks' rendering effects.
    Hebrew,
}

impl OctetSet {
    /// The octet of a character.
    #[inline]
    #[must_use]
    pub fn octet(self, character: char) -> Option<u8> {
        let code = character as u32;
        let limit = match self {
            Self::Ascii => 0x80,
            Self::Latin1 => 0x100,
            Self::Cyrillic | Self::Hebrew => 0xA1,
        };
        if code < limit {
            return Some(code as u8);
        }
        match self {
            Self::Ascii | Self::Latin1 => None,
            Self::Cyrillic => match code {
                0xAD => Some(0xAD),
                0xA7 => Some(0xFD),
                0x2116 => Some(0xF0),
                0x0401..=0x040C | 0x040E..=0x044F | 0x0451..=0x045C | 0x045E..=0x045F => {
                    Some((code - 0x0400 + 0xA0) as u8)
                }
                _ => None,
            },
            Self::Hebrew => match code {
                0x00A2..=0x00A9 | 0x00AB..=0x00B9 | 0x00BB..=0x00BE => Some(code as u8),
                0x00D7 => Some(0xAA),
                0x00F7 => Some(0xBA),
                0x2017 => Some(0xDF),
                0x05D0..=0x05EA => Some((code - 0x05D0 + 0xE0) as u8),
                0x200E => Some(0xFD),
                0x200F => Some(0xFE),
                _ => None,
            },
        }
    }

    /// The character of an octet, `None` where the set has none.
    #[inline]
    #[must_use]
    pub fn character(self, octet: u8) -> Option<char> {
        let code = u32::from(octet);
        let code = match self {
            Self::Ascii if octet < 0x80 => code,
            Self::Ascii => return None,
            Self::Latin1 => code,
            Self::Cyrillic => match octet {
                0x00..=0xA0 | 0xAD => code,
                0xF0 => 0x2116,
                0xFD => 0xA7,
                0xA1..=0xAC | 0xAE..=0xEF | 0xF1..=0xFC | 0xFE..=0xFF => code - 0xA0 + 0x0400,
            },
            Self::Hebrew => match octet {
                0x00..=0xA0 | 0xA2..=0xA9 | 0xAB..=0xB9 | 0xBB..=0xBE => code,
                0xAA => 0x00D7,
                0xBA => 0x00F7,
                0xDF => 0x2017,
                0xE0..=0xFA => code - 0xE0 + 0x05D0,
                0xFD => 0x200E,
                0xFE => 0x200F,
                0xA1 | 0xBF..=0xDE | 0xFB | 0xFC | 0xFF => return None,
            },
        };
        char::from_u32(code)
    }

    /// Octets that a text takes, without allocation.
    ///
    /// # Errors
    /// The first character without a place.
    pub fn count(self, text: &str) -> Result<usize, Unrepresentable> {
        if text.is_ascii() {
            return Ok(text.len());
        }
        let mut octets = 0;
        for (offset, character) in text.char_indices() {
            if self.octet(character).is_none() {
                return Err(Unrepresentable { character, offset });
            }
            octets += 1;
        }
        Ok(octets)
    }

    /// Appends the encoded text.
    ///
    /// # Errors
    /// The first character without a place; `out` then holds what went before.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) -> Result<(), Unrepresentable> {
        if text.is_ascii() {
            out.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        out.reserve(text.len());
        for (offset, character) in text.char_indices() {
            match self.octet(character) {
                Some(octet) => out.push(octet),
                None => return Err(Unrepresentable { character, offset }),
            }
        }
        Ok(())
    }

    /// Appends the text of octets and returns how many had no character (read as U+FFFD).
    pub fn decode(self, octets: &[u8], out: &mut String) -> usize {
        if let Ok(text) = std::str::from_utf8(octets)
            && text.is_ascii()
        {
            out.push_str(text);
            return 0;
        }
        let mut defects = 0;
        out.reserve(octets.len());
        for &octet in octets {
            out.push(self.character(octet).unwrap_or_else(|| {
                defects += 1;
                char::REPLACEMENT_CHARACTER
            }));
        }
        defects
    }
}
