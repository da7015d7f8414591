//! What is known of numbers: the number plan, and the portability table in its file.

use std::fs::File;
use std::path::{Path, PathBuf};

use signalbox_routing::Names;
use signalbox_routing::plan::NumberPlan;
use signalbox_routing::portability::{BuildError, BuildOptions, OpenError, PortabilityTable, build};

use super::PolicyError;
use crate::catalog::Snapshot;

/// The prefixes of the catalog's carriers.
///
/// # Errors
/// When a prefix is none.
pub(super) fn plan(snapshot: &Snapshot) -> Result<NumberPlan, PolicyError> {
    let mut plan = NumberPlan::new();
    for carrier in &snapshot.rows.carrier {
        let Some(id) = snapshot.ids.carrier(carrier.name.as_str()) else { continue };
        for prefix in &carrier.prefixes {
            plan.set_carrier(prefix.as_str(), id).map_err(|fault| PolicyError::Carrier {
                name: carrier.name.to_string(),
                reason: fault.to_string(),
            })?;
        }
    }
    Ok(plan)
}

/// A portability file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NumbersError {
    /// The CSV file cannot be read.
    #[error("cannot read {path}")]
    Csv {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The packed table cannot be made.
    #[error("cannot pack {path}")]
    Build {
        /// The CSV file.
        path: PathBuf,
        /// Why.
        #[source]
        source: BuildError,
    },
    /// The packed table cannot be used.
    #[error("cannot use {path}")]
    Open {
        /// The packed file.
        path: PathBuf,
        /// Why.
        #[source]
        source: OpenError,
    },
}

/// Packs the CSV file into `packed` unless that is newer, and opens it.
///
/// # Errors
/// See [`NumbersError`].
pub fn open_portability(csv: &Path, packed: &Path, names: &Names) -> Result<PortabilityTable, NumbersError> {
    let io = |source| NumbersError::Csv { path: csv.to_owned(), source };
    let changed = std::fs::metadata(csv).and_then(|meta| meta.modified()).map_err(io)?;
    let current = std::fs::metadata(packed).and_then(|meta| meta.modified()).is_ok_and(|at| at >= changed);
    if !current {
        let file = File::open(csv).map_err(io)?;
        build(file, packed, &BuildOptions::default())
            .map_err(|source| NumbersError::Build { path: csv.to_owned(), source })?;
    }
    PortabilityTable::open(packed, names)
        .map_err(|source| NumbersError::Open { path: packed.to_owned(), source })
}
