//! One message that an agent is to see, and who has it (TXS-20).

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_core::address::Address;
use signalbox_core::id::MessageId;
use signalbox_core::scope::ConversationId;
use signalbox_core::time::Micros;

use crate::conversation::RowError;

/// First octet of a row.
const FORMAT: u8 = 2;
/// The same without the mark of tests, which is the last of it.
const WITHOUT_TEST: u8 = 1;

/// The highest priority.
pub const MOST_URGENT: u8 = 100;

/// Who has a message, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The agent, by name.
    pub by: String,
    /// When it goes back into its queue, if nothing is heard of him (D11).
    pub until: Micros,
}

/// A message that an agent is to see. While one has it the conversation is his: no script answers in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Its number: the message's, or that of the run which asked for an agent without one.
    pub id: MessageId,
    /// Whose; zero when the message is nobody's.
    pub account: u32,
    /// The sub-campaign that the message is of; zero for none.
    pub sub_campaign: u32,
    /// The queue; zero for the account's own.
    pub queue: u32,
    /// Its place before others, 0 to 100.
    pub priority: u8,
    /// The device.
    pub device: Address,
    /// Our address.
    pub source: Address,
    /// What the device wrote, cut at the limit; what the agent wrote, where he began the conversation.
    pub text: String,
    /// When the message came.
    pub at: Micros,
    /// What kind of message it is, by name; `agent` where an agent began the conversation.
    pub kind: String,
    /// Why an agent is to see it.
    pub reason: String,
    /// True when something else answers it, too.
    pub answered: bool,
    /// Who has it.
    pub held: Option<Held>,
    /// The agent who gave it back: it is for another one.
    pub returned_by: Option<String>,
    /// True for a test (MQ-10).
    pub test: bool,
}

/// What kind of message begins a conversation of an agent.
pub const BEGUN: &str = "agent";

impl Work {
    /// Its conversation.
    #[must_use]
    pub fn conversation(&self) -> ConversationId {
        ConversationId::of(&self.device, &self.source)
    }

    /// Its place in a list.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { rank: MOST_URGENT.saturating_sub(self.priority), at: self.at, id: self.id }
    }

    /// True where an agent began the conversation: there is no message that another one is to see.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.kind == BEGUN
    }

    /// The row.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        postcard::to_extend(self, vec![FORMAT]).expect("a vector takes any number of octets").into()
    }

    /// The message of a row.
    ///
    /// # Errors
    /// When the row is damaged or of another format.
    pub fn decode(row: &[u8]) -> Result<Self, RowError> {
        match row.split_first() {
            Some((&FORMAT, rest)) => Ok(postcard::from_bytes(rest)?),
            Some((&WITHOUT_TEST, rest)) => Ok(postcard::from_bytes(&[rest, &[0]].concat())?),
            other => Err(RowError::Format(other.map(|(format, _)| *format))),
        }
    }
}

/// A place among messages for agents: the more urgent first, then the older.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// 100 less the priority.
    pub rank: u8,
    /// When the message came.
    pub at: Micros,
    /// Its number.
    pub id: MessageId,
}
