//! What pool and worker tell each other.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use signalbox_invocation::{Failure, Limits};

use crate::host::{Ended, Given};
use crate::lint::Finding;

/// Number of a source that a worker was given; another source has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Key(pub(crate) u64);

/// One run of a batch.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run<'a> {
    pub(crate) key: Key,
    #[serde(borrow)]
    pub(crate) given: Cow<'a, Given<'a>>,
}

/// Pool to worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Command<'a> {
    /// Keep this source; it is compiled when it is first run.
    Load {
        key: Key,
        #[serde(borrow)]
        source: Cow<'a, str>,
    },
    /// Drop it.
    Forget { key: Key },
    /// Run these, in order.
    Run {
        limits: Limits,
        #[serde(borrow)]
        runs: Vec<Run<'a>>,
    },
    /// Say what is wrong with this source.
    Lint {
        #[serde(borrow)]
        source: Cow<'a, str>,
        programs: Cow<'a, [String]>,
    },
}

/// Worker to pool.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply<'a> {
    /// The worker is confined, and reads commands.
    Ready,
    /// What became of a run of the batch.
    Done {
        index: u32,
        #[serde(borrow)]
        result: Result<Ended<'a>, Failure>,
    },
    /// The batch took its time: runs from this one on were not begun.
    Later { from: u32 },
    /// The answer to [`Command::Lint`].
    Linted(Vec<Finding>),
}
