//! Everything the exchange is told from outside: rules, peers, limits. Replaced as a whole.

use std::time::Duration;

use rustc_hash::FxHashMap;
use signalbox_routing::Router;

use crate::address::Address;
use crate::consent::ConsentPolicy;
use crate::correlate::LinkIds;
use crate::dedupe::DedupeLimits;
use crate::gcra::Rate;
use crate::id::{AccountId, LinkId, PeerId, WebhookId};
use crate::message::TrafficClass;
use crate::queue::Fairness;
use crate::retry::RetrySchedule;

/// What happens to an attempt whose fate is unknown (rule 4), once its receipt has been waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterDoubt {
    /// Try again, marked as a possible duplicate.
    Retry,
    /// End as failed, for traffic that must never come twice.
    Fail,
}

/// How messages leave to one peer.
#[derive(Clone, Debug, PartialEq)]
pub struct PeerPolicy {
    /// Name in logs, metrics and the API.
    pub name: String,
    /// False when it is switched off.
    pub enabled: bool,
    /// Messages per second, and how many at once; `None` for no limit of ours.
    pub rate: Option<(Rate, u32)>,
    /// Later mail to a destination waits until the earlier is final.
    pub ordered: bool,
    /// How long the receipt of an attempt in doubt is waited for.
    pub doubt_hold: Duration,
    /// What happens then.
    pub after_doubt: AfterDoubt,
    /// How long a receipt is waited for past the validity of its message.
    pub receipt_wait: Duration,
    /// Ask for receipts even when the origin wants none.
    pub always_receipts: bool,
    /// When a failed attempt is repeated.
    pub retry: RetrySchedule,
    /// How the peer spells ids in receipts, where that is not to be learned.
    pub ids: LinkIds,
    /// Waiting messages at most; above it new ones for this peer are refused.
    pub queue_max: usize,
    /// Octets of a text that it takes whole; a longer one is cut when it is to go to this peer, if it needs
    /// several segments. `None` where it takes all as they are.
    pub longest: Option<usize>,
    /// Learns the rate the peer takes from its refusals; otherwise what it refuses waits as [`retry`](Self::retry)
    /// says.
    pub adaptive: bool,
    /// The learned rate does not fall below this.
    pub slowest: Option<Rate>,
    /// Class of the MO messages that it brings.
    pub mo_class: TrafficClass,
    /// How long what is sent to it is tried; `None` for the validity of the message.
    pub give_up_after: Option<Duration>,
    /// It takes messages whole: the parts that an origin cut are joined before they leave to it.
    pub takes_whole: bool,
}

impl Default for PeerPolicy {
    fn default() -> Self {
        Self {
            name: String::new(),
            enabled: true,
            rate: None,
            ordered: false,
            doubt_hold: Duration::from_secs(60),
            after_doubt: AfterDoubt::Retry,
            receipt_wait: Duration::from_secs(86_400),
            always_receipts: false,
            retry: RetrySchedule::default(),
            ids: LinkIds::default(),
            queue_max: 5_000_000,
            longest: None,
            adaptive: true,
            slowest: None,
            mo_class: TrafficClass::Reply,
            give_up_after: None,
            takes_whole: false,
        }
    }
}

/// The contract of an account, as far as the exchange enforces it.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountPolicy {
    /// Name in logs, metrics and the API.
    pub name: String,
    /// False when it is suspended.
    pub active: bool,
    /// Messages it may have open.
    pub queue_max: u64,
    /// Its share of a link among those whose messages of one class wait for it.
    pub weight: u32,
    /// Validity of a message that names none.
    pub default_validity: Duration,
    /// Longest validity it may ask for.
    pub max_validity: Duration,
    /// What a wish for a longer one brings.
    pub long_validity: LongValidity,
    /// The form of the message ids that it sees.
    pub ids: IdStyle,
    /// Source addresses it may use, as prefixes of their keys; empty for any.
    pub sources: Vec<SourceRule>,
    /// Delivery of receipts and MO messages to its bound receivers.
    pub delivery: PeerPolicy,
    /// MO messages go to this HTTP target instead of bound receivers.
    pub mo_webhook: Option<WebhookId>,
}

impl AccountPolicy {
    /// The share of who says nothing, and of links.
    pub const DEFAULT_WEIGHT: u32 = 10;
}

impl Default for AccountPolicy {
    /// A million messages, each valid for a day and at most for a week, from any source address.
    fn default() -> Self {
        Self {
            name: String::new(),
            active: true,
            queue_max: 1_000_000,
            weight: Self::DEFAULT_WEIGHT,
            default_validity: Duration::from_secs(86_400),
            max_validity: Duration::from_secs(7 * 86_400),
            long_validity: LongValidity::Cut,
            ids: IdStyle::Auto,
            sources: Vec::new(),
            // An ESME that was lost before it answered expects its messages again at once.
            delivery: PeerPolicy { doubt_hold: Duration::ZERO, ..PeerPolicy::default() },
            mo_webhook: None,
        }
    }
}

/// What a validity beyond the account's longest brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongValidity {
    /// It is cut, which a note tells.
    Cut,
    /// The message is refused (ESME_RINVEXPIRY, SMPP 3.4 cl. 5.1.3).
    Refuse,
}

/// The form of the message ids that an account sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdStyle {
    /// As short as the session that submits needs.
    Auto,
    /// Always eight digits.
    Short,
    /// Always thirty-two digits.
    Long,
}

/// A source address an account may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceRule {
    /// This one.
    Exact(Vec<u8>),
    /// All that begin so.
    Prefix(Vec<u8>),
    /// Any alphanumeric one.
    Alphanumeric,
}

impl SourceRule {
    /// True when it means this address.
    #[must_use]
    pub fn fits(&self, address: &Address) -> bool {
        match self {
            Self::Exact(key) => address.key() == key.as_slice(),
            Self::Prefix(prefix) => address.key().starts_with(prefix),
            Self::Alphanumeric => address.ton == crate::address::ton::ALPHANUMERIC,
        }
    }
}

/// Bounds of the whole exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Messages held at most.
    pub messages: u64,
    /// Octets of bodies kept in memory; above it bodies of waiting messages are read from the store.
    pub hot_octets: u64,
    /// Room in the store below which new messages are refused.
    pub store_reserve: u64,
    /// How long a permit is good for: a link that has not written by then gives it back.
    pub permit: Duration,
    /// How long a receipt without its message is parked.
    pub early_receipt_wait: Duration,
    /// Receipts parked at most.
    pub early_receipts: usize,
    /// Memory for copies of MO messages.
    pub dedupe: DedupeLimits,
    /// Ended messages remembered for questions and late receipts.
    pub finished: usize,
    /// How long they are remembered.
    pub finished_for: Duration,
    /// Answers to idempotency keys remembered.
    pub requests: usize,
    /// How long they are remembered.
    pub requests_for: Duration,
    /// CDRs that wait to be published, above which nothing new is accepted.
    pub outbox: u64,
    /// Furthest time ahead that a message may be scheduled for.
    pub schedule: Duration,
    /// How long a number look-up may take.
    pub lookup: Duration,
    /// What waiting lower classes get.
    pub fairness: Fairness,
    /// Parts that wait for the others of their message; taken at the start only.
    pub parts: PartLimits,
}

/// Bounds of the parts that wait for the others of their message, where the receiver takes it whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartLimits {
    /// How long the missing parts of an MO message are waited for, from the first.
    pub mo_wait: Duration,
    /// The same for an MT message that its origin cut.
    pub mt_wait: Duration,
    /// Messages of either direction that wait at once; of one link or account half as many.
    pub messages: usize,
    /// Octets of what is kept of them in memory, of either direction.
    pub octets: usize,
    /// Parts of one device that wait at once.
    pub of_device: u32,
}

impl Default for PartLimits {
    /// Ten minutes, one minute; 100,000 messages, 64 MiB, 1,000 parts of a device.
    fn default() -> Self {
        Self {
            mo_wait: Duration::from_secs(600),
            mt_wait: Duration::from_secs(60),
            messages: 100_000,
            octets: 64 << 20,
            of_device: 1_000,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages: 5_000_000,
            hot_octets: 256 << 20,
            store_reserve: 64 << 20,
            permit: Duration::from_secs(10),
            early_receipt_wait: Duration::from_secs(60),
            early_receipts: 100_000,
            dedupe: DedupeLimits::default(),
            finished: 20_000,
            finished_for: Duration::from_secs(86_400),
            requests: 1_000_000,
            requests_for: Duration::from_secs(86_400),
            outbox: 10_000_000,
            schedule: Duration::from_secs(30 * 86_400),
            lookup: Duration::from_secs(2),
            fairness: Fairness::default(),
            parts: PartLimits::default(),
        }
    }
}

/// What the spam and loop counters watch for.
#[derive(Clone, Debug)]
pub struct CounterPolicy {
    /// Thresholds and actions; checked.
    pub set: signalbox_counters::PolicySet,
    /// Addresses whose alarms are disregarded.
    pub white_list: signalbox_counters::WhiteList,
    /// Bounds of memory; taken at the start only.
    pub limits: signalbox_counters::Limits,
    /// Which sources belong to which group (DC-21); the first that fits counts.
    pub groups: Vec<(SourceRule, u32)>,
    /// Time between two snapshots of what is counted.
    pub snapshot_every: Duration,
}

impl Default for CounterPolicy {
    /// The default thresholds of each kind, nobody exempt, a snapshot a minute.
    fn default() -> Self {
        Self {
            set: signalbox_counters::PolicySet::default(),
            white_list: signalbox_counters::WhiteList::default(),
            limits: signalbox_counters::Limits::default(),
            groups: Vec::new(),
            snapshot_every: Duration::from_secs(60),
        }
    }
}

/// One version of all of it.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Accounts.
    pub accounts: FxHashMap<AccountId, AccountPolicy>,
    /// Links.
    pub links: FxHashMap<LinkId, PeerPolicy>,
    /// HTTP targets.
    pub webhooks: FxHashMap<WebhookId, PeerPolicy>,
    /// Routing rules, number plan and portability table.
    pub router: Router,
    /// True when numbers that the tables do not know for certain are looked up outside (ENUM, HTTP).
    pub lookups: bool,
    /// What the counters watch for.
    pub counters: CounterPolicy,
    /// Bounds.
    pub limits: Limits,
    /// The dialog server; `None` where there is none.
    pub dialog: Option<DialogPolicy>,
    /// What is asked before a message leaves.
    pub consent: ConsentPolicy,
}

/// What is the dialog server's.
#[derive(Clone, Debug, Default)]
pub struct DialogPolicy {
    /// How messages are handed to it.
    pub peer: PeerPolicy,
    /// Numbers of the source addresses whose messages it takes, by their keys.
    pub addresses: FxHashMap<Box<[u8]>, u32>,
    /// Links that texts of a source address leave over, by its number, the preferred one first; where there are none the
    /// routing rules decide.
    pub links: FxHashMap<u32, Vec<LinkId>>,
}

impl DialogPolicy {
    /// The dialog server of these source addresses.
    #[must_use]
    pub fn new(addresses: FxHashMap<Box<[u8]>, u32>, links: FxHashMap<u32, Vec<LinkId>>) -> Self {
        let name = "dialog".to_owned();
        let peer = PeerPolicy { name, takes_whole: true, adaptive: false, ..PeerPolicy::default() };
        Self { peer, addresses, links }
    }
}

impl Policy {
    /// A policy that knows how to route and nobody to route for: no accounts, links or HTTP targets, default bounds.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self {
            accounts: FxHashMap::default(),
            links: FxHashMap::default(),
            webhooks: FxHashMap::default(),
            router,
            lookups: false,
            counters: CounterPolicy::default(),
            limits: Limits::default(),
            dialog: None,
            consent: ConsentPolicy::default(),
        }
    }

    /// True for a source address whose messages are the dialog server's.
    #[must_use]
    pub fn is_dialog_address(&self, address: &Address) -> bool {
        self.dialog.as_ref().is_some_and(|dialog| dialog.addresses.contains_key(address.key()))
    }

    /// How messages leave to this peer; `None` when it is not configured (any more).
    #[must_use]
    pub fn peer(&self, peer: PeerId) -> Option<&PeerPolicy> {
        match peer {
            PeerId::Link(link) => self.links.get(&link),
            PeerId::Account(account) => self.accounts.get(&account).map(|account| &account.delivery),
            PeerId::Webhook(webhook) => self.webhooks.get(&webhook),
            PeerId::Dialog => self.dialog.as_ref().map(|dialog| &dialog.peer),
        }
    }
}
