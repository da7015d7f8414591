//! What does not change from run to run: peers, devices, spans, the policy.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use signalbox_core::address::Address;
use signalbox_core::id::{AccountId, LinkId, PeerId, ShardId};
use signalbox_core::outcome::ErrorClass;
use signalbox_core::policy::{AccountPolicy, AfterDoubt, CounterPolicy, Limits, PeerPolicy, Policy};
use signalbox_core::retry::{Delay, RetrySchedule, Tries};
use signalbox_routing::{Names, Router, RuleSet, RuleVersion};

pub(crate) const NODES: usize = 3;
pub(crate) const LINKS: [LinkId; 2] = [LinkId(1), LinkId(2)];
pub(crate) const ACCOUNTS: [AccountId; 2] = [AccountId(1), AccountId(2)];

/// Shards that have traffic.
pub(crate) const SHARDS: usize = 8;
const DEVICES_PER_SHARD: usize = 3;

/// Unanswered messages of one shard on one session.
pub(crate) const WINDOW: u32 = 3;
/// How long a permit is good for; shorter than [`SESSION_TIMEOUT`].
pub(crate) const PERMIT: Duration = Duration::from_millis(900);
/// Without a sign of life for so long, a node loses its shards.
pub(crate) const SESSION_TIMEOUT: Duration = Duration::from_millis(1500);
/// A peer that has not answered by then is silent.
pub(crate) const RESPONSE_TIMER: Duration = Duration::from_millis(1500);
/// How long a node tries to learn the fate of an append.
pub(crate) const FATE_DEADLINE: Duration = Duration::from_millis(800);
/// How long the receipt of a message is waited for.
pub(crate) const RECEIPT_WAIT: Duration = Duration::from_secs(6);
/// An owner that has nothing to commit for so long commits its mark.
pub(crate) const IDLE: Duration = Duration::from_secs(2);
/// Messages a second that a link takes from the whole cluster.
pub(crate) const LINK_RATE: u32 = 50;
/// Octets of the store below which the intake refuses.
pub(crate) const STORE_RESERVE: u64 = 2_000;

/// The devices, all in [`SHARDS`] shards. Those with an even number are served by the first link before the second,
/// the others the other way round.
pub(crate) fn devices() -> &'static [Address] {
    static DEVICES: OnceLock<Vec<Address>> = OnceLock::new();
    DEVICES.get_or_init(|| {
        let mut counts: Vec<(ShardId, usize)> = Vec::new();
        let mut devices = Vec::new();
        for number in 0u32.. {
            let digits = format!("4477{}{number:06}", number % 2);
            let device = Address::new(1, 1, digits.as_bytes()).expect("twelve digits fit");
            let shard = device.shard();
            match counts.iter().position(|(known, _)| *known == shard) {
                Some(place) if counts[place].1 == DEVICES_PER_SHARD => continue,
                Some(place) => counts[place].1 += 1,
                None if counts.len() == SHARDS => continue,
                None => counts.push((shard, 1)),
            }
            devices.push(device);
            if devices.len() == SHARDS * DEVICES_PER_SHARD {
                break;
            }
        }
        devices
    })
}

/// The shards of the devices.
pub(crate) fn shards() -> &'static [ShardId] {
    static ACTIVE: OnceLock<Vec<ShardId>> = OnceLock::new();
    ACTIVE.get_or_init(|| {
        let set: BTreeSet<ShardId> = devices().iter().map(Address::shard).collect();
        set.into_iter().collect()
    })
}

/// Who may hold a session to a node.
pub(crate) fn peers() -> impl Iterator<Item = PeerId> {
    LINKS.into_iter().map(PeerId::Link).chain(ACCOUNTS.into_iter().map(PeerId::Account))
}

fn tries(millis: &[u64], attempts: Option<u32>) -> Tries {
    let delays = millis.iter().map(|&millis| Delay::new(Duration::from_millis(millis))).collect();
    Tries { delays, attempts, jitter_percent: 10 }
}

fn delivery(name: &str, ordered: bool, after_doubt: AfterDoubt) -> PeerPolicy {
    PeerPolicy {
        name: name.into(),
        ordered,
        doubt_hold: Duration::from_secs(2),
        after_doubt,
        receipt_wait: RECEIPT_WAIT,
        retry: RetrySchedule {
            temporary: tries(&[300, 700, 1500], Some(8)),
            permanent: tries(&[], None),
            throttling: tries(&[300], None),
            queue_full: tries(&[500], None),
            fatal: tries(&[200], None),
        },
        ..PeerPolicy::default()
    }
}

fn account(name: &str) -> AccountPolicy {
    AccountPolicy {
        name: name.into(),
        default_validity: Duration::from_secs(40),
        max_validity: Duration::from_secs(60),
        delivery: delivery(name, false, AfterDoubt::Retry),
        ..AccountPolicy::default()
    }
}

/// The rules of all nodes, with each link on or off.
pub(crate) fn policy(on: [bool; LINKS.len()]) -> Arc<Policy> {
    static POLICIES: OnceLock<Vec<Arc<Policy>>> = OnceLock::new();
    let policies = POLICIES.get_or_init(|| {
        let whole = build();
        let variant = |number: usize| {
            let mut policy = whole.clone();
            for (place, link) in LINKS.iter().enumerate() {
                if let Some(link) = policy.links.get_mut(link) {
                    link.enabled = number & 1 << place != 0;
                }
            }
            Arc::new(policy)
        };
        (0..1 << LINKS.len()).map(variant).collect()
    });
    let number: usize = on.iter().enumerate().map(|(place, &on)| usize::from(on) << place).sum();
    policies[number].clone()
}

fn build() -> Policy {
    let mut names = Names::new();
    names.add_link("one", LINKS[0], None).add_link("two", LINKS[1], None);
    names.add_account("a", ACCOUNTS[0]).add_account("b", ACCOUNTS[1]);
    let spec = serde_json::from_value(serde_json::json!({ "rules": [
        { "name": "barred", "when": { "source": ["666"] }, "then": { "reject": "barred" } },
        { "name": "even", "when": { "direction": "mt", "destination_prefix": ["44770"] },
          "then": { "links": [{ "link": "one", "priority": 0 }, { "link": "two", "priority": 1 }] } },
        { "name": "odd", "when": { "direction": "mt", "destination_prefix": ["44771"] },
          "then": { "links": [{ "link": "two", "priority": 0 }, { "link": "one", "priority": 1 }] } },
    ]}))
    .expect("the rules are well-formed");
    let rules = RuleSet::compile(&spec, RuleVersion(1), Arc::new(names)).expect("the rules are sound");
    Policy {
        accounts: ACCOUNTS.into_iter().zip(["a", "b"]).map(|(id, name)| (id, account(name))).collect(),
        links: [
            (LINKS[0], delivery("one", true, AfterDoubt::Retry)),
            (LINKS[1], delivery("two", false, AfterDoubt::Fail)),
        ]
        .into_iter()
        .collect(),
        counters: small(CounterPolicy::default()),
        limits: Limits {
            permit: PERMIT,
            early_receipt_wait: Duration::from_secs(4),
            store_reserve: STORE_RESERVE,
            ..Limits::default()
        },
        ..Policy::new(Router::new(rules))
    }
}

/// Many short-lived exchanges: their tables are small.
fn small(mut counters: CounterPolicy) -> CounterPolicy {
    let limits = &mut counters.limits;
    (limits.max_keys, limits.max_blocks, limits.max_evidence) = (64, 16, 16);
    (limits.max_alarms, limits.alarm_history) = (16, 4);
    counters
}

/// A status of each class, as an SMSC would say it (SMPP 3.4 cl. 5.1.3).
pub(crate) fn status_of(class: ErrorClass) -> u32 {
    match class {
        ErrorClass::Temporary => 0x0000_0008,
        ErrorClass::Permanent => 0x0000_000b,
        ErrorClass::Throttling => 0x0000_0058,
        ErrorClass::QueueFull => 0x0000_0014,
        ErrorClass::Fatal => 0x0000_000e,
    }
}
