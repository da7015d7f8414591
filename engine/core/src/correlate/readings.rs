//! What a remote id can mean: a number in one base or two, or a text.

use smallvec::{SmallVec, smallvec};
use xxhash_rust::xxh3::xxh3_64;

use super::IdRelation;
use crate::address::Address;
use crate::id::LinkId;

/// Digits by which numbers of a link that rewrites them are compared.
const SUFFIX: usize = 7;
/// Octets of an id that are compared; SMPP's are at most 64 (SMPP 3.4 cl. 4.4.2).
const LONGEST: usize = 64;

/// A number of up to 256 bits, least significant limb first: any id of 64 digits in either base.
type Wide = [u64; 4];

/// The device of a message as keys.
#[derive(Clone, Copy)]
pub(super) struct Device {
    /// Of all its digits, or of its letters in lower case.
    pub(super) whole: u64,
    /// Of its last seven digits; the same as `whole` for anything shorter.
    suffix: u64,
}

impl Device {
    pub(super) fn of(address: &Address) -> Self {
        let octets = address.octets();
        let digits = octets.strip_prefix(b"+").unwrap_or(octets);
        let digits = digits.strip_prefix(b"00").unwrap_or(digits);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            let whole = xxh3_64(&lower(octets));
            return Self { whole, suffix: whole };
        }
        let whole = xxh3_64(digits);
        let suffix = if digits.len() > SUFFIX { xxh3_64(&digits[digits.len() - SUFFIX..]) } else { whole };
        Self { whole, suffix }
    }
}

/// An id under every reading that it allows.
pub(super) enum Readings {
    /// Hexadecimal digits only; `decimal` when there is no letter among them.
    Number { hex: Wide, decimal: Option<Wide> },
    /// Anything else, in lower case.
    Text(SmallVec<[u8; LONGEST]>),
}

impl Readings {
    /// Of an id as a peer wrote it; `None` when nothing is written.
    pub(super) fn of(id: &[u8]) -> Option<Self> {
        let end = id.iter().position(|&octet| octet == 0).unwrap_or(id.len());
        let id = id[..end].trim_ascii();
        if id.is_empty() {
            return None;
        }
        let marked =
            id.strip_prefix(b"0x").or_else(|| id.strip_prefix(b"0X")).filter(|rest| !rest.is_empty());
        let digits = marked.unwrap_or(id);
        if digits.len() > LONGEST || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Some(Self::Text(lower(id)));
        }
        let has_letters = digits.iter().any(u8::is_ascii_alphabetic);
        let decimal = (marked.is_none() && !has_letters).then(|| number(digits, 10));
        Some(Self::Number { hex: number(digits, 16), decimal })
    }

    /// True when it is no number.
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// One bit for numbers, one for texts.
    pub(super) fn form(&self) -> u8 {
        match self {
            Self::Number { .. } => 1,
            Self::Text(_) => 2,
        }
    }

    /// True when its largest reading is below `bound`.
    pub(super) fn largest_below(&self, bound: u64) -> bool {
        match self {
            // The hexadecimal reading of the same digits is the larger one.
            Self::Number { hex, .. } => hex[1..] == [0; 3] && hex[0] < bound,
            Self::Text(_) => false,
        }
    }

    /// The keys under which this id is kept: one for each base in which it was read.
    pub(super) fn own_keys(&self, link: LinkId, device: Device) -> SmallVec<[u64; 2]> {
        match self {
            Self::Number { hex, decimal } => {
                let mut keys = smallvec![key(b'h', link, device, *hex)];
                keys.extend(decimal.map(|value| key(b'd', link, device, value)));
                keys
            }
            Self::Text(text) => smallvec![text_key(link, device, text)],
        }
    }

    /// The keys under which ids are kept that the other side could have written for this one, when this one is
    /// the id of a receipt.
    pub(super) fn keys_of_others(&self, link: LinkId, device: Device) -> SmallVec<[(IdRelation, u64); 3]> {
        match self {
            Self::Number { hex, decimal } => {
                let mut keys = smallvec![
                    (IdRelation::Same, key(b'h', link, device, *hex)),
                    (IdRelation::DecimalToHex, key(b'd', link, device, *hex)),
                ];
                keys.extend(decimal.map(|value| (IdRelation::HexToDecimal, key(b'h', link, device, value))));
                keys
            }
            Self::Text(text) => smallvec![(IdRelation::Same, text_key(link, device, text))],
        }
    }
}

fn lower(octets: &[u8]) -> SmallVec<[u8; LONGEST]> {
    octets.iter().map(u8::to_ascii_lowercase).collect()
}

/// The value of at most 64 digits; 16^64 just fits.
fn number(digits: &[u8], base: u64) -> Wide {
    let mut value: Wide = [0; 4];
    // 16 digits of either base fit into a limb, the factor of 16 hexadecimal digits does not.
    for part in digits.chunks(15) {
        let (mut factor, mut sum) = (1, 0);
        for &digit in part {
            factor *= base;
            sum = sum * base + u64::from(char::from(digit).to_digit(16).unwrap_or(0));
        }
        let mut carry = u128::from(sum);
        for limb in &mut value {
            let wide = u128::from(*limb) * u128::from(factor) + carry;
            *limb = wide as u64;
            carry = wide >> 64;
        }
    }
    value
}

fn key(kind: u8, link: LinkId, device: Device, value: Wide) -> u64 {
    let mut octets = [0; 45];
    octets[0] = kind;
    octets[1..5].copy_from_slice(&link.0.to_le_bytes());
    octets[5..13].copy_from_slice(&device.suffix.to_le_bytes());
    for (place, limb) in octets[13..].chunks_exact_mut(8).zip(value) {
        place.copy_from_slice(&limb.to_le_bytes());
    }
    xxh3_64(&octets)
}

fn text_key(link: LinkId, device: Device, text: &[u8]) -> u64 {
    let mut octets: SmallVec<[u8; 96]> = SmallVec::new();
    octets.push(b't');
    octets.extend_from_slice(&link.0.to_le_bytes());
    octets.extend_from_slice(&device.suffix.to_le_bytes());
    octets.extend_from_slice(text);
    xxh3_64(&octets)
}
