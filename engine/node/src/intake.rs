//! The first layer for entries that come by forms and over the API (CM-02, CM-03, CM-16): each is written durably, then
//! acknowledged, whatever becomes of campaigns' databases. Behind it the second and third layer take entries out of the
//! queue; while they cannot, entries wait there, and no other way is needed for them than the queue's file.

mod lanes;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_backends::participation::{Campaigns, Intake, IntakeError};
use signalbox_participation::{EntryId, MAX_TEXT, RawEntry, Verdict};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::instructions::Judged;
use crate::participation::{Standing, not_judged};
use lanes::Behind;

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
    /// Entries that may wait for one campaign.
    bound: u64,
}

impl Reception {
    /// Opens the way, and judges what comes and what has been waiting. The tasks end when nobody has the way any more.
    #[must_use]
    pub fn start(
        intake: Intake,
        campaigns: Arc<Campaigns>,
        standing: Arc<Standing>,
        judged: Arc<Judged>,
    ) -> (Self, [JoinHandle<()>; 2]) {
        let (arriving, to_write) = mpsc::channel(QUEUE);
        let (intake, asking, written) = (Arc::new(intake), Arc::<Asking>::default(), watch::channel(()));
        let (written, to_judge) = written;
        let bound = intake.bound();
        let behind = Behind {
            intake: intake.clone(),
            campaigns,
            standing: standing.clone(),
            asking: asking.clone(),
            judged,
        };
        let tasks =
            [tokio::spawn(write(intake, to_write, written)), tokio::spawn(lanes::run(behind, to_judge))];
        (Self { arriving, asking, standing, bound }, tasks)
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
