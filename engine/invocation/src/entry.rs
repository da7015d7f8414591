use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest name of a method, in octets.
pub const MAX_METHOD: usize = 64;

/// Where instructions begin (TXS-02, TXS-08).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Entry {
    /// The first message to a contact is wanted (TXS-03).
    Begin,
    /// A message of the device came that is neither opt-out nor help (TXS-07).
    MoHandler,
    /// An opt-out came (TXS-05).
    OptOutHandler,
    /// A request for help came (TXS-06).
    HelpHandler,
    /// The method that `nextAction`, a web call or a time-out names.
    Method(Method),
}

/// The name of the entry for who opts in again; a script may lack it.
const OPT_IN: &str = "optInHandler";

/// The name of a method of a script.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Method(String);

/// A name that no method has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is no name of a method: letters, digits, `_` and `$`, not a digit first, at most {MAX_METHOD}"
)]
pub struct EntryError {
    /// What was given, cut to a printable length.
    pub name: String,
}

impl Entry {
    /// The four that every script has (TXS-02).
    pub const REQUIRED: [Self; 4] = [Self::Begin, Self::MoHandler, Self::OptOutHandler, Self::HelpHandler];

    /// The method of this name; one of the four required ones is itself.
    ///
    /// # Errors
    /// When no method can have this name.
    pub fn method(name: &str) -> Result<Self, EntryError> {
        if let Some(entry) = Self::REQUIRED.into_iter().find(|entry| entry.name() == name) {
            return Ok(entry);
        }
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
        let fits = !name.is_empty() && name.len() <= MAX_METHOD && name.chars().all(letter);
        if !fits || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(EntryError { name: name.chars().take(MAX_METHOD).collect() });
        }
        Ok(Self::Method(Method(name.to_owned())))
    }

    /// A device opted in again (TXS-16). Instructions that have nothing to say then fail with
    /// [`NoMethod`](crate::Failure::NoMethod), and the text of their sub-campaign is the answer.
    #[must_use]
    pub fn opt_in() -> Self {
        Self::Method(Method(OPT_IN.to_owned()))
    }

    /// True for the entry for who opts in again.
    #[must_use]
    pub fn is_opt_in(&self) -> bool {
        self.name() == OPT_IN
    }

    /// The name in a script.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Begin => "begin",
            Self::MoHandler => "moHandler",
            Self::OptOutHandler => "optOutHandler",
            Self::HelpHandler => "helpHandler",
            Self::Method(Method(name)) => name,
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_methods() {
        assert_eq!(Entry::method("begin"), Ok(Entry::Begin));
        assert_eq!(Entry::method("askAge_2").map(|entry| entry.to_string()), Ok("askAge_2".to_owned()));
        assert_eq!(Entry::method("optInHandler"), Ok(Entry::opt_in()));
        assert!(Entry::opt_in().is_opt_in() && !Entry::HelpHandler.is_opt_in());
        for wrong in ["", "2nd", "a-b", "a.b", "constructor()", &"x".repeat(65)] {
            assert!(Entry::method(wrong).is_err(), "{wrong}");
        }
    }
}
