use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use signalbox_invocation::{Invocation, LineType, Value};
use signalbox_text::phone::Region;

use super::budget::{Budget, Trouble};
use super::dates::{self, DateOrder};
use super::datum::Datum;
use super::numbers;
use super::place::Place;
use super::tree::{Node, Operator};

/// What a flow says of the people it writes to.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub zone: TimeZone,
    pub order: DateOrder,
    /// Where numbers without a country code belong.
    pub region: Option<Region>,
    /// What is missing is an error.
    pub strict: bool,
}

/// What a run has changed until now; the last change of a name holds.
pub(crate) type Changes = [(String, Option<Value>)];

/// Gives expressions their values.
pub(crate) struct Evaluator<'e> {
    pub given: &'e Invocation,
    pub surroundings: &'e Surroundings,
    pub variables: &'e Changes,
    pub stored: &'e Changes,
    pub budget: &'e mut Budget,
    /// Numbers of chance that were drawn in this run.
    pub drawn: &'e mut u64,
    /// Names of what was not there.
    pub missing: &'e mut Vec<String>,
}

impl<'e> Evaluator<'e> {
    pub(crate) fn value(&mut self, node: &'e Node) -> Result<Datum<'e>, Trouble> {
        self.budget.spend(1)?;
        match node {
            Node::Text(text) => Ok(Datum::Text(Cow::Borrowed(text))),
            Node::Number(number) => Ok(Datum::Number(*number)),
            Node::Truth(truth) => Ok(Datum::Truth(*truth)),
            Node::Place(place, name) => self.look_up(place, name),
            Node::If(parts) => {
                let [condition, yes, no] = &**parts;
                let chosen = if self.value(condition)?.truth() { yes } else { no };
                self.value(chosen)
            }
            Node::Not(inner) => Ok(Datum::Truth(!self.value(inner)?.truth())),
            Node::Negative(inner, column) => {
                let value = self.value(inner)?;
                Ok(Datum::Number(-self.operand(&value, *column)?))
            }
            Node::Binary { operator, sides, column } => self.binary(*operator, sides, *column),
            Node::Call { function, arguments, pattern, column } => {
                let mut values = smallvec::SmallVec::<[Datum<'e>; 4]>::new();
                for argument in arguments {
                    values.push(self.value(argument)?);
                }
                // Functions read their texts from end to end.
                let octets: usize = values.iter().map(|value| self.octets(value)).sum();
                self.budget.spend(2 + octets as u64 / 4)?;
                (function.work)(self, &values, pattern.as_deref()).map_err(|trouble| match trouble {
                    Trouble::Wrong(message) => {
                        Trouble::Wrong(format!("{}: {message} (column {column})", function.name))
                    }
                    other @ (Trouble::Missing(_) | Trouble::Failed(_)) => other,
                })
            }
        }
    }

    fn octets(&self, value: &Datum<'_>) -> usize {
        match value {
            Datum::Text(text) => text.len(),
            Datum::Number(_) | Datum::Date(_) | Datum::Truth(_) | Datum::Missing => 8,
        }
    }

    fn binary(
        &mut self,
        operator: Operator,
        sides: &'e [Node; 2],
        column: usize,
    ) -> Result<Datum<'e>, Trouble> {
        let [left, right] = sides;
        let first = self.value(left)?;
        match operator {
            Operator::And if !first.truth() => return Ok(Datum::Truth(false)),
            Operator::Or if first.truth() => return Ok(Datum::Truth(true)),
            _ => {}
        }
        let second = self.value(right)?;
        self.budget.spend((self.octets(&first) + self.octets(&second)) as u64 / 8)?;
        let number = match operator {
            Operator::And | Operator::Or => return Ok(Datum::Truth(second.truth())),
            Operator::Equal => return Ok(Datum::Truth(self.compare(&first, &second).is_eq())),
            Operator::Unequal => return Ok(Datum::Truth(self.compare(&first, &second).is_ne())),
            Operator::Less => return Ok(Datum::Truth(self.compare(&first, &second).is_lt())),
            Operator::LessOrEqual => return Ok(Datum::Truth(self.compare(&first, &second).is_le())),
            Operator::Greater => return Ok(Datum::Truth(self.compare(&first, &second).is_gt())),
            Operator::GreaterOrEqual => return Ok(Datum::Truth(self.compare(&first, &second).is_ge())),
            Operator::Join => {
                let (first, second) = (self.text(&first), self.text(&second));
                self.budget.text(first.len() + second.len())?;
                return Ok(Datum::owned(format!("{first}{second}")));
            }
            Operator::Plus => self.operand(&first, column)? + self.operand(&second, column)?,
            Operator::Minus => self.operand(&first, column)? - self.operand(&second, column)?,
            Operator::Times => self.operand(&first, column)? * self.operand(&second, column)?,
            Operator::By | Operator::Remainder => {
                let (dividend, divisor) = (self.operand(&first, column)?, self.operand(&second, column)?);
                if divisor == 0.0 {
                    return Err(Trouble::Wrong(format!("division by nought (column {column})")));
                }
                if operator == Operator::By { dividend / divisor } else { dividend.rem_euclid(divisor) }
            }
        };
        if number.is_finite() {
            return Ok(Datum::Number(number));
        }
        Err(Trouble::Wrong(format!("the result is too large (column {column})")))
    }

    fn operand(&self, value: &Datum<'_>, column: usize) -> Result<f64, Trouble> {
        value
            .number()
            .ok_or_else(|| Trouble::Wrong(format!("{} is no number (column {column})", shown(value))))
    }

    /// Two values in order: as numbers or dates where both are, else as folded texts.
    fn compare(&self, first: &Datum<'_>, second: &Datum<'_>) -> std::cmp::Ordering {
        match (first, second) {
            (Datum::Date(first), Datum::Date(second)) => return first.cmp(second),
            (Datum::Date(micros), other) => {
                if let Some(date) = self.as_date(other) {
                    return micros.cmp(&date);
                }
            }
            (other, Datum::Date(micros)) => {
                if let Some(date) = self.as_date(other) {
                    return date.cmp(micros);
                }
            }
            // Nothing is less than anything that is there, and equal to an empty text.
            (Datum::Missing, Datum::Text(_)) | (Datum::Text(_), Datum::Missing) => {}
            (Datum::Missing, Datum::Missing) => return std::cmp::Ordering::Equal,
            _ => {
                if let (Some(first), Some(second)) = (first.number(), second.number()) {
                    return (first + 0.0).total_cmp(&(second + 0.0));
                }
            }
        }
        signalbox_text::fold(&self.text(first)).cmp(&signalbox_text::fold(&self.text(second)))
    }

    pub(crate) fn as_date(&self, value: &Datum<'_>) -> Option<i64> {
        match value {
            Datum::Date(micros) => Some(*micros),
            Datum::Text(text) => dates::read_date(text, self.given.now, self.surroundings),
            Datum::Number(_) | Datum::Truth(_) | Datum::Missing => None,
        }
    }

    /// The value as it stands in a text.
    pub(crate) fn text<'v>(&self, value: &'v Datum<'_>) -> Cow<'v, str> {
        match value {
            Datum::Text(text) => Cow::Borrowed(text),
            Datum::Number(number) => Cow::Owned(numbers::plain(*number)),
            Datum::Date(micros) => Cow::Owned(dates::plain(*micros, &self.surroundings.zone)),
            Datum::Truth(true) => Cow::Borrowed("yes"),
            Datum::Truth(false) => Cow::Borrowed("no"),
            Datum::Missing => Cow::Borrowed(""),
        }
    }

    fn look_up(&mut self, place: &'e Place, name: &str) -> Result<Datum<'e>, Trouble> {
        let given = self.given;
        let contact = &given.contact;
        let found = match place {
            Place::FirstName => some(&contact.first_name),
            Place::LastName => some(&contact.last_name),
            Place::FullName => {
                let full = format!("{} {}", contact.first_name, contact.last_name);
                (!full.trim().is_empty()).then(|| Datum::owned(full.trim().to_owned()))
            }
            Place::Company => some(&contact.company),
            Place::Email => some(&contact.email),
            Place::ClientId => some(&contact.client_id),
            Place::ContactField(field) => contact.fields.get(field).and_then(|value| some(value)),
            Place::DeviceAddress => some(&given.device.address),
            Place::DeviceKind => some(&given.device.kind),
            Place::DeviceLine => match given.device.line {
                LineType::Wireless => Some(Datum::Text(Cow::Borrowed("wireless"))),
                LineType::Landline => Some(Datum::Text(Cow::Borrowed("landline"))),
                LineType::Voip => Some(Datum::Text(Cow::Borrowed("voip"))),
                LineType::Unknown => None,
            },
            Place::DeviceCarrier => given.device.carrier.as_deref().and_then(some),
            Place::DeviceCountry => given.device.country.as_deref().and_then(some),
            Place::AccountName => some(&given.account.name),
            Place::CampaignName => some(&given.sub_campaign.campaign),
            Place::SubCampaignName => some(&given.sub_campaign.name),
            Place::PassName => given.call_pass.as_ref().and_then(|pass| some(&pass.name)),
            // Passes are counted: far below what a float holds exactly.
            Place::PassId => given.call_pass.as_ref().map(|pass| Datum::Number(pass.id as f64)),
            Place::PassStartedAt => given.call_pass.as_ref().map(|pass| Datum::Date(pass.started_at)),
            Place::SourceAddress => some(&given.conversation.source_address),
            Place::ConversationId => some(&given.conversation.id),
            Place::Answer => given.attempt.as_ref().and_then(|attempt| some(&attempt.text)),
            Place::Keyword => {
                given.attempt.as_ref().and_then(|attempt| attempt.keyword.as_deref().and_then(some))
            }
            Place::WebStatus => given.answer.as_ref().map(|answer| Datum::Number(f64::from(answer.status))),
            Place::WebBody => given.answer.as_ref().and_then(|answer| some(&answer.body)),
            Place::WebError => given.answer.as_ref().map(|answer| Datum::Text(Cow::Borrowed(&answer.error))),
            Place::Now => Some(Datum::Date(given.now)),
            Place::Test => Some(Datum::Truth(given.test)),
            Place::Stored(name) => self.kept(self.stored, &given.stored, name),
            Place::Variable(name) => self.kept(self.variables, &given.conversation.variables, name),
        };
        match found {
            Some(value) => Ok(value),
            None => self.absent(name),
        }
    }

    /// What stands for a value that is not there; it is told once, and is an error of strict flows.
    pub(crate) fn absent(&mut self, name: &str) -> Result<Datum<'e>, Trouble> {
        if self.surroundings.strict {
            return Err(Trouble::Missing(name.to_owned()));
        }
        if !self.missing.iter().any(|known| known == name) {
            self.missing.push(name.to_owned());
        }
        Ok(Datum::Missing)
    }

    fn kept(
        &self,
        changes: &'e Changes,
        before: &'e std::collections::BTreeMap<String, Value>,
        name: &str,
    ) -> Option<Datum<'e>> {
        match changes.iter().rev().find(|(changed, _)| changed == name) {
            Some((_, value)) => value.as_ref().map(Datum::from_value),
            None => before.get(name).map(Datum::from_value),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        dates::instant(self.given.now)
    }
}

fn some(text: &str) -> Option<Datum<'_>> {
    (!text.is_empty()).then_some(Datum::Text(Cow::Borrowed(text)))
}

/// A value for an error text: what was written by a person is cut.
pub(crate) fn shown(value: &Datum<'_>) -> String {
    match value {
        Datum::Text(text) => {
            let cut: String = text.chars().take(40).collect();
            format!("`{cut}`")
        }
        Datum::Number(_) | Datum::Date(_) | Datum::Truth(_) | Datum::Missing => value.kind().to_owned(),
    }
}
