//! Which class has its turn.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::CLASSES;
use crate::message::TrafficClass;
use crate::time::{Mono, Since};

/// How much less urgent classes get while more urgent ones wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fairness {
    /// A class with waiting items gets at least one of so many releases; at least 4.
    pub one_of: u32,
    /// The same for a class whose first item has waited too long; at least 4.
    pub one_of_when_old: u32,
    /// How long is too long, in seconds.
    pub old_after_seconds: u32,
}

impl Default for Fairness {
    fn default() -> Self {
        Self { one_of: 20, one_of_when_old: 5, old_after_seconds: 60 }
    }
}

/// Shares that cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}, but four classes need at least 4")]
pub struct FairnessError {
    /// The setting.
    pub field: &'static str,
    /// What it says.
    pub value: u32,
}

impl Fairness {
    /// Checks that the shares can be kept.
    ///
    /// # Errors
    /// When a share is more than four classes can have.
    pub fn validate(&self) -> Result<(), FairnessError> {
        for (field, value) in [("one_of", self.one_of), ("one_of_when_old", self.one_of_when_old)] {
            if (value as usize) < CLASSES {
                return Err(FairnessError { field, value });
            }
        }
        Ok(())
    }
}

/// Counts the releases that passed each class over.
pub(super) struct Turns {
    fairness: Fairness,
    passed: [u32; CLASSES],
}

impl Turns {
    pub(super) fn new(fairness: Fairness) -> Self {
        Self { fairness, passed: [0; CLASSES] }
    }

    pub(super) fn set(&mut self, fairness: Fairness) {
        self.fairness = fairness;
    }

    /// The class to release from, given since when the head of each has waited.
    pub(super) fn next(&mut self, heads: [Option<Since>; CLASSES], now: Mono) -> Option<TrafficClass> {
        let urgent = TrafficClass::ALL.into_iter().find(|class| heads[class.index()].is_some())?;
        let due = TrafficClass::ALL
            .into_iter()
            .filter(|class| heads[class.index()].is_some_and(|since| self.is_due(*class, since, now)))
            .max_by_key(|class| self.passed[class.index()]);
        let chosen = due.unwrap_or(urgent);
        for class in TrafficClass::ALL {
            let passed = &mut self.passed[class.index()];
            let passed_over = class != chosen && heads[class.index()].is_some();
            *passed = if passed_over { passed.saturating_add(1) } else { 0 };
        }
        Some(chosen)
    }

    /// Three classes may become due at once, so each is due so much earlier.
    fn is_due(&self, class: TrafficClass, since: Since, now: Mono) -> bool {
        let old = since.age(now) >= Duration::from_secs(self.fairness.old_after_seconds.into());
        let one_of =
            if old { self.fairness.one_of_when_old.min(self.fairness.one_of) } else { self.fairness.one_of };
        self.passed[class.index()] >= one_of.saturating_sub(CLASSES as u32 - 1).max(1)
    }
}
