//! A week of allowed spans, against the clock of a zone.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};
use smallvec::SmallVec;

use super::spec::WeekSpec;

const DAY_MINUTES: u16 = 24 * 60;
/// An allowed hour is looked for so many days ahead: longer than any run of holidays.
pub(super) const HORIZON_DAYS: i32 = 31;

/// Minutes of a day, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Minutes {
    from: u16,
    to: u16,
}

type Spans = SmallVec<[Minutes; 2]>;

/// Allowed spans by weekday, and those of holidays.
#[derive(Clone, Debug, Default)]
pub(super) struct Week {
    /// From Monday.
    days: [Spans; 7],
    dates: Vec<Date>,
    /// Month and day, every year.
    yearly: Vec<(i8, i8)>,
    on_holidays: Spans,
}

impl Week {
    /// Reads the spans; the field and what is wrong in it otherwise.
    pub(super) fn read(
        hours: &WeekSpec,
        holidays: &[String],
        on_holidays: &[String],
    ) -> Result<Self, (&'static str, String)> {
        let mut week = Self::default();
        for (field, day, spans) in hours.days() {
            week.days[slot(day)] = read_spans(spans).map_err(|problem| (field, problem))?;
        }
        if week.days.iter().all(SmallVec::is_empty) {
            return Err(("hours", "no hour of the week is allowed".to_owned()));
        }
        week.on_holidays = read_spans(on_holidays).map_err(|problem| ("on_holidays", problem))?;
        for text in holidays {
            if let Ok(date) = text.parse::<Date>() {
                week.dates.push(date);
            } else if let Ok(date) = format!("2024-{text}").parse::<Date>() {
                week.yearly.push((date.month(), date.day()));
            } else {
                return Err(("holidays", format!("{text:?} is neither 2026-12-25 nor 12-25")));
            }
        }
        week.dates.sort_unstable();
        Ok(week)
    }

    fn spans(&self, date: Date) -> &Spans {
        let holiday =
            self.dates.binary_search(&date).is_ok() || self.yearly.contains(&(date.month(), date.day()));
        if holiday { &self.on_holidays } else { &self.days[slot(date.weekday())] }
    }

    /// True when the wall clock shows an allowed minute.
    pub(super) fn allows(&self, local: DateTime) -> bool {
        let minute = local.hour().unsigned_abs() as u16 * 60 + local.minute().unsigned_abs() as u16;
        self.spans(local.date()).iter().any(|span| (span.from..span.to).contains(&minute))
    }

    /// The first instant from `from` on at which the zone's clock shows an allowed minute; `None` when there is none
    /// within the horizon.
    ///
    /// An allowed stretch begins where a span does, or where the clock jumps into one.
    pub(super) fn next(&self, zone: &TimeZone, from: Timestamp) -> Option<Timestamp> {
        if self.allows(zone.to_datetime(from)) {
            return Some(from);
        }
        let today = zone.to_datetime(from).date();
        let starts =
            (0..=HORIZON_DAYS).filter_map(|ahead| today.checked_add(ahead.days()).ok()).find_map(|date| {
                let times = self.spans(date).iter().filter_map(|span| time(span.from));
                times
                    .flat_map(|time| instants(zone, date.to_datetime(time)))
                    .filter(|at| *at >= from && self.allows(zone.to_datetime(*at)))
                    .min()
            });
        let limit = starts.unwrap_or(from.checked_add((i64::from(HORIZON_DAYS) * 24).hours()).ok()?);
        // The clock of a zone jumps some times a year.
        let jump = zone
            .following(from)
            .map(|transition| transition.timestamp())
            .take_while(|at| *at < limit)
            .find(|at| self.allows(zone.to_datetime(*at)));
        jump.or(starts)
    }
}

/// When a zone's clock shows this: never, once or twice.
fn instants(zone: &TimeZone, at: DateTime) -> SmallVec<[Timestamp; 2]> {
    let offsets: SmallVec<[_; 2]> = match zone.to_ambiguous_timestamp(at).offset() {
        AmbiguousOffset::Unambiguous { offset } => SmallVec::from_slice(&[offset]),
        AmbiguousOffset::Gap { .. } => SmallVec::new(),
        AmbiguousOffset::Fold { before, after } => SmallVec::from_slice(&[before, after]),
    };
    offsets.into_iter().filter_map(|offset| offset.to_timestamp(at).ok()).collect()
}

fn slot(day: Weekday) -> usize {
    usize::from(day.to_monday_zero_offset().unsigned_abs() % 7)
}

fn time(minute: u16) -> Option<Time> {
    Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).ok()
}

fn read_spans(texts: &[String]) -> Result<Spans, String> {
    let mut spans = Spans::new();
    for text in texts {
        let bad = || format!("{text:?} is no span of a day such as 08:00-21:00");
        let (from, to) = text.split_once('-').ok_or_else(bad)?;
        let (from, to) = (minute(from).ok_or_else(bad)?, minute(to).ok_or_else(bad)?);
        if from >= to {
            return Err(format!("{text:?} ends before it begins: a span over midnight is two"));
        }
        spans.push(Minutes { from, to });
    }
    spans.sort_unstable();
    if spans.windows(2).any(|two| two[1].from < two[0].to) {
        return Err("spans overlap".to_owned());
    }
    Ok(spans)
}

/// Minute of the day, 0 to 1440.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |part: &str| -> Option<u16> {
        (part.len() == 2 && part.bytes().all(|octet| octet.is_ascii_digit())).then(|| part.parse().ok())?
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let whole = hours * 60 + minutes;
    (minutes < 60 && whole <= DAY_MINUTES).then_some(whole)
}
