//! SHA-256 digests of certificates and of API tokens.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::setting::{Cursor, Problems, Setting, Shape, text_setting};
use crate::tree::{Tree, Value};

const HEX: &str = "64 hexadecimal digits (SHA-256), with or without colons";

/// The SHA-256 digest of a client certificate in DER form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CertificateFingerprint([u8; 32]);

text_setting!(CertificateFingerprint, HEX);

impl CertificateFingerprint {
    /// The fingerprint of a certificate in DER form.
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl FromStr for CertificateFingerprint {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        parse_hex(text).map(Self)
    }
}

impl fmt::Display for CertificateFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

/// The SHA-256 digest of an API token. Tokens are long and random, so that a plain digest is enough and a
/// look-up by it takes no time worth measuring.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of a token as the client sends it.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(***)")
    }
}

const TOKEN: &str = "a token of at least 16 characters, or \"sha256:\" and 64 hexadecimal digits";

impl FromStr for TokenDigest {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(digest) = text.strip_prefix("sha256:") {
            return parse_hex(digest).map(Self).map_err(|_| TOKEN.into());
        }
        if text.len() < 16 || text.contains(char::is_whitespace) {
            return Err(TOKEN.into());
        }
        Ok(Self::of(text))
    }
}

impl fmt::Display for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        write_hex(&self.0, f)
    }
}

impl Setting for TokenDigest {
    fn shape() -> Shape {
        Shape::Scalar(TOKEN)
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        // The value itself must not show in an error, as it would with `read_text`.
        let digest = at.tree.text().and_then(|text| text.parse().ok());
        if digest.is_none() {
            problems.push(at.tree.at, at.path(), crate::Problem::Conflict(format!("expected {TOKEN}")));
        }
        digest
    }
    fn to_tree(&self) -> Tree {
        Value::Secret(self.to_string()).into()
    }
}

fn parse_hex(text: &str) -> Result<[u8; 32], String> {
    let octets: super::Octets = text.replace(':', "").parse().map_err(|_: String| HEX)?;
    octets.as_slice().try_into().map_err(|_| HEX.into())
}

fn write_hex(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}
