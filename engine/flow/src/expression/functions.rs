//! What expressions can call.

mod chance;
mod conditions;
mod dates;
mod numbers;
mod texts;

use regex::Regex;

use super::budget::Trouble;
use super::datum::Datum;
use super::evaluate::{Evaluator, shown};

pub(crate) type Work =
    for<'e> fn(&mut Evaluator<'e>, &[Datum<'e>], Option<&Regex>) -> Result<Datum<'e>, Trouble>;

/// What the second argument of a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    Values,
    /// A regular expression, compiled when the flow is read.
    Pattern,
}

/// A function of the language.
#[derive(Clone)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Fewest arguments.
    pub least: usize,
    /// Most arguments.
    pub most: usize,
    /// Its arguments and what it gives, in a line.
    pub about: &'static str,
    pub(crate) takes: Argument,
    pub(crate) work: Work,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn function(
    name: &'static str,
    least: usize,
    most: usize,
    work: Work,
    about: &'static str,
) -> Function {
    Function { name, least, most, about, takes: Argument::Values, work }
}

const fn by_pattern(
    name: &'static str,
    least: usize,
    most: usize,
    work: Work,
    about: &'static str,
) -> Function {
    Function { name, least, most, about, takes: Argument::Pattern, work }
}

impl Function {
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }
}

/// Every function, as docs/interfaces/flows.md lists them.
pub static FUNCTIONS: &[Function] = &[
    function("upper", 1, 1, texts::upper, "(text): in capitals"),
    function("lower", 1, 1, texts::lower, "(text): in small letters"),
    function("title", 1, 1, texts::title, "(text): each word with a capital"),
    function("trim", 1, 1, texts::trim, "(text): without spaces at its ends"),
    function("len", 1, 1, texts::len, "(text): how many characters"),
    function("left", 2, 2, texts::left, "(text, count): its first characters"),
    function("right", 2, 2, texts::right, "(text, count): its last characters"),
    function("mid", 3, 3, texts::mid, "(text, from, count): characters from a place, the first is 1"),
    function("replace", 3, 3, texts::replace, "(text, old, new): each old one replaced"),
    function("contains", 2, 2, texts::contains, "(text, part): the part stands somewhere in it, folded"),
    function("word", 2, 2, texts::word, "(text, number): one word, the first is 1, the last is -1"),
    function("word_count", 1, 1, texts::word_count, "(text): how many words"),
    function("digits", 1, 1, texts::digits, "(text): its digits alone"),
    function("fold", 1, 1, texts::fold, "(text): without case, accents and punctuation, as tests compare"),
    function("default", 2, 2, texts::default, "(value, other): the other if the value is missing or empty"),
    function("plural", 3, 3, texts::plural, "(number, one, many): the word that fits the number"),
    function("json", 2, 2, texts::json, "(text, path): a value of JSON by a path such as `items.0.name`"),
    by_pattern("match", 2, 3, texts::find, "(text, pattern, group): what a regular expression finds"),
    function("number", 1, 1, numbers::number, "(text): the first number in it"),
    function("round", 1, 2, numbers::round, "(number, digits): rounded, halves away from nought"),
    function("floor", 1, 1, numbers::floor, "(number): rounded down"),
    function("ceil", 1, 1, numbers::ceil, "(number): rounded up"),
    function("abs", 1, 1, numbers::abs, "(number): without its sign"),
    function("min", 1, 8, numbers::min, "(number, ...): the least"),
    function("max", 1, 8, numbers::max, "(number, ...): the greatest"),
    function(
        "format_number",
        1,
        4,
        numbers::format_number,
        "(number, digits, group, point): with thousands set apart",
    ),
    function("if", 3, 3, chosen, "(condition, yes, no): one of the two"),
    function(
        "random",
        2,
        2,
        chance::random,
        "(least, most): a whole number by chance, the same for a repeated run",
    ),
    function("pick", 2, 8, chance::pick, "(value, ...): one of them by chance"),
    function("today", 0, 0, dates::today, "(): midnight of today"),
    function("date", 1, 1, dates::date, "(text): the date written in it"),
    function("format_date", 2, 3, dates::format_date, "(date, pattern, zone): as `%A, %d %B %H:%M` says"),
    function("add_minutes", 2, 2, dates::add_minutes, "(date, count): so many minutes later"),
    function("add_hours", 2, 2, dates::add_hours, "(date, count): so many hours later"),
    function("add_days", 2, 2, dates::add_days, "(date, count): so many days later by the calendar"),
    function("add_months", 2, 2, dates::add_months, "(date, count): so many months later by the calendar"),
    function("days_between", 2, 2, dates::days_between, "(date, date): days from the first to the second"),
    function(
        "minutes_between",
        2,
        2,
        dates::minutes_between,
        "(date, date): minutes from the first to the second",
    ),
    function("weekday", 1, 1, dates::weekday, "(date): 1 for Monday to 7 for Sunday"),
    function("hour", 1, 1, dates::hour, "(date): 0 to 23"),
    function("day", 1, 1, dates::day, "(date): day of the month"),
    function("month", 1, 1, dates::month, "(date): 1 to 12"),
    function("year", 1, 1, dates::year, "(date): the year"),
    function("is_empty", 1, 1, conditions::is_empty, "(value): missing, or no text"),
    function("has_any_word", 2, 2, conditions::has_any_word, "(text, words): one of the words is in it"),
    function("has_all_words", 2, 2, conditions::has_all_words, "(text, words): each of the words is in it"),
    function("has_phrase", 2, 2, conditions::has_phrase, "(text, phrase): the words are in it side by side"),
    function(
        "has_only_phrase",
        2,
        2,
        conditions::has_only_phrase,
        "(text, phrase): it is these words and no other",
    ),
    function("has_beginning", 2, 2, conditions::has_beginning, "(text, words): it begins with these words"),
    function("starts_with", 2, 2, conditions::starts_with, "(text, start): it begins with these characters"),
    function(
        "is_choice",
        2,
        2,
        conditions::is_choice,
        "(text, choices): one of the choices, parted by a bar, is it or stands in it",
    ),
    function("has_number", 1, 1, conditions::has_number, "(text): a number is in it"),
    function(
        "has_number_between",
        3,
        3,
        conditions::has_number_between,
        "(text, least, most): a number within these is in it",
    ),
    function("has_date", 1, 1, conditions::has_date, "(text): a date is in it"),
    function("has_email", 1, 1, conditions::has_email, "(text): an email address is in it"),
    function("email", 1, 1, conditions::email, "(text): the email address in it"),
    function("has_phone", 1, 1, conditions::has_phone, "(text): a telephone number is in it"),
    function("phone", 1, 1, conditions::phone, "(text): the telephone number in it, country code first"),
    by_pattern(
        "has_pattern",
        2,
        2,
        conditions::has_pattern,
        "(text, pattern): a regular expression finds something",
    ),
];

/// `if` is a part of the language of its own, which looks at one argument only.
fn chosen<'e>(_: &mut Evaluator<'e>, values: &[Datum<'e>], _: Option<&Regex>) -> Result<Datum<'e>, Trouble> {
    let [condition, yes, no] = values else { return Ok(Datum::Missing) };
    Ok(if condition.truth() { yes.clone() } else { no.clone() })
}

/// A number that a function needs.
fn number(value: &Datum<'_>) -> Result<f64, Trouble> {
    value.number().ok_or_else(|| Trouble::Wrong(format!("{} is no number", shown(value))))
}

/// A count that a function needs; fractions are cut.
fn count(value: &Datum<'_>) -> Result<i64, Trouble> {
    // Casting saturates, and no count of that size has a meaning.
    number(value).map(|number| number.trunc() as i64)
}
