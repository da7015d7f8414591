//! Consent as the exchange keeps it: what the catalog says of it, what people want, and the rows of that.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use signalbox_consent::{
    Cap, Channel, Channels, Country, DailyLimits, DncLists, Extent, Level, LimitError, LimitId, LimitSpec,
    LineRule, LineType, ListId, MatterId, QuietHours, Registration, Settings, SourceId, Subject, Zones,
};
use signalbox_text::E164;
use signalbox_text::phone::{self, NumberKind};

use crate::address::Address;
use crate::id::{AccountId, CarrierId, MessageId, ShardId};
use crate::time::Micros;

/// What an account has decided, and whose it is.
#[derive(Clone, Debug)]
pub struct AccountConsent {
    /// Number of its enterprise, zero for none.
    pub enterprise: u32,
    /// Channels, lines, lists, hours.
    pub settings: Settings,
    /// True when messages that it begins advertise.
    pub marketing: bool,
    /// Opt-outs of account and enterprise hold for what it submits over SMPP and HTTP too.
    pub transit: bool,
    /// How often it may write to one recipient.
    pub caps: Vec<Cap>,
    /// Do-not-call lists that it honours.
    pub lists: Vec<ListId>,
    /// Limits of carriers that count its messages.
    pub limits: Vec<LimitId>,
    /// Limits that bound what is taken of it: its own, and those of the enterprises above it (MQ-32).
    pub quotas: Vec<LimitId>,
    /// Places of the jurisdictions whose hours hold for its messages wherever the device is.
    pub hours: Vec<usize>,
    /// Texts to lines that leave a choice, by the country of the number; the settings say it for all others (INT-02).
    pub lines: Vec<(Country, LineRule)>,
}

impl Default for AccountConsent {
    /// Whatever it begins is taken for marketing, and opt-outs hold for all it sends; nothing else bounds it.
    fn default() -> Self {
        Self {
            enterprise: 0,
            settings: Settings::default(),
            marketing: true,
            transit: true,
            caps: Vec::new(),
            lists: Vec::new(),
            limits: Vec::new(),
            quotas: Vec::new(),
            hours: Vec::new(),
            lines: Vec::new(),
        }
    }
}

/// What a campaign has decided in the place of its account.
#[derive(Clone, Debug, Default)]
pub struct CampaignConsent {
    /// Number of its account.
    pub account: u32,
    /// Whether messages that it begins advertise.
    pub marketing: Option<bool>,
    /// What they are about, for caps; the campaign itself when it says nothing.
    pub matter: Option<MatterId>,
}

/// A carrier's word about a program on a source address (PRG-02), as the send gate asks for it.
#[derive(Clone, Debug, Default)]
pub struct Approved {
    /// True for what the carrier has approved.
    pub approved: bool,
    /// From when on.
    pub from: Option<Micros>,
    /// Up to when.
    pub to: Option<Micros>,
    /// Limits that count what goes out under it.
    pub limits: Vec<LimitId>,
}

impl Approved {
    fn holds(&self, at: Micros) -> bool {
        self.approved && self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }
}

/// What the catalog says of consent.
#[derive(Clone, Debug)]
pub struct ConsentPolicy {
    /// Jurisdictions, made with [`Zones::shared`].
    pub hours: Arc<QuietHours>,
    /// Do-not-call lists.
    pub dnc: Arc<DncLists>,
    /// Accounts that decided something.
    pub accounts: FxHashMap<AccountId, AccountConsent>,
    /// Campaigns by number.
    pub campaigns: FxHashMap<u32, CampaignConsent>,
    /// Sub-campaigns whose first messages only inform, by number.
    pub informing: FxHashSet<u32>,
    /// What each carrier's numbers are, where they are of one kind (CON-07, INT-02).
    pub lines: FxHashMap<CarrierId, LineType>,
    /// Approvals of each program, by the number of the source address and the carrier.
    pub programs: FxHashMap<Box<str>, FxHashMap<(u32, CarrierId), Approved>>,
    limits: FxHashMap<LimitId, LimitSpec>,
    sources: FxHashMap<SourceId, (u32, String)>,
}

impl Default for ConsentPolicy {
    /// The shipped jurisdictions, and nothing else.
    fn default() -> Self {
        static SHIPPED: LazyLock<Arc<QuietHours>> = LazyLock::new(|| {
            Arc::new(QuietHours::shipped(Zones::shared()).expect("tests read the shipped jurisdictions"))
        });
        Self {
            hours: SHIPPED.clone(),
            dnc: Arc::default(),
            accounts: FxHashMap::default(),
            campaigns: FxHashMap::default(),
            informing: FxHashSet::default(),
            lines: FxHashMap::default(),
            programs: FxHashMap::default(),
            limits: FxHashMap::default(),
            sources: FxHashMap::default(),
        }
    }
}

impl ConsentPolicy {
    /// Sets a limit of a carrier, brand or campaign.
    ///
    /// # Errors
    /// [`LimitError`] when it is not usable.
    pub fn limit(&mut self, id: LimitId, spec: LimitSpec) -> Result<(), LimitError> {
        DailyLimits::default().put(id, &spec, Zones::shared())?;
        self.limits.insert(id, spec);
        Ok(())
    }

    /// Sets how many recipients a source address may have from one midnight of `zone` to the next.
    ///
    /// # Errors
    /// [`LimitError`] when it is not usable.
    pub fn recipients(&mut self, source: SourceId, most: u32, zone: &str) -> Result<(), LimitError> {
        DailyLimits::default().put_source(source, most, zone, Zones::shared())?;
        self.sources.insert(source, (most, zone.to_owned()));
        Ok(())
    }

    /// What an account has decided; the default for one that has not.
    #[must_use]
    pub fn account(&self, account: AccountId) -> &AccountConsent {
        static NOTHING: LazyLock<AccountConsent> = LazyLock::new(AccountConsent::default);
        self.accounts.get(&account).unwrap_or(&NOTHING)
    }

    /// What the number is: what is known of its carrier, be it by portability or by a look-up, goes before the number
    /// plan. Where the plan does not tell, a number of a mobile operator is a mobile one.
    #[must_use]
    pub fn line_of(&self, number: E164, carrier: Option<CarrierId>) -> LineType {
        let of_carrier = carrier.and_then(|carrier| self.lines.get(&carrier)).copied();
        of_carrier.filter(|line| *line != LineType::Unknown).unwrap_or_else(|| {
            match phone::look_up(number).kind {
                NumberKind::Mobile | NumberKind::Pager => LineType::Wireless,
                NumberKind::FixedLineOrMobile if carrier.is_some() => LineType::Wireless,
                NumberKind::FixedLine => LineType::Landline,
                NumberKind::Voip => LineType::Voip,
                _ => LineType::Unknown,
            }
        })
    }

    /// What the account has decided of lines of the number's country.
    pub(crate) fn line_rule(account: &AccountConsent, number: E164) -> LineRule {
        if account.lines.is_empty() {
            return account.settings.lines;
        }
        let country = phone::region_of(number);
        let own = account.lines.iter().find(|(of, _)| country.is_some_and(|it| it.as_str() == of.as_str()));
        own.map_or(account.settings.lines, |(_, rule)| *rule)
    }

    /// The carrier's word on a program, and the limits that count what goes out under it. What no row speaks of needs
    /// none: the choice of the source address has refused it before.
    pub(crate) fn registration(
        &self,
        program: &str,
        address: u32,
        carrier: Option<CarrierId>,
        at: Micros,
    ) -> (Registration, &[LimitId]) {
        let (Some(of), Some(carrier)) = (self.programs.get(program), carrier) else {
            return (Registration::NotNeeded, &[]);
        };
        match of.get(&(address, carrier)) {
            Some(approved) if approved.holds(at) => (Registration::Registered, &approved.limits),
            Some(_) | None => (Registration::Missing, &[]),
        }
    }

    /// Brings this policy into force. What was counted stays.
    pub(crate) fn apply(&self, consent: &mut signalbox_consent::Consent) {
        consent.hours = self.hours.clone();
        consent.dnc = self.dnc.clone();
        consent.retain_limits(|id| self.limits.contains_key(&id), |id| self.sources.contains_key(&id));
        for (id, spec) in &self.limits {
            let usable = consent.put_limit(*id, spec);
            debug_assert!(usable.is_ok(), "limits are tried when they are set");
        }
        for (id, (most, zone)) in &self.sources {
            let usable = consent.put_source(*id, *most, zone);
            debug_assert!(usable.is_ok(), "limits are tried when they are set");
        }
    }

    /// All levels that there are, for questions about one device.
    pub(crate) fn levels(&self) -> impl Iterator<Item = Level> + '_ {
        let mut enterprises: Vec<u32> = self.accounts.values().map(|account| account.enterprise).collect();
        enterprises.sort_unstable();
        enterprises.dedup();
        let enterprises = enterprises.into_iter().filter(|id| *id != 0);
        let mut accounts: Vec<u32> = self.accounts.keys().map(|id| id.0).collect();
        accounts.sort_unstable();
        let mut campaigns: Vec<u32> = self.campaigns.keys().copied().collect();
        campaigns.sort_unstable();
        let enterprises = enterprises.map(|id| Level::Enterprise(signalbox_consent::EnterpriseId(id)));
        let accounts = accounts.into_iter().map(|id| Level::Account(signalbox_consent::AccountId(id)));
        let campaigns = campaigns.into_iter().map(|id| Level::Campaign(signalbox_consent::CampaignId(id)));
        enterprises.chain(accounts).chain(campaigns)
    }
}

/// Who is opted out or in.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// A device by its number.
    Number(E164),
    /// A device by its e-mail address.
    Email(Box<str>),
    /// A person by the client's own id, inside the level it is given with.
    Client(Box<str>),
}

impl Who {
    /// A device by its address; `None` when it is neither a number of E.164 nor an e-mail address.
    #[must_use]
    pub fn device(address: &Address) -> Option<Self> {
        if let Some(number) = number_of(address) {
            return Some(Self::Number(number));
        }
        let text = address.to_text();
        text.contains('@').then(|| Self::Email(text.to_lowercase().into()))
    }

    /// As the index asks it.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        match self {
            Self::Number(number) => Subject::Number(*number),
            Self::Email(address) => Subject::Email(address),
            Self::Client(id) => Subject::Client(id),
        }
    }

    /// Where its rows are: with the device, so that they are in the shard of its messages.
    fn shard(&self) -> ShardId {
        match self {
            Self::Number(number) => shard_of(*number),
            Self::Email(text) | Self::Client(text) => ShardId::of(text.as_bytes()),
        }
    }
}

impl std::fmt::Debug for Who {
    /// Masked, as the index shows it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.subject().fmt(f)
    }
}

/// How a change of consent came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The device wrote it.
    Mo,
    /// A script wanted it.
    Script,
    /// An agent, with a reason.
    Agent,
    /// Somebody over the API, with a reason.
    Api,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Mo, Self::Script, Self::Agent, Self::Api];

    /// Its name in the API and the ledger.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mo => "mo",
            Self::Script => "script",
            Self::Agent => "agent",
            Self::Api => "api",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name)
    }
}

/// Where a change of consent comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// Number of the account in whose name it is, zero for none.
    pub account: u32,
    /// The message that said so.
    pub evidence: Option<MessageId>,
    /// How it came.
    pub by: By,
    /// Who did it and why, where a person did.
    pub reason: Box<str>,
}

/// Somebody opts out, or in again (OPT-01 to OPT-03).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentChange {
    /// How far it reaches.
    pub level: Level,
    /// Who.
    pub who: Who,
    /// From which channels.
    pub channels: Channels,
    /// Of everything, or of marketing alone.
    pub extent: Extent,
    /// True to end suppressions.
    pub opt_in: bool,
    /// Where it comes from.
    pub ground: Ground,
}

/// An opt-out in force on one channel: a row of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// How far it reaches.
    pub level: Level,
    /// Who.
    pub who: Who,
    /// On which channel.
    pub channel: Channel,
    /// Of what.
    pub extent: Extent,
    /// Since when.
    pub since: Micros,
    /// Where it comes from.
    pub ground: Ground,
}

impl Suppression {
    /// Where the row is, and its key.
    #[must_use]
    pub fn place(level: Level, who: &Who, channel: Channel) -> (ShardId, [u8; 16]) {
        let named = match who {
            Who::Number(number) => (0u8, number.get().to_string()),
            Who::Email(address) => (1, address.to_lowercase()),
            Who::Client(id) => (2, id.to_string()),
        };
        let octets =
            postcard::to_stdvec(&(level, channel, named)).expect("a vector takes any number of octets");
        (who.shard(), xxhash_rust::xxh3::xxh3_128(&octets).to_be_bytes())
    }

    /// As a row.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        postcard::to_stdvec(self).expect("a vector takes any number of octets").into()
    }

    /// From a row.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn decode(row: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(row)
    }
}

/// The number of an address; `None` when it is none of E.164.
#[must_use]
pub fn number_of(address: &Address) -> Option<E164> {
    E164::from_digits(address.digits()?).ok()
}

/// The shard of a device.
pub(crate) fn shard_of(number: E164) -> ShardId {
    ShardId::of(number.get().to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use signalbox_consent::AccountId as Account;

    use super::*;

    fn who(digits: &[u8]) -> Who {
        Who::device(&Address::new(1, 1, digits).unwrap()).unwrap()
    }

    #[test]
    fn a_device_is_a_number_or_an_e_mail_address() {
        assert_eq!(who(b"12025550100"), who(b"+12025550100"));
        let mail = Address::new(5, 0, b"Ann@Example.org").unwrap();
        assert_eq!(Who::device(&mail), Some(Who::Email("ann@example.org".into())));
        assert_eq!(Who::device(&Address::new(3, 0, b"60777").unwrap()), None);
    }

    #[test]
    fn rows_are_with_their_device_and_apart() {
        let address = Address::new(1, 1, b"12025550100").unwrap();
        let level = Level::Account(Account(1));
        let (shard, key) = Suppression::place(level, &who(b"12025550100"), Channel::Text);
        assert_eq!(shard, address.shard());
        assert_ne!(key, Suppression::place(level, &who(b"12025550100"), Channel::Voice).1);
        assert_ne!(
            key,
            Suppression::place(Level::Account(Account(2)), &who(b"12025550100"), Channel::Text).1
        );
        assert_ne!(key, Suppression::place(level, &who(b"12025550101"), Channel::Text).1);
    }

    #[test]
    fn a_suppression_survives_the_store() {
        let ground = Ground { account: 1, evidence: None, by: By::Api, reason: "by letter".into() };
        let row = Suppression {
            level: Level::Account(Account(1)),
            who: who(b"12025550100"),
            channel: Channel::Text,
            extent: Extent::Marketing,
            since: Micros(5),
            ground,
        };
        assert_eq!(Suppression::decode(&row.encode()).unwrap(), row);
        assert!(Suppression::decode(&row.encode()[..4]).is_err());
    }
}
