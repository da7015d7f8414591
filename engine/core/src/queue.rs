//! The queue of one peer: four traffic classes, urgent ones first; within a class those who wait share the
//! releases by their weights, and what is one's own leaves first in first out.
//!
//! Entries are small: the item, which names a message elsewhere, its place and when it was queued, some 22 octets.
//! A [`Ticket`] names an entry for as long as it waits, so that cancel, purge and reroute take logarithmic time; an
//! item that comes back (throttled) takes the place it had. With lanes, a later item of a lane waits until the
//! one before it is final.

mod fairness;
mod line;
mod shares;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::message::TrafficClass;
use crate::time::{Mono, Since};
use fairness::Turns;
pub use fairness::{Fairness, FairnessError};
use line::Entry;
use shares::{ClassQueue, Waiting};
pub use shares::{Owner, Share};

/// Number of classes.
const CLASSES: usize = TrafficClass::ALL.len();

/// The key of items that leave one after the other, such as the hash of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub u64);

/// Names an item in a queue, and its place within its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

impl Ticket {
    /// Lowest are two bits for the class and eighteen for the slot of the owner within it.
    fn new(class: TrafficClass, slot: u32, place: u64) -> Self {
        Self(place << 20 | u64::from(slot) << 2 | class.index() as u64)
    }

    /// The class in which the item waits.
    #[must_use]
    pub fn class(self) -> TrafficClass {
        TrafficClass::ALL[(self.0 & 0b11) as usize]
    }

    fn slot(self) -> u32 {
        (self.0 >> 2 & 0x3_ffff) as u32
    }

    fn place(self) -> u64 {
        self.0 >> 20
    }
}

/// An item in a queue or just taken from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queued<T> {
    /// The item.
    pub item: T,
    /// Its place, to be kept where the item may be removed or come back.
    pub ticket: Ticket,
    /// Since when it has waited.
    pub since: Since,
    /// The lane in which it waits for the item before it; `None` when it only waits for its turn.
    pub waits_in: Option<Lane>,
}

/// The queue of one peer.
///
/// It never refuses an item, since what is accepted must be kept: [`PeerQueue::is_full`] is to be asked before
/// acceptance.
pub struct PeerQueue<T> {
    classes: [ClassQueue<T>; CLASSES],
    /// Held lanes, each with the tickets that wait for it.
    lanes: FxHashMap<Lane, VecDeque<Ticket>>,
    turns: Turns,
    capacity: usize,
    held: bool,
}

impl<T: Copy> PeerQueue<T> {
    /// An empty queue that counts as full from `capacity` items on.
    #[must_use]
    pub fn new(capacity: usize, fairness: Fairness) -> Self {
        Self {
            classes: std::array::from_fn(|_| ClassQueue::new()),
            lanes: FxHashMap::default(),
            turns: Turns::new(fairness),
            capacity,
            held: false,
        }
    }

    /// Sets how classes share the releases.
    pub fn set_fairness(&mut self, fairness: Fairness) {
        self.turns.set(fairness);
    }

    /// Sets from how many items on it counts as full.
    pub fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
    }

    /// Sets the weights anew, for what is queued already too.
    pub fn set_weights(&mut self, weight: impl Fn(Owner) -> u32) {
        for queue in &mut self.classes {
            queue.set_weights(&weight);
        }
    }

    /// Queues an item behind all of its owner's in its class; it has waited since `since`, here or elsewhere.
    ///
    /// With a lane it is let in only when the lane is free, and holds it from then until [`PeerQueue::done`].
    pub fn push_back(
        &mut self,
        item: T,
        class: TrafficClass,
        share: Share,
        lane: Option<Lane>,
        since: impl Into<Since>,
    ) -> Ticket {
        let entry = Entry { item, since: since.into() };
        let queue = &mut self.classes[class.index()];
        let (slot, place) = (queue.slot(share), queue.allot());
        let ticket = Ticket::new(class, slot, place);
        let Some(lane) = lane else {
            queue.push(slot, place, entry);
            return ticket;
        };
        if let Some(behind) = self.lanes.get_mut(&lane) {
            behind.push_back(ticket);
            queue.wait(place, Waiting { entry, lane, slot });
        } else {
            self.lanes.insert(lane, VecDeque::new());
            queue.push(slot, place, entry);
        }
        ticket
    }

    /// Gives back an item that [`PeerQueue::pop`] gave out and that was not taken (throttled): it has the place
    /// and the time it had, whatever order items come back in, and holds its lane still. Its ticket may be
    /// another one. Its release counted: what is shared is attempts.
    pub fn push_front(&mut self, back: Queued<T>, share: Share) -> Ticket {
        let entry = Entry { item: back.item, since: back.since };
        let (class, place) = (back.ticket.class(), back.ticket.place());
        let queue = &mut self.classes[class.index()];
        let slot = queue.slot(share);
        queue.put_back(slot, place, entry);
        Ticket::new(class, slot, place)
    }

    /// Queues an item behind all of its owner's in its class that holds its lane already: a later try.
    pub fn push_again(
        &mut self,
        item: T,
        class: TrafficClass,
        share: Share,
        since: impl Into<Since>,
    ) -> Ticket {
        self.push_back(item, class, share, None, since)
    }

    /// Takes the next item: of the most urgent class, unless another one is due ([`Fairness`]), and in it of the
    /// owner whose turn it is. Nothing while held.
    pub fn pop(&mut self, now: Mono) -> Option<Queued<T>> {
        if self.held {
            return None;
        }
        let heads = std::array::from_fn(|class| self.classes[class].head());
        let class = self.turns.next(heads, now)?;
        let (slot, place, entry) = self.classes[class.index()].pop()?;
        Some(Queued {
            item: entry.item,
            ticket: Ticket::new(class, slot, place),
            since: entry.since,
            waits_in: None,
        })
    }

    /// Lets the next item of a lane in, whose holder is final or gone to another peer; true if there was one.
    pub fn done(&mut self, lane: Lane) -> bool {
        let Some(behind) = self.lanes.get_mut(&lane) else { return false };
        while let Some(ticket) = behind.pop_front() {
            let queue = &mut self.classes[ticket.class().index()];
            // What was removed meanwhile has left only its ticket.
            if let Some(waiting) = queue.stop_waiting(ticket.place()) {
                queue.put_back(waiting.slot, ticket.place(), waiting.entry);
                return true;
            }
        }
        self.lanes.remove(&lane);
        false
    }

    /// Holds a lane for an item that is not in the queue (in flight or between tries when the node started);
    /// false when it was held.
    pub fn hold_lane(&mut self, lane: Lane) -> bool {
        match self.lanes.entry(lane) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(VecDeque::new());
                true
            }
        }
    }

    /// Removes an item wherever it is (cancel, purge, reroute, expiry).
    ///
    /// `lane` is the one it was queued with: if the item held it, the next one is let in.
    pub fn remove(&mut self, ticket: Ticket, lane: Option<Lane>) -> Option<Queued<T>> {
        let queue = &mut self.classes[ticket.class().index()];
        let place = ticket.place();
        if let Some(Waiting { entry, lane, .. }) = queue.stop_waiting(place) {
            return Some(Queued { item: entry.item, ticket, since: entry.since, waits_in: Some(lane) });
        }
        let entry = queue.remove(ticket.slot(), place)?;
        if let Some(lane) = lane {
            self.done(lane);
        }
        Some(Queued { item: entry.item, ticket, since: entry.since, waits_in: None })
    }

    /// Holds the whole queue: [`PeerQueue::pop`] gives nothing until [`PeerQueue::release`].
    pub fn hold(&mut self) {
        self.held = true;
    }

    /// Ends [`PeerQueue::hold`].
    pub fn release(&mut self) {
        self.held = false;
    }

    /// True while held.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// True when nothing more is to be accepted for the peer.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity
    }

    /// True when [`PeerQueue::pop`] would give an item.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.held && self.classes.iter().any(|queue| queue.ready() > 0)
    }

    /// Number of items, waiting for lanes or ready.
    #[must_use]
    pub fn len(&self) -> usize {
        self.classes.iter().map(ClassQueue::len).sum()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of items of a class.
    #[must_use]
    pub fn class_len(&self, class: TrafficClass) -> usize {
        self.classes[class.index()].len()
    }

    /// Number of items of a class that wait for their lanes.
    #[must_use]
    pub fn class_waiting(&self, class: TrafficClass) -> usize {
        self.classes[class.index()].waiting.len()
    }

    /// Since when the first item of a class has been waiting (`queue_oldest_age_seconds`).
    #[must_use]
    pub fn oldest(&self, class: TrafficClass) -> Option<Since> {
        self.classes[class.index()].oldest()
    }

    /// All items for a new decision: the ready ones of all classes, then those that wait for lanes, each lane's in the
    /// order in which it lets them in, whatever their classes. Who moves them in this order keeps that of lanes.
    #[must_use]
    pub fn in_order(&self) -> Vec<Queued<T>> {
        let mut lanes: FxHashMap<Lane, _> = FxHashMap::default();
        let (mut items, mut behind): (Vec<Queued<T>>, Vec<_>) =
            self.iter().partition(|queued| queued.waits_in.is_none());
        items.append(&mut behind);
        for queued in &mut items {
            let Some(lane) = queued.waits_in else { continue };
            let behind = lanes.entry(lane).or_insert_with(|| self.lanes.get(&lane).into_iter().flatten());
            // Each that waits is behind its lane once; what was removed meanwhile has left only its ticket.
            let next = behind.find_map(|ticket| {
                let waiting = self.classes[ticket.class().index()].waiting.get(&ticket.place())?;
                Some((*ticket, waiting.entry))
            });
            if let Some((ticket, entry)) = next {
                *queued = Queued { item: entry.item, ticket, since: entry.since, waits_in: Some(lane) };
            }
        }
        items
    }

    /// All items: by class, of each the ready ones by owner and then those that wait for a lane, each in their
    /// order.
    pub fn iter(&self) -> impl Iterator<Item = Queued<T>> + '_ {
        TrafficClass::ALL.into_iter().flat_map(|class| {
            let queue = &self.classes[class.index()];
            let ready = queue.iter().map(|(slot, place, entry)| (slot, place, entry, None));
            let waiting = queue
                .waiting
                .iter()
                .map(|(&place, waiting)| (waiting.slot, place, waiting.entry, Some(waiting.lane)));
            ready.chain(waiting).map(move |(slot, place, entry, waits_in)| Queued {
                item: entry.item,
                ticket: Ticket::new(class, slot, place),
                since: entry.since,
                waits_in,
            })
        })
    }
}
