//! The catalog as the node uses it: rows with types, numbers of names, and how an empty one is filled.

mod ids;

pub use ids::Ids;

use rustc_hash::{FxHashMap, FxHashSet};
use signalbox_config::catalog::{KindVisitor, Row, RowKind, each_kind};
use signalbox_config::{Catalog as Rows, ConfigErrors};
use signalbox_core::backend::{Catalog, CatalogChange, CatalogError, CatalogRow, Kind, Version};

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

/// Changes up to which rows are looked for one by one.
const FEW: usize = 64;

/// All rows at one version.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The version.
    pub version: Version,
    /// The rows.
    pub rows: Rows,
    /// Their numbers and versions, by kind and name.
    pub ids: Ids,
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
        RowKind::DncList => Kind::DncList,
        RowKind::Tester => Kind::Tester,
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
        Kind::DncList => RowKind::DncList,
        Kind::Tester => RowKind::Tester,
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
        let snapshot = Self { version, rows: Rows::default(), ids: Ids::default() };
        let mut reading = Reading { catalog, read: Ok(snapshot) };
        each_kind(&mut reading);
        reading.read
    }

    fn read_kind<R: Row>(&mut self, catalog: &dyn Catalog) -> Result<(), SnapshotError> {
        for row in catalog.rows(kind_of(R::KIND))? {
            R::rows_mut(&mut self.rows).push(typed(&row)?);
            self.ids.put(&row);
        }
        Ok(())
    }

    /// This one after changes that made the version: the rows that they name are read, all others are those that are
    /// here. Where something else was changed too, everything is read.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn after(
        &self,
        catalog: &dyn Catalog,
        version: Version,
        changes: &[CatalogChange],
    ) -> Result<Self, SnapshotError> {
        if version.0 != self.version.0 + 1 || changes.len() > FEW {
            return Self::load(catalog);
        }
        let mut next = self.clone();
        next.version = version;
        for change in changes {
            let (CatalogChange::Put { kind, name, .. } | CatalogChange::Delete { kind, name, .. }) = change;
            let row = catalog.row(*kind, name)?;
            let mut taking = Taking { next: &mut next, name, row, taken: Ok(()) };
            row_kind(*kind).visit(&mut taking);
            taking.taken?;
        }
        if catalog.version()? == version { Ok(next) } else { Self::load(catalog) }
    }

    /// The version that last changed a row, the ETag of the API; zero for one that is not there.
    #[must_use]
    pub fn version_of(&self, kind: Kind, name: &str) -> Version {
        self.ids.version(kind, name)
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

/// A row that takes the place of what was there.
struct Taking<'a> {
    next: &'a mut Snapshot,
    name: &'a str,
    row: Option<CatalogRow>,
    taken: Result<(), SnapshotError>,
}

impl KindVisitor for Taking<'_> {
    fn visit<R: Row>(&mut self) {
        let rows = R::rows_mut(&mut self.next.rows);
        let place = rows.iter().position(|row| row.name().as_str() == self.name);
        let Some(row) = &self.row else {
            if let Some(place) = place {
                rows.remove(place);
            }
            return self.next.ids.remove(kind_of(R::KIND), self.name);
        };
        match (typed(row), place) {
            (Ok(typed), Some(place)) => rows[place] = typed,
            // Numbers rise, and rows stand in their order.
            (Ok(typed), None) => rows.push(typed),
            (Err(error), _) => {
                self.taken = Err(error);
                return;
            }
        }
        self.next.ids.put(row);
    }
}

/// A stored row with its type.
fn typed<R: Row>(row: &CatalogRow) -> Result<R, SnapshotError> {
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
    Ok(typed)
}

/// The changes that bring back what these rows had under the names that `changes` name.
#[must_use]
pub fn undo(before: &Rows, changes: &[CatalogChange]) -> Vec<CatalogChange> {
    let named = changes.iter().map(|change| {
        let (CatalogChange::Put { kind, name, .. } | CatalogChange::Delete { kind, name, .. }) = change;
        (row_kind(*kind), name.as_str())
    });
    let mut old = Old { rows: before, named: named.collect(), puts: FxHashMap::default() };
    each_kind(&mut old);
    let Old { named, mut puts, .. } = old;
    let undone = named.into_iter().map(|(kind, name)| {
        let gone = || CatalogChange::Delete { kind: kind_of(kind), name: name.to_owned(), expected: None };
        puts.remove(&(kind, name)).unwrap_or_else(gone)
    });
    undone.collect()
}

/// The rows of these names as they were.
struct Old<'a> {
    rows: &'a Rows,
    named: FxHashSet<(RowKind, &'a str)>,
    puts: FxHashMap<(RowKind, &'a str), CatalogChange>,
}

impl KindVisitor for Old<'_> {
    fn visit<R: Row>(&mut self) {
        let rows = self.rows;
        let known = R::rows(rows).iter().map(|row| ((R::KIND, row.name().as_str()), row));
        let old = known.filter(|(name, _)| self.named.contains(name));
        self.puts.extend(old.map(|(name, row)| (name, put(row))));
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
