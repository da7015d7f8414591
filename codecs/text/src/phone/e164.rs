//! International numbers.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An international number of ITU-T E.164 in eight octets: country code and national number, 7 to 15
/// digits, the first not zero.
///
/// The digits are kept as one integer, so comparison is numeric and the number of digits follows from
/// the value. Text forms have a leading `+`; so has the serialised form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct E164(NonZeroU64);

/// Fewest digits of an international number (Niue, Saint Helena).
pub const MIN_DIGITS: usize = 7;
/// Most digits of an international number, ITU-T E.164 clause 6.2.1.
pub const MAX_DIGITS: usize = 15;

const MIN_VALUE: u64 = 1_000_000;
const MAX_VALUE: u64 = 999_999_999_999_999;

/// Why digits are no international number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum E164Error {
    /// A number has 7 to 15 digits.
    #[error("international number has {digits} digits, not {MIN_DIGITS} to {MAX_DIGITS}")]
    Length {
        /// Digits found.
        digits: usize,
    },
    /// No country code starts with zero.
    #[error("international number starts with 0")]
    LeadingZero,
    /// Something that is no digit.
    #[error("octet 0x{octet:02x} at offset {offset} of the number is no digit")]
    NoDigit {
        /// The octet.
        octet: u8,
        /// Where it is.
        offset: usize,
    },
}

impl E164 {
    /// A number from its digits as an integer, as [`E164::get`] gives it.
    #[must_use]
    pub const fn from_value(value: u64) -> Option<Self> {
        if value < MIN_VALUE || value > MAX_VALUE {
            return None;
        }
        match NonZeroU64::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// Reads digits without a prefix: country code first.
    ///
    /// # Errors
    /// See [`E164Error`].
    pub fn from_digits(digits: &[u8]) -> Result<Self, E164Error> {
        // The first octet that is no digit says more than the length does.
        let mut value = 0u64;
        for (offset, &octet) in digits.iter().enumerate() {
            let digit = octet.wrapping_sub(b'0');
            if digit > 9 {
                return Err(E164Error::NoDigit { octet, offset });
            }
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
        if digits.first() == Some(&b'0') {
            return Err(E164Error::LeadingZero);
        }
        let length = E164Error::Length { digits: digits.len() };
        // The length bounds the value, so that nothing has wrapped.
        if digits.len() > MAX_DIGITS {
            return Err(length);
        }
        Self::from_value(value).ok_or(length)
    }

    /// The digits as an integer, at most 50 bits of it.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// How many digits there are, 7 to 15.
    #[must_use]
    pub const fn digits(self) -> u32 {
        self.0.get().ilog10() + 1
    }

    /// The first `count` digits as an integer; all of them where there are not as many.
    #[must_use]
    pub const fn prefix(self, count: u32) -> u64 {
        let digits = self.digits();
        if count >= digits { self.get() } else { self.get() / 10u64.pow(digits - count) }
    }

    /// Whether the number starts with the digits of an integer (no leading zeros), as `4915`.
    #[must_use]
    pub const fn starts_with(self, prefix: u64) -> bool {
        prefix != 0 && self.prefix(prefix.ilog10() + 1) == prefix
    }

    /// The country calling code: one to three digits, by the zones of ITU-T E.164. Spare codes are
    /// not told from assigned ones.
    #[must_use]
    pub const fn calling_code(self) -> u16 {
        let two = self.prefix(2) as u16;
        match two {
            10..=19 => 1,
            70..=79 => 7,
            20 | 27 | 30..=34 | 36 | 39..=41 | 43..=49 | 51..=58 | 60..=66 | 81..=84 | 86 | 90..=95 | 98 => {
                two
            }
            _ => self.prefix(3) as u16,
        }
    }

    /// The digits in ASCII without a prefix, in a buffer on the stack.
    #[must_use]
    pub fn to_ascii(self) -> Digits {
        let mut octets = [0; MAX_DIGITS];
        let mut value = self.get();
        let mut start = MAX_DIGITS;
        while value > 0 {
            start -= 1;
            octets[start] = b'0' + (value % 10) as u8;
            value /= 10;
        }
        Digits { octets, start: start as u8 }
    }

    /// A form for logs: country code and the last two digits, the others as `*`.
    #[must_use]
    pub const fn masked(self) -> Masked {
        Masked(self)
    }
}

/// ASCII digits of an [`E164`].
#[derive(Clone, Copy)]
pub struct Digits {
    octets: [u8; MAX_DIGITS],
    start: u8,
}

impl Digits {
    /// The digits.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[usize::from(self.start)..]
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.get())
    }
}

impl fmt::Debug for E164 {
    /// Masked, so that a number does not get into a log by way of `{:?}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E164({})", self.masked())
    }
}

/// Shows a number without saying whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masked(E164);

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.0.calling_code();
        let hidden = self.0.digits() - code.ilog10() - 1 - 2;
        write!(f, "+{code}")?;
        for _ in 0..hidden {
            f.write_str("*")?;
        }
        write!(f, "{:02}", self.0.get() % 100)
    }
}

impl FromStr for E164 {
    type Err = E164Error;

    /// Reads `+` and digits, or digits alone.
    fn from_str(text: &str) -> Result<Self, E164Error> {
        Self::from_digits(text.strip_prefix('+').unwrap_or(text).as_bytes())
    }
}

impl Serialize for E164 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.get())
        }
    }
}

impl<'de> Deserialize<'de> for E164 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        } else {
            let value = u64::deserialize(deserializer)?;
            Self::from_value(value).ok_or_else(|| D::Error::custom("integer is no international number"))
        }
    }
}
