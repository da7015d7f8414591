//! When a message that a peer did not take is tried again.

mod delay;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use delay::Delay;

use crate::outcome::{ErrorClass, Reason};
use crate::time::Micros;

/// The tries after errors of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tries {
    /// Waiting times after the first, second ... failed attempt; the last one repeats. None means no retry.
    pub delays: Vec<Delay>,
    /// Attempts in all, the first one included; without it, until validity ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// By so many per cent a waiting time is shorter or longer at random; at most 50.
    #[serde(default = "some_jitter")]
    pub jitter_percent: u8,
}

const fn some_jitter() -> u8 {
    10
}

impl Tries {
    fn every(seconds: &[u64]) -> Self {
        let delays = seconds.iter().map(|&seconds| Delay::seconds(seconds)).collect();
        Self { delays, attempts: None, jitter_percent: some_jitter() }
    }

    fn jittered(&self, delay: Duration, random: u64) -> Duration {
        let micros = delay.as_micros();
        let spread = micros * u128::from(self.jitter_percent.min(50)) / 100;
        // The upper half of `random` times the width: even enough, and within the bound.
        let offset = (u128::from(random >> 32) * (2 * spread + 1)) >> 32;
        Duration::from_micros(u64::try_from(micros - spread + offset).unwrap_or(u64::MAX))
    }
}

/// The tries after each class of error, of a link or of the whole node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetrySchedule {
    /// After [`ErrorClass::Temporary`].
    pub temporary: Tries,
    /// After [`ErrorClass::Permanent`]; no retries unless a peer is known to mean something else by it.
    pub permanent: Tries,
    /// After [`ErrorClass::Throttling`], for a message that cannot go back to the head of its queue.
    pub throttling: Tries,
    /// After [`ErrorClass::QueueFull`], likewise.
    pub queue_full: Tries,
    /// After [`ErrorClass::Fatal`]: soon, since another session or link is to take it.
    pub fatal: Tries,
}

impl Default for RetrySchedule {
    /// Temporary errors: half a minute, then slower up to every four hours, which is how long a telephone is
    /// typically switched off over night.
    fn default() -> Self {
        Self {
            temporary: Tries::every(&[30, 120, 300, 900, 1800, 3600, 7200, 14_400]),
            permanent: Tries::every(&[]),
            throttling: Tries::every(&[1]),
            queue_full: Tries::every(&[5, 10, 30, 60]),
            fatal: Tries::every(&[1, 5, 15, 60, 300]),
        }
    }
}

/// What becomes of a message after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It is tried again at this instant.
    At(Micros),
    /// It fails for this reason.
    GiveUp(Reason),
}

/// A schedule that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetryError {
    /// Retries without a pause would be a loop.
    #[error("{class}.delays[{position}] is {delay}, the least is {}", Delay::LEAST)]
    TooShort {
        /// The section.
        class: &'static str,
        /// From 0.
        position: usize,
        /// What it says.
        delay: Delay,
    },
    /// A waiting time that no validity period outlasts.
    #[error("{class}.delays[{position}] is {delay}, the most is {}", Delay::MOST)]
    TooLong {
        /// The section.
        class: &'static str,
        /// From 0.
        position: usize,
        /// What it says.
        delay: Delay,
    },
    /// The first attempt counts.
    #[error("{class}.attempts is 0, the first attempt counts as one")]
    NoAttempt {
        /// The section.
        class: &'static str,
    },
    /// More attempts than one without any waiting time.
    #[error("{class}.attempts is {attempts}, but {class}.delays is empty")]
    NoDelay {
        /// The section.
        class: &'static str,
        /// What it says.
        attempts: u32,
    },
    /// Too much chance.
    #[error("{class}.jitter_percent is {percent}, the most is 50")]
    Jitter {
        /// The section.
        class: &'static str,
        /// What it says.
        percent: u8,
    },
}

impl RetrySchedule {
    /// The tries after errors of a class.
    #[must_use]
    pub fn tries(&self, class: ErrorClass) -> &Tries {
        match class {
            ErrorClass::Temporary => &self.temporary,
            ErrorClass::Permanent => &self.permanent,
            ErrorClass::Throttling => &self.throttling,
            ErrorClass::QueueFull => &self.queue_full,
            ErrorClass::Fatal => &self.fatal,
        }
    }

    /// What follows when attempt number `attempt` (from 1) fails at `now` with an error of this class, for a
    /// message that is worth nothing from `expires_at` on. `random` spreads the tries.
    ///
    /// A waiting time that would outlast validity is cut to half of what remains, for a last try, as long as
    /// that is no shorter than the schedule's first.
    #[must_use]
    pub fn next(
        &self,
        class: ErrorClass,
        attempt: u32,
        now: Micros,
        expires_at: Micros,
        random: u64,
    ) -> Retry {
        let tries = self.tries(class);
        let done = attempt.max(1);
        let (Some(first), Some(last)) = (tries.delays.first(), tries.delays.last()) else {
            let refused = class == ErrorClass::Permanent;
            return Retry::GiveUp(if refused { Reason::PeerRefused } else { Reason::RetriesExhausted });
        };
        if tries.attempts.is_some_and(|most| done >= most) {
            return Retry::GiveUp(Reason::RetriesExhausted);
        }
        let delay = tries.delays.get(done as usize - 1).unwrap_or(last);
        let at = now.after(tries.jittered(delay.duration(), random));
        if at < expires_at {
            return Retry::At(at);
        }
        let half = expires_at.since(now) / 2;
        if half < first.duration() {
            return Retry::GiveUp(Reason::ValidityEnded);
        }
        Retry::At(now.after(half))
    }

    /// Checks the schedule.
    ///
    /// # Errors
    /// The first thing that makes no sense.
    pub fn validate(&self) -> Result<(), RetryError> {
        for class in ErrorClass::ALL {
            let (name, tries) = (name_of(class), self.tries(class));
            if tries.jitter_percent > 50 {
                return Err(RetryError::Jitter { class: name, percent: tries.jitter_percent });
            }
            for (position, &delay) in tries.delays.iter().enumerate() {
                if delay < Delay::LEAST {
                    return Err(RetryError::TooShort { class: name, position, delay });
                }
                if delay > Delay::MOST {
                    return Err(RetryError::TooLong { class: name, position, delay });
                }
            }
            match tries.attempts {
                Some(0) => return Err(RetryError::NoAttempt { class: name }),
                Some(attempts @ 2..) if tries.delays.is_empty() => {
                    return Err(RetryError::NoDelay { class: name, attempts });
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }
}

fn name_of(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Temporary => "temporary",
        ErrorClass::Permanent => "permanent",
        ErrorClass::Throttling => "throttling",
        ErrorClass::QueueFull => "queue_full",
        ErrorClass::Fatal => "fatal",
    }
}
