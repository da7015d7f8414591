//! What a turn did, for metrics and logs; carries no number and no text.

use std::time::Duration;

use crate::id::{AccountId, LinkId, MessageId, PeerId};
use crate::message::Direction;
use crate::outcome::{ErrorClass, FinalState, Reason};

/// One thing that happened in a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A message was accepted.
    Accepted {
        /// Which way it goes.
        direction: Direction,
        /// The account that submitted it.
        account: Option<AccountId>,
        /// The link that brought it.
        link: Option<LinkId>,
        /// True for a test.
        test: bool,
    },
    /// Something offered was not taken.
    Refused {
        /// The name of the [`Refusal`](super::effect::Refusal).
        why: &'static str,
        /// The account that offered it.
        account: Option<AccountId>,
    },
    /// An attempt was released.
    Released {
        /// To whom.
        peer: PeerId,
    },
    /// A peer refused an attempt.
    AttemptFailed {
        /// Who.
        peer: PeerId,
        /// What it means.
        class: ErrorClass,
    },
    /// An attempt's fate is unknown.
    InDoubt {
        /// To whom it went.
        peer: PeerId,
    },
    /// A message ended.
    Ended {
        /// Which way it went.
        direction: Direction,
        /// To whom it went last.
        peer: Option<PeerId>,
        /// The outcome.
        outcome: FinalState,
        /// Why.
        reason: Reason,
        /// From acceptance to the end.
        after: Duration,
        /// True for a test.
        test: bool,
    },
    /// A message asked for a longer validity than its account may have, and has the longest.
    ValidityCut {
        /// The account.
        account: AccountId,
        /// The message.
        message: MessageId,
        /// By how much.
        by: Duration,
    },
    /// The answer to an idempotency key was forgotten before its time, for want of room.
    KeyForgotten,
    /// A copy of an MO message that was taken before.
    DuplicateMo {
        /// Who brought it.
        link: LinkId,
    },
    /// The parts of a message that a receiver takes whole were all there, or were waited for no longer.
    Gathered {
        /// Which way it goes.
        direction: Direction,
        /// False when parts never came.
        complete: bool,
    },
    /// There was no room to wait for the other parts of a message: this one goes by itself.
    PartAlone {
        /// Which way it goes.
        direction: Direction,
        /// The bound that was reached.
        why: &'static str,
    },
    /// A receipt did not lead to one open message.
    ReceiptStray {
        /// Who brought it.
        link: LinkId,
        /// Why.
        why: Stray,
    },
    /// A row of the store could not be read; it stays where it is.
    RowDamaged {
        /// What is wrong with it.
        why: String,
    },
}

/// Why a receipt led nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stray {
    /// It came before the response to its message and is parked.
    Early,
    /// It was parked, and the message never came.
    Unmatched,
    /// Two messages fit.
    Ambiguous,
    /// The message has its outcome already, the same.
    Repeated,
    /// The message has its outcome already: the CDR is amended.
    Late,
    /// There was no room to park it.
    NoRoom,
}

impl Stray {
    /// The name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Unmatched => "unmatched",
            Self::Ambiguous => "ambiguous",
            Self::Repeated => "repeated",
            Self::Late => "late",
            Self::NoRoom => "no_room",
        }
    }
}
