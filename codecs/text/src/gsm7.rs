//! The GSM 7-bit alphabet of 3GPP TS 23.038 with its extension and national language tables.
//!
//! Septets are handled unpacked, one to an octet, as SMPP carries them mostly; [`packing`] turns them
//! into the packed form of the radio interface and back.

pub mod packing;

mod language;
mod locking;
mod shift;
mod table;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use language::Language;
pub use packing::{Length, Padding, fill_bits, pack, unpack};

use crate::encoding::Unrepresentable;
use table::{ABSENT, ESCAPE};

/// A pair of tables: the locking shift table every septet is read with, and the single shift table
/// for the septet after an escape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Alphabet {
    /// The table for plain septets.
    pub locking: Language,
    /// The table for the septet after an escape.
    pub single: Language,
}

/// What to make of octets above 0x7F in unpacked text, where the standard allows none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HighOctets {
    /// Read them as U+FFFD and count a defect.
    #[default]
    Replace,
    /// Read them as Latin-1, which is what peers that mix the two mean, and count a defect.
    Latin1,
}

impl Alphabet {
    /// The default alphabet with the default extension table: what a message without a national
    /// language element in its header uses.
    pub const DEFAULT: Self = Self { locking: Language::Default, single: Language::Default };

    /// The default alphabet with the single shift table of a language.
    #[must_use]
    pub const fn single(language: Language) -> Self {
        Self { locking: Language::Default, single: language }
    }

    /// The locking shift table of a language with the default extension table.
    #[must_use]
    pub const fn locking(language: Language) -> Self {
        Self { locking: language, single: Language::Default }
    }

    /// Both tables of a language.
    #[must_use]
    pub const fn national(language: Language) -> Self {
        Self { locking: language, single: language }
    }

    /// Septets that a character takes: 1, or 2 with its escape; `None` when it has no place here.
    #[inline]
    #[must_use]
    pub fn cost(self, character: char) -> Option<u8> {
        if self.locking.locking_table().septet(character) != ABSENT {
            return Some(1);
        }
        if self.single.shift_table().septet(character) != ABSENT { Some(2) } else { None }
    }

    /// Septets that a text takes, escapes included, without allocation.
    ///
    /// # Errors
    /// The first character that has no place in this alphabet.
    pub fn count(self, text: &str) -> Result<usize, Unrepresentable> {
        let (locking, single) = (self.locking.locking_table(), self.single.shift_table());
        let mut septets = 0;
        let mut rest = text;
        loop {
            let run = ascii_run(rest, locking.latin());
            septets += run;
            rest = &rest[run..];
            let Some(character) = rest.chars().next() else { break };
            if locking.septet(character) != ABSENT {
                septets += 1;
            } else if single.septet(character) != ABSENT {
                septets += 2;
            } else {
                return Err(Unrepresentable { character, offset: text.len() - rest.len() });
            }
            rest = &rest[character.len_utf8()..];
        }
        Ok(septets)
    }

    /// Appends the septets of a text, one to an octet, escapes included.
    ///
    /// # Errors
    /// The first character that has no place in this alphabet; `out` then holds what went before.
    /// Use [`crate::substitution::prepare`] first where unknown characters shall be replaced.
    pub fn encode(self, text: &str, out: &mut Vec<u8>) -> Result<(), Unrepresentable> {
        let (locking, single) = (self.locking.locking_table(), self.single.shift_table());
        out.reserve(text.len());
        let latin = locking.latin();
        let mut rest = text;
        loop {
            let run = ascii_run(rest, latin);
            out.extend(rest.as_bytes()[..run].iter().map(|&octet| latin[usize::from(octet)]));
            rest = &rest[run..];
            let Some(character) = rest.chars().next() else { break };
            let septet = locking.septet(character);
            if septet != ABSENT {
                out.push(septet);
            } else {
                let shifted = single.septet(character);
                if shifted == ABSENT {
                    return Err(Unrepresentable { character, offset: text.len() - rest.len() });
                }
                out.extend_from_slice(&[ESCAPE, shifted]);
            }
            rest = &rest[character.len_utf8()..];
        }
        Ok(())
    }

    /// Appends the text of unpacked septets and returns the number of defects.
    ///
    /// As clause 6.2.1.1 asks: an escaped septet without a place in the single shift table shows the
    /// character of the locking table, a doubled escape and one at the very end a space. Defects are
    /// septets without a character (read as U+FFFD), an escape at the end, and octets above 0x7F.
    pub fn decode(self, septets: &[u8], high: HighOctets, out: &mut String) -> usize {
        let (locking, single) = (self.locking.locking_table(), self.single.shift_table());
        let ascii = locking.ascii();
        out.reserve(septets.len());
        let mut defects = 0;
        let mut escaped = false;
        for piece in septets.chunks(PIECE) {
            // Most text is ASCII, and pushing that in pieces is faster than a character at a time.
            if !escaped && push_ascii(piece, ascii, out) {
                continue;
            }
            for &septet in piece {
                if septet > 0x7F {
                    defects += 1;
                    escaped = false;
                    out.push(match high {
                        HighOctets::Replace => char::REPLACEMENT_CHARACTER,
                        HighOctets::Latin1 => char::from(septet),
                    });
                    continue;
                }
                if septet == ESCAPE {
                    if escaped {
                        out.push(' ');
                    }
                    escaped = !escaped;
                    continue;
                }
                let shifted = if escaped { single.character(septet) } else { None };
                escaped = false;
                out.push(shifted.or_else(|| locking.character(septet)).unwrap_or_else(|| {
                    defects += 1;
                    char::REPLACEMENT_CHARACTER
                }));
            }
        }
        if escaped {
            defects += 1;
            out.push(' ');
        }
        defects
    }
}

/// Septets that are looked at together.
const PIECE: usize = 32;

/// Appends a piece of septets if they are all ASCII.
fn push_ascii(piece: &[u8], ascii: &[u8; 128], out: &mut String) -> bool {
    let mut octets = [0u8; PIECE];
    let mut all = 0;
    for (octet, &septet) in octets.iter_mut().zip(piece) {
        *octet = ascii[usize::from(septet & 0x7F)];
        all |= *octet | septet;
    }
    if all > 0x7F {
        return false;
    }
    let text = std::str::from_utf8(&octets[..piece.len()]);
    text.map(|text| out.push_str(text)).is_ok()
}

/// Octets at the start of a text that are ASCII with a septet of their own.
fn ascii_run(text: &str, latin: &[u8; 256]) -> usize {
    let plain = |&octet: &u8| octet < 0x80 && latin[usize::from(octet)] != ABSENT;
    text.as_bytes().iter().position(|octet| !plain(octet)).unwrap_or(text.len())
}
