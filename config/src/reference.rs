//! The commented reference of all keys, written from their declarations.

use std::fmt::Write;

use crate::catalog::Catalog;
use crate::setting::{Applies, Key, Setting, Shape};
use crate::settings::Settings;
use crate::tree::{Tree, Value};

/// All settings with their meaning and their defaults, as a TOML file that can be read.
pub fn reference_settings() -> String {
    reference::<Settings>(
        "Every setting of a node. A value is the default of its key unless the key is marked `example`: such a key\n\
         may be left out, or has no default and must be set. `restart` marks keys whose changes take effect at the\n\
         next start; all others do with a reload (SIGHUP).",
    )
}

/// All fields of all rows of the catalog with their meaning and their defaults, as a TOML file that can be read.
pub fn reference_catalog() -> String {
    reference::<Catalog>(
        "Every field of every row of the catalog: what an empty catalog is filled from and what `signalbox apply`\n\
         reads. A value is the default of its field unless the field is marked `example`: such a field may be left\n\
         out, or has no default and must be set.",
    )
}

fn reference<T: Setting>(introduction: &str) -> String {
    let mut text = String::new();
    comment(&mut text, introduction.lines());
    if let Shape::Table(keys) = T::shape() {
        table(&mut text, keys, "", None);
    }
    text
}

/// Writing to a `String` cannot fail.
macro_rules! put {
    ($text:expr, $($format:tt)*) => { let _ = writeln!($text, $($format)*); };
}

fn comment<'a>(text: &mut String, lines: impl Iterator<Item = &'a str>) {
    for line in lines {
        put!(text, "# {}", line.trim());
    }
}

/// Single values first, since in TOML they must stand before the tables below.
fn table(text: &mut String, keys: &'static [Key], path: &str, defaults: Option<&Tree>) {
    let (tables, values): (Vec<&Key>, Vec<&Key>) = keys.iter().partition(|key| is_table((key.shape)()));
    for key in values {
        value(text, key, defaults.and_then(|defaults| defaults.get(key.name)));
    }
    for key in tables {
        let path = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        let default = key.default.map(|default| default());
        let default = defaults.and_then(|defaults| defaults.get(key.name)).or(default.as_ref());
        put!(text, "");
        comment(text, key.doc.iter().copied());
        match (key.shape)() {
            Shape::Table(keys) => {
                put!(text, "[{path}]");
                table(text, keys, &path, default);
            }
            Shape::List(item) => {
                if let Shape::Table(keys) = item() {
                    put!(text, "[[{path}]]");
                    table(text, keys, &path, None);
                }
            }
            Shape::Scalar(_)
            | Shape::File
            | Shape::Typed { .. }
            | Shape::Range(..)
            | Shape::SignedRange(..)
            | Shape::Choice(_)
            | Shape::Map(_) => {}
        }
    }
}

fn value(text: &mut String, key: &Key, default: Option<&Tree>) {
    comment(text, key.doc.iter().copied());
    let mut marks = Vec::new();
    let value = match (default, key.default, key.example) {
        (Some(default), _, _) => default.clone(),
        (None, Some(default), _) => default(),
        (None, None, Some(example)) => {
            marks.push("example");
            example()
        }
        (None, None, None) => empty((key.shape)()),
    };
    if key.applies == Applies::OnRestart {
        marks.push("restart");
    }
    let marks = if marks.is_empty() { String::new() } else { format!(" # {}", marks.join(", ")) };
    put!(text, "{} = {}{marks}", key.name, value.to_toml());
}

fn empty(shape: Shape) -> Tree {
    match shape {
        Shape::Map(_) | Shape::Table(_) => Tree::empty(),
        Shape::List(_) => Value::List(Vec::new()).into(),
        Shape::Scalar(_)
        | Shape::File
        | Shape::Typed { .. }
        | Shape::Range(..)
        | Shape::SignedRange(..)
        | Shape::Choice(_) => "".into(),
    }
}

fn is_table(shape: Shape) -> bool {
    match shape {
        Shape::Table(_) => true,
        Shape::List(item) => matches!(item(), Shape::Table(_)),
        Shape::Scalar(_)
        | Shape::File
        | Shape::Typed { .. }
        | Shape::Range(..)
        | Shape::SignedRange(..)
        | Shape::Choice(_)
        | Shape::Map(_) => false,
    }
}
