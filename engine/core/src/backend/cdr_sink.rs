use bytes::Bytes;

/// How far the outbox is published.
pub type OutboxPosition = u64;

/// The CDRs of one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CdrBatch {
    /// Outbox sequence number.
    pub sequence: u64,
    /// The records, encoded as they are in the outbox (see [`crate::cdr`]).
    pub records: Vec<Bytes>,
}

/// A publication that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// Nothing was published; try later.
    #[error("the CDR sink is not available: {reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
    /// A record of the outbox cannot be read.
    #[error("CDR {sequence}/{index} of the outbox is damaged: {reason}")]
    Damaged {
        /// Outbox sequence number.
        sequence: u64,
        /// Index in its commit.
        index: usize,
        /// Why.
        reason: String,
    },
}

/// Where CDRs go, each exactly once (requirement MQ-33).
pub trait CdrSink: Send {
    /// The last outbox position that is published for good, zero when none is.
    ///
    /// # Errors
    /// When the sink cannot be read.
    fn position(&mut self) -> Result<OutboxPosition, SinkError>;

    /// Publishes the batches and the position of the last one in one durable step. Batches at or before the
    /// position are passed over.
    ///
    /// # Errors
    /// See [`SinkError`].
    fn publish(&mut self, batches: &[CdrBatch]) -> Result<OutboxPosition, SinkError>;

    /// Closes what has been open longer than its time, so that readers get it.
    ///
    /// # Errors
    /// See [`SinkError`].
    fn tick(&mut self, now: crate::time::Now) -> Result<(), SinkError>;
}
