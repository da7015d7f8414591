//! A rule with its names resolved, and its plain evaluation: one condition after the other.

use serde::Serialize;

use super::window::Window;
use crate::id::{AccountId, CarrierId, Cost, LinkId, RuleIndex};
use crate::number::Country;
use crate::query::{Direction, MessageClass, Party, Query};

/// A condition of a rule, in the order in which they are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Which way the message goes.
    Direction,
    /// Message class.
    Class,
    /// Destination address or prefix.
    Destination,
    /// Source address, prefix or kind.
    Source,
    /// Country of the device.
    Country,
    /// Carrier of the device.
    Carrier,
    /// Account that submitted it.
    Account,
    /// Link that brought it.
    Ingress,
    /// Time windows.
    Time,
    /// What it may cost.
    Cost,
}

/// What an address must be; empty means anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressCondition {
    /// Digits of whole numbers.
    pub(crate) numbers: Vec<Box<[u8]>>,
    /// Whole texts.
    pub(crate) texts: Vec<Box<[u8]>>,
    /// Digits that a number begins with.
    pub(crate) prefixes: Vec<Box<[u8]>>,
    /// Any text.
    pub(crate) any_text: bool,
}

impl AddressCondition {
    pub(crate) fn is_any(&self) -> bool {
        self.numbers.is_empty() && self.texts.is_empty() && self.prefixes.is_empty() && !self.any_text
    }

    fn holds(&self, party: Party<'_>) -> bool {
        if self.is_any() {
            return true;
        }
        match party {
            Party::Number(digits) => {
                self.numbers.iter().any(|number| **number == *digits)
                    || self.prefixes.iter().any(|prefix| digits.starts_with(prefix))
            }
            Party::Text(text) => self.any_text || self.texts.iter().any(|other| **other == *text),
        }
    }
}

/// A link that a rule names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleTarget {
    pub(crate) link: LinkId,
    pub(crate) weight: u32,
    pub(crate) priority: u8,
    pub(crate) cost: Option<Cost>,
}

impl RuleTarget {
    /// True when the message may cost what this link takes.
    pub(crate) fn within(&self, cap: Option<Cost>) -> bool {
        match (cap, self.cost) {
            (None, _) => true,
            (Some(cap), Some(cost)) => cost <= cap,
            (Some(_), None) => false,
        }
    }
}

/// What a rule does.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Links {
        targets: Vec<RuleTarget>,
        /// True when some priority has several links, so that a hash must choose.
        shared: bool,
    },
    Account(AccountId),
    Reject(Box<str>),
}

/// A rule, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) index: RuleIndex,
    pub(crate) direction: Option<Direction>,
    pub(crate) classes: Vec<MessageClass>,
    pub(crate) destination: AddressCondition,
    pub(crate) source: AddressCondition,
    pub(crate) countries: Vec<Country>,
    pub(crate) carriers: Vec<CarrierId>,
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) ingress: Vec<LinkId>,
    pub(crate) windows: Vec<Window>,
    pub(crate) action: Action,
}

fn listed<T: PartialEq>(list: &[T], value: Option<T>) -> bool {
    list.is_empty() || value.is_some_and(|value| list.contains(&value))
}

impl Rule {
    /// The first condition that does not hold.
    pub(crate) fn first_failure(&self, query: &Query<'_>) -> Option<Condition> {
        let checks = [
            (Condition::Direction, self.direction.is_none_or(|direction| direction == query.direction)),
            (Condition::Class, listed(&self.classes, Some(query.class))),
            (Condition::Destination, self.destination.holds(query.destination)),
            (Condition::Source, self.source.holds(query.source)),
            (Condition::Country, listed(&self.countries, query.number.country)),
            (Condition::Carrier, listed(&self.carriers, query.number.carrier)),
            (Condition::Account, listed(&self.accounts, query.account)),
            (Condition::Ingress, listed(&self.ingress, query.ingress)),
        ];
        if let Some((condition, _)) = checks.into_iter().find(|(_, holds)| !holds) {
            return Some(condition);
        }
        self.late_failure(query)
    }

    /// The first failure among the conditions that no index answers: time and cost.
    pub(crate) fn late_failure(&self, query: &Query<'_>) -> Option<Condition> {
        if !self.windows.is_empty() && !self.windows.iter().any(|window| window.contains(query.at)) {
            return Some(Condition::Time);
        }
        let affordable = match &self.action {
            Action::Links { targets, .. } => targets.iter().any(|target| target.within(query.max_cost)),
            Action::Account(_) | Action::Reject(_) => true,
        };
        (!affordable).then_some(Condition::Cost)
    }
}
