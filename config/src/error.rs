//! What is wrong with a document, and where.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct ConfigError {
    /// The file, or what stands for it (`request` for a body of the API).
    pub file: String,
    /// Line and column, both from 1; none where the document has no lines or the key is missing in all of it.
    pub place: Option<Place>,
    /// The key as a path, such as `smpp.listen[0].address`; empty for the document as a whole.
    pub key: String,
    /// What is wrong.
    pub problem: Problem,
}

/// A place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// What is wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The file cannot be read.
    Unreadable(String),
    /// The document is not well-formed.
    Syntax(String),
    /// No setting has this name.
    UnknownKey {
        /// The known key that is nearest to it, when one is near.
        nearest: Option<&'static str>,
    },
    /// A key without a default is not there.
    Missing {
        /// What it should hold.
        expected: String,
    },
    /// The value is not what the key takes.
    Unexpected {
        /// What it should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// The value cannot stand beside another one.
    Conflict(String),
    /// The secret that is named here cannot be had on this machine.
    Secret(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(place) = self.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(reason) => write!(f, "cannot be read: {reason}"),
            Self::Syntax(reason) => write!(f, "not well-formed: {reason}"),
            Self::UnknownKey { nearest: Some(nearest) } => {
                write!(f, "unknown key, did you mean `{nearest}`")
            }
            Self::UnknownKey { nearest: None } => f.write_str("unknown key"),
            Self::Missing { expected } => write!(f, "missing, expected {expected}"),
            Self::Unexpected { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::Conflict(reason) | Self::Secret(reason) => f.write_str(reason),
        }
    }
}

/// Everything that is wrong with a document, in the order of its lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub(crate) Vec<ConfigError>);

impl ConfigErrors {
    /// The errors, at least one.
    pub fn all(&self) -> &[ConfigError] {
        &self.0
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
