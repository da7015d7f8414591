//! Texts with fields: what an HTTP link writes into URLs, headers and bodies.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::Name;
use crate::setting::{choices, text_setting};

choices! {
    /// What a template can say of a message.
    pub enum MessageField {
        /// The device's number as it is.
        To = "to",
        /// The device's number, with `+` if it is international.
        ToPlus = "to_plus",
        /// The sender as it is.
        From = "from",
        /// The sender, with `+` if it is an international number.
        FromPlus = "from_plus",
        /// The text; absent where the content is none.
        Text = "text",
        /// The octets without their header, in hexadecimal digits.
        Data = "data",
        /// The user data header with its length octet, in hexadecimal digits; absent where there is none.
        Udh = "udh",
        /// data_coding, 0 to 255.
        Coding = "coding",
        /// `true` for a message of class 0, which is shown at once.
        Flash = "flash",
        /// Our id of the message, the same in each attempt.
        Id = "id",
        /// Which attempt it is, from 1.
        Attempt = "attempt",
        /// Which part of a longer message it is, from 1; absent where it is none.
        Part = "part",
        /// How many parts there are; absent likewise.
        Parts = "parts",
        /// What the parts of one message have in common; absent likewise.
        Reference = "reference",
        /// End of validity (RFC 3339, UTC).
        ExpiresAt = "expires_at",
        /// Seconds to the end of validity.
        ValidFor = "valid_for",
        /// `final` where a receipt is asked for, else `none`.
        Receipt = "receipt",
        /// `true` where a receipt is asked for.
        WantsReceipt = "wants_receipt",
        /// `true` where notices on the way are wanted too.
        Intermediate = "intermediate",
        /// `otp`, `reply`, `transactional` or `bulk`.
        Class = "class",
        /// priority_flag.
        Priority = "priority",
        /// service_type; absent where it is empty.
        ServiceType = "service_type",
        /// TP-PID (3GPP TS 23.040, 9.2.3.9).
        ProtocolId = "protocol_id",
        /// `true` where it replaces an earlier one like it.
        Replace = "replace",
        /// The name of the link.
        Link = "link",
        /// Where receipts are to be called back: `callback.base` and `/v1/links/NAME/receipts`.
        ReceiptUrl = "receipt_url",
        /// Where MO messages are to be called back: `callback.base` and `/v1/links/NAME/mo`.
        MoUrl = "mo_url",
    }
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// A field of the message.
    Field(MessageField),
    /// A secret of the link, by its name.
    Secret(Name),
}

/// A text with fields in braces: `{to}`, or `{secret.NAME}`; `{{` and `}}` are braces themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

const TEMPLATE: &str = "text with fields such as {to}, {text} or {secret.NAME}; {{ and }} stand for braces";

text_setting!(Template, TEMPLATE);

impl Template {
    /// Its pieces, in their order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The names of the secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &Name> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Secret(name) => Some(name),
            Piece::Text(_) | Piece::Field(_) => None,
        })
    }
}

impl FromStr for Template {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let end = rest.find('}').filter(|_| brace == "{").ok_or_else(|| TEMPLATE.to_owned())?;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(piece(&rest[..end])?);
            rest = &rest[end + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self { text: text.to_owned(), pieces })
    }
}

fn piece(name: &str) -> Result<Piece, String> {
    match name.strip_prefix("secret.") {
        Some(name) => name.parse().map(Piece::Secret),
        None => name
            .parse()
            .map(Piece::Field)
            .map_err(|expected| format!("a field: {expected}, or `secret.NAME`; not `{name}`")),
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text of a body: up to 16 KiB, line ends allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyText(String);

const BODY: &str = "text of 1 to 16384 octets";

text_setting!(BodyText, BODY);

impl FromStr for BodyText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > 16_384 {
            return Err(BODY.into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for BodyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How the value of a member of a JSON body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonForm {
    /// As a string.
    Text,
    /// As a whole number: `"{coding:number}"`.
    Number,
    /// As true or false: `"{flash:bool}"`.
    Bool,
}

/// A JSON document whose strings are templates. A member whose string is one field alone is left out where the field
/// is absent, and so is an object that is left with no members.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonTemplate {
    /// Null, true, false or a number, as it is.
    Plain(serde_json::Value),
    /// A string.
    Leaf(Template, JsonForm),
    /// A list.
    List(Vec<JsonTemplate>),
    /// An object.
    Object(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    fn of(value: serde_json::Value) -> Result<Self, String> {
        use serde_json::Value;
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(Self::Plain(value)),
            Value::String(text) => leaf(&text),
            Value::Array(items) => Ok(Self::List(items.into_iter().map(Self::of).collect::<Result<_, _>>()?)),
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| Ok((name, Self::of(value)?)));
                Ok(Self::Object(members.collect::<Result<_, String>>()?))
            }
        }
    }

    /// The names of the secrets in it.
    pub fn secrets(&self) -> Vec<&Name> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Leaf(template, _) => template.secrets().collect(),
            Self::List(items) => items.iter().flat_map(Self::secrets).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, value)| value.secrets()).collect(),
        }
    }
}

fn leaf(text: &str) -> Result<JsonTemplate, String> {
    for (suffix, form) in [(":number}", JsonForm::Number), (":bool}", JsonForm::Bool)] {
        if let Some(field) = text.strip_suffix(suffix) {
            let template: Template = format!("{field}}}").parse()?;
            let [Piece::Field(_)] = template.pieces() else {
                return Err(format!("one field alone before `{}`", &suffix[..suffix.len() - 1]));
            };
            return Ok(JsonTemplate::Leaf(template, form));
        }
    }
    Ok(JsonTemplate::Leaf(text.parse()?, JsonForm::Text))
}

impl FromStr for JsonTemplate {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let value = serde_json::from_str(text).map_err(|error| format!("a json document: {error}"))?;
        Self::of(value)
    }
}

/// A status or several of an HTTP answer (RFC 9110, 15): `200`, `2xx` or `200-204`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpStatuses {
    first: u16,
    last: u16,
}

const STATUSES: &str = "statuses such as \"200\", \"2xx\" or \"200-204\"";

text_setting!(HttpStatuses, STATUSES);

impl HttpStatuses {
    /// Whether a status is among them.
    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl FromStr for HttpStatuses {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.parse::<u16>().ok().filter(|status| (100..600).contains(status)).ok_or(STATUSES)
        };
        if let Some(hundreds) = text.strip_suffix("xx") {
            let first = number(&format!("{hundreds}00"))?;
            return Ok(Self { first, last: first + 99 });
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let statuses = Self { first: number(first)?, last: number(last)? };
        if statuses.first > statuses.last { Err(STATUSES.into()) } else { Ok(statuses) }
    }
}

impl fmt::Display for HttpStatuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last } = self;
        if first == last {
            write!(f, "{first}")
        } else if first % 100 == 0 && *last == first + 99 {
            write!(f, "{}xx", first / 100)
        } else {
            write!(f, "{first}-{last}")
        }
    }
}

/// The name of a header (RFC 9110, 5.1), in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeaderName(String);

const HEADER: &str = "the name of a header such as \"X-Api-Key\"";

text_setting!(HeaderName, HEADER);

impl HeaderName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HeaderName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let token = |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet);
        if text.is_empty() || text.len() > 64 || !text.bytes().all(token) {
            return Err(HEADER.into());
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Secrets of a link by the names that its templates use.
pub type Secrets = BTreeMap<Name, super::Secret>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_in_braces() {
        let template: Template = "a{{{to}}}&k={secret.key}".parse().unwrap();
        let key: Name = "key".parse().unwrap();
        assert_eq!(
            template.pieces(),
            [
                Piece::Text("a{".into()),
                Piece::Field(MessageField::To),
                Piece::Text("}&k=".into()),
                Piece::Secret(key.clone())
            ]
        );
        assert_eq!(template.secrets().collect::<Vec<_>>(), [&key]);
        assert_eq!(template.to_string(), "a{{{to}}}&k={secret.key}");
        for wrong in ["{", "}", "{to", "{nothing}", "{}", "{secret.}", "a}b"] {
            assert!(wrong.parse::<Template>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn strings_of_json_are_templates() {
        let body: JsonTemplate =
            r#"{"a": ["+{to}", 1, null], "b": {"c": "{coding:number}"}}"#.parse().unwrap();
        let JsonTemplate::Object(members) = body else { panic!("an object") };
        let coding = JsonTemplate::Leaf("{coding}".parse().unwrap(), JsonForm::Number);
        assert_eq!(members[1], ("b".into(), JsonTemplate::Object(vec![("c".into(), coding)])));
        for wrong in ["{", "{\"a\": \"{what}\"}", "\"x{coding:number}\"", "\"{to}{coding:bool}\""] {
            assert!(wrong.parse::<JsonTemplate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn statuses_are_one_or_a_range() {
        let of = |text: &str| text.parse::<HttpStatuses>();
        assert!(of("2xx").unwrap().contains(299) && !of("2xx").unwrap().contains(300));
        assert!(of("200").unwrap().contains(200) && !of("200").unwrap().contains(201));
        assert!(of("200-204").unwrap().contains(204));
        for text in ["2xx", "404", "500-503"] {
            assert_eq!(of(text).unwrap().to_string(), text);
        }
        for wrong in ["", "9xx", "99", "204-200", "2x"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
