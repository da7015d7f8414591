//! Where something is found in an HTTP request or answer.

use std::fmt;
use std::str::FromStr;

use regex::Regex;

use super::HeaderName;
use crate::setting::text_setting;

/// Where something is found in an HTTP request or answer: `none`, a JSON pointer (RFC 6901) such as `/data/0/id`,
/// `field:NAME` of a form or a query, `header:NAME`, `body` as a whole, or `regex:...`, the first group of a regular
/// expression over the body.
#[derive(Clone, Debug)]
pub enum Place {
    /// Nowhere.
    None,
    /// In a JSON body.
    Json(String),
    /// In a form or a query.
    Field(String),
    /// In a header.
    Header(HeaderName),
    /// The body, without white space around it.
    Body,
    /// The first group of a regular expression over the body, or the whole match of one without groups.
    Regex(Regex),
}

const PLACE: &str = "`none`, a json pointer such as \"/data/id\", \"field:NAME\", \"header:NAME\", `body` or \
                     \"regex:...\"";

text_setting!(Place, PLACE);

/// Octets of a compiled regular expression.
const REGEX_SIZE: usize = 256 * 1024;

impl FromStr for Place {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            _ if text == "none" => Ok(Self::None),
            _ if text == "body" => Ok(Self::Body),
            _ if text.starts_with('/') => Ok(Self::Json(text.to_owned())),
            Some(("field", name)) if !name.is_empty() => Ok(Self::Field(name.to_owned())),
            Some(("header", name)) => name.parse().map(Self::Header),
            Some(("regex", pattern)) => {
                let regex = regex::RegexBuilder::new(pattern).size_limit(REGEX_SIZE).build();
                let shorter = |error: regex::Error| error.to_string().replace('\n', " ");
                regex.map(Self::Regex).map_err(|error| format!("a regular expression: {}", shorter(error)))
            }
            _ => Err(PLACE.into()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Json(pointer) => f.write_str(pointer),
            Self::Field(name) => write!(f, "field:{name}"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Body => f.write_str("body"),
            Self::Regex(regex) => write!(f, "regex:{}", regex.as_str()),
        }
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        // A place is what is written: two regular expressions of one text are one.
        self.to_string() == other.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_written() {
        for text in ["none", "body", "/a/0/b", "field:id", "header:x-id", "regex:id=([0-9]+)"] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        for wrong in ["", "id", "field:", "header:a b", "regex:(", "cookie:a"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
