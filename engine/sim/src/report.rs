use std::fmt;

use signalbox_backends::memory::Tally;
use signalbox_core::invariants::{Summary, Violation};

use crate::incident::Incidents;

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A rule was broken.
    Broken(Violation),
    /// All was repaired, and yet something did not come to its end.
    Stuck(String),
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What went wrong that must not.
    pub failure: Option<Failure>,
    /// The books, when they closed.
    pub summary: Summary,
    /// Faults and refusals of the backend.
    pub tally: Tally,
    /// Faults of everything else, and refusals of the nodes.
    pub incidents: Incidents,
    /// A digest of all that happened: the same seed gives the same.
    pub digest: u64,
    /// What happened, when that was asked for.
    pub trace: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        match &self.failure {
            None => write!(f, "seed {}: good", self.seed),
            Some(Failure::Broken(violation)) => {
                write!(f, "seed {}: {violation} (SIGNALBOX_SEED={} plays it again)", self.seed, self.seed)
            }
            Some(Failure::Stuck(what)) => {
                write!(f, "seed {}: stuck: {what} (SIGNALBOX_SEED={} plays it again)", self.seed, self.seed)
            }
        }
    }
}
