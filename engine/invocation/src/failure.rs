use serde::{Deserialize, Serialize};

use crate::limits::Excess;

/// A run that came to nothing: what it wanted until then is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Failure {
    /// The instructions are not there, or are no instructions.
    #[error("the script cannot be run: {0}")]
    Invalid(String),
    /// They have no such method.
    #[error("the script has no method `{0}`")]
    NoMethod(String),
    /// They threw.
    #[error("the script threw: {message} ({at})")]
    Threw {
        /// What.
        message: String,
        /// Where: method and line, as far as that is known.
        at: String,
    },
    /// They had the processor for too long and were interrupted (TXS-14).
    #[error("the script ran longer than {millis} ms")]
    TooLong {
        /// The limit.
        millis: u32,
    },
    /// They ran through too many instructions (TXS-15).
    #[error("the script ran through more than {ticks} ticks of 10,000 operations")]
    TooMuch {
        /// The limit.
        ticks: u64,
    },
    /// They needed too much memory.
    #[error("the script needed more than {octets} octets of memory")]
    TooLarge {
        /// The limit.
        octets: usize,
    },
    /// What they want does not keep a bound.
    #[error("the script wants too much: {0}")]
    Excess(#[from] Excess),
    /// The process that ran them died or was killed.
    #[error("the process that ran the script was ended: {0}")]
    Killed(String),
    /// What came back cannot be understood.
    #[error("the script's outcome cannot be read: {0}")]
    BadOutcome(String),
    /// They failed too often and are held back until somebody looks.
    #[error("the script is suspended after {strikes} failures of its process")]
    Suspended {
        /// How often.
        strikes: u32,
    },
    /// As many runs wait as may.
    #[error("{waiting} runs wait for the script workers, the limit")]
    Overloaded {
        /// How many.
        waiting: usize,
    },
    /// The worker was ended, or got no time of the processor, before the run could come to its end.
    #[error("the run was interrupted: {0}")]
    Interrupted(String),
}

impl Failure {
    /// The name in metrics and the completion status.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "script_invalid",
            Self::NoMethod(_) => "script_no_method",
            Self::Threw { .. } => "script_threw",
            Self::TooLong { .. } => "script_too_long",
            Self::TooMuch { .. } => "script_too_much",
            Self::TooLarge { .. } => "script_too_large",
            Self::Excess(_) => "script_excess",
            Self::Killed(_) => "script_killed",
            Self::BadOutcome(_) => "script_bad_outcome",
            Self::Suspended { .. } => "script_suspended",
            Self::Overloaded { .. } => "script_overloaded",
            Self::Interrupted(_) => "script_interrupted",
        }
    }

    /// True when the same run may succeed later: the instructions are not at fault.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Overloaded { .. } | Self::Interrupted(_) => true,
            Self::Invalid(_)
            | Self::NoMethod(_)
            | Self::Threw { .. }
            | Self::TooLong { .. }
            | Self::TooMuch { .. }
            | Self::TooLarge { .. }
            | Self::Excess(_)
            | Self::Killed(_)
            | Self::BadOutcome(_)
            | Self::Suspended { .. } => false,
        }
    }
}
