//! What the dialog server needs of the exchange and its store. Whatever it does through these goes into one commit
//! with the exchange's own changes.

use bytes::Bytes;
use signalbox_core::address::Address;
use signalbox_core::backend::Table;
use signalbox_core::exchange::OwnText;
use signalbox_core::id::{CarrierId, MessageId, ShardId};
use signalbox_core::scope::Scope;
use signalbox_core::time::{Micros, Now};
use signalbox_invocation::{Channel, Level};

/// Rows as they were committed.
pub trait Rows {
    /// One row.
    fn get(&self, shard: ShardId, table: Table, key: &[u8; 16]) -> Option<Bytes>;

    /// Timers in order, those after `after` and up to `upto`, at most `max`: shard, key and value.
    fn timers(&self, after: [u8; 16], upto: [u8; 16], max: usize) -> Vec<(ShardId, [u8; 16], Bytes)>;
}

/// An MT that the exchange does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotTaken {
    /// The name of the reason.
    pub reason: &'static str,
    /// True when it may be taken later.
    pub temporary: bool,
}

/// A change of what a device, or a contact by its client id, wants (OPT-03).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The device.
    pub device: Address,
    /// The client id; `None` when the device is meant.
    pub client_id: Option<String>,
    /// How far it reaches.
    pub level: Level,
    /// Number of the campaign, account or enterprise.
    pub of: u32,
    /// The account in whose name it is recorded.
    pub account: u32,
    /// From which channels.
    pub channels: Vec<Channel>,
    /// True to end suppressions.
    pub opt_in: bool,
    /// What shows it: the message that said so.
    pub evidence: Option<MessageId>,
    /// How it came: `mo`, `script`, `agent` or `api`.
    pub by: &'static str,
}

/// The exchange, as far as the dialog server changes it.
pub trait Port {
    /// Writes a row.
    fn put(&mut self, shard: ShardId, table: Table, key: [u8; 16], value: Bytes);

    /// Removes a row.
    fn delete(&mut self, shard: ShardId, table: Table, key: [u8; 16]);

    /// Hands over a text. It is queued, and passes the send gate before it leaves.
    ///
    /// # Errors
    /// When it is not taken.
    fn send(&mut self, now: Now, text: OwnText) -> Result<MessageId, NotTaken>;

    /// Takes back first texts that are wanted back and of which nothing has left, at most `most`; gives the attempt group
    /// of each. Their ends come as those of other texts do.
    fn take_back(&mut self, now: Now, most: usize, wanted: &dyn Fn(&Scope) -> bool) -> Vec<MessageId>;

    /// Says whether a message of a device, which is being handled, is a test (MQ-10).
    fn mark_test(&mut self, message: MessageId, test: bool);

    /// Changes what is suppressed, at once for all that waits.
    fn consent(&mut self, now: Now, change: Consent);

    /// The carrier of a device as far as it is known without asking (CON-08).
    fn carrier(&self, device: &Address, now: Now) -> Option<CarrierId>;

    /// A new id in a shard; ids rise.
    fn new_id(&mut self, now: Now, shard: ShardId) -> MessageId;

    /// A random number.
    fn random(&mut self) -> u64;
}

/// The key of a timer's row: ordered by time, one for each conversation and instant.
#[must_use]
pub fn timer_key(due: Micros, of: &[u8; 16]) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&due.0.max(0).to_be_bytes());
    key[8..].copy_from_slice(&of[8..]);
    key
}

/// The instant of a timer's key.
#[must_use]
pub fn timer_due(key: &[u8; 16]) -> Micros {
    let mut due = [0; 8];
    due.copy_from_slice(&key[..8]);
    Micros(i64::from_be_bytes(due))
}
