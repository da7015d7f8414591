use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::random::SeededRandom;

/// A way in which the world outside a node fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// An append is refused; nothing is in the log.
    AppendRefused,
    /// The fate of an append is unknown; the records are not in the log.
    AppendLost,
    /// The fate of an append is unknown; the records are in the log.
    AppendKept,
    /// A commit fails, nothing of it is there.
    CommitRefused,
    /// The fate of a commit is unknown; nothing of it is there.
    CommitLost,
    /// The fate of a commit is unknown; it is there.
    CommitKept,
    /// The store has no room.
    StoreFull,
    /// After a commit the store forgets the last ones, as a replica does that took over too early.
    StoreWentBack,
    /// An owner learns late that a shard is another's: a zombie.
    RevokeDelayed,
    /// The CDR sink takes nothing.
    SinkUnavailable,
    /// The CDR sink says it took nothing, but it did.
    SinkKept,
    /// The catalog fails.
    CatalogFailed,
    /// A blob cannot be written or read.
    BlobFailed,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 13] = [
        Self::AppendRefused,
        Self::AppendLost,
        Self::AppendKept,
        Self::CommitRefused,
        Self::CommitLost,
        Self::CommitKept,
        Self::StoreFull,
        Self::StoreWentBack,
        Self::RevokeDelayed,
        Self::SinkUnavailable,
        Self::SinkKept,
        Self::CatalogFailed,
        Self::BlobFailed,
    ];
}

/// A refusal that follows from the rules, not from a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// A commit of an older term.
    Fenced,
    /// A claim with a term that is not higher.
    ClaimFenced,
    /// A commit that is not the next one.
    OutOfOrder,
    /// A commit that is wrong in itself: two marks for a shard, a row without one, a position that goes back.
    Wrong,
    /// No room up to the capacity that was set.
    NoRoom,
    /// A limit gave no token.
    NoToken,
    /// A change of a catalog row that somebody else changed.
    Conflict,
}

impl Refusal {
    /// All refusals.
    pub const ALL: [Self; 7] = [
        Self::Fenced,
        Self::ClaimFenced,
        Self::OutOfOrder,
        Self::Wrong,
        Self::NoRoom,
        Self::NoToken,
        Self::Conflict,
    ];
}

/// How often each fault and each refusal happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    faults: BTreeMap<Fault, u64>,
    refusals: BTreeMap<Refusal, u64>,
}

impl Tally {
    /// How often this fault happened.
    #[must_use]
    pub fn count(&self, fault: Fault) -> u64 {
        self.faults.get(&fault).copied().unwrap_or(0)
    }

    /// How often this refusal happened.
    #[must_use]
    pub fn refused(&self, refusal: Refusal) -> u64 {
        self.refusals.get(&refusal).copied().unwrap_or(0)
    }

    /// Adds what another cluster counted.
    pub fn add(&mut self, other: &Self) {
        for (&fault, count) in &other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        for (&refusal, count) in &other.refusals {
            *self.refusals.entry(refusal).or_default() += count;
        }
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        *self.refusals.entry(refusal).or_default() += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in Fault::ALL {
            writeln!(f, "fault   {:<16} {:>8}", format!("{fault:?}"), self.count(fault))?;
        }
        for refusal in Refusal::ALL {
            writeln!(f, "refusal {:<16} {:>8}", format!("{refusal:?}"), self.refused(refusal))?;
        }
        Ok(())
    }
}

/// Chances out of which a rate is given.
pub(super) const CHANCES: u64 = 10_000;

/// Which faults come when.
#[derive(Debug)]
pub(super) struct Faults {
    rates: BTreeMap<Fault, u32>,
    queued: VecDeque<Fault>,
    random: SeededRandom,
    pub(super) tally: Tally,
}

impl Faults {
    pub(super) fn new(random: SeededRandom) -> Self {
        Self { rates: BTreeMap::new(), queued: VecDeque::new(), random, tally: Tally::default() }
    }

    pub(super) fn set_rate(&mut self, fault: Fault, per_ten_thousand: u32) {
        self.rates.insert(fault, per_ten_thousand);
    }

    pub(super) fn inject(&mut self, fault: Fault) {
        self.queued.push_back(fault);
    }

    pub(super) fn forget_injected(&mut self) {
        self.queued.clear();
    }

    /// The fault among these that happens now, if one does.
    pub(super) fn strike(&mut self, possible: &[Fault]) -> Option<Fault> {
        let queued = self.queued.iter().position(|fault| possible.contains(fault));
        let fault = match queued {
            Some(at) => self.queued.remove(at),
            None => possible.iter().copied().find(|fault| {
                let rate = self.rates.get(fault).copied().unwrap_or(0);
                rate > 0 && self.random.below(CHANCES) < u64::from(rate)
            }),
        }?;
        *self.tally.faults.entry(fault).or_default() += 1;
        Some(fault)
    }

    /// A seeded number from 1 to `most`.
    pub(super) fn amount(&mut self, most: u64) -> u64 {
        1 + self.random.below(most)
    }
}
