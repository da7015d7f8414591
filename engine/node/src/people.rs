//! Where the database of people is, and the key of its pseudonyms, by the settings.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use signalbox_config::Settings;
use signalbox_config::value::SecretError;
use signalbox_people::{ErasureKey, People, PeopleError, Place};

/// The file of the data directory, where no server is set.
const FILE: &str = "people.db";
/// The key of the data directory, where none is set.
const KEY: &str = "people.key";

/// Why the database of people cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenPeopleError {
    /// The URL of the server cannot be had.
    #[error("people.server cannot be had")]
    Server(#[source] SecretError),
    /// The key cannot be had.
    #[error("people.erasure_key cannot be had")]
    Secret(#[source] SecretError),
    /// The file of the key cannot be read or made.
    #[error("{KEY} of the data directory cannot be used")]
    File(#[source] io::Error),
    /// The key is too short to keep anybody from trying all keys.
    #[error("the key of pseudonyms is shorter than {} octets", ErasureKey::LEAST)]
    Short,
    /// The database itself.
    #[error(transparent)]
    People(#[from] PeopleError),
}

/// Opens the database that the settings name.
///
/// # Errors
/// When its secrets cannot be read, or it cannot be used.
pub async fn open(settings: &Settings) -> Result<People, OpenPeopleError> {
    let place = match &settings.people.server {
        None => Place::File(settings.node.data_directory.join(FILE)),
        Some(server) => Place::Server {
            url: server.reveal(settings.secret_places()).map_err(OpenPeopleError::Server)?,
            connections: settings.people.connections.as_u32(),
        },
    };
    let key = match &settings.people.erasure_key {
        Some(key) => key.reveal(settings.secret_places()).map_err(OpenPeopleError::Secret)?,
        None => kept_key(&settings.node.data_directory).map_err(OpenPeopleError::File)?,
    };
    let key = ErasureKey::new(key.as_bytes()).ok_or(OpenPeopleError::Short)?;
    Ok(People::open(&place, settings.node.name.as_str()).await?.with_key(key))
}

/// The key in the data directory, made where there is none.
fn kept_key(directory: &Path) -> io::Result<String> {
    let path = directory.join(KEY);
    match fs::read_to_string(&path) {
        Ok(key) => return Ok(key.trim_end().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let octets: [u8; 32] = rand::random();
    let key: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    // Under its name it is whole: half a key would be another one.
    let part = directory.join(format!("{KEY}.part"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(format!("{key}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, &path)?;
    File::open(directory)?.sync_all()?;
    Ok(key)
}
