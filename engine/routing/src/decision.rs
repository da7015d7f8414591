//! What the router answers.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::id::{AccountId, Cost, LinkId, RuleIndex, RuleVersion};
use crate::query::Health;

/// A link that a message may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The link.
    pub link: LinkId,
    /// Failover group: a lower one is used first.
    pub priority: u8,
    /// State of the link when this was decided; never [`Health::Disabled`].
    pub health: Health,
    /// Cost of the message over it, if known.
    pub cost: Option<Cost>,
}

/// Targets in the order in which they are to be tried.
pub type Targets = SmallVec<[Target; 4]>;

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Over the first of these links, on its failure over the next. All segments of one message, and all
    /// messages between the same two addresses, get the same order while the states of the links stay.
    Links(Targets),
    /// To whatever session or webhook of this account takes its messages.
    Account(AccountId),
    /// Nowhere, by a rule; the reason is the rule's.
    Reject(Box<str>),
    /// Nowhere: no rule matches.
    NoRoute,
}

/// Why the outcome is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A rule matched, and at least one of its links is bound (or it names an account).
    RuleMatched,
    /// A rule matched, but each of its links is down: the message waits for the first.
    AllLinksDown,
    /// A rule matched, but each of its links is disabled: there are no targets.
    AllLinksDisabled,
    /// A rule that rejects matched.
    RejectedByRule,
    /// No rule matched.
    NoRuleMatched,
}

/// The answer to a [`Query`](crate::Query).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Version of the rules that decided; the message keeps it.
    pub version: RuleVersion,
    /// The rule that matched; [`RuleSet::rule_name`](crate::RuleSet::rule_name) gives its name.
    pub rule: Option<RuleIndex>,
    /// Where the message goes.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
}

impl Decision {
    /// Targets in order; empty when the message goes over no link.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        match &self.outcome {
            Outcome::Links(targets) => targets,
            Outcome::Account(_) | Outcome::Reject(_) | Outcome::NoRoute => &[],
        }
    }
}
