//! Addresses with type of number and numbering plan (SMPP 3.4 clauses 5.2.5 to 5.2.9).

use crate::{COctets, named::named_values};
use std::fmt;

named_values! {
    /// Type of number (SMPP 3.4 clause 5.2.5).
    Ton(u8) {
        /// Unknown.
        UNKNOWN = 0 "unknown",
        /// International.
        INTERNATIONAL = 1 "international",
        /// National.
        NATIONAL = 2 "national",
        /// Network specific.
        NETWORK_SPECIFIC = 3 "network_specific",
        /// Subscriber number.
        SUBSCRIBER = 4 "subscriber",
        /// Alphanumeric sender.
        ALPHANUMERIC = 5 "alphanumeric",
        /// Abbreviated, such as a short code.
        ABBREVIATED = 6 "abbreviated",
    }
}

named_values! {
    /// Numbering plan indicator (SMPP 3.4 clause 5.2.6).
    Npi(u8) {
        /// Unknown.
        UNKNOWN = 0 "unknown",
        /// ISDN (E.163, E.164).
        ISDN = 1 "isdn",
        /// Data (X.121).
        DATA = 3 "data",
        /// Telex (F.69).
        TELEX = 4 "telex",
        /// Land mobile (E.212).
        LAND_MOBILE = 6 "land_mobile",
        /// National.
        NATIONAL = 8 "national",
        /// Private.
        PRIVATE = 9 "private",
        /// ERMES.
        ERMES = 10 "ermes",
        /// Internet (IP).
        INTERNET = 14 "internet",
        /// WAP client id.
        WAP_CLIENT = 18 "wap_client",
    }
}

/// An address as SMPP carries it: type of number, numbering plan and up to 20 characters
/// (64 in data_sm).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Address {
    /// Type of number.
    pub ton: Ton,
    /// Numbering plan.
    pub npi: Npi,
    /// The digits or characters, without NUL.
    pub addr: COctets,
}

impl Address {
    /// An address of the given kind.
    pub fn new(ton: Ton, npi: Npi, addr: impl Into<COctets>) -> Self {
        Address { ton, npi, addr: addr.into() }
    }

    /// An E.164 number, given without `+`.
    pub fn international(digits: impl Into<COctets>) -> Self {
        Address::new(Ton::INTERNATIONAL, Npi::ISDN, digits)
    }

    /// An alphanumeric sender.
    pub fn alphanumeric(name: impl Into<COctets>) -> Self {
        Address::new(Ton::ALPHANUMERIC, Npi::UNKNOWN, name)
    }

    /// A short code.
    pub fn short_code(digits: impl Into<COctets>) -> Self {
        Address::new(Ton::ABBREVIATED, Npi::UNKNOWN, digits)
    }

    /// Whether the address has no characters.
    pub fn is_empty(&self) -> bool {
        self.addr.is_empty()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.ton.0, self.npi.0, self.addr)
    }
}
