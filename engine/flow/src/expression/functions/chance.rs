use regex::Regex;

use super::count;
use crate::expression::budget::Trouble;
use crate::expression::datum::Datum;
use crate::expression::evaluate::Evaluator;

pub(super) fn random<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let (least, most) = (count(&values[0])?, count(&values[1])?);
    let span = u64::try_from(i128::from(most) - i128::from(least) + 1).unwrap_or(0);
    if span == 0 {
        return Err(Trouble::Wrong("the least is more than the most".to_owned()));
    }
    let drawn = draw(at) % span;
    Ok(Datum::Number((i128::from(least) + i128::from(drawn)) as f64))
}

pub(super) fn pick<'e>(
    at: &mut Evaluator<'e>,
    values: &[Datum<'e>],
    _: Option<&Regex>,
) -> Result<Datum<'e>, Trouble> {
    let drawn = draw(at) % values.len() as u64;
    // The remainder is less than the length.
    Ok(values[usize::try_from(drawn).unwrap_or(0)].clone())
}

/// The next number of the invocation's seed (SplitMix64): a repeated run draws the same.
fn draw(at: &mut Evaluator<'_>) -> u64 {
    *at.drawn += 1;
    let mut mixed = at.given.seed.wrapping_add(at.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
