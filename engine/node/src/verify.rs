//! `signalbox audit verify`: whether the audit of a node's catalog is what was written.

use signalbox_backends::system::SystemClock;
use signalbox_catalog::{ChainHash, Place};
use signalbox_config::Settings;

use crate::cli::VerifyArgs;
use crate::rows::place;

/// Goes through the chain of the audit beside a running node or without one, in its file or on its server, and says how
/// long it is and how it ends.
///
/// # Errors
/// When an entry was changed, put in or taken out, when a row is not what the audit says, or when the hash that was
/// asked for is not in it.
pub fn verify(args: &VerifyArgs) -> anyhow::Result<()> {
    let settings = Settings::load(&args.config)?;
    let place = place(&settings)?;
    if let Place::File(file) = &place {
        anyhow::ensure!(file.exists(), "there is no catalog {}", file.display());
    }
    let expected: Option<ChainHash> = args
        .head
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|expected| anyhow::anyhow!("--head: {expected}"))?;
    let catalog = signalbox_catalog::SqlCatalog::open(&place, std::sync::Arc::new(SystemClock::new()))?;
    let verified = catalog.verify(expected)?;
    anyhow::ensure!(
        verified.has_expected,
        "no entry of the audit has the hash of --head: it was made anew or cut off"
    );
    println!("{} entries, the last with the hash {}", verified.entries, verified.head);
    Ok(())
}
