//! A rule set as people write it: TOML, JSON, or rows of the catalog.

use serde::{Deserialize, Serialize};

use crate::query::{Direction, MessageClass};

/// A rule set: rules in order, the first that matches decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSetSpec {
    /// Currency of all costs (ISO 4217).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The rules.
    #[serde(default)]
    pub rules: Vec<RuleSpec>,
}

/// One rule: conditions, and what happens to a message that fulfils all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// Its name, unique in the set; CDRs and traces carry it.
    pub name: String,
    /// A rule that is off never matches; true unless said otherwise.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Conditions; none means that every message matches.
    #[serde(default)]
    pub when: Conditions,
    /// What happens.
    pub then: ActionSpec,
    /// How links of the same priority share messages.
    #[serde(default)]
    pub sharing: Sharing,
}

fn enabled() -> bool {
    true
}

/// Conditions of a rule. Each that is present must hold; inside a list one entry is enough. Addresses have an
/// exact list and a list of prefixes (and a flag for letters): one hit in any of these is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// Which way the message goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Whole destination addresses: short codes, numbers without `+`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination: Vec<String>,
    /// Digits that the destination begins with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination_prefix: Vec<String>,
    /// Whole source addresses, letters as written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<String>,
    /// Digits that the source begins with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source_prefix: Vec<String>,
    /// Any source that is not a number.
    #[serde(skip_serializing_if = "is_false")]
    pub source_alphanumeric: bool,
    /// Countries of the device (ISO 3166-1 alpha-2).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub country: Vec<String>,
    /// Carriers of the device, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub carrier: Vec<String>,
    /// Accounts that submitted the message, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub account: Vec<String>,
    /// Links that brought the message, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<String>,
    /// Message classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub class: Vec<MessageClass>,
    /// Time windows; the message must fall into one of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub time: Vec<WindowSpec>,
    /// Targets that cost more (micro-units), or whose cost is unknown, are left out of this rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<i64>,
}

// serde's skip_serializing_if hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !value
}

/// Days and hours in a time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    /// IANA time zone, as `America/New_York`.
    pub zone: String,
    /// Days on which the window begins; every day if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// First minute, `HH:MM`; midnight if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// First minute after the window, `HH:MM` or `24:00`; the end of the day if absent. Not after `from`: the
    /// window ends on the next day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// What happens to a message that a rule matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionSpec {
    /// It goes over one of these links.
    Links(Vec<TargetSpec>),
    /// It goes to this account.
    Account(String),
    /// It is rejected for this reason.
    Reject(String),
}

/// A link of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetSpec {
    /// The link, by name.
    pub link: String,
    /// Its part of the messages among the links of its priority; 0 means only when the others are not up.
    #[serde(default = "one")]
    pub weight: u32,
    /// Failover group: the lowest with a link that is up takes the message.
    #[serde(default)]
    pub priority: u8,
    /// Cost of a message in micro-units; the link's own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<i64>,
}

fn one() -> u32 {
    1
}

/// How links of one priority share messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// By weight, the same link for the same pair of addresses.
    #[default]
    Weighted,
    /// The cheapest first, the others by rising cost as failover; links of equal cost share by weight.
    /// Every target needs a known cost.
    Cheapest,
}
