//! The simulated ESME: sends at a rate or as fast as its windows let, and keeps the books of what came back.

mod book;
mod options;
mod report;
mod session;
mod template;
mod window;

pub use book::ReceiptReport;
pub use options::{BindAs, Encoding, EsmeOptions};
pub use report::Report;

use crate::error::SimError;
use crate::event_log::EventLog;
use crate::latency::Latency;
use book::Book;
use session::Session;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use template::Template;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// The most and the least time between two wake-ups of the sessions by the pace.
const MOST_BEAT: Duration = Duration::from_millis(5);
const LEAST_BEAT: Duration = Duration::from_micros(200);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, Default)]
struct Counters {
    submitted: AtomicU64,
    accepted: AtomicU64,
    throttled: AtomicU64,
    retried: AtomicU64,
    timed_out: AtomicU64,
    ambiguous: AtomicU64,
    stray: AtomicU64,
    reconnects: AtomicU64,
    mo: AtomicU64,
    receipts: AtomicU64,
    bound: AtomicU64,
    first_binds: AtomicU64,
    last_response: AtomicU64,
}

/// What the sessions share.
#[derive(Debug)]
struct Shared {
    options: EsmeOptions,
    template: Template,
    start: Instant,
    /// When all sessions were bound for the first time, `u64::MAX` before.
    epoch: AtomicU64,
    /// The next message to send.
    next: AtomicU64,
    /// Messages begun and not ended.
    open: AtomicU64,
    retries: Mutex<VecDeque<(u64, u64)>>,
    book: Mutex<Book>,
    refused: Mutex<BTreeMap<u32, u64>>,
    latency: Mutex<Latency>,
    counters: Counters,
    changed: Notify,
    log: Option<EventLog>,
    stopped: AtomicBool,
    /// When the last message had ended.
    over_at: Mutex<Option<u64>>,
}

impl Shared {
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// When a message is to be sent.
    #[inline]
    fn intended(&self, index: u64, now: u64) -> u64 {
        match self.options.rate {
            Some(rate) => {
                self.epoch.load(Ordering::Relaxed).saturating_add((index as f64 * 1e9 / rate) as u64)
            }
            None => now,
        }
    }

    /// How many messages may have begun by now.
    fn due(&self, now: u64) -> u64 {
        let epoch = self.epoch.load(Ordering::Acquire);
        if self.stopped.load(Ordering::Relaxed) || epoch == u64::MAX {
            return 0;
        }
        let now = now.saturating_sub(epoch);
        let duration = self.options.duration.map(nanoseconds);
        let most = match (self.options.count, duration) {
            (Some(count), _) => count,
            (None, Some(_)) => u64::MAX,
            (None, None) => 0,
        };
        let by_time = match (self.options.rate, duration) {
            (Some(rate), limit) => {
                let until = now.min(limit.unwrap_or(u64::MAX)) as f64;
                (until / 1e9 * rate) as u64 + u64::from(limit.is_none_or(|limit| now < limit))
            }
            (None, Some(limit)) if now >= limit => 0,
            (None, _) => u64::MAX,
        };
        most.min(by_time)
    }

    /// Takes up to `room` messages that are due: the first and how many.
    fn take(&self, room: u64, now: u64) -> (u64, u64) {
        let due = self.due(now);
        let mut next = self.next.load(Ordering::Relaxed);
        loop {
            let count = due.saturating_sub(next).min(room);
            if count == 0 {
                return (next, 0);
            }
            self.open.fetch_add(count, Ordering::AcqRel);
            match self.next.compare_exchange(next, next + count, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return (next, count),
                Err(other) => {
                    self.open.fetch_sub(count, Ordering::AcqRel);
                    next = other;
                }
            }
        }
    }

    /// Whether no message will begin any more.
    fn is_exhausted(&self, now: u64) -> bool {
        let epoch = self.epoch.load(Ordering::Acquire);
        if epoch == u64::MAX {
            return self.stopped.load(Ordering::Relaxed);
        }
        let elapsed = now.saturating_sub(epoch);
        let next = self.next.load(Ordering::Acquire);
        let ended = match (self.options.count, self.options.duration) {
            (None, None) => true,
            (count, duration) => {
                count.is_some_and(|count| next >= count)
                    || duration.is_some_and(|limit| elapsed >= nanoseconds(limit) && self.due(now) <= next)
            }
        };
        ended || self.stopped.load(Ordering::Relaxed)
    }

    /// Whether a session may unbind.
    fn is_over(&self, now: u64) -> bool {
        if !self.is_exhausted(now) || self.open.load(Ordering::Acquire) > 0 {
            return false;
        }
        let since = *lock(&self.over_at).get_or_insert(now);
        if now < since + nanoseconds(self.options.linger) && !self.stopped.load(Ordering::Relaxed) {
            return false;
        }
        !self.options.expect_receipts
            || now >= since + nanoseconds(self.options.receipt_wait)
            || lock(&self.book).is_complete()
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    fn progress(&self) -> Progress {
        let counters = &self.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Progress {
            bound: read(&counters.bound),
            submitted: read(&counters.submitted),
            accepted: read(&counters.accepted),
            receipts: read(&counters.receipts),
            mo: read(&counters.mo),
        }
    }

    /// A session was bound; with the last of them the time of the messages begins.
    fn was_bound(&self, first: bool) {
        self.counters.bound.fetch_add(1, Ordering::Relaxed);
        let sessions = (self.options.sessions + self.options.receivers) as u64;
        if first && self.counters.first_binds.fetch_add(1, Ordering::AcqRel) + 1 == sessions {
            self.epoch.store(self.now(), Ordering::Release);
        }
        self.changed.notify_waiters();
    }

    /// A message has ended, one way or another.
    fn ended(&self, count: u64) {
        if count > 0 && self.open.fetch_sub(count, Ordering::AcqRel) == count {
            self.changed.notify_waiters();
        }
    }
}

/// Wakes the sessions when messages are due. The runtime's own timers are a millisecond late or two, which would
/// be in every latency; a sleeping thread is some tens of microseconds late.
fn pace(shared: &Arc<Shared>) -> Result<(), SimError> {
    let weak = Arc::downgrade(shared);
    let beat = move || {
        loop {
            let Some(shared) = weak.upgrade() else { return };
            let now = shared.now();
            let due = match shared.epoch.load(Ordering::Acquire) {
                u64::MAX => now + nanoseconds(MOST_BEAT),
                _ if shared.is_exhausted(now) => return,
                _ => shared.intended(shared.next.load(Ordering::Relaxed), now),
            };
            drop(shared);
            let wait = Duration::from_nanos(due.saturating_sub(now));
            std::thread::sleep(wait.clamp(LEAST_BEAT, MOST_BEAT));
            let Some(shared) = weak.upgrade() else { return };
            shared.changed.notify_waiters();
        }
    };
    match std::thread::Builder::new().name("pace".to_owned()).spawn(beat) {
        Ok(_) => Ok(()),
        Err(source) => Err(SimError::io("cannot start the thread that keeps the pace", source)),
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What was counted until now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Sessions bound now.
    pub bound: u64,
    /// submit_sm sent.
    pub submitted: u64,
    /// Answered with ESME_ROK.
    pub accepted: u64,
    /// Receipts that came.
    pub receipts: u64,
    /// Messages from devices that came.
    pub mo: u64,
}

/// A running ESME.
#[derive(Debug)]
pub struct EsmeSim {
    shared: Arc<Shared>,
    sessions: JoinSet<Result<(), SimError>>,
}

impl EsmeSim {
    /// Runs from beginning to end.
    ///
    /// # Errors
    /// [`SimError`] when a session cannot bind or loses its connection, unless it reconnects.
    pub async fn run(options: EsmeOptions) -> Result<Report, SimError> {
        EsmeSim::start(options)?.finish().await
    }

    /// Begins; must be called within a runtime.
    ///
    /// # Errors
    /// [`SimError::Options`], or [`SimError::Io`] for the log.
    pub fn start(options: EsmeOptions) -> Result<EsmeSim, SimError> {
        if options.window == 0 || options.sessions + options.receivers == 0 {
            return Err(SimError::Options("neither the window nor the sessions may be 0".to_owned()));
        }
        if options.rate.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
            return Err(SimError::Options("the rate must be above 0".to_owned()));
        }
        let log = options.log.as_deref().map(EventLog::open).transpose()?;
        let template = Template::new(&options)?;
        let (senders, receivers) = (options.sessions, options.receivers);
        let shared = Arc::new(Shared {
            template,
            start: Instant::now(),
            epoch: AtomicU64::new(u64::MAX),
            next: AtomicU64::new(0),
            open: AtomicU64::new(0),
            retries: Mutex::default(),
            book: Mutex::default(),
            refused: Mutex::default(),
            latency: Mutex::default(),
            counters: Counters::default(),
            changed: Notify::new(),
            log,
            stopped: AtomicBool::new(false),
            over_at: Mutex::new(None),
            options,
        });
        if shared.options.rate.is_some() {
            pace(&shared)?;
        }
        let mut sessions = JoinSet::new();
        for number in 0..senders + receivers {
            let session = Session::new(Arc::clone(&shared), number as u64 + 1, number < senders);
            sessions.spawn(session.run());
        }
        Ok(EsmeSim { shared, sessions })
    }

    /// What was counted until now.
    pub fn progress(&self) -> Progress {
        self.shared.progress()
    }

    /// Says what was counted, also while [`EsmeSim::finish`] waits.
    pub(crate) fn gauge(&self) -> impl Fn() -> Progress + use<> {
        let shared = Arc::clone(&self.shared);
        move || shared.progress()
    }

    /// Does what [`EsmeSim::stop`] does, also while [`EsmeSim::finish`] waits.
    pub fn stopper(&self) -> impl Fn() + Send + Sync + use<> {
        let shared = Arc::clone(&self.shared);
        move || shared.stop()
    }

    /// Waits until what was counted fulfils `condition`; put a time limit around it.
    pub async fn until(&self, condition: impl Fn(&Progress) -> bool) -> Progress {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let progress = self.progress();
            if condition(&progress) {
                return progress;
            }
            changed.await;
        }
    }

    /// Begins no more messages; those begun are still waited for.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// As [`EsmeSim::run`].
    pub async fn finish(mut self) -> Result<Report, SimError> {
        let mut failure = None;
        while let Some(ended) = self.sessions.join_next().await {
            let result = ended.unwrap_or(Err(SimError::Lost("a session's task failed")));
            if let Err(error) = result {
                // The others cannot send what this one would have.
                self.stop();
                failure.get_or_insert(error);
            }
        }
        if let Some(log) = &self.shared.log {
            log.close()?;
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(self.report()),
        }
    }

    fn report(&self) -> Report {
        let shared = &self.shared;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &shared.counters;
        let epoch = read(&shared.epoch);
        let seconds = (read(&counters.last_response).saturating_sub(epoch) as f64 / 1e9).max(1e-9);
        let book = lock(&shared.book);
        let refused = lock(&shared.refused);
        let mut report = Report {
            seconds,
            submitted: read(&counters.submitted),
            accepted: read(&counters.accepted),
            per_second: read(&counters.accepted) as f64 / seconds,
            refused: refused.iter().map(|(status, count)| (report::status_name(*status), *count)).collect(),
            throttled: read(&counters.throttled),
            retried: read(&counters.retried),
            timed_out: read(&counters.timed_out),
            ambiguous: read(&counters.ambiguous),
            stray: read(&counters.stray),
            reconnects: read(&counters.reconnects),
            mo: read(&counters.mo),
            receipts: book.report(),
            latency: lock(&shared.latency).summary(),
            receipt_latency: book.latency().summary(),
            problems: Vec::new(),
        };
        report.judge(shared.options.expect_receipts);
        report
    }
}
