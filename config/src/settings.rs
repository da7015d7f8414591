//! What a node needs to start. Everything that is changed while it runs is in the [catalog](crate::catalog).

mod admin;
mod api;
mod catalog;
mod cdr;
mod class;
mod counters;
mod dialog;
mod drain;
mod limits;
mod log;
mod node;
mod numbers;
mod participation;
mod people;
mod retry;
mod routing;
mod scripts;
mod secrets;
mod smpp;
mod store;
mod supervision;
mod tls;
mod webhooks;

pub use admin::AdminSettings;
pub use api::ApiSettings;
pub use catalog::CatalogSettings;
pub use cdr::CdrSettings;
pub use class::ClassSettings;
pub use counters::{AtKeyBound, CounterMode, CounterRestart, CounterSettings};
pub use dialog::DialogSettings;
pub use drain::DrainSettings;
pub use limits::{AfterDoubt, DoubtSettings, LimitSettings, ReassemblySettings, ReceiptSettings};
pub use log::{LogFormat, LogLevel, LogSettings};
pub use node::NodeSettings;
pub use numbers::{EnumSettings, HttpLookupSettings, NumberSettings, PortabilitySettings};
pub use participation::{FormSettings, JudgedBy, ParticipationSettings, SourceSettings};
pub use people::PeopleSettings;
pub(crate) use retry::webhook_retry;
pub use retry::{RetrySchedule, RetrySettings};
pub use routing::RoutingSettings;
pub use scripts::ScriptSettings;
pub use secrets::SecretSettings;
pub use smpp::{LockOutSettings, SmppListener, SmppSettings};
pub use store::{StoreDurability, StoreSettings};
pub use supervision::SupervisionSettings;
pub use tls::TlsListener;
pub use webhooks::WebhookSettings;

use std::path::Path;

use crate::document;
use crate::error::{ConfigError, ConfigErrors, Problem};
use crate::setting::{Agreement, Cursor, Problems, Setting, Shape, Source, settings};

settings! {
    /// All settings of a node.
    pub struct Settings agrees {
        /// Who this node is and where it keeps its data.
        node: NodeSettings,
        /// The embedded store: log, state, timers, queues and the CDR outbox in one database.
        store: StoreSettings,
        /// The side on which peers bind to us.
        smpp: SmppSettings,
        /// The HTTP API and the portal.
        api: ApiSettings,
        /// Live, ready, metrics, log level, drain and version.
        admin: AdminSettings,
        /// What is written to standard output.
        log: LogSettings,
        /// Call detail records in immutable files.
        cdr: CdrSettings,
        /// Bounds of everything that could grow.
        limits: LimitSettings,
        /// Waits between the attempts of a message, by the class of the error.
        retry: RetrySettings,
        /// Traffic classes.
        classes: ClassSettings,
        /// Spam and loop counters.
        counters: CounterSettings,
        /// What holds for all routing rules.
        routing: RoutingSettings,
        /// Number portability and look-ups.
        numbers: NumberSettings,
        /// The database of people: contacts, devices, lists, uploads, consent and history.
        people: PeopleSettings,
        /// Entries of participation campaigns by forms and over the API.
        participation: ParticipationSettings,
        /// Delivery of receipts and MO messages to HTTP targets.
        webhooks: WebhookSettings,
        /// Processes that run scripts.
        scripts: ScriptSettings,
        /// Bounds of conversations and passes.
        dialog: DialogSettings,
        /// Watchdog and restarts.
        supervision: SupervisionSettings,
        /// What SIGTERM does.
        drain: DrainSettings,
        /// Where secrets are kept.
        secrets: SecretSettings,
        /// Where the catalog is, and how an empty one is filled.
        catalog: CatalogSettings,
    }
}

impl Settings {
    /// Reads a file, and checks that the files it names are there.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first thing.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let text = document::read_file(path)?;
        let file = path.display().to_string();
        let settings = Self::parse(&file, &text)?;
        Self::check_files(&file, &text)?;
        Ok(settings)
    }

    /// Reads a text; `file` names it in errors.
    ///
    /// # Errors
    /// Everything that is wrong, not only the first thing.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigErrors> {
        document::parse(file, text)
    }

    /// Where secrets are looked for.
    pub fn secret_places(&self) -> crate::value::SecretPlaces<'_> {
        crate::value::SecretPlaces { directory: &self.secrets.directory }
    }

    /// The secrets that the file names and that cannot be read on this machine, each with its line and key.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn missing_secrets(&self, path: &Path) -> Result<Vec<ConfigError>, ConfigErrors> {
        document::missing_secrets::<Self>(path, self.secret_places())
    }

    /// A path of a setting that is relative to the node's data directory.
    pub fn in_data_directory(&self, path: &Path) -> std::path::PathBuf {
        self.node.data_directory.join(path)
    }

    fn check_files(file: &str, text: &str) -> Result<(), ConfigErrors> {
        let mut problems = Problems::new(Source { file, text });
        if let Some(tree) = document::well_formed(text, &mut problems) {
            named_files(Self::shape(), &Cursor::top(&tree), &mut problems);
        }
        problems.finish(Some(()))
    }
}

/// Records each file that a document names and that is not there.
fn named_files(shape: Shape, at: &Cursor<'_>, problems: &mut Problems<'_>) {
    match shape {
        Shape::File => {
            let Some(name) = at.tree.text() else { return };
            if let Err(error) = std::fs::File::open(name) {
                problems.push(at.tree.at, at.path(), Problem::Unreadable(error.to_string()));
            }
        }
        Shape::Table(keys) => {
            for key in keys {
                if let Some(value) = at.key(key.name) {
                    named_files((key.shape)(), &value, problems);
                }
            }
        }
        Shape::List(item) => at.items().for_each(|value| named_files(item(), &value, problems)),
        Shape::Scalar(_)
        | Shape::Typed { .. }
        | Shape::Range(..)
        | Shape::SignedRange(..)
        | Shape::Choice(_)
        | Shape::Map(_) => {}
    }
}

impl Agreement for Settings {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        let mut listening = vec![("admin", self.admin.address), ("api", self.api.address)];
        listening.extend(self.smpp.listen.iter().map(|listener| ("smpp", listener.address)));
        for (index, (section, address)) in listening.iter().enumerate() {
            let taken = |(other, earlier): &&(&str, std::net::SocketAddr)| {
                earlier == address && address.port() != 0 && other != section
            };
            let Some((other, _)) = listening[..index].iter().find(taken) else { continue };
            problems.conflict(at, section, format!("listens on {address}, which {other} has already"));
        }
    }
}
