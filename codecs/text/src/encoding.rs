//! The encodings a text can have on the air, and what they cost.

use serde::{Deserialize, Serialize};

use crate::gsm7::Alphabet;
use crate::octets::OctetSet;
use crate::ucs2;

/// A character that an encoding has no place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("character {character:?} at octet {offset} of the text has no place in the encoding")]
pub struct Unrepresentable {
    /// The character.
    pub character: char,
    /// Where it starts in the text, in octets of UTF-8.
    pub offset: usize,
}

/// How text is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// GSM 7-bit with its tables; costs are in septets.
    Gsm7(Alphabet),
    /// One octet a character; costs are in octets.
    Octets(OctetSet),
    /// UTF-16 in network order; costs are in octets, two or four a character.
    Ucs2,
}

impl Encoding {
    /// GSM 7-bit without national language tables.
    pub const GSM7: Self = Self::Gsm7(Alphabet::DEFAULT);

    /// Units that a character takes (septets or octets), `None` when it has no place.
    #[inline]
    #[must_use]
    pub fn cost(self, character: char) -> Option<u8> {
        match self {
            Self::Gsm7(alphabet) => alphabet.cost(character),
            Self::Octets(set) => set.octet(character).map(|_| 1),
            Self::Ucs2 => Some(if (character as u32) < 0x1_0000 { 2 } else { 4 }),
        }
    }

    /// Units that a text takes, without allocation.
    ///
    /// # Errors
    /// The first character without a place.
    pub fn count(self, text: &str) -> Result<usize, Unrepresentable> {
        match self {
            Self::Gsm7(alphabet) => alphabet.count(text),
            Self::Octets(set) => set.count(text),
            Self::Ucs2 => Ok(ucs2::count(text)),
        }
    }

    /// Appends the encoded text; septets unpacked, one to an octet.
    ///
    /// # Errors
    /// The first character without a place.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) -> Result<(), Unrepresentable> {
        match self {
            Self::Gsm7(alphabet) => alphabet.encode(text, out),
            Self::Octets(set) => set.encode(text, out),
            Self::Ucs2 => {
                ucs2::encode(text, out);
                Ok(())
            }
        }
    }

    /// Units that fit behind a user data header of `header_octets` (its length octet included) in the
    /// 140 octets of one short message, 3GPP TS 23.040 clause 9.2.3.24. Without a header: 160 septets
    /// or 140 octets. Fill bits are counted.
    #[must_use]
    pub const fn capacity(self, header_octets: usize) -> usize {
        let octets = OCTETS_PER_MESSAGE.saturating_sub(header_octets);
        match self {
            Self::Gsm7(_) => octets * 8 / 7,
            Self::Octets(_) => octets,
            // Half a character at the end is of no use.
            Self::Ucs2 => octets / 2 * 2,
        }
    }
}

/// Octets of user data in one short message, its header included.
pub const OCTETS_PER_MESSAGE: usize = 140;
