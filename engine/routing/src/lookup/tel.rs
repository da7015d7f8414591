//! Telephone URIs (RFC 3966) with the parameters of number portability (RFC 4694), alone or as the user part of
//! a SIP URI (RFC 4769 `pstn:sip`).

use signalbox_text::phone::E164;

/// A `tel:` URI, or a `sip:` URI of a telephone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelUri {
    /// Digits of the number, without separators and `+`.
    pub digits: String,
    /// True when there was a `+`: an international number.
    pub global: bool,
    /// Number that ported ones are reached by (`rn`).
    pub routing_number: Option<RoutingNumber>,
    /// True when the portability data base was asked (`npdi`); without a routing number: and it is not ported.
    pub npdi: bool,
    parameters: Vec<(String, String)>,
}

/// A routing number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingNumber {
    /// Its digits, hexadecimal ones in some countries.
    pub digits: String,
    /// True when there was a `+`.
    pub global: bool,
    /// What the digits mean where there was none (`rn-context`): `+` and a prefix, or a domain.
    pub context: Option<String>,
}

impl RoutingNumber {
    /// The international number, if it is one or its context makes it one.
    #[must_use]
    pub fn number(&self) -> Option<E164> {
        if self.global {
            return E164::from_digits(self.digits.as_bytes()).ok();
        }
        let context = self.context.as_deref()?.strip_prefix('+')?;
        E164::from_digits(format!("{context}{}", self.digits).as_bytes()).ok()
    }
}

/// Why a text is no such URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TelUriError {
    /// The scheme is neither `tel` nor `sip` nor `sips`.
    #[error("uri is neither tel nor sip")]
    Scheme,
    /// The part before the parameters is no telephone number.
    #[error("uri has no telephone number")]
    Number,
    /// A routing number has something other than hexadecimal digits.
    #[error("routing number of the uri is no number")]
    RoutingNumber,
    /// Too long, or too many parameters.
    #[error("uri is longer than {MAX_LENGTH} octets or has more than {MAX_PARAMETERS} parameters")]
    TooLong,
}

const MAX_LENGTH: usize = 1024;
const MAX_PARAMETERS: usize = 32;

impl TelUri {
    /// Reads a URI.
    ///
    /// # Errors
    /// When it is none of a telephone number, or one of its numbers is none.
    pub fn parse(text: &str) -> Result<Self, TelUriError> {
        if text.len() > MAX_LENGTH {
            return Err(TelUriError::TooLong);
        }
        let (scheme, rest) = text.trim().split_once(':').ok_or(TelUriError::Scheme)?;
        let rest = match scheme.to_ascii_lowercase().as_str() {
            "tel" => rest,
            // Parameters of the number stand before the host; those behind it are of SIP.
            "sip" | "sips" => rest.split_once('@').map(|(user, _)| user).ok_or(TelUriError::Number)?,
            _ => return Err(TelUriError::Scheme),
        };
        let mut parts = rest.split(';');
        let (digits, global) = number(parts.next().unwrap_or_default()).ok_or(TelUriError::Number)?;
        if !digits.bytes().all(|octet| octet.is_ascii_digit()) {
            return Err(TelUriError::Number);
        }
        let parameters: Vec<(String, String)> = parts
            .map(|part| {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                (name.to_ascii_lowercase(), unescape(value))
            })
            .collect();
        if parameters.len() > MAX_PARAMETERS {
            return Err(TelUriError::TooLong);
        }
        let mut uri = Self { digits, global, routing_number: None, npdi: false, parameters };
        uri.npdi = uri.parameter("npdi").is_some();
        if let Some(value) = uri.parameter("rn") {
            let (digits, global) = number(value).ok_or(TelUriError::RoutingNumber)?;
            let context = uri.parameter("rn-context").map(str::to_owned);
            uri.routing_number = Some(RoutingNumber { digits, global, context });
        }
        Ok(uri)
    }

    /// The number, when it is international.
    #[must_use]
    pub fn number(&self) -> Option<E164> {
        if self.global { E164::from_digits(self.digits.as_bytes()).ok() } else { None }
    }

    /// Value of a parameter (name in lower case), empty when it has none.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// Hexadecimal digits without visual separators, and whether a `+` stood before them.
fn number(text: &str) -> Option<(String, bool)> {
    let text = unescape(text);
    let (rest, global) = text.strip_prefix('+').map_or((text.as_str(), false), |rest| (rest, true));
    let digits: String = rest.chars().filter(|char| !matches!(char, '-' | '.' | '(' | ')')).collect();
    let sound = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_hexdigit());
    sound.then_some((digits, global))
}

/// Replaces `%XX` by its octet (RFC 3986 cl. 2.1); what is no such escape stays.
fn unescape(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let hex = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if let (b'%', [high, low, after @ ..]) = (first, tail)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            octets.push(high << 4 | low);
            rest = after;
            continue;
        }
        octets.push(*first);
    }
    String::from_utf8_lossy(&octets).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Finding;
    use super::*;
    use crate::id::{CarrierId, Names};

    fn parse(text: &str) -> TelUri {
        TelUri::parse(text).unwrap()
    }

    fn e164(text: &str) -> Option<E164> {
        text.parse().ok()
    }

    #[test]
    fn a_ported_number_has_a_routing_number() {
        let uri = parse("tel:+1-215-555-0123;npdi;rn=+1-215-555-0199");
        assert_eq!(uri.number(), e164("+12155550123"));
        assert!(uri.npdi);
        assert_eq!(uri.routing_number.as_ref().unwrap().number(), e164("+12155550199"));
        assert_eq!(uri.finding(None, &Names::new()), e164("+12155550199").map(Finding::RoutingNumber));
    }

    #[test]
    fn a_local_routing_number_needs_its_context() {
        let uri = parse("TEL:+12155550123;rn=2155550199;RN-CONTEXT=+1;npdi");
        assert_eq!(uri.routing_number.unwrap().number(), e164("+12155550199"));
        let uri = parse("tel:+33142345678;rn=0C17542;rn-context=+33");
        assert_eq!(uri.routing_number.as_ref().unwrap().digits, "0C17542");
        assert_eq!(
            uri.finding(None, &Names::new()),
            None,
            "a routing number with letters is no E.164 number"
        );
        assert_eq!(parse("tel:+12155550123;rn=2155550199").routing_number.unwrap().number(), None);
    }

    #[test]
    fn asked_and_not_ported() {
        let uri = parse("tel:+12155550123;npdi");
        assert_eq!(uri.finding(None, &Names::new()), Some(Finding::NotPorted));
        assert_eq!(parse("tel:+12155550123").finding(None, &Names::new()), None);
    }

    #[test]
    fn a_parameter_may_name_the_carrier() {
        let mut names = Names::new();
        names.add_carrier("310260", CarrierId(4));
        let uri = parse("tel:+12155550123;npdi;rn=+12155550199;spn=310260");
        assert_eq!(uri.finding(Some("spn"), &names), Some(Finding::Carrier(CarrierId(4))));
        assert_eq!(uri.finding(Some("cic"), &names), e164("+12155550199").map(Finding::RoutingNumber));
        assert_eq!(uri.finding(Some("spn"), &Names::new()), e164("+12155550199").map(Finding::RoutingNumber));
    }

    #[test]
    fn a_sip_uri_has_the_same_in_its_user_part() {
        let uri = parse("sip:+12155550123;npdi;rn=%2B12155550199@gw.example.com;user=phone");
        assert_eq!(uri.routing_number.as_ref().unwrap().number(), e164("+12155550199"));
        assert_eq!(uri.parameter("user"), None);
    }

    #[test]
    fn other_texts_are_refused() {
        assert_eq!(TelUri::parse("mailto:a@b"), Err(TelUriError::Scheme));
        assert_eq!(TelUri::parse("12155550123"), Err(TelUriError::Scheme));
        assert_eq!(TelUri::parse("tel:"), Err(TelUriError::Number));
        assert_eq!(TelUri::parse("tel:abc"), Err(TelUriError::Number));
        assert_eq!(TelUri::parse("sip:alice@example.com"), Err(TelUriError::Number));
        assert_eq!(TelUri::parse("sip:+12155550123"), Err(TelUriError::Number));
        assert_eq!(TelUri::parse("tel:+12155550123;rn=x"), Err(TelUriError::RoutingNumber));
        assert_eq!(TelUri::parse(&format!("tel:1{}", ";a".repeat(33))), Err(TelUriError::TooLong));
        assert_eq!(TelUri::parse(&"t".repeat(1025)), Err(TelUriError::TooLong));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "(tel|sip):[+0-9a-f;=%@.rn-]{0,60}\\PC{0,5}") {
            let _ = TelUri::parse(&text);
        }
    }
}
