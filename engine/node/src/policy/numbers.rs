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

/// Packs the CSV file into `packed`, unless that was made of the file as it is now, and opens it.
///
/// The packed file bears the time at which the CSV file was written, so that a file that is put in its place later is
/// another one, however old it is, and so is one that came while the one before it was being packed.
///
/// # Errors
/// See [`NumbersError`].
pub fn open_portability(csv: &Path, packed: &Path, names: &Names) -> Result<PortabilityTable, NumbersError> {
    let io = |source| NumbersError::Csv { path: csv.to_owned(), source };
    let written = std::fs::metadata(csv).and_then(|meta| meta.modified()).map_err(io)?;
    let current = std::fs::metadata(packed).and_then(|meta| meta.modified()).is_ok_and(|at| at == written);
    if !current {
        let file = File::open(csv).map_err(io)?;
        build(file, packed, &BuildOptions::default())
            .map_err(|source| NumbersError::Build { path: csv.to_owned(), source })?;
        let marked = File::options().write(true).open(packed).and_then(|file| file.set_modified(written));
        if let Err(error) = marked {
            // It is packed again at the next start.
            tracing::warn!(%error, file = %packed.display(), "the packed table cannot be given its time");
        }
    }
    open_packed(packed, names)
}

/// Opens a table that is packed, with the carriers as they are named now.
///
/// # Errors
/// See [`NumbersError`].
pub fn open_packed(packed: &Path, names: &Names) -> Result<PortabilityTable, NumbersError> {
    PortabilityTable::open(packed, names)
        .map_err(|source| NumbersError::Open { path: packed.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use signalbox_routing::CarrierId;
    use signalbox_text::phone::E164;

    use super::*;

    fn names() -> Names {
        let mut names = Names::new();
        names.add_carrier("one", CarrierId(1)).add_carrier("two", CarrierId(2));
        names
    }

    fn put(csv: &Path, carrier: &str, written: SystemTime) {
        let aside = csv.with_extension("new");
        std::fs::write(&aside, format!("number,carrier\n447700900001,{carrier}\n")).unwrap();
        File::options().write(true).open(&aside).unwrap().set_modified(written).unwrap();
        std::fs::rename(&aside, csv).unwrap();
    }

    #[test]
    fn a_file_that_was_written_before_the_one_in_force_is_taken_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let (csv, packed) = (folder.path().join("ported.csv"), folder.path().join("ported.packed"));
        let found = || {
            let table = open_portability(&csv, &packed, &names()).unwrap();
            table.look_up(E164::from_value(447_700_900_001).unwrap()).unwrap().carrier
        };
        let now = SystemTime::now();
        put(&csv, "one", now);
        let first = found();
        assert_eq!(found(), first);
        // Prepared an hour ago, and put in its place now.
        put(&csv, "two", now - Duration::from_secs(3600));
        assert_ne!(found(), first);
    }
}
