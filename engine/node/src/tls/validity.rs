//! Until when a certificate is valid: `notAfter` of RFC 5280 cl. 4.1.2.5, read from its DER form.

/// Tags of X.690 that lead to the validity.
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// When a certificate expires, in seconds since the epoch; nothing for what is no certificate.
pub(super) fn not_after(certificate: &[u8]) -> Option<i64> {
    let (mut certificate, _) = content(certificate, SEQUENCE)?;
    let mut signed = take(&mut certificate, SEQUENCE)?;
    // Of version 1, a certificate does not say its version.
    if signed.first() == Some(&VERSION) {
        take(&mut signed, VERSION)?;
    }
    take(&mut signed, INTEGER)?;
    let (_algorithm, _issuer) = (take(&mut signed, SEQUENCE)?, take(&mut signed, SEQUENCE)?);
    let (_not_before, rest) = time(take(&mut signed, SEQUENCE)?)?;
    time(rest).map(|(at, _)| at)
}

/// The content of the element that the octets begin with, and what follows it.
fn content(octets: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = octets.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // At most four octets of length: a certificate of more than 4 GB is none.
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), rest)
        }
        _ => return None,
    };
    if found != tag { None } else { rest.split_at_checked(length) }
}

/// The content of the next element, which is passed over.
fn take<'a>(octets: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (content, rest) = content(octets, tag)?;
    *octets = rest;
    Some(content)
}

/// A time in seconds since the epoch, and what follows it.
fn time(octets: &[u8]) -> Option<(i64, &[u8])> {
    let tag = *octets.first()?;
    let (text, rest) = content(octets, tag)?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, text) = match tag {
        UTC_TIME => {
            let year: i16 = text.get(..2)?.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text.get(2..)?)
        }
        GENERALIZED_TIME => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let part = |at: usize| text.get(at..at + 2)?.parse::<i8>().ok();
    let date = jiff::civil::DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0).ok()?;
    let at = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some((at.timestamp().as_second(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec!["smsc.example".to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(year, 2, 3);
        parameters.self_signed(&key).unwrap().der().to_vec()
    }

    fn seconds(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_second()
    }

    #[test]
    fn the_end_of_validity_is_read_in_both_forms_of_a_time() {
        assert_eq!(not_after(&certificate(2031)), Some(seconds("2031-02-03T00:00:00Z")));
        // From 2050 on, a certificate has a GeneralizedTime.
        assert_eq!(not_after(&certificate(2077)), Some(seconds("2077-02-03T00:00:00Z")));
    }

    #[test]
    fn what_is_cut_off_or_no_certificate_has_no_end() {
        let whole = certificate(2031);
        for length in 0..whole.len() {
            assert_eq!(not_after(&whole[..length]), None, "cut at {length}");
        }
        assert_eq!(not_after(b"-----BEGIN CERTIFICATE-----"), None);
        assert_eq!(not_after(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }
}
