//! Everything that will be due, in one heap; what was moved or ended is passed over when it surfaces.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::entry::{Entries, Key};
use crate::id::PeerId;
use crate::time::Mono;

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The entry's phase or validity ends.
    Entry(Key),
    /// The peer's rate allows the next message.
    Peer(PeerId),
    /// Waiting messages are to be decided for anew.
    Reroute,
    /// Look after what ages: parked receipts, fingerprints, counters.
    Housekeeping,
}

/// The heap.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Mono, Timer)>>,
    peers: usize,
}

impl Timers {
    pub(super) fn push(&mut self, due: Mono, timer: Timer) {
        if matches!(timer, Timer::Peer(_)) {
            self.peers += 1;
        }
        self.heap.push(Reverse((due, timer)));
    }

    pub(super) fn next_due(&self) -> Option<Mono> {
        self.heap.peek().map(|Reverse((due, _))| *due)
    }

    /// The next timer that is due.
    pub(super) fn pop(&mut self, now: Mono) -> Option<(Mono, Timer)> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse((due, timer)) = self.heap.pop()?;
        if matches!(timer, Timer::Peer(_)) {
            self.peers -= 1;
        }
        Some((due, timer))
    }

    /// Throws out the timers of ended messages once they are the larger part.
    pub(super) fn compact(&mut self, entries: &Entries) {
        if self.heap.len() < 2 * entries.len() + self.peers + 4096 {
            return;
        }
        self.heap.retain(|Reverse((due, timer))| match timer {
            Timer::Entry(key) => entries.get(*key).is_some_and(|entry| entry.timer == Some(*due)),
            Timer::Peer(_) | Timer::Reroute | Timer::Housekeeping => true,
        });
    }
}
