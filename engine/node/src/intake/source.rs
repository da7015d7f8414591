//! Entries of another host's queue (CM-16, ACC-09): they are fetched over HTTP into the queue of this node, where the
//! second and third layer take them like its own.
//!
//! Where this host is in the other's queue stands in the same commit as the entries that were fetched, so a process that
//! ends at any moment leaves none out and stores none twice; only what is durable here is let go of there. Verdicts go
//! back for those who wait for them. What does not arrive is no loss: who waits asks again, and the entry has the
//! verdict that it had.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use signalbox_backends::participation::{Intake, IntakeError};
use signalbox_config::settings::SourceSettings;
use signalbox_config::value::{SecretError, SecretPlaces};
use signalbox_participation::{Participant, RawEntry, Verdict};
use tokio::sync::{mpsc, watch};

use crate::participation::{BackOff, not_judged};

/// Entries of one answer.
const BATCH: u64 = 500;
/// The other host may wait so long for something to come.
const WAIT: Duration = Duration::from_secs(20);
/// A request that takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(30);
/// Octets of an answer at most.
const LONGEST: usize = 32 << 20;
/// Batches of verdicts that wait to be told; more are not told, and are asked for again.
const QUEUE: usize = 64;

/// Another host's queue that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Its token is not at its place.
    #[error("participation.source.token cannot be had")]
    Token(#[from] SecretError),
    /// There is no answer.
    #[error("the host of participation.source does not answer")]
    Http(#[from] reqwest::Error),
    /// It answers something else.
    #[error("the host of participation.source refuses: {0}")]
    Refused(reqwest::StatusCode),
    /// Its answer is too long or cannot be read.
    #[error("the answer of the host of participation.source cannot be read: {0}")]
    Answer(String),
    /// The queue here fails or is full.
    #[error("entries of participation.source cannot be kept")]
    Intake(#[from] IntakeError),
    /// The work here did not come to its end.
    #[error("entries of participation.source were not kept")]
    Kept(#[from] tokio::task::JoinError),
}

/// Another host's queue.
pub struct Source {
    client: reqwest::Client,
    url: String,
    token: String,
}

/// What the other host answers.
#[derive(Debug, Deserialize)]
struct Page {
    queue: String,
    last: i64,
    entries: Vec<Placed>,
}

#[derive(Debug, Deserialize)]
struct Placed {
    place: i64,
    entry: RawEntry,
}

/// Ids of entries have 128 bits, for which there is no value of JSON but in its text.
#[derive(Debug, Serialize)]
struct Told<'v> {
    verdicts: &'v [Verdict],
}

#[derive(Debug, Deserialize)]
struct Barred {
    barred: Vec<bool>,
}

impl Source {
    /// The queue that the settings name.
    ///
    /// # Errors
    /// When its token cannot be had, or the client cannot be set up.
    pub fn new(settings: &SourceSettings, places: SecretPlaces<'_>) -> Result<Self, SourceError> {
        let client = reqwest::Client::builder()
            .timeout(DEADLINE)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let url = format!("{}/v1/participation-queue", settings.url.as_str().trim_end_matches('/'));
        Ok(Self { client, url, token: settings.token.reveal(places)? })
    }

    /// Who of them has opted out of an account's messages there, in their order.
    ///
    /// # Errors
    /// When the other host does not say.
    pub(crate) async fn barred(
        &self,
        account: &str,
        participants: &[Participant],
    ) -> Result<Vec<bool>, SourceError> {
        let who: Vec<&str> = participants.iter().map(Participant::as_str).collect();
        let asked = json!({ "account": account, "participants": who });
        let answer: Barred = read(self.post("barred", &asked).await?).await?;
        if answer.barred.len() != participants.len() {
            return Err(SourceError::Answer("it is about others".to_owned()));
        }
        Ok(answer.barred)
    }

    async fn post(&self, what: &str, body: &impl Serialize) -> Result<reqwest::Response, SourceError> {
        let request = self.client.post(format!("{}/{what}", self.url)).bearer_auth(&self.token).json(body);
        accepted(request.send().await?)
    }

    /// One look: what is behind our place there is kept here, then let go of there. Says whether there was any.
    async fn fetch(&self, intake: &Arc<Intake>, after: &mut i64) -> Result<bool, SourceError> {
        let limit = BATCH.min(intake.bound());
        let url = format!("{}?after={after}&limit={limit}&wait={}", self.url, WAIT.as_secs());
        let request = self.client.get(url).bearer_auth(&self.token);
        let page: Page = read(accepted(request.send().await?)?).await?;
        let (kept, queue) = (intake.clone(), page.queue.clone());
        let came = !page.entries.is_empty();
        let entries: Vec<(i64, RawEntry)> =
            page.entries.into_iter().map(|placed| (placed.place, placed.entry)).collect();
        let last = page.last;
        let place = tokio::task::spawn_blocking(move || kept.append_from(&queue, last, &entries)).await??;
        *after = place;
        if came {
            let through = json!({ "queue": page.queue, "through": place });
            accepted(self.post("release", &through).await?)?;
        }
        Ok(came)
    }
}

fn accepted(response: reqwest::Response) -> Result<reqwest::Response, SourceError> {
    if response.status().is_success() { Ok(response) } else { Err(SourceError::Refused(response.status())) }
}

async fn read<T: DeserializeOwned>(mut response: reqwest::Response) -> Result<T, SourceError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST {
            return Err(SourceError::Answer(format!("it has more than {LONGEST} octets")));
        }
    }
    serde_json::from_slice(&body).map_err(|error| SourceError::Answer(error.to_string()))
}

/// Fetches until the node stops; tells the second layer of what came.
pub(super) async fn fetch(
    source: Arc<Source>,
    intake: Arc<Intake>,
    came: watch::Sender<()>,
    mut stopping: watch::Receiver<bool>,
) {
    let (mut back_off, mut after) = (BackOff::default(), 0);
    loop {
        let looked = tokio::select! {
            looked = source.fetch(&intake, &mut after) => looked,
            _ = stopping.wait_for(|stopping| *stopping) => return,
        };
        let pause = match looked {
            Ok(any) => {
                back_off.reset();
                if any {
                    came.send_replace(());
                }
                continue;
            }
            Err(error) => {
                not_judged("", &error);
                // What was kept without being let go of is found by its place.
                came.send_replace(());
                back_off.pause()
            }
        };
        if tokio::time::timeout(pause, stopping.wait_for(|stopping| *stopping)).await.is_ok() {
            return;
        }
    }
}

/// The way of verdicts back to the other host.
#[derive(Clone)]
pub(super) struct Reports(mpsc::Sender<Vec<Verdict>>);

impl Reports {
    /// The way, and who tells them until nobody has any more.
    pub(super) fn start(source: Arc<Source>) -> Self {
        let (reports, mut to_tell) = mpsc::channel::<Vec<Verdict>>(QUEUE);
        tokio::spawn(async move {
            while let Some(verdicts) = to_tell.recv().await {
                if let Err(error) = source.post("verdicts", &Told { verdicts: &verdicts }).await {
                    not_judged("", &error);
                }
            }
        });
        Self(reports)
    }

    pub(super) fn tell(&self, verdicts: &[Verdict]) {
        // Full, or the node ends: whoever waits asks again.
        let _ = self.0.try_send(verdicts.to_vec());
    }
}
