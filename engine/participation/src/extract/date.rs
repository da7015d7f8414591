//! Dates as people write them.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::rules::DateOrder;

/// A date of three numbers between points, slashes, dashes or other marks. With the year first it is read so, whatever
/// the order is. Years of two digits are of this century, or of the last when that is later than the year of `today`.
pub(super) fn read(text: &str, order: DateOrder, today: Timestamp) -> Option<Date> {
    let parts: Vec<&str> = text.split(['.', '/', '-', ' ']).filter(|part| !part.is_empty()).collect();
    let [first, second, third] = parts.as_slice() else { return None };
    let order = if first.len() == 4 { DateOrder::Ymd } else { order };
    let (year, month, day) = match order {
        DateOrder::Dmy => (third, second, first),
        DateOrder::Mdy => (third, first, second),
        DateOrder::Ymd => (first, second, third),
    };
    let number = |text: &str, most: usize| {
        (text.len() <= most && text.bytes().all(|c| c.is_ascii_digit()))
            .then(|| text.parse::<i16>().ok())
            .flatten()
    };
    let written = number(year, 4)?;
    let now = jiff::tz::Offset::UTC.to_datetime(today).year();
    let year = match year.len() {
        4 => written,
        2 if now / 100 * 100 + written > now => now / 100 * 100 - 100 + written,
        2 => now / 100 * 100 + written,
        _ => return None,
    };
    let (month, day) = (number(month, 2)?, number(day, 2)?);
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// A date as it is stored.
pub(crate) fn read_iso(text: &str) -> Option<Date> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_numbers_are_a_date_in_their_order() {
        let today = "2026-05-01T00:00:00Z".parse().unwrap();
        for (text, order, expected) in [
            ("24.12.1990", DateOrder::Dmy, Some("1990-12-24")),
            ("12/24/90", DateOrder::Mdy, Some("1990-12-24")),
            ("1/2/26", DateOrder::Dmy, Some("2026-02-01")),
            ("1/2/27", DateOrder::Dmy, Some("1927-02-01")),
            ("1990-12-24", DateOrder::Dmy, Some("1990-12-24")),
            ("31.2.2000", DateOrder::Dmy, None),
            ("24/12/1990", DateOrder::Mdy, None),
            ("1.2", DateOrder::Dmy, None),
            ("1.2.3", DateOrder::Dmy, None),
            ("+1.2.2000", DateOrder::Dmy, None),
            ("999999999999.1.2000", DateOrder::Dmy, None),
        ] {
            let found = read(text, order, today).map(|date| date.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
