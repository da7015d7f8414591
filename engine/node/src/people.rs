//! Where the database of people is, by the settings.

use signalbox_config::Settings;
use signalbox_config::value::SecretError;
use signalbox_people::{People, PeopleError, Place};

/// The file of the data directory, where no server is set.
const FILE: &str = "people.db";

/// Why the database of people cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenPeopleError {
    /// The URL of the server cannot be had.
    #[error("people.server cannot be had")]
    Server(#[source] SecretError),
    /// The database itself.
    #[error(transparent)]
    People(#[from] PeopleError),
}

/// Opens the database that the settings name.
///
/// # Errors
/// When its secret cannot be read, or it cannot be used.
pub async fn open(settings: &Settings) -> Result<People, OpenPeopleError> {
    let place = match &settings.people.server {
        None => Place::File(settings.node.data_directory.join(FILE)),
        Some(server) => Place::Server {
            url: server.reveal(settings.secret_places()).map_err(OpenPeopleError::Server)?,
            connections: settings.people.connections.as_u32(),
        },
    };
    Ok(People::open(&place, settings.node.name.as_str()).await?)
}
