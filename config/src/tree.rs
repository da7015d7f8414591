//! A document as it was read: values with the places they stand at, TOML and JSON alike.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use toml::de::{DeTable, DeValue};

/// What a secret shows as wherever it is not asked for by name.
pub const MASK: &str = "***";

/// One value and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// The value.
    pub value: Value,
    /// Byte offset in the document; none for values that came from no file.
    pub at: Option<usize>,
}

/// The value of a [`Tree`].
#[derive(Clone, PartialEq)]
pub enum Value {
    /// JSON `null`; TOML has none.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Text; TOML dates come as text too.
    Text(String),
    /// Text that is masked when serialised; readers treat it as text.
    Secret(String),
    /// A list.
    List(Vec<Tree>),
    /// A table, in the order of the document where that is known.
    Table(Vec<Entry>),
}

/// One key of a table and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Byte offset of the key.
    pub at: Option<usize>,
    /// Its value.
    pub value: Tree,
}

/// A number of a document that no setting could hold.
#[derive(Debug)]
pub(crate) struct TooBig {
    pub at: usize,
    pub text: String,
}

impl Tree {
    /// An empty table, as if nothing had been written.
    pub fn empty() -> Self {
        Value::Table(Vec::new()).into()
    }

    /// A table of these keys and values.
    pub fn table<const N: usize>(entries: [(&str, Tree); N]) -> Self {
        let entry = |(key, value): (&str, Tree)| Entry { key: key.to_owned(), at: None, value };
        Value::Table(entries.into_iter().map(entry).collect()).into()
    }

    /// The value under `key`, where this is a table that has it.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        let Value::Table(entries) = &self.value else { return None };
        entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The text of this value, secret or not.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Secret(text) => Some(text),
            Value::Null
            | Value::Bool(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::List(_)
            | Value::Table(_) => None,
        }
    }

    /// What an error calls this value.
    pub(crate) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".into(),
            Value::Bool(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Float(value) => value.to_string(),
            Value::Text(text) => format!("{text:?}"),
            Value::Secret(_) => "a secret".into(),
            Value::List(_) => "a list".into(),
            Value::Table(_) => "a table".into(),
        }
    }

    /// Fills secrets that came back masked from what they were, so that a row read from the API can be
    /// written back without knowing them.
    pub fn restore_secrets(&mut self, old: &Tree) {
        match (&mut self.value, &old.value) {
            (Value::Text(text), Value::Secret(secret)) if text == MASK => {
                self.value = Value::Secret(secret.clone());
            }
            (Value::Table(entries), _) => {
                for entry in entries {
                    if let Some(before) = old.get(&entry.key) {
                        entry.value.restore_secrets(before);
                    }
                }
            }
            (Value::List(items), Value::List(before)) => {
                for (item, before) in items.iter_mut().zip(before) {
                    item.restore_secrets(before);
                }
            }
            _ => {}
        }
    }

    /// JSON with the secrets in it, for the catalog's own store and nothing else.
    pub fn to_json_with_secrets(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => (*value).into(),
            Value::Integer(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::Text(text) | Value::Secret(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Tree::to_json_with_secrets).collect(),
            Value::Table(entries) => entries
                .iter()
                .filter(|entry| entry.value.value != Value::Null)
                .map(|entry| (entry.key.clone(), entry.value.to_json_with_secrets()))
                .collect(),
        }
    }

    pub(crate) fn from_toml(table: &DeTable<'_>, at: Option<usize>, too_big: &mut Vec<TooBig>) -> Self {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                at: Some(key.span().start),
                value: Self::from_toml_value(value.get_ref(), value.span().start, too_big),
            })
            .collect();
        entries.sort_by_key(|entry| entry.at);
        Self { value: Value::Table(entries), at }
    }

    fn from_toml_value(value: &DeValue<'_>, at: usize, too_big: &mut Vec<TooBig>) -> Self {
        let value = match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => {
                    too_big.push(TooBig { at, text: number.as_str().to_owned() });
                    Value::Integer(i64::MAX)
                }
            },
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => Value::Float(number),
                Err(_) => {
                    too_big.push(TooBig { at, text: number.as_str().to_owned() });
                    Value::Float(0.0)
                }
            },
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Datetime(value) => Value::Text(value.to_string()),
            DeValue::Array(items) => Value::List(
                items
                    .iter()
                    .map(|item| Self::from_toml_value(item.get_ref(), item.span().start, too_big))
                    .collect(),
            ),
            DeValue::Table(table) => return Self::from_toml(table, Some(at), too_big),
        };
        Self { value, at: Some(at) }
    }

    /// The value on one line, as TOML writes it; secrets are masked.
    pub fn to_toml(&self) -> String {
        match &self.value {
            Value::Null => "none".into(),
            Value::Bool(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Float(value) => toml::Value::from(*value).to_string(),
            Value::Text(text) => toml::Value::from(text.as_str()).to_string(),
            Value::Secret(_) => toml::Value::from(MASK).to_string(),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(Self::to_toml).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Table(entries) => {
                let entries: Vec<String> = entries
                    .iter()
                    .filter(|entry| entry.value.value != Value::Null)
                    .map(|entry| format!("{} = {}", toml_key(&entry.key), entry.value.to_toml()))
                    .collect();
                if entries.is_empty() { "{}".into() } else { format!("{{ {} }}", entries.join(", ")) }
            }
        }
    }
}

/// A key as TOML writes it: bare where it can be.
fn toml_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        return key.to_owned();
    }
    toml::Value::from(key).to_string()
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Secret(_) => f.write_str(MASK),
            Self::List(items) => items.fmt(f),
            Self::Table(entries) => entries.fmt(f),
        }
    }
}

impl From<Value> for Tree {
    fn from(value: Value) -> Self {
        Self { value, at: None }
    }
}
impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned()).into()
    }
}
impl From<String> for Tree {
    fn from(text: String) -> Self {
        Value::Text(text).into()
    }
}
impl From<bool> for Tree {
    fn from(value: bool) -> Self {
        Value::Bool(value).into()
    }
}
impl From<i64> for Tree {
    fn from(value: i64) -> Self {
        Value::Integer(value).into()
    }
}
impl<T: Into<Tree>, const N: usize> From<[T; N]> for Tree {
    fn from(items: [T; N]) -> Self {
        Value::List(items.into_iter().map(Into::into).collect()).into()
    }
}

impl From<&serde_json::Value> for Tree {
    fn from(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(number) => Value::Integer(number),
                None => Value::Float(number.as_f64().unwrap_or(f64::INFINITY)),
            },
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(items) => Value::List(items.iter().map(Tree::from).collect()),
            Json::Object(fields) => Value::Table(
                fields
                    .iter()
                    .map(|(key, value)| Entry { key: key.clone(), at: None, value: value.into() })
                    .collect(),
            ),
        }
        .into()
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_i64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Secret(_) => serializer.serialize_str(MASK),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Value::Table(entries) => {
                let mut table = serializer.serialize_map(None)?;
                for entry in entries.iter().filter(|entry| entry.value.value != Value::Null) {
                    table.serialize_entry(&entry.key, &entry.value)?;
                }
                table.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Value::Null.into())
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Tree, E> {
        Ok(value.into())
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Tree, E> {
        Ok(value.into())
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Tree, E> {
        i64::try_from(value)
            .map(Tree::from)
            .map_err(|_| E::custom(format_args!("the number {value} is too large")))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Value::Float(value).into())
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Tree, E> {
        Ok(text.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items).into())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry()? {
            entries.push(Entry { key, at: None, value });
        }
        Ok(Value::Table(entries).into())
    }
}
