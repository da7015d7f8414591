//! Dates as people write them. A flow says in which order day and month stand, and in which zone its days are.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};

use super::evaluate::Surroundings;

/// In which order the parts of a date stand where all are digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DateOrder {
    DayFirst,
    #[default]
    MonthFirst,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The instant of microseconds; the nearest end of time where there is none.
pub(crate) fn instant(micros: i64) -> Timestamp {
    let nearest = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(micros).unwrap_or(nearest)
}

pub(crate) fn zoned(micros: i64, zone: &TimeZone) -> Zoned {
    instant(micros).to_zoned(zone.clone())
}

/// Date alone at midnight, else with minutes.
pub(crate) fn plain(micros: i64, zone: &TimeZone) -> String {
    let at = zoned(micros, zone);
    let (date, time) = (at.date(), at.time());
    if time == Time::midnight() {
        return date.to_string();
    }
    format!("{date} {:02}:{:02}", time.hour(), time.minute())
}

pub(crate) fn micros_of(at: DateTime, zone: &TimeZone) -> Option<i64> {
    // In the gap of a clock change the later of the two is meant.
    zone.to_ambiguous_timestamp(at).compatible().ok().map(Timestamp::as_microsecond)
}

/// The first date that a person wrote in a text, with the time behind it; midnight without one.
pub(crate) fn read_date(text: &str, now: i64, surroundings: &Surroundings) -> Option<i64> {
    let folded = signalbox_text::fold(text);
    let words: Vec<&str> = folded
        .split(|c: char| c.is_whitespace() || c == ',' || c == 't')
        .filter(|word| !word.is_empty())
        .collect();
    // A `t` parts date from time in ISO 8601 alone; words keep theirs.
    let words = if folded.contains(|c: char| c.is_alphabetic() && c != 't' && c != 'z') {
        folded.split([' ', ',']).filter(|word| !word.is_empty()).collect()
    } else {
        words
    };
    let today = zoned(now, &surroundings.zone).date();
    let (date, rest) = (0..words.len().min(64)).find_map(|at| {
        let (date, used) = date_at(&words[at..], today, surroundings.order)?;
        Some((date, &words[at + used..]))
    })?;
    let time =
        rest.iter().take(2).enumerate().find_map(|(at, word)| time_of(word, rest.get(at + 1).copied()));
    micros_of(date.to_datetime(time.unwrap_or(Time::midnight())), &surroundings.zone)
}

fn date_at(words: &[&str], today: Date, order: DateOrder) -> Option<(Date, usize)> {
    let first = *words.first()?;
    match first {
        "today" => return Some((today, 1)),
        "tomorrow" => return today.tomorrow().ok().map(|date| (date, 1)),
        "yesterday" => return today.yesterday().ok().map(|date| (date, 1)),
        _ => {}
    }
    if let Some(date) = digits_only(first, today, order) {
        return Some((date, 1));
    }
    // 5 nov 2026, nov 5 2026, 5th of november
    let skip = usize::from(words.get(1) == Some(&"of"));
    let second = words.get(1 + skip)?;
    let (month, day) = match (month_of(first), month_of(second)) {
        (Some(month), _) => (month, ordinal(second)?),
        (None, Some(month)) => (month, ordinal(first)?),
        (None, None) => return None,
    };
    let written =
        words.get(2 + skip).filter(|word| word.len() == 4).and_then(|word| word.parse::<i16>().ok());
    let date = dated(written, month, day, today)?;
    Some((date, 2 + skip + usize::from(written.is_some())))
}

fn digits_only(word: &str, today: Date, order: DateOrder) -> Option<Date> {
    let separator = word.chars().find(|c| !c.is_ascii_digit())?;
    if !matches!(separator, '-' | '/' | '.') || word.len() > 10 {
        return None;
    }
    let parts: Vec<&str> = word.split(separator).collect();
    let numbers: Vec<i16> = parts.iter().map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let small = |number: i16| i8::try_from(number).ok();
    match (numbers.as_slice(), parts.first().map(|part| part.len())) {
        ([year, month, day], Some(4)) => Date::new(*year, small(*month)?, small(*day)?).ok(),
        ([first, second, year], _) => {
            let (month, day) = by_order(*first, *second, order);
            let year = if parts[2].len() == 2 { 2000 + year } else { *year };
            Date::new(year, small(month)?, small(day)?).ok()
        }
        // 5.5 and 10-12 are numbers and ranges far more often than dates.
        ([first, second], _) if separator == '/' => {
            let (month, day) = by_order(*first, *second, order);
            dated(None, small(month)?, small(day)?, today)
        }
        _ => None,
    }
}

fn by_order(first: i16, second: i16, order: DateOrder) -> (i16, i16) {
    match order {
        DateOrder::MonthFirst => (first, second),
        DateOrder::DayFirst => (second, first),
    }
}

/// Without a year the next such day is meant, today among them.
fn dated(year: Option<i16>, month: i8, day: i8, today: Date) -> Option<Date> {
    if let Some(year) = year {
        return Date::new(year, month, day).ok();
    }
    // 29 February is up to eight years away.
    (today.year()..today.year().saturating_add(9))
        .filter_map(|year| Date::new(year, month, day).ok())
        .find(|date| *date >= today)
}

fn month_of(word: &str) -> Option<i8> {
    let at = MONTHS.iter().position(|month| word.len() >= 3 && month.starts_with(word))?;
    i8::try_from(at + 1).ok()
}

fn ordinal(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|c: char| c.is_alphabetic());
    let ending = &word[digits.len()..];
    let day = digits.parse().ok()?;
    matches!(ending, "" | "st" | "nd" | "rd" | "th").then_some(day)
}

/// `14:30`, `2:30pm`, `2pm`, `2 pm`.
fn time_of(word: &str, next: Option<&str>) -> Option<Time> {
    let word = word.trim_end_matches('z');
    let (digits, half) = match word
        .strip_suffix("am")
        .map(|rest| (rest, 0))
        .or(word.strip_suffix("pm").map(|rest| (rest, 12)))
    {
        Some((digits, half)) => (digits, Some(half)),
        None => (
            word,
            next.and_then(|next| match next {
                "am" => Some(0),
                "pm" => Some(12),
                _ => None,
            }),
        ),
    };
    let mut parts = digits.split(':');
    let hour: i8 = parts.next()?.parse().ok()?;
    let minute: Option<i8> = match parts.next() {
        Some(minute) => Some(minute.parse().ok()?),
        None => None,
    };
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        // A bare number is no time of day.
        None if minute.is_none() => return None,
        None => hour,
    };
    Time::new(hour, minute.unwrap_or(0), 0, 0).ok()
}

/// So many units later in the zone's calendar: a day over a clock change has 23 or 25 hours.
pub(crate) fn later(micros: i64, amount: i64, unit: Unit, zone: &TimeZone) -> Option<i64> {
    let at = zoned(micros, zone);
    let span = match unit {
        Unit::Minutes => 0.seconds().try_minutes(amount).ok()?,
        Unit::Hours => 0.seconds().try_hours(amount).ok()?,
        Unit::Days => 0.seconds().try_days(amount).ok()?,
        Unit::Months => 0.seconds().try_months(amount).ok()?,
    };
    at.checked_add(span).ok().map(|later| later.timestamp().as_microsecond())
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Minutes,
    Hours,
    Days,
    Months,
}

/// Whole days from one date to another, by the calendar.
pub(crate) fn days_between(first: i64, second: i64, zone: &TimeZone) -> Option<i64> {
    let (first, second) = (zoned(first, zone).date(), zoned(second, zone).date());
    first.until(second).ok().map(|span| i64::from(span.get_days()))
}

/// A date by a pattern of `strftime`, such as `%A, %d %B at %H:%M`.
pub(crate) fn formatted(micros: i64, pattern: &str, zone: &TimeZone) -> Result<String, String> {
    let at = zoned(micros, zone);
    jiff::fmt::strtime::format(pattern, &at).map_err(|error| format!("the pattern cannot be read: {error}"))
}
