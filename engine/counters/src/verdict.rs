use serde::{Deserialize, Serialize};

use crate::{AlarmEvent, AlarmId, AlarmKind, KeyKind};

/// Why a message is held back; goes into its record, for no message is dropped without one (shared rule 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cause {
    /// The alarm that stands.
    pub alarm: AlarmId,
    /// What it takes the traffic for.
    pub kind: AlarmKind,
    /// Which counter of the message it belongs to.
    pub key_kind: KeyKind,
}

/// What the counters say about one message. The default policies only ever say pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Let it go on.
    #[default]
    Pass,
    /// Refuse it for now: a later one may pass.
    Throttle(Cause),
    /// Refuse it.
    Block(Cause),
}

impl Verdict {
    const fn rank(self) -> u8 {
        match self {
            Verdict::Pass => 0,
            Verdict::Throttle(_) => 1,
            Verdict::Block(_) => 2,
        }
    }

    /// The stricter of two; the first of equals.
    pub(crate) fn stricter(self, other: Verdict) -> Verdict {
        if other.rank() > self.rank() { other } else { self }
    }
}

/// The counts of one message after it was counted; 0 where a key was not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Messages of the source.
    pub source: u64,
    /// Messages to the destination.
    pub destination: u64,
    /// Messages from this source to this destination.
    pub pair: u64,
    /// Messages from this destination to this source.
    pub reverse: u64,
    /// Messages of the group.
    pub group: u64,
}

/// What came of counting one message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What to do with the message.
    pub verdict: Verdict,
    /// Notices for the NOC; nearly always empty, and then without allocation.
    pub alarms: Vec<AlarmEvent>,
    /// The counts behind the verdict.
    pub counts: Counts,
    /// Version of the policies that decided; goes into the message's record.
    pub policy_version: u64,
}
