//! Addresses as peers write them, and what they mean.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::directory::national;
use super::e164::{E164Error, MAX_DIGITS, MIN_DIGITS};
use super::{E164, Npi, Region, Ton};

/// What an address is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Address {
    /// An international number.
    Number(E164),
    /// A short code: the digits, which mean something only with the network they are dialled in.
    ShortCode(Box<str>),
    /// An alphanumeric sender.
    Alphanumeric(Box<str>),
    /// Anything else, kept as it came: service codes with `*` and `#`, other numbering plans.
    Other(Box<str>),
}

/// How digits without a prefix and without a type of number are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bare {
    /// Country code first, as SMPP peers mostly mean it; a leading zero is national.
    #[default]
    International,
    /// As dialled in the home region.
    National,
}

/// How a peer's addresses are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Home {
    /// Where national numbers belong; without it they are refused.
    pub region: Option<Region>,
    /// How digits without any mark are read.
    pub bare: Bare,
    /// Most digits that a short code has; more digits are a number.
    pub short_code_digits: u8,
}

impl Default for Home {
    /// No region, bare digits international, short codes up to 6 digits.
    fn default() -> Self {
        Self { region: None, bare: Bare::International, short_code_digits: 6 }
    }
}

/// Why an address has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// There is nothing.
    #[error("address is empty")]
    Empty,
    /// The address is longer than [`MAX_OCTETS`].
    #[error("address has {octets} octets, {MAX_OCTETS} at most are read")]
    TooLong {
        /// Octets of the address.
        octets: usize,
    },
    /// It should be an international number and is none.
    #[error("address is no international number")]
    International(#[from] E164Error),
    /// A national number where no region is configured.
    #[error("address is a national number and the peer has no home region")]
    NoRegion,
    /// A national number that the region has no form for.
    #[error("address is no national number of {region}")]
    National {
        /// The region.
        region: Region,
    },
}

/// Longest address that is read, in octets: an e-mail address fits.
pub const MAX_OCTETS: usize = 320;

impl Address {
    /// Reads an address of a peer.
    ///
    /// `+` and international type of number are taken at their word; `00` is a prefix unless the type
    /// is national; separators are left out. Numbers that are international already are read without
    /// the library. A short number with international type is a short code, as many peers mark them.
    /// Octets that are no UTF-8 are read as Latin-1.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn read(octets: &[u8], ton: Ton, npi: Npi, home: &Home) -> Result<Self, AddressError> {
        // The common case first: an international number with nothing around it.
        if ton == Ton::International
            && matches!(npi, Npi::Isdn | Npi::Unknown)
            && let Ok(number) = E164::from_digits(octets)
            && number.digits() > u32::from(home.short_code_digits)
        {
            return Ok(Self::Number(number));
        }
        if octets.len() > MAX_OCTETS {
            return Err(AddressError::TooLong { octets: octets.len() });
        }
        let text = match std::str::from_utf8(octets) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => octets.iter().copied().map(char::from).collect(),
        };
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        match npi {
            Npi::Unknown | Npi::Isdn | Npi::National | Npi::Private | Npi::LandMobile | Npi::Reserved(_) => {}
            Npi::Data | Npi::Telex | Npi::Ermes | Npi::Internet | Npi::Wap => {
                return Ok(Self::Other(text.into()));
            }
        }
        let Some(dialled) = Dialled::read(text) else {
            let letters = ton == Ton::Alphanumeric || text.chars().any(char::is_alphabetic);
            return Ok(if letters { Self::Alphanumeric(text.into()) } else { Self::Other(text.into()) });
        };
        if dialled.plus {
            return Ok(Self::Number(E164::from_digits(dialled.digits())?));
        }
        match ton {
            Ton::Alphanumeric => Ok(Self::Alphanumeric(text.into())),
            Ton::International => dialled.international(home),
            Ton::National | Ton::Subscriber => dialled.national(home),
            Ton::NetworkSpecific | Ton::Abbreviated => Ok(Self::ShortCode(dialled.as_str().into())),
            Ton::Unknown | Ton::Reserved(_) => dialled.unmarked(home),
        }
    }

    /// The number, where the address is one.
    #[must_use]
    pub const fn number(&self) -> Option<E164> {
        match self {
            Self::Number(number) => Some(*number),
            Self::ShortCode(_) | Self::Alphanumeric(_) | Self::Other(_) => None,
        }
    }

    /// Type of number and numbering plan to send this address with.
    #[must_use]
    pub const fn numbering(&self) -> (Ton, Npi) {
        match self {
            Self::Number(_) => (Ton::International, Npi::Isdn),
            Self::ShortCode(_) => (Ton::Abbreviated, Npi::Isdn),
            Self::Alphanumeric(_) => (Ton::Alphanumeric, Npi::Unknown),
            Self::Other(_) => (Ton::Unknown, Npi::Unknown),
        }
    }

    /// The address as SMPP carries it: numbers without `+`.
    #[must_use]
    pub fn to_wire(&self) -> String {
        match self {
            Self::Number(number) => number.to_ascii().as_str().to_owned(),
            Self::ShortCode(text) | Self::Alphanumeric(text) | Self::Other(text) => text.to_string(),
        }
    }

    /// A form for logs: numbers masked, short codes and senders, which are nobody's, in full.
    #[must_use]
    pub const fn masked(&self) -> MaskedAddress<'_> {
        MaskedAddress(self)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::ShortCode(text) | Self::Alphanumeric(text) | Self::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.masked())
    }
}

/// Shows an address without saying whose it is.
#[derive(Clone, Copy)]
pub struct MaskedAddress<'a>(&'a Address);

impl fmt::Display for MaskedAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Address::Number(number) => number.masked().fmt(f),
            Address::ShortCode(text) | Address::Alphanumeric(text) => f.write_str(text),
            Address::Other(text) => write!(f, "({} octets)", text.len()),
        }
    }
}

/// Digits without separators, at most as many as a number with a prefix can have.
struct Dialled {
    plus: bool,
    octets: [u8; Self::MAX],
    length: usize,
}

impl Dialled {
    /// `0011` and fifteen digits, and one to see that there are more.
    const MAX: usize = MAX_DIGITS + 5;

    /// `None` where the text is not made of digits and separators, or has too many digits.
    fn read(text: &str) -> Option<Self> {
        let mut dialled = Self { plus: false, octets: [0; Self::MAX], length: 0 };
        let rest = match text.strip_prefix('+') {
            Some(rest) => {
                dialled.plus = true;
                rest
            }
            None => text,
        };
        for octet in rest.bytes() {
            match octet {
                b'0'..=b'9' if dialled.length < Self::MAX => {
                    dialled.octets[dialled.length] = octet;
                    dialled.length += 1;
                }
                b' ' | b'-' | b'.' | b'(' | b')' | b'/' => {}
                _ => return None,
            }
        }
        (dialled.length > 0).then_some(dialled)
    }

    fn digits(&self) -> &[u8] {
        &self.octets[..self.length]
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(self.digits()).unwrap_or_default()
    }

    fn is_short(&self, home: &Home) -> bool {
        self.length <= usize::from(home.short_code_digits)
    }

    fn international(&self, home: &Home) -> Result<Address, AddressError> {
        let digits = self.digits().strip_prefix(b"00").unwrap_or(self.digits());
        if self.is_short(home) || digits.len() < MIN_DIGITS {
            return Ok(Address::ShortCode(self.as_str().into()));
        }
        Ok(Address::Number(E164::from_digits(digits)?))
    }

    fn national(&self, home: &Home) -> Result<Address, AddressError> {
        let region = home.region.ok_or(AddressError::NoRegion)?;
        national(self.as_str(), region).map(Address::Number).ok_or(AddressError::National { region })
    }

    fn unmarked(&self, home: &Home) -> Result<Address, AddressError> {
        if self.is_short(home) {
            return Ok(Address::ShortCode(self.as_str().into()));
        }
        if let Some(digits) = self.digits().strip_prefix(b"00") {
            return Ok(Address::Number(E164::from_digits(digits)?));
        }
        if home.bare == Bare::National || self.octets[0] == b'0' {
            return self.national(home);
        }
        Ok(Address::Number(E164::from_digits(self.digits())?))
    }
}
