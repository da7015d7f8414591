//! The catalog as the node uses it: rows with types, numbers of names, and how an empty one is filled.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use signalbox_config::catalog::{KindVisitor, Row, RowKind, each_kind};
use signalbox_config::{Catalog as Rows, ConfigErrors};
use signalbox_core::backend::{Catalog, CatalogChange, CatalogError, CatalogRow, Kind, Version};
use signalbox_core::id::{AccountId, CarrierId, LinkId, WebhookId};

/// A catalog that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The database failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A row is not what this version of the program takes.
    #[error("{kind} `{name}` of the catalog", kind = .kind.name())]
    Row {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: String,
        /// What is wrong with it.
        #[source]
        source: ConfigErrors,
    },
}

/// All rows at one version.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The version.
    pub version: Version,
    /// The rows.
    pub rows: Rows,
    /// Their numbers, by kind and name.
    pub ids: Ids,
    /// The version that last changed each row, by kind and name; the ETags of the API.
    pub versions: BTreeMap<(Kind, String), Version>,
}

/// Numbers of names.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    by_name: FxHashMap<(Kind, String), u32>,
    by_id: FxHashMap<(Kind, u32), String>,
}

impl Ids {
    fn add(&mut self, row: &CatalogRow) {
        self.by_name.insert((row.kind, row.name.clone()), row.id);
        self.by_id.insert((row.kind, row.id), row.name.clone());
    }

    /// The number of a name.
    #[must_use]
    pub fn of(&self, kind: Kind, name: &str) -> Option<u32> {
        self.by_name.get(&(kind, name.to_owned())).copied()
    }

    /// The name of a number.
    #[must_use]
    pub fn name(&self, kind: Kind, id: u32) -> Option<&str> {
        self.by_id.get(&(kind, id)).map(String::as_str)
    }

    /// The account with this name.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<AccountId> {
        self.of(Kind::Account, name).map(AccountId)
    }

    /// The link with this name.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<LinkId> {
        self.of(Kind::Link, name).map(LinkId)
    }

    /// The carrier with this name.
    #[must_use]
    pub fn carrier(&self, name: &str) -> Option<CarrierId> {
        self.of(Kind::Carrier, name).map(CarrierId)
    }

    /// The HTTP target with this name.
    #[must_use]
    pub fn webhook(&self, name: &str) -> Option<WebhookId> {
        self.of(Kind::Webhook, name).map(WebhookId)
    }
}

/// The catalog's kind of a configuration row.
#[must_use]
pub fn kind_of(kind: RowKind) -> Kind {
    match kind {
        RowKind::Account => Kind::Account,
        RowKind::Link => Kind::Link,
        RowKind::Route => Kind::Route,
        RowKind::Carrier => Kind::Carrier,
        RowKind::CounterPolicy => Kind::CounterPolicy,
        RowKind::WhiteList => Kind::WhiteList,
        RowKind::Token => Kind::Token,
        RowKind::Webhook => Kind::Webhook,
        RowKind::Enterprise => Kind::Enterprise,
        RowKind::User => Kind::User,
        RowKind::Program => Kind::Program,
        RowKind::SourceAddress => Kind::SourceAddress,
        RowKind::Approval => Kind::Approval,
        RowKind::Keyword => Kind::Keyword,
        RowKind::Campaign => Kind::Campaign,
        RowKind::SubCampaign => Kind::SubCampaign,
        RowKind::Script => Kind::Script,
        RowKind::ScriptVersion => Kind::ScriptVersion,
        RowKind::Template => Kind::Template,
        RowKind::Participation => Kind::Participation,
        RowKind::Jurisdiction => Kind::Jurisdiction,
        RowKind::Words => Kind::Words,
        RowKind::WebService => Kind::WebService,
        RowKind::AgentQueue => Kind::AgentQueue,
    }
}

/// The configuration's kind of a row of the catalog.
#[must_use]
pub fn row_kind(kind: Kind) -> RowKind {
    match kind {
        Kind::Account => RowKind::Account,
        Kind::Link => RowKind::Link,
        Kind::Route => RowKind::Route,
        Kind::Carrier => RowKind::Carrier,
        Kind::CounterPolicy => RowKind::CounterPolicy,
        Kind::WhiteList => RowKind::WhiteList,
        Kind::Token => RowKind::Token,
        Kind::Webhook => RowKind::Webhook,
        Kind::Enterprise => RowKind::Enterprise,
        Kind::User => RowKind::User,
        Kind::Program => RowKind::Program,
        Kind::SourceAddress => RowKind::SourceAddress,
        Kind::Approval => RowKind::Approval,
        Kind::Keyword => RowKind::Keyword,
        Kind::Campaign => RowKind::Campaign,
        Kind::SubCampaign => RowKind::SubCampaign,
        Kind::Script => RowKind::Script,
        Kind::ScriptVersion => RowKind::ScriptVersion,
        Kind::Template => RowKind::Template,
        Kind::Participation => RowKind::Participation,
        Kind::Jurisdiction => RowKind::Jurisdiction,
        Kind::Words => RowKind::Words,
        Kind::WebService => RowKind::WebService,
        Kind::AgentQueue => RowKind::AgentQueue,
    }
}

impl Snapshot {
    /// Reads all rows.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn load(catalog: &dyn Catalog) -> Result<Self, SnapshotError> {
        // Rows and version are read one after the other: a change in between makes the version differ, and
        // then they are read again.
        loop {
            let version = catalog.version()?;
            let snapshot = Self::read(catalog, version)?;
            if catalog.version()? == version {
                return Ok(snapshot);
            }
        }
    }

    fn read(catalog: &dyn Catalog, version: Version) -> Result<Self, SnapshotError> {
        let snapshot =
            Self { version, rows: Rows::default(), ids: Ids::default(), versions: BTreeMap::new() };
        let mut reading = Reading { catalog, read: Ok(snapshot) };
        each_kind(&mut reading);
        reading.read
    }

    fn read_kind<R: Row>(&mut self, catalog: &dyn Catalog) -> Result<(), SnapshotError> {
        for row in catalog.rows(kind_of(R::KIND))? {
            let (typed, gone) = R::from_stored(&row.document).map_err(|source| SnapshotError::Row {
                kind: row.kind,
                name: row.name.clone(),
                source,
            })?;
            for key in gone {
                // An older version wrote it. The row goes without it, and loses it when it is written next.
                tracing::warn!(
                    kind = row.kind.name(),
                    name = row.name,
                    key,
                    "a stored row has a key that is not known; it is passed over"
                );
            }
            self.ids.add(&row);
            self.versions.insert((row.kind, row.name), row.version);
            R::rows_mut(&mut self.rows).push(typed);
        }
        Ok(())
    }

    /// True when nothing was ever put into the catalog.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.version == Version(0)
    }
}

/// A snapshot that is being read, kind by kind, until one fails.
struct Reading<'a> {
    catalog: &'a dyn Catalog,
    read: Result<Snapshot, SnapshotError>,
}

impl KindVisitor for Reading<'_> {
    fn visit<R: Row>(&mut self) {
        let Ok(snapshot) = &mut self.read else { return };
        if let Err(error) = snapshot.read_kind::<R>(self.catalog) {
            self.read = Err(error);
        }
    }
}

/// The changes that write every row of a file.
#[must_use]
pub fn all_rows(rows: &Rows) -> Vec<CatalogChange> {
    let mut all = AllRows { rows, changes: Vec::new() };
    each_kind(&mut all);
    all.changes
}

struct AllRows<'a> {
    rows: &'a Rows,
    changes: Vec<CatalogChange>,
}

impl KindVisitor for AllRows<'_> {
    fn visit<R: Row>(&mut self) {
        self.changes.extend(R::rows(self.rows).iter().map(put));
    }
}

/// The change that writes a row.
fn put<R: Row>(row: &R) -> CatalogChange {
    CatalogChange::Put {
        kind: kind_of(R::KIND),
        name: row.name().to_string(),
        document: row.to_document(),
        expected: None,
    }
}
