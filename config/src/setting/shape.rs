//! What settings look like: names, documentation, defaults; for errors, the reference file and schemas.

use serde_json::{Map, Value as Json, json};

use crate::tree::Tree;

/// The form of a value.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// One value: what it must be, in words that complete "expected ...".
    Scalar(&'static str),
    /// The path of a file that must be readable.
    File,
    /// One value in JSON's own type.
    Typed {
        /// What it must be, in words.
        expects: &'static str,
        /// The JSON type: `integer`, `number` or `boolean`.
        json: &'static str,
    },
    /// A whole number between two bounds, both included.
    Range(u64, u64),
    /// The same for numbers that may be below nothing.
    SignedRange(i64, i64),
    /// One of several words.
    Choice(&'static [&'static str]),
    /// A table with these keys.
    Table(&'static [Key]),
    /// A list of values of one form.
    List(fn() -> Shape),
    /// A table with keys of the operator's choosing.
    Map(fn() -> Shape),
}

/// One key of a table.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it means, line by line.
    pub doc: &'static [&'static str],
    /// Its value when it is not there, where it has one.
    pub default: Option<fn() -> Tree>,
    /// A value to show in the reference, where it has no default.
    pub example: Option<fn() -> Tree>,
    /// When a change of it takes effect.
    pub applies: Applies,
    /// The form of its value.
    pub shape: fn() -> Shape,
    /// Whether the document must hold it.
    pub required: fn() -> bool,
}

/// When a changed setting takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Applies {
    /// With the next reload (SIGHUP).
    OnReload,
    /// When the node starts again.
    OnRestart,
}

impl Key {
    /// The documentation as one text.
    pub fn documentation(&self) -> String {
        self.doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    }
}

impl Shape {
    /// What a value of this form must be, in words that complete "expected ...".
    pub fn expects(self) -> String {
        match self {
            Self::Scalar(expects) | Self::Typed { expects, .. } => expects.to_owned(),
            Self::File => "the path of a file".to_owned(),
            Self::Range(low, high) if low == high => format!("the number {low}"),
            Self::Range(low, high) => format!("a whole number from {low} to {high}"),
            Self::SignedRange(low, high) => format!("a whole number from {low} to {high}"),
            Self::Choice(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                format!("one of {}", quoted.join(", "))
            }
            Self::Table(_) | Self::Map(_) => "a table".to_owned(),
            Self::List(item) => format!("a list, each item {}", item().expects()),
        }
    }

    /// The JSON schema of a value of this form, for the OpenAPI document.
    pub fn json_schema(self) -> Json {
        match self {
            Self::Scalar(expects) => json!({ "type": "string", "description": expects }),
            Self::File => json!({ "type": "string", "description": self.expects() }),
            Self::Typed { expects, json } => json!({ "type": json, "description": expects }),
            Self::Range(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
            Self::SignedRange(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
            Self::Choice(words) => json!({ "type": "string", "enum": words }),
            Self::List(item) => json!({ "type": "array", "items": item().json_schema() }),
            Self::Map(value) => json!({ "type": "object", "additionalProperties": value().json_schema() }),
            Self::Table(keys) => {
                let mut properties = Map::new();
                for key in keys {
                    let mut schema = (key.shape)().json_schema();
                    schema["description"] = key.documentation().into();
                    if let Some(default) = key.default {
                        schema["default"] = default().to_json_with_secrets();
                    }
                    properties.insert(key.name.to_owned(), schema);
                }
                let required: Vec<&str> =
                    keys.iter().filter(|key| (key.required)()).map(|key| key.name).collect();
                json!({
                    "type": "object",
                    "additionalProperties": false,
                    "properties": properties,
                    "required": required,
                })
            }
        }
    }
}
