//! Where the catalog is by the settings, and following what other nodes change in it.

use std::path::Path;
use std::sync::Arc;

use signalbox_catalog::{OpenError, Place, SqlCatalog};
use signalbox_config::Settings;
use signalbox_config::value::SecretError;
use signalbox_core::backend::Clock;
use tokio::sync::watch;

use crate::control::Control;

/// The file of the data directory, where no server is set.
const FILE: &str = "catalog.db";
/// Connections of a node to a server: it changes little and reads all at once.
const CONNECTIONS: u32 = 4;

/// Why the catalog cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenCatalogError {
    /// The URL of the server cannot be had.
    #[error("catalog.server cannot be had")]
    Server(#[source] SecretError),
    /// The catalog itself.
    #[error(transparent)]
    Catalog(#[from] OpenError),
}

/// The database that the settings name.
///
/// # Errors
/// When its secret cannot be read.
pub fn place(settings: &Settings) -> Result<Place, OpenCatalogError> {
    Ok(match &settings.catalog.server {
        None => Place::File(settings.in_data_directory(Path::new(FILE))),
        Some(server) => Place::Server {
            url: server.reveal(settings.secret_places()).map_err(OpenCatalogError::Server)?,
            connections: CONNECTIONS,
        },
    })
}

/// Opens the catalog that the settings name.
///
/// # Errors
/// When its secret cannot be read, or it cannot be used.
pub fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<SqlCatalog, OpenCatalogError> {
    Ok(SqlCatalog::open(&place(settings)?, clock)?)
}

/// Puts in force what other nodes change, until the node stops. In a file there are none.
pub(crate) async fn follow(control: Arc<Control>, mut stopping: watch::Receiver<bool>) {
    let failures = metrics::counter!("catalog_follow_failures_total");
    // The series is there before its first event.
    failures.increment(0);
    if control.in_force().settings.catalog.server.is_none() {
        return;
    }
    loop {
        let every = control.in_force().settings.catalog.poll.duration();
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = stopping.changed() => return,
        }
        let following = control.clone();
        match tokio::task::spawn_blocking(move || following.follow()).await {
            Ok(Ok(false)) => {}
            Ok(Ok(true)) => {
                let version = control.in_force().snapshot.version.0;
                tracing::info!(version, "what another node changed in the catalog is in force");
            }
            Ok(Err(error)) => {
                failures.increment(1);
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "what another node changed in the catalog is not in force");
            }
            Err(error) => {
                failures.increment(1);
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "what another node changed in the catalog is not in force");
            }
        }
    }
}
