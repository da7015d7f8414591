use regex::Regex;

use super::{count, number as needed};
use crate::expression::budget::Trouble;
use crate::expression::datum::Datum;
use crate::expression::evaluate::Evaluator;
use crate::expression::{datum, numbers as write};

pub(super) fn number<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let found = match &values[0] {
        Datum::Number(number) => Some(*number),
        other => datum::number_in(&at.text(other)),
    };
    found.map_or_else(
        || Err(Trouble::Wrong(format!("{} has no number", super::shown(&values[0])))),
        |number| Ok(Datum::Number(number)),
    )
}

pub(super) fn round<'e>(
    _: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let digits = values.get(1).map_or(Ok(0), count)?.clamp(0, 9);
    // The bounds above are those of the type.
    let scale = 10f64.powi(digits as i32);
    finite((needed(&values[0])? * scale).round() / scale)
}

pub(super) fn floor<'e>(
    _: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    finite(needed(&values[0])?.floor())
}

pub(super) fn ceil<'e>(
    _: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    finite(needed(&values[0])?.ceil())
}

pub(super) fn abs<'e>(
    _: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    finite(needed(&values[0])?.abs())
}

pub(super) fn min<'e>(
    _: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let mut found = needed(&values[0])?;
    for value in &values[1..] {
        found = found.min(needed(value)?);
    }
    finite(found)
}

pub(super) fn max<'e>(
    _: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let mut found = needed(&values[0])?;
    for value in &values[1..] {
        found = found.max(needed(value)?);
    }
    finite(found)
}

pub(super) fn format_number<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let digits = usize::try_from(values.get(1).map_or(Ok(0), count)?.clamp(0, 9)).unwrap_or(0);
    let group = values.get(2).map_or_else(|| ",".into(), |value| at.text(value));
    let point = values.get(3).map_or_else(|| ".".into(), |value| at.text(value));
    let number = needed(&values[0])?;
    at.budget.text(320 + group.len() * 110 + point.len())?;
    Ok(Datum::owned(write::grouped(number, digits, &group, &point)))
}

fn finite<'e>(number: f64) -> Result<Datum<'e>, Trouble> {
    if number.is_finite() {
        return Ok(Datum::Number(number));
    }
    Err(Trouble::Wrong("the result is too large".to_owned()))
}
