//! What a link over HTTP is told, in the form its session uses.

use std::collections::BTreeMap;

use signalbox_config::catalog as rows;
use signalbox_config::catalog::BodyTemplate;
use signalbox_config::value::{Name, Secret, SecretError, SecretPlaces};

use crate::links::settings::Password;

/// The part of a link's settings that is about HTTP. The secrets are read from their places, the templates compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpSettings {
    /// The row.
    pub row: rows::HttpLink,
    /// The body for a text.
    pub text: BodyTemplate,
    /// The body for octets.
    pub binary: Option<BodyTemplate>,
    /// The bearer token.
    pub token: Option<Password>,
    /// The password of basic authentication.
    pub password: Option<Password>,
    /// What templates name.
    pub secrets: BTreeMap<Name, Password>,
    /// The token that callbacks show.
    pub callback_token: Option<Password>,
    /// The key that callbacks are signed with.
    pub callback_secret: Option<Password>,
}

/// Why the part about HTTP cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpSettingsError {
    /// A secret is not at its place.
    #[error("a secret cannot be had")]
    Secret(#[from] SecretError),
    /// A template is none, which the reading of rows refuses.
    #[error("a template is expected to be {0}")]
    Template(String),
}

impl HttpSettings {
    /// What the row says. The secrets of a link that is switched off may be missing.
    ///
    /// # Errors
    /// When a secret is not at its place.
    pub fn of_row(
        row: &rows::HttpLink,
        places: SecretPlaces<'_>,
        enabled: bool,
    ) -> Result<Self, HttpSettingsError> {
        let reveal = |secret: &Secret| match secret.reveal(places) {
            Ok(secret) => Ok(Password(secret)),
            Err(_) if !enabled => Ok(Password::default()),
            Err(error) => Err(error),
        };
        let callback = row.callback.as_ref();
        let secrets = row.secrets.iter().map(|(name, secret)| Ok((name.clone(), reveal(secret)?)));
        Ok(Self {
            text: row.text_body().map_err(HttpSettingsError::Template)?,
            binary: row.binary_body().map_err(HttpSettingsError::Template)?,
            token: row.token.as_ref().map(reveal).transpose()?,
            password: row.password.as_ref().map(reveal).transpose()?,
            secrets: secrets.collect::<Result<_, SecretError>>()?,
            callback_token: callback.and_then(|row| row.token.as_ref()).map(reveal).transpose()?,
            callback_secret: callback.and_then(|row| row.secret.as_ref()).map(reveal).transpose()?,
            row: row.clone(),
        })
    }
}
