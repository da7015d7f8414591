//! A script of several files (D9): its text is JSON that holds them, and says with which one it begins.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::MAX_SOURCE;

/// Files of a bundle at most.
pub const MAX_FILES: usize = 64;
/// Octets of a path at most.
const MAX_PATH: usize = 200;
/// The file that a bundle begins with when it does not say.
const ENTRY: &str = "script.js";

/// Files with their paths, the separator is `/`. Files that end with `.js` are JavaScript, those with `.json` are data;
/// others are no part of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// The file whose functions are the methods.
    #[serde(default = "entry")]
    pub entry: String,
    /// The texts by their paths.
    pub files: BTreeMap<String, String>,
}

fn entry() -> String {
    ENTRY.to_owned()
}

/// What is wrong with a bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// It is no bundle at all.
    #[error("this is no bundle of files: {0}")]
    Malformed(String),
    /// The file that it begins with is not there.
    #[error("the bundle has no file `{0}`, with which it is to begin")]
    NoEntry(String),
    /// A path that leads out of it, or that is none.
    #[error(
        "`{0}` is no path within a bundle: names of letters, digits, `_`, `-` and `.` with `/` between them"
    )]
    Path(String),
    /// A file of another kind.
    #[error("`{0}` is neither JavaScript (`.js`) nor data (`.json`)")]
    Kind(String),
    /// Data that is no JSON.
    #[error("`{path}` is no JSON: {problem}")]
    Data {
        /// Which file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// More files than may be.
    #[error("{0} files in the bundle, the limit is {MAX_FILES}")]
    TooMany(usize),
    /// More text than may be.
    #[error("{0} octets in the files of the bundle, the limit is {MAX_SOURCE}")]
    TooLong(usize),
}

impl Bundle {
    /// The bundle that a source is; `None` of one that is JavaScript by itself. JSON is no script, so there is no doubt.
    #[must_use]
    pub fn of(source: &str) -> Option<Result<Self, BundleError>> {
        if !source.trim_start().starts_with('{') {
            return None;
        }
        // What is no JSON is JavaScript that begins with a block, and the lint has its say.
        let value: serde_json::Value = serde_json::from_str(source).ok()?;
        let read = serde_json::from_value::<Self>(value);
        Some(read.map_err(|error| BundleError::Malformed(error.to_string())).and_then(Self::checked))
    }

    /// A bundle of files as they come out of an archive or a folder. `manifest.json` may say `entry`; what a script has
    /// no use for, such as a text for people, is left out.
    ///
    /// # Errors
    /// See [`BundleError`].
    pub fn pack(mut files: BTreeMap<String, String>) -> Result<Self, BundleError> {
        #[derive(Deserialize)]
        struct Manifest {
            #[serde(default = "entry")]
            entry: String,
        }
        let manifest = files.remove("manifest.json").unwrap_or_else(|| "{}".to_owned());
        let manifest: Manifest = serde_json::from_str(&manifest).map_err(|error| BundleError::Data {
            path: "manifest.json".to_owned(),
            problem: error.to_string(),
        })?;
        files.retain(|path, _| Kind::of(path).is_some());
        Self { entry: manifest.entry, files }.checked()
    }

    /// Whether a file can be a part of a bundle, by its name.
    #[must_use]
    pub fn is_part(path: &str) -> bool {
        Kind::of(path).is_some()
    }

    fn checked(self) -> Result<Self, BundleError> {
        if self.files.len() > MAX_FILES {
            return Err(BundleError::TooMany(self.files.len()));
        }
        let octets = self.files.values().map(String::len).sum::<usize>();
        if octets > MAX_SOURCE {
            return Err(BundleError::TooLong(octets));
        }
        for (path, text) in &self.files {
            if !is_path(path) {
                return Err(BundleError::Path(path.chars().take(MAX_PATH).collect()));
            }
            match Kind::of(path) {
                Some(Kind::Script) => {}
                Some(Kind::Data) => {
                    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| {
                        BundleError::Data { path: path.clone(), problem: error.to_string() }
                    })?;
                }
                None => return Err(BundleError::Kind(path.clone())),
            }
        }
        let begins = self.files.contains_key(&self.entry) && Kind::of(&self.entry) == Some(Kind::Script);
        if begins { Ok(self) } else { Err(BundleError::NoEntry(self.entry)) }
    }

    /// The text that is kept as a script's version.
    #[must_use]
    pub fn to_source(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts by texts are JSON")
    }

    /// The text of the file that it begins with.
    pub(crate) fn main(&self) -> &str {
        self.files.get(&self.entry).map_or("", String::as_str)
    }

    /// The file that `name` means in the file `from`: `./x.js` and `../x.js` from its folder, others from the top.
    pub(crate) fn resolve(&self, from: &str, name: &str) -> Option<&str> {
        let mut parts: Vec<&str> = Vec::new();
        if name.starts_with("./") || name.starts_with("../") {
            parts.extend(from.split('/'));
            parts.pop();
        }
        for part in name.split('/') {
            match part {
                "." => {}
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        self.files.get_key_value(&parts.join("/")).map(|(path, _)| path.as_str())
    }
}

/// What a file of a bundle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Script,
    Data,
}

impl Kind {
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path.rsplit_once('.') {
            Some((_, "js")) => Some(Self::Script),
            Some((_, "json")) => Some(Self::Data),
            Some(_) | None => None,
        }
    }
}

/// A path that stays within.
fn is_path(path: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = |name: &str| !name.is_empty() && !name.starts_with('.') && name.chars().all(letter);
    path.len() <= MAX_PATH && path.split('/').all(name)
}

#[cfg(test)]
mod tests;
