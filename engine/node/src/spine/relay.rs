use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use signalbox_core::backend::{CdrBatch, CdrSink, Clock, OutboxPosition, SinkError, StoreError};
use signalbox_core::cdr::Cdr;
use signalbox_core::exchange::Event;
use signalbox_core::time::{Micros, Now};

use super::handle::SpineHandle;

/// Commits whose CDRs are published in one step at most.
const COMMITS_PER_STEP: usize = 1_024;
/// Pause between steps: each is an fsync that the commits of the store wait behind, so that CDRs are published some
/// times a second and not as fast as the disk lets them.
const PAUSE: Duration = Duration::from_millis(100);
/// Pause after a failure of the sink.
const BACKOFF: Duration = Duration::from_secs(1);

/// Where the relay reads; the outbox of the store by a connection of its own.
pub trait Outbox: Send {
    /// CDRs after a position, at most `max` commits.
    ///
    /// # Errors
    /// When they cannot be read.
    fn read(&mut self, after: OutboxPosition, max: usize) -> Result<Vec<CdrBatch>, StoreError>;
}

impl Outbox for signalbox_backends::sqlite::SqliteReader {
    fn read(&mut self, after: OutboxPosition, max: usize) -> Result<Vec<CdrBatch>, StoreError> {
        let commits = self.outbox(after, max)?;
        Ok(commits.into_iter().map(|(sequence, records)| CdrBatch { sequence, records }).collect())
    }
}

/// A relay that could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The sink does not say how far it is.
    #[error("the CDR sink cannot be read")]
    Sink(#[from] SinkError),
    /// The thread could not be started.
    #[error("the thread could not be started")]
    Thread(#[from] std::io::Error),
}

/// When the message of the oldest CDR ended that is known not to be published.
#[derive(Clone, Debug, Default)]
pub struct OldestUnpublished {
    /// Microseconds since the epoch; zero for none.
    final_at: Arc<AtomicI64>,
}

impl OldestUnpublished {
    /// How long that CDR has waited; zero when none waits.
    #[must_use]
    pub fn age(&self, now: Now) -> Duration {
        match self.final_at.load(Ordering::Acquire) {
            0 => Duration::ZERO,
            at => now.wall.since(Micros(at)),
        }
    }

    fn waits(&self, batch: &CdrBatch) {
        let first = batch.records.first().and_then(|record| Cdr::decode(record).ok());
        // A record that cannot be read keeps the age of what was before it.
        if let Some(cdr) = first {
            self.final_at.store(cdr.final_at.0, Ordering::Release);
        }
    }

    fn none_waits(&self) {
        self.final_at.store(0, Ordering::Release);
    }
}

/// The thread that publishes CDRs: reads the outbox after the sink's own position, publishes, and tells the
/// exchange how far it is. What is published and not yet trimmed is passed over after a restart, so each CDR is
/// published exactly once.
pub struct Relay {
    stop: Arc<AtomicBool>,
    oldest: OldestUnpublished,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Starts the thread.
    ///
    /// # Errors
    /// See [`RelayError`].
    pub fn start(
        mut sink: Box<dyn CdrSink>,
        outbox: Box<dyn Outbox>,
        clock: Arc<dyn Clock>,
        spine: SpineHandle,
    ) -> Result<Self, RelayError> {
        let position = sink.position()?;
        let stop = Arc::new(AtomicBool::new(false));
        let oldest = OldestUnpublished::default();
        let work = Work { sink, outbox, clock, spine, stop: stop.clone(), oldest: oldest.clone(), position };
        let thread = std::thread::Builder::new().name("cdr-relay".into()).spawn(move || work.run())?;
        Ok(Self { stop, oldest, thread: Some(thread) })
    }

    /// How old what is not published is.
    #[must_use]
    pub fn oldest(&self) -> OldestUnpublished {
        self.oldest.clone()
    }

    /// Publishes what is in the outbox now, and ends.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // A panic is on stderr; the outbox still has what was not published.
            let _ = thread.join();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.end();
    }
}

struct Work {
    sink: Box<dyn CdrSink>,
    outbox: Box<dyn Outbox>,
    clock: Arc<dyn Clock>,
    spine: SpineHandle,
    stop: Arc<AtomicBool>,
    oldest: OldestUnpublished,
    position: OutboxPosition,
}

impl Work {
    fn run(mut self) {
        loop {
            // Asked before the step: what was committed before the stop is still published.
            let last = self.stop.load(Ordering::Acquire);
            let pause = match self.step() {
                Ok(0) if last => break,
                Ok(commits) if last || commits == COMMITS_PER_STEP => Duration::ZERO,
                Ok(_) => PAUSE,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cdrs are not published");
                    metrics::counter!("cdr_publish_failures_total").increment(1);
                    if last {
                        break;
                    }
                    BACKOFF
                }
            };
            if let Err(error) = self.sink.tick(self.clock.now()) {
                tracing::warn!(error = &error as &dyn std::error::Error, "a cdr file cannot be closed");
            }
            if !pause.is_zero() {
                std::thread::park_timeout(pause);
            }
        }
    }

    fn step(&mut self) -> Result<usize, StepError> {
        let batches = self.outbox.read(self.position, COMMITS_PER_STEP)?;
        let Some(first) = batches.first() else {
            self.oldest.none_waits();
            return Ok(0);
        };
        self.oldest.waits(first);
        self.position = self.sink.publish(&batches)?;
        if batches.len() < COMMITS_PER_STEP {
            self.oldest.none_waits();
        }
        let records = batches.iter().map(|batch| batch.records.len() as u64).sum();
        metrics::counter!("cdr_published_total").increment(records);
        self.spine.offer_blocking(vec![Event::Published(self.position)]);
        Ok(batches.len())
    }
}

#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error("the outbox cannot be read")]
    Outbox(#[from] StoreError),
    #[error("the sink does not take them")]
    Sink(#[from] SinkError),
}

#[cfg(test)]
mod tests;
