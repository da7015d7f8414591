//! What stands at a place of a request or an answer.

use axum::http::HeaderMap;
use serde_json::Value;
use signalbox_config::value::Place;

/// A request or an answer that is looked into.
#[derive(Debug)]
pub struct Document<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
    /// Its body as JSON, where it is some.
    pub json: Option<Value>,
    /// The fields of its query, then those of its form.
    pub fields: Vec<(String, String)>,
}

impl<'a> Document<'a> {
    /// A document with a body, which may be JSON.
    pub fn new(headers: &'a HeaderMap, body: &'a [u8], fields: Vec<(String, String)>) -> Self {
        Self { headers, body, json: serde_json::from_slice(body).ok(), fields }
    }

    /// What stands at a place; `None` where there is nothing, or no single value.
    pub fn at(&self, place: &Place) -> Option<String> {
        self.at_within(place, self.json.as_ref())
    }

    /// The same, with places in JSON below `json`.
    pub fn at_within(&self, place: &Place, json: Option<&Value>) -> Option<String> {
        match place {
            Place::None => None,
            Place::Json(pointer) => word(json?.pointer(pointer)?),
            Place::Field(name) => {
                self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone())
            }
            Place::Header(name) => Some(self.headers.get(name.as_str())?.to_str().ok()?.trim().to_owned()),
            Place::Body => {
                let text = std::str::from_utf8(self.body).ok()?.trim();
                (!text.is_empty()).then(|| text.to_owned())
            }
            Place::Regex(regex) => {
                let text = String::from_utf8_lossy(self.body);
                let found = regex.captures(&text)?;
                Some(found.get(1).or_else(|| found.get(0))?.as_str().to_owned())
            }
        }
    }
}

/// A single value as text.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The fields of a query or a form (application/x-www-form-urlencoded).
pub fn form(text: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(text);
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescaped(name), unescaped(value))
        })
        .collect()
}

/// Octets of UTF-8 that `%` stands for, and spaces that `+` does.
fn unescaped(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| first == b'%').and_then(|digits| {
            u8::from_str_radix(std::str::from_utf8(digits).ok().filter(|digits| !digits.contains('+'))?, 16)
                .ok()
        });
        match (first, escaped) {
            (_, Some(octet)) => {
                octets.push(octet);
                rest = &after[2..];
                continue;
            }
            (b'+', None) => octets.push(b' '),
            (octet, None) => octets.push(octet),
        }
        rest = after;
    }
    String::from_utf8_lossy(&octets).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_at_their_places() {
        let mut headers = HeaderMap::new();
        headers.insert("x-id", " h1 ".parse().unwrap());
        let body = br#"{"a": [{"id": 17}, {"id": "x"}], "ok": true, "none": null}"#;
        let document = Document::new(&headers, body, form(b"id=f1&text=a+b%C3%A9%zz&empty"));
        let at = |place: &str| document.at(&place.parse().unwrap());
        assert_eq!(at("/a/0/id").as_deref(), Some("17"));
        assert_eq!(at("/a/1/id").as_deref(), Some("x"));
        assert_eq!(at("/ok").as_deref(), Some("true"));
        assert_eq!((at("/none"), at("/a"), at("/b"), at("none")), (None, None, None, None));
        assert_eq!(at("field:id").as_deref(), Some("f1"));
        assert_eq!(at("field:text").as_deref(), Some("a bé%zz"));
        assert_eq!(at("field:empty").as_deref(), Some(""));
        assert_eq!(at("header:X-Id").as_deref(), Some("h1"));
        assert_eq!(at(r#"regex:"id": "(\w)""#).as_deref(), Some("x"));
        assert_eq!(at("regex:tru.").as_deref(), Some("true"));
        assert!(at("body").unwrap().starts_with('{'));
    }

    #[test]
    fn what_is_no_json_has_no_places_in_it() {
        let headers = HeaderMap::new();
        let document = Document::new(&headers, b" 0: Accepted; id=9\n", Vec::new());
        assert_eq!(document.at(&"/id".parse().unwrap()), None);
        assert_eq!(document.at(&"body".parse().unwrap()).as_deref(), Some("0: Accepted; id=9"));
        assert_eq!(document.at(&"regex:id=([0-9]+)".parse().unwrap()).as_deref(), Some("9"));
    }
}
