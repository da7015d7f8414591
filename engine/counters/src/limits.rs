use serde::{Deserialize, Serialize};

/// What happens to a new key when the table holds as many as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtBound {
    /// The key among its fifteen neighbours that was seen longest ago gives way; one near its threshold only when
    /// all are, an alarmed one never. When all are alarmed the new key is refused. Both are tallied.
    #[default]
    DropStalest,
    /// The new key is not counted, and tallied.
    Refuse,
}

/// Bounds on memory (DC-25). Nothing is allocated ahead beside a small table of headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most keys held, of all kinds together.
    pub max_keys: u32,
    /// What happens at that bound.
    pub at_bound: AtBound,
    /// The most timestamp blocks (64 bytes, 15 timestamps each) for keys with more than 7 timestamps. At this
    /// bound a key keeps only its newest, tallied.
    pub max_blocks: u32,
    /// The most keys near or above their threshold whose counterparts, bodies and hops are observed (192 bytes
    /// each). At this bound an alarm is raised without that evidence, tallied.
    pub max_evidence: u32,
    /// The most alarms that stand at once; above it alarms are tallied as refused.
    pub max_alarms: u32,
    /// How many cleared alarms are remembered.
    pub alarm_history: u32,
    /// Seed of the table's hash: a random one keeps senders from choosing numbers that collide.
    pub seed: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_keys: 12_000_000,
            at_bound: AtBound::DropStalest,
            max_blocks: 4_000_000,
            max_evidence: 262_144,
            max_alarms: 65_536,
            alarm_history: 4_096,
            seed: 0x5157_6b1f_8a2e_93c5,
        }
    }
}
