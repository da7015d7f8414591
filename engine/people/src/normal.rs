//! Values of people in their one form: numbers as E.164, e-mail addresses, dates, zones, languages.

use std::cell::RefCell;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rustc_hash::FxHashMap;
use signalbox_core::time::Micros;
use signalbox_text::phone::{Address, E164, Home, Npi, Ton};

/// Countries and territories of the North American Numbering Plan, country code 1.
const NANP: [&str; 25] = [
    "AG", "AI", "AS", "BB", "BM", "BS", "CA", "DM", "DO", "GD", "GU", "JM", "KN", "KY", "LC", "MP", "MS",
    "PR", "SX", "TC", "TT", "US", "VC", "VG", "VI",
];

/// Longest e-mail address in octets (RFC 5321 cl. 4.5.3.1.3 without its brackets).
const EMAIL: usize = 254;

/// Zones whose names are remembered; there are some 600.
const ZONES: usize = 1024;

/// Why a value has no normal form. The value itself is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NotNormal {
    /// No phone number, or one that the home region does not have.
    #[error("is no phone number")]
    Number,
    /// A national number where no home region is given.
    #[error("is a national number, and no home region is given")]
    NoRegion,
    /// No e-mail address.
    #[error("is no e-mail address")]
    Email,
    /// No date or time of ISO 8601.
    #[error("is no date such as 2026-05-31 or 2026-05-31T10:00:00Z")]
    Date,
    /// No zone of the tz database.
    #[error("is no time zone such as America/New_York")]
    Zone,
    /// No language tag.
    #[error("is no language tag such as en or pt-BR")]
    Language,
    /// Longer than the column takes.
    #[error("is too long")]
    TooLong,
    /// A character that no text has.
    #[error("has a control character")]
    Control,
}

/// Brings values into their normal form, as the home region reads them.
pub struct Normal {
    home: Home,
    nanp: bool,
    zones: RefCell<FxHashMap<Box<str>, bool>>,
}

impl Normal {
    /// For numbers as they are dialled in `home`.
    #[must_use]
    pub fn new(home: Home) -> Self {
        let nanp = home.region.is_some_and(|region| NANP.contains(&region.as_str()));
        Self { home, nanp, zones: RefCell::default() }
    }

    /// A phone number. International ones, and those of North America, are read without asking the number plans.
    ///
    /// # Errors
    /// [`NotNormal::Number`] or [`NotNormal::NoRegion`].
    pub fn number(&self, text: &str) -> Result<E164, NotNormal> {
        let text = text.trim();
        let mut digits = [0_u8; 16];
        let mut length = 0;
        let (plus, rest) = match text.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        for octet in rest.bytes() {
            match octet {
                b'0'..=b'9' if length < digits.len() => {
                    digits[length] = octet;
                    length += 1;
                }
                b' ' | b'-' | b'.' | b'(' | b')' | b'/' => {}
                _ => return self.by_plan(text),
            }
        }
        let digits = &digits[..length];
        if plus {
            return E164::from_digits(digits).map_err(|_| NotNormal::Number);
        }
        if self.nanp
            && let Some(national) = north_american(digits)
        {
            return E164::from_digits(national.as_slice()).map_err(|_| NotNormal::Number);
        }
        self.by_plan(text)
    }

    /// As the number plans read it.
    fn by_plan(&self, text: &str) -> Result<E164, NotNormal> {
        use signalbox_text::phone::AddressError;
        match Address::read(text.as_bytes(), Ton::Unknown, Npi::Isdn, &self.home) {
            Ok(Address::Number(number)) => Ok(number),
            Err(AddressError::NoRegion) => Err(NotNormal::NoRegion),
            Ok(Address::ShortCode(_) | Address::Alphanumeric(_) | Address::Other(_)) | Err(_) => {
                Err(NotNormal::Number)
            }
        }
    }

    /// A zone of the tz database, as written there.
    ///
    /// # Errors
    /// [`NotNormal::Zone`].
    pub fn zone(&self, text: &str) -> Result<String, NotNormal> {
        let text = text.trim();
        let known = self.zones.borrow().get(text).copied();
        let known = known.unwrap_or_else(|| {
            let known = TimeZone::get(text).is_ok();
            let mut zones = self.zones.borrow_mut();
            if zones.len() < ZONES {
                zones.insert(text.into(), known);
            }
            known
        });
        if known { Ok(text.to_owned()) } else { Err(NotNormal::Zone) }
    }
}

/// Country code and number of the plan of North America: area code and exchange begin with 2 to 9.
fn north_american(digits: &[u8]) -> Option<[u8; 11]> {
    let national = match digits.len() {
        10 => digits,
        11 if digits[0] == b'1' => &digits[1..],
        _ => return None,
    };
    if national[0] < b'2' || national[3] < b'2' {
        return None;
    }
    let mut whole = [b'1'; 11];
    whole[1..].copy_from_slice(national);
    Some(whole)
}

/// An e-mail address with its domain in small letters.
///
/// # Errors
/// [`NotNormal::Email`].
pub(crate) fn email(text: &str) -> Result<String, NotNormal> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@').ok_or(NotNormal::Email)?;
    let odd = |letter: char| {
        letter.is_whitespace() || letter.is_control() || matches!(letter, '<' | '>' | ',' | ';')
    };
    let labels = domain.split('.').all(|label| {
        !label.is_empty() && label.chars().all(|letter| letter.is_alphanumeric() || letter == '-')
    });
    if local.is_empty() || text.len() > EMAIL || text.contains(odd) || local.contains('@') || !labels {
        return Err(NotNormal::Email);
    }
    Ok(format!("{local}@{}", domain.to_lowercase()))
}

/// A date (its first instant in UTC) or an instant.
///
/// # Errors
/// [`NotNormal::Date`].
pub(crate) fn instant(text: &str) -> Result<Micros, NotNormal> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Micros(at.as_microsecond()));
    }
    let date: Date = text.parse().map_err(|_| NotNormal::Date)?;
    let at = date.to_zoned(TimeZone::UTC).map_err(|_| NotNormal::Date)?;
    Ok(Micros(at.timestamp().as_microsecond()))
}

/// A language tag: subtags of letters and digits (RFC 5646 cl. 2.1).
///
/// # Errors
/// [`NotNormal::Language`].
pub(crate) fn language(text: &str) -> Result<String, NotNormal> {
    let text = text.trim().replace('_', "-");
    let first = text.split('-').next().unwrap_or_default();
    let right = (2..=8).contains(&first.len())
        && first.bytes().all(|octet| octet.is_ascii_alphabetic())
        && text
            .split('-')
            .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|o| o.is_ascii_alphanumeric()));
    if right { Ok(text) } else { Err(NotNormal::Language) }
}

/// A text of one line: trimmed, of at most `longest` octets, without control characters.
///
/// # Errors
/// [`NotNormal::TooLong`] or [`NotNormal::Control`].
pub(crate) fn line(text: &str, longest: usize) -> Result<&str, NotNormal> {
    let text = text.trim();
    if text.len() > longest {
        return Err(NotNormal::TooLong);
    }
    if text.chars().any(char::is_control) { Err(NotNormal::Control) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use signalbox_text::phone::Bare;

    use super::*;

    fn normal(region: &str) -> Normal {
        Normal::new(Home {
            region: Some(region.parse().unwrap()),
            bare: Bare::National,
            short_code_digits: 6,
        })
    }

    fn number(normal: &Normal, text: &str) -> Result<String, NotNormal> {
        normal.number(text).map(|number| number.to_string())
    }

    #[test]
    fn the_ways_to_write_a_number_of_north_america_are_one() {
        let us = normal("US");
        for text in ["2125550123", "(212) 555-0123", "1-212-555-0123", "+1 212.555.0123", " 12125550123 "] {
            assert_eq!(number(&us, text), Ok("+12125550123".to_owned()), "{text}");
        }
        // An area code that begins with 1, too few digits, words.
        for text in ["1125550123", "212555", "212-555-CALL", "", "+", "+0123456789"] {
            assert_eq!(number(&us, text), Err(NotNormal::Number), "{text}");
        }
    }

    #[test]
    fn national_numbers_need_their_region() {
        assert_eq!(number(&normal("GB"), "07700 900123"), Ok("+447700900123".to_owned()));
        assert_eq!(number(&normal("DE"), "0176 12345678"), Ok("+4917612345678".to_owned()));
        assert_eq!(number(&normal("GB"), "0049 176 12345678"), Ok("+4917612345678".to_owned()));
        let nowhere = Normal::new(Home { region: None, bare: Bare::National, short_code_digits: 6 });
        assert_eq!(number(&nowhere, "07700900123"), Err(NotNormal::NoRegion));
        assert_eq!(number(&nowhere, "+447700900123"), Ok("+447700900123".to_owned()));
    }

    #[test]
    fn other_values_have_one_form_too() {
        assert_eq!(email(" Ann@Example.COM "), Ok("Ann@example.com".to_owned()));
        for odd in ["ann", "@example.com", "a b@example.com", "a@b@c.com", "ann@exa..mple", "ann@"] {
            assert_eq!(email(odd), Err(NotNormal::Email), "{odd}");
        }
        assert_eq!(instant("2026-05-31"), Ok(Micros(1_780_185_600_000_000)));
        assert_eq!(instant("2026-05-31T02:00:00+02:00"), Ok(Micros(1_780_185_600_000_000)));
        assert_eq!(instant("31.5.2026"), Err(NotNormal::Date));
        assert_eq!(language("pt_BR"), Ok("pt-BR".to_owned()));
        assert_eq!(language("portuguese please"), Err(NotNormal::Language));
        assert_eq!(normal("US").zone("America/New_York"), Ok("America/New_York".to_owned()));
        assert_eq!(normal("US").zone("Mars/Base"), Err(NotNormal::Zone));
        assert_eq!(line("a\u{7}b", 10), Err(NotNormal::Control));
        assert_eq!(line("abc", 2), Err(NotNormal::TooLong));
    }
}
