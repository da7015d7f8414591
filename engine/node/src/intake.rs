//! The first layer for entries that come by forms and over the API (CM-02, CM-03, CM-16): each is written durably, then
//! acknowledged. It knows nothing of campaigns. Behind it the second and third layer take entries out of the queue;
//! while they cannot, entries wait there, and no other way is needed for them than the queue's file.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_backends::participation::{Campaigns, Intake, IntakeError};
use signalbox_participation::{EntryId, MAX_TEXT, RawEntry, Verdict};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::instructions::{Judged, not_judged};

/// Entries that wait to be written; who has one more waits.
const QUEUE: usize = 4_096;
/// Entries that are written, and that are judged, together.
const BATCH: usize = 500;
/// Between two tries while a database fails.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two looks at the queue when nobody says that there is something: another process may have written.
const LOOK: Duration = Duration::from_secs(1);

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
}

impl Reception {
    /// Opens the way, and judges what comes and what has been waiting. The tasks end when nobody has the way any more.
    #[must_use]
    pub fn start(
        intake: Intake,
        campaigns: Arc<Campaigns>,
        judged: Arc<Judged>,
    ) -> (Self, [JoinHandle<()>; 2]) {
        let (arriving, to_write) = mpsc::channel(QUEUE);
        let (intake, asking, written) = (Arc::new(intake), Arc::<Asking>::default(), watch::channel(()));
        let (written, to_judge) = written;
        let judging = Judging { intake: intake.clone(), campaigns, asking: asking.clone(), judged };
        let tasks = [tokio::spawn(write(intake, to_write, written)), tokio::spawn(judging.run(to_judge))];
        (Self { arriving, asking }, tasks)
    }

    /// Takes an entry; when this returns, it is durable and will have a verdict.
    ///
    /// # Errors
    /// When it was not taken.
    pub async fn take(&self, entry: RawEntry) -> Result<(), NotTaken> {
        if entry.text.len() > MAX_TEXT {
            return Err(NotTaken::TooLong);
        }
        let (taken, durable) = oneshot::channel();
        self.arriving.send(Arriving { entry, taken }).await.map_err(|_| NotTaken::Later)?;
        durable.await.map_err(|_| NotTaken::Later)?
    }

    /// Takes an entry, and waits so long for its verdict; `None` when that takes longer.
    ///
    /// # Errors
    /// When it was not taken.
    pub async fn ask(&self, entry: RawEntry, patience: Duration) -> Result<Option<Verdict>, NotTaken> {
        let id = entry.id;
        let (verdict, told) = oneshot::channel();
        self.asking.lock().entry(id).or_default().push(verdict);
        let asked = async {
            self.take(entry).await?;
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

/// The second and third layer behind the queue.
struct Judging {
    intake: Arc<Intake>,
    campaigns: Arc<Campaigns>,
    asking: Arc<Asking>,
    judged: Arc<Judged>,
}

impl Judging {
    /// Judges until nothing can come any more.
    async fn run(self, mut written: watch::Receiver<()>) {
        loop {
            let (intake, campaigns) = (self.intake.clone(), self.campaigns.clone());
            let judged = tokio::task::spawn_blocking(move || {
                let verdicts = campaigns.take_from(&intake, BATCH);
                (verdicts, intake.waiting().unwrap_or_default())
            });
            match judged.await {
                Ok((Ok(verdicts), waiting)) => {
                    metrics::gauge!("participation_entries_waiting").set(waiting as f64);
                    if verdicts.is_empty() {
                        // Whoever wakes it, or time does.
                        if let Ok(Err(_)) = tokio::time::timeout(LOOK, written.changed()).await {
                            return;
                        }
                    }
                    self.tell(verdicts);
                    continue;
                }
                Ok((Err(error), _)) => not_judged("", &error),
                Err(error) => not_judged("", &error),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn tell(&self, verdicts: Vec<Verdict>) {
        self.judged.tell(&verdicts);
        let mut asking = self.asking.lock();
        for verdict in verdicts {
            for told in asking.remove(&verdict.entry).unwrap_or_default() {
                // Who asked may have given up a moment ago.
                let _ = told.send(verdict.clone());
            }
        }
    }
}
