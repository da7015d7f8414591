//! One class of a queue, shared by the accounts that wait in it.
//!
//! Start-time fair queueing: each release moves its account's clock on by one over the weight, and the account
//! whose clock shows least is next. Who comes to the queue begins at the clock of the last release, so nobody
//! saves up shares while away, and who leaves it keeps a clock that is ahead. Among `n` accounts a release takes
//! `O(log n)`.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::Lane;
use super::line::{Entry, Line};
use crate::time::Since;

/// What a release with weight 1 costs.
const STRIDE: u64 = 1 << 20;
/// Accounts that are remembered though nothing of theirs waits; above it those that owe nothing are forgotten.
const REMEMBERED: usize = 16;
/// Accounts that are told apart in one class; those above share one place.
const OWNERS: usize = 1 << 18;

/// The key of whose items are, such as the number of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(pub u64);

/// Whose an item is, and the share of the releases that these items have while those of others wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Whose.
    pub owner: Owner,
    /// Releases in proportion to those of others; 0 counts as 1.
    pub weight: u32,
}

/// An item behind another one of its lane.
pub(super) struct Waiting<T> {
    pub(super) entry: Entry<T>,
    pub(super) lane: Lane,
    /// Where it is let in.
    pub(super) slot: u32,
}

/// Where an owner is listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listed {
    /// Has ready items.
    Active,
    /// Has nothing.
    Idle,
    /// All it has waits for lanes.
    Neither,
}

/// The ready items of one owner. Places grow; an item is either in the line or returned.
struct Flow<T> {
    share: Share,
    /// Its clock.
    clock: u64,
    /// In the order they came.
    line: Line<T>,
    /// With a place that the line has passed or never had: given back, or let in by their lane.
    returned: BTreeMap<u64, Entry<T>>,
    /// Items that wait for their lanes.
    behind: usize,
    listed: Listed,
    /// Place of the first ready item, as it is listed.
    head: Option<u64>,
}

impl<T: Copy> Flow<T> {
    fn new(share: Share) -> Self {
        Self {
            share,
            clock: 0,
            line: Line::new(),
            returned: BTreeMap::new(),
            behind: 0,
            listed: Listed::Neither,
            head: None,
        }
    }

    /// The first ready entry.
    fn head(&self) -> Option<(u64, Entry<T>)> {
        let returned = self.returned.first_key_value().map(|(&place, &entry)| (place, entry));
        match (self.line.head(), returned) {
            (Some(in_line), Some(returned)) if returned.0 < in_line.0 => Some(returned),
            (None, returned) => returned,
            (in_line, _) => in_line,
        }
    }

    fn take(&mut self, place: u64) -> Option<Entry<T>> {
        self.returned.remove(&place).or_else(|| self.line.remove(place))
    }
}

/// One class of a queue.
pub(super) struct ClassQueue<T> {
    next_place: u64,
    flows: Vec<Flow<T>>,
    slots: FxHashMap<Owner, u32>,
    /// By clock.
    active: BTreeSet<(u64, u32)>,
    /// By clock.
    idle: BTreeSet<(u64, u32)>,
    /// First ready items by place: the oldest is first.
    heads: BTreeSet<(u64, u32)>,
    /// Clock of the last release.
    clock: u64,
    ready: usize,
    pub(super) waiting: BTreeMap<u64, Waiting<T>>,
}

impl<T: Copy> ClassQueue<T> {
    pub(super) fn new() -> Self {
        Self {
            next_place: 0,
            flows: Vec::new(),
            slots: FxHashMap::default(),
            active: BTreeSet::new(),
            idle: BTreeSet::new(),
            heads: BTreeSet::new(),
            clock: 0,
            ready: 0,
            waiting: BTreeMap::new(),
        }
    }

    pub(super) fn ready(&self) -> usize {
        self.ready
    }

    pub(super) fn len(&self) -> usize {
        self.ready + self.waiting.len()
    }

    pub(super) fn allot(&mut self) -> u64 {
        let place = self.next_place;
        self.next_place += 1;
        place
    }

    /// The slot of an owner, new or given up by another that has nothing here and owes nothing.
    pub(super) fn slot(&mut self, share: Share) -> u32 {
        if let Some(&slot) = self.slots.get(&share.owner) {
            self.flows[slot as usize].share = share;
            return slot;
        }
        let forgotten = self.idle.first().copied().filter(|(clock, _)| *clock <= self.clock);
        let slot = match forgotten {
            Some((_, slot)) if self.flows.len() >= REMEMBERED => {
                let flow = &mut self.flows[slot as usize];
                self.slots.remove(&flow.share.owner);
                flow.share = share;
                slot
            }
            _ if self.flows.len() >= OWNERS => return OWNERS as u32 - 1,
            _ => {
                self.flows.push(Flow::new(share));
                self.flows.len() as u32 - 1
            }
        };
        self.slots.insert(share.owner, slot);
        slot
    }

    pub(super) fn push(&mut self, slot: u32, place: u64, entry: Entry<T>) {
        self.flows[slot as usize].line.push(place, entry);
        self.ready += 1;
        self.list(slot);
    }

    /// Puts a ready item where it was, or where it would be had its lane been free.
    pub(super) fn put_back(&mut self, slot: u32, place: u64, entry: Entry<T>) {
        if self.flows[slot as usize].returned.insert(place, entry).is_none() {
            self.ready += 1;
        }
        self.list(slot);
    }

    pub(super) fn wait(&mut self, place: u64, waiting: Waiting<T>) {
        let slot = waiting.slot;
        self.flows[slot as usize].behind += 1;
        self.waiting.insert(place, waiting);
        self.list(slot);
    }

    /// Takes out an item that waits for its lane.
    pub(super) fn stop_waiting(&mut self, place: u64) -> Option<Waiting<T>> {
        let waiting = self.waiting.remove(&place)?;
        self.flows[waiting.slot as usize].behind -= 1;
        self.list(waiting.slot);
        Some(waiting)
    }

    /// Takes out a ready item.
    pub(super) fn remove(&mut self, slot: u32, place: u64) -> Option<Entry<T>> {
        let entry = self.flows.get_mut(slot as usize)?.take(place)?;
        self.ready -= 1;
        self.list(slot);
        Some(entry)
    }

    pub(super) fn pop(&mut self) -> Option<(u32, u64, Entry<T>)> {
        let &(clock, slot) = self.active.first()?;
        self.clock = self.clock.max(clock);
        // Alone, and nobody is ahead: there is nothing to share.
        let alone = self.active.len() == 1 && self.idle.last().is_none_or(|(idle, _)| *idle <= self.clock);
        let flow = &mut self.flows[slot as usize];
        let (place, _) = flow.head()?;
        let entry = flow.take(place)?;
        self.ready -= 1;
        if !alone {
            self.active.remove(&(clock, slot));
            flow.listed = Listed::Neither;
            flow.clock = clock + STRIDE / u64::from(flow.share.weight.max(1));
        }
        self.list(slot);
        Some((slot, place, entry))
    }

    /// Since when the first ready item has waited.
    pub(super) fn head(&self) -> Option<Since> {
        let &(_, slot) = self.heads.first()?;
        self.flows[slot as usize].head().map(|(_, entry)| entry.since)
    }

    pub(super) fn oldest(&self) -> Option<Since> {
        let waiting = self.waiting.first_key_value().map(|(_, waiting)| waiting.entry.since);
        [self.head(), waiting].into_iter().flatten().min()
    }

    pub(super) fn set_weights(&mut self, weight: &impl Fn(Owner) -> u32) {
        for flow in &mut self.flows {
            flow.share.weight = weight(flow.share.owner);
        }
    }

    /// Lists an owner after something of its own came or went.
    fn list(&mut self, slot: u32) {
        let flow = &mut self.flows[slot as usize];
        let head = flow.head().map(|(place, _)| place);
        if head != flow.head {
            if let Some(place) = flow.head {
                self.heads.remove(&(place, slot));
            }
            if let Some(place) = head {
                self.heads.insert((place, slot));
            }
            flow.head = head;
        }
        let listed = match head {
            Some(_) => Listed::Active,
            None if flow.behind > 0 => Listed::Neither,
            None => Listed::Idle,
        };
        if listed == flow.listed {
            return;
        }
        match flow.listed {
            Listed::Active => self.active.remove(&(flow.clock, slot)),
            Listed::Idle => self.idle.remove(&(flow.clock, slot)),
            Listed::Neither => true,
        };
        flow.listed = listed;
        match listed {
            Listed::Active => {
                flow.clock = flow.clock.max(self.clock);
                self.active.insert((flow.clock, slot));
            }
            Listed::Idle => {
                self.idle.insert((flow.clock, slot));
            }
            Listed::Neither => {}
        }
        // Nobody waits: what was shared so far is settled.
        if self.active.is_empty()
            && let Some((clock, _)) = self.idle.last()
        {
            self.clock = self.clock.max(*clock);
        }
    }

    /// Ready entries, owner by owner, each in its order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u64, Entry<T>)> + '_ {
        self.flows.iter().zip(0u32..).flat_map(|(flow, slot)| {
            let merged =
                Merged { line: flow.line.iter().peekable(), returned: flow.returned.iter().peekable() };
            merged.map(move |(place, entry)| (slot, place, entry))
        })
    }

    #[cfg(test)]
    pub(super) fn octets(&self) -> usize {
        self.flows.iter().map(|flow| flow.line.octets()).sum()
    }

    #[cfg(test)]
    pub(super) fn owners(&self) -> usize {
        assert_eq!(self.slots.len(), self.flows.len());
        self.flows.len()
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
