//! What the catalog says, as the dialog server asks it: one immutable version of it.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use signalbox_consent::{Country, Words};
use signalbox_core::address::Address;
use signalbox_core::id::LinkId;
use signalbox_core::time::Micros;
use signalbox_invocation::{Channel, Level, SubCampaignKind, Version};
use smallvec::SmallVec;

use crate::families::Families;
use crate::keywords::Keywords;
use crate::queues::Queues;
use crate::source::{Chosen, NoSource, Sources, Wish};
use crate::testers::Testers;

/// An account of the tenant tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRule {
    /// Its name.
    pub name: String,
    /// Its enterprise.
    pub enterprise: u32,
    /// False when it, or anything above it, is suspended (MQ-31).
    pub active: bool,
    /// What it is contracted for (ACC-05).
    pub channels: Vec<Channel>,
    /// How far a plain STOP reaches (D8).
    pub opt_out_level: Level,
}

/// A source address (SRC-02).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressRule {
    /// Its number in the catalog.
    pub id: u32,
    /// The address.
    pub address: Address,
    /// The account whose alone it is (SRC-07, KEY-10).
    pub account: Option<u32>,
    /// Where a message goes that is no keyword and no response (KEY-09).
    pub default_inbound: Option<u32>,
    /// Its country, by which it is told apart from the same short code of another one (SRC-02).
    pub country: Option<Country>,
    /// Other countries whose devices write to it.
    pub reaches: Vec<Country>,
    /// The links that it works over.
    pub links: Vec<LinkId>,
}

/// The source addresses that messages come to. A short code is one of its country, so that several may have the same
/// digits.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    by_key: FxHashMap<Box<[u8]>, SmallVec<[u32; 1]>>,
    by_id: FxHashMap<u32, AddressRule>,
}

impl Addresses {
    /// Adds the one that is compared by this key ([`Address::key`](signalbox_core::address::Address::key)).
    pub fn add(&mut self, key: &[u8], rule: AddressRule) {
        self.by_key.entry(key.into()).or_default().push(rule.id);
        self.by_id.insert(rule.id, rule);
    }

    /// The one with this number.
    #[must_use]
    pub fn get(&self, id: u32) -> Option<&AddressRule> {
        self.by_id.get(&id)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: u32) -> Option<&mut AddressRule> {
        self.by_id.get_mut(&id)
    }

    /// Those with this key.
    pub fn with(&self, key: &[u8]) -> impl Iterator<Item = &AddressRule> {
        self.by_key.get(key).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &AddressRule> {
        self.by_id.values()
    }

    /// The one that a message came to. Where several have the key it is the only one that works over the link that
    /// brought the message, else the only one of the device's country, else the only one that reaches that; where that
    /// leaves several, nobody guesses.
    ///
    /// # Errors
    /// How many it may have come to: none, or several.
    pub fn find(
        &self,
        key: &[u8],
        link: Option<LinkId>,
        country: impl FnOnce() -> Option<Country>,
    ) -> Result<&AddressRule, usize> {
        let ids = self.by_key.get(key).map(SmallVec::as_slice).unwrap_or_default();
        if let [only] = ids {
            return self.by_id.get(only).ok_or(0);
        }
        let mut left: SmallVec<[&AddressRule; 4]> = self.with(key).collect();
        let mut narrow = |fits: &dyn Fn(&AddressRule) -> bool| {
            if left.iter().any(|rule| fits(rule)) {
                left.retain(|rule| fits(rule));
            }
            left.len() == 1
        };
        let told = link.is_some_and(|link| narrow(&|rule| rule.links.contains(&link)))
            || country().is_some_and(|country| {
                narrow(&|rule| rule.country == Some(country))
                    || narrow(&|rule| rule.reaches.contains(&country))
            });
        match (told, left.first()) {
            (true, Some(rule)) => Ok(rule),
            _ => Err(left.len()),
        }
    }
}

/// What answers in a sub-campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// A version of a script or flow.
    Version(Version),
    /// The texts of the sub-campaign and nothing else.
    Texts,
    /// An agent (KEY-11).
    Agent,
    /// The participation campaign with this number: each message is an entry (CM-02).
    Participation(u32),
}

/// Whether a sub-campaign takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Only test traffic.
    Testing,
    /// All.
    Running,
    /// Nothing begins, what is open waits.
    Paused,
    /// It is over.
    Ended,
}

/// The fixed texts of a sub-campaign, each with fields in braces (OPT-05, TXS-16); `None` says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// The first text, or the answer to each message, where there are no instructions.
    pub reply: Option<String>,
    /// To who asks for help.
    pub help: Option<String>,
    /// To who opts out: the one confirmation.
    pub opt_out: Option<String>,
    /// To who opts in again.
    pub opt_in: Option<String>,
    /// To who writes before the first day.
    pub not_started: Option<String>,
    /// To who writes after the last day.
    pub ended: Option<String>,
    /// When the instructions failed.
    pub failure: Option<String>,
}

/// What a first message does when each address that it may go out on waits for the device's answer to another
/// sub-campaign (MQ-28).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenBusy {
    /// It goes out all the same, and the answer is its own (D5, SRC-12).
    #[default]
    Share,
    /// It waits until one is free, as long as a conversation of the sub-campaign waits for its device.
    Wait,
    /// It is not sent.
    Expire,
}

/// A sub-campaign (CAM-09).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubCampaignRule {
    /// Its number in the catalog.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its account.
    pub account: u32,
    /// Its campaign's number, for opt-outs of that level; zero for none.
    pub campaign: u32,
    /// Its campaign's name, or empty.
    pub campaign_name: String,
    /// Which side begins.
    pub kind: SubCampaignKind,
    /// What answers.
    pub instructions: Instructions,
    /// The version that answers testers in their place, where that is another one.
    pub tested: Option<Version>,
    /// The program of its fixed texts (TXS-13).
    pub program: String,
    /// Its fixed texts.
    pub texts: Texts,
    /// Its first instant.
    pub from: Option<Micros>,
    /// The instant after its last.
    pub to: Option<Micros>,
    /// Whether it takes part.
    pub stage: Stage,
    /// How long a conversation waits for a message of the device.
    pub timeout: Duration,
    /// True when each message of a device is shown to an agent too (TXS-20).
    pub flags: bool,
    /// True when those are shown to an agent that nothing answered.
    pub flags_unanswered: bool,
    /// The queue of its messages for agents; zero for the account's own.
    pub queue: u32,
    /// Their place before others, 0 to 100 (CAM-10).
    pub priority: u8,
    /// How far a plain STOP reaches; `None` for as far as the account says (D8).
    pub opt_out_level: Option<Level>,
    /// What its first messages do when no address is free.
    pub when_busy: WhenBusy,
}

/// Whether a sub-campaign takes messages at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Open,
    /// Not yet.
    NotStarted,
    /// Not any more.
    Ended,
    /// Not at the moment.
    Paused,
}

impl SubCampaignRule {
    /// The version of its instructions that answers, to testers that they test; `None` where no instructions do.
    #[must_use]
    pub fn version(&self, test: bool) -> Option<Version> {
        match self.instructions {
            Instructions::Version(version) => Some(self.tested.filter(|_| test).unwrap_or(version)),
            Instructions::Texts | Instructions::Agent | Instructions::Participation(_) => None,
        }
    }

    /// Whether it takes messages at this instant. What is only tested takes those of testers, which `test` says.
    #[must_use]
    pub fn standing(&self, at: Micros, test: bool) -> Standing {
        match self.stage {
            Stage::Ended => return Standing::Ended,
            Stage::Paused => return Standing::Paused,
            Stage::Testing if !test => return Standing::NotStarted,
            Stage::Testing | Stage::Running => {}
        }
        // It is tested before its first day.
        if self.stage == Stage::Running && self.from.is_some_and(|from| at < from) {
            return Standing::NotStarted;
        }
        if self.to.is_some_and(|to| at >= to) {
            return Standing::Ended;
        }
        Standing::Open
    }
}

/// Bounds of what the dialog server holds; each hit is told in a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Conversations in memory.
    pub hot: usize,
    /// A conversation that nothing happened to for so long leaves the memory.
    pub hot_for: Duration,
    /// Messages of a device that wait for a run to end.
    pub waiting: usize,
    /// Messages that a conversation remembers.
    pub history: usize,
    /// Octets that are kept of the text of each.
    pub history_text: usize,
    /// Messages that wait for agents or are in their hands.
    pub work: usize,
    /// The same of one account.
    pub work_of_account: usize,
    /// A run that came to no end in this time is run again.
    pub run: Duration,
    /// First messages whose run is under way.
    pub starts: usize,
    /// Attempts of passes that have no end yet.
    pub attempts: usize,
    /// Records that wait to be written into the catalog's database; while it fails, devices are asked to wait.
    pub records: usize,
    /// A text that the exchange has no room for is offered again after this time.
    pub offers: Duration,
    /// And not any more after this time.
    pub patience: Duration,
    /// Runs that are with who does them; others wait in their order.
    pub under_way: usize,
    /// Runs of the same event before it is parked as failed.
    pub tries: u8,
    /// A web service must answer within this time.
    pub call: Duration,
    /// Calls of web services in a row without a message of the device.
    pub chained: u8,
    /// How long a device's use of a source address counts (D4).
    pub last_use: Duration,
    /// Source addresses whose last use is remembered of a device.
    pub uses: usize,
    /// What one run may want.
    pub outcome: signalbox_invocation::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hot: 100_000,
            hot_for: Duration::from_secs(90),
            waiting: 16,
            history: 20,
            history_text: 800,
            work: 50_000,
            work_of_account: 10_000,
            run: Duration::from_secs(30),
            starts: 100_000,
            attempts: 200_000,
            records: 500_000,
            offers: Duration::from_secs(1),
            patience: Duration::from_secs(120),
            under_way: 4_096,
            tries: 3,
            call: Duration::from_secs(20),
            chained: 10,
            last_use: Duration::from_secs(30 * 86_400),
            uses: 50,
            outcome: signalbox_invocation::Limits::default(),
        }
    }
}

/// One version of all of it.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The catalog's version.
    pub version: u64,
    /// Accounts by number.
    pub accounts: FxHashMap<u32, AccountRule>,
    /// Source addresses.
    pub addresses: Addresses,
    /// Program families.
    pub families: Families,
    /// Sub-campaigns by number.
    pub sub_campaigns: FxHashMap<u32, Arc<SubCampaignRule>>,
    /// Top-level keywords.
    pub keywords: Keywords,
    /// Words of opt-out, help and opt-in.
    pub words: Words,
    /// The same for accounts that have their own, by number.
    pub words_of: FxHashMap<u32, Arc<Words>>,
    /// Queues of messages for agents.
    pub queues: Queues,
    /// Devices that accounts test with.
    pub testers: Testers,
    /// Who chooses source addresses.
    pub sources: Arc<dyn Sources>,
    /// Bounds.
    pub limits: Limits,
}

/// No source address at all.
#[derive(Debug)]
struct Nothing;

impl Sources for Nothing {
    fn choose(&self, _wish: &Wish<'_>) -> Result<Chosen, NoSource> {
        Err(NoSource("program_not_supported"))
    }
}

impl Rules {
    /// Those of an empty catalog.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            version: 0,
            accounts: FxHashMap::default(),
            addresses: Addresses::default(),
            families: Families::default(),
            sub_campaigns: FxHashMap::default(),
            keywords: Keywords::default(),
            words: Words::shipped().expect("the words of the program are checked by its tests"),
            words_of: FxHashMap::default(),
            queues: Queues::default(),
            testers: Testers::default(),
            sources: Arc::new(Nothing),
            limits: Limits::default(),
        }
    }

    /// The source address of a text.
    ///
    /// # Errors
    /// When none may send it.
    pub fn choose(&self, wish: &Wish<'_>) -> Result<Chosen, NoSource> {
        self.sources.choose(wish)
    }

    /// The source address with this number.
    #[must_use]
    pub fn address(&self, id: u32) -> Option<&AddressRule> {
        self.addresses.get(id)
    }

    /// The sub-campaign with this number, unless its account is gone or suspended.
    #[must_use]
    pub fn sub_campaign(&self, id: u32) -> Option<&Arc<SubCampaignRule>> {
        let sub = self.sub_campaigns.get(&id)?;
        self.accounts.get(&sub.account).is_some_and(|account| account.active).then_some(sub)
    }

    /// The words of a message to a source address: those of the account whose sub-campaign it answers, else of the
    /// account that the address is of.
    #[must_use]
    pub fn words_for(&self, address: &AddressRule, answers: Option<u32>) -> &Words {
        if self.words_of.is_empty() {
            return &self.words;
        }
        let account_of = |id: u32| self.sub_campaigns.get(&id).map(|sub| sub.account);
        let account = answers.and_then(account_of).or(address.account);
        let account = account.or_else(|| address.default_inbound.and_then(account_of));
        account.and_then(|account| self.words_of.get(&account)).map_or(&self.words, |words| &**words)
    }

    /// True when messages between a device and a sub-campaign are tests (MQ-10).
    #[must_use]
    pub fn is_tester(&self, device: &[u8], sub: &SubCampaignRule, at: Micros) -> bool {
        self.testers.has(device, sub.account, &sub.program, at)
    }
}
