use std::borrow::Cow;

use signalbox_invocation::Value;

/// A value within an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Datum<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    /// Microseconds of UTC.
    Date(i64),
    Truth(bool),
    /// A field or variable that is not there: an empty text, nought, not true.
    Missing,
}

impl<'a> Datum<'a> {
    pub(crate) fn from_value(value: &'a Value) -> Self {
        match value {
            Value::Number(number) => Self::Number(*number),
            Value::Text(text) => Self::Text(Cow::Borrowed(text)),
            Value::Date(micros) => Self::Date(*micros),
        }
    }

    pub(crate) fn owned(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    /// As a session variable keeps it: a truth is 1 or 0.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::Text(text.into_owned()),
            Self::Number(number) => Value::Number(number),
            Self::Date(micros) => Value::Date(micros),
            Self::Truth(truth) => Value::Number(f64::from(u8::from(truth))),
            Self::Missing => Value::Text(String::new()),
        }
    }

    /// The value on its own.
    pub(crate) fn into_owned(self) -> Datum<'static> {
        match self {
            Self::Text(text) => Datum::Text(Cow::Owned(text.into_owned())),
            Self::Number(number) => Datum::Number(number),
            Self::Date(micros) => Datum::Date(micros),
            Self::Truth(truth) => Datum::Truth(truth),
            Self::Missing => Datum::Missing,
        }
    }

    /// The number it is or writes.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => plain_number(text.trim()),
            Self::Truth(truth) => Some(f64::from(u8::from(*truth))),
            Self::Missing => Some(0.0),
            Self::Date(_) => None,
        }
    }

    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Truth(truth) => *truth,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty() && !text.eq_ignore_ascii_case("false") && text != "0",
            Self::Date(_) => true,
            Self::Missing => false,
        }
    }

    /// The kind of value, for error texts.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Date(_) => "a date",
            Self::Truth(_) => "true or false",
            Self::Missing => "missing",
        }
    }
}

/// Digits with an optional sign and fraction, as in a field of a contact list; thousands may be set apart by commas.
pub(crate) fn plain_number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let shaped = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.len() <= 32
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',');
    if !shaped {
        return None;
    }
    if !digits.contains(',') {
        return text.parse().ok();
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let grouped = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
    if !grouped || fraction.contains(',') {
        return None;
    }
    let bare: String = text.chars().filter(|c| *c != ',').collect();
    bare.parse().ok()
}

/// The first number that a person wrote somewhere in a text: "about 7,5 I think", "ten" is none.
pub(crate) fn number_in(text: &str) -> Option<f64> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ';' | '/' | '(' | ')' | '!' | '?' | ':')).find_map(
        |word| {
            let word = word.trim_matches(|c: char| !c.is_numeric() && c != '-' && c != '+');
            let word = word.trim_end_matches(|c: char| !c.is_numeric());
            plain_number(word).or_else(|| {
                // A comma in the place of the point.
                let (whole, fraction) = word.split_once(',')?;
                let short = fraction.len() <= 2 && !fraction.contains(['.', ',']) && !whole.contains('.');
                short.then(|| plain_number(&format!("{whole}.{fraction}")))?
            })
        },
    )
}
