//! How a typed value is read from a document: the [`Setting`] trait, cursors and the list of problems.

mod macros;
mod scalar;
mod shape;

pub(crate) use scalar::{read_text, text_setting};
pub use shape::{Applies, Key, Shape};

pub(crate) use macros::{choices, settings};

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::error::{ConfigError, ConfigErrors, Place, Problem};
use crate::tree::{Entry, Tree, Value};
use crate::value::{Secret, SecretPlaces};

/// A value that a document can hold.
///
/// Reading never stops at the first error: `read` records what is wrong in [`Problems`] and answers none,
/// and the caller goes on with the next key.
pub trait Setting: Sized {
    /// What the value looks like, for errors, the reference file and the API's schema.
    fn shape() -> Shape;
    /// Reads the value, recording what is wrong with it.
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self>;
    /// The value as a document would hold it: `read` of it gives an equal value.
    fn to_tree(&self) -> Tree;
    /// The value when the key is not there and has no default of its own.
    fn absent() -> Option<Self> {
        None
    }
}

/// What two or more keys of one table must agree on.
pub(crate) trait Agreement {
    /// Records what does not agree.
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>);
}

/// One value and the path of keys that leads to it.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    /// The value.
    pub tree: &'a Tree,
    path: String,
}

impl<'a> Cursor<'a> {
    /// The cursor at the top of a document.
    pub fn top(tree: &'a Tree) -> Self {
        Self { tree, path: String::new() }
    }

    /// The path of keys, such as `smpp.listen[0].address`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path of a key of this table.
    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The cursor at one key of this table, if it is there.
    pub(crate) fn key(&self, key: &str) -> Option<Cursor<'a>> {
        self.tree.get(key).map(|tree| Cursor { tree, path: self.path_of(key) })
    }

    /// The cursors at the items of this list, none when it is not a list.
    pub(crate) fn items(&self) -> impl Iterator<Item = Cursor<'a>> + use<'a> {
        let items: &'a [Tree] = match &self.tree.value {
            Value::List(items) => items,
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Secret(_)
            | Value::Table(_) => &[],
        };
        let path = self.path.clone();
        items.iter().enumerate().map(move |(index, tree)| Cursor { tree, path: format!("{path}[{index}]") })
    }
}

/// Where a document came from, and its text for finding lines.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// File name, or what stands for it.
    pub file: &'a str,
    /// The whole text; empty when the document has no lines to show.
    pub text: &'a str,
}

impl Source<'_> {
    pub(crate) fn place(&self, at: usize) -> Option<Place> {
        let before = self.text.get(..at)?;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Some(Place {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..)?.chars().count() + 1,
        })
    }
}

/// Collects what is wrong with one document.
#[derive(Debug)]
pub struct Problems<'a> {
    source: Source<'a>,
    errors: Vec<ConfigError>,
    secrets: Vec<(Option<usize>, String, Secret)>,
}

impl<'a> Problems<'a> {
    /// An empty list for a document.
    pub fn new(source: Source<'a>) -> Self {
        Self { source, errors: Vec::new(), secrets: Vec::new() }
    }

    /// Records a problem at a byte offset under a key path.
    pub(crate) fn push(&mut self, at: Option<usize>, key: &str, problem: Problem) {
        let place = at.and_then(|at| self.source.place(at));
        self.errors.push(ConfigError {
            file: self.source.file.to_owned(),
            place,
            key: key.to_owned(),
            problem,
        });
    }

    /// Records that a value is not what its key takes.
    pub(crate) fn unexpected(&mut self, at: &Cursor<'_>, expected: impl Into<String>) {
        let found = at.tree.describe();
        self.push(at.tree.at, &at.path, Problem::Unexpected { expected: expected.into(), found });
    }

    /// Records that the value under `key` of a table cannot stand beside another one.
    pub(crate) fn conflict(&mut self, table: &Cursor<'_>, key: &str, reason: impl Into<String>) {
        let at = table.tree.get(key).map_or(table.tree.at, |value| value.at);
        self.push(at, &table.path_of(key), Problem::Conflict(reason.into()));
    }

    /// Remembers a secret that the document names and does not hold.
    pub(crate) fn named_secret(&mut self, at: &Cursor<'_>, secret: &Secret) {
        self.secrets.push((at.tree.at, at.path.clone(), secret.clone()));
    }

    /// Takes the unknown keys out of what is wrong: their paths.
    pub(crate) fn take_unknown(&mut self) -> Vec<String> {
        let is_unknown = |error: &mut ConfigError| matches!(error.problem, Problem::UnknownKey { .. });
        self.errors.extract_if(.., is_unknown).map(|error| error.key).collect()
    }

    /// The secrets named that cannot be had, in the order of the document; what else is wrong is dropped.
    pub(crate) fn missing_secrets(mut self, places: SecretPlaces<'_>) -> Vec<ConfigError> {
        self.errors.clear();
        for (at, key, secret) in std::mem::take(&mut self.secrets) {
            if let Err(error) = secret.reveal(places) {
                self.push(at, &key, Problem::Secret(error.in_one_line()));
            }
        }
        self.errors.sort_by_key(|error| error.place);
        self.errors
    }

    /// The value, or everything that was wrong in the order of the document.
    pub(crate) fn finish<T>(mut self, value: Option<T>) -> Result<T, ConfigErrors> {
        if self.errors.is_empty() {
            if let Some(value) = value {
                return Ok(value);
            }
            self.push(None, "", Problem::Conflict("nothing could be read".into()));
        }
        self.errors.sort_by_key(|error| error.place);
        Err(ConfigErrors(self.errors))
    }
}

/// Reads the keys of one table and remembers which it was asked for.
pub(crate) struct TableReader<'c, 'a> {
    at: &'c Cursor<'a>,
    entries: &'a [Entry],
}

impl<'c, 'a> TableReader<'c, 'a> {
    pub(crate) fn open(at: &'c Cursor<'a>, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Table(entries) = &at.tree.value else {
            problems.unexpected(at, "a table");
            return None;
        };
        Some(Self { at, entries })
    }

    pub(crate) fn take<T: Setting>(
        &self,
        key: &'static str,
        default: Option<fn() -> Tree>,
        problems: &mut Problems<'_>,
    ) -> Option<T> {
        if let Some(cursor) = self.at.key(key) {
            return T::read(&cursor, problems);
        }
        if let Some(default) = default {
            let tree = default();
            return T::read(&Cursor { tree: &tree, path: self.at.path_of(key) }, problems);
        }
        let value = T::absent();
        if value.is_none() {
            let expected = T::shape().expects();
            problems.push(self.at.tree.at, &self.at.path_of(key), Problem::Missing { expected });
        }
        value
    }

    pub(crate) fn refuse_unknown(&self, keys: &'static [Key], problems: &mut Problems<'_>) {
        for entry in self.entries {
            if keys.iter().any(|key| key.name == entry.key) {
                continue;
            }
            let nearest = crate::nearest::nearest(&entry.key, keys.iter().map(|key| key.name));
            problems.push(entry.at, &self.at.path_of(&entry.key), Problem::UnknownKey { nearest });
        }
    }
}

impl<T: Setting> Setting for Option<T> {
    fn shape() -> Shape {
        T::shape()
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        if at.tree.value == Value::Null {
            return Some(None);
        }
        T::read(at, problems).map(Some)
    }
    fn to_tree(&self) -> Tree {
        self.as_ref().map_or_else(|| Value::Null.into(), T::to_tree)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn shape() -> Shape {
        Shape::List(T::shape)
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::List(items) = &at.tree.value else {
            problems.unexpected(at, Self::shape().expects());
            return None;
        };
        let values: Vec<T> = at.items().filter_map(|item| T::read(&item, problems)).collect();
        (values.len() == items.len()).then_some(values)
    }
    fn to_tree(&self) -> Tree {
        Value::List(self.iter().map(T::to_tree).collect()).into()
    }
    fn absent() -> Option<Self> {
        Some(Vec::new())
    }
}

/// A table whose keys are values of their own, such as the status codes of an error table.
impl<K, V> Setting for BTreeMap<K, V>
where
    K: FromStr<Err = String> + ToString + Ord,
    V: Setting,
{
    fn shape() -> Shape {
        Shape::Map(V::shape)
    }
    fn read(at: &Cursor<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let Value::Table(entries) = &at.tree.value else {
            problems.unexpected(at, "a table");
            return None;
        };
        let mut map = Self::new();
        let mut whole = true;
        for entry in entries {
            let path = at.path_of(&entry.key);
            let value = V::read(&Cursor { tree: &entry.value, path: path.clone() }, problems);
            match (entry.key.parse::<K>(), value) {
                (Ok(key), Some(value)) => {
                    if map.insert(key, value).is_some() {
                        whole = false;
                        problems.push(entry.at, &path, Problem::Conflict("this key is there twice".into()));
                    }
                }
                (Ok(_), None) => whole = false,
                (Err(expected), _) => {
                    whole = false;
                    let found = format!("{:?}", entry.key);
                    problems.push(entry.at, &path, Problem::Unexpected { expected, found });
                }
            }
        }
        whole.then_some(map)
    }
    fn to_tree(&self) -> Tree {
        let entry = |(key, value): (&K, &V)| Entry { key: key.to_string(), at: None, value: value.to_tree() };
        Value::Table(self.iter().map(entry).collect()).into()
    }
    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}
