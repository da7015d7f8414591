//! The domain name that is asked for a number.

use signalbox_text::phone::E164;

/// The public tree of RFC 6116; carriers use trees of their own.
pub const E164_ARPA: &str = "e164.arpa";

/// The name of a number under `apex` (RFC 6116 cl. 3.2): its digits, last first, a label each.
#[must_use]
pub fn enum_domain(number: E164, apex: &str) -> String {
    let digits = number.to_ascii();
    let mut name = String::with_capacity(digits.as_bytes().len() * 2 + apex.len());
    for octet in digits.as_bytes().iter().rev() {
        name.push(char::from(*octet));
        name.push('.');
    }
    name.push_str(apex.trim_matches('.'));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_reversed() {
        let number: E164 = "+442079460148".parse().unwrap();
        assert_eq!(enum_domain(number, E164_ARPA), "8.4.1.0.6.4.9.7.0.2.4.4.e164.arpa");
        assert_eq!(enum_domain(number, ".np.example.net."), "8.4.1.0.6.4.9.7.0.2.4.4.np.example.net");
    }
}
