//! The first layer for entries that come by forms and over the API (CM-02, CM-03, CM-16): each is written durably, then
//! acknowledged, whatever becomes of campaigns' databases. Behind it the second and third layer take entries out of the
//! queue; while they cannot, entries wait there, and no other way is needed for them than the queue's file.

mod lanes;
mod queue;
mod source;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_backends::participation::{Campaigns, Intake, IntakeError};
use signalbox_config::settings::JudgedBy;
use signalbox_participation::{EntryId, MAX_TEXT, RawEntry, Verdict};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::instructions::Judged;
use crate::participation::{Standing, not_judged};
use lanes::Behind;
pub use queue::{Queue, QueueError};
use source::Reports;
pub use source::{Source, SourceError};

/// Entries that wait to be written; who has one more waits.
const QUEUE: usize = 4_096;
/// Entries that are written, and that are judged, together.
const BATCH: usize = 500;

/// An entry that was not taken: nobody is told that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotTaken {
    /// As many wait as may, or the disk fails: later it may be taken.
    #[error("entries cannot be received now")]
    Later,
    /// Its text is too long.
    #[error("the text has more than {MAX_TEXT} octets")]
    TooLong,
}

struct Arriving {
    entry: RawEntry,
    taken: oneshot::Sender<Result<(), NotTaken>>,
}

/// Who waits for a verdict.
type Asking = Mutex<FxHashMap<EntryId, Vec<oneshot::Sender<Verdict>>>>;

/// The way of entries into the queue.
#[derive(Clone)]
pub struct Reception {
    arriving: mpsc::Sender<Arriving>,
    asking: Arc<Asking>,
    standing: Arc<Standing>,
    judged: Arc<Judged>,
    /// Entries that may wait for one campaign.
    bound: u64,
    /// Where another host reads them, when that one judges.
    queue: Option<Queue>,
}

/// What receiving takes.
pub struct Parts {
    /// The queue.
    pub intake: Intake,
    /// Their databases.
    pub campaigns: Arc<Campaigns>,
    /// How judging stands.
    pub standing: Arc<Standing>,
    /// Who is told of verdicts.
    pub judged: Arc<Judged>,
    /// Who judges.
    pub judging: JudgedBy,
    /// Another host's queue whose entries are judged here as well.
    pub source: Option<Arc<Source>>,
    /// True when the node stops.
    pub stopping: watch::Receiver<bool>,
}

impl Reception {
    /// Opens the way, and judges what comes and what has been waiting, unless another host does. The tasks end when
    /// nobody has the way any more.
    #[must_use]
    pub fn start(parts: Parts) -> (Self, Vec<JoinHandle<()>>) {
        let (arriving, to_write) = mpsc::channel(QUEUE);
        let (intake, asking) = (Arc::new(parts.intake), Arc::<Asking>::default());
        let (written, to_judge) = watch::channel(());
        let mut tasks = vec![tokio::spawn(write(intake.clone(), to_write, written.clone()))];
        let mut reception = Self {
            arriving,
            asking: asking.clone(),
            standing: parts.standing.clone(),
            judged: parts.judged.clone(),
            bound: intake.bound(),
            queue: None,
        };
        match parts.judging {
            JudgedBy::Elsewhere => {
                // What this node looked at before and did not judge; tried again at the next start where it fails.
                if let Err(error) = intake.hand_over() {
                    not_judged("", &error);
                }
                reception.queue = Some(Queue::new(intake, to_judge));
            }
            JudgedBy::Here => {
                let reports = parts.source.clone().map(Reports::start);
                if let Some(source) = parts.source {
                    let fetching = source::fetch(source, intake.clone(), written, parts.stopping);
                    tasks.push(tokio::spawn(fetching));
                }
                let behind = Behind {
                    intake,
                    campaigns: parts.campaigns,
                    standing: parts.standing,
                    asking,
                    judged: parts.judged,
                    reports,
                };
                tasks.push(tokio::spawn(lanes::run(behind, to_judge)));
            }
        }
        (reception, tasks)
    }

    /// The queue for another host that judges; `None` when this node does.
    #[must_use]
    pub fn queue(&self) -> Option<&Queue> {
        self.queue.as_ref()
    }

    /// Another host has judged.
    pub fn told(&self, verdicts: Vec<Verdict>) {
        tell(&self.asking, &self.judged, verdicts);
    }

    /// Takes an entry that came by the way of a campaign; when this returns, it is durable and will have a verdict.
    ///
    /// # Errors
    /// When it was not taken.
    pub async fn take(&self, campaign: &str, entry: RawEntry) -> Result<(), NotTaken> {
        if entry.text.len() > MAX_TEXT {
            return Err(NotTaken::TooLong);
        }
        // Before what waits for one campaign takes the place of others'.
        if self.standing.waiting(campaign) >= self.bound {
            return Err(NotTaken::Later);
        }
        let (taken, durable) = oneshot::channel();
        self.arriving.send(Arriving { entry, taken }).await.map_err(|_| NotTaken::Later)?;
        durable.await.map_err(|_| NotTaken::Later)?
    }

    /// Takes an entry, and waits so long for its verdict; `None` when that takes longer.
    ///
    /// # Errors
    /// When it was not taken.
    pub async fn ask(
        &self,
        campaign: &str,
        entry: RawEntry,
        patience: Duration,
    ) -> Result<Option<Verdict>, NotTaken> {
        let id = entry.id;
        let (verdict, told) = oneshot::channel();
        self.asking.lock().entry(id).or_default().push(verdict);
        let asked = async {
            self.take(campaign, entry).await?;
            Ok(tokio::time::timeout(patience, told).await.ok().and_then(Result::ok))
        };
        let _forget = Forget { asking: &self.asking, id };
        asked.await
    }
}

/// Takes who has given up off the list, however that went.
struct Forget<'a> {
    asking: &'a Asking,
    id: EntryId,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let mut asking = self.asking.lock();
        let Some(waiting) = asking.get_mut(&self.id) else { return };
        waiting.retain(|verdict| !verdict.is_closed());
        if waiting.is_empty() {
            asking.remove(&self.id);
        }
    }
}

/// Tells those who wait for verdicts.
fn tell(asking: &Asking, judged: &Judged, verdicts: Vec<Verdict>) {
    judged.tell(&verdicts);
    let mut asking = asking.lock();
    for verdict in verdicts {
        for told in asking.remove(&verdict.entry).unwrap_or_default() {
            // Who asked may have given up a moment ago.
            let _ = told.send(verdict.clone());
        }
    }
}

/// Writes what comes within one moment in one commit, and only then says that it was taken.
async fn write(intake: Arc<Intake>, mut arriving: mpsc::Receiver<Arriving>, written: watch::Sender<()>) {
    let mut batch = Vec::new();
    while arriving.recv_many(&mut batch, BATCH).await > 0 {
        let (entries, taken): (Vec<RawEntry>, Vec<_>) =
            batch.drain(..).map(|arriving: Arriving| (arriving.entry, arriving.taken)).unzip();
        let intake = intake.clone();
        let result = match tokio::task::spawn_blocking(move || intake.append(&entries)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                if !matches!(error, IntakeError::Full { .. }) {
                    not_judged("", &error);
                }
                Err(NotTaken::Later)
            }
            Err(error) => {
                not_judged("", &error);
                Err(NotTaken::Later)
            }
        };
        for taken in taken {
            // Who brought it may be gone; it is there all the same.
            let _ = taken.send(result);
        }
        written.send_replace(());
    }
}
