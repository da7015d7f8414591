//! The language of conditions and values: `upper(contact.first_name)`, `score >= 8 and has_number(answer)`.

mod budget;
mod dates;
mod datum;
mod evaluate;
mod functions;
mod lexer;
mod numbers;
mod parse;
mod place;
mod tree;

pub(crate) use budget::{Budget, Trouble};
pub(crate) use dates::{DateOrder, days_between, read_date};
pub(crate) use datum::{Datum, number_in};
pub(crate) use evaluate::{Evaluator, Surroundings};
pub use functions::FUNCTIONS;
pub use functions::Function;

pub use parse::SyntaxError;
pub(crate) use parse::compile;
pub(crate) use parse::{parse, parse_embedded};
pub(crate) use place::is_variable;
pub(crate) use place::{Place, place};
pub(crate) use tree::Node;

/// A date of UTC as it stands in a text.
pub(crate) fn plain_date(micros: i64) -> String {
    dates::plain(micros, &jiff::tz::TimeZone::UTC)
}
