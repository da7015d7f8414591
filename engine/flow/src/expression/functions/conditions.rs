use regex::Regex;
use signalbox_text::fold;

use super::number as needed;
use crate::answer;
use crate::expression::budget::Trouble;
use crate::expression::datum;
use crate::expression::datum::Datum;
use crate::expression::evaluate::Evaluator;

pub(super) fn is_empty<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    Ok(Datum::Truth(at.text(&values[0]).trim().is_empty()))
}

pub(super) fn has_any_word<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let (text, words) = folded(at, values);
    let found =
        words.split(' ').any(|wanted| !wanted.is_empty() && text.split(' ').any(|word| word == wanted));
    at.budget.spend((text.len() * words.len()) as u64 / 64)?;
    Ok(Datum::Truth(found))
}

pub(super) fn has_all_words<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let (text, words) = folded(at, values);
    at.budget.spend((text.len() * words.len()) as u64 / 64)?;
    let found = words.split(' ').all(|wanted| text.split(' ').any(|word| word == wanted));
    Ok(Datum::Truth(found && !words.is_empty()))
}

pub(super) fn has_phrase<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let (text, phrase) = folded(at, values);
    Ok(Datum::Truth(!phrase.is_empty() && format!(" {text} ").contains(&format!(" {phrase} "))))
}

pub(super) fn has_only_phrase<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let (text, phrase) = folded(at, values);
    Ok(Datum::Truth(text == phrase))
}

pub(super) fn has_beginning<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let (text, phrase) = folded(at, values);
    Ok(Datum::Truth(!phrase.is_empty() && format!("{text} ").starts_with(&format!("{phrase} "))))
}

pub(super) fn starts_with<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let (text, start) = folded(at, values);
    Ok(Datum::Truth(!start.is_empty() && text.starts_with(&start)))
}

pub(super) fn is_choice<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let (text, choices) = (fold(&at.text(&values[0])), at.text(&values[1]));
    at.budget.spend((text.len() * choices.len()) as u64 / 64)?;
    Ok(Datum::Truth(choices.split('|').map(fold).any(|choice| answer::is_choice(&text, &choice))))
}

pub(super) fn has_number<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    Ok(Datum::Truth(datum::number_in(&at.text(&values[0])).is_some()))
}

pub(super) fn has_number_between<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let (least, most) = (needed(&values[1])?, needed(&values[2])?);
    let found = datum::number_in(&at.text(&values[0]));
    Ok(Datum::Truth(found.is_some_and(|number| (least..=most).contains(&number))))
}

pub(super) fn has_date<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    Ok(Datum::Truth(at.as_date(&values[0]).is_some()))
}

pub(super) fn has_email<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    Ok(Datum::Truth(answer::email_in(&at.text(&values[0])).is_some()))
}

pub(super) fn email<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let found = answer::email_in(&at.text(&values[0])).map(str::to_owned);
    Ok(Datum::owned(found.unwrap_or_default()))
}

pub(super) fn has_phone<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    at.budget.spend(200)?;
    Ok(Datum::Truth(answer::phone_in(&at.text(&values[0]), at.surroundings.region).is_some()))
}

pub(super) fn phone<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    at.budget.spend(200)?;
    let found = answer::phone_in(&at.text(&values[0]), at.surroundings.region);
    Ok(Datum::owned(found.unwrap_or_default()))
}

pub(super) fn has_pattern<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    pattern: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let text = at.text(&values[0]);
    // The automaton reads the text once, but not as fast as a comparison does.
    at.budget.spend(20 + text.len() as u64)?;
    Ok(Datum::Truth(pattern.is_some_and(|pattern| pattern.is_match(&text))))
}

fn folded(at: &Evaluator<'_>, values: &[Datum<'_>]) -> (String, String) {
    (fold(&at.text(&values[0])), fold(&at.text(&values[1])))
}
