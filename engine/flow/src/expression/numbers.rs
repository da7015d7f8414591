use std::fmt::Write as _;

/// A number as it stands in a text: no more digits than it is good for, no useless fraction.
pub(crate) fn plain(number: f64) -> String {
    let magnitude = number.abs();
    if number == number.trunc() && magnitude < 1e15 {
        // Adding nought makes nought of minus nought.
        return format!("{:.0}", number + 0.0);
    }
    if (1e-6..1e15).contains(&magnitude) {
        let text = format!("{number:.9}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        return if text.is_empty() || text == "-0" { "0".to_owned() } else { text.to_owned() };
    }
    format!("{number:e}")
}

/// A number with so many digits behind the point, thousands set apart.
pub(crate) fn grouped(number: f64, digits: usize, group: &str, point: &str) -> String {
    let text = format!("{:.digits$}", number.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::with_capacity(text.len() + 8);
    let negative = number < 0.0 && text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    if negative {
        out.push('-');
    }
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push_str(group);
        }
        out.push(digit);
    }
    if digits > 0 {
        // Writing into a string cannot fail.
        let _ = write!(out, "{point}{fraction}");
    }
    out
}
