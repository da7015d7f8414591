//! SMPP times: absolute and relative (SMPP 3.4 clause 7.1.1), against Unix microseconds.

use crate::COctets;

/// Octets of a time without its NUL.
const TIME_LEN: usize = 16;
const SECOND_US: i64 = 1_000_000;
const DAY_S: i64 = 86_400;
/// Quarters of an hour in the largest offset the format allows, twelve hours.
const MAX_QUARTERS: u8 = 48;

/// A time of the form YYMMDDhhmmsstnnp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmppTime {
    /// A point in time (`p` is `+` or `-`).
    Absolute {
        /// UTC, microseconds since 1970.
        unix_us: i64,
        /// Offset from UTC it was written with, in quarters of an hour.
        quarters: i8,
    },
    /// A time after now (`p` is `R`). Years and months are those of the calendar.
    Relative {
        /// Years.
        years: u8,
        /// Months.
        months: u8,
        /// Days, hours, minutes and seconds together, in seconds.
        seconds: i64,
    },
}

/// A text that is no SMPP time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Not 16 octets.
    #[error("time has {length} octets instead of 16")]
    Length {
        /// Octets found.
        length: usize,
    },
    /// An octet is neither a digit nor, at the end, one of `+`, `-` and `R`.
    #[error("time has octet {octet:#04x} at {offset}")]
    Octet {
        /// Where.
        offset: usize,
        /// Which.
        octet: u8,
    },
    /// A month of 13, a 31st of April, an hour of 24.
    #[error("time has {value} as its {part}")]
    Range {
        /// The part.
        part: &'static str,
        /// Its value.
        value: u8,
    },
}

/// The two-digit groups YY MM DD hh mm ss, the tenth, the offset and the sign.
struct Parts {
    pairs: [u8; 6],
    tenths: u8,
    quarters: u8,
    sign: u8,
}

fn split(text: &[u8]) -> Result<Parts, TimeError> {
    let octets: &[u8; TIME_LEN] = text.try_into().map_err(|_| TimeError::Length { length: text.len() })?;
    if let Some(offset) = octets[..15].iter().position(|octet| !octet.is_ascii_digit()) {
        return Err(TimeError::Octet { offset, octet: octets[offset] });
    }
    let digit = |at: usize| octets[at] - b'0';
    let pair = |at: usize| digit(at) * 10 + digit(at + 1);
    let sign = octets[15];
    if !matches!(sign, b'+' | b'-' | b'R') {
        return Err(TimeError::Octet { offset: 15, octet: sign });
    }
    let pairs = [pair(0), pair(2), pair(4), pair(6), pair(8), pair(10)];
    Ok(Parts { pairs, tenths: digit(12), quarters: pair(13), sign })
}

impl SmppTime {
    /// Reads schedule_delivery_time, validity_period or final_date; `Ok(None)` for an empty one.
    ///
    /// # Errors
    /// [`TimeError`], to be answered with ESME_RINVSCHED or ESME_RINVEXPIRY.
    pub fn parse(text: &[u8]) -> Result<Option<SmppTime>, TimeError> {
        if text.is_empty() {
            return Ok(None);
        }
        let Parts { pairs, tenths, quarters, sign } = split(text)?;
        let [year, month, day, hour, minute, second] = pairs;
        if sign == b'R' {
            // Some peers write days above 31 or hours above 23 here; the sum is what they mean. Tenths and
            // offset are 000 by the specification and ignored.
            let seconds =
                i64::from(day) * DAY_S + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
            return Ok(Some(SmppTime::Relative { years: year, months: month, seconds }));
        }
        let local = civil_seconds(2000 + i64::from(year), month, day, hour, minute, second)?;
        if quarters > MAX_QUARTERS {
            return Err(TimeError::Range { part: "offset", value: quarters });
        }
        let quarters = if sign == b'-' { -(quarters as i8) } else { quarters as i8 };
        let unix_us = (local - i64::from(quarters) * 900) * SECOND_US + i64::from(tenths) * 100_000;
        Ok(Some(SmppTime::Absolute { unix_us, quarters }))
    }

    /// The point in time, in microseconds since 1970. `now_us` is the wall clock, which a relative time is
    /// added to; a day that the month reached does not have becomes its last.
    pub fn resolve(&self, now_us: i64) -> i64 {
        match *self {
            SmppTime::Absolute { unix_us, .. } => unix_us,
            SmppTime::Relative { years, months, seconds } => {
                let now_us = add_months(now_us, i64::from(years) * 12 + i64::from(months));
                now_us.saturating_add(seconds * SECOND_US)
            }
        }
    }

    /// The text of an absolute time with an offset from UTC in quarters of an hour (-48 to 48; others are
    /// clamped). Tenths of a second are kept, what is below is cut off.
    pub fn format_absolute(unix_us: i64, quarters: i8) -> COctets {
        let quarters = quarters.clamp(-(MAX_QUARTERS as i8), MAX_QUARTERS as i8);
        let local_us = unix_us.saturating_add(i64::from(quarters) * 900 * SECOND_US);
        let (date, us_of_day) = civil(local_us);
        let second_of_day = us_of_day / SECOND_US;
        let text = format!(
            "{:02}{:02}{:02}{:02}{:02}{:02}{}{:02}{}",
            date.year.rem_euclid(100),
            date.month,
            date.day,
            second_of_day / 3600,
            second_of_day / 60 % 60,
            second_of_day % 60,
            us_of_day % SECOND_US / 100_000,
            quarters.unsigned_abs(),
            if quarters < 0 { '-' } else { '+' },
        );
        COctets::from(text)
    }

    /// The text of a relative time, in whole seconds; `None` for a negative one or one of 32 days or more,
    /// which only an absolute time can say exactly.
    pub fn format_relative(duration_us: i64) -> Option<COctets> {
        let seconds = duration_us / SECOND_US;
        let days = seconds / DAY_S;
        if duration_us < 0 || days > 31 {
            return None;
        }
        Some(COctets::from(format!(
            "0000{:02}{:02}{:02}{:02}000R",
            days,
            seconds / 3600 % 24,
            seconds / 60 % 60,
            seconds % 60
        )))
    }
}

/// Whether the text is an absolute or relative time (not empty).
pub(crate) fn is_well_formed(text: &[u8]) -> bool {
    SmppTime::parse(text).is_ok_and(|time| time.is_some())
}

/// A day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: i64,
    pub(crate) month: u8,
    pub(crate) day: u8,
}

/// Days since 1970-01-01. The year is counted from March, so that the leap day is the last.
pub(crate) fn days_from_date(date: Date) -> i64 {
    let year = if date.month <= 2 { date.year - 1 } else { date.year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(date.month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(date.day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date of a number of days since 1970-01-01.
pub(crate) fn date_from_days(days: i64) -> Date {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    Date { year, month: month as u8, day: day as u8 }
}

fn days_in_month(year: i64, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Seconds since 1970 of a civil time without offset.
pub(crate) fn civil_seconds(
    year: i64,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
) -> Result<i64, TimeError> {
    if !(1..=12).contains(&month) {
        return Err(TimeError::Range { part: "month", value: month });
    }
    if day == 0 || day > days_in_month(year, month) {
        return Err(TimeError::Range { part: "day", value: day });
    }
    for (part, value, most) in [("hour", hour, 23), ("minute", minute, 59), ("second", second, 59)] {
        if value > most {
            return Err(TimeError::Range { part, value });
        }
    }
    let days = days_from_date(Date { year, month, day });
    Ok(days * DAY_S + i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second))
}

/// Date and microsecond of the day of a time since 1970.
pub(crate) fn civil(unix_us: i64) -> (Date, i64) {
    let day_us = DAY_S * SECOND_US;
    (date_from_days(unix_us.div_euclid(day_us)), unix_us.rem_euclid(day_us))
}

fn add_months(unix_us: i64, months: i64) -> i64 {
    if months == 0 {
        return unix_us;
    }
    let (date, us_of_day) = civil(unix_us);
    let total = date.year * 12 + i64::from(date.month) - 1 + months;
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) as u8 + 1);
    let day = date.day.min(days_in_month(year, month));
    days_from_date(Date { year, month, day }) * DAY_S * SECOND_US + us_of_day
}

#[cfg(test)]
mod tests;
