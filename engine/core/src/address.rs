//! Addresses as peers write them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

use crate::id::ShardId;

/// Longest address in octets (data_sm carries up to 64 and a NUL, SMPP 3.4 cl. 5.2.9).
pub const MAX_ADDRESS: usize = 64;

/// Type of number (SMPP 3.4 cl. 5.2.5).
pub mod ton {
    /// Unknown.
    pub const UNKNOWN: u8 = 0;
    /// International: the digits begin with a country code.
    pub const INTERNATIONAL: u8 = 1;
    /// National.
    pub const NATIONAL: u8 = 2;
    /// Network specific; short codes often.
    pub const NETWORK: u8 = 3;
    /// Alphanumeric.
    pub const ALPHANUMERIC: u8 = 5;
}

/// A source or destination: type of number, numbering plan and up to [`MAX_ADDRESS`] octets.
///
/// The octets are kept as the peer wrote them (often digits, in some networks Latin-1 letters).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Address {
    /// Type of number.
    pub ton: u8,
    /// Numbering plan indicator (SMPP 3.4 cl. 5.2.6).
    pub npi: u8,
    octets: SmallVec<[u8; 24]>,
}

/// An address that is longer than any protocol here can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address of {length} octets is longer than {MAX_ADDRESS}")]
pub struct AddressTooLong {
    /// Its length in octets.
    pub length: usize,
}

impl Address {
    /// The address with these parts.
    ///
    /// # Errors
    /// When it is longer than [`MAX_ADDRESS`].
    pub fn new(ton: u8, npi: u8, octets: &[u8]) -> Result<Self, AddressTooLong> {
        if octets.len() > MAX_ADDRESS {
            return Err(AddressTooLong { length: octets.len() });
        }
        Ok(Self { ton, npi, octets: SmallVec::from_slice(octets) })
    }

    /// The octets without type and plan.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// True when nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// The digits of an international number without `+` and `00`; `None` for anything else.
    #[must_use]
    pub fn digits(&self) -> Option<&[u8]> {
        if self.ton == ton::ALPHANUMERIC {
            return None;
        }
        let digits = self.octets.strip_prefix(b"+").unwrap_or(&self.octets);
        let digits = match self.ton {
            ton::INTERNATIONAL | ton::UNKNOWN => digits.strip_prefix(b"00").unwrap_or(digits),
            _ => digits,
        };
        (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then_some(digits)
    }

    /// What the address is compared and sharded by: the digits of a number, else the octets.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.digits().unwrap_or(&self.octets)
    }

    /// The shard of this address.
    #[must_use]
    pub fn shard(&self) -> ShardId {
        ShardId::of(self.key())
    }

    /// The octets as text, each taken as Latin-1.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.octets.iter().map(|&octet| char::from(octet)).collect()
    }

    /// The address with all but its ends hidden, for logs (rule 9).
    #[must_use]
    pub fn masked(&self) -> Masked<'_> {
        Masked(self)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({}/{} {})", self.ton, self.npi, self.masked())
    }
}

/// Display of an [`Address`] that keeps the first two and last two characters.
pub struct Masked<'a>(&'a Address);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_text();
        let length = text.chars().count();
        if length <= 6 {
            return f.write_str(if length == 0 { "" } else { "***" });
        }
        let head: String = text.chars().take(2).collect();
        let tail: String = text.chars().skip(length - 2).collect();
        write!(f, "{head}{}{tail}", "*".repeat(length - 4))
    }
}

#[derive(Serialize, Deserialize)]
struct Wire<'a>(u8, u8, #[serde(borrow)] &'a [u8]);

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire(self.ton, self.npi, &self.octets).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire(ton, npi, octets) = Wire::deserialize(deserializer)?;
        Self::new(ton, npi, octets).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(ton: u8, text: &str) -> Address {
        Address::new(ton, 1, text.as_bytes()).unwrap()
    }

    #[test]
    fn spellings_of_one_number_share_a_shard() {
        let shard = address(1, "4917612345678").shard();
        assert_eq!(address(1, "+4917612345678").shard(), shard);
        assert_eq!(address(0, "004917612345678").shard(), shard);
    }

    #[test]
    fn letters_are_no_digits() {
        assert_eq!(address(5, "12345").digits(), None);
        assert_eq!(address(0, "BANK").digits(), None);
        assert_eq!(address(5, "BANK").key(), b"BANK");
    }

    #[test]
    fn a_log_never_shows_a_whole_number() {
        assert_eq!(address(1, "4917612345678").masked().to_string(), "49*********78");
        assert_eq!(format!("{:?}", address(3, "72345")), "Address(3/1 ***)");
    }

    #[test]
    fn too_long_is_refused() {
        assert_eq!(Address::new(1, 1, &[b'1'; 65]), Err(AddressTooLong { length: 65 }));
    }

    #[test]
    fn it_survives_the_store() {
        let before = Address::new(5, 0, b"B\xe4nk").unwrap();
        let bytes = postcard::to_stdvec(&before).unwrap();
        assert_eq!(postcard::from_bytes::<Address>(&bytes).unwrap(), before);
    }
}
