//! Codes as people type them.

/// A code as it is stored and compared: capitals and digits, without the spaces and dashes that print puts in.
/// `None` when there is something else in it, nothing at all, or more than 64 of them.
///
/// ```
/// assert_eq!(signalbox_participation::normalised_code("ab12-cd34").as_deref(), Some("AB12CD34"));
/// ```
#[must_use]
pub fn normalised_code(text: &str) -> Option<String> {
    let mut code = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' | '-' | '\u{2010}'..='\u{2015}' | '\u{a0}' | '_' => {}
            c if c.is_ascii_alphanumeric() => code.push(c.to_ascii_uppercase()),
            _ => return None,
        }
    }
    (1..=64).contains(&code.len()).then_some(code)
}

/// Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B). Letters are the two digits of 10
/// to 35, as in ISO 6166; spaces and dashes do not count.
pub(crate) fn has_check_digit(text: &str) -> bool {
    let Some(code) = normalised_code(text).filter(|code| code.len() > 1) else { return false };
    let mut digits = Vec::with_capacity(2 * code.len());
    for c in code.chars() {
        match c.to_digit(36) {
            Some(value @ 0..10) => digits.push(value),
            Some(value) => digits.extend([value / 10, value % 10]),
            None => return false,
        }
    }
    let sum: u32 = (0..)
        .zip(digits.iter().rev())
        .map(|(place, digit)| match (place % 2, 2 * digit) {
            (0, _) => *digit,
            (_, twice @ 10..) => twice - 9,
            (_, twice) => twice,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_of_known_numbers_hold() {
        // The worked example of the formula, a test card number, and the ISIN of an American share.
        for good in ["79927398713", "4111 1111 1111 1111", "US0378331005", "us-0378331005"] {
            assert!(has_check_digit(good), "{good}");
        }
        for bad in ["79927398710", "4111111111111112", "US0378331006", "", "7", "79927398713!"] {
            assert!(!has_check_digit(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_no_code_is_none() {
        for bad in ["", "--", "AB?", "é1", &"A".repeat(65)] {
            assert_eq!(normalised_code(bad), None, "{bad}");
        }
    }
}
