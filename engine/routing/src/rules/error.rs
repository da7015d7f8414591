//! What can be wrong with a rule set, naming rule and field.

use std::fmt;

/// One fault of a rule set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct RuleError {
    /// Where it is.
    pub place: Place,
    /// What it is.
    pub problem: Problem,
}

/// Place of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Position of the rule from 0, and its name; `None` for the set as a whole.
    pub rule: Option<(usize, String)>,
    /// The field, as `when.carrier[1]`.
    pub field: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rule {
            Some((index, name)) => write!(f, "rules[{index}] \"{name}\", {}", self.field),
            None => f.write_str(&self.field),
        }
    }
}

/// A fault of a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The name is empty, too long or has control characters.
    #[error("a rule has a name of 1 to 100 characters without control characters")]
    BadName,
    /// Another rule has the same name.
    #[error("the name is taken by rules[{first}]")]
    DuplicateName {
        /// Position of the rule that has it.
        first: usize,
    },
    /// No link has this name.
    #[error("unknown link \"{0}\"")]
    UnknownLink(String),
    /// No account has this name.
    #[error("unknown account \"{0}\"")]
    UnknownAccount(String),
    /// No carrier has this name.
    #[error("unknown carrier \"{0}\"")]
    UnknownCarrier(String),
    /// Not two capital letters.
    #[error("\"{0}\" is no country (two capital letters, ISO 3166-1)")]
    BadCountry(String),
    /// A prefix is 1 to 15 digits.
    #[error("\"{0}\" is no prefix (1 to 15 digits)")]
    BadPrefix(String),
    /// An address is 1 to 64 octets.
    #[error("\"{0}\" is no address (1 to 64 octets)")]
    BadAddress(String),
    /// The time zone is not known here.
    #[error("unknown time zone \"{0}\"")]
    UnknownZone(String),
    /// Not `HH:MM`.
    #[error("\"{0}\" is no time of day (HH:MM, 00:00 to 24:00)")]
    BadTime(String),
    /// Not a currency.
    #[error("\"{0}\" is no currency (three capital letters, ISO 4217)")]
    BadCurrency(String),
    /// A cost below zero.
    #[error("a cost is not below zero, this is {0}")]
    NegativeCost(i64),
    /// Costs are written, but in which currency is not said.
    #[error("the set has costs but no currency")]
    NoCurrency,
    /// A rule that sends nowhere.
    #[error("no links")]
    EmptyTargets,
    /// Too many links in one rule.
    #[error("{count} links are more than {limit}")]
    TooManyTargets {
        /// Links of the rule.
        count: usize,
        /// Most links that a rule may have.
        limit: usize,
    },
    /// A link stands twice in one rule.
    #[error("link \"{0}\" is listed twice")]
    DuplicateLink(String),
    /// Every link of a priority has weight 0.
    #[error("all links of priority {0} have weight 0")]
    NoWeight(u8),
    /// Every link costs more than the rule allows, or its cost is unknown.
    #[error("no link is known to cost at most {0}")]
    AllTooDear(i64),
    /// `sharing = "cheapest"` with a link of unknown cost.
    #[error("sharing by cost needs the cost of link \"{0}\"")]
    UnknownCost(String),
    /// The reason of a rejection is empty.
    #[error("a rejection needs a reason")]
    EmptyReason,
    /// Too many rules.
    #[error("{count} rules are more than {limit}")]
    TooManyRules {
        /// Rules of the set.
        count: usize,
        /// Most rules a set may have.
        limit: usize,
    },
    /// The compiled form would need too much memory.
    #[error("the compiled rules would need {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Bytes needed.
        bytes: usize,
        /// Most bytes allowed.
        limit: usize,
    },
}

/// All faults of a rule set; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleErrors(pub Vec<RuleError>);

impl fmt::Display for RuleErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, error) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleErrors {}
