//! The catalog of one machine: versioned rows in a SQLite file of their own.
//!
//! It is never in the spine's file: an upload of millions of rows must not make a message wait. Each change is
//! kept in the table `audit`, by whom and when:
//!
//! ```sql
//! SELECT datetime(at/1000000, 'unixepoch'), actor, action, kind, name FROM audit ORDER BY version, step;
//! ```
//!
//! Each entry holds a hash of itself and of the one before: [`SqliteCatalog::verify`] finds what was changed behind the
//! program's back.
//!
//! What operators did and no row shows stands there too, with the kind `operation` and its details in `after`.

mod chain;
mod schema;

pub use chain::{ChainError, ChainHash, Verified};

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use signalbox_core::backend::{
    Catalog, CatalogChange, CatalogError, CatalogRow, Clock, Kind, TrailEntry, TrailPlace, Version,
};
use signalbox_core::time::Micros;

use self::chain::Said;
use crate::sqlite::OpenError;

/// What was done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Create,
    /// It has another document.
    Update,
    /// It is gone.
    Delete,
}

impl Action {
    const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// The name in the audit.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Kind of the entries that tell of no row.
const OPERATION: &str = "operation";

/// One change of one row, as the audit keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The version that the change made.
    pub version: Version,
    /// When.
    pub at: Micros,
    /// Who.
    pub actor: String,
    /// What was done.
    pub action: Action,
    /// To what kind of row.
    pub kind: Kind,
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The document before, if there was one.
    pub before: Option<String>,
    /// The document after, if there is one.
    pub after: Option<String>,
}

/// The catalog in a SQLite file. Reads have a connection of their own and do not wait for a change under way.
pub struct SqliteCatalog {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    clock: Arc<dyn Clock>,
}

fn failed(error: impl std::fmt::Display) -> CatalogError {
    CatalogError::Failed { reason: error.to_string() }
}

fn kind_of(name: &str) -> Result<Kind, CatalogError> {
    Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| failed(format!("a row has the kind `{name}`")))
}

impl SqliteCatalog {
    /// Opens the file, makes it if it is not there.
    ///
    /// # Errors
    /// When it cannot be used or is no catalog.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let writer = Mutex::new(schema::open(path)?);
        let reader = Mutex::new(schema::open(path)?);
        Ok(Self { writer, reader, clock })
    }

    /// Goes through the whole audit: whether each entry is what was written, none is missing, and the rows are what it
    /// says. With a hash that was kept elsewhere it also says whether that entry is still there: whoever can write the
    /// whole file can make another chain, and not one that has it.
    ///
    /// # Errors
    /// See [`ChainError`].
    pub fn verify(&self, expected: Option<ChainHash>) -> Result<Verified, ChainError> {
        let mut connection = self.reader.lock();
        // One view of entries, head and rows, whatever is written meanwhile.
        let within = connection.transaction().map_err(failed)?;
        chain::verify(&within, expected)
    }

    /// Changes after a version, oldest first, at most `max`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn audit(&self, after: Version, max: usize) -> Result<Vec<AuditEntry>, CatalogError> {
        let connection = self.reader.lock();
        let mut statement = connection
            .prepare_cached(
                "SELECT version, at, actor, action, kind, id, name, before, after FROM audit
                 WHERE version > ?1 AND kind <> 'operation' ORDER BY version, step LIMIT ?2",
            )
            .map_err(failed)?;
        let after = i64::try_from(after.0).unwrap_or(i64::MAX);
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![after, max]).map_err(failed)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            entries.push(entry(row)?);
        }
        Ok(entries)
    }
}

fn entry(row: &rusqlite::Row<'_>) -> Result<AuditEntry, CatalogError> {
    let text = |at: usize| row.get::<_, String>(at).map_err(failed);
    let action = text(3)?;
    let action = Action::ALL
        .into_iter()
        .find(|known| known.name() == action)
        .ok_or_else(|| failed(format!("the audit has the action `{action}`")))?;
    Ok(AuditEntry {
        version: Version(row.get::<_, i64>(0).map_err(failed)?.cast_unsigned()),
        at: Micros(row.get(1).map_err(failed)?),
        actor: text(2)?,
        action,
        kind: kind_of(&text(4)?)?,
        id: row.get(5).map_err(failed)?,
        name: text(6)?,
        before: row.get(7).map_err(failed)?,
        after: row.get(8).map_err(failed)?,
    })
}

fn trail_entry(row: &rusqlite::Row<'_>) -> Result<TrailEntry, CatalogError> {
    let text = |at: usize| row.get::<_, String>(at).map_err(failed);
    let kind = text(5)?;
    let about = if kind == OPERATION { None } else { Some((kind_of(&kind)?, text(6)?)) };
    let version = Version(row.get::<_, i64>(0).map_err(failed)?.cast_unsigned());
    Ok(TrailEntry {
        place: TrailPlace { version, step: row.get(1).map_err(failed)? },
        at: Micros(row.get(2).map_err(failed)?),
        actor: text(3)?,
        action: text(4)?,
        row: about,
        before: row.get(7).map_err(failed)?,
        after: row.get(8).map_err(failed)?,
    })
}

fn version(connection: &Connection) -> Result<Version, CatalogError> {
    let version: i64 = connection
        .prepare_cached("SELECT version FROM head WHERE id = 1")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(failed)?;
    Ok(Version(version.cast_unsigned()))
}

/// What is known of a row that a change names.
struct Held {
    id: u32,
    version: Version,
    document: String,
}

/// One change under way: all rows of it have one version, one time and one actor.
struct Change<'a> {
    within: &'a Transaction<'a>,
    version: Version,
    at: Micros,
    by: &'a str,
    step: u32,
    hash: ChainHash,
}

impl Change<'_> {
    fn held(&self, kind: Kind, name: &str) -> Result<Option<Held>, CatalogError> {
        self.within
            .prepare_cached("SELECT id, version, document FROM item WHERE kind = ?1 AND name = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row(params![kind.name(), name], |row| {
                        let version = Version(row.get::<_, i64>(1)?.cast_unsigned());
                        Ok(Held { id: row.get(0)?, version, document: row.get(2)? })
                    })
                    .optional()
            })
            .map_err(failed)
    }

    fn next_id(&self, kind: Kind) -> Result<u32, CatalogError> {
        self.within
            .prepare_cached(
                "INSERT INTO numbering(kind, last) VALUES(?1, 1)
                 ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
            )
            .and_then(|mut statement| statement.query_row(params![kind.name()], |row| row.get(0)))
            .map_err(failed)
    }

    fn write(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), CatalogError> {
        self.within
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map(|_| ())
            .map_err(failed)
    }

    fn make(&mut self, change: &CatalogChange) -> Result<(), CatalogError> {
        let (kind, name, expected) = match change {
            CatalogChange::Put { kind, name, expected, .. }
            | CatalogChange::Delete { kind, name, expected } => (*kind, name.as_str(), *expected),
        };
        let held = self.held(kind, name)?;
        if let (CatalogChange::Delete { .. }, None) = (change, &held) {
            return Err(CatalogError::Absent { kind, name: name.to_owned() });
        }
        let seen = held.as_ref().map_or(Version(0), |held| held.version);
        if let Some(expected) = expected
            && expected != seen
        {
            let name = name.to_owned();
            return Err(CatalogError::Conflict { kind, name, held: seen.0, expected: expected.0 });
        }
        let id = match &held {
            Some(held) => held.id,
            None => self.next_id(kind)?,
        };
        let version = self.version.0.cast_signed();
        let (action, after) = match change {
            CatalogChange::Put { document, .. } => {
                self.write(
                    "INSERT INTO item(kind, id, name, version, document) VALUES(?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT(kind, id) DO UPDATE SET version = ?4, document = ?5",
                    params![kind.name(), id, name, version, document],
                )?;
                let action = if held.is_some() { Action::Update } else { Action::Create };
                (action, Some(document))
            }
            CatalogChange::Delete { .. } => {
                self.write("DELETE FROM item WHERE kind = ?1 AND id = ?2", params![kind.name(), id])?;
                (Action::Delete, None)
            }
        };
        self.step += 1;
        let before = held.as_ref().map(|held| held.document.as_str());
        let said = Said {
            version,
            step: self.step,
            at: self.at.0,
            actor: self.by,
            action: action.name(),
            kind: kind.name(),
            id,
            name,
            before,
            after: after.map(String::as_str),
        };
        self.hash = note(self.within, &said, self.hash)?;
        Ok(())
    }
}

/// Writes an entry of the audit; its hash.
fn note(within: &Transaction<'_>, said: &Said<'_>, before: ChainHash) -> Result<ChainHash, CatalogError> {
    let hash = said.after(before);
    within
        .prepare_cached(
            "INSERT INTO audit(version, step, at, actor, action, kind, id, name, before, after, hash)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                said.version,
                said.step,
                said.at,
                said.actor,
                said.action,
                said.kind,
                said.id,
                said.name,
                said.before,
                said.after,
                hash.as_bytes()
            ])
        })
        .map_err(failed)?;
    Ok(hash)
}

impl Catalog for SqliteCatalog {
    fn version(&self) -> Result<Version, CatalogError> {
        version(&self.reader.lock())
    }

    fn rows(&self, kind: Kind) -> Result<Vec<CatalogRow>, CatalogError> {
        let connection = self.reader.lock();
        let mut statement = connection
            .prepare_cached("SELECT id, name, version, document FROM item WHERE kind = ?1 ORDER BY id")
            .map_err(failed)?;
        let rows = statement
            .query_map(params![kind.name()], |row| {
                let version = Version(row.get::<_, i64>(2)?.cast_unsigned());
                Ok(CatalogRow { kind, id: row.get(0)?, name: row.get(1)?, version, document: row.get(3)? })
            })
            .map_err(failed)?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    fn apply(&self, by: &str, changes: &[CatalogChange]) -> Result<Version, CatalogError> {
        let mut connection = self.writer.lock();
        let within = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let before = version(&within)?;
        if changes.is_empty() {
            return Ok(before);
        }
        let version = Version(before.0 + 1);
        let at = self.clock.now().wall;
        let mut change = Change { within: &within, version, at, by, step: 0, hash: chain::head(&within)? };
        for wanted in changes {
            change.make(wanted)?;
        }
        let head = params![version.0.cast_signed(), change.hash.as_bytes()];
        change.write("UPDATE head SET version = ?1, hash = ?2 WHERE id = 1", head)?;
        within.commit().map_err(failed)?;
        Ok(version)
    }

    fn record(&self, by: &str, action: &str, detail: &str) -> Result<(), CatalogError> {
        let mut connection = self.writer.lock();
        let within = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let version = version(&within)?.0.cast_signed();
        let step: u32 = within
            .prepare_cached("SELECT 1 + coalesce(max(step), 0) FROM audit WHERE version = ?1")
            .and_then(|mut statement| statement.query_row([version], |row| row.get(0)))
            .map_err(failed)?;
        let said = Said {
            version,
            step,
            at: self.clock.now().wall.0,
            actor: by,
            action,
            kind: OPERATION,
            id: 0,
            name: "",
            before: None,
            after: Some(detail),
        };
        let hash = note(&within, &said, chain::head(&within)?)?;
        within
            .prepare_cached("UPDATE head SET hash = ?1 WHERE id = 1")
            .and_then(|mut statement| statement.execute(params![hash.as_bytes()]))
            .map_err(failed)?;
        within.commit().map_err(failed)
    }

    fn trail(&self, before: Option<TrailPlace>, max: usize) -> Result<Vec<TrailEntry>, CatalogError> {
        let connection = self.reader.lock();
        let mut statement = connection
            .prepare_cached(
                "SELECT version, step, at, actor, action, kind, name, before, after FROM audit
                 WHERE (version, step) < (?1, ?2) ORDER BY version DESC, step DESC LIMIT ?3",
            )
            .map_err(failed)?;
        let (version, step) = before.map_or((i64::MAX, 0), |place| {
            (i64::try_from(place.version.0).unwrap_or(i64::MAX), i64::from(place.step))
        });
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![version, step, max]).map_err(failed)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            entries.push(trail_entry(row)?);
        }
        Ok(entries)
    }
}
