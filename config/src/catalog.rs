//! Rows that are changed while a node runs, as a file has them: who uses it (enterprises, accounts, users, tokens),
//! how it is connected (links, routes, carriers, counters, webhooks), and what runs on it (source addresses, programs,
//! keywords, campaigns, scripts, participation).

mod account;
mod agent_queue;
mod campaign;
mod carrier;
mod class;
mod counter;
mod dialog;
mod dnc;
mod enterprise;
mod extraction;
mod http;
mod jurisdiction;
mod keyword;
mod link;
mod participation;
mod plan;
mod program;
mod quirks;
mod quota;
mod reference;
mod registry;
mod rewrite;
mod route;
mod row;
mod script;
mod source_address;
mod tenancy;
mod tester;
mod token;
mod user;
mod web_service;
mod webhook;

pub use account::{
    Account, AccountQuotas, BindMode, LineFilter, LongValidity, MessageIdStyle, Outbind, ReceiptPdu,
};
pub use agent_queue::{AgentQueue, QueueAction, QueueWatch};
pub use campaign::{
    AgentFlag, Campaign, Instructions, SubCampaign, SubCampaignKind, SubCampaignState, SubCampaignTexts,
    WhenBusy,
};
pub use carrier::{Carrier, LineKind};
pub use class::TrafficClass;
pub use counter::{
    CounterAction, CounterKind, CounterParts, CounterPolicy, CounterScope, CounterWindow, ListedSide,
    WhiteListEntry,
};
pub use dnc::{DncKind, DncList};
pub use enterprise::{Channel, Enterprise, EnterpriseLimits, OptOutLevel};
pub use extraction::{
    ChoiceOption, DateOrder, ExtractionKind, ExtractionRule, LimitSpan, Requirement, RequirementKind,
    SeveralEntries,
};
pub use http::{
    BodyTemplate, HttpAnswer, HttpBodyType, HttpCallback, HttpLink, HttpMethod, HttpMo, HttpParts,
    HttpReceipt, ReceiptWord, SignatureKind,
};
pub use jurisdiction::{
    AllowedHours, CapOver, FrequencyCap, HolidayHours, Jurisdiction, RuleScope, WordClass, Words,
};
pub use keyword::{Keyword, too_common};
pub use link::{
    ErrorClass, InterfaceVersion, Link, LinkOutbind, LinkProtocol, LinkTls, LongMessages, Reconnect,
};
pub use participation::{
    EntryChannel, EntryForm, EntryPoint, Participation, ParticipationKind, ParticipationState,
    ParticipationWord, RejectCode, Responses, WordAction,
};
pub use plan::{CatalogPlan, RowChange, RowChangeKind};
pub use program::{Approval, ApprovalStatus, PoolPolicy, Program, ProgramKind, ProgramTexts};
pub use quirks::{
    AddressCharset, DefaultAlphabet, MessageIdForm, MissingNul, Quirks, SmLength, TimeCheck, TlvCheck,
};
pub use rewrite::{AddressField, AddressRewrite, DataCoding, Tlv, TlvRules, Way};
pub use route::{
    Day, MessageDirection, Prefix, Route, RouteAction, RouteConditions, RouteTarget, Sharing, TimeOfDay,
    TimeWindow,
};
pub use row::{KindVisitor, Owner, Row, RowKind, each_kind};
pub use script::{Script, ScriptKind, ScriptVersion, Template, VersionState};
pub use source_address::{
    AddressCombination, AddressSharing, AddressState, CombinationMode, MessageClass, SourceAddress,
};
pub use tenancy::Tenancy;
pub use tester::Tester;
pub use token::{Right, Token};
pub use user::User;
pub use web_service::{ServiceMethod, WebService};
pub use webhook::{Webhook, WebhookEvent};

use std::path::Path;

use crate::document;
use crate::error::{ConfigError, ConfigErrors, Place};
use crate::setting::{Agreement, Cursor, Problems, Setting, Source, settings};
use crate::value::{AccountPassword, Name, PasswordError, PasswordHash, SecretError, SecretPlaces};

settings! {
    /// The rows of a file.
    pub struct Catalog agrees {
        /// Organisations that own accounts.
        enterprise: Vec<Enterprise>,
        /// Peers and applications that send through us.
        account: Vec<Account>,
        /// People who work with the node.
        user: Vec<User>,
        /// Aggregators and carriers that we bind to.
        link: Vec<Link>,
        /// Routing rules.
        route: Vec<Route>,
        /// Mobile operators and their prefixes.
        carrier: Vec<Carrier>,
        /// What the spam and loop counters count.
        counter_policy: Vec<CounterPolicy>,
        /// Addresses whose alarms are disregarded.
        white_list: Vec<WhiteListEntry>,
        /// Tokens of the HTTP API.
        token: Vec<Token>,
        /// HTTP targets of receipts and MO messages.
        webhook: Vec<Webhook>,
        /// Uses of source addresses that carriers approve.
        program: Vec<Program>,
        /// Addresses that messages are sent from and received on.
        source_address: Vec<SourceAddress>,
        /// Carriers' words about programs on source addresses.
        approval: Vec<Approval>,
        /// Parts of accounts' queues of messages for agents.
        agent_queue: Vec<AgentQueue>,
        /// Words that begin conversations.
        keyword: Vec<Keyword>,
        /// Campaigns.
        campaign: Vec<Campaign>,
        /// What runs in them.
        sub_campaign: Vec<SubCampaign>,
        /// Scripts.
        script: Vec<Script>,
        /// Their versions.
        script_version: Vec<ScriptVersion>,
        /// Texts that are sent by their names.
        template: Vec<Template>,
        /// Campaigns that people take part in.
        participation: Vec<Participation>,
        /// Hours in which people may be reached.
        jurisdiction: Vec<Jurisdiction>,
        /// Words that ask for an end, for help or for a new beginning.
        words: Vec<Words>,
        /// Numbers that registers have closed.
        dnc_list: Vec<DncList>,
        /// URLs that scripts may call.
        web_service: Vec<WebService>,
        /// Devices that programs are tested with.
        tester: Vec<Tester>,
    }
}

/// Why a password of a file could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password of {kind} `{name}`")]
pub struct HashError {
    /// What has the password.
    pub kind: RowKind,
    /// Its name.
    pub name: String,
    /// Why.
    #[source]
    pub reason: HashErrorReason,
}

/// See [`HashError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashErrorReason {
    /// It is not at its place.
    #[error("it cannot be had")]
    Secret(#[source] SecretError),
    /// It cannot be hashed.
    #[error("it cannot be hashed")]
    Hash(#[source] PasswordError),
}

impl Catalog {
    /// Reads a file that stands alone: every row that it refers to is in it.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first thing.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let text = document::read_file(path)?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// The secrets that a file names and that cannot be read on this machine, each with its line and key.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn missing_secrets(path: &Path, places: SecretPlaces<'_>) -> Result<Vec<ConfigError>, ConfigErrors> {
        document::missing_secrets::<Self>(path, places)
    }

    /// Reads a text that stands alone; `file` names it in errors.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first thing.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigErrors> {
        Self::parse_over(file, text, &Self::default())
    }

    /// Reads a text that adds to or changes `known` rows, which it may refer to.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first thing.
    pub fn parse_over(file: &str, text: &str, known: &Self) -> Result<Self, ConfigErrors> {
        let mut problems = Problems::new(Source { file, text });
        let Some(tree) = document::well_formed(text, &mut problems) else { return problems.finish(None) };
        let top = Cursor::top(&tree);
        let catalog = Self::read(&top, &mut problems);
        if let Some(catalog) = &catalog {
            reference::check(catalog, known, &top, &mut problems);
        }
        problems.finish(catalog)
    }

    /// Where a place within the text of a row stands in the text of its file: line and column of the file, both from 1.
    /// `line` and `column` count within the row's text; escapes in it are not gone into.
    #[must_use]
    pub fn place_within(
        file: &str,
        kind: RowKind,
        name: &str,
        key: &str,
        (line, column): (usize, usize),
    ) -> Option<Place> {
        let source = Source { file: "", text: file };
        let tree = document::well_formed(file, &mut Problems::new(source))?;
        let rows = Cursor::top(&tree).key(kind.as_str())?;
        let named = |row: &Cursor<'_>| row.key("name").is_some_and(|held| held.tree.text() == Some(name));
        let at = rows.items().find(named)?.key(key)?.tree.at?;
        let begins = source.place(at)?;
        let value = &file[at..];
        let Some(text) = value.strip_prefix("\"\"\"").or_else(|| value.strip_prefix("'''")) else {
            return Some(begins);
        };
        // A line end right behind the quotes is no part of the text.
        if text.starts_with('\n') || text.starts_with("\r\n") {
            return Some(Place { line: begins.line + line, column });
        }
        match line {
            1 => Some(Place { line: begins.line, column: begins.column + 3 + column - 1 }),
            line => Some(Place { line: begins.line + line - 1, column }),
        }
    }

    /// Checks that every row that these refer to is among these; for what a change of the API would leave.
    ///
    /// # Errors
    /// Every reference to a row that is not there, and everything that is there twice.
    pub fn check(&self) -> Result<(), ConfigErrors> {
        // The rows stand in no document: what is wrong is told by kind, place and key.
        let tree = crate::tree::Tree::empty();
        let mut problems = Problems::new(Source { file: "catalog", text: "" });
        let top = Cursor::top(&tree);
        Agreement::check(self, &top, &mut problems);
        reference::check(self, &Self::default(), &top, &mut problems);
        problems.finish(Some(()))
    }

    /// Makes hashes of all passwords that are not yet; `salt` gives 16 octets of good randomness each time.
    /// It takes some 20 ms for each: never on a runtime's thread.
    ///
    /// # Errors
    /// When a password is not at its place; then nothing is changed.
    pub fn hash_passwords(
        &mut self,
        places: SecretPlaces<'_>,
        mut salt: impl FnMut() -> [u8; 16],
    ) -> Result<(), HashError> {
        let mut hashed = |kind, name: &Name, password: &AccountPassword| {
            let AccountPassword::Plain(secret) = password else { return Ok(None) };
            let error = |reason| HashError { kind, name: name.to_string(), reason };
            let password = secret.reveal(places).map_err(|cause| error(HashErrorReason::Secret(cause)))?;
            let hash =
                PasswordHash::of(&password, salt()).map_err(|cause| error(HashErrorReason::Hash(cause)))?;
            Ok(Some(AccountPassword::Hashed(hash)))
        };
        let accounts = self.account.iter().map(|row| hashed(RowKind::Account, &row.name, &row.password));
        let accounts = accounts.collect::<Result<Vec<_>, HashError>>()?;
        let users = self.user.iter().map(|row| hashed(RowKind::User, &row.name, &row.password));
        let users = users.collect::<Result<Vec<_>, HashError>>()?;
        for (row, hash) in self.account.iter_mut().zip(accounts) {
            row.password = hash.unwrap_or_else(|| row.password.clone());
        }
        for (row, hash) in self.user.iter_mut().zip(users) {
            row.password = hash.unwrap_or_else(|| row.password.clone());
        }
        Ok(())
    }
}

impl Agreement for Catalog {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        reference::check_unique(self, at, problems);
    }
}
