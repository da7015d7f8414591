//! What judging asks of a campaign's database.

use jiff::Timestamp;

use crate::entry::{EntryId, Participant};
use crate::judge::Submission;

/// A code of a batch, as the database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeState {
    /// The batch has no such code.
    Unknown,
    /// Nobody handed it in.
    Unused,
    /// It was handed in with this entry.
    Used(EntryId),
}

/// A campaign's database inside one transaction: what is asked and what is accepted after it are one step, which no
/// other entry comes between (CM-12). What was accepted before in the same transaction counts.
pub trait Ledger {
    /// Why it cannot answer. The whole transaction is given up then, and nobody is told anything.
    type Error;

    /// Submissions of a participant that were received at `since` or later; it may stop counting at `enough`.
    ///
    /// # Errors
    /// When the database fails; so with all that follow.
    fn of_participant(
        &mut self,
        participant: &Participant,
        since: Option<Timestamp>,
        enough: u64,
    ) -> Result<u64, Self::Error>;

    /// All submissions.
    ///
    /// # Errors
    /// When the database fails.
    fn total(&mut self) -> Result<u64, Self::Error>;

    /// What a code of a batch is.
    ///
    /// # Errors
    /// When the database fails.
    fn code(&mut self, batch: &str, code: &str) -> Result<CodeState, Self::Error>;

    /// Votes granted to a participant beyond those that everyone has, less those used (CM-14).
    ///
    /// # Errors
    /// When the database fails.
    fn votes_left(&mut self, participant: &Participant) -> Result<i64, Self::Error>;

    /// How many have won a prize.
    ///
    /// # Errors
    /// When the database fails.
    fn winners(&mut self, prize: &str) -> Result<u64, Self::Error>;

    /// Stores a submission, marks its codes as used, takes away a prepaid vote and counts all of it.
    ///
    /// # Errors
    /// When the database fails.
    fn accept(&mut self, submission: &Submission) -> Result<(), Self::Error>;
}
