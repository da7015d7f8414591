//! Names of the API, read from the declarations once: they are written down in one place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::DECLARATIONS;

/// Calls, and members of the entities.
pub(super) struct Names {
    /// Each call with the entity that it gives, if it gives one.
    pub(super) calls: BTreeMap<&'static str, Option<&'static str>>,
    /// Members by entity.
    pub(super) members: BTreeMap<&'static str, BTreeSet<&'static str>>,
}

pub(super) static NAMES: LazyLock<Names> = LazyLock::new(|| read(DECLARATIONS));

fn read(text: &'static str) -> Names {
    let mut names = Names { calls: BTreeMap::new(), members: BTreeMap::new() };
    let mut entity = None;
    let mut calls = Vec::new();
    for line in text.lines() {
        let word = |rest: &'static str| {
            let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            &rest[..end]
        };
        if let Some(rest) = line.strip_prefix("interface ") {
            entity = Some(word(rest));
        } else if line.starts_with('}') {
            entity = None;
        } else if let Some(rest) = line.strip_prefix("declare function ") {
            let gives = rest.rsplit_once("): ").map(|(_, gives)| word(gives));
            calls.push((word(rest), gives));
        } else if let (Some(entity), Some(rest)) = (entity, line.strip_prefix("  ")) {
            let member = word(rest.strip_prefix("readonly ").unwrap_or(rest));
            if !member.is_empty() {
                names.members.entry(entity).or_default().insert(member);
            }
        }
    }
    for (call, gives) in calls {
        names.calls.insert(call, gives.filter(|gives| names.members.contains_key(gives)));
    }
    names
}

/// Global names of the language that are there.
pub(super) const LANGUAGE: &[&str] = &[
    "AggregateError",
    "Array",
    "Boolean",
    "Date",
    "Error",
    "EvalError",
    "Infinity",
    "Iterator",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "Promise",
    "RangeError",
    "ReferenceError",
    "Reflect",
    "RegExp",
    "Set",
    "String",
    "Symbol",
    "SyntaxError",
    "TypeError",
    "URIError",
    "WeakMap",
    "WeakSet",
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "escape",
    "globalThis",
    "isFinite",
    "isNaN",
    "parseFloat",
    "parseInt",
    "undefined",
    "unescape",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_the_declarations() {
        assert_eq!(NAMES.calls.get("getContact"), Some(&Some("Contact")));
        assert_eq!(NAMES.calls.get("getCallPass"), Some(&Some("CallPass")));
        assert_eq!(NAMES.calls.get("sendTextMessage"), Some(&None));
        assert!(NAMES.members["Contact"].contains("field"));
        assert!(NAMES.members["ScriptContext"].contains("setStatus"));
        assert!(!NAMES.members["Contact"].contains("readonly"));
    }
}
