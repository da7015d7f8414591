//! Identifiers: messages, shards, epochs, sessions, permits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
pub use signalbox_routing::{AccountId, CarrierId, LinkId};

use crate::time::Micros;

/// Number of shards, fixed when a cluster is created.
pub const SHARDS: u16 = 256;

/// One of the [`SHARDS`] partitions of keys; exactly one node owns it at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ShardId(u16);

impl ShardId {
    /// The one with the highest number.
    pub const LAST: Self = Self(SHARDS - 1);

    /// The shard of a normalised key (the digits of a device, an address that is no number).
    ///
    /// The hash and its seed are frozen: a change moves every key to another owner.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(key, 0x5349_474e_414c);
        Self((hash % u64::from(SHARDS)) as u16)
    }

    /// The shard with this number, if there is one.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (number < SHARDS).then_some(Self(number))
    }

    /// The shard's number, below [`SHARDS`].
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// All shards in order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SHARDS).map(Self)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The term of an owner of a shard; a commit with an older one is refused (rule 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub u64);

/// Identity of a message, 128 bits, ordered by time: 64 bits UTC microseconds, 16 bits shard,
/// 40 bits from the exchange's [`Random`](crate::backend::Random), 8 bits number of the part, zero for the whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "u128", into = "u128")]
pub struct MessageId {
    // Two halves instead of a u128, whose alignment would cost a row of open messages 8 octets for each id.
    high: u64,
    low: u64,
}

impl From<u128> for MessageId {
    fn from(number: u128) -> Self {
        Self { high: (number >> 64) as u64, low: number as u64 }
    }
}

impl From<MessageId> for u128 {
    fn from(id: MessageId) -> Self {
        id.as_u128()
    }
}

impl MessageId {
    /// An id for a message accepted at `at` in `shard`; `entropy` keeps ids of one instant apart.
    #[must_use]
    pub fn new(at: Micros, shard: ShardId, entropy: u64) -> Self {
        let shard = u64::from(shard.number()) << 48;
        Self { high: at.0.max(0).cast_unsigned(), low: shard | entropy & 0xffff_ffff_ffff }
    }

    /// The shard that owns the message.
    #[must_use]
    pub fn shard(self) -> ShardId {
        ShardId(((self.low >> 48) as u16) % SHARDS)
    }

    /// When it was accepted.
    #[must_use]
    pub fn accepted_at(self) -> Micros {
        Micros(self.high.cast_signed())
    }

    /// The id of part `number` (from 1) of this message: it follows from the whole's, so that whoever cuts the
    /// message again finds the same.
    #[must_use]
    pub fn part(self, number: u8) -> Self {
        Self { low: self.whole().low | u64::from(number), ..self }
    }

    /// The message that this is a part of, or itself.
    #[must_use]
    pub fn whole(self) -> Self {
        Self { low: self.low & !0xff, ..self }
    }

    /// The 16 octets, most significant first, so that byte order is time order.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.as_u128().to_be_bytes()
    }

    /// The id with these octets.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        u128::from_be_bytes(bytes).into()
    }

    /// The id as a number.
    #[must_use]
    pub fn as_u128(self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.as_u128())
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

/// A text that is no message id: not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message id has 32 hexadecimal digits")]
pub struct InvalidMessageId;

impl FromStr for MessageId {
    type Err = InvalidMessageId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(InvalidMessageId);
        }
        u128::from_str_radix(text, 16).map(Self::from).map_err(|_| InvalidMessageId)
    }
}

/// One bound session of a peer, numbered by the node as it comes up; never reused while the node lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub u64);

impl SessionId {
    /// That of the dialog server; nodes number theirs from 1.
    pub const DIALOG: Self = Self(0);
}

/// A configured HTTP target of receipts and MO messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WebhookId(pub u32);

/// Who takes messages from the exchange: each has one queue, filled by it and emptied by its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PeerId {
    /// An aggregator or carrier that we are bound to as ESME.
    Link(LinkId),
    /// A peer that binds to us; its bound receivers take receipts and MO messages.
    Account(AccountId),
    /// An HTTP target.
    Webhook(WebhookId),
    /// The dialog server of this node, which takes what devices write to source addresses.
    Dialog,
}

/// Leave to make one attempt: names the entry of the exchange that it belongs to.
///
/// Opaque to links, which give it back with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermitId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_its_time_and_shard() {
        let shard = ShardId::of(b"4917612345678");
        let id = MessageId::new(Micros(1_790_000_000_123_456), shard, u64::MAX);
        assert_eq!(id.shard(), shard);
        assert_eq!(id.accepted_at(), Micros(1_790_000_000_123_456));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(MessageId::from_bytes(id.to_bytes()), id);
    }

    #[test]
    fn parts_follow_their_whole_and_lead_back_to_it() {
        let whole = MessageId::new(Micros(5), ShardId(3), 0x1234 << 8);
        assert!(whole < whole.part(1) && whole.part(1) < whole.part(255));
        assert!(whole.part(255) < MessageId::new(Micros(6), ShardId(3), 0));
        assert_eq!(
            (whole.part(255).whole(), whole.part(2).shard(), whole.whole()),
            (whole, ShardId(3), whole)
        );
    }

    #[test]
    fn ids_order_by_time() {
        let early = MessageId::new(Micros(1), ShardId(255), u64::MAX);
        let late = MessageId::new(Micros(2), ShardId(0), 0);
        assert!(early < late);
        assert!(early.to_bytes() < late.to_bytes());
    }

    #[test]
    fn the_hash_of_a_shard_is_frozen() {
        assert_eq!(ShardId::of(b"4917612345678").number(), ShardId::of(b"4917612345678").number());
        let used: std::collections::BTreeSet<u16> =
            (0..10_000u32).map(|n| ShardId::of(n.to_string().as_bytes()).number()).collect();
        assert_eq!(used.len(), usize::from(SHARDS));
    }

    #[test]
    fn a_text_that_is_no_id_is_refused() {
        assert_eq!("12".parse::<MessageId>(), Err(InvalidMessageId));
        assert_eq!("+0000000000000000000000000000001".parse::<MessageId>(), Err(InvalidMessageId));
    }
}
