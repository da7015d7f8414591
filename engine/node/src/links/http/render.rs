//! Templates filled in, each field escaped for its place.

use std::fmt::Write;

use serde_json::{Map, Value};
use signalbox_config::value::{JsonForm, JsonTemplate, Piece, Template};

use super::fields::Fields;
use super::settings::HttpSettings;

/// Where a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// As it is.
    Nothing,
    /// In a URL or a form (RFC 3986 cl. 2.1): all but the unreserved characters as octets of UTF-8.
    Percent,
    /// In XML (XML 1.0 cl. 2.2, 2.4).
    Xml,
    /// In a header: without line ends and other control characters.
    Header,
}

impl Escape {
    fn put(self, value: &str, to: &mut String) {
        match self {
            Self::Nothing => to.push_str(value),
            Self::Percent => {
                for octet in value.bytes() {
                    if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
                        to.push(char::from(octet));
                    } else {
                        // Writing to a string cannot fail.
                        let _ = write!(to, "%{octet:02X}");
                    }
                }
            }
            Self::Xml => {
                for letter in value.chars() {
                    match letter {
                        '<' => to.push_str("&lt;"),
                        '>' => to.push_str("&gt;"),
                        '&' => to.push_str("&amp;"),
                        '"' => to.push_str("&quot;"),
                        '\'' => to.push_str("&apos;"),
                        // A bare carriage return would be read as a line feed (cl. 2.11).
                        '\r' => to.push_str("&#13;"),
                        '\t' | '\n' => to.push(letter),
                        // No document may have them, not even escaped.
                        '\u{fffe}' | '\u{ffff}' => to.push('\u{fffd}'),
                        letter if letter < ' ' => to.push('\u{fffd}'),
                        letter => to.push(letter),
                    }
                }
            }
            Self::Header => {
                to.extend(value.chars().map(|letter| if letter.is_control() { ' ' } else { letter }));
            }
        }
    }
}

/// A template filled in; fields that are absent are empty.
pub(super) fn text(template: &Template, escape: Escape, fields: &Fields, settings: &HttpSettings) -> String {
    let mut text = String::new();
    for piece in template.pieces() {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Field(field) => escape.put(&fields.value(*field).unwrap_or_default(), &mut text),
            Piece::Secret(name) => {
                let secret = settings.secrets.get(name).map_or("", |secret| secret.0.as_str());
                escape.put(secret, &mut text);
            }
        }
    }
    text
}

/// A JSON document filled in; `None` where nothing is left of it.
pub(super) fn json(template: &JsonTemplate, fields: &Fields, settings: &HttpSettings) -> Option<Value> {
    match template {
        JsonTemplate::Plain(value) => Some(value.clone()),
        JsonTemplate::Leaf(template, form) => leaf(template, *form, fields, settings),
        JsonTemplate::List(items) => {
            Some(Value::Array(items.iter().filter_map(|item| json(item, fields, settings)).collect()))
        }
        JsonTemplate::Object(members) => {
            let filled: Map<String, Value> = members
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), json(value, fields, settings)?)))
                .collect();
            (members.is_empty() || !filled.is_empty()).then_some(Value::Object(filled))
        }
    }
}

fn leaf(template: &Template, form: JsonForm, fields: &Fields, settings: &HttpSettings) -> Option<Value> {
    let [Piece::Field(field)] = template.pieces() else {
        return Some(text(template, Escape::Nothing, fields, settings).into());
    };
    let value = fields.value(*field)?;
    match form {
        JsonForm::Text => Some(value.into_owned().into()),
        JsonForm::Bool => Some((value == "true").into()),
        // What is no number is told as the text it is.
        JsonForm::Number => {
            Some(value.parse::<u64>().map_or_else(|_| value.into_owned().into(), Value::from))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(escape: Escape, value: &str) -> String {
        let mut text = String::new();
        escape.put(value, &mut text);
        text
    }

    #[test]
    fn each_place_has_its_escapes() {
        let nasty = "a b&c=d<e>\"f'/g+h%i\r\n\u{1}é😀";
        assert_eq!(
            escaped(Escape::Percent, nasty),
            "a%20b%26c%3Dd%3Ce%3E%22f%27%2Fg%2Bh%25i%0D%0A%01%C3%A9%F0%9F%98%80"
        );
        assert_eq!(escaped(Escape::Xml, nasty), "a b&amp;c=d&lt;e&gt;&quot;f&apos;/g+h%i&#13;\n\u{fffd}é😀");
        assert_eq!(escaped(Escape::Header, "a\r\nX-Evil: 1\u{7f}"), "a  X-Evil: 1 ");
    }
}
