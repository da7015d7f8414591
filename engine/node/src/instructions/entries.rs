//! Entries of participation campaigns: what comes within one moment is judged and committed together (CM-16).

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_backends::participation::{Campaigns, EnterError};
use signalbox_participation::{RawEntry, Verdict};
use tokio::sync::{mpsc, oneshot};

/// Entries of a campaign that wait; who has one more waits.
const QUEUE: usize = 8_192;
/// Entries that are judged together.
const BATCH: usize = 1_000;
/// Between two tries while a database fails.
const PAUSE: Duration = Duration::from_secs(1);

/// An entry, and who waits for its verdict.
struct Waiting {
    entry: RawEntry,
    verdict: oneshot::Sender<Verdict>,
}

/// The way of entries to their campaigns, each of which has a queue of its own.
pub struct Entries {
    campaigns: Arc<Campaigns>,
    queues: Mutex<FxHashMap<String, mpsc::Sender<Waiting>>>,
}

impl Entries {
    /// The way to these campaigns.
    #[must_use]
    pub fn new(campaigns: Arc<Campaigns>) -> Self {
        Self { campaigns, queues: Mutex::default() }
    }

    /// Judges an entry; when it has a verdict, that is durable. `None` when the node ends before.
    pub async fn enter(&self, campaign: &str, entry: RawEntry) -> Option<Verdict> {
        let (verdict, told) = oneshot::channel();
        self.queue(campaign).send(Waiting { entry, verdict }).await.ok()?;
        told.await.ok()
    }

    fn queue(&self, campaign: &str) -> mpsc::Sender<Waiting> {
        let mut queues = self.queues.lock();
        if let Some(queue) = queues.get(campaign) {
            return queue.clone();
        }
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(judge(self.campaigns.clone(), campaign.to_owned(), waiting));
        queues.insert(campaign.to_owned(), queue.clone());
        queue
    }
}

/// Judges the entries of one campaign until nobody brings any more.
async fn judge(campaigns: Arc<Campaigns>, campaign: String, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let (entries, told): (Vec<RawEntry>, Vec<_>) =
            batch.drain(..).map(|waiting| (waiting.entry, waiting.verdict)).unzip();
        let verdicts = judged(&campaigns, &campaign, Arc::new(entries)).await;
        for (told, verdict) in told.into_iter().zip(verdicts) {
            let accepted = matches!(verdict.outcome, signalbox_participation::Outcome::Accepted { .. });
            let verdict_name = if accepted { "accepted" } else { "rejected" };
            metrics::counter!("participation_entries_total", "verdict" => verdict_name).increment(1);
            // Who asked may have given up; the same entry again has the same verdict.
            let _ = told.send(verdict);
        }
    }
}

/// The verdicts of a batch; while the database fails, nobody is told anything.
async fn judged(campaigns: &Arc<Campaigns>, campaign: &str, entries: Arc<Vec<RawEntry>>) -> Vec<Verdict> {
    loop {
        let (campaigns, name, batch) = (campaigns.clone(), campaign.to_owned(), entries.clone());
        let done = tokio::task::spawn_blocking(move || campaigns.enter(&name, &batch)).await;
        match done {
            Ok(Ok(verdicts)) => return verdicts,
            Ok(Err(error @ (EnterError::Store { .. } | EnterError::Intake(_)))) => {
                tracing::error!(
                    campaign,
                    error = &error as &dyn std::error::Error,
                    "entries cannot be judged"
                );
            }
            Err(error) => {
                tracing::error!(
                    campaign,
                    error = &error as &dyn std::error::Error,
                    "entries cannot be judged"
                );
            }
        }
        metrics::counter!("participation_failures_total").increment(1);
        tokio::time::sleep(PAUSE).await;
    }
}
