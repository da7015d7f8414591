use serde::{Deserialize, Serialize};

use crate::Key;

/// What kind of traffic a message is (shared rule 3). Only [`OriginClass::User`] is counted; the others are
/// tallied as excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OriginClass {
    /// A message somebody wrote or ordered: counted.
    User,
    /// A delivery receipt.
    Receipt,
    /// A further try of a message that was counted at its first.
    Retry,
    /// A billing-augmentation message.
    Augmentation,
    /// A notification the system made, opt-out confirmations among them.
    Notification,
    /// Traffic of test mode.
    Test,
}

impl OriginClass {
    /// How many classes there are.
    pub const COUNT: usize = 6;

    /// Every class, in the order of [`OriginClass::index`].
    pub const ALL: [OriginClass; Self::COUNT] = [
        OriginClass::User,
        OriginClass::Receipt,
        OriginClass::Retry,
        OriginClass::Augmentation,
        OriginClass::Notification,
        OriginClass::Test,
    ];

    /// The place of the class in an array of tallies.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// One message as the counters see it (DC-01).
#[derive(Debug, Clone, Copy)]
pub struct Sighting {
    /// Who sent it; [`Key::missing`] when the message has no source.
    pub source: Key,
    /// Whom it is for: user, carrier or intermediary vendor (DC-17).
    pub destination: Key,
    /// Carrier it came from, after number portability where that matters (DC-15).
    pub source_carrier: Option<u32>,
    /// Carrier it goes to, after number portability (DC-15).
    pub destination_carrier: Option<u32>,
    /// The group of origination numbers the source belongs to, if any (DC-21).
    pub group: Option<u32>,
    /// Origin class; only user traffic is counted.
    pub class: OriginClass,
    /// Hash of the body, 0 when unknown. Identical bodies are a sign of a loop.
    pub body_hash: u64,
    /// Hop or forward count of the message, 0 when unknown. A growing one is a sign of a loop.
    pub hops: u16,
    /// Id of the message, kept as a sample with an alarm.
    pub message_id: u128,
    /// False for the later parts of one long message; policies count per message or per part.
    pub first_part: bool,
}

impl Sighting {
    /// A user's message of one part between two addresses, nothing else known.
    pub fn new(source: Key, destination: Key, message_id: u128) -> Sighting {
        Sighting {
            source,
            destination,
            source_carrier: None,
            destination_carrier: None,
            group: None,
            class: OriginClass::User,
            body_hash: 0,
            hops: 0,
            message_id,
            first_part: true,
        }
    }
}
