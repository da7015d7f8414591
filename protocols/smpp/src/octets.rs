//! C-octet strings: the text fields of SMPP, kept as slices of the frame.

use bytes::Bytes;
use std::fmt;

/// A C-octet string without its terminating NUL (SMPP 3.4 clause 3.1).
///
/// A decoded one shares the frame's memory. It holds octets, not UTF-8: peers send Latin-1 where the
/// specification says ASCII, and `Display` shows octets above 0x7f as Latin-1.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct COctets(pub Bytes);

impl COctets {
    /// The empty string.
    pub const fn new() -> Self {
        COctets(Bytes::new())
    }

    /// A string over static text, without allocation.
    pub const fn from_static(text: &'static str) -> Self {
        COctets(Bytes::from_static(text.as_bytes()))
    }

    /// The octets without NUL.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The text if it is UTF-8 (plain ASCII always is).
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl std::ops::Deref for COctets {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for COctets {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Bytes> for COctets {
    fn from(octets: Bytes) -> Self {
        COctets(octets)
    }
}

impl From<&str> for COctets {
    fn from(text: &str) -> Self {
        COctets(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<&[u8]> for COctets {
    fn from(octets: &[u8]) -> Self {
        COctets(Bytes::copy_from_slice(octets))
    }
}

impl From<String> for COctets {
    fn from(text: String) -> Self {
        COctets(Bytes::from(text))
    }
}

impl From<Vec<u8>> for COctets {
    fn from(octets: Vec<u8>) -> Self {
        COctets(Bytes::from(octets))
    }
}

impl PartialEq<[u8]> for COctets {
    fn eq(&self, other: &[u8]) -> bool {
        self.0 == other
    }
}

impl PartialEq<str> for COctets {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for COctets {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl fmt::Display for COctets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &octet in self.0.iter() {
            fmt::Write::write_char(f, char::from(octet))?;
        }
        Ok(())
    }
}

impl fmt::Debug for COctets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}
