//! From a rule set as written to rules with ids, collecting every fault on the way.

use rustc_hash::{FxHashMap, FxHashSet};
use signalbox_text::phone::MAX_DIGITS;

use super::error::{Place, Problem, RuleError};
use super::rule::{Action, AddressCondition, Rule, RuleTarget};
use super::spec::{ActionSpec, Conditions, RuleSetSpec, RuleSpec, Sharing, TargetSpec};
use super::window::Window;
use crate::id::{Cost, Names, RuleIndex};
use crate::query::Party;

/// Most rules of a set.
pub const MAX_RULES: usize = 16_384;
/// Most links of a rule.
pub const MAX_TARGETS: usize = 32;
const MAX_NAME: usize = 100;
const MAX_ADDRESS: usize = 64;

/// Resolves all names and checks all fields; disabled rules are checked too, but left out.
///
/// # Errors
/// All faults found.
pub(crate) fn compile(spec: &RuleSetSpec, names: &Names) -> Result<Vec<Rule>, Vec<RuleError>> {
    let mut faults = Faults::default();
    if let Some(currency) = &spec.currency
        && !(currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase()))
    {
        faults.add("currency", Problem::BadCurrency(currency.clone()));
    }
    if spec.currency.is_none() && spec.rules.iter().any(mentions_cost) {
        faults.add("currency", Problem::NoCurrency);
    }
    if spec.rules.len() > MAX_RULES {
        faults.add("rules", Problem::TooManyRules { count: spec.rules.len(), limit: MAX_RULES });
        return Err(faults.found);
    }
    let mut taken: FxHashMap<&str, usize> = FxHashMap::default();
    let mut rules = Vec::with_capacity(spec.rules.len());
    for (position, rule) in spec.rules.iter().enumerate() {
        faults.rule = Some((position, rule.name.clone()));
        if let Some(first) = taken.insert(&rule.name, position) {
            faults.add("name", Problem::DuplicateName { first });
            taken.insert(&rule.name, first);
        }
        let compiled = compile_rule(position, rule, names, &mut faults);
        if rule.enabled {
            rules.push(compiled);
        }
    }
    if faults.found.is_empty() { Ok(rules) } else { Err(faults.found) }
}

fn mentions_cost(rule: &RuleSpec) -> bool {
    let target = match &rule.then {
        ActionSpec::Links(targets) => targets.iter().any(|target| target.cost.is_some()),
        ActionSpec::Account(_) | ActionSpec::Reject(_) => false,
    };
    target || rule.when.max_cost.is_some()
}

#[derive(Default)]
struct Faults {
    rule: Option<(usize, String)>,
    found: Vec<RuleError>,
}

impl Faults {
    fn add(&mut self, field: impl Into<String>, problem: Problem) {
        self.found.push(RuleError { place: Place { rule: self.rule.clone(), field: field.into() }, problem });
    }

    /// Reads each entry of a list, notes the faults with their position and keeps the rest.
    fn list<'a, T, R>(
        &mut self,
        field: &str,
        list: &'a [T],
        read: impl Fn(&'a T) -> Result<R, Problem>,
    ) -> Vec<R> {
        let mut good = Vec::with_capacity(list.len());
        for (position, entry) in list.iter().enumerate() {
            match read(entry) {
                Ok(value) => good.push(value),
                Err(problem) => self.add(format!("{field}[{position}]"), problem),
            }
        }
        good
    }
}

fn compile_rule(position: usize, spec: &RuleSpec, names: &Names, faults: &mut Faults) -> Rule {
    let letters = spec.name.chars().count();
    if letters == 0 || letters > MAX_NAME || spec.name.chars().any(char::is_control) {
        faults.add("name", Problem::BadName);
    }
    let Conditions { direction, class, max_cost, source_alphanumeric, .. } = &spec.when;
    let when = &spec.when;
    if let Some(cost) = max_cost
        && *cost < 0
    {
        faults.add("when.max_cost", Problem::NegativeCost(*cost));
    }
    let destination = address(faults, "destination", &when.destination, &when.destination_prefix, false);
    let source = address(faults, "source", &when.source, &when.source_prefix, *source_alphanumeric);
    let countries = faults.list("when.country", &when.country, |text| {
        text.parse().map_err(|_| Problem::BadCountry(text.clone()))
    });
    let carriers = faults.list("when.carrier", &when.carrier, |name| {
        names.carrier(name).ok_or_else(|| Problem::UnknownCarrier(name.clone()))
    });
    let accounts = faults.list("when.account", &when.account, |name| {
        names.account(name).ok_or_else(|| Problem::UnknownAccount(name.clone()))
    });
    let ingress = faults.list("when.ingress", &when.ingress, |name| {
        names.link(name).map(|(id, _)| id).ok_or_else(|| Problem::UnknownLink(name.clone()))
    });
    let mut windows = Vec::with_capacity(when.time.len());
    for (index, window) in when.time.iter().enumerate() {
        match Window::compile(window) {
            Ok(window) => windows.push(window),
            Err((field, problem)) => faults.add(format!("when.time[{index}].{field}"), problem),
        }
    }
    Rule {
        index: RuleIndex(u32::try_from(position).expect("a set has at most MAX_RULES rules")),
        direction: *direction,
        classes: class.clone(),
        destination,
        source,
        countries,
        carriers,
        accounts,
        ingress,
        windows,
        action: action(spec, names, faults),
    }
}

fn address(
    faults: &mut Faults,
    field: &str,
    whole: &[String],
    prefixes: &[String],
    any_text: bool,
) -> AddressCondition {
    let mut condition = AddressCondition { any_text, ..AddressCondition::default() };
    let texts = faults.list(&format!("when.{field}"), whole, |text| {
        let fits = (1..=MAX_ADDRESS).contains(&text.len());
        fits.then_some(text).ok_or_else(|| Problem::BadAddress(text.clone()))
    });
    for text in texts {
        match Party::of(text.as_bytes()) {
            Party::Number(digits) => condition.numbers.push(digits.into()),
            Party::Text(text) => condition.texts.push(text.into()),
        }
    }
    condition.prefixes =
        faults.list(&format!("when.{field}_prefix"), prefixes, |text| match Party::of(text.as_bytes()) {
            Party::Number(digits) if digits.len() <= MAX_DIGITS => Ok(digits.into()),
            Party::Number(_) | Party::Text(_) => Err(Problem::BadPrefix(text.clone())),
        });
    condition
}

fn action(spec: &RuleSpec, names: &Names, faults: &mut Faults) -> Action {
    match &spec.then {
        ActionSpec::Reject(reason) => {
            if reason.trim().is_empty() {
                faults.add("then.reject", Problem::EmptyReason);
            }
            Action::Reject(reason.as_str().into())
        }
        ActionSpec::Account(name) => names.account(name).map_or_else(
            || {
                faults.add("then.account", Problem::UnknownAccount(name.clone()));
                // Never used: a set with faults is not kept.
                Action::Reject("".into())
            },
            Action::Account,
        ),
        ActionSpec::Links(targets) => links(targets, spec, names, faults),
    }
}

fn links(specs: &[TargetSpec], rule: &RuleSpec, names: &Names, faults: &mut Faults) -> Action {
    if specs.is_empty() {
        faults.add("then.links", Problem::EmptyTargets);
    }
    if specs.len() > MAX_TARGETS {
        faults.add("then.links", Problem::TooManyTargets { count: specs.len(), limit: MAX_TARGETS });
    }
    let mut seen = FxHashSet::default();
    let mut targets = Vec::with_capacity(specs.len());
    for (position, spec) in specs.iter().enumerate() {
        let Some((link, ordinary)) = names.link(&spec.link) else {
            faults.add(format!("then.links[{position}].link"), Problem::UnknownLink(spec.link.clone()));
            continue;
        };
        if !seen.insert(link) {
            faults.add(format!("then.links[{position}].link"), Problem::DuplicateLink(spec.link.clone()));
        }
        if let Some(cost) = spec.cost
            && cost < 0
        {
            faults.add(format!("then.links[{position}].cost"), Problem::NegativeCost(cost));
        }
        let cost = spec.cost.map(Cost).or(ordinary);
        if rule.sharing == Sharing::Cheapest && cost.is_none() {
            faults.add(format!("then.links[{position}].cost"), Problem::UnknownCost(spec.link.clone()));
        }
        targets.push(RuleTarget { link, weight: spec.weight, priority: spec.priority, cost });
    }
    for priority in targets.iter().map(|target| target.priority).collect::<std::collections::BTreeSet<_>>() {
        let idle =
            targets.iter().filter(|target| target.priority == priority).all(|target| target.weight == 0);
        if idle {
            faults.add("then.links", Problem::NoWeight(priority));
        }
    }
    if let Some(cap) = rule.when.max_cost {
        let known = !targets.is_empty();
        targets.retain(|target| target.within(Some(Cost(cap))));
        if known && targets.is_empty() {
            faults.add("when.max_cost", Problem::AllTooDear(cap));
        }
    }
    if rule.sharing == Sharing::Cheapest {
        rank_by_cost(&mut targets);
    }
    let shared =
        (1..targets.len()).any(|at| targets[..at].iter().any(|other| other.priority == targets[at].priority));
    Action::Links { targets, shared }
}

/// Makes each cost a priority of its own inside the priorities as written.
fn rank_by_cost(targets: &mut [RuleTarget]) {
    let order: std::collections::BTreeSet<_> =
        targets.iter().map(|target| (target.priority, target.cost)).collect();
    for target in targets {
        let rank = order.iter().position(|key| *key == (target.priority, target.cost)).unwrap_or(0);
        target.priority = u8::try_from(rank).unwrap_or(u8::MAX);
    }
}
