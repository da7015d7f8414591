//! Regular expressions of rules.

use std::fmt;
use std::str::FromStr;

use crate::setting::text_setting;

/// A regular expression of at most 1000 octets that compiles within 1 MiB; it is matched in linear time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Expression(String);

const EXPRESSION: &str = "a regular expression of at most 1000 octets";

text_setting!(Expression, EXPRESSION);

impl Expression {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Expression {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > 1000 {
            return Err(EXPRESSION.into());
        }
        match regex::RegexBuilder::new(text).size_limit(1 << 20).build() {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => {
                let reason = error.to_string();
                let last = reason.lines().last().unwrap_or_default().trim();
                Err(format!("{EXPRESSION} ({})", last.trim_start_matches("error: ")))
            }
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
