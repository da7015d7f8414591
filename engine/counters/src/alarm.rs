use serde::{Deserialize, Serialize};

use crate::{Key, KeyKind, Wall};

/// Which counter an alarm or a look-up is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CounterKey {
    /// A source address.
    Source(Key),
    /// A destination address.
    Destination(Key),
    /// A source and a destination, in this direction.
    Pair {
        /// Who sends.
        source: Key,
        /// Who is sent to.
        destination: Key,
    },
    /// A group of sources.
    Group(Key),
}

impl CounterKey {
    /// What the counter is kept for.
    pub const fn kind(self) -> KeyKind {
        match self {
            CounterKey::Source(_) => KeyKind::Source,
            CounterKey::Destination(_) => KeyKind::Destination,
            CounterKey::Pair { .. } => KeyKind::Pair,
            CounterKey::Group(_) => KeyKind::Group,
        }
    }
}

/// Number of an alarm, unique and growing within one set of counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlarmId(pub u64);

/// What an alarm takes the traffic for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlarmKind {
    /// One source or group sends to many destinations (DC-10).
    Spam,
    /// Many messages between few addresses, next to none in reverse.
    LoopOrFlood,
    /// The same with identical bodies, growing hop counts or alternating carriers (DC-11).
    Loop,
    /// Many sources to one destination: a vote or a denial of service (DC-13).
    VoteOrDos,
}

/// Where an alarm stands in its life (DC-24).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmState {
    /// Nobody has taken it yet; it repeats while the count is above the threshold.
    Raised,
    /// Somebody has taken it; it no longer repeats. Its action holds.
    Acked,
    /// Over.
    Cleared,
}

/// One alarm, as the NOC sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Its number.
    pub id: AlarmId,
    /// What it takes the traffic for.
    pub kind: AlarmKind,
    /// Which counter exceeded its threshold.
    pub key: CounterKey,
    /// Carrier of the counted side at the last message, for one alarm route per carrier.
    pub carrier: Option<u32>,
    /// The count when this record was made; saturates unless the policy is uncapped.
    pub count: u64,
    /// The threshold it exceeded.
    pub threshold: u32,
    /// The window, in milliseconds.
    pub window_ms: u64,
    /// Receipt of the oldest message counted when the alarm was raised.
    pub first: Wall,
    /// Receipt of the newest message seen.
    pub last: Wall,
    /// When it was raised.
    pub raised: Wall,
    /// When an operator took it.
    pub acked: Option<Wall>,
    /// When it ended.
    pub cleared: Option<Wall>,
    /// Distinct counterparts within the last one to two windows, estimated; 0 for a pair.
    pub distinct: u32,
    /// Count of the reverse direction, for a pair.
    pub reverse: u64,
    /// Ids of some of the messages, at most [`Alarm::SAMPLES`].
    pub samples: Vec<u128>,
    /// Where it stands.
    pub state: AlarmState,
    /// True when it was cleared because its address came onto a white list (DC-09).
    pub disregarded: bool,
    /// True when it was raised before the window was full after a restart: the true count may be higher (DC-25).
    pub warming: bool,
    /// Version of the policies that decided.
    pub policy_version: u64,
}

impl Alarm {
    /// The most message ids an alarm keeps.
    pub const SAMPLES: usize = 8;
}

/// What happened to an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmChange {
    /// It is new.
    Raised,
    /// It still stands above its threshold.
    Repeated,
    /// Its kind became more exact.
    Reclassified,
    /// An operator took it.
    Acked,
    /// The count fell far enough.
    Cleared,
    /// Its address came onto a white list.
    Disregarded,
}

/// A notice for the NOC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmEvent {
    /// What happened.
    pub change: AlarmChange,
    /// The alarm after it.
    pub alarm: Alarm,
}

/// Why an order to an alarm is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AlarmError {
    /// No alarm of this number stands.
    #[error("no alarm {} stands", .0.0)]
    Unknown(AlarmId),
}
