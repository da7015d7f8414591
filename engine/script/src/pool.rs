//! The parent's side: worker processes, who gets them, and who is cut off.

mod child;
mod fair;
mod queue;
mod scripts;
mod settings;
mod work;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use signalbox_invocation::{Failure, Invocation, Outcome, Version};
use tokio::sync::oneshot;

use crate::host::Given;
use crate::lint::Finding;
use crate::message::Key;
use queue::{Job, Queue, Work};
use scripts::{Loaded, Scripts};

pub use scripts::LoadError;
pub use settings::{Event, PoolError, Settings, Status, WorkerCommand};

/// What is awaited; an end of the pool is an answer, too.
pub struct Answer<T = Outcome>(oneshot::Receiver<Result<T, Failure>>);

impl<T> Answer<T> {
    /// Waits in a thread that is not of an asynchronous runtime.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn wait(self) -> Result<T, Failure> {
        self.0.blocking_recv().unwrap_or_else(|_| Err(closed()))
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|answer| answer.unwrap_or_else(|_| Err(closed())))
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

fn closed() -> Failure {
    Failure::Interrupted("the pool of workers was closed".to_owned())
}

/// What threads of the pool share.
struct Shared {
    settings: Settings,
    queue: Queue,
    scripts: Mutex<Scripts>,
    keys: AtomicU64,
    events: Box<dyn Fn(Event) + Send + Sync>,
}

impl Shared {
    fn key(&self) -> Key {
        Key(self.keys.fetch_add(1, Ordering::Relaxed))
    }
}

/// Workers and the queue before them. Dropping it ends the workers; what waits is answered with a failure.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Pool {
    /// Starts the workers, and is told what happens to them by `events`, which must not block.
    ///
    /// # Errors
    /// When the settings cannot work, or a first worker cannot be started.
    pub fn start(
        settings: Settings,
        events: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, PoolError> {
        settings.check()?;
        // One that is started here says at once what would otherwise be told by every run.
        drop(child::Child::spawn(&settings).map_err(|error| PoolError::Worker(error.to_string()))?);
        let workers = settings.workers;
        let shared = Arc::new(Shared {
            queue: Queue::new(&settings),
            scripts: Mutex::new(Scripts::new(&settings)),
            keys: AtomicU64::new(0),
            events: Box::new(events),
            settings,
        });
        let mut threads = Vec::with_capacity(workers);
        for number in 0..workers {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name(format!("script-{number}"));
            threads.push(thread.spawn(move || work::work(&shared)).map_err(PoolError::Thread)?);
        }
        Ok(Self { shared, threads })
    }

    /// Makes a version known, so that it can be run. The same version again with another source replaces it: for
    /// drafts; published versions do not change.
    ///
    /// # Errors
    /// When the source is too long, or too many are loaded.
    pub fn load(&self, version: Version, source: impl Into<Arc<str>>) -> Result<(), LoadError> {
        let loaded = Loaded { key: self.shared.key(), version: Some(version), source: source.into() };
        self.shared.scripts.lock().load(version, loaded)
    }

    /// Forgets a version.
    pub fn unload(&self, version: Version) {
        self.shared.scripts.lock().unload(version);
    }

    /// True when a version can be run.
    #[must_use]
    pub fn is_loaded(&self, version: Version) -> bool {
        self.shared.scripts.lock().get(version).is_some()
    }

    /// Lets a suspended version run again: a person looked at it.
    pub fn lift(&self, version: Version) {
        self.shared.scripts.lock().lift(version);
    }

    /// Runs instructions. The invocation is begun again on another worker when one dies under it, so it may run more
    /// than once; its outcome is told once.
    pub fn run(&self, invocation: Invocation) -> Answer {
        let (reply, answer) = oneshot::channel();
        let found = self.shared.scripts.lock().runnable(invocation.version);
        self.offer_run(found, &invocation, reply);
        Answer(answer)
    }

    fn offer_run(
        &self,
        found: Result<Arc<Loaded>, Failure>,
        invocation: &Invocation,
        reply: oneshot::Sender<Result<Outcome, Failure>>,
    ) {
        let written = found.and_then(|loaded| match Given::new(invocation) {
            Ok(given) => Ok((given, loaded)),
            Err(error) => Err(Failure::Invalid(error.to_string())),
        });
        match written {
            Ok((given, loaded)) => self.offer(invocation.version.account, Work::run(given, loaded, reply)),
            Err(failure) => drop(reply.send(Err(failure))),
        }
    }

    /// Runs a source that need not be loaded, as a test: it leaves a trace, and no strike.
    pub fn dry_run(&self, source: impl Into<Arc<str>>, mut invocation: Invocation) -> Answer {
        let (reply, answer) = oneshot::channel();
        invocation.test = true;
        let loaded = Arc::new(Loaded { key: self.shared.key(), version: None, source: source.into() });
        self.offer_run(Ok(loaded), &invocation, reply);
        Answer(answer)
    }

    /// Asks a worker what is wrong with a source; a parser is given no untrusted text in this process.
    pub fn lint(
        &self,
        account: u32,
        source: impl Into<Arc<str>>,
        programs: Vec<String>,
    ) -> Answer<Vec<Finding>> {
        let (reply, answer) = oneshot::channel();
        self.offer(account, Work::Lint { source: source.into(), programs, reply });
        Answer(answer)
    }

    fn offer(&self, account: u32, work: Work) {
        let job = Job { work, alone: false, crashes: 0, since: Instant::now() };
        if let Err((job, waiting)) = self.shared.queue.offer(account, job) {
            job.fail(Failure::Overloaded { waiting });
            (self.shared.events)(Event::Refused { account, waiting });
        }
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let (waiting, running) = self.shared.queue.load();
        let scripts = self.shared.scripts.lock();
        Status { waiting, running, loaded: scripts.len(), suspended: scripts.suspended() }
    }

    /// Takes nothing more and waits until all that was taken is answered; false when the time was over first. It
    /// blocks its thread.
    pub fn drain(&self, most: Duration) -> bool {
        self.shared.queue.drain(most)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.queue.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to end.
            let _ = thread.join();
        }
    }
}
