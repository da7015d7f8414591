//! Why a message goes where it goes: the plain evaluation, rule by rule, with the values it met.

use serde::Serialize;

use super::RuleSet;
use super::rule::{Action, AddressCondition, Condition, Rule};
use super::sharing;
use crate::decision::{Decision, Outcome, Reason};
use crate::id::{Cost, LinkId, RuleIndex, RuleVersion};
use crate::number::NumberAnswer;
use crate::query::{Health, LinkHealth, Party, Query};
use crate::router::Consulted;

/// The trace of a decision. It holds addresses as they are: show it only to who may read them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Version of the rules.
    pub version: RuleVersion,
    /// From.
    pub source: String,
    /// To.
    pub destination: String,
    /// What is known about the device, and from where.
    pub number: NumberAnswer,
    /// Name of that carrier.
    pub carrier: Option<String>,
    /// What each source said about the device; [`Router::explain`](crate::Router::explain) fills it in.
    pub consulted: Vec<Consulted>,
    /// The rules in order, up to the one that matched.
    pub considered: Vec<Considered>,
    /// The links of the rule that matched, in the order in which they are tried; those left out come last.
    pub links: Vec<ConsideredLink>,
    /// What [`RuleSet::decide`] answers.
    pub decision: Decision,
    /// The choice in a sentence.
    pub summary: String,
}

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Considered {
    /// Its position.
    pub rule: RuleIndex,
    /// Its name.
    pub name: String,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All conditions hold.
    Matched,
    /// The rule is off.
    Disabled,
    /// A condition does not hold; those after it were not looked at.
    Failed {
        /// Which.
        condition: Condition,
        /// What the rule wants.
        wanted: String,
        /// What the message has.
        got: String,
    },
}

/// A link that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConsideredLink {
    /// The link.
    pub link: LinkId,
    /// Its name.
    pub name: String,
    /// Its failover group.
    pub priority: u8,
    /// Its part of the messages of the group.
    pub weight: u32,
    /// Cost of the message over it.
    pub cost: Option<Cost>,
    /// Its state.
    pub health: Health,
    /// Score for this pair of addresses, the lower the better; `None` where the rule needs no sharing or the
    /// weight is 0.
    pub score: Option<f64>,
    /// Position among the targets from 0; `None` when it was left out.
    pub position: Option<usize>,
    /// Why it stands there.
    pub why: String,
}

impl RuleSet {
    /// Decides like [`RuleSet::decide`] by evaluating each rule plainly, and says what it saw.
    #[must_use]
    pub fn explain(&self, query: &Query<'_>, health: &dyn LinkHealth) -> Explanation {
        // The states are read once, so that the links and the decision tell of the same moment.
        let mut considered = Vec::new();
        let mut matched = None;
        let mut on = self.rules.iter().peekable();
        for (position, name) in self.names_of_rules.iter().enumerate() {
            let index = RuleIndex(u32::try_from(position).expect("a set has at most MAX_RULES rules"));
            let verdict = match on.next_if(|rule| rule.index == index) {
                None => Verdict::Disabled,
                Some(rule) => match rule.first_failure(query) {
                    None => {
                        matched = Some(rule);
                        Verdict::Matched
                    }
                    Some(condition) => self.failure(rule, condition, query),
                },
            };
            considered.push(Considered { rule: index, name: name.to_string(), verdict });
            if matched.is_some() {
                break;
            }
        }
        let states: Vec<(LinkId, Health)> = match matched.map(|rule| &rule.action) {
            Some(Action::Links { targets, .. }) => {
                targets.iter().map(|target| (target.link, health.health(target.link))).collect()
            }
            Some(Action::Account(_) | Action::Reject(_)) | None => Vec::new(),
        };
        let state = |link: LinkId| {
            states.iter().find(|(other, _)| *other == link).map_or(Health::Disabled, |(_, health)| *health)
        };
        let decision = self.decision(matched, query, &state);
        let links = matched.map_or_else(Vec::new, |rule| self.links(rule, query, &decision, &state));
        Explanation {
            version: self.version(),
            source: text(query.source),
            destination: text(query.destination),
            number: query.number,
            carrier: query.number.carrier.map(|carrier| self.names.carrier_name(carrier)),
            consulted: Vec::new(),
            considered,
            links,
            summary: self.summary(&decision),
            decision,
        }
    }

    fn failure(&self, rule: &Rule, condition: Condition, query: &Query<'_>) -> Verdict {
        let names = &self.names;
        let number = &query.number;
        let (wanted, got) = match condition {
            Condition::Direction => {
                (rule.direction.map_or("any", |d| d.as_str()).to_owned(), query.direction.as_str().to_owned())
            }
            Condition::Class => {
                (one_of(rule.classes.iter().map(|c| c.as_str())), query.class.as_str().to_owned())
            }
            Condition::Destination => (describe(&rule.destination), text(query.destination)),
            Condition::Source => (describe(&rule.source), text(query.source)),
            Condition::Country => (
                one_of(rule.countries.iter().map(|country| country.as_str())),
                number.country.map_or("unknown".to_owned(), |country| country.to_string()),
            ),
            Condition::Carrier => (
                one_of(rule.carriers.iter().map(|carrier| names.carrier_name(*carrier))),
                number.carrier.map_or("unknown".to_owned(), |carrier| {
                    format!("{} by {}", names.carrier_name(carrier), number.source.as_str())
                }),
            ),
            Condition::Account => (
                one_of(rule.accounts.iter().map(|account| names.account_name(*account))),
                query.account.map_or("none".to_owned(), |account| names.account_name(account)),
            ),
            Condition::Ingress => (
                one_of(rule.ingress.iter().map(|link| names.link_name(*link))),
                query.ingress.map_or("none".to_owned(), |link| names.link_name(link)),
            ),
            Condition::Time => (
                "one of its windows".to_owned(),
                one_of(rule.windows.iter().map(|window| window.describe(query.at))),
            ),
            Condition::Cost => (
                "a link within the message's limit".to_owned(),
                query.max_cost.map_or("none".to_owned(), |cap| format!("limit {}", cap.0)),
            ),
        };
        Verdict::Failed { condition, wanted, got }
    }

    fn links(
        &self,
        rule: &Rule,
        query: &Query<'_>,
        decision: &Decision,
        health: &dyn LinkHealth,
    ) -> Vec<ConsideredLink> {
        let Action::Links { targets, shared } = &rule.action else { return Vec::new() };
        let key = shared.then(|| sharing::pair_key(query.source, query.destination));
        let mut links: Vec<ConsideredLink> = targets
            .iter()
            .map(|target| {
                let health = health.health(target.link);
                let position = decision.targets().iter().position(|other| other.link == target.link);
                let why = match (position, health) {
                    (None, Health::Disabled) => "disabled",
                    (None, Health::Up | Health::Degraded | Health::Down) => {
                        "costs more than the message's limit, or an unknown amount"
                    }
                    (Some(0), Health::Down) => "every link is down; the message waits for this one",
                    (Some(0), Health::Up | Health::Degraded | Health::Disabled) => "first choice",
                    (Some(_), Health::Down) => "down, last resort",
                    (Some(_), Health::Degraded) => "degraded, after the healthy links of its priority",
                    (Some(_), Health::Up | Health::Disabled) => "failover",
                };
                let score = key.map(|key| sharing::score(key, target.link, target.weight));
                ConsideredLink {
                    link: target.link,
                    name: self.names.link_name(target.link),
                    priority: target.priority,
                    weight: target.weight,
                    cost: target.cost,
                    health,
                    score: score.filter(|score| score.is_finite()),
                    position,
                    why: why.to_owned(),
                }
            })
            .collect();
        links.sort_by_key(|link| link.position.unwrap_or(usize::MAX));
        links
    }

    fn summary(&self, decision: &Decision) -> String {
        let version = self.version();
        let Some(index) = decision.rule else {
            return format!("no rule of version {version} matches");
        };
        let rule =
            format!("rule {} \"{}\" of version {version}", index.0, self.rule_name(index).unwrap_or("?"));
        let link = || {
            decision.targets().first().map_or_else(String::new, |target| self.names.link_name(target.link))
        };
        match (&decision.outcome, decision.reason) {
            (Outcome::Reject(reason), _) => format!("{rule} rejects: {reason}"),
            (Outcome::Account(account), _) => {
                format!("{rule} gives it to {}", self.names.account_name(*account))
            }
            (Outcome::Links(_), Reason::AllLinksDown) => {
                format!("{rule}: all links are down, waits for {}", link())
            }
            (Outcome::Links(_), Reason::AllLinksDisabled) => format!("{rule}: all links are disabled"),
            (Outcome::Links(targets), _) => {
                format!("{rule} chose {}, {} more to fail over to", link(), targets.len() - 1)
            }
            (Outcome::NoRoute, _) => format!("{rule} has no route"),
        }
    }
}

fn text(party: Party<'_>) -> String {
    party.octets().iter().map(|&octet| char::from(octet)).collect()
}

/// At most so many values of a list are written out.
const SHOWN: usize = 20;

fn one_of<T: AsRef<str>>(values: impl Iterator<Item = T>) -> String {
    let values: Vec<T> = values.collect();
    let shown: Vec<&str> = values.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = values.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

fn describe(address: &AddressCondition) -> String {
    let octets = |octets: &[u8]| -> String { octets.iter().map(|&octet| char::from(octet)).collect() };
    let numbers = address.numbers.iter().map(|number| octets(number));
    let texts = address.texts.iter().map(|text| String::from_utf8_lossy(text).into_owned());
    let prefixes = address.prefixes.iter().map(|prefix| format!("{}*", octets(prefix)));
    let any_text = address.any_text.then(|| "alphanumeric".to_owned());
    one_of(numbers.chain(texts).chain(prefixes).chain(any_text))
}
