//! Texts with embedded values: `Hi @contact.first_name, you have @score of @(rounds * 10) points`.

use std::fmt::Write as _;

use crate::expression::{Evaluator, Node, Place, SyntaxError, Trouble, parse_embedded, place};

/// How an embedded value is written, so that no value breaks the form around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Escape {
    /// As it is.
    #[default]
    None,
    /// As within quotes in JSON.
    Json,
    /// Percent-encoded (RFC 3986, all but unreserved).
    Percent,
}

/// A text with embedded values.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    parts: Vec<Part>,
    escape: Escape,
    /// Session variables and kept values it looks at.
    pub variables: Vec<String>,
    pub stored: Vec<String>,
}

#[derive(Clone, Debug)]
enum Part {
    Fixed(String),
    Computed(Node),
}

impl Template {
    pub(crate) fn parse(text: &str, escape: Escape) -> Result<Self, SyntaxError> {
        let mut template = Self { parts: Vec::new(), escape, variables: Vec::new(), stored: Vec::new() };
        let mut fixed = String::new();
        let mut at = 0;
        while let Some(found) = text[at..].find('@') {
            let sign = at + found;
            fixed.push_str(&text[at..sign]);
            let behind = &text[sign + 1..];
            // The sign of an email address stands within a word.
            let within = text[at..sign].ends_with(|c: char| c.is_alphanumeric());
            if behind.starts_with('@') {
                fixed.push('@');
                at = sign + 2;
            } else if behind.starts_with('(') {
                let (parsed, end) = parse_embedded(text, sign + 2)?;
                template.variables.extend(parsed.variables);
                template.stored.extend(parsed.stored);
                template.computed(&mut fixed, parsed.node);
                at = end;
            } else if !within && behind.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                let length = path_length(behind);
                let path: Vec<String> = behind[..length].split('.').map(str::to_owned).collect();
                let found = place(&path).map_err(|message| SyntaxError::at(text, sign + 1, message))?;
                match &found {
                    Place::Variable(name) => template.variables.push(name.clone()),
                    Place::Stored(name) => template.stored.push(name.clone()),
                    _ => {}
                }
                template.computed(&mut fixed, Node::Place(found, behind[..length].to_owned()));
                at = sign + 1 + length;
            } else {
                fixed.push('@');
                at = sign + 1;
            }
        }
        fixed.push_str(&text[at..]);
        if !fixed.is_empty() {
            template.parts.push(Part::Fixed(fixed));
        }
        Ok(template)
    }

    fn computed(&mut self, fixed: &mut String, node: Node) {
        if !fixed.is_empty() {
            self.parts.push(Part::Fixed(std::mem::take(fixed)));
        }
        self.parts.push(Part::Computed(node));
    }

    /// The text with its values, which must not be longer than so many octets.
    pub(crate) fn write<'e>(&'e self, at: &mut Evaluator<'e>, limit: usize) -> Result<String, Trouble> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Fixed(text) => out.push_str(text),
                Part::Computed(node) => {
                    let value = at.value(node)?;
                    let text = at.text(&value);
                    at.budget.text(text.len())?;
                    escape(&text, self.escape, &mut out);
                }
            }
            if out.len() > limit {
                let what = "octets of a text with its values".to_owned();
                let excess =
                    signalbox_invocation::Excess { what, found: out.len() as u64, limit: limit as u64 };
                return Err(Trouble::Failed(excess.into()));
            }
        }
        Ok(out)
    }
}

/// A path ends before a dot that no name follows: the end of a sentence.
fn path_length(text: &str) -> usize {
    let name = |text: &str| text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    let mut length = name(text);
    while let Some(rest) = text[length..].strip_prefix('.') {
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            break;
        }
        length += 1 + name(rest);
    }
    length
}

fn escape(text: &str, escape: Escape, out: &mut String) {
    match escape {
        Escape::None => out.push_str(text),
        Escape::Json => {
            let quoted = serde_json::Value::from(text).to_string();
            out.push_str(&quoted[1..quoted.len() - 1]);
        }
        Escape::Percent => {
            for octet in text.bytes() {
                if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
                    out.push(char::from(octet));
                } else {
                    // Writing into a string cannot fail.
                    let _ = write!(out, "%{octet:02X}");
                }
            }
        }
    }
}
