//! Type of number and numbering plan indicator, SMPP 3.4 clauses 5.2.5 and 5.2.6.

use serde::{Deserialize, Serialize};

/// Type of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "u8", into = "u8")]
pub enum Ton {
    /// Nothing is said.
    Unknown,
    /// Country code first.
    International,
    /// Without country code.
    National,
    /// Of the network; short codes.
    NetworkSpecific,
    /// Subscriber number.
    Subscriber,
    /// Letters.
    Alphanumeric,
    /// Abbreviated; short codes.
    Abbreviated,
    /// A value the standard reserves, kept as it came.
    Reserved(u8),
}

impl From<u8> for Ton {
    fn from(value: u8) -> Self {
        match value {
            0 => Self::Unknown,
            1 => Self::International,
            2 => Self::National,
            3 => Self::NetworkSpecific,
            4 => Self::Subscriber,
            5 => Self::Alphanumeric,
            6 => Self::Abbreviated,
            other => Self::Reserved(other),
        }
    }
}

impl From<Ton> for u8 {
    fn from(ton: Ton) -> Self {
        match ton {
            Ton::Unknown => 0,
            Ton::International => 1,
            Ton::National => 2,
            Ton::NetworkSpecific => 3,
            Ton::Subscriber => 4,
            Ton::Alphanumeric => 5,
            Ton::Abbreviated => 6,
            Ton::Reserved(other) => other,
        }
    }
}

/// Numbering plan indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "u8", into = "u8")]
pub enum Npi {
    /// Nothing is said.
    Unknown,
    /// ISDN, E.163 and E.164.
    Isdn,
    /// Data, X.121.
    Data,
    /// Telex, F.69.
    Telex,
    /// Land mobile, E.212.
    LandMobile,
    /// National.
    National,
    /// Private.
    Private,
    /// ERMES.
    Ermes,
    /// Internet (IP).
    Internet,
    /// WAP client id.
    Wap,
    /// A value the standard reserves, kept as it came.
    Reserved(u8),
}

impl From<u8> for Npi {
    fn from(value: u8) -> Self {
        match value {
            0 => Self::Unknown,
            1 => Self::Isdn,
            3 => Self::Data,
            4 => Self::Telex,
            6 => Self::LandMobile,
            8 => Self::National,
            9 => Self::Private,
            10 => Self::Ermes,
            14 => Self::Internet,
            18 => Self::Wap,
            other => Self::Reserved(other),
        }
    }
}

impl From<Npi> for u8 {
    fn from(npi: Npi) -> Self {
        match npi {
            Npi::Unknown => 0,
            Npi::Isdn => 1,
            Npi::Data => 3,
            Npi::Telex => 4,
            Npi::LandMobile => 6,
            Npi::National => 8,
            Npi::Private => 9,
            Npi::Ermes => 10,
            Npi::Internet => 14,
            Npi::Wap => 18,
            Npi::Reserved(other) => other,
        }
    }
}
