//! From settings and catalog to what the exchange is told.

mod consent;
mod counters;
pub(crate) mod dnc;
mod jurisdictions;
mod numbers;
mod peers;

pub use numbers::{NumbersError, open_packed, open_portability};

use std::sync::Arc;

use signalbox_config::Settings;
use signalbox_core::dedupe::DedupeLimits;
use signalbox_core::policy::{Limits, PartLimits, Policy};
use signalbox_core::queue::Fairness;
use signalbox_routing::portability::PortabilityTable;
use signalbox_routing::{Cost, Names, Router, RuleErrors, RuleSet, RuleSetSpec, RuleVersion};

use crate::catalog::Snapshot;

/// Rows that contradict each other or the machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The routing rules.
    #[error("the routing rules cannot be used")]
    Rules(#[from] RuleErrors),
    /// A rule as a row is not one as the router reads it.
    #[error("route `{name}` cannot be used")]
    Route {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The policies of the counters.
    #[error("the counter policies cannot be used")]
    Counters(#[from] signalbox_counters::PolicyError),
    /// A policy or white-list entry names something that is not there, or is no address.
    #[error("{what} `{name}`: {reason}")]
    Row {
        /// Kind of row.
        what: &'static str,
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A retry schedule.
    #[error("the retry schedule of {whose} cannot be used")]
    Retry {
        /// Whose.
        whose: String,
        /// Why.
        #[source]
        source: signalbox_core::retry::RetryError,
    },
    /// The carriers' prefixes.
    #[error("carrier `{name}`: {reason}")]
    Carrier {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

/// Builds the policy. Large data that did not change is shared with the one before.
///
/// # Errors
/// See [`PolicyError`].
pub fn build(
    settings: &Settings,
    snapshot: &Snapshot,
    portability: Option<Arc<PortabilityTable>>,
    before: Option<&Policy>,
) -> Result<Policy, PolicyError> {
    let names = Arc::new(names(snapshot));
    Ok(Policy {
        accounts: peers::accounts(settings, snapshot)?,
        links: peers::links(settings, snapshot)?,
        webhooks: peers::webhooks(settings, snapshot)?,
        router: Router {
            rules: Arc::new(rules(settings, snapshot, names)?),
            plan: Arc::new(numbers::plan(snapshot)?),
            portability,
        },
        dialog: crate::dialog::policy(snapshot),
        lookups: settings.numbers.dns.is_some() || settings.numbers.http.is_some(),
        counters: counters::build(settings, snapshot)?,
        limits: limits(settings),
        consent: consent::build(settings, snapshot, before.map(|before| &before.consent))?,
    })
}

/// The names that rules and portability tables may use.
#[must_use]
pub fn names(snapshot: &Snapshot) -> Names {
    let mut names = Names::new();
    for link in &snapshot.rows.link {
        if let Some(id) = snapshot.ids.link(link.name.as_str()) {
            let cost = link.cost.and_then(|cost| i64::try_from(cost.get()).ok()).map(Cost);
            names.add_link(link.name.as_str(), id, cost);
        }
    }
    for account in &snapshot.rows.account {
        if let Some(id) = snapshot.ids.account(account.name.as_str()) {
            names.add_account(account.name.as_str(), id);
        }
    }
    for carrier in &snapshot.rows.carrier {
        if let Some(id) = snapshot.ids.carrier(carrier.name.as_str()) {
            names.add_carrier(carrier.name.as_str(), id);
            for network in &carrier.networks {
                names.add_carrier(network.as_str(), id);
            }
        }
    }
    names
}

fn rules(settings: &Settings, snapshot: &Snapshot, names: Arc<Names>) -> Result<RuleSet, PolicyError> {
    let mut routes: Vec<_> = snapshot.rows.route.iter().collect();
    routes.sort_by_key(|route| (route.order.get(), route.name.to_string()));
    let mut rules = Vec::with_capacity(routes.len());
    for route in routes {
        let rule = serde_json::from_value(route.rule())
            .map_err(|source| PolicyError::Route { name: route.name.to_string(), source })?;
        rules.push(rule);
    }
    rules.extend(own_addresses(snapshot));
    let currency = settings.routing.currency.as_ref().map(|currency| currency.as_str().to_owned());
    let spec = RuleSetSpec { currency, rules };
    Ok(RuleSet::compile(&spec, RuleVersion(snapshot.version.0), names)?)
}

/// MO messages to an address of an account go to it where no rule of the operator says otherwise.
fn own_addresses(snapshot: &Snapshot) -> Vec<signalbox_routing::rules::RuleSpec> {
    use signalbox_config::value::AddressPattern;
    use signalbox_routing::rules::{ActionSpec, Conditions, RuleSpec, Sharing};

    let mut rules = Vec::new();
    for account in snapshot.rows.account.iter().filter(|account| !account.mo_addresses.is_empty()) {
        let mut when =
            Conditions { direction: Some(signalbox_routing::Direction::Mo), ..Conditions::default() };
        for pattern in &account.mo_addresses {
            match pattern {
                AddressPattern::Exact(address) => when.destination.push(address.clone()),
                AddressPattern::Prefix(prefix) => when.destination_prefix.push(prefix.clone()),
            }
        }
        rules.push(RuleSpec {
            name: format!("addresses of {}", account.name),
            enabled: true,
            when,
            then: ActionSpec::Account(account.name.to_string()),
            sharing: Sharing::default(),
        });
    }
    rules
}

fn limits(settings: &Settings) -> Limits {
    let limits = &settings.limits;
    Limits {
        messages: limits.queue_messages.get(),
        hot_octets: limits.hot_memory.bytes(),
        store_reserve: settings.store.free_space_reserve.bytes(),
        permit: limits.permit.duration(),
        early_receipt_wait: limits.receipts.early_for.duration(),
        early_receipts: limits.receipts.early_max.as_usize(),
        dedupe: DedupeLimits {
            window_seconds: seconds(limits.repeats_for),
            capacity: limits.repeats_remembered.as_usize(),
            ..DedupeLimits::default()
        },
        finished: limits.ended_remembered.as_usize(),
        finished_for: limits.ended_for.duration(),
        requests: settings.api.idempotency_keys.as_usize(),
        requests_for: settings.api.idempotency_for.duration(),
        outbox: settings.cdr.outbox_max.get(),
        schedule: limits.max_schedule.duration(),
        lookup: settings.numbers.deadline.duration(),
        fairness: Fairness {
            one_of: settings.classes.lower_class_one_in.as_u32().max(4),
            ..Fairness::default()
        },
        parts: PartLimits {
            mo_wait: limits.reassembly.wait.duration(),
            mt_wait: limits.reassembly.mt_wait.duration(),
            messages: limits.reassembly.max_messages.as_usize(),
            octets: usize::try_from(limits.reassembly.memory.bytes()).unwrap_or(usize::MAX),
            of_device: limits.reassembly.max_device_parts.as_u32(),
        },
    }
}

fn seconds(period: signalbox_config::value::Period) -> u32 {
    u32::try_from(period.duration().as_secs()).unwrap_or(u32::MAX)
}
