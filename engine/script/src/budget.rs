//! Time and instructions of one run, looked at by the engine's interrupt handler.
//!
//! The time is what the processor gave to this thread: a script neither waits nor sleeps, so all other time that goes by
//! is a busy machine's, and not the script's fault. The pool's hard limit is by the clock on the wall.

use std::cell::Cell;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

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
    began: Cell<Duration>,
    time: Cell<Duration>,
    most_ticks: Cell<u64>,
    ticks: Cell<u64>,
    stop: Cell<Option<Stop>>,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self {
            began: Cell::new(Duration::ZERO),
            time: Cell::new(Duration::MAX),
            most_ticks: Cell::new(u64::MAX),
            ticks: Cell::new(0),
            stop: Cell::new(None),
        }
    }

    /// Begins a run.
    pub(crate) fn begin(&self, time: Duration, ticks: u64) {
        self.began.set(processor_time());
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
        } else if self.spent() > self.time.get() {
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
        u64::try_from(self.spent().as_micros()).unwrap_or(u64::MAX)
    }

    fn spent(&self) -> Duration {
        processor_time().saturating_sub(self.began.get())
    }
}

/// What the processor has given to this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TXS-14: what counts is what the run had, not what the machine did meanwhile.
    #[test]
    fn time_that_a_run_does_not_get_is_not_its_own() {
        let budget = Budget::new();
        budget.begin(Duration::from_millis(20), 1_000_000);
        // Longer than its time: the thread is put aside, as a busy machine does it.
        std::thread::park_timeout(Duration::from_millis(60));
        assert!(!budget.tick());
        while !budget.tick() {}
        assert_eq!(budget.stopped(), Some(Stop::Time));
        assert!(budget.micros() >= 20_000);
    }
}
