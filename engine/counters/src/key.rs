use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

mod text;

#[cfg(test)]
mod tests;

/// The longest number E.164 allows, in digits.
pub const MAX_DIGITS: usize = 15;

const CLASS_SHIFT: u32 = 60;
const PAYLOAD: u64 = (1 << CLASS_SHIFT) - 1;
const DIGITS_SHIFT: u32 = 56;
/// Short codes have at most so many digits.
const SHORT_CODE: u64 = 6;
/// A name up to this long is kept exactly; a longer one by its hash.
const EXACT_NAME: usize = 8;

/// An address as the counters key it: class and value in 64 bits (DC-17).
///
/// Numbers, short codes, names of up to eight ASCII characters, carriers, vendors and groups are exact. Longer
/// names and texts such as e-mail addresses are kept by 60 bits of a hash: two of them that collide share one
/// counter. With a million such names in use the chance that any two do is about 4 in 10 million, and the effect
/// is an alarm whose sample message ids show both.
///
/// A number must be normalised to E.164 before it becomes a key, else one subscriber has several counters.
/// Names are folded to lower case, so that `ACME` and `Acme` are one sender.
///
/// `Debug` masks the value for logs; `Display` writes it in full, and `FromStr` reads that form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64);

/// The class of an address (DC-17): a source may be a network user and the destination a vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyClass {
    /// An international number.
    E164,
    /// A short code or national number, leading zeros kept.
    Digits,
    /// An alphanumeric sender, exact.
    Name,
    /// An alphanumeric sender, by hash.
    LongName,
    /// No source address; one key per carrier it came from.
    Missing,
    /// An intermediary vendor.
    Vendor,
    /// A carrier.
    Carrier,
    /// Any other text, such as an e-mail address or SIP URI, by hash.
    Text,
    /// A group of addresses (DC-21).
    Group,
}

impl KeyClass {
    const fn tag(self) -> u64 {
        match self {
            KeyClass::E164 => 1,
            KeyClass::Digits => 2,
            KeyClass::Name => 3,
            KeyClass::LongName => 4,
            KeyClass::Missing => 5,
            KeyClass::Vendor => 6,
            KeyClass::Carrier => 7,
            KeyClass::Text => 8,
            KeyClass::Group => 9,
        }
    }

    const fn from_tag(tag: u64) -> Option<KeyClass> {
        Some(match tag {
            1 => KeyClass::E164,
            2 => KeyClass::Digits,
            3 => KeyClass::Name,
            4 => KeyClass::LongName,
            5 => KeyClass::Missing,
            6 => KeyClass::Vendor,
            7 => KeyClass::Carrier,
            8 => KeyClass::Text,
            9 => KeyClass::Group,
            _ => return None,
        })
    }
}

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Nothing to key.
    #[error("the address is empty")]
    Empty,
    /// Something else than a digit in a number.
    #[error("character {found:?} at position {position} is not a digit")]
    NotADigit {
        /// What stands there.
        found: char,
        /// Character offset, from 0.
        position: usize,
    },
    /// Longer than E.164 allows.
    #[error("{digits} digits, at most {MAX_DIGITS} are allowed")]
    TooLong {
        /// How many digits there are.
        digits: usize,
    },
    /// An international number cannot begin with 0.
    #[error("an international number does not begin with 0")]
    LeadingZero,
    /// The class prefix of the text form is not known.
    #[error("unknown address class {0:?}")]
    UnknownClass(String),
    /// The value of the text form is not what its class needs.
    #[error("{value:?} is not a {expected}")]
    BadValue {
        /// What stands there.
        value: String,
        /// What the class needs.
        expected: &'static str,
    },
}

impl Key {
    const fn pack(class: KeyClass, payload: u64) -> Key {
        Key(class.tag() << CLASS_SHIFT | payload & PAYLOAD)
    }

    /// An international number, with or without `+`.
    pub fn e164(number: &str) -> Result<Key, KeyError> {
        let digits = number.strip_prefix('+').unwrap_or(number);
        let value = parse_digits(digits)?;
        if digits.starts_with('0') {
            return Err(KeyError::LeadingZero);
        }
        Ok(Key::pack(KeyClass::E164, value))
    }

    /// An international number as an integer; `None` when it has more than 15 digits or is 0.
    pub const fn e164_number(number: u64) -> Option<Key> {
        if number == 0 || number >= 1_000_000_000_000_000 {
            return None;
        }
        Some(Key::pack(KeyClass::E164, number))
    }

    /// A short code or national number; leading zeros count.
    pub fn digits(number: &str) -> Result<Key, KeyError> {
        let value = parse_digits(number)?;
        Ok(Key::pack(KeyClass::Digits, (number.len() as u64) << DIGITS_SHIFT | value))
    }

    /// An alphanumeric sender. An empty one is a missing source of an unknown carrier.
    pub fn name(name: &str) -> Key {
        if name.is_empty() {
            return Key::missing(None);
        }
        if name.len() <= EXACT_NAME && name.bytes().all(|b| b.is_ascii() && b != 0) {
            let packed = name.bytes().fold(0, |sum, b| sum << 7 | u64::from(b.to_ascii_lowercase()));
            return Key::pack(KeyClass::Name, packed);
        }
        Key::pack(KeyClass::LongName, text::hash(&name.to_lowercase()))
    }

    /// The absent source of messages from this carrier: they share one counter per carrier.
    pub const fn missing(carrier: Option<u32>) -> Key {
        let payload = match carrier {
            Some(id) => id as u64 + 1,
            None => 0,
        };
        Key::pack(KeyClass::Missing, payload)
    }

    /// An intermediary vendor by its id.
    pub const fn vendor(id: u32) -> Key {
        Key::pack(KeyClass::Vendor, id as u64)
    }

    /// A carrier by its id.
    pub const fn carrier(id: u32) -> Key {
        Key::pack(KeyClass::Carrier, id as u64)
    }

    /// Any other address, such as an e-mail address or a SIP URI, folded to lower case.
    pub fn text(address: &str) -> Key {
        Key::pack(KeyClass::Text, text::hash(&address.to_lowercase()))
    }

    /// A group of addresses by its id (DC-21).
    pub const fn group(id: u32) -> Key {
        Key::pack(KeyClass::Group, id as u64)
    }

    /// The class of the address.
    pub fn class(self) -> KeyClass {
        // Every constructor packs a known class; `from_raw` refuses others.
        KeyClass::from_tag(self.0 >> CLASS_SHIFT).unwrap_or(KeyClass::Text)
    }

    /// The 64 bits, for storage.
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// From the 64 bits of [`Key::raw`]; `None` when they are no key.
    pub const fn from_raw(raw: u64) -> Option<Key> {
        match KeyClass::from_tag(raw >> CLASS_SHIFT) {
            Some(_) => Some(Key(raw)),
            None => None,
        }
    }

    /// From a half of a table key, which is a key by construction.
    pub(crate) const fn from_half(raw: u64) -> Key {
        Key(raw)
    }

    const fn payload(self) -> u64 {
        self.0 & PAYLOAD
    }

    /// The international number, if this is one.
    pub fn as_e164(self) -> Option<u64> {
        (self.class() == KeyClass::E164).then_some(self.payload())
    }
}

fn parse_digits(digits: &str) -> Result<u64, KeyError> {
    if digits.is_empty() {
        return Err(KeyError::Empty);
    }
    let mut value = 0u64;
    for (position, found) in digits.chars().enumerate() {
        let digit = found.to_digit(10).ok_or(KeyError::NotADigit { found, position })?;
        value = value.saturating_mul(10).saturating_add(u64::from(digit));
    }
    if digits.len() > MAX_DIGITS {
        return Err(KeyError::TooLong { digits: digits.len() });
    }
    Ok(value)
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.class() {
            KeyClass::E164 => write!(f, "+{}xxx", self.payload() / 1_000),
            KeyClass::Text => f.write_str("text:xxx"),
            // Longer than any short code: a subscriber's number in its national form.
            KeyClass::Digits if self.payload() >> DIGITS_SHIFT > SHORT_CODE => f.write_str("code:xxx"),
            KeyClass::Digits
            | KeyClass::Name
            | KeyClass::LongName
            | KeyClass::Missing
            | KeyClass::Vendor
            | KeyClass::Carrier
            | KeyClass::Group => fmt::Display::fmt(self, f),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write(*self, f)
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(s: &str) -> Result<Key, KeyError> {
        text::read(s)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            return text.parse().map_err(de::Error::custom);
        }
        let raw = u64::deserialize(deserializer)?;
        Key::from_raw(raw).ok_or_else(|| de::Error::custom("the address class is unknown"))
    }
}
