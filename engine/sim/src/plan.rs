/// A rule of the cluster that is left out, to show that the judge would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// The intake answers before the append.
    RespondBeforeAppend,
    /// The store takes commits of any term.
    NoEpochCheck,
    /// Records at or before the position of the shard are handled again, and the store lets the position go back.
    NoPositionCheck,
    /// Records at or before the position of the shard are handled again, but the store still looks.
    ReplayAgainstStore,
    /// CDRs go to the sink before the commit that has them.
    PublishBeforeCommit,
    /// A permit is good for ever.
    NoDeadline,
    /// Attempts leave before the commit that releases them.
    SendBeforeCommit,
    /// What a turn let go and ended is not written into the log.
    NoTurnRecord,
}

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Messages that the ESMEs want to get rid of.
    pub messages: u32,
    /// Steps, of 25 ms on average, in which things go wrong; then all is repaired and must come to its end.
    pub steps: u32,
    /// What is left out.
    pub bug: Option<Bug>,
    /// What breaks a rule of the machinery (epochs, permits, order of answer and append, of commit and publication) is
    /// overlooked: only what becomes of messages and CDRs is judged.
    pub outcomes_only: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self { messages: 32, steps: 560, bug: None, outcomes_only: false }
    }
}

impl Plan {
    /// The same with a rule left out.
    #[must_use]
    pub fn with(self, bug: Bug) -> Self {
        Self { bug: Some(bug), ..self }
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }
}
