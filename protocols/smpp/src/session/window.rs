//! Requests that wait for a response: found by sequence_number, and in order of age.

use crate::CommandId;

/// No slot.
const NIL: u32 = u32::MAX;

/// The largest window.
const MOST: usize = 1 << 20;

/// Places of the index of a new window. It grows with what really waits: most sessions of a large window are
/// idle, and there may be thousands.
const FIRST_INDEX: usize = 8;

/// One request that waits for its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// sequence_number.
    pub sequence: u32,
    /// The request.
    pub command: CommandId,
    /// As given by the owner; 0 for requests of the peer.
    pub token: u64,
    /// When it was sent or received, in nanoseconds of the clock given.
    pub at: u64,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    pending: Pending,
    older: u32,
    newer: u32,
}

/// A bounded set of pending requests. Insertion, look-up, removal and "which is the oldest" are O(1), and
/// nothing is allocated once the window was full: an open-addressing index over a slab whose used slots are
/// linked by age. Sequence numbers count up, so their low bits spread them well. A request that is never
/// answered takes its slot and nothing more.
#[derive(Debug)]
pub(crate) struct Window {
    slots: Vec<Slot>,
    free: Vec<u32>,
    index: Box<[u32]>,
    mask: usize,
    oldest: u32,
    newest: u32,
    limit: usize,
}

impl Window {
    pub(crate) fn new(limit: usize) -> Self {
        let limit = limit.clamp(1, MOST);
        Window {
            slots: Vec::new(),
            free: Vec::new(),
            index: vec![NIL; FIRST_INDEX].into_boxed_slice(),
            mask: FIRST_INDEX - 1,
            oldest: NIL,
            newest: NIL,
            limit,
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Takes so many from now on; what is in it beyond that stays until it is answered.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit.clamp(1, MOST);
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.oldest == NIL
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.limit
    }

    fn home(&self, sequence: u32) -> usize {
        sequence as usize & self.mask
    }

    /// The place in the index of the oldest request with this sequence that `wanted` takes. The index always
    /// has free places, so the walk ends.
    #[inline]
    fn find(&self, sequence: u32, mut wanted: impl FnMut(&Pending) -> bool) -> Option<usize> {
        let mut place = self.home(sequence);
        loop {
            let slot = self.index[place];
            if slot == NIL {
                return None;
            }
            let pending = &self.slots[slot as usize].pending;
            if pending.sequence == sequence && wanted(pending) {
                return Some(place);
            }
            place = (place + 1) & self.mask;
        }
    }

    pub(crate) fn contains(&self, sequence: u32) -> bool {
        self.find(sequence, |_| true).is_some()
    }

    pub(crate) fn get(&self, sequence: u32, wanted: impl FnMut(&Pending) -> bool) -> Option<&Pending> {
        let place = self.find(sequence, wanted)?;
        Some(&self.slots[self.index[place] as usize].pending)
    }

    /// Adds a request; the caller has made sure that the window is not full.
    #[inline]
    pub(crate) fn insert(&mut self, pending: Pending) {
        debug_assert!(!self.is_full());
        let linked = Slot { pending, older: self.newest, newer: NIL };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = linked;
                slot
            }
            None => {
                self.slots.push(linked);
                (self.slots.len() - 1) as u32
            }
        };
        match self.newest {
            NIL => self.oldest = slot,
            newest => self.slots[newest as usize].newer = slot,
        }
        self.newest = slot;
        if self.slots.len() * 2 > self.index.len() {
            self.grow();
        } else {
            self.put_in_index(slot);
        }
    }

    fn put_in_index(&mut self, slot: u32) {
        let mut place = self.home(self.slots[slot as usize].pending.sequence);
        while self.index[place] != NIL {
            place = (place + 1) & self.mask;
        }
        self.index[place] = slot;
    }

    /// Doubles the index. The oldest go in first, so that of requests with one sequence it is still found first.
    #[cold]
    fn grow(&mut self) {
        let places = self.index.len() * 2;
        self.index = vec![NIL; places].into_boxed_slice();
        self.mask = places - 1;
        let mut next = self.oldest;
        while next != NIL {
            self.put_in_index(next);
            next = self.slots[next as usize].newer;
        }
    }

    /// Takes the oldest request with this sequence that `wanted` takes.
    #[inline]
    pub(crate) fn remove(&mut self, sequence: u32, wanted: impl FnMut(&Pending) -> bool) -> Option<Pending> {
        let place = self.find(sequence, wanted)?;
        Some(self.remove_at(place))
    }

    fn remove_at(&mut self, place: usize) -> Pending {
        let slot = self.index[place];
        let Slot { pending, older, newer } = self.slots[slot as usize];
        match older {
            NIL => self.oldest = newer,
            older => self.slots[older as usize].newer = newer,
        }
        match newer {
            NIL => self.newest = older,
            newer => self.slots[newer as usize].older = older,
        }
        self.free.push(slot);
        self.close_gap(place);
        pending
    }

    /// Moves later entries of the probe run back, so that no walk stops at the hole.
    fn close_gap(&mut self, mut hole: usize) {
        let mut place = hole;
        loop {
            place = (place + 1) & self.mask;
            let slot = self.index[place];
            if slot == NIL {
                break;
            }
            let home = self.home(self.slots[slot as usize].pending.sequence);
            let from_home = place.wrapping_sub(home) & self.mask;
            let from_hole = place.wrapping_sub(hole) & self.mask;
            if from_home >= from_hole {
                self.index[hole] = slot;
                hole = place;
            }
        }
        self.index[hole] = NIL;
    }

    pub(crate) fn oldest(&self) -> Option<&Pending> {
        self.slots.get(self.oldest as usize).map(|slot| &slot.pending)
    }

    /// Takes the oldest request if `due` says so.
    pub(crate) fn pop_oldest_if(&mut self, due: impl FnOnce(&Pending) -> bool) -> Option<Pending> {
        let oldest = self.oldest;
        let pending = self.slots.get(oldest as usize)?.pending;
        if !due(&pending) {
            return None;
        }
        let mut place = self.home(pending.sequence);
        while self.index[place] != oldest {
            place = (place + 1) & self.mask;
        }
        Some(self.remove_at(place))
    }

    /// All requests, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pending> {
        let mut next = self.oldest;
        std::iter::from_fn(move || {
            let slot = self.slots.get(next as usize)?;
            next = slot.newer;
            Some(&slot.pending)
        })
    }
}

#[cfg(test)]
mod tests;
