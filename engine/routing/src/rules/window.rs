//! Time windows: days and hours in a time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::error::Problem;
use super::spec::{Day, WindowSpec};
use crate::id::UtcMicros;

const DAY_MINUTES: u16 = 24 * 60;

/// A window, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    zone: TimeZone,
    /// Bit 0 is Monday.
    days: u8,
    from: u16,
    to: u16,
}

impl Window {
    /// Reads a window.
    ///
    /// # Errors
    /// Names the field of the window beside the problem.
    pub(crate) fn compile(spec: &WindowSpec) -> Result<Self, (&'static str, Problem)> {
        let zone =
            TimeZone::get(&spec.zone).map_err(|_| ("zone", Problem::UnknownZone(spec.zone.clone())))?;
        let from = spec.from.as_deref().map_or(Ok(0), minute).map_err(|problem| ("from", problem))?;
        if from == DAY_MINUTES {
            return Err(("from", Problem::BadTime("24:00".into())));
        }
        let to = spec.to.as_deref().map_or(Ok(DAY_MINUTES), minute).map_err(|problem| ("to", problem))?;
        let days = if spec.days.is_empty() {
            0b111_1111
        } else {
            spec.days.iter().fold(0, |days, day| days | 1 << weekday(*day))
        };
        Ok(Self { zone, days, from, to })
    }

    /// True when `at` lies in the window.
    pub(crate) fn contains(&self, at: UtcMicros) -> bool {
        let (day, minute) = self.local(at);
        let today = self.days & (1 << day) != 0;
        if self.from < self.to {
            return today && (self.from..self.to).contains(&minute);
        }
        let yesterday = self.days & (1 << ((day + 6) % 7)) != 0;
        (today && minute >= self.from) || (yesterday && minute < self.to)
    }

    /// Day of the week from Monday, and minute of the day, by the wall clock of the zone.
    fn local(&self, at: UtcMicros) -> (u8, u16) {
        let at = Timestamp::from_microsecond(at.0).unwrap_or(if at.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        let local = self.zone.to_datetime(at);
        let minute = i16::from(local.hour()) * 60 + i16::from(local.minute());
        (local.weekday().to_monday_zero_offset().unsigned_abs(), minute.unsigned_abs())
    }

    /// The wall clock of the zone, for traces: `sat 23:10 Europe/Berlin`.
    pub(crate) fn describe(&self, at: UtcMicros) -> String {
        let (day, minute) = self.local(at);
        let day = DAY_NAMES[usize::from(day % 7)];
        let zone = self.zone.iana_name().unwrap_or("?");
        format!("{day} {:02}:{:02} {zone}", minute / 60, minute % 60)
    }
}

const DAY_NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn weekday(day: Day) -> u8 {
    match day {
        Day::Mon => 0,
        Day::Tue => 1,
        Day::Wed => 2,
        Day::Thu => 3,
        Day::Fri => 4,
        Day::Sat => 5,
        Day::Sun => 6,
    }
}

/// Minute of the day, 0 to 1440.
fn minute(text: &str) -> Result<u16, Problem> {
    let bad = || Problem::BadTime(text.to_owned());
    let two = |part: &str| -> Option<u16> {
        (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?
    };
    let (hours, minutes) = text.split_once(':').ok_or_else(bad)?;
    let (hours, minutes) = (two(hours).ok_or_else(bad)?, two(minutes).ok_or_else(bad)?);
    let whole = hours * 60 + minutes;
    if minutes > 59 || whole > DAY_MINUTES {
        return Err(bad());
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(zone: &str, days: &[Day], from: &str, to: &str) -> Window {
        Window::compile(&WindowSpec {
            zone: zone.into(),
            days: days.to_vec(),
            from: Some(from.into()),
            to: Some(to.into()),
        })
        .unwrap()
    }

    fn at(text: &str) -> UtcMicros {
        UtcMicros(text.parse::<Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn hours_are_those_of_the_zone() {
        let window = window("America/New_York", &[], "08:00", "21:00");
        // 8 in the morning in New York is 13:00 UTC in winter and 12:00 in summer.
        assert!(!window.contains(at("2026-01-15T12:30:00Z")));
        assert!(window.contains(at("2026-01-15T13:00:00Z")));
        assert!(window.contains(at("2026-07-15T12:30:00Z")));
        assert!(!window.contains(at("2026-07-16T01:00:00Z")));
        assert_eq!(window.describe(at("2026-01-15T13:00:00Z")), "thu 08:00 America/New_York");
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_it_begins() {
        let window = window("UTC", &[Day::Fri], "22:00", "06:00");
        assert!(window.contains(at("2026-01-16T22:00:00Z")), "friday evening");
        assert!(window.contains(at("2026-01-17T05:59:59Z")), "saturday morning");
        assert!(!window.contains(at("2026-01-16T05:00:00Z")), "friday morning");
        assert!(!window.contains(at("2026-01-17T22:00:00Z")), "saturday evening");
    }

    #[test]
    fn the_same_minute_twice_is_a_whole_day() {
        let window = window("UTC", &[Day::Mon], "09:00", "09:00");
        assert!(window.contains(at("2026-01-12T09:00:00Z")));
        assert!(window.contains(at("2026-01-13T08:59:00Z")));
        assert!(!window.contains(at("2026-01-12T08:59:00Z")));
    }

    #[test]
    fn faults_name_the_field() {
        let spec = |zone: &str, from: &str, to: &str| WindowSpec {
            zone: zone.into(),
            days: vec![],
            from: Some(from.into()),
            to: Some(to.into()),
        };
        let fault = |spec: WindowSpec| Window::compile(&spec).unwrap_err();
        assert_eq!(
            fault(spec("Mars/Dome", "00:00", "01:00")),
            ("zone", Problem::UnknownZone("Mars/Dome".into()))
        );
        for bad in ["8:00", "08:60", "25:00", "24:01", "0800", "+8:00", ""] {
            assert_eq!(fault(spec("UTC", bad, "24:00")), ("from", Problem::BadTime(bad.into())));
        }
        assert_eq!(fault(spec("UTC", "24:00", "24:00")).0, "from");
        assert_eq!(fault(spec("UTC", "00:00", "24:30")).0, "to");
    }
}
