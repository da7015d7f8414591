//! Secrets and the places they are kept at.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use crate::setting::{Cursor, Problems, Setting, Shape};
use crate::tree::{Entry, Tree, Value};

/// A secret that a peer or a client shares with us. In a document it is the text itself, or the place it is
/// kept at: `{ file = "aggregator-a" }` (under `secrets.directory`) or `{ env = "SIGNALBOX_SECRET_A" }`.
///
/// It is masked by `Debug` and when serialised.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The secret stands in the document.
    Inline(String),
    /// It is the content of a file under the directory of secrets, without a final line end.
    File(PathBuf),
    /// It is the value of an environment variable.
    Variable(String),
}

/// Only variables of this prefix are secrets, so that a catalog row cannot read the rest of the environment.
pub const SECRET_VARIABLE_PREFIX: &str = "SIGNALBOX_SECRET_";

const EXPECTS: &str = "text, { file = \"name\" } under the directory of secrets, or \
                       { env = \"SIGNALBOX_SECRET_...\" }";

/// Why a secret cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The file cannot be read.
    #[error("the secret file {} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The environment has no such variable.
    #[error("the environment variable {0} is not set")]
    Variable(String),
    /// The place is there and holds nothing.
    #[error("the secret in {0} is empty")]
    Empty(String),
}

impl SecretError {
    /// The error with its cause.
    pub(crate) fn in_one_line(&self) -> String {
        match self {
            Self::File { source, .. } => format!("{self}: {source}"),
            Self::Variable(_) | Self::Empty(_) => self.to_string(),
        }
    }
}

/// Where secrets are looked for.
#[derive(Clone, Copy, Debug)]
pub struct SecretPlaces<'a> {
    /// The directory of secret files.
    pub directory: &'a Path,
}

impl Secret {
    /// The secret itself, read from its place at each call so that a changed file counts.
    pub fn reveal(&self, places: SecretPlaces<'_>) -> Result<String, SecretError> {
        match self {
            Self::Inline(secret) => Ok(secret.clone()),
            Self::File(name) => {
                let path = places.directory.join(name);
                let secret = std::fs::read_to_string(&path)
                    .map_err(|source| SecretError::File { path: path.clone(), source })?;
                let secret = secret.trim_end_matches(['\r', '\n']);
                if secret.is_empty() {
                    return Err(SecretError::Empty(path.display().to_string()));
                }
                Ok(secret.to_owned())
            }
            Self::Variable(name) => match std::env::var(name) {
                Ok(secret) if !secret.is_empty() => Ok(secret),
                Ok(_) => Err(SecretError::Empty(name.clone())),
                Err(_) => Err(SecretError::Variable(name.clone())),
            },
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("Secret(***)"),
            Self::File(path) => write!(f, "Secret(file {})", path.display()),
            Self::Variable(name) => write!(f, "Secret(env {name})"),
        }
    }
}

impl Setting for Secret {
    fn shape() -> Shape {
        Shape::Scalar(EXPECTS)
    }

    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        if let Some(text) = at.tree.text() {
            if text.is_empty() || text == crate::tree::MASK {
                problems.push(
                    at.tree.at,
                    at.path(),
                    crate::Problem::Conflict("a secret must not be empty, nor the mask itself".into()),
                );
                return None;
            }
            return Some(Self::Inline(text.to_owned()));
        }
        let place = match &at.tree.value {
            Value::Table(entries) => match entries.as_slice() {
                [entry] => entry.value.text().map(|text| (entry.key.as_str(), text)),
                _ => None,
            },
            _ => None,
        };
        let secret = match place {
            Some(("file", name)) if is_plain(Path::new(name)) => Some(Self::File(name.into())),
            Some(("env", name)) if name.starts_with(SECRET_VARIABLE_PREFIX) => {
                Some(Self::Variable(name.to_owned()))
            }
            _ => {
                problems.unexpected(at, EXPECTS);
                None
            }
        }?;
        problems.named_secret(at, &secret);
        Some(secret)
    }

    fn to_tree(&self) -> Tree {
        let (key, value) = match self {
            Self::Inline(secret) => return Value::Secret(secret.clone()).into(),
            Self::File(path) => ("file", path.display().to_string()),
            Self::Variable(name) => ("env", name.clone()),
        };
        Value::Table(vec![Entry { key: key.to_owned(), at: None, value: value.into() }]).into()
    }
}

/// Whether a path stays below the directory it is joined to: a row of the catalog must not read other files.
fn is_plain(path: &Path) -> bool {
    !path.as_os_str().is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)))
}
