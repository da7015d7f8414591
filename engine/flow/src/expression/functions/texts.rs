use std::borrow::Cow;

use regex::Regex;

use super::count;
use crate::expression::budget::Trouble;
use crate::expression::datum::Datum;
use crate::expression::evaluate::Evaluator;

pub(super) fn upper<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let text = at.text(&values[0]);
    at.budget.text(text.len() * 2)?;
    Ok(Datum::owned(text.to_uppercase()))
}

pub(super) fn lower<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let text = at.text(&values[0]);
    at.budget.text(text.len() * 2)?;
    Ok(Datum::owned(text.to_lowercase()))
}

pub(super) fn title<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let text = at.text(&values[0]);
    at.budget.text(text.len() * 2)?;
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphanumeric() || c == '\'';
    }
    Ok(Datum::owned(out))
}

pub(super) fn trim<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    Ok(Datum::owned(at.text(&values[0]).trim().to_owned()))
}

pub(super) fn len<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    Ok(Datum::Number(at.text(&values[0]).chars().count() as f64))
}

pub(super) fn left<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let wanted = usize::try_from(count(&values[1])?).unwrap_or(0);
    Ok(Datum::owned(at.text(&values[0]).chars().take(wanted).collect()))
}

pub(super) fn right<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let text = at.text(&values[0]);
    let wanted = usize::try_from(count(&values[1])?).unwrap_or(0);
    let skipped = text.chars().count().saturating_sub(wanted);
    Ok(Datum::owned(text.chars().skip(skipped).collect()))
}

pub(super) fn mid<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let from = usize::try_from(count(&values[1])?).unwrap_or(0).saturating_sub(1);
    let wanted = usize::try_from(count(&values[2])?).unwrap_or(0);
    Ok(Datum::owned(at.text(&values[0]).chars().skip(from).take(wanted).collect()))
}

pub(super) fn replace<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let (text, old, new) = (at.text(&values[0]), at.text(&values[1]), at.text(&values[2]));
    if old.is_empty() {
        return Ok(values[0].clone());
    }
    let times = text.matches(&*old).count();
    at.budget.text(text.len() + times * new.len())?;
    Ok(Datum::owned(text.replace(&*old, &new)))
}

pub(super) fn contains<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let (text, part) =
        (signalbox_text::fold(&at.text(&values[0])), signalbox_text::fold(&at.text(&values[1])));
    Ok(Datum::Truth(!part.is_empty() && text.contains(&part)))
}

pub(super) fn word<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let text = at.text(&values[0]);
    let number = count(&values[1])?;
    let place = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX);
    let mut words = text.split_whitespace();
    let word = match number {
        0 => None,
        1.. => words.nth(place - 1),
        _ => words.nth_back(place - 1),
    };
    let word = word.unwrap_or_default().trim_matches(|c: char| c.is_ascii_punctuation());
    Ok(Datum::owned(word.to_owned()))
}

pub(super) fn word_count<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    Ok(Datum::Number(at.text(&values[0]).split_whitespace().count() as f64))
}

pub(super) fn digits<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    Ok(Datum::owned(at.text(&values[0]).chars().filter(char::is_ascii_digit).collect()))
}

pub(super) fn fold<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    Ok(Datum::owned(signalbox_text::fold(&at.text(&values[0]))))
}

pub(super) fn default<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let empty = at.text(&values[0]).trim().is_empty();
    Ok(values[usize::from(empty)].clone())
}

pub(super) fn plural<'e>(
    _: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let one = super::number(&values[0])?.abs() == 1.0;
    Ok(values[if one { 1 } else { 2 }].clone())
}

pub(super) fn json<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let text = at.text(&values[0]);
    // Parsing builds a tree, which costs more than reading.
    at.budget.text(text.len())?;
    at.budget.spend(text.len() as u64)?;
    let Ok(mut found) = serde_json::from_str::<serde_json::Value>(&text) else {
        return Err(Trouble::Wrong("the text is no JSON".to_owned()));
    };
    let path = at.text(&values[1]);
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let inner = match &mut found {
            serde_json::Value::Object(object) => object.get_mut(part).map(serde_json::Value::take),
            serde_json::Value::Array(list) => {
                part.parse::<usize>().ok().and_then(|place| list.get_mut(place)).map(serde_json::Value::take)
            }
            _ => None,
        };
        let Some(inner) = inner else {
            return at.absent(&path);
        };
        found = inner;
    }
    Ok(match found {
        serde_json::Value::Null => return at.absent(&path),
        serde_json::Value::Bool(truth) => Datum::Truth(truth),
        serde_json::Value::Number(number) => Datum::Number(number.as_f64().unwrap_or(0.0)),
        serde_json::Value::String(text) => Datum::owned(text),
        tree @ (serde_json::Value::Array(_) | serde_json::Value::Object(_)) => Datum::owned(tree.to_string()),
    })
}

pub(super) fn find<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    pattern: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let text = at.text(&values[0]);
    let group = values.get(2).map_or(Ok(0), count)?;
    let group = usize::try_from(group).unwrap_or(usize::MAX);
    // The automaton reads the text once, but not as fast as a comparison does.
    at.budget.spend(20 + text.len() as u64)?;
    let found = pattern.and_then(|pattern| pattern.captures(&text)?.get(group));
    Ok(Datum::Text(Cow::Owned(found.map_or_else(String::new, |found| found.as_str().to_owned()))))
}
