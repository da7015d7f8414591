//! How often, and how fast, something that failed is started again.

use std::collections::VecDeque;
use std::time::Duration;

use signalbox_core::time::Mono;

/// Restarts allowed in a span of time, and the waits before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intensity {
    /// So many failures are followed by a restart ...
    pub restarts: u32,
    /// ... within this time.
    pub within: Duration,
    /// The first wait; it doubles with each failure in that time.
    pub wait: Duration,
    /// The longest wait.
    pub wait_max: Duration,
}

impl Default for Intensity {
    fn default() -> Self {
        Self {
            restarts: 10,
            within: Duration::from_secs(60),
            wait: Duration::from_millis(100),
            wait_max: Duration::from_secs(30),
        }
    }
}

/// The failures of one child.
#[derive(Clone, Debug, Default)]
pub struct Restarts {
    failures: VecDeque<Mono>,
}

impl Restarts {
    /// Counts a failure. The wait before the restart, half to all of what the doubling says, by `random`; `None`
    /// when there have been too many.
    pub fn failed(&mut self, now: Mono, random: u64, intensity: &Intensity) -> Option<Duration> {
        while self.failures.front().is_some_and(|&at| now - at > intensity.within) {
            self.failures.pop_front();
        }
        self.failures.push_back(now);
        let count = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        if count > intensity.restarts {
            return None;
        }
        let wait = intensity.wait.saturating_mul(1 << (count - 1).min(20)).min(intensity.wait_max);
        // Between 50 and 100 percent, so that many that failed together do not return together.
        Some(wait * u32::try_from(50 + random % 51).unwrap_or(100) / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTENSITY: Intensity = Intensity {
        restarts: 4,
        within: Duration::from_secs(10),
        wait: Duration::from_millis(100),
        wait_max: Duration::from_millis(300),
    };

    #[test]
    fn waits_double_up_to_the_longest_and_then_it_is_given_up() {
        let mut restarts = Restarts::default();
        let waits: Vec<Option<u128>> =
            (0..5).map(|n| restarts.failed(Mono(n), 50, &INTENSITY).map(|wait| wait.as_millis())).collect();
        assert_eq!(waits, [Some(100), Some(200), Some(300), Some(300), None]);
    }

    #[test]
    fn old_failures_do_not_count() {
        let mut restarts = Restarts::default();
        for second in 0..100 {
            let now = Mono(second * 11_000_000_000);
            assert_eq!(restarts.failed(now, 50, &INTENSITY), Some(Duration::from_millis(100)));
        }
    }

    #[test]
    fn the_jitter_takes_up_to_half() {
        let mut restarts = Restarts::default();
        assert_eq!(restarts.failed(Mono(0), 0, &INTENSITY), Some(Duration::from_millis(50)));
    }
}
