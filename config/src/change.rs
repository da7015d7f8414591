//! What differs between two versions of settings or rows, and when it takes effect.

use std::fmt;

use crate::setting::{Applies, Setting, Shape};
use crate::tree::{Tree, Value};

/// One key that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key as a path; rows and listeners are named, as in `smpp.listen[smpp].address`.
    pub key: String,
    /// The value before, as TOML writes it with secrets masked; none where there was none.
    pub before: Option<String>,
    /// The value after.
    pub after: Option<String>,
    /// When it takes effect.
    pub applies: Applies,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) if before == after => write!(f, "{}: changed", self.key)?,
            (Some(before), Some(after)) => write!(f, "{}: {before} -> {after}", self.key)?,
            (None, Some(after)) => write!(f, "{}: added {after}", self.key)?,
            (Some(before), None) => write!(f, "{}: removed {before}", self.key)?,
            (None, None) => write!(f, "{}: changed", self.key)?,
        }
        match self.applies {
            Applies::OnReload => Ok(()),
            Applies::OnRestart => f.write_str(" (takes effect at the next start)"),
        }
    }
}

/// All keys that differ, in the order of their declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(pub Vec<Change>);

impl Changes {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes that the next reload cannot carry out.
    pub fn needing_restart(&self) -> impl Iterator<Item = &Change> {
        self.0.iter().filter(|change| change.applies == Applies::OnRestart)
    }

    /// Whether a reload has anything to do in this section, such as `smpp`.
    pub fn reloads(&self, section: &str) -> bool {
        self.0.iter().filter(|change| change.applies == Applies::OnReload).any(|change| {
            let rest = change.key.strip_prefix(section);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }
}

/// What differs between two values of the same type.
pub(crate) fn between<T: Setting>(before: &T, after: &T) -> Changes {
    let mut changes = Changes::default();
    let comparison = Comparison { path: String::new(), applies: Applies::OnReload };
    comparison.compare(T::shape(), Some(&before.to_tree()), Some(&after.to_tree()), &mut changes.0);
    changes
}

impl crate::Settings {
    /// What differs in `after`, and what of it a reload carries out.
    pub fn changes_to(&self, after: &Self) -> Changes {
        between(self, after)
    }
}

struct Comparison {
    path: String,
    applies: Applies,
}

impl Comparison {
    fn compare(&self, shape: Shape, before: Option<&Tree>, after: Option<&Tree>, changes: &mut Vec<Change>) {
        let before = before.filter(|tree| tree.value != Value::Null);
        let after = after.filter(|tree| tree.value != Value::Null);
        if before == after {
            return;
        }
        match (shape, before, after) {
            (Shape::Table(keys), Some(before), Some(after)) => {
                for key in keys {
                    let dot = if self.path.is_empty() { "" } else { "." };
                    let path = format!("{}{dot}{}", self.path, key.name);
                    let inner = Self { path, applies: key.applies };
                    inner.compare((key.shape)(), before.get(key.name), after.get(key.name), changes);
                }
            }
            (Shape::List(item), Some(before), Some(after)) if is_named(item()) => {
                self.compare_rows(item(), items(before), items(after), changes);
            }
            (_, before, after) => changes.push(Change {
                key: self.path.clone(),
                before: before.map(Tree::to_toml),
                after: after.map(Tree::to_toml),
                applies: self.applies,
            }),
        }
    }

    fn compare_rows(&self, shape: Shape, before: &[Tree], after: &[Tree], changes: &mut Vec<Change>) {
        let find = |rows: &[Tree], name: Option<&str>| -> Option<usize> {
            rows.iter().position(|row| name_of(row) == name)
        };
        let row = |name: Option<&str>| Self {
            path: format!("{}[{}]", self.path, name.unwrap_or_default()),
            applies: self.applies,
        };
        for old in before {
            let name = name_of(old);
            let new = find(after, name).map(|index| &after[index]);
            row(name).compare(shape, Some(old), new, changes);
        }
        for new in after.iter().filter(|new| find(before, name_of(new)).is_none()) {
            row(name_of(new)).compare(shape, None, Some(new), changes);
        }
    }
}

fn items(tree: &Tree) -> &[Tree] {
    match &tree.value {
        Value::List(items) => items,
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Secret(_)
        | Value::Table(_) => &[],
    }
}

fn is_named(shape: Shape) -> bool {
    matches!(shape, Shape::Table(keys) if keys.iter().any(|key| key.name == "name"))
}

fn name_of(row: &Tree) -> Option<&str> {
    row.get("name").and_then(Tree::text)
}
