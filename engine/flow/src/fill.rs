//! Fixed texts with fields in braces: the help and opt-out texts of a sub-campaign (OPT-05).

use std::collections::BTreeMap;

use signalbox_invocation::{Invocation, Value};
use signalbox_text::fold;

/// Longest name within braces, in characters; what is longer is text.
const MAX_NAME: usize = 64;
/// Longest result in octets; values behind it are left out.
const MAX_FILLED: usize = 16 << 10;

/// A text whose fields are filled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// The text.
    pub text: String,
    /// Names that nothing was found for; an empty text stands for each.
    pub missing: Vec<String>,
}

/// Fills each `{field}` of a text; what is missing is empty. `{{` and `}}` are braces.
///
/// A field is `first_name`, `last_name`, `name`, `company`, `email`, `client_id`, `source_address`, `account`,
/// `campaign`, `pass`, else a field of the contact as it was submitted with the list, else a session variable, else a
/// kept value; upper case, accents and `_` for a blank make no difference. `contact.`, `fields.`, `variable.` and
/// `stored.` before it say which is meant.
#[must_use]
pub fn fill(text: &str, invocation: &Invocation) -> String {
    fill_noting(text, invocation).text
}

/// As [`fill`], with the names of what is missing.
#[must_use]
pub fn fill_noting(text: &str, invocation: &Invocation) -> Filled {
    let mut filled = Filled::default();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        filled.text.push_str(&rest[..at]);
        let sign = &rest[at..at + 1];
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix(sign) {
            filled.text.push_str(sign);
            rest = behind;
            continue;
        }
        let name = (sign == "{").then(|| rest.split_once('}')).flatten().filter(|(name, _)| is_name(name));
        let Some((name, behind)) = name else {
            filled.text.push_str(sign);
            continue;
        };
        rest = behind;
        match find(name.trim(), invocation) {
            Some(value) if filled.text.len() + value.len() <= MAX_FILLED => filled.text.push_str(&value),
            Some(_) | None => filled.missing.push(name.trim().to_owned()),
        }
    }
    filled.text.push_str(rest);
    filled
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | ' ' | '-' | '.');
    !name.trim().is_empty() && name.chars().count() <= MAX_NAME && name.chars().all(fits)
}

fn find(name: &str, given: &Invocation) -> Option<String> {
    let contact = &given.contact;
    let wanted = plain(name);
    for (prefix, values) in [("variable.", &given.conversation.variables), ("stored.", &given.stored)] {
        if let Some(short) = wanted.strip_prefix(prefix) {
            return kept(values, short);
        }
    }
    let short = wanted.strip_prefix("contact.").unwrap_or(&wanted);
    let short = short.strip_prefix("fields.").unwrap_or(short);
    let full;
    let known = match short {
        "first name" => Some(&contact.first_name),
        "last name" => Some(&contact.last_name),
        "name" => {
            full = format!("{} {}", contact.first_name, contact.last_name).trim().to_owned();
            Some(&full)
        }
        "company" => Some(&contact.company),
        "email" => Some(&contact.email),
        "client id" => Some(&contact.client_id),
        "source address" => Some(&given.conversation.source_address),
        "account" => Some(&given.account.name),
        "campaign" => Some(&given.sub_campaign.campaign),
        "pass" => given.call_pass.as_ref().map(|pass| &pass.name),
        _ => None,
    };
    let known = known.filter(|value| !value.is_empty()).cloned();
    let field = || {
        contact.fields.get(name).or_else(|| {
            contact.fields.iter().find(|(field, _)| plain(field) == short).map(|(_, value)| value)
        })
    };
    known
        .or_else(|| field().filter(|value| !value.is_empty()).cloned())
        .or_else(|| kept(&given.conversation.variables, short))
        .or_else(|| kept(&given.stored, short))
}

fn kept(values: &BTreeMap<String, Value>, name: &str) -> Option<String> {
    let (_, value) = values.iter().find(|(kept, _)| plain(kept) == name)?;
    Some(match value {
        // A date is written as expressions write it.
        Value::Date(micros) => crate::expression::plain_date(*micros),
        Value::Number(_) | Value::Text(_) => value.to_string(),
    })
}

fn plain(name: &str) -> String {
    fold(&name.replace('_', " "))
}
