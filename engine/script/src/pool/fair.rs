//! What is read from a worker, with more patience while a busy machine gives it no time.
//!
//! A script that never ends uses up the processor's time; one that had less of it than the soft limit and has not answered
//! is not to blame. What a run had that did not come to its end is what the kernel counts for its process, less what the
//! runs had that did.

use std::fs;
use std::io::{self, Read};
use std::time::Duration;

/// Hard limits that one which gets no time has beyond the first.
const MORE: u32 = 4;
/// Runs after which the kernel is asked anew: each costs a little beside what it says of itself.
const RUNS: u32 = 256;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Fair<R> {
    pub(super) inner: R,
    process: u32,
    soft: Duration,
    /// What its process had when that was asked last; `None` where the kernel does not tell.
    asked: Option<Duration>,
    /// What runs have had since then.
    told: Duration,
    runs: u32,
}

impl<R> Fair<R> {
    pub(super) fn new(inner: R, process: u32, soft: Duration) -> Self {
        Self { inner, process, soft, asked: None, told: Duration::ZERO, runs: 0 }
    }

    /// A run ended. Of one that failed nobody says what it had.
    pub(super) fn ran(&mut self, had: Option<Duration>) {
        self.runs += 1;
        match had {
            Some(had) if self.runs < RUNS => self.told = self.told.saturating_add(had),
            Some(_) | None => {
                (self.asked, self.told, self.runs) = (time_of(self.process), Duration::ZERO, 0);
            }
        }
    }

    /// True when the run under way has had less than its time.
    pub(super) fn is_starved(&self) -> bool {
        let (Some(now), Some(asked)) = (time_of(self.process), self.asked) else { return false };
        now.saturating_sub(asked).saturating_sub(self.told) < self.soft
    }
}

impl<R: Read> Read for Fair<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for _ in 0..MORE {
            match self.inner.read(buffer) {
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
                        && self.is_starved() => {}
                other => return other,
            }
        }
        self.inner.read(buffer)
    }
}

/// What a process with one thread has had of the processor (proc_pid_schedstat(5)).
fn time_of(process: u32) -> Option<Duration> {
    let told = fs::read_to_string(format!("/proc/{process}/schedstat")).ok()?;
    told.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
