use bytes::Bytes;

use super::log::{LogRecord, Offset};
use crate::id::{Epoch, ShardId};

/// The kinds of rows a shard keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Accepted messages as they came, key: message id.
    Message,
    /// What has become of a message so far, key: message id; absent for one that nothing happened to.
    State,
    /// Messages of several parts, key: id of the whole.
    Group,
    /// Fingerprints of MO messages seen, key: hash.
    Seen,
    /// Receipts that came before the response to their message, key: hash of link and id.
    EarlyReceipt,
    /// The last sequence number applied from each other shard, key: shard.
    Inbox,
    /// Submissions with an idempotency key, key: that key.
    Request,
    /// First messages of the dialog server whose run is under way, key: the run.
    Start,
    /// Lines of history that are not in the catalog's database yet, key: their number.
    Record,
    /// What devices and contacts are opted out of, key: hash of who, level and channel.
    Suppression,
    /// Conversations, key: hash of both addresses.
    Conversation,
    /// What is known of devices, key: hash of the address.
    Device,
    /// Timers of conversations, key: the instant and a hash of the conversation.
    Timer,
    /// What caps and limits have counted and which confirmations are owed, key: hash of what and whom.
    Consent,
    /// Messages that wait for agents or are in their hands, key: their number.
    Desk,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 15] = [
        Self::Message,
        Self::State,
        Self::Group,
        Self::Seen,
        Self::EarlyReceipt,
        Self::Inbox,
        Self::Request,
        Self::Start,
        Self::Record,
        Self::Suppression,
        Self::Conversation,
        Self::Device,
        Self::Timer,
        Self::Consent,
        Self::Desk,
    ];

    /// Those that are loaded at the start, in their order. The rows of the others are read when they are asked for:
    /// there may be many more of them than there is memory.
    pub const LOADED: [Self; 12] = [
        Self::Message,
        Self::State,
        Self::Group,
        Self::Seen,
        Self::EarlyReceipt,
        Self::Inbox,
        Self::Request,
        Self::Start,
        Self::Record,
        Self::Suppression,
        Self::Consent,
        Self::Desk,
    ];
}

/// One change of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Writes the row, over an older one if there is.
    Put {
        /// Its shard.
        shard: ShardId,
        /// Its table.
        table: Table,
        /// Its key within table and shard.
        key: [u8; 16],
        /// What it holds.
        value: Bytes,
    },
    /// Removes the row if it is there.
    Delete {
        /// Its shard.
        shard: ShardId,
        /// Its table.
        table: Table,
        /// Its key within table and shard.
        key: [u8; 16],
    },
}

impl Op {
    /// The shard whose row changes.
    #[must_use]
    pub fn shard(&self) -> ShardId {
        match self {
            Self::Put { shard, .. } | Self::Delete { shard, .. } => *shard,
        }
    }
}

/// How far a shard has come; written with each commit that touches it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShardMark {
    /// Term of the owner that wrote it.
    pub epoch: Epoch,
    /// Number of the commit, one more than the mark before.
    pub commit: u64,
    /// Last record of the shard's log that is handled; `None` when its input did not come through the log.
    pub position: Option<Offset>,
}

/// Everything that one turn of the exchange changes.
///
/// What belongs to one shard is written whole or not at all. An embedded store writes all of it whole or not
/// at all.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// New marks of the shards touched; each must follow the mark that the store holds.
    pub marks: Vec<(ShardId, ShardMark)>,
    /// Row changes, in order.
    pub ops: Vec<Op>,
    /// CDRs for the outbox, encoded, in order.
    pub cdrs: Vec<Bytes>,
    /// Events for other shards.
    pub appends: Vec<LogRecord>,
    /// The outbox up to here is published and can go.
    pub outbox_trim: Option<u64>,
}

impl Commit {
    /// True when there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty() && self.cdrs.is_empty() && self.appends.is_empty() && self.outbox_trim.is_none()
    }
}

/// What a commit came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Outbox sequence number of the commit's CDRs, if it had any: one number for each commit with CDRs,
    /// rising by one.
    pub outbox: Option<u64>,
}

/// A row as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its shard.
    pub shard: ShardId,
    /// Its table.
    pub table: Table,
    /// Its key.
    pub key: [u8; 16],
    /// What it holds.
    pub value: Bytes,
}

/// A commit that was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Another owner has the shard; this one must forget it.
    #[error("shard {shard} is at epoch {held:?}, the commit has {offered:?}")]
    Fenced {
        /// The shard.
        shard: ShardId,
        /// What the store holds.
        held: Epoch,
        /// What the commit offered.
        offered: Epoch,
    },
    /// The commit does not follow the one before.
    #[error("shard {shard} is at commit {held}, the commit offered is {offered}")]
    OutOfOrder {
        /// The shard.
        shard: ShardId,
        /// Number the store holds.
        held: u64,
        /// Number offered.
        offered: u64,
    },
    /// No room; nothing was written, later there may be room again.
    #[error("the store is full")]
    Full,
    /// The commit failed and nothing of it is there.
    #[error("the store refused the commit: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// Whether the commit is durable is unknown: the process must end and start again from what is there.
    #[error("the fate of the commit is unknown: {reason}")]
    Unknown {
        /// Why.
        reason: String,
    },
}

/// A read that failed.
#[derive(Debug, thiserror::Error)]
#[error("the store could not be read: {reason}")]
pub struct StoreError {
    /// Why.
    pub reason: String,
}

/// State of shards, changed by fenced commits.
pub trait Store: Send {
    /// Makes `epoch` the term of these shards: commits of older terms are refused from now on.
    /// Returns the marks found.
    ///
    /// # Errors
    /// [`CommitError::Fenced`] when a shard is at this or a later epoch already.
    fn claim(&mut self, shards: &[ShardId], epoch: Epoch) -> Result<Vec<ShardMark>, CommitError>;

    /// Shows each row of the shard, table by table in the order of [`Table::LOADED`], in key order.
    /// `None` shows those of all shards, in each table by key and then by shard.
    ///
    /// # Errors
    /// When a row cannot be read.
    fn load(&self, shard: Option<ShardId>, visit: &mut dyn FnMut(Row)) -> Result<(), StoreError>;

    /// One row.
    ///
    /// # Errors
    /// When it cannot be read.
    fn get(&self, shard: ShardId, table: Table, key: &[u8; 16]) -> Result<Option<Bytes>, StoreError>;

    /// Rows of all shards in a table with keys above `after` and up to `upto`, by key and then by shard, at most `max`.
    ///
    /// # Errors
    /// When a row cannot be read.
    fn range(
        &self,
        table: Table,
        after: &[u8; 16],
        upto: &[u8; 16],
        max: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// Writes the commit and returns when it survives the loss of process and power.
    ///
    /// # Errors
    /// See [`CommitError`].
    fn commit(&mut self, commit: &Commit) -> Result<Committed, CommitError>;

    /// CDRs in the outbox after sequence `after`, at most `max` commits, in order.
    ///
    /// # Errors
    /// When they cannot be read.
    fn outbox(&self, after: u64, max: usize) -> Result<Vec<(u64, Vec<Bytes>)>, StoreError>;

    /// Room left for data in octets, if that can be said; the exchange refuses new messages below its reserve.
    fn free(&self) -> Option<u64>;
}
