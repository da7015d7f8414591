use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use signalbox_invocation::{Limits, Version};

/// How a worker is started.
#[derive(Clone, Debug)]
pub struct WorkerCommand {
    /// The program, as an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl WorkerCommand {
    /// This very program with other arguments.
    ///
    /// # Errors
    /// When its path cannot be found out.
    pub fn this_program(arguments: &[&str]) -> io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            arguments: arguments.iter().map(OsString::from).collect(),
        })
    }
}

/// How a pool works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How a worker is started.
    pub worker: WorkerCommand,
    /// How many there are. An account has at most half of them at a time, and at least one.
    pub workers: usize,
    /// Runs that may wait; an account may fill half of it.
    pub queue: usize,
    /// Runs of one batch, at most 64.
    pub batch: usize,
    /// How long a run may wait for a worker.
    pub patience: Duration,
    /// Versions that can be loaded at a time.
    pub scripts: usize,
    /// Of these a worker keeps so many compiled; the one that was not run for longest goes first.
    pub compiled: usize,
    /// Failures of its process after which a version is suspended.
    pub strikes: u32,
    /// How long a worker may take until it is ready.
    pub start: Duration,
    /// Bounds of each run.
    pub limits: Limits,
}

impl Settings {
    /// Two workers and the usual bounds.
    #[must_use]
    pub fn new(worker: WorkerCommand) -> Self {
        Self {
            worker,
            workers: 2,
            queue: 10_000,
            batch: 64,
            patience: Duration::from_secs(10),
            scripts: 10_000,
            compiled: 32,
            strikes: 3,
            start: Duration::from_secs(5),
            limits: Limits::default(),
        }
    }

    pub(super) fn check(&self) -> Result<(), PoolError> {
        let wrong = |what: &'static str| Err(PoolError::Setting(what));
        if self.workers == 0
            || self.queue == 0
            || self.scripts == 0
            || self.compiled == 0
            || self.strikes == 0
        {
            return wrong("workers, queue, scripts, compiled and strikes are at least 1");
        }
        if !(1..=64).contains(&self.batch) {
            return wrong("a batch is 1 to 64 runs");
        }
        if self.limits.soft_ms == 0 || self.limits.hard_ms <= self.limits.soft_ms {
            return wrong("the hard limit of a run is above its soft limit, which is at least 1 ms");
        }
        if self.start.is_zero() {
            return wrong("a worker needs some time to start");
        }
        Ok(())
    }
}

/// Why there is no pool.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// A setting that cannot work.
    #[error("the pool's settings cannot work: {0}")]
    Setting(&'static str),
    /// A worker did not come up.
    #[error("a script worker cannot be started: {0}")]
    Worker(String),
    /// A thread.
    #[error("a thread for a script worker cannot be started")]
    Thread(#[source] io::Error),
}

/// What happens in a pool, for metrics, logs and alarms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A run was answered.
    Ran {
        /// Which instructions; none for a dry run.
        version: Option<Version>,
        /// From when it was asked for until it was answered.
        took: Duration,
        /// What it cost in ticks of 10,000 operations, if it succeeded.
        ticks: u64,
        /// [`Failure::name`](signalbox_invocation::Failure::name), if it failed.
        failure: Option<&'static str>,
    },
    /// A batch went to a worker.
    Batch {
        /// Its runs.
        runs: usize,
    },
    /// A worker came up.
    Started {
        /// Number of its process.
        pid: u32,
        /// How long that took.
        took: Duration,
    },
    /// A worker died, or was killed.
    Ended {
        /// Why.
        why: String,
        /// Runs that it left unanswered.
        unanswered: usize,
    },
    /// A worker cannot be started; its runs are refused.
    NotStarted {
        /// Why.
        why: String,
    },
    /// A version is suspended until a person lifts it: an alarm.
    Suspended {
        /// Which.
        version: Version,
        /// After so many failures of its process.
        strikes: u32,
    },
    /// A run was refused for want of room in the queue.
    Refused {
        /// Whose.
        account: u32,
        /// How many wait.
        waiting: usize,
    },
}

/// How a pool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Runs that wait for a worker.
    pub waiting: usize,
    /// Workers that are at work.
    pub running: usize,
    /// Versions that are loaded.
    pub loaded: usize,
    /// Versions that are suspended.
    pub suspended: usize,
}
