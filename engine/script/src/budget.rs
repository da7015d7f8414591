//! Time and instructions of one run, looked at by the engine's interrupt handler.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Why a run was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its time was over (TXS-14).
    Time,
    /// Its ticks were used up (TXS-15).
    Ticks,
}

/// What a run may still use. QuickJS asks once for each 10,000 operations, which is one tick (D10).
#[derive(Debug)]
pub(crate) struct Budget {
    began: Cell<Instant>,
    time: Cell<Duration>,
    most_ticks: Cell<u64>,
    ticks: Cell<u64>,
    stop: Cell<Option<Stop>>,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self {
            began: Cell::new(Instant::now()),
            time: Cell::new(Duration::MAX),
            most_ticks: Cell::new(u64::MAX),
            ticks: Cell::new(0),
            stop: Cell::new(None),
        }
    }

    /// Begins a run.
    pub(crate) fn begin(&self, time: Duration, ticks: u64) {
        self.began.set(Instant::now());
        self.time.set(time);
        self.most_ticks.set(ticks);
        self.ticks.set(0);
        self.stop.set(None);
    }

    /// Counts a tick; true when the run has to end. Once it has to, it stays so: nothing that a script catches or
    /// does at last helps it.
    pub(crate) fn tick(&self) -> bool {
        self.ticks.set(self.ticks.get() + 1);
        self.look();
        self.stop.get().is_some()
    }

    /// Looks at the budget without a tick: some built-ins are never interrupted, so a run may come back too late.
    pub(crate) fn look(&self) {
        if self.stop.get().is_some() {
            return;
        }
        if self.ticks.get() > self.most_ticks.get() {
            self.stop.set(Some(Stop::Ticks));
        } else if self.began.get().elapsed() > self.time.get() {
            self.stop.set(Some(Stop::Time));
        }
    }

    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.stop.get()
    }

    pub(crate) fn ticks(&self) -> u64 {
        self.ticks.get()
    }

    pub(crate) fn micros(&self) -> u64 {
        u64::try_from(self.began.get().elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
