//! Entries of participation campaigns that devices write: what comes within one moment is judged and committed together
//! (CM-16).

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_backends::participation::Campaigns;
use signalbox_participation::{EntryId, Outcome, RawEntry, Verdict};
use tokio::sync::{mpsc, oneshot, watch};

use crate::intake::Reception;
use crate::participation::{BackOff, Standing};

/// Entries of a campaign that wait; who has one more waits.
const QUEUE: usize = 8_192;
/// Entries that are judged together.
const BATCH: usize = 1_000;

/// Another host's verdict is waited for so long; whoever wants it asks again then.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who waits for a verdict.
type Asking = Mutex<FxHashMap<EntryId, oneshot::Sender<Verdict>>>;

/// The way of entries to their campaigns, each of which has a queue of its own.
pub struct Entries {
    campaigns: Arc<Campaigns>,
    standing: Arc<Standing>,
    queues: Mutex<FxHashMap<String, mpsc::Sender<RawEntry>>>,
    asking: Arc<Asking>,
    judged: Arc<Judged>,
    /// The queue that another host judges from, when it does.
    elsewhere: OnceLock<Reception>,
}

/// That something was judged, for metrics and for those who watch a tally.
pub struct Judged(watch::Sender<u64>);

impl Default for Judged {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Judged {
    /// Tells that there are verdicts.
    pub(crate) fn tell<'a>(&self, verdicts: impl IntoIterator<Item = &'a Verdict>) {
        let (mut counts, mut tests) = ([0, 0], 0);
        for verdict in verdicts {
            match verdict.test {
                true => tests += 1,
                false => counts[usize::from(matches!(verdict.outcome, Outcome::Rejected(_)))] += 1,
            }
        }
        if tests > 0 {
            metrics::counter!("participation_tests_total").increment(tests);
        }
        for (name, count) in ["accepted", "rejected"].into_iter().zip(counts) {
            metrics::counter!("participation_entries_total", "verdict" => name).increment(count);
        }
        if counts != [0, 0] {
            self.0.send_modify(|batches| *batches += 1);
        }
    }

    /// Changes with each batch of verdicts.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

impl Entries {
    /// The way to these campaigns.
    #[must_use]
    pub fn new(campaigns: Arc<Campaigns>, standing: Arc<Standing>) -> Self {
        Self {
            campaigns,
            standing,
            queues: Mutex::default(),
            asking: Arc::default(),
            judged: Arc::default(),
            elsewhere: OnceLock::new(),
        }
    }

    /// Who is told of verdicts.
    #[must_use]
    pub fn judged(&self) -> &Arc<Judged> {
        &self.judged
    }

    /// From now on another host judges: entries go into the queue that it reads.
    pub fn elsewhere(&self, reception: Reception) {
        // Said once, at the start.
        let _ = self.elsewhere.set(reception);
    }

    /// Judges an entry; when it has a verdict, that is durable. `None` when the node ends before, another host does
    /// not tell in time, or when the same entry
    /// was handed over once more meanwhile: then that one has the verdict, and the entry waits in the queue once.
    pub async fn enter(&self, campaign: &str, entry: RawEntry) -> Option<Verdict> {
        if let Some(reception) = self.elsewhere.get() {
            // Without a verdict, or when it is not taken, it is asked again.
            return reception.ask(campaign, entry, PATIENCE).await.ok().flatten();
        }
        let (verdict, told) = oneshot::channel();
        let id = entry.id;
        if self.asking.lock().insert(id, verdict).is_none() {
            self.queue(campaign).send(entry).await.ok()?;
        }
        told.await.ok()
    }

    fn queue(&self, campaign: &str) -> mpsc::Sender<RawEntry> {
        let mut queues = self.queues.lock();
        if let Some(queue) = queues.get(campaign) {
            return queue.clone();
        }
        let (queue, waiting) = mpsc::channel(QUEUE);
        let judging = Judging {
            campaigns: self.campaigns.clone(),
            standing: self.standing.clone(),
            campaign: campaign.to_owned(),
            asking: self.asking.clone(),
            judged: self.judged.clone(),
        };
        tokio::spawn(judging.run(waiting));
        queues.insert(campaign.to_owned(), queue.clone());
        queue
    }
}

/// Who judges the entries of one campaign.
struct Judging {
    campaigns: Arc<Campaigns>,
    standing: Arc<Standing>,
    campaign: String,
    asking: Arc<Asking>,
    judged: Arc<Judged>,
}

impl Judging {
    /// Judges until nobody brings any more.
    async fn run(self, mut waiting: mpsc::Receiver<RawEntry>) {
        let mut batch = Vec::new();
        while waiting.recv_many(&mut batch, BATCH).await > 0 {
            let verdicts = self.judge(Arc::new(std::mem::take(&mut batch))).await;
            self.judged.tell(&verdicts);
            let mut asking = self.asking.lock();
            for verdict in verdicts {
                // Who asked may have given up; the same entry again has the same verdict.
                let _ = asking.remove(&verdict.entry).map(|told| told.send(verdict));
            }
        }
    }

    /// The verdicts of a batch; while the database fails, nobody is told anything.
    async fn judge(&self, entries: Arc<Vec<RawEntry>>) -> Vec<Verdict> {
        let mut back_off = BackOff::default();
        loop {
            let (campaigns, name, batch) = (self.campaigns.clone(), self.campaign.clone(), entries.clone());
            match tokio::task::spawn_blocking(move || campaigns.enter(&name, &batch)).await {
                Ok(Ok(verdicts)) => {
                    self.standing.works(&self.campaign);
                    return verdicts;
                }
                Ok(Err(error)) => self.standing.failed(&self.campaign, &error),
                Err(error) => self.standing.failed(&self.campaign, &error),
            }
            tokio::time::sleep(back_off.pause()).await;
        }
    }
}
