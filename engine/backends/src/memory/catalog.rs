use std::collections::BTreeMap;

use signalbox_core::backend::{Catalog, CatalogChange, CatalogError, CatalogRow, Kind, Version};

use super::cluster::Cluster;
use super::fault::{Fault, Refusal};

#[derive(Clone, Default)]
pub(super) struct CatalogState {
    version: Version,
    rows: BTreeMap<(Kind, String), CatalogRow>,
    last_ids: BTreeMap<Kind, u32>,
}

impl CatalogState {
    fn make(&mut self, change: &CatalogChange) -> Result<(), CatalogError> {
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
        match change {
            CatalogChange::Put { document, .. } => {
                let known = held.map(|row| row.id);
                let id = known.unwrap_or_else(|| {
                    let last = self.last_ids.entry(kind).or_default();
                    *last += 1;
                    *last
                });
                let row = CatalogRow { kind, id, name, version: self.version, document: document.clone() };
                self.rows.insert(at, row);
            }
            CatalogChange::Delete { .. } => {
                self.rows.remove(&at);
            }
        }
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

    fn apply(&self, _by: &str, changes: &[CatalogChange]) -> Result<Version, CatalogError> {
        self.strike()?;
        let mut world = self.cluster.world();
        if changes.is_empty() {
            return Ok(world.catalog.version);
        }
        let mut next = world.catalog.clone();
        next.version.0 += 1;
        for change in changes {
            if let Err(error) = next.make(change) {
                if matches!(error, CatalogError::Conflict { .. }) {
                    world.faults.tally.refuse(Refusal::Conflict);
                }
                return Err(error);
            }
        }
        world.catalog = next;
        Ok(world.catalog.version)
    }
}
