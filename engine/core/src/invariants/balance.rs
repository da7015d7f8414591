use super::Violation;
use crate::outcome::FinalState;

/// Accepted messages against outcomes and open ones (rule 2), as sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Messages accepted.
    pub accepted: u64,
    /// Those that have no outcome yet.
    pub open: u64,
    /// How many ended in each state, in the order of [`FinalState::ALL`].
    pub ended: [u64; FinalState::ALL.len()],
}

impl Balance {
    /// Counts an outcome.
    pub fn end(&mut self, outcome: FinalState) {
        self.ended[index(outcome)] += 1;
    }

    /// How many ended so.
    #[must_use]
    pub fn ended(&self, outcome: FinalState) -> u64 {
        self.ended[index(outcome)]
    }

    /// How many ended in all.
    #[must_use]
    pub fn ended_in_all(&self) -> u64 {
        self.ended.iter().sum()
    }

    /// # Errors
    /// [`Violation::Unbalanced`] when the sums differ.
    pub fn check(&self) -> Result<(), Violation> {
        let (accepted, ended, open) = (self.accepted, self.ended_in_all(), self.open);
        if accepted == ended + open {
            return Ok(());
        }
        Err(Violation::Unbalanced { accepted, ended, open })
    }
}

fn index(outcome: FinalState) -> usize {
    match outcome {
        FinalState::Delivered => 0,
        FinalState::Accepted => 1,
        FinalState::Failed => 2,
        FinalState::Rejected => 3,
        FinalState::Expired => 4,
        FinalState::Cancelled => 5,
        FinalState::Replaced => 6,
        FinalState::Unknown => 7,
        FinalState::Filtered => 8,
    }
}
