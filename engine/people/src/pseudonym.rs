//! What stands for the number or name of an erased person: a keyed hash, so that an opt-out still holds for a number
//! of which the database no longer tells.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What a pseudonym begins with; no number, e-mail address or account's own name does by chance.
const PREFIX: &str = "erased:";
/// Behind all pseudonyms, and before whatever comes after them.
const BEHIND: &str = "erased;";

/// The key of the hash. Numbers are few enough to try them all, so whoever has it and the database can find them
/// again: it is kept apart from the database.
#[derive(Clone)]
pub struct ErasureKey(Box<[u8]>);

impl fmt::Debug for ErasureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErasureKey(***)")
    }
}

impl ErasureKey {
    /// Octets of a key at least.
    pub const LEAST: usize = 16;

    /// A key of these octets; `None` when they are too few.
    #[must_use]
    pub fn new(octets: &[u8]) -> Option<Self> {
        (octets.len() >= Self::LEAST).then(|| Self(octets.into()))
    }

    /// What stands for a subject, in all accounts and levels alike.
    pub(crate) fn pseudonym(&self, subject: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length does");
        mac.update(subject.as_bytes());
        let mut text = String::from(PREFIX);
        for octet in mac.finalize().into_bytes() {
            text.push_str(&format!("{octet:02x}"));
        }
        text
    }
}

/// The range of all pseudonyms, for a comparison by octets.
pub(crate) const fn range() -> (&'static str, &'static str) {
    (PREFIX, BEHIND)
}
