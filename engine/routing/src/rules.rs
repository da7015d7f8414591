//! Routing as data: a set of rules, compiled so that its size hardly matters to a message.

mod compile;
mod error;
mod explain;
mod index;
mod rule;
mod sharing;
mod spec;
mod window;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use compile::{MAX_RULES, MAX_TARGETS};
pub use error::{Place, Problem, RuleError, RuleErrors};
pub use explain::{Considered, ConsideredLink, Explanation, Verdict};
pub use rule::Condition;
pub use spec::{ActionSpec, Conditions, Day, RuleSetSpec, RuleSpec, Sharing, TargetSpec, WindowSpec};

use self::index::{Index, MAX_INDEX_BYTES};
use self::rule::{Action, Rule};
use crate::decision::{Decision, Outcome, Reason};
use crate::id::{Names, RuleIndex, RuleVersion};
use crate::query::{Health, LinkHealth, Query};

/// A compiled rule set of one version. It never changes: a reload compiles another and swaps the `Arc`.
#[derive(Debug)]
pub struct RuleSet {
    version: RuleVersion,
    /// Rules that are on, in order.
    rules: Vec<Rule>,
    /// Names of all rules, those that are off too.
    names_of_rules: Vec<Box<str>>,
    index: Index,
    names: Arc<Names>,
}

impl Default for RuleSet {
    /// No rules: nothing is routed.
    fn default() -> Self {
        Self::compile(&RuleSetSpec::default(), RuleVersion::default(), Arc::default())
            .expect("a set without rules has no faults")
    }
}

impl RuleSet {
    /// Compiles a set: names become ids, fields are checked, the index is built.
    ///
    /// # Errors
    /// All faults of the set, each with its rule and field.
    pub fn compile(spec: &RuleSetSpec, version: RuleVersion, names: Arc<Names>) -> Result<Self, RuleErrors> {
        let rules = compile::compile(spec, &names).map_err(RuleErrors)?;
        let index = Index::build(&rules).map_err(|too_large| {
            let place = Place { rule: None, field: "rules".into() };
            let problem = Problem::TooLarge { bytes: too_large.bytes, limit: MAX_INDEX_BYTES };
            RuleErrors(vec![RuleError { place, problem }])
        })?;
        let names_of_rules = spec.rules.iter().map(|rule| rule.name.as_str().into()).collect();
        Ok(Self { version, rules, names_of_rules, index, names })
    }

    /// Version of the set.
    #[must_use]
    pub fn version(&self) -> RuleVersion {
        self.version
    }

    /// Rules of the set, those that are off too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names_of_rules.len()
    }

    /// True when there are no rules, so that nothing is routed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names_of_rules.is_empty()
    }

    /// Name of a rule of this set.
    #[must_use]
    pub fn rule_name(&self, index: RuleIndex) -> Option<&str> {
        self.names_of_rules.get(index.0 as usize).map(|name| &**name)
    }

    /// The names that the set was compiled with.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Octets that the index takes, about.
    #[must_use]
    pub fn index_memory(&self) -> usize {
        self.index.memory()
    }

    /// Decides where a message goes: the first rule whose conditions all hold, and the order of its links.
    #[must_use]
    pub fn decide(&self, query: &Query<'_>, health: &dyn LinkHealth) -> Decision {
        let found = self.index.first(query, |position| self.rules[position].late_failure(query).is_none());
        self.decision(found.map(|position| &self.rules[position]), query, health)
    }

    fn decision(&self, rule: Option<&Rule>, query: &Query<'_>, health: &dyn LinkHealth) -> Decision {
        let version = self.version;
        let Some(rule) = rule else {
            return Decision {
                version,
                rule: None,
                outcome: Outcome::NoRoute,
                reason: Reason::NoRuleMatched,
            };
        };
        let (outcome, reason) = match &rule.action {
            Action::Reject(reason) => (Outcome::Reject(reason.clone()), Reason::RejectedByRule),
            Action::Account(account) => (Outcome::Account(*account), Reason::RuleMatched),
            Action::Links { targets, shared } => {
                let key = shared.then(|| sharing::pair_key(query.source, query.destination));
                let order = sharing::order(targets, key, query.max_cost, health);
                let reason = match order.first() {
                    None => Reason::AllLinksDisabled,
                    Some(first) if first.health == Health::Down => Reason::AllLinksDown,
                    Some(_) => Reason::RuleMatched,
                };
                (Outcome::Links(order), reason)
            }
        };
        Decision { version, rule: Some(rule.index), outcome, reason }
    }
}
