use std::collections::BTreeMap;

use signalbox_core::backend::{
    Catalog, CatalogChange, CatalogError, CatalogRow, Clock, Kind, TrailEntry, TrailPlace, Version,
};
use signalbox_core::time::Micros;

use super::cluster::Cluster;
use super::fault::{Fault, Refusal};

#[derive(Clone, Default)]
pub(super) struct CatalogState {
    version: Version,
    rows: BTreeMap<(Kind, String), CatalogRow>,
    last_ids: BTreeMap<Kind, u32>,
    trail: Vec<TrailEntry>,
}

/// Who does something, and when.
struct Act<'a> {
    by: &'a str,
    at: Micros,
}

impl CatalogState {
    fn note(
        &mut self,
        act: &Act<'_>,
        action: &str,
        row: Option<(Kind, String)>,
        before: Option<String>,
        after: Option<String>,
    ) {
        let last = self.trail.last().map(|entry| entry.place);
        let step = last.filter(|place| place.version == self.version).map_or(0, |place| place.step) + 1;
        self.trail.push(TrailEntry {
            place: TrailPlace { version: self.version, step },
            at: act.at,
            actor: act.by.to_owned(),
            action: action.to_owned(),
            row,
            before,
            after,
        });
    }

    fn make(&mut self, change: &CatalogChange, act: &Act<'_>) -> Result<(), CatalogError> {
        let (kind, name, expected) = match change {
            CatalogChange::Put { kind, name, expected, .. }
            | CatalogChange::Delete { kind, name, expected } => (*kind, name.clone(), *expected),
        };
        let at = (kind, name.clone());
        let held = self.rows.get(&at);
        if let (CatalogChange::Delete { .. }, None) = (change, held) {
            return Err(CatalogError::Absent { kind, name });
        }
        let seen = held.map_or(Version(0), |row| row.version);
        if let Some(expected) = expected.filter(|&expected| expected != seen) {
            return Err(CatalogError::Conflict { kind, name, held: seen.0, expected: expected.0 });
        }
        let before = held.map(|row| row.document.clone());
        let (action, after) = match (change, &before) {
            (CatalogChange::Put { document, .. }, Some(_)) => ("update", Some(document.clone())),
            (CatalogChange::Put { document, .. }, None) => ("create", Some(document.clone())),
            (CatalogChange::Delete { .. }, _) => ("delete", None),
        };
        match change {
            CatalogChange::Put { document, .. } => {
                let known = held.map(|row| row.id);
                let id = known.unwrap_or_else(|| {
                    let last = self.last_ids.entry(kind).or_default();
                    *last += 1;
                    *last
                });
                let row = CatalogRow {
                    kind,
                    id,
                    name: name.clone(),
                    version: self.version,
                    document: document.clone(),
                };
                self.rows.insert(at, row);
            }
            CatalogChange::Delete { .. } => {
                self.rows.remove(&at);
            }
        }
        self.note(act, action, Some((kind, name)), before, after);
        Ok(())
    }
}

/// A handle of the catalog that all nodes share.
#[derive(Clone)]
pub struct MemoryCatalog {
    cluster: Cluster,
}

impl MemoryCatalog {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }

    fn strike(&self) -> Result<(), CatalogError> {
        match self.cluster.world().faults.strike(&[Fault::CatalogFailed]) {
            Some(_) => Err(CatalogError::Failed { reason: "injected".into() }),
            None => Ok(()),
        }
    }
}

impl Catalog for MemoryCatalog {
    fn version(&self) -> Result<Version, CatalogError> {
        self.strike()?;
        Ok(self.cluster.world().catalog.version)
    }

    fn rows(&self, kind: Kind) -> Result<Vec<CatalogRow>, CatalogError> {
        self.strike()?;
        let world = self.cluster.world();
        let mut rows: Vec<CatalogRow> =
            world.catalog.rows.values().filter(|row| row.kind == kind).cloned().collect();
        rows.sort_by_key(|row| row.id);
        Ok(rows)
    }

    fn row(&self, kind: Kind, name: &str) -> Result<Option<CatalogRow>, CatalogError> {
        Ok(self.rows(kind)?.into_iter().find(|row| row.name == name))
    }

    fn apply_on(
        &self,
        base: Option<Version>,
        by: &str,
        changes: &[CatalogChange],
    ) -> Result<Version, CatalogError> {
        self.strike()?;
        let mut world = self.cluster.world();
        if changes.is_empty() {
            return Ok(world.catalog.version);
        }
        if let Some(base) = base
            && base != world.catalog.version
        {
            world.faults.tally.refuse(Refusal::Conflict);
            return Err(CatalogError::Moved { held: world.catalog.version.0, expected: base.0 });
        }
        let act = Act { by, at: self.cluster.clock().now().wall };
        let mut next = world.catalog.clone();
        next.version.0 += 1;
        for change in changes {
            if let Err(error) = next.make(change, &act) {
                if matches!(error, CatalogError::Conflict { .. }) {
                    world.faults.tally.refuse(Refusal::Conflict);
                }
                return Err(error);
            }
        }
        world.catalog = next;
        Ok(world.catalog.version)
    }

    fn record(&self, by: &str, action: &str, detail: &str) -> Result<(), CatalogError> {
        self.strike()?;
        let act = Act { by, at: self.cluster.clock().now().wall };
        self.cluster.world().catalog.note(&act, action, None, None, Some(detail.to_owned()));
        Ok(())
    }

    fn trail(&self, before: Option<TrailPlace>, max: usize) -> Result<Vec<TrailEntry>, CatalogError> {
        self.strike()?;
        let world = self.cluster.world();
        let entries = world.catalog.trail.iter().rev();
        let wanted = entries.filter(|entry| before.is_none_or(|before| entry.place < before));
        Ok(wanted.take(max).cloned().collect())
    }
}
