//! What is said of the scripts of a catalog's file, at their places in it (TXS-02).

use std::path::{Path, PathBuf};

use signalbox_config::{Catalog as Rows, ConfigErrors, Settings};
use signalbox_core::backend::{Catalog, CatalogError, Version};
use signalbox_script::Pool;

use super::review::{Remark, ReviewError, Reviewed, review};

/// A seed whose scripts cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The catalog cannot be asked whether it is empty.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The file.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// It cannot be read a second time.
    #[error("{} cannot be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The workers did not read its scripts.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// What is wrong with its scripts, each with its place.
    #[error("{}", .0.join("\n"))]
    Scripts(Vec<String>),
}

/// Looks at the scripts of the seed before an empty catalog is filled with it: a node does not begin with a script that
/// fails at its first message.
///
/// # Errors
/// See [`SeedError`].
pub async fn check_seed(settings: &Settings, catalog: &dyn Catalog, pool: &Pool) -> Result<(), SeedError> {
    let Some(seed) = &settings.catalog.seed else { return Ok(()) };
    if catalog.version()? != Version(0) {
        return Ok(());
    }
    let rows = Rows::load(seed.path())?;
    let reviewed = review(&rows, &Rows::default(), |_| 0, Some(pool)).await?;
    let Reviewed { errors, warnings } = told(seed.path(), &reviewed)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    if errors.is_empty() { Ok(()) } else { Err(SeedError::Scripts(errors)) }
}

/// Remarks as lines that begin with file, line and column.
///
/// # Errors
/// When the file cannot be read.
pub fn told(path: &Path, reviewed: &Reviewed) -> Result<Reviewed<String>, SeedError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| SeedError::Read { path: path.to_owned(), source })?;
    let line = |remark: &Remark| {
        let key = remark.field.split('.').next().unwrap_or_default();
        let within = (remark.line.unwrap_or(1), remark.column.unwrap_or(1));
        match Rows::place_within(&text, remark.kind, &remark.row, key, within) {
            Some(place) => format!("{}:{}:{}: {remark}", path.display(), place.line, place.column),
            None => format!("{}: {remark}", path.display()),
        }
    };
    Ok(Reviewed {
        errors: reviewed.errors.iter().map(line).collect(),
        warnings: reviewed.warnings.iter().map(line).collect(),
    })
}
