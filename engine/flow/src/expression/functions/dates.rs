use regex::Regex;

use super::{count, shown};
use crate::expression::budget::Trouble;
use crate::expression::dates::{self as calendar, Unit};
use crate::expression::datum::Datum;
use crate::expression::evaluate::Evaluator;

pub(super) fn today<'e>(
    at: &mut Evaluator<'e>,
    _: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let midnight = at.now().to_zoned(at.surroundings.zone.clone()).start_of_day();
    midnight
        .map(|midnight| Datum::Date(midnight.timestamp().as_microsecond()))
        .map_err(|_| Trouble::Wrong("today is out of range".to_owned()))
}

pub(super) fn date<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    given(at, &values[0]).map(Datum::Date)
}

pub(super) fn format_date<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let date = given(at, &values[0])?;
    let zone = match values.get(2) {
        None => at.surroundings.zone.clone(),
        Some(name) => {
            let name = at.text(name);
            jiff::tz::TimeZone::get(&name)
                .map_err(|_| Trouble::Wrong(format!("there is no time zone `{name}`")))?
        }
    };
    let pattern = at.text(&values[1]);
    at.budget.text(pattern.len() * 32)?;
    calendar::formatted(date, &pattern, &zone).map(Datum::owned).map_err(Trouble::Wrong)
}

pub(super) fn add_minutes<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    later(at, values, Unit::Minutes)
}

pub(super) fn add_hours<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    later(at, values, Unit::Hours)
}

pub(super) fn add_days<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    later(at, values, Unit::Days)
}

pub(super) fn add_months<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    later(at, values, Unit::Months)
}

pub(super) fn days_between<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let (first, second) = (given(at, &values[0])?, given(at, &values[1])?);
    calendar::days_between(first, second, &at.surroundings.zone)
        .map(|days| Datum::Number(days as f64))
        .ok_or_else(out_of_range)
}

pub(super) fn minutes_between<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let (first, second) = (given(at, &values[0])?, given(at, &values[1])?);
    Ok(Datum::Number((second.saturating_sub(first) / 60_000_000) as f64))
}

pub(super) fn weekday<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    part(at, values, |date| f64::from(date.weekday().to_monday_one_offset()))
}

pub(super) fn hour<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    part(at, values, |date| f64::from(date.hour()))
}

pub(super) fn day<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    part(at, values, |date| f64::from(date.day()))
}

pub(super) fn month<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    part(at, values, |date| f64::from(date.month()))
}

pub(super) fn year<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    part(at, values, |date| f64::from(date.year()))
}

fn given(at: &Evaluator<'_>, value: &Datum<'_>) -> Result<i64, Trouble> {
    at.as_date(value).ok_or_else(|| Trouble::Wrong(format!("{} is no date", shown(value))))
}

fn part<'e>(
    at: &Evaluator<'e>,
    values: &[Datum<'e>],
    part: fn(jiff::Zoned) -> f64,
) -> Result<Datum<'e>, Trouble> {
    let date = given(at, &values[0])?;
    Ok(Datum::Number(part(calendar::zoned(date, &at.surroundings.zone))))
}

fn later<'e>(at: &Evaluator<'e>, values: &[Datum<'e>], unit: Unit) -> Result<Datum<'e>, Trouble> {
    let (date, amount) = (given(at, &values[0])?, count(&values[1])?);
    calendar::later(date, amount, unit, &at.surroundings.zone).map(Datum::Date).ok_or_else(out_of_range)
}

fn out_of_range() -> Trouble {
    Trouble::Wrong("the date is out of range".to_owned())
}
