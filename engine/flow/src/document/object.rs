use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::problem::Severity;

/// What was found wrong, by path; the places are looked up at the end.
pub(crate) type Findings = RefCell<Vec<(Severity, String, String)>>;

/// An object of the document, read key by key; keys nobody asks for are problems.
pub(crate) struct Object<'d> {
    pub path: String,
    map: &'d Map<String, Value>,
    asked: RefCell<BTreeSet<&'static str>>,
    findings: &'d Findings,
}

impl<'d> Object<'d> {
    pub(crate) fn of(value: &'d Value, path: String, findings: &'d Findings) -> Option<Self> {
        match value.as_object() {
            Some(map) => Some(Self { path, map, asked: RefCell::default(), findings }),
            None => {
                let message = format!("an object was expected, not {}", kind(value));
                findings.borrow_mut().push((Severity::Error, path, message));
                None
            }
        }
    }

    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(crate) fn error(&self, key: &str, message: impl Into<String>) {
        let path = if key.is_empty() { self.path.clone() } else { self.path_of(key) };
        self.findings.borrow_mut().push((Severity::Error, path, message.into()));
    }

    /// A warning whose path is told in full.
    pub(crate) fn warning_at(&self, path: &str, message: String) {
        self.findings.borrow_mut().push((Severity::Warning, path.to_owned(), message));
    }

    /// A value, if its key is there; `null` is not there.
    pub(crate) fn get(&self, key: &'static str) -> Option<&'d Value> {
        self.asked.borrow_mut().insert(key);
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn of_kind<T>(
        &self,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&'d Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let found = read(value);
        if found.is_none() {
            self.error(key, format!("{wanted} was expected, not {}", kind(value)));
        }
        found
    }

    pub(crate) fn text(&self, key: &'static str) -> Option<&'d str> {
        self.of_kind(key, "a text", Value::as_str)
    }

    pub(crate) fn flag(&self, key: &'static str) -> bool {
        self.of_kind(key, "true or false", Value::as_bool).unwrap_or(false)
    }

    pub(crate) fn number(&self, key: &'static str) -> Option<f64> {
        self.of_kind(key, "a number", Value::as_f64)
    }

    pub(crate) fn whole(&self, key: &'static str) -> Option<i64> {
        self.of_kind(key, "a whole number", Value::as_i64)
    }

    /// A whole number within bounds.
    pub(crate) fn within(&self, key: &'static str, least: u32, most: u32) -> Option<u32> {
        let number = self.whole(key)?;
        match u32::try_from(number) {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            Ok(_) | Err(_) => {
                self.error(key, format!("{number} is not within {least} and {most}"));
                None
            }
        }
    }

    pub(crate) fn list(&self, key: &'static str) -> Option<&'d Vec<Value>> {
        self.of_kind(key, "a list", Value::as_array)
    }

    pub(crate) fn object(&self, key: &'static str) -> Option<Object<'d>> {
        let value = self.get(key)?;
        Object::of(value, self.path_of(key), self.findings)
    }

    pub(crate) fn objects(&self, key: &'static str) -> Vec<Object<'d>> {
        let list = self.list(key).map(Vec::as_slice).unwrap_or_default();
        list.iter()
            .enumerate()
            .filter_map(|(at, value)| Object::of(value, format!("{}.{at}", self.path_of(key)), self.findings))
            .collect()
    }

    /// A value that has to be there.
    pub(crate) fn required<T>(&self, key: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && self.get(key).is_none() {
            let path = if self.path.is_empty() { "the flow" } else { "this" };
            self.error("", format!("{path} has no `{key}`"));
        }
        value
    }

    /// One of some words.
    pub(crate) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.error(key, format!("`{text}` is none of {}", known.join(", ")));
        }
        found
    }

    /// Tells the keys that nothing asked for.
    pub(crate) fn close(&self) {
        let asked = self.asked.borrow();
        for key in self.map.keys().filter(|key| !asked.contains(key.as_str())) {
            let known: Vec<&str> = asked.iter().copied().collect();
            self.error(key, format!("there is no such key here; there are {}", known.join(", ")));
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'d String, Option<Object<'d>>)> {
        self.map.iter().map(|(key, value)| (key, Object::of(value, self.path_of(key), self.findings)))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
