//! UCS-2 as it is used: UTF-16, in network order unless a peer does otherwise.
//!
//! TS 23.038 clause 6.2.3 says UCS2, of which phones have made UTF-16 long ago. Surrogate pairs are
//! read and written; a half of one alone is a defect.

use serde::{Deserialize, Serialize};

/// The order of the two octets in what a peer sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ByteOrder {
    /// Network order, always; U+FEFF at the start is kept as the character it is.
    Big,
    /// Network order unless a byte order mark says otherwise; the mark itself is dropped.
    #[default]
    MarkOrBig,
    /// Swapped unless a byte order mark says otherwise; the mark itself is dropped.
    MarkOrLittle,
}

/// Octets that a text takes, without allocation.
#[must_use]
pub fn count(text: &str) -> usize {
    // Every UTF-8 sequence is one unit, those of four octets a second one. Sums of short chunks fit an
    // octet, and are added many at a time.
    let units = |chunk: &[u8]| -> u8 {
        chunk.iter().map(|&octet| u8::from(octet & 0xC0 != 0x80) + u8::from(octet >= 0xF0)).sum()
    };
    2 * text.as_bytes().chunks(64).map(|chunk| usize::from(units(chunk))).sum::<usize>()
}

/// Appends the text in network order.
pub fn encode(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() * 2);
    for unit in text.encode_utf16() {
        out.extend_from_slice(&unit.to_be_bytes());
    }
}

/// Appends the text of octets and returns the number of defects: unpaired surrogates and an odd octet
/// at the end, each read as U+FFFD.
pub fn decode(octets: &[u8], order: ByteOrder, out: &mut String) -> usize {
    let (big, octets) = match (order, octets) {
        (ByteOrder::MarkOrBig | ByteOrder::MarkOrLittle, [0xFE, 0xFF, rest @ ..]) => (true, rest),
        (ByteOrder::MarkOrBig | ByteOrder::MarkOrLittle, [0xFF, 0xFE, rest @ ..]) => (false, rest),
        (ByteOrder::Big | ByteOrder::MarkOrBig, octets) => (true, octets),
        (ByteOrder::MarkOrLittle, octets) => (false, octets),
    };
    let (pairs, odd) = octets.as_chunks::<2>();
    let units =
        pairs.iter().map(|&pair| if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) });
    out.reserve(octets.len());
    let mut defects = 0;
    for unit in char::decode_utf16(units) {
        out.push(unit.unwrap_or_else(|_| {
            defects += 1;
            char::REPLACEMENT_CHARACTER
        }));
    }
    if !odd.is_empty() {
        defects += 1;
        out.push(char::REPLACEMENT_CHARACTER);
    }
    defects
}
