//! Passwords of accounts, kept as Argon2 hashes.

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::{PasswordHash as Phc, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use super::Secret;
use crate::error::Problem;
use crate::setting::{Cursor, Problems, Setting, Shape};
use crate::tree::{Tree, Value};

/// The Argon2 hash of a password in PHC form (`$argon2id$v=19$...`).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Why no hash could be made.
#[derive(Debug, thiserror::Error)]
#[error("the password cannot be hashed: {0}")]
pub struct PasswordError(argon2::password_hash::Error);

const EXPECTS: &str = "an Argon2 hash in PHC form such as \"$argon2id$v=19$m=19456,t=2,p=1$...\"";

/// 19 MiB, two passes, one lane: the least that OWASP's password storage cheat sheet recommends for
/// Argon2id.
fn hasher() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

impl PasswordHash {
    /// Hashes a password. The caller gives the salt, 16 octets of good randomness, since no random source
    /// is taken from the surroundings here. It takes some 20 ms and 19 MiB: never on a runtime's thread.
    pub fn of(password: &str, salt: [u8; 16]) -> Result<Self, PasswordError> {
        let salt = SaltString::encode_b64(&salt).map_err(PasswordError)?;
        let hash = hasher().hash_password(password.as_bytes(), &salt).map_err(PasswordError)?;
        Ok(Self(hash.to_string()))
    }

    /// Whether this is the hash of the password. It takes as long and as much memory as the parameters in
    /// the hash say.
    pub fn matches(&self, password: &str) -> bool {
        let Ok(hash) = Phc::new(&self.0) else { return false };
        hasher().verify_password(password.as_bytes(), &hash).is_ok()
    }

    /// The PHC text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The most memory a hash from outside may ask for, in KiB: a row must not exhaust the node.
const MOST_MEMORY_KIB: u32 = 256 * 1024;

impl FromStr for PasswordHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hash = Phc::new(text).map_err(|_| EXPECTS)?;
        Algorithm::try_from(hash.algorithm).map_err(|_| EXPECTS)?;
        let params = Params::try_from(&hash).map_err(|_| EXPECTS)?;
        if hash.hash.is_none() || hash.salt.is_none() {
            return Err(EXPECTS.into());
        }
        if params.m_cost() > MOST_MEMORY_KIB || params.t_cost() > 32 {
            return Err("an Argon2 hash of at most 256 MiB and 32 passes".into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(crate::tree::MASK)
    }
}

/// The password of an account: its hash, or the password itself as long as it has not been hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountPassword {
    /// The hash: what the catalog keeps.
    Hashed(PasswordHash),
    /// The password: what a file or a request brings. [`Catalog::hash_passwords`](crate::Catalog::hash_passwords)
    /// makes a hash of it.
    Plain(Secret),
}

const PASSWORD: &str = "a password of 1 to 64 octets, or its Argon2 hash in PHC form";

impl Setting for AccountPassword {
    fn shape() -> Shape {
        Shape::Scalar(PASSWORD)
    }

    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let Some(text) = at.tree.text() else {
            return Secret::read(at, problems).map(Self::Plain);
        };
        let wrong = match text {
            text if text.starts_with("$argon2") => match text.parse() {
                Ok(hash) => return Some(Self::Hashed(hash)),
                Err(expected) => expected,
            },
            text if (1..=64).contains(&text.len()) => return Secret::read(at, problems).map(Self::Plain),
            _ => PASSWORD.to_owned(),
        };
        // The value itself must not show in an error.
        problems.push(at.tree.at, at.path(), Problem::Conflict(format!("expected {wrong}")));
        None
    }

    fn to_tree(&self) -> Tree {
        match self {
            Self::Hashed(hash) => Value::Secret(hash.0.clone()).into(),
            Self::Plain(secret) => secret.to_tree(),
        }
    }
}
