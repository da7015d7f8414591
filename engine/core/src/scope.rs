//! For whom and for what a message of our own leaves: what the send gate asks of it, and whom its end is told.

use serde::{Deserialize, Serialize};
use signalbox_consent::LineType;

use crate::address::Address;
use crate::id::{MessageId, ShardId};

/// What a conversation is known by: device and source address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConversationId {
    /// The device's shard, in which it lives.
    pub shard: ShardId,
    /// Hash of both addresses.
    pub key: [u8; 16],
}

impl ConversationId {
    /// The conversation of these two.
    #[must_use]
    pub fn of(device: &Address, source: &Address) -> Self {
        let both = [device.key(), &[0], source.key()].concat();
        Self { shard: device.shard(), key: xxhash_rust::xxh3::xxh3_128(&both).to_be_bytes() }
    }
}

/// For what a text is, which says what the send gate asks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// The first message to a device, of our own accord.
    Begin,
    /// An answer in a dialog.
    Answer,
    /// The one confirmation of an opt-out (OPT-04).
    OptOutConfirmation,
    /// The answer to a request for help.
    Help,
    /// The answer to an opt-in.
    OptIn,
    /// What an agent writes of his own accord.
    Agent,
}

/// See the [module](self).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// For what.
    pub purpose: Purpose,
    /// Its conversation.
    pub conversation: ConversationId,
    /// The attempt group that it is one of (API-08).
    pub group: MessageId,
    /// Number of the enterprise.
    pub enterprise: u32,
    /// Number of the account.
    pub account: u32,
    /// Number of the campaign, zero for none.
    pub campaign: u32,
    /// Number of the sub-campaign.
    pub sub_campaign: u32,
    /// Number of the source address.
    pub address: u32,
    /// The approved program (TXS-13).
    pub program: Box<str>,
    /// The client id of its contact, or empty.
    pub client_id: Box<str>,
    /// True for test traffic.
    pub test: bool,
    /// What the account has told of its contact.
    pub facts: ContactFacts,
}

/// What an account tells of a contact that the send gate asks for; empty where it tells nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactFacts {
    /// The time zone, an IANA name.
    pub zone: Box<str>,
    /// The state or province, as `US-FL` (ISO 3166-2).
    pub state: Box<str>,
    /// The postal code.
    pub postal: Box<str>,
    /// What the number is (CON-07).
    pub line: LineType,
}
