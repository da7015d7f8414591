//! The queue of one peer: four traffic classes, first in first out within each, urgent ones first.
//!
//! Entries are small: the item, which names a message elsewhere, and when it was queued, some 17 octets. A
//! [`Ticket`] names an entry for as long as it waits, so that cancel, purge and reroute take constant time; an
//! item that comes back (throttled) takes the place it had. With lanes, a later item of a lane waits until the
//! one before it is final.

mod fairness;
mod line;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use rustc_hash::FxHashMap;

use crate::message::TrafficClass;
use crate::time::Mono;
use fairness::Turns;
pub use fairness::{Fairness, FairnessError};
use line::{Entry, Line};

/// Number of classes.
const CLASSES: usize = TrafficClass::ALL.len();

/// The key of items that leave one after the other, such as the hash of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub u64);

/// Names an item in a queue, and its place within its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

impl Ticket {
    fn new(class: TrafficClass, place: u64) -> Self {
        Self(place << 2 | class.index() as u64)
    }

    /// The class in which the item waits.
    #[must_use]
    pub fn class(self) -> TrafficClass {
        TrafficClass::ALL[(self.0 & 0b11) as usize]
    }

    fn place(self) -> u64 {
        self.0 >> 2
    }
}

/// An item in a queue or just taken from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queued<T> {
    /// The item.
    pub item: T,
    /// Its place, to be kept where the item may be removed or come back.
    pub ticket: Ticket,
    /// When it was queued.
    pub since: Mono,
    /// The lane in which it waits for the item before it; `None` when it only waits for its turn.
    pub waits_in: Option<Lane>,
}

/// An item behind another one of its lane.
struct Waiting<T> {
    entry: Entry<T>,
    lane: Lane,
}

/// One class of a queue. Places grow; an item is in exactly one of the three.
struct ClassQueue<T> {
    next_place: u64,
    /// Ready, in the order they came.
    line: Line<T>,
    /// Ready, with a place that the line has passed or never had: given back, or let in by their lane.
    returned: BTreeMap<u64, Entry<T>>,
    waiting: BTreeMap<u64, Waiting<T>>,
}

impl<T: Copy> ClassQueue<T> {
    fn new() -> Self {
        Self { next_place: 0, line: Line::new(), returned: BTreeMap::new(), waiting: BTreeMap::new() }
    }

    fn ready(&self) -> usize {
        self.line.len() + self.returned.len()
    }

    fn len(&self) -> usize {
        self.ready() + self.waiting.len()
    }

    /// The first ready entry and whether it is in `returned`.
    fn head(&self) -> Option<(u64, Entry<T>, bool)> {
        let in_line = self.line.head().map(|(place, entry)| (place, entry, false));
        let returned = self.returned.first_key_value().map(|(&place, &entry)| (place, entry, true));
        match (in_line, returned) {
            (Some(in_line), Some(returned)) if returned.0 < in_line.0 => Some(returned),
            (None, returned) => returned,
            (in_line, _) => in_line,
        }
    }

    fn pop(&mut self) -> Option<(u64, Entry<T>)> {
        let (place, entry, returned) = self.head()?;
        if returned {
            self.returned.remove(&place);
        } else {
            self.line.remove(place);
        }
        Some((place, entry))
    }

    fn allot(&mut self) -> u64 {
        let place = self.next_place;
        self.next_place += 1;
        place
    }

    fn oldest(&self) -> Option<Mono> {
        let ready = self.head().map(|(_, entry, _)| entry.since);
        let waiting = self.waiting.first_key_value().map(|(_, waiting)| waiting.entry.since);
        [ready, waiting].into_iter().flatten().min()
    }
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

    /// Queues an item behind all of its class.
    ///
    /// With a lane it is let in only when the lane is free, and holds it from then until [`PeerQueue::done`].
    pub fn push_back(&mut self, item: T, class: TrafficClass, lane: Option<Lane>, now: Mono) -> Ticket {
        let entry = Entry { item, since: now };
        let queue = &mut self.classes[class.index()];
        let place = queue.allot();
        let ticket = Ticket::new(class, place);
        let Some(lane) = lane else {
            queue.line.push(place, entry);
            return ticket;
        };
        if let Some(behind) = self.lanes.get_mut(&lane) {
            behind.push_back(ticket);
            queue.waiting.insert(place, Waiting { entry, lane });
        } else {
            self.lanes.insert(lane, VecDeque::new());
            queue.line.push(place, entry);
        }
        ticket
    }

    /// Gives back an item that [`PeerQueue::pop`] gave out and that was not taken (throttled): it has the place
    /// and the time it had, whatever order items come back in, and holds its lane still.
    pub fn push_front(&mut self, back: Queued<T>) {
        let entry = Entry { item: back.item, since: back.since };
        self.classes[back.ticket.class().index()].returned.insert(back.ticket.place(), entry);
    }

    /// Queues an item behind all of its class that holds its lane already: a later try.
    pub fn push_again(&mut self, item: T, class: TrafficClass, now: Mono) -> Ticket {
        self.push_back(item, class, None, now)
    }

    /// Takes the next item: the most urgent, unless another class is due ([`Fairness`]). Nothing while held.
    pub fn pop(&mut self, now: Mono) -> Option<Queued<T>> {
        if self.held {
            return None;
        }
        let heads = std::array::from_fn(|class| self.classes[class].head().map(|(_, entry, _)| entry.since));
        let class = self.turns.next(heads, now)?;
        let (place, entry) = self.classes[class.index()].pop()?;
        Some(Queued {
            item: entry.item,
            ticket: Ticket::new(class, place),
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
            if let Some(waiting) = queue.waiting.remove(&ticket.place()) {
                queue.returned.insert(ticket.place(), waiting.entry);
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
        if let Some(Waiting { entry, lane }) = queue.waiting.remove(&place) {
            return Some(Queued { item: entry.item, ticket, since: entry.since, waits_in: Some(lane) });
        }
        let entry = queue.returned.remove(&place).or_else(|| queue.line.remove(place))?;
        if let Some(lane) = lane {
            self.done(lane);
        }
        Some(Queued { item: entry.item, ticket, since: entry.since, waits_in: None })
    }

    /// Removes up to `most` items, most urgent and oldest first, those that wait for a lane last, held or not.
    /// For rerouting a peer's mail in slices; holders of lanes in flight keep them.
    pub fn drain(&mut self, most: usize) -> Vec<Queued<T>> {
        let mut drained = Vec::new();
        for class in TrafficClass::ALL {
            let queue = &mut self.classes[class.index()];
            while drained.len() < most
                && let Some((place, entry)) = queue.pop()
            {
                let ticket = Ticket::new(class, place);
                drained.push(Queued { item: entry.item, ticket, since: entry.since, waits_in: None });
            }
        }
        for class in TrafficClass::ALL {
            let queue = &mut self.classes[class.index()];
            while drained.len() < most
                && let Some((place, Waiting { entry, lane })) = queue.waiting.pop_first()
            {
                let ticket = Ticket::new(class, place);
                drained.push(Queued { item: entry.item, ticket, since: entry.since, waits_in: Some(lane) });
            }
        }
        drained
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
    pub fn oldest(&self, class: TrafficClass) -> Option<Mono> {
        self.classes[class.index()].oldest()
    }

    /// All items: by class, of each the ready ones and then those that wait for a lane, each in their order.
    pub fn iter(&self) -> impl Iterator<Item = Queued<T>> + '_ {
        TrafficClass::ALL.into_iter().flat_map(|class| {
            let queue = &self.classes[class.index()];
            let ready =
                Merged { line: queue.line.iter().peekable(), returned: queue.returned.iter().peekable() };
            let ready = ready.map(move |(place, entry)| (place, entry, None));
            let waiting =
                queue.waiting.iter().map(|(&place, waiting)| (place, waiting.entry, Some(waiting.lane)));
            ready.chain(waiting).map(move |(place, entry, waits_in)| Queued {
                item: entry.item,
                ticket: Ticket::new(class, place),
                since: entry.since,
                waits_in,
            })
        })
    }
}

/// Two sequences of entries by place as one.
struct Merged<L: Iterator, R: Iterator> {
    line: std::iter::Peekable<L>,
    returned: std::iter::Peekable<R>,
}

impl<'a, T: Copy + 'a, L, R> Iterator for Merged<L, R>
where
    L: Iterator<Item = (u64, Entry<T>)>,
    R: Iterator<Item = (&'a u64, &'a Entry<T>)>,
{
    type Item = (u64, Entry<T>);

    fn next(&mut self) -> Option<Self::Item> {
        let returned_first = match (self.line.peek(), self.returned.peek()) {
            (Some((in_line, _)), Some((returned, _))) => *returned < in_line,
            (None, _) => true,
            (Some(_), None) => false,
        };
        if returned_first {
            return self.returned.next().map(|(&place, &entry)| (place, entry));
        }
        self.line.next()
    }
}
