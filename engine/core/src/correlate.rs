//! Which open message a delivery receipt speaks of.
//!
//! A link answers a submission with an id and later names it in a receipt, often in another spelling: decimal
//! instead of hexadecimal, upper case, padded with zeros. All of these match without configuration. An id alone
//! never does: link, device and id must agree, and where two open messages could be meant the answer is
//! [`Match::Ambiguous`]; nothing is guessed. How a link spells its ids is learned from the receipts that could
//! mean one message only, and decides between candidates afterwards.

mod early;
mod readings;

#[cfg(test)]
mod tests;

use hashbrown::HashTable;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::address::Address;
use crate::id::LinkId;
pub use early::{EarlyReceipts, Parked};
use readings::{Device, Readings};

/// How the id in a link's receipts is written compared with the id in its responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdRelation {
    /// Alike, up to case and zeros in front.
    Same,
    /// Hexadecimal in the response, decimal in the receipt.
    HexToDecimal,
    /// Decimal in the response, hexadecimal in the receipt.
    DecimalToHex,
}

impl IdRelation {
    const fn bit(self) -> u8 {
        1 << self as u8
    }

    const fn of_bits(bits: u8) -> Option<Self> {
        match bits {
            1 => Some(Self::Same),
            2 => Some(Self::HexToDecimal),
            4 => Some(Self::DecimalToHex),
            _ => None,
        }
    }
}

/// When the device in a receipt is the device of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceMatch {
    /// Its digits are the same, with or without `+` and `00`.
    #[default]
    Exact,
    /// The last seven digits are the same: for links that rewrite numbers. A shorter number must be the same.
    Suffix,
}

/// What is configured of a link's ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkIds {
    /// Overrides what would be learned; receipts in another spelling then match nothing.
    pub relation: Option<IdRelation>,
    /// How devices are compared.
    pub device: DeviceMatch,
}

/// The open messages that a receipt can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match<T> {
    /// This one.
    One(T),
    /// So many, and nothing tells them apart.
    Ambiguous(usize),
    /// No open message.
    None,
}

/// Names an entry of a [`Correlator`], for [`Correlator::forget`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Expected {
    index: u32,
    generation: u32,
}

/// Receipts in a row that agree before a relation is taken as the link's own, or is given up.
const CONVINCED: u8 = 3;
/// Ids from here on do not coincide in two bases by accident: numbers of one length, read in the other base,
/// are longer.
const COINCIDENCE_ENDS: u64 = 1 << 24;
/// Entries of one key that are looked at; more than one is ambiguous already.
const CHAIN_LOOK: usize = 64;
/// The index is so many tables, so that one growing never moves all entries at once.
const SEGMENTS: usize = 64;
const NIL: u32 = u32::MAX;

#[derive(Clone, Copy, Default)]
struct Habit {
    configured: LinkIds,
    learned: Option<IdRelation>,
    candidate: Option<IdRelation>,
    /// Whether there were numbers (1) and texts (2) among the ids that it gave.
    forms: u8,
    streak: u8,
    contradictions: u8,
}

impl Habit {
    /// Takes note of a receipt that could mean one message only; false when that is more likely chance.
    fn observe(&mut self, seen: IdRelation, by_chance: bool) -> bool {
        match self.learned {
            Some(known) if known == seen => {
                self.contradictions = 0;
                return true;
            }
            Some(_) => {
                self.contradictions += 1;
                if by_chance && self.contradictions < CONVINCED {
                    return false;
                }
                self.learned = None;
                self.candidate = None;
                self.contradictions = 0;
            }
            None => {}
        }
        if self.candidate != Some(seen) {
            self.candidate = Some(seen);
            self.streak = 0;
        }
        self.streak += 1;
        if self.streak >= CONVINCED {
            self.learned = Some(seen);
        }
        true
    }
}

/// One open message; its two keys hang in chains of entries with the same key.
struct Entry<T> {
    keys: [u64; 2],
    device: u64,
    next: [u32; 2],
    previous: [u32; 2],
    item: T,
    link: u32,
    generation: u32,
    /// How many of `keys` are used; none when the entry is free.
    used: u8,
}

/// The open messages of a node by what their receipts will say.
///
/// `T` names a message, as a slot and a generation. Finding, adding and removing take constant time; an entry
/// takes some 90 octets. The caller bounds the number of open messages.
pub struct Correlator<T> {
    entries: Vec<Entry<T>>,
    free: u32,
    open: usize,
    /// A node is an entry's index times two plus the number of the key; heads of chains are here.
    index: Vec<HashTable<u32>>,
    links: FxHashMap<LinkId, Habit>,
}

impl<T: Copy + PartialEq> Default for Correlator<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Copy + PartialEq> Correlator<T> {
    /// One without open messages.
    #[must_use]
    pub fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: NIL,
            open: 0,
            index: (0..SEGMENTS).map(|_| HashTable::new()).collect(),
            links: FxHashMap::default(),
        }
    }

    /// Sets what is configured of a link; what was learned of it stays.
    pub fn set_link(&mut self, link: LinkId, configured: LinkIds) {
        self.links.entry(link).or_default().configured = configured;
    }

    /// Forgets what was configured and learned of a link; its open messages stay.
    pub fn remove_link(&mut self, link: LinkId) {
        self.links.remove(&link);
    }

    /// How the link's receipts spell ids, as far as configured or learned.
    #[must_use]
    pub fn relation(&self, link: LinkId) -> Option<IdRelation> {
        let habit = self.links.get(&link)?;
        habit.configured.relation.or(habit.learned)
    }

    /// Number of open messages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open
    }

    /// True when no message is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// Expects receipts for `item`, which `link` knows as `remote_id` and sent to `device`.
    ///
    /// `None` when the id is empty: no receipt could ever name it.
    pub fn expect(&mut self, link: LinkId, remote_id: &[u8], device: &Address, item: T) -> Option<Expected> {
        let device = Device::of(device);
        let readings = Readings::of(remote_id)?;
        self.links.entry(link).or_default().forms |= readings.form();
        let keys = readings.own_keys(link, device);
        let index = self.allot(link, device, item);
        let entry = &mut self.entries[index as usize];
        entry.used = keys.len() as u8;
        entry.keys[..keys.len()].copy_from_slice(&keys);
        let generation = entry.generation;
        for number in 0..keys.len() {
            self.chain(index * 2 + number as u32);
        }
        self.open += 1;
        Some(Expected { index, generation })
    }

    /// The open message that a receipt from `link` for `device` means, and learns from it how the link spells.
    pub fn find(&mut self, link: LinkId, receipt_id: &[u8], device: &Address) -> Match<T> {
        let Some(readings) = Readings::of(receipt_id) else { return Match::None };
        let device = Device::of(device);
        let habit = self.links.get(&link).copied().unwrap_or_default();
        let candidates = self.candidates(link, &readings, device, habit.configured);
        match candidates.as_slice() {
            [] => Match::None,
            &[(item, bits)] => {
                let Some(seen) = IdRelation::of_bits(bits) else { return Match::One(item) };
                if habit.configured.relation.is_some() || readings.is_text() {
                    return Match::One(item);
                }
                let by_chance = readings.largest_below(COINCIDENCE_ENDS);
                if self.links.entry(link).or_default().observe(seen, by_chance) {
                    Match::One(item)
                } else {
                    Match::None
                }
            }
            several => {
                let Some(known) = habit.learned else { return Match::Ambiguous(several.len()) };
                let mut spelled = several.iter().filter(|(_, bits)| bits & known.bit() != 0);
                match (spelled.next(), spelled.next()) {
                    (Some(&(item, _)), None) => Match::One(item),
                    _ => Match::Ambiguous(several.len()),
                }
            }
        }
    }

    /// True when an id that no open message has looks as if the link had given it: a number where its ids are
    /// numbers. False for an empty one. What a link that never gave an id writes is not known.
    #[must_use]
    pub fn is_form_of(&self, link: LinkId, receipt_id: &[u8]) -> bool {
        let Some(readings) = Readings::of(receipt_id) else { return false };
        let forms = self.links.get(&link).map_or(0, |habit| habit.forms);
        forms == 0 || forms & readings.form() != 0
    }

    /// Expects nothing more for an entry; gives back its item unless that was done before.
    pub fn forget(&mut self, expected: Expected) -> Option<T> {
        let entry = self.entries.get(expected.index as usize)?;
        if entry.used == 0 || entry.generation != expected.generation {
            return None;
        }
        let item = entry.item;
        for number in 0..u32::from(entry.used) {
            self.unchain(expected.index * 2 + number);
        }
        let entry = &mut self.entries[expected.index as usize];
        entry.used = 0;
        entry.generation = entry.generation.wrapping_add(1);
        entry.next[0] = self.free;
        self.free = expected.index;
        self.open -= 1;
        Some(item)
    }

    /// Distinct items that could be meant, each with the relations by which.
    fn candidates(
        &self,
        link: LinkId,
        readings: &Readings,
        device: Device,
        configured: LinkIds,
    ) -> SmallVec<[(T, u8); 4]> {
        let mut found: SmallVec<[(T, u8); 4]> = SmallVec::new();
        for (relation, key) in readings.keys_of_others(link, device) {
            if configured.relation.is_some_and(|only| only != relation) {
                continue;
            }
            for entry in self.chain_of(key).take(CHAIN_LOOK) {
                let same_device = configured.device == DeviceMatch::Suffix || entry.device == device.whole;
                if entry.link != link.0 || !same_device {
                    continue;
                }
                match found.iter_mut().find(|(item, _)| *item == entry.item) {
                    Some((_, bits)) => *bits |= relation.bit(),
                    None => found.push((entry.item, relation.bit())),
                }
            }
        }
        found
    }

    fn allot(&mut self, link: LinkId, device: Device, item: T) -> u32 {
        if self.free == NIL {
            self.entries.push(Entry {
                keys: [0; 2],
                device: device.whole,
                next: [NIL; 2],
                previous: [NIL; 2],
                item,
                link: link.0,
                generation: 0,
                used: 0,
            });
            return (self.entries.len() - 1) as u32;
        }
        let index = self.free;
        let entry = &mut self.entries[index as usize];
        self.free = entry.next[0];
        entry.device = device.whole;
        entry.item = item;
        entry.link = link.0;
        index
    }

    fn chain_of(&self, key: u64) -> impl Iterator<Item = &Entry<T>> {
        let entries = &self.entries;
        let head = self.index[segment(key)].find(key, |&node| key_of(entries, node) == key).copied();
        std::iter::successors(head, move |&node| {
            let next = entries[node as usize / 2].next[node as usize % 2];
            (next != NIL).then_some(next)
        })
        .map(move |node| &entries[node as usize / 2])
    }

    fn chain(&mut self, node: u32) {
        let key = key_of(&self.entries, node);
        let table = &mut self.index[segment(key)];
        let entries = &self.entries;
        let before = match table.find_mut(key, |&head| key_of(entries, head) == key) {
            Some(head) => std::mem::replace(head, node),
            None => {
                table.insert_unique(key, node, |&head| key_of(entries, head));
                NIL
            }
        };
        let entry = &mut self.entries[node as usize / 2];
        entry.next[node as usize % 2] = before;
        entry.previous[node as usize % 2] = NIL;
        if before != NIL {
            self.entries[before as usize / 2].previous[before as usize % 2] = node;
        }
    }

    fn unchain(&mut self, node: u32) {
        let (at, number) = (node as usize / 2, node as usize % 2);
        let (next, previous) = (self.entries[at].next[number], self.entries[at].previous[number]);
        if next != NIL {
            self.entries[next as usize / 2].previous[next as usize % 2] = previous;
        }
        if previous != NIL {
            self.entries[previous as usize / 2].next[previous as usize % 2] = next;
            return;
        }
        let key = self.entries[at].keys[number];
        if let Ok(mut head) = self.index[segment(key)].find_entry(key, |&head| head == node) {
            if next == NIL {
                head.remove();
            } else {
                *head.get_mut() = next;
            }
        }
    }
}

/// From bits that the tables themselves do not look at first.
fn segment(key: u64) -> usize {
    (key >> 40) as usize % SEGMENTS
}

fn key_of<T>(entries: &[Entry<T>], node: u32) -> u64 {
    entries[node as usize / 2].keys[node as usize % 2]
}
