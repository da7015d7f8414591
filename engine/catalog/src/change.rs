//! A change under way: all rows of it have one version, one time and one actor.

use signalbox_core::backend::{CatalogChange, CatalogError, Kind, Version};
use signalbox_core::time::Micros;
use sqlx::{Any, Row, Transaction};

use crate::chain::{self, ChainHash, Said};

/// Kind of the entries that tell of no row.
pub(crate) const OPERATION: &str = "operation";

/// The database failed.
pub(crate) fn failed(error: impl std::fmt::Display) -> CatalogError {
    CatalogError::Failed { reason: error.to_string() }
}

/// A number of a row or an entry.
pub(crate) fn number(held: i64) -> Result<u32, CatalogError> {
    u32::try_from(held).map_err(|_| failed(format!("a row has the number {held}")))
}

/// A version as rows have it.
pub(crate) fn version_of(held: i64) -> Version {
    Version(held.cast_unsigned())
}

/// What is known of a row that a change names.
struct Held {
    id: u32,
    version: Version,
    document: String,
}

/// One change under way, or one act that changes no row.
pub(crate) struct Change<'a> {
    within: &'a mut Transaction<'static, Any>,
    version: i64,
    at: Micros,
    by: &'a str,
    step: u32,
    hash: ChainHash,
}

impl<'a> Change<'a> {
    /// Takes the head, which every other writer then waits for, on this node and on others.
    pub(crate) async fn begin(
        within: &'a mut Transaction<'static, Any>,
        at: Micros,
        by: &'a str,
    ) -> Result<Self, CatalogError> {
        let row = sqlx::query("UPDATE head SET version = version WHERE id = 1 RETURNING version, hash")
            .fetch_one(&mut **within)
            .await
            .map_err(failed)?;
        let (version, hash) = chain::head(&row)?;
        Ok(Self { within, version, at, by, step: 0, hash })
    }

    /// The version of the catalog.
    pub(crate) fn version(&self) -> Version {
        version_of(self.version)
    }

    /// From here on entries and rows have the next version.
    pub(crate) fn next_version(&mut self) {
        self.version += 1;
        self.step = 0;
    }

    /// From here on entries follow those that the version has.
    pub(crate) async fn follow_entries(&mut self) -> Result<(), CatalogError> {
        let row = sqlx::query("SELECT max(step) FROM audit WHERE version = $1")
            .bind(self.version)
            .fetch_one(&mut **self.within)
            .await
            .map_err(failed)?;
        let last: Option<i64> = row.try_get(0).map_err(failed)?;
        self.step = number(last.unwrap_or(0))?;
        Ok(())
    }

    async fn held(&mut self, kind: Kind, name: &str) -> Result<Option<Held>, CatalogError> {
        let row = sqlx::query("SELECT id, version, document FROM item WHERE kind = $1 AND name = $2")
            .bind(kind.name())
            .bind(name)
            .fetch_optional(&mut **self.within)
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Held {
            id: number(row.try_get(0).map_err(failed)?)?,
            version: version_of(row.try_get(1).map_err(failed)?),
            document: row.try_get(2).map_err(failed)?,
        }))
    }

    async fn next_id(&mut self, kind: Kind) -> Result<u32, CatalogError> {
        let row = sqlx::query(
            "INSERT INTO numbering (kind, last) VALUES ($1, 1) \
             ON CONFLICT (kind) DO UPDATE SET last = numbering.last + 1 RETURNING last",
        )
        .bind(kind.name())
        .fetch_one(&mut **self.within)
        .await
        .map_err(failed)?;
        number(row.try_get(0).map_err(failed)?)
    }

    /// Makes a change of one row, if the row is as the caller saw it.
    pub(crate) async fn make(&mut self, change: &CatalogChange) -> Result<(), CatalogError> {
        let (kind, name, expected) = match change {
            CatalogChange::Put { kind, name, expected, .. }
            | CatalogChange::Delete { kind, name, expected } => (*kind, name.as_str(), *expected),
        };
        let held = self.held(kind, name).await?;
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
            None => self.next_id(kind).await?,
        };
        let (action, after) = match change {
            CatalogChange::Put { document, .. } => {
                sqlx::query(
                    "INSERT INTO item (kind, id, name, version, document) VALUES ($1, $2, $3, $4, $5) \
                     ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, document = excluded.document",
                )
                .bind(kind.name())
                .bind(i64::from(id))
                .bind(name)
                .bind(self.version)
                .bind(document.as_str())
                .execute(&mut **self.within)
                .await
                .map_err(failed)?;
                (if held.is_some() { "update" } else { "create" }, Some(document.as_str()))
            }
            CatalogChange::Delete { .. } => {
                sqlx::query("DELETE FROM item WHERE kind = $1 AND id = $2")
                    .bind(kind.name())
                    .bind(i64::from(id))
                    .execute(&mut **self.within)
                    .await
                    .map_err(failed)?;
                ("delete", None)
            }
        };
        let before = held.as_ref().map(|held| held.document.as_str());
        self.note((action, kind.name()), (id, name), before, after).await
    }

    /// Writes an entry of the audit.
    pub(crate) async fn note(
        &mut self,
        (action, kind): (&str, &str),
        (id, name): (u32, &str),
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<(), CatalogError> {
        self.step += 1;
        let (version, step, at, actor) = (self.version, self.step, self.at.0, self.by);
        let said = Said { version, step, at, actor, action, kind, id, name, before, after };
        self.hash = said.after(self.hash);
        sqlx::query(
            "INSERT INTO audit (version, step, at, actor, action, kind, id, name, before, after, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(version)
        .bind(i64::from(step))
        .bind(at)
        .bind(actor)
        .bind(action)
        .bind(kind)
        .bind(i64::from(id))
        .bind(name)
        .bind(before)
        .bind(after)
        .bind(self.hash.to_octets())
        .execute(&mut **self.within)
        .await
        .map_err(failed)?;
        Ok(())
    }

    /// Writes the head; the transaction is the caller's to commit.
    pub(crate) async fn end(self) -> Result<Version, CatalogError> {
        sqlx::query("UPDATE head SET version = $1, hash = $2 WHERE id = 1")
            .bind(self.version)
            .bind(self.hash.to_octets())
            .execute(&mut **self.within)
            .await
            .map_err(failed)?;
        Ok(version_of(self.version))
    }
}
