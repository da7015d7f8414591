use std::fmt;

/// What the simulation does to the nodes, and what their rules refuse; beside the faults of the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Incident {
    /// A node dies; its memory is gone.
    Crash,
    /// A node stands still and goes on later.
    Pause,
    /// The group gives up a node that it does not hear from.
    Expelled,
    /// A shard goes to another node though both are well.
    Rebalanced,
    /// A node goes on with a shard that another owner has claimed.
    Zombie,
    /// The store forgets its last commits.
    StoreWentBack,
    /// The disk is full for a while.
    DiskFull,
    /// The wall clock of a node is set.
    ClockStepped,
    /// An operator switches a link off or on.
    LinkSwitched,
    /// A session ends, with what is on its way.
    SessionDropped,
    /// An SMSC takes a message and its answer is lost.
    AnswerLost,
    /// An SMSC answers after the response timer.
    AnswerLate,
    /// An SMSC does not take a message and says nothing.
    Ignored,
    /// An SMSC says ESME_RTHROTTLED.
    Throttled,
    /// An SMSC says that its queue is full.
    QueueFull,
    /// An SMSC has a temporary error.
    TemporaryError,
    /// An SMSC refuses for good.
    PermanentError,
    /// An SMSC says that the session is worth nothing.
    FatalError,
    /// A receipt comes before the answer.
    ReceiptEarly,
    /// A receipt comes when nobody waits for it any more.
    ReceiptLate,
    /// A receipt comes twice.
    ReceiptTwice,
    /// A receipt never comes.
    ReceiptLost,
    /// An ESME repeats what was not answered.
    Resubmitted,
    /// The intake refuses for the moment: the log did.
    RefusedByLog,
    /// The intake refuses for the moment: too much waits.
    RefusedBusy,
    /// The intake refuses for the moment: the store is short of room.
    RefusedStoreLow,
    /// The fate of an append was unknown, and then it was found in the log and answered.
    FateFound,
    /// The fate of an append stayed unknown: the session is closed without an answer.
    FateUnknown,
    /// A record at or before the shard's position is passed over.
    RecordSkipped,
    /// The record of a turn is void: a newer owner's claim is before it in the log.
    TurnVoid,
    /// An attempt that a former owner released, and that the store forgot, is learned from the log.
    AttemptLearned,
    /// A message that a former owner ended, and that is open in the store, ends as the log says.
    EndLearned,
    /// A permit ran out before the write.
    DeadlineOver,
    /// A region gives up what it has not committed, and claims anew.
    Reclaimed,
    /// A relay finds that another one published in between.
    RelayOvertaken,
    /// A CDR of the outbox is not published again.
    CdrKnown,
    /// A message is in doubt.
    InDoubt,
    /// A receipt is parked.
    ReceiptParked,
    /// A receipt changes nothing: its message has ended.
    ReceiptRepeated,
    /// A receipt amends a CDR.
    Amended,
}

impl Incident {
    /// All of them.
    pub const ALL: [Self; 40] = [
        Self::Crash,
        Self::Pause,
        Self::Expelled,
        Self::Rebalanced,
        Self::Zombie,
        Self::StoreWentBack,
        Self::DiskFull,
        Self::ClockStepped,
        Self::LinkSwitched,
        Self::SessionDropped,
        Self::AnswerLost,
        Self::AnswerLate,
        Self::Ignored,
        Self::Throttled,
        Self::QueueFull,
        Self::TemporaryError,
        Self::PermanentError,
        Self::FatalError,
        Self::ReceiptEarly,
        Self::ReceiptLate,
        Self::ReceiptTwice,
        Self::ReceiptLost,
        Self::Resubmitted,
        Self::RefusedByLog,
        Self::RefusedBusy,
        Self::RefusedStoreLow,
        Self::FateFound,
        Self::FateUnknown,
        Self::RecordSkipped,
        Self::TurnVoid,
        Self::AttemptLearned,
        Self::EndLearned,
        Self::DeadlineOver,
        Self::Reclaimed,
        Self::RelayOvertaken,
        Self::CdrKnown,
        Self::InDoubt,
        Self::ReceiptParked,
        Self::ReceiptRepeated,
        Self::Amended,
    ];
}

/// How often each incident happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incidents([u64; Incident::ALL.len()]);

impl Default for Incidents {
    fn default() -> Self {
        Self([0; Incident::ALL.len()])
    }
}

impl Incidents {
    /// How often this one.
    #[must_use]
    pub fn count(&self, incident: Incident) -> u64 {
        self.0[incident as usize]
    }

    /// Adds what another run counted.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
    }

    pub(crate) fn note(&mut self, incident: Incident) {
        self.0[incident as usize] += 1;
    }
}

impl fmt::Display for Incidents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for incident in Incident::ALL {
            writeln!(f, "incident {:<16} {:>8}", format!("{incident:?}"), self.count(incident))?;
        }
        Ok(())
    }
}
