use crate::backend::Offset;
use crate::id::{Epoch, MessageId, PeerId, ShardId};
use crate::outcome::FinalState;

/// A rule that was broken, and by what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Rule 1.
    #[error("message {message} was answered before it was durable")]
    AnsweredBeforeDurable {
        /// The message.
        message: MessageId,
    },
    /// Rules 1 and 2: accepted, and neither open nor ended.
    #[error("message {message} was accepted and is lost")]
    Lost {
        /// The message.
        message: MessageId,
    },
    /// Rule 2.
    #[error("message {message} has an outcome and is open")]
    EndedAndOpen {
        /// The message.
        message: MessageId,
    },
    /// Rule 2.
    #[error("message {message} ended as {first} and again as {second}")]
    EndedTwice {
        /// The message.
        message: MessageId,
        /// The outcome it had.
        first: FinalState,
        /// The other one.
        second: FinalState,
    },
    /// Rule 2.
    #[error("message {message} ended, but was never accepted")]
    NeverAccepted {
        /// The message.
        message: MessageId,
    },
    /// Rule 2, as sums.
    #[error("{accepted} messages accepted, but {ended} ended and {open} open")]
    Unbalanced {
        /// Accepted.
        accepted: u64,
        /// Ended.
        ended: u64,
        /// Open.
        open: u64,
    },
    /// Rule 2: an outcome that says more than what happened.
    #[error("message {message} ended as {outcome}, but no receiver saw it")]
    NeverSeen {
        /// The message or part.
        message: MessageId,
        /// What its CDR says.
        outcome: FinalState,
    },
    /// Rule 3.
    #[error("shard {shard} took a commit of epoch {} in epoch {}", .offered.0, .held.0)]
    EpochOrder {
        /// The shard.
        shard: ShardId,
        /// The epoch in force.
        held: Epoch,
        /// That of the commit.
        offered: Epoch,
    },
    /// Rule 3: a part of the log is handled twice.
    #[error("the position of shard {shard} went from {} back to {}", .held.0, .offered.0)]
    PositionBack {
        /// The shard.
        shard: ShardId,
        /// Where it was.
        held: Offset,
        /// Where the commit puts it.
        offered: Offset,
    },
    /// Rule 4.
    #[error("message {message} was seen {times} times, and its CDR does not say that it may be")]
    UnmarkedDuplicate {
        /// The message or part.
        message: MessageId,
        /// How often.
        times: u32,
    },
    /// Rule 4: only what was in a window when something was interrupted may come twice.
    #[error("message {message} was seen {times} times, but no attempt of it was interrupted")]
    NeedlessDuplicate {
        /// The message or part.
        message: MessageId,
        /// How often.
        times: u32,
    },
    /// Rules 4 and 6.
    #[error("{found} attempts to {peer:?} were unanswered at once, its window is {window}")]
    WindowExceeded {
        /// The peer.
        peer: PeerId,
        /// How many.
        found: usize,
        /// How many there may be.
        window: usize,
    },
    /// Section 2: a permit is a committed attempt.
    #[error("attempt {attempt} of message {message} was transmitted, but no commit released it")]
    NotPermitted {
        /// The message or part.
        message: MessageId,
        /// The attempt.
        attempt: u16,
    },
    /// Section 2: a zombie does not transmit.
    #[error("attempt {attempt} of message {message} was transmitted {late_ns} ns after its deadline")]
    AfterDeadline {
        /// The message or part.
        message: MessageId,
        /// The attempt.
        attempt: u16,
        /// How late, in nanoseconds.
        late_ns: u64,
    },
    /// Requirement MQ-33.
    #[error("CDR {id} was published, but no commit has it")]
    PublishedUncommitted {
        /// The record's id.
        id: String,
    },
    /// Requirement MQ-33.
    #[error("CDR {id} was published twice")]
    PublishedTwice {
        /// The record's id.
        id: String,
    },
    /// Requirement MQ-33.
    #[error("CDR {id} was committed and never published")]
    Unpublished {
        /// The record's id.
        id: String,
    },
    /// Requirement MQ-33.
    #[error("the publication has sequence {found} after {last}")]
    SequenceGap {
        /// The last one.
        last: u64,
        /// The one that came.
        found: u64,
    },
}
