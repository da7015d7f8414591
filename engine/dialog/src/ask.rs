//! What agents, and those who watch over them, want of the dialog server, and what they get.

use std::time::Duration;

use signalbox_core::address::Address;
use signalbox_core::exchange::ReplyTo;
use signalbox_core::id::MessageId;

use crate::conversation::Past;
use crate::desk::Seen;
use crate::work::{Place, Work};

/// Somebody wants something. It is answered once what it did is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentAsk {
    /// Who waits for the answer.
    pub reply: ReplyTo,
    /// The agent, by name.
    pub agent: String,
    /// The accounts whose messages he sees (MQ-31).
    pub seen: Seen,
    /// What.
    pub wanted: Wanted,
}

/// See [`AgentAsk`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A page of messages: those that wait, or those in the hands of agents.
    List {
        /// True for those in hands.
        held: bool,
        /// Of this queue alone; zero is the account's own.
        queue: Option<u32>,
        /// Those after this place.
        after: Option<Place>,
        /// So many.
        most: usize,
    },
    /// One message and its conversation.
    Show(MessageId),
    /// The next messages that wait. Those of one conversation come together.
    Take {
        /// Of this queue alone.
        queue: Option<u32>,
        /// So many, but for more of the same conversation.
        most: usize,
        /// For how long, if nothing is heard of him.
        lease: Duration,
    },
    /// This message, or more time for it, and for all of its conversation.
    Hold {
        /// Which.
        id: MessageId,
        /// For how long.
        lease: Duration,
    },
    /// A text in its conversation, from the address that the device wrote to.
    Answer {
        /// Which message he answers.
        id: MessageId,
        /// What he writes.
        text: AgentText,
        /// `None` ends his work with it; otherwise the conversation stays his for so long.
        lease: Option<Duration>,
    },
    /// An end of his work with it.
    Finish(MessageId),
    /// Gives it back, or on to another queue.
    HandOn {
        /// Which.
        id: MessageId,
        /// Where; the one that it is in, when it is for another agent.
        queue: Option<u32>,
    },
    /// A conversation that the agent begins (TXS-09).
    Begin(Box<Begun>),
}

/// What an agent writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentText {
    /// The text.
    pub text: String,
    /// Its program; `None` for the sub-campaign's first.
    pub program: Option<String>,
    /// The client id of the device's contact, or empty.
    pub client_id: String,
}

/// A conversation that an agent begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The account.
    pub account: u32,
    /// The sub-campaign that it counts as part of (TAP-15).
    pub sub_campaign: u32,
    /// To whom.
    pub device: Address,
    /// What.
    pub text: AgentText,
    /// How long the conversation is his.
    pub lease: Duration,
}

/// What an agent gets.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentAnswer {
    /// Messages, one more than asked for where there are more.
    Work(Vec<Work>),
    /// A message and its conversation, oldest first.
    Conversation(Box<Work>, Vec<Past>),
    /// His text is queued; it passes the send gate before it leaves.
    Sent {
        /// The text.
        message: MessageId,
        /// The message that he answered, or the conversation that he began.
        work: Box<Work>,
    },
}

/// Why an agent does not get what he wants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AgentRefusal {
    /// There is none of this number among those that he sees.
    #[error("there is no such message for agents")]
    Absent,
    /// Another agent has it.
    #[error("the agent `{0}` has it")]
    Held(String),
    /// He has not taken it.
    #[error("it has not been taken")]
    NotTaken,
    /// The queue is not one of the message's account.
    #[error("the account has no such queue")]
    NoQueue,
    /// There is no such sub-campaign of the account, or that of the message is gone.
    #[error("the account has no such sub-campaign")]
    NoSubCampaign,
    /// The sub-campaign does not run.
    #[error("the sub-campaign is not running")]
    NotRunning,
    /// The account has no contract for text messages (ACC-05).
    #[error("the account is not contracted for text messages")]
    NotContracted,
    /// The destination is no number.
    #[error("the device is no number")]
    NoDevice,
    /// Something answers the device at this moment.
    #[error("something else answers the device at this moment")]
    Busy,
    /// No source address may send it, by the name of the reason.
    #[error("no source address may send it: {0}")]
    NoSource(String),
    /// The exchange does not take the text.
    #[error("the text is not taken: {reason}")]
    Refused {
        /// The name of the reason.
        reason: &'static str,
        /// True when it may be taken later.
        temporary: bool,
    },
    /// As many messages are with agents as may be.
    #[error("{0} messages are with agents, the limit")]
    Full(usize),
}
