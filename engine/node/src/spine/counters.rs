//! Snapshots of the spam and loop counters (DC-25): copied in slices by the thread that counts, written by another.
//!
//! A slice is one segment of the table of counters, some 4,096 keys. Between two slices there are at least two
//! milliseconds, and as many as it takes to spread a snapshot over half the time to the next one. A disk that is
//! slow delays the next slice; it never makes the thread wait.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use signalbox_backends::counter_file::{
    SnapshotError, SnapshotHead, SnapshotReader, SnapshotTail, SnapshotWriter,
};
use signalbox_core::exchange::{Exchange, counter_mono, counter_wall};
use signalbox_core::id::Epoch;
use signalbox_core::time::{Mono, Now};
use signalbox_counters::{Counters, Restored, SavedEntry};

/// Shortest pause between two slices.
const PAUSE: Duration = Duration::from_millis(2);
/// Slices that may wait for the disk.
const WAITING: usize = 4;

/// Where the snapshots of a node are, and which start of the node this is.
#[derive(Clone, Debug)]
pub struct CounterStore {
    /// The file.
    pub path: PathBuf,
    /// Rises with each start. A snapshot that says it is complete is so for the next start only.
    pub epoch: Epoch,
}

enum Step {
    Begin(SnapshotHead),
    Slice(Vec<SavedEntry>),
    End(SnapshotTail),
}

/// Makes the snapshots of a running exchange.
pub(super) struct CounterSnapshots {
    epoch: Epoch,
    steps: SyncSender<Step>,
    writer: JoinHandle<()>,
    /// The slice that is next, while a snapshot is made.
    next: Option<usize>,
    /// Nothing is done before.
    due: Mono,
    /// What the writer had no room for.
    waiting: Option<Step>,
}

impl CounterSnapshots {
    /// Ends what [`count`] began, says in the log what became of it, and starts the writer.
    pub(super) fn start(
        store: CounterStore,
        counted: Result<Option<Counted>, SnapshotError>,
        exchange: &mut Exchange,
        now: Now,
    ) -> std::io::Result<Self> {
        match counted {
            Ok(None) => tracing::info!("no snapshot of the counters: they are warming up"),
            Ok(Some(counted)) => counted.complete(&store, exchange, now).report(),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the snapshot of the counters is not used: they are warming up");
            }
        }
        let (steps, receiver) = sync_channel(WAITING);
        let path = store.path;
        let writer =
            std::thread::Builder::new().name("counters".into()).spawn(move || write(&path, &receiver))?;
        let due = now.mono + exchange.snapshot_every();
        Ok(Self { epoch: store.epoch, steps, writer, next: None, due, waiting: None })
    }

    /// When [`step`](Self::step) has something to do.
    pub(super) fn next_due(&self) -> Mono {
        self.due
    }

    /// Copies a slice if one is due.
    pub(super) fn step(&mut self, exchange: &Exchange, now: Now) {
        if self.due > now.mono {
            return;
        }
        let step = match self.waiting.take() {
            Some(step) => step,
            None => self.next_step(exchange, now),
        };
        self.give(step);
        let every = exchange.snapshot_every();
        let ended = self.next.is_none() && self.waiting.is_none();
        let slices = u32::try_from(exchange.counters().snapshot_parts()).unwrap_or(u32::MAX).max(1);
        self.due = now.mono + if ended { every / 2 } else { (every / 2 / slices).max(PAUSE) };
    }

    fn next_step(&mut self, exchange: &Exchange, now: Now) -> Step {
        let Some(slice) = self.next else {
            self.next = Some(0);
            return Step::Begin(SnapshotHead { epoch: self.epoch, taken_at: now.wall });
        };
        let entries = exchange.counter_slice(slice, now);
        self.next = entries.is_some().then_some(slice + 1);
        entries.map_or_else(|| Step::End(tail(exchange, false)), Step::Slice)
    }

    fn give(&mut self, step: Step) {
        if let Err(TrySendError::Full(step)) = self.steps.try_send(step) {
            self.waiting = Some(step);
        }
    }

    /// Writes a last snapshot, now that nothing is counted any more, and waits until it is on the disk.
    pub(super) fn finish(self, exchange: &Exchange, now: Now) {
        let Self { epoch, steps, writer, .. } = self;
        let slices = (0..).map_while(|slice| exchange.counter_slice(slice, now)).map(Step::Slice);
        let begin = Step::Begin(SnapshotHead { epoch, taken_at: now.wall });
        for step in std::iter::once(begin).chain(slices).chain([Step::End(tail(exchange, true))]) {
            // A writer that has ended has said why.
            if steps.send(step).is_err() {
                break;
            }
        }
        drop(steps);
        if writer.join().is_err() {
            tracing::error!("the writer of the counters' snapshots panicked");
        }
    }
}

fn tail(exchange: &Exchange, complete: bool) -> SnapshotTail {
    SnapshotTail { alarms: exchange.counters().snapshot_alarms(), complete }
}

/// What a snapshot brought back.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) restored: Restored,
    pub(super) age: Duration,
    pub(super) complete: bool,
}

impl Loaded {
    fn report(&self) {
        let Restored { entries, expired, unfit, refused, alarms, .. } = self.restored;
        let age = self.age.as_secs();
        if entries == 0 && expired > 0 {
            tracing::warn!(
                age,
                expired,
                alarms,
                "the snapshot of the counters is too old: they are warming up"
            );
        } else if self.complete {
            tracing::info!(age, entries, expired, unfit, refused, alarms, "the counters are as they were");
        } else {
            tracing::warn!(
                age,
                entries,
                expired,
                unfit,
                refused,
                alarms,
                "the counters are as they were at the snapshot; what came after it is lost: they are warming up"
            );
        }
    }
}

/// What a snapshot brought back into counters that were lent, but for its alarms.
#[derive(Debug)]
pub(super) struct Counted {
    head: SnapshotHead,
    tail: SnapshotTail,
    restored: Restored,
}

/// Puts the entries of a snapshot into counters; `None` when there is none. The whole file is checked before anything
/// of it is used.
pub(super) fn count(
    store: &CounterStore,
    counters: &mut Counters,
    now: Now,
) -> Result<Option<Counted>, SnapshotError> {
    let Some(snapshot) = SnapshotReader::open(&store.path)? else { return Ok(None) };
    let mut restored = Restored::default();
    snapshot.entries(|entries| {
        let more = counters.restore(counter_mono(now), counter_wall(now), entries);
        restored.entries += more.entries;
        restored.expired += more.expired;
        restored.unfit += more.unfit;
        restored.present += more.present;
        restored.refused += more.refused;
    })?;
    Ok(Some(Counted { head: snapshot.head, tail: snapshot.tail, restored }))
}

impl Counted {
    /// Puts the alarms into the exchange that has its counters again.
    pub(super) fn complete(self, store: &CounterStore, exchange: &mut Exchange, now: Now) -> Loaded {
        let Self { head, tail, mut restored } = self;
        let old = restored.entries == 0 && restored.expired > 0;
        let complete = tail.complete && head.epoch.0 + 1 == store.epoch.0 && !old;
        let alarms = exchange.restore_alarms(now, tail.alarms, complete);
        restored.alarms = alarms.alarms;
        restored.refused += alarms.refused;
        Loaded { restored, age: now.wall.since(head.taken_at), complete }
    }
}

/// Writes what it is given until nobody gives any more. A snapshot that fails is given up; the one before stays.
fn write(path: &Path, steps: &Receiver<Step>) {
    let mut writer = None;
    while let Ok(step) = steps.recv() {
        let done = match (step, writer.take()) {
            (Step::Begin(head), _) => SnapshotWriter::begin(path, head).map(Some),
            (Step::Slice(entries), Some(mut open)) => {
                SnapshotWriter::entries(&mut open, entries).map(|()| Some(open))
            }
            (Step::End(tail), Some(open)) => open.finish(tail).map(|()| {
                metrics::counter!("spam_counter_snapshots_total", "result" => "written").increment(1);
                None
            }),
            (Step::Slice(_) | Step::End(_), None) => Ok(None),
        };
        match done {
            Ok(open) => writer = open,
            Err(error) => {
                metrics::counter!("spam_counter_snapshots_total", "result" => "failed").increment(1);
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    path = %path.display(),
                    "the snapshot of the counters is not written"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
