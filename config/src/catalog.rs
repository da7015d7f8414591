//! Rows that are changed while a node runs, as a file has them: accounts, links, routes, carriers, counter
//! policies, white lists, tokens and webhooks.

mod account;
mod carrier;
mod class;
mod counter;
mod http;
mod link;
mod plan;
mod quirks;
mod reference;
mod rewrite;
mod route;
mod row;
mod token;
mod webhook;

pub use account::{Account, BindMode, LongValidity, MessageIdStyle, Outbind, ReceiptPdu};
pub use carrier::Carrier;
pub use class::TrafficClass;
pub use counter::{
    CounterAction, CounterKind, CounterParts, CounterPolicy, CounterScope, CounterWindow, ListedSide,
    WhiteListEntry,
};
pub use http::{
    BodyTemplate, HttpAnswer, HttpBodyType, HttpCallback, HttpLink, HttpMethod, HttpMo, HttpParts,
    HttpReceipt, ReceiptWord, SignatureKind,
};
pub use link::{
    ErrorClass, InterfaceVersion, Link, LinkOutbind, LinkProtocol, LinkTls, LongMessages, Reconnect,
};
pub use plan::{CatalogPlan, RowChange, RowChangeKind};
pub use quirks::{
    AddressCharset, DefaultAlphabet, MessageIdForm, MissingNul, Quirks, SmLength, TimeCheck, TlvCheck,
};
pub use rewrite::{AddressField, AddressRewrite, DataCoding, Tlv, TlvRules, Way};
pub use route::{
    Day, MessageDirection, Prefix, Route, RouteAction, RouteConditions, RouteTarget, Sharing, TimeOfDay,
    TimeWindow,
};
pub use row::{Row, RowKind};
pub use token::{Right, Token};
pub use webhook::{Webhook, WebhookEvent};

use std::path::Path;

use crate::document;
use crate::error::{ConfigError, ConfigErrors};
use crate::setting::{Agreement, Cursor, Problems, Setting, Source, settings};
use crate::value::{AccountPassword, PasswordError, PasswordHash, SecretError, SecretPlaces};

settings! {
    /// The rows of a file.
    pub struct Catalog agrees {
        /// Peers and applications that send through us.
        account: Vec<Account>,
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
    }
}

/// Why a password of a file could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password of account `{account}`")]
pub struct HashError {
    /// The account.
    pub account: String,
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

impl Default for Catalog {
    /// No rows.
    fn default() -> Self {
        Self {
            account: Vec::new(),
            link: Vec::new(),
            route: Vec::new(),
            carrier: Vec::new(),
            counter_policy: Vec::new(),
            white_list: Vec::new(),
            token: Vec::new(),
            webhook: Vec::new(),
        }
    }
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

    /// Checks that every row that these refer to is among these; for what a change of the API would leave.
    ///
    /// # Errors
    /// Every reference to a row that is not there, and everything that is there twice.
    pub fn check(&self) -> Result<(), ConfigErrors> {
        let tree = self.to_tree();
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
    /// When a password is not at its place; then no account is changed.
    pub fn hash_passwords(
        &mut self,
        places: SecretPlaces<'_>,
        mut salt: impl FnMut() -> [u8; 16],
    ) -> Result<(), HashError> {
        let mut hashes = Vec::with_capacity(self.account.len());
        for account in &self.account {
            let AccountPassword::Plain(secret) = &account.password else {
                hashes.push(account.password.clone());
                continue;
            };
            let error = |reason| HashError { account: account.name.to_string(), reason };
            let password = secret.reveal(places).map_err(|cause| error(HashErrorReason::Secret(cause)))?;
            let hash =
                PasswordHash::of(&password, salt()).map_err(|cause| error(HashErrorReason::Hash(cause)))?;
            hashes.push(AccountPassword::Hashed(hash));
        }
        for (account, hash) in self.account.iter_mut().zip(hashes) {
            account.password = hash;
        }
        Ok(())
    }
}

impl Agreement for Catalog {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        reference::check_unique(self, at, problems);
    }
}
