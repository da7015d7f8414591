//! From a file or a text to a typed value.

use std::path::Path;

use toml::de::DeTable;

use crate::error::{ConfigError, ConfigErrors, Problem};
use crate::setting::{Cursor, Problems, Setting, Source};
use crate::tree::Tree;
use crate::value::SecretPlaces;

/// A document that stands for a whole value: read it with all of its errors.
pub(crate) fn parse<T: Setting>(file: &str, text: &str) -> Result<T, ConfigErrors> {
    let mut problems = Problems::new(Source { file, text });
    let tree = match well_formed(text, &mut problems) {
        Some(tree) => tree,
        None => return problems.finish(None),
    };
    let value = T::read(&Cursor::top(&tree), &mut problems);
    problems.finish(value)
}

/// The text of a file, or an error that names it.
pub(crate) fn read_file(path: &Path) -> Result<String, ConfigErrors> {
    std::fs::read_to_string(path).map_err(|error| {
        ConfigError {
            file: path.display().to_string(),
            place: None,
            key: String::new(),
            problem: Problem::Unreadable(error.to_string()),
        }
        .into()
    })
}

/// The secrets that a file names and that cannot be had here.
pub(crate) fn missing_secrets<T: Setting>(
    path: &Path,
    places: SecretPlaces<'_>,
) -> Result<Vec<ConfigError>, ConfigErrors> {
    let text = read_file(path)?;
    let file = path.display().to_string();
    let mut problems = Problems::new(Source { file: &file, text: &text });
    if let Some(tree) = well_formed(&text, &mut problems) {
        // What else is wrong with it is told by whoever loads it.
        let _ = T::read(&Cursor::top(&tree), &mut problems);
    }
    Ok(problems.missing_secrets(places))
}

/// Reads a value from a tree without lines, such as a JSON body; `file` names it in errors.
pub fn read_tree<T: Setting>(tree: &Tree, file: &str) -> Result<T, ConfigErrors> {
    let mut problems = Problems::new(Source { file, text: "" });
    let value = T::read(&Cursor::top(tree), &mut problems);
    problems.finish(value)
}

/// The same, with the paths of keys that no setting has; they are no errors.
pub(crate) fn read_tree_with_unknown<T: Setting>(
    tree: &Tree,
    file: &str,
) -> Result<(T, Vec<String>), ConfigErrors> {
    let mut problems = Problems::new(Source { file, text: "" });
    let value = T::read(&Cursor::top(tree), &mut problems);
    let unknown = problems.take_unknown();
    problems.finish(value).map(|value| (value, unknown))
}

/// The document as a tree; none when it is not well-formed, and then the problems say why.
pub(crate) fn well_formed(text: &str, problems: &mut Problems<'_>) -> Option<Tree> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map(|span| span.start);
        problems.push(at, "", Problem::Syntax(error.message().replace('\n', ", ")));
    }
    let mut too_big = Vec::new();
    let tree = Tree::from_toml(table.get_ref(), Some(0), &mut too_big);
    for number in &too_big {
        let reason = format!("the number {} is too large", number.text);
        problems.push(Some(number.at), "", Problem::Syntax(reason));
    }
    (errors.is_empty() && too_big.is_empty()).then_some(tree)
}
