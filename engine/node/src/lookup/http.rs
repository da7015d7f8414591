use std::time::Duration;

use signalbox_config::settings::HttpLookupSettings;
use signalbox_config::value::{SecretError, SecretPlaces};
use signalbox_routing::lookup::{HttpReply, LookupAnswer, LookupReply, LookupSource};
use signalbox_routing::{E164, Names, UtcMicros};
use tokio::sync::Semaphore;

/// How long an answer holds that does not say.
const TTL_SECONDS: u32 = 86_400;
/// What is read of an answer.
const MAX_ANSWER: usize = 16 * 1024;

/// Look-ups by an HTTP service that answers a GET with a JSON object (see [`HttpReply`]).
pub struct HttpLookup {
    client: reqwest::Client,
    url: String,
    token: Option<String>,
    at_once: Semaphore,
}

/// A service that cannot be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpLookupError {
    /// The token is not at its place.
    #[error("the token of the look-up service cannot be had")]
    Token(#[from] SecretError),
    /// The client cannot be set up.
    #[error("the http client cannot be set up")]
    Client(#[from] reqwest::Error),
}

impl HttpLookup {
    /// A client for the service; each request ends within `deadline`.
    ///
    /// # Errors
    /// When the token is not at its place, or the client cannot be set up.
    pub fn new(
        settings: &HttpLookupSettings,
        places: SecretPlaces<'_>,
        deadline: Duration,
    ) -> Result<Self, HttpLookupError> {
        let token = settings.token.as_ref().map(|token| token.reveal(places)).transpose()?;
        let client = reqwest::Client::builder()
            .timeout(deadline)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let at_once = Semaphore::new(settings.max_connections.as_usize());
        Ok(Self { client, url: settings.url.to_string(), token, at_once })
    }

    /// Asks for a number.
    pub async fn ask(&self, number: E164, names: &Names, at: UtcMicros) -> LookupReply {
        let Ok(_place) = self.at_once.acquire().await else { return LookupReply::Failed };
        match self.try_ask(number).await {
            Ok(None) => LookupReply::NotFound,
            Ok(Some(reply)) => match reply.finding(names) {
                Ok(finding) => LookupReply::Found(LookupAnswer {
                    finding,
                    source: LookupSource::Http,
                    as_of: at,
                    ttl_seconds: reply.ttl.unwrap_or(TTL_SECONDS),
                }),
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "number look-up");
                    LookupReply::NotFound
                }
            },
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "number look-up");
                LookupReply::Failed
            }
        }
    }

    /// The service's answer; `None` for 404.
    async fn try_ask(&self, number: E164) -> Result<Option<HttpReply>, AskError> {
        let url = self.url.replace("{number}", number.to_ascii().as_str());
        let mut request = self.client.get(url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await?;
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let body = response.error_for_status()?.bytes().await?;
        if body.len() > MAX_ANSWER {
            return Err(AskError::TooLong(body.len()));
        }
        Ok(Some(serde_json::from_slice(&body)?))
    }
}

#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("no answer")]
    Http(#[from] reqwest::Error),
    #[error("the answer is no look-up answer")]
    Json(#[from] serde_json::Error),
    #[error("the answer has {0} octets")]
    TooLong(usize),
}
