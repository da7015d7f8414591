use serde::Serialize;

use crate::OriginClass;

/// What happened since the start, for metrics. Nothing the counters leave out is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tallies {
    /// Messages of user class that were counted.
    pub counted: u64,
    /// Messages left out by origin class, in the order of [`OriginClass::ALL`]; that of user class stays 0.
    pub excluded: [u64; OriginClass::COUNT],
    /// Counter updates left out because the message was a later part.
    pub later_parts: u64,
    /// Alarms raised.
    pub raised: u64,
    /// Alarms cleared, disregarded ones among them.
    pub cleared: u64,
    /// Counts above a threshold that a white list disregarded.
    pub disregarded: u64,
    /// Pair counts above a threshold that were a conversation.
    pub conversations: u64,
    /// Alarms not raised because too many stand.
    pub alarms_refused: u64,
    /// Messages held back by a throttle.
    pub throttled: u64,
    /// Messages held back by a block.
    pub blocked: u64,
    /// Verdicts other than pass that passive mode withheld.
    pub withheld: u64,
    /// Keys that gave way to newer ones at the bound.
    pub keys_dropped: u64,
    /// Keys that were not counted because of the bound.
    pub keys_refused: u64,
    /// Timestamps given up because no block was free; such counts are too low.
    pub stamps_dropped: u64,
    /// Counts near or above a threshold that went unobserved because of the bound on evidence.
    pub evidence_refused: u64,
    /// Keys forgotten by the sweep because their window was empty.
    pub keys_expired: u64,
    /// Sweeps finished.
    pub sweeps: u64,
}

/// Tallies and gauges of now, for metrics and the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Stats {
    /// What happened since the start.
    pub tallies: Tallies,
    /// Keys held now.
    pub keys: u64,
    /// Timestamp blocks in use now.
    pub blocks: u64,
    /// Observed hot keys now.
    pub evidence: u64,
    /// Alarms that stand now.
    pub alarms: u64,
    /// Bytes allocated now for tables, blocks, evidence and alarms.
    pub memory_bytes: u64,
}
