//! NAPTR records (RFC 3403) as ENUM uses them (RFC 6116): which record counts, and what it makes of a number.

use regex::{Captures, RegexBuilder};
use signalbox_text::phone::E164;

/// A NAPTR record as the DNS gives it (RFC 3403 cl. 4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naptr {
    /// Records of the lowest order count, the others only when none of these fits.
    pub order: u16,
    /// Among records of one order the lowest preference is tried first.
    pub preference: u16,
    /// `u` for a record that gives a URI, empty for one that leads to another name.
    pub flags: String,
    /// `E2U+service:subtype`.
    pub services: String,
    /// Substitution expression over the number.
    pub regexp: String,
    /// Name to ask next, when the flags are empty; `.` for none.
    pub replacement: String,
}

/// Services of which an answer is wanted, in lower case, as `pstn:tel` or `sms:tel`; a type without a subtype
/// stands for all its subtypes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumServices(Vec<String>);

impl Default for EnumServices {
    /// `pstn` (RFC 4769), the service that carries portability data.
    fn default() -> Self {
        Self::new(["pstn"])
    }
}

impl EnumServices {
    /// These services.
    pub fn new<T: AsRef<str>>(services: impl IntoIterator<Item = T>) -> Self {
        Self(services.into_iter().map(|service| service.as_ref().to_ascii_lowercase()).collect())
    }

    /// True when the field names one of these (RFC 6116 cl. 3.4.3: `E2U` and services, letters in any case).
    fn accept(&self, field: &str) -> bool {
        let field = field.to_ascii_lowercase();
        let mut parts = field.split('+');
        parts.next() == Some("e2u")
            && parts.any(|service| {
                let kind = service.split(':').next().unwrap_or(service);
                self.0.iter().any(|wanted| wanted == service || wanted == kind)
            })
    }
}

/// What a set of records leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnumStep {
    /// A URI.
    Uri(String),
    /// Another name to ask for NAPTR records; who asks must bound how often (RFC 6116 cl. 5.2.1: five times).
    Ask(String),
    /// No record fits.
    Nothing,
}

/// Why a substitution expression makes no URI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NaptrError {
    /// It has not the form `!ere!replacement!flags`.
    #[error("substitution expression has not three delimiters of a kind that is allowed")]
    Delimiters,
    /// Flags other than `i`.
    #[error("substitution expression has the unknown flag '{0}'")]
    Flag(char),
    /// The extended regular expression is wrong or too large.
    #[error("regular expression of the substitution is wrong or too large")]
    Expression,
    /// A `\N` for which there is no group.
    #[error("substitution refers to group {0}, which is not there")]
    Group(u8),
    /// The expression does not match the number.
    #[error("regular expression of the substitution does not match the number")]
    NoMatch,
}

/// Takes the best record that fits: lowest order, then preference; records with a broken or unmatched expression
/// are passed over. Gives the last error when nothing else was left.
///
/// # Errors
/// When there are records of these services, and each is broken or does not match.
pub fn next_step(records: &[Naptr], number: E164, services: &EnumServices) -> Result<EnumStep, NaptrError> {
    let mut sorted: Vec<&Naptr> = records.iter().collect();
    sorted.sort_by_key(|record| (record.order, record.preference));
    let mut failure = None;
    for record in sorted {
        let terminal = record.flags.eq_ignore_ascii_case("u");
        if terminal && services.accept(&record.services) {
            match substitute(&record.regexp, &number.to_string()) {
                Ok(uri) => return Ok(EnumStep::Uri(uri)),
                Err(error) => failure = Some(error),
            }
        }
        let name = record.replacement.trim_end_matches('.');
        // A record that leads on has no service, or one that is wanted (RFC 6116 cl. 3.4.1).
        let leads =
            record.flags.is_empty() && (record.services.is_empty() || services.accept(&record.services));
        if leads && !name.is_empty() {
            return Ok(EnumStep::Ask(name.to_owned()));
        }
    }
    failure.map_or(Ok(EnumStep::Nothing), Err)
}

/// Octets that a compiled expression may take; one string of the DNS has at most 255 characters.
const EXPRESSION_LIMIT: usize = 1 << 20;

/// Applies a substitution expression (RFC 3402 cl. 3.2) to a number with its `+`: the replacement with its
/// `\1` to `\9` filled in.
fn substitute(expression: &str, number: &str) -> Result<String, NaptrError> {
    let (pattern, replacement, flags) = split(expression)?;
    if let Some(flag) = flags.chars().find(|flag| *flag != 'i') {
        return Err(NaptrError::Flag(flag));
    }
    let expression = RegexBuilder::new(&translate(&pattern))
        .case_insensitive(!flags.is_empty())
        .size_limit(EXPRESSION_LIMIT)
        .dfa_size_limit(EXPRESSION_LIMIT)
        .build()
        .map_err(|_| NaptrError::Expression)?;
    let groups = expression.captures(number).ok_or(NaptrError::NoMatch)?;
    fill(&replacement, &groups)
}

/// Cuts `!ere!replacement!flags`; the delimiter may be written inside behind a backslash.
fn split(expression: &str) -> Result<(String, String, &str), NaptrError> {
    let mut chars = expression.char_indices();
    let delimiter = match chars.next() {
        Some((_, first)) if !(first.is_ascii_digit() || first == '\\' || first == 'i') => first,
        Some(_) | None => return Err(NaptrError::Delimiters),
    };
    let mut parts = [String::new(), String::new()];
    let mut part = 0;
    while let Some((at, char)) = chars.next() {
        if char == delimiter {
            part += 1;
            if part == 2 {
                let [pattern, replacement] = parts;
                return Ok((pattern, replacement, &expression[at + delimiter.len_utf8()..]));
            }
            continue;
        }
        if char == '\\' {
            let (_, escaped) = chars.next().ok_or(NaptrError::Delimiters)?;
            if escaped != delimiter {
                parts[part].push('\\');
            }
            parts[part].push(escaped);
            continue;
        }
        parts[part].push(char);
    }
    Err(NaptrError::Delimiters)
}

/// Writes a POSIX extended expression for the `regex` crate: they differ inside brackets, where POSIX knows no
/// escapes and no set operations.
fn translate(pattern: &str) -> String {
    let mut written = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    while let Some(char) = chars.next() {
        written.push(char);
        match char {
            '\\' => written.extend(chars.next()),
            '[' => {
                written.extend(chars.next_if_eq(&'^'));
                // A bracket in the first place is a member.
                if chars.next_if_eq(&']').is_some() {
                    written.push_str("\\]");
                }
                while let Some(member) = chars.next() {
                    match member {
                        ']' => {
                            written.push(']');
                            break;
                        }
                        '[' if chars.peek() == Some(&':') => {
                            written.push('[');
                            // A class as [:digit:] is the same in both.
                            for inner in chars.by_ref() {
                                written.push(inner);
                                if inner == ']' {
                                    break;
                                }
                            }
                        }
                        '\\' | '[' | '&' | '~' => {
                            written.push('\\');
                            written.push(member);
                        }
                        other => written.push(other),
                    }
                }
            }
            _ => {}
        }
    }
    written
}

fn fill(replacement: &str, groups: &Captures<'_>) -> Result<String, NaptrError> {
    let mut filled = String::with_capacity(replacement.len());
    let mut chars = replacement.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            filled.push(char);
            continue;
        }
        match chars.next() {
            Some(digit @ '1'..='9') => {
                let group = digit as u8 - b'0';
                if usize::from(group) >= groups.len() {
                    return Err(NaptrError::Group(group));
                }
                filled.push_str(groups.get(usize::from(group)).map_or("", |found| found.as_str()));
            }
            Some(other) => filled.push(other),
            None => filled.push('\\'),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> E164 {
        "+12155550123".parse().unwrap()
    }

    fn naptr(order: u16, preference: u16, services: &str, regexp: &str) -> Naptr {
        let (services, regexp) = (services.to_owned(), regexp.to_owned());
        Naptr { order, preference, flags: "u".into(), services, regexp, replacement: ".".into() }
    }

    fn step(records: &[Naptr]) -> Result<EnumStep, NaptrError> {
        next_step(records, number(), &EnumServices::default())
    }

    fn uri(text: &str) -> Result<EnumStep, NaptrError> {
        Ok(EnumStep::Uri(text.to_owned()))
    }

    #[test]
    fn order_comes_before_preference() {
        let records = [
            naptr(20, 1, "E2U+pstn:tel", "!^.*$!tel:3!"),
            naptr(10, 9, "E2U+pstn:tel", "!^.*$!tel:2!"),
            naptr(10, 8, "E2U+pstn:tel", "!^.*$!tel:1!"),
        ];
        assert_eq!(step(&records), uri("tel:1"));
    }

    #[test]
    fn only_wanted_services_count() {
        let records =
            [naptr(1, 1, "E2U+sip", "!^.*$!sip:a@b!"), naptr(1, 2, "e2u+web:http+PSTN:tel", "!^.*$!tel:1!")];
        assert_eq!(step(&records), uri("tel:1"));
        assert_eq!(step(&records[..1]), Ok(EnumStep::Nothing));
        assert_eq!(step(&[naptr(1, 1, "pstn+E2U", "!^.*$!tel:1!")]), Ok(EnumStep::Nothing));
        let only = EnumServices::new(["PSTN:sip"]);
        assert_eq!(next_step(&records, number(), &only), Ok(EnumStep::Nothing));
    }

    #[test]
    fn groups_are_filled_in() {
        let make = |regexp: &str| step(&[naptr(1, 1, "E2U+pstn:tel", regexp)]);
        assert_eq!(make("!^\\+1(...)(.*)$!tel:+1-\\1-\\2;npdi!"), uri("tel:+1-215-5550123;npdi"));
        assert_eq!(make("/^(.*)$/tel:\\1;x=a!b/i"), uri("tel:+12155550123;x=a!b"));
        assert_eq!(make("!^.*$!sip:a\\!b\\\\c!"), uri("sip:a!b\\c"));
        // Only the replacement is the result, whatever the expression left unmatched.
        assert_eq!(make("!2155!tel:9!"), uri("tel:9"));
        assert_eq!(make("!^\\+(1|1215)([[:digit:]]*)$!\\1,\\2!"), uri("1,2155550123"));
        // Inside brackets a backslash is a member like others, and "&&" no operation.
        assert_eq!(make("!^[]+\\]1(.)!\\1!"), uri("2"));
        assert_eq!(make("!^[]+\\[]+1(.)!\\1!"), uri("2"));
        assert_eq!(make("!^[^]&&x]1(.)!\\1!"), uri("2"));
    }

    #[test]
    fn broken_expressions_are_told_and_passed_over() {
        let make = |regexp: &str| step(&[naptr(1, 1, "E2U+pstn:tel", regexp)]);
        for bad in ["", "!", "!a", "!a!b", "1a1b1", "ia!b!", "\\a\\b\\", "!a\\"] {
            assert_eq!(make(bad), Err(NaptrError::Delimiters), "{bad}");
        }
        assert_eq!(make("!a!b!g"), Err(NaptrError::Flag('g')));
        assert_eq!(make("!(!b!"), Err(NaptrError::Expression));
        assert_eq!(make("!((.{99}){99}){99}!b!"), Err(NaptrError::Expression));
        assert_eq!(make("!^.*$!\\1!"), Err(NaptrError::Group(1)));
        assert_eq!(make("!^\\+44!tel:1!"), Err(NaptrError::NoMatch));
        let records = [naptr(1, 1, "E2U+pstn", "!(!b!"), naptr(2, 1, "E2U+pstn", "!^.*$!tel:1!")];
        assert_eq!(step(&records), uri("tel:1"));
    }

    #[test]
    fn a_record_without_flags_leads_on() {
        let lead = Naptr { replacement: "5.1.2.1.example.net.".into(), ..Naptr::default() };
        assert_eq!(step(std::slice::from_ref(&lead)), Ok(EnumStep::Ask("5.1.2.1.example.net".into())));
        let terminal = naptr(0, 0, "E2U+pstn:tel", "!^.*$!tel:1!");
        let later = Naptr { order: 5, ..lead.clone() };
        assert_eq!(step(&[later, terminal]), uri("tel:1"));
        assert_eq!(step(&[Naptr { services: "E2U+sip".into(), ..lead }]), Ok(EnumStep::Nothing));
        assert_eq!(step(&[Naptr { replacement: ".".into(), ..Naptr::default() }]), Ok(EnumStep::Nothing));
    }

    proptest! {
        #[test]
        fn no_record_breaks_it(regexp in "[!/i\\\\0-9\\[\\]()+*.^$:&~a-c-]{0,40}", flags in "[uU]?", services in "[eE]2[uU]\\+pstn") {
            let record = Naptr { flags, services, regexp, ..Naptr::default() };
            let _ = next_step(&[record], number(), &EnumServices::default());
        }
    }
}
