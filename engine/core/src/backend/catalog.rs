use serde::{Deserialize, Serialize};

use crate::time::Micros;

/// What a catalog row describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An account that binds or uses the API.
    Account,
    /// A link to an aggregator or carrier.
    Link,
    /// A routing rule.
    Route,
    /// A carrier with its prefixes.
    Carrier,
    /// A policy of the spam and loop counters.
    CounterPolicy,
    /// An exempt address.
    WhiteList,
    /// An API token.
    Token,
    /// An HTTP target of receipts and MO messages.
    Webhook,
    /// An enterprise that owns accounts.
    Enterprise,
    /// A person who works with the node.
    User,
    /// A use of source addresses that carriers approve.
    Program,
    /// An address that messages are sent from and received on.
    SourceAddress,
    /// A carrier's word about a program on a source address.
    Approval,
    /// Words that begin a conversation.
    Keyword,
    /// A campaign.
    Campaign,
    /// What runs in a campaign.
    SubCampaign,
    /// A script.
    Script,
    /// A version of a script.
    ScriptVersion,
    /// A text that is sent by its name.
    Template,
    /// A campaign that people take part in.
    Participation,
    /// Hours in which people of a place may be reached.
    Jurisdiction,
    /// Words of consent in a language.
    Words,
    /// A URL that scripts may call.
    WebService,
    /// A part of an account's queue for agents.
    AgentQueue,
    /// A do-not-call list.
    DncList,
    /// A device that programs are tested with.
    Tester,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 26] = [
        Self::Account,
        Self::Link,
        Self::Route,
        Self::Carrier,
        Self::CounterPolicy,
        Self::WhiteList,
        Self::Token,
        Self::Webhook,
        Self::Enterprise,
        Self::User,
        Self::Program,
        Self::SourceAddress,
        Self::Approval,
        Self::Keyword,
        Self::Campaign,
        Self::SubCampaign,
        Self::Script,
        Self::ScriptVersion,
        Self::Template,
        Self::Participation,
        Self::Jurisdiction,
        Self::Words,
        Self::WebService,
        Self::AgentQueue,
        Self::DncList,
        Self::Tester,
    ];

    /// The name in files, the API and the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Link => "link",
            Self::Route => "route",
            Self::Carrier => "carrier",
            Self::CounterPolicy => "counter_policy",
            Self::WhiteList => "white_list",
            Self::Token => "token",
            Self::Webhook => "webhook",
            Self::Enterprise => "enterprise",
            Self::User => "user",
            Self::Program => "program",
            Self::SourceAddress => "source_address",
            Self::Approval => "approval",
            Self::Keyword => "keyword",
            Self::Campaign => "campaign",
            Self::SubCampaign => "sub_campaign",
            Self::Script => "script",
            Self::ScriptVersion => "script_version",
            Self::Template => "template",
            Self::Participation => "participation",
            Self::Jurisdiction => "jurisdiction",
            Self::Words => "words",
            Self::WebService => "web_service",
            Self::AgentQueue => "agent_queue",
            Self::DncList => "dnc_list",
            Self::Tester => "tester",
        }
    }
}

/// Number of the change that made the catalog what it is; rises by one with each [`Catalog::apply`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version(pub u64);

/// A row: a named thing and what is known of it, as JSON that `signalbox-config` gives types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogRow {
    /// What it is.
    pub kind: Kind,
    /// Number of the thing, never reused within its kind.
    pub id: u32,
    /// Its unique name within its kind.
    pub name: String,
    /// The catalog version that last changed it; the ETag of the API.
    pub version: Version,
    /// The document.
    pub document: String,
}

/// A change of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogChange {
    /// Writes the document, under a new id when the name is new.
    Put {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
        /// The new document.
        document: String,
        /// The version that the caller saw; `None` writes over whatever is there.
        expected: Option<Version>,
    },
    /// Removes the row.
    Delete {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
        /// The version that the caller saw.
        expected: Option<Version>,
    },
}

/// A change that was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// Somebody else changed the row since the caller saw it.
    #[error("{kind} `{name}` is at version {held}, the change expects {expected}", kind = kind.name())]
    Conflict {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
        /// The version it has; zero when it is not there.
        held: u64,
        /// The version expected.
        expected: u64,
    },
    /// There is no such row.
    #[error("there is no {kind} `{name}`", kind = kind.name())]
    Absent {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// Somebody else changed the catalog since the caller read it.
    #[error("the catalog is at version {held}, the change was made for {expected}")]
    Moved {
        /// The version it has.
        held: u64,
        /// The version expected.
        expected: u64,
    },
    /// The database failed.
    #[error("the catalog failed: {reason}")]
    Failed {
        /// Why.
        reason: String,
    },
}

/// Where an entry stands in the trail: entries are ordered by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrailPlace {
    /// The version of the catalog that a change made, or at which something was done.
    pub version: Version,
    /// Its number among the entries of that version, from 1.
    pub step: u32,
}

/// What was done by whom: a change of one row, or an operator's action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailEntry {
    /// Where it stands.
    pub place: TrailPlace,
    /// When.
    pub at: Micros,
    /// Who.
    pub actor: String,
    /// What: `create`, `update` or `delete` of a row, or the name of an action.
    pub action: String,
    /// The row; `None` for an action.
    pub row: Option<(Kind, String)>,
    /// The document before, if there was one.
    pub before: Option<String>,
    /// The document after, if there is one; for an action its details as JSON.
    pub after: Option<String>,
}

/// Accounts, links, routes and policies: versioned rows in a database of their own.
pub trait Catalog: Send + Sync {
    /// The version now.
    ///
    /// # Errors
    /// When the database fails.
    fn version(&self) -> Result<Version, CatalogError>;

    /// All rows of a kind in the order of their ids.
    ///
    /// # Errors
    /// When the database fails.
    fn rows(&self, kind: Kind) -> Result<Vec<CatalogRow>, CatalogError>;

    /// One row; `None` where there is no such name.
    ///
    /// # Errors
    /// When the database fails.
    fn row(&self, kind: Kind, name: &str) -> Result<Option<CatalogRow>, CatalogError>;

    /// Makes all the changes or none, under one new version, and records who made them.
    ///
    /// # Errors
    /// See [`CatalogError`].
    fn apply(&self, by: &str, changes: &[CatalogChange]) -> Result<Version, CatalogError> {
        self.apply_on(None, by, changes)
    }

    /// The same, if the catalog still has the version `base`: what the changes were checked against is what they
    /// are made to. Without a base only the rows' own versions are compared.
    ///
    /// # Errors
    /// See [`CatalogError`].
    fn apply_on(
        &self,
        base: Option<Version>,
        by: &str,
        changes: &[CatalogChange],
    ) -> Result<Version, CatalogError>;

    /// Puts what an operator did, and no row shows, into the trail: `detail` is JSON.
    ///
    /// # Errors
    /// When the database fails.
    fn record(&self, by: &str, action: &str, detail: &str) -> Result<(), CatalogError>;

    /// Entries of the trail before a place, newest first, at most `max`.
    ///
    /// # Errors
    /// When the database fails.
    fn trail(&self, before: Option<TrailPlace>, max: usize) -> Result<Vec<TrailEntry>, CatalogError>;
}
