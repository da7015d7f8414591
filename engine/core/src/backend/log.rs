use bytes::Bytes;

use crate::id::ShardId;

/// Place of a record in the log of its shard; grows by at least one with each record.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Offset(pub u64);

/// A record to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// The log that it belongs to.
    pub shard: ShardId,
    /// What happened, opaque to the log.
    pub data: Bytes,
}

/// An append or read that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Nothing was appended; the caller may refuse what it was about to accept.
    #[error("the log refused the records: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// Whether the records are in the log is unknown; the caller must not answer at all.
    #[error("the fate of the records is unknown: {reason}")]
    Unknown {
        /// Why.
        reason: String,
    },
    /// Reading failed.
    #[error("the log could not be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
}

/// The durable, ordered input of each shard.
pub trait Log: Send + Sync {
    /// Appends the records in order and returns when they survive the loss of process and power.
    /// The records of one call that are for one shard stay together and in order.
    ///
    /// # Errors
    /// [`LogError::Refused`] when none was kept, [`LogError::Unknown`] when that cannot be said.
    fn append(&self, records: &[LogRecord]) -> Result<Vec<Offset>, LogError>;

    /// Up to `max` records of `shard` after `after` (`None`: from the beginning), in order.
    ///
    /// # Errors
    /// When they cannot be read.
    fn read(
        &self,
        shard: ShardId,
        after: Option<Offset>,
        max: usize,
    ) -> Result<Vec<(Offset, Bytes)>, LogError>;

    /// Forgets what is at or before `upto`; handled records are not needed again.
    ///
    /// # Errors
    /// When the log cannot be written.
    fn trim(&self, shard: ShardId, upto: Offset) -> Result<(), LogError>;
}
