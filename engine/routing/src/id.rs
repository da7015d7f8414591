//! Identifiers that rules speak of, and the table that turns names into them.

use std::fmt;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// A link, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkId(pub u32);

/// An account, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub u32);

/// A mobile operator, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CarrierId(pub u32);

/// Version of a rule set; a message keeps the version that decided it (shared-rules.md 10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleVersion(pub u64);

/// Position of a rule in its set, from 0, as the set was written (disabled rules count).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleIndex(pub u32);

impl fmt::Display for RuleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An amount of money in millionths of the rule set's currency unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cost(pub i64);

/// An instant in UTC, microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcMicros(pub i64);

/// What rules may name: links with their ordinary cost, accounts and carriers.
///
/// Given when a rule set is compiled, so that a name nobody knows is found then and not by a message.
#[derive(Clone, Debug, Default)]
pub struct Names {
    links: FxHashMap<Box<str>, (LinkId, Option<Cost>)>,
    accounts: FxHashMap<Box<str>, AccountId>,
    carriers: FxHashMap<Box<str>, CarrierId>,
    link_names: FxHashMap<LinkId, Box<str>>,
    account_names: FxHashMap<AccountId, Box<str>>,
    carrier_names: FxHashMap<CarrierId, Box<str>>,
}

impl Names {
    /// A table without names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a link; `cost` is what a message over it costs where a rule's target says nothing else.
    pub fn add_link(&mut self, name: &str, id: LinkId, cost: Option<Cost>) -> &mut Self {
        self.links.insert(name.into(), (id, cost));
        self.link_names.insert(id, name.into());
        self
    }

    /// Adds an account.
    pub fn add_account(&mut self, name: &str, id: AccountId) -> &mut Self {
        self.accounts.insert(name.into(), id);
        self.account_names.insert(id, name.into());
        self
    }

    /// Adds a carrier. One carrier may have several names (codes of portability tables and look-ups); the
    /// first is the one shown.
    pub fn add_carrier(&mut self, name: &str, id: CarrierId) -> &mut Self {
        self.carriers.insert(name.into(), id);
        self.carrier_names.entry(id).or_insert_with(|| name.into());
        self
    }

    /// The link with this name and its ordinary cost.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<(LinkId, Option<Cost>)> {
        self.links.get(name).copied()
    }

    /// The account with this name.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<AccountId> {
        self.accounts.get(name).copied()
    }

    /// The carrier with this name or code.
    #[must_use]
    pub fn carrier(&self, name: &str) -> Option<CarrierId> {
        self.carriers.get(name).copied()
    }

    /// Name of a link, or its number where it has none.
    #[must_use]
    pub fn link_name(&self, id: LinkId) -> String {
        self.link_names.get(&id).map_or_else(|| format!("link {}", id.0), |name| name.to_string())
    }

    /// Name of an account, or its number where it has none.
    #[must_use]
    pub fn account_name(&self, id: AccountId) -> String {
        self.account_names.get(&id).map_or_else(|| format!("account {}", id.0), |name| name.to_string())
    }

    /// Name of a carrier, or its number where it has none.
    #[must_use]
    pub fn carrier_name(&self, id: CarrierId) -> String {
        self.carrier_names.get(&id).map_or_else(|| format!("carrier {}", id.0), |name| name.to_string())
    }
}
