//! The alarms that stand, and those that stood.

use std::collections::VecDeque;

use hashbrown::HashTable;

use crate::entry::EntryKey;
use crate::table::Hash;
use crate::{Alarm, AlarmId};

/// An alarm that stands, with what only the counters need to know.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) alarm: Alarm,
    pub(crate) key: EntryKey,
    pub(crate) hash: Hash,
    /// Tick of the last notice.
    pub(crate) notified: u64,
    /// Nanosecond of the monotonic clock from which a throttle lets the next message pass.
    pub(crate) opens: u64,
}

/// Alarms by place and by key, bounded, and a bounded history.
#[derive(Debug)]
pub(crate) struct Alarms {
    places: Vec<Option<Standing>>,
    free: Vec<u32>,
    index: HashTable<u32>,
    history: VecDeque<Alarm>,
    pub(crate) next_id: u64,
    max: usize,
    max_history: usize,
}

impl Alarms {
    pub(crate) fn new(max: u32, max_history: u32) -> Alarms {
        Alarms {
            places: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            history: VecDeque::new(),
            next_id: 1,
            max: max as usize,
            max_history: max_history as usize,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.max
    }

    /// How many places there are to look at, free ones among them.
    pub(crate) fn places(&self) -> u32 {
        self.places.len() as u32
    }

    pub(crate) fn find(&self, hash: Hash, key: EntryKey) -> Option<u32> {
        if self.index.is_empty() {
            return None;
        }
        let same = |place: &u32| self.get(*place).is_some_and(|standing| standing.key == key);
        self.index.find(hash.0, same).copied()
    }

    pub(crate) fn by_id(&self, id: AlarmId) -> Option<u32> {
        let found = self.places.iter().position(|s| s.as_ref().is_some_and(|s| s.alarm.id == id))?;
        Some(found as u32)
    }

    pub(crate) fn get(&self, place: u32) -> Option<&Standing> {
        self.places.get(place as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, place: u32) -> Option<&mut Standing> {
        self.places.get_mut(place as usize)?.as_mut()
    }

    pub(crate) fn take_id(&mut self) -> AlarmId {
        self.next_id += 1;
        AlarmId(self.next_id - 1)
    }

    /// Adds an alarm for a key that has none; the caller has seen to the bound.
    pub(crate) fn add(&mut self, standing: Standing) -> u32 {
        let hash = standing.hash;
        let place = match self.free.pop() {
            Some(place) => {
                self.places[place as usize] = Some(standing);
                place
            }
            None => {
                self.places.push(Some(standing));
                self.places.len() as u32 - 1
            }
        };
        let places = &self.places;
        let rehash = |place: &u32| places[*place as usize].as_ref().map_or(0, |standing| standing.hash.0);
        self.index.insert_unique(hash.0, place, rehash);
        place
    }

    /// Takes an alarm out.
    pub(crate) fn remove(&mut self, place: u32) -> Option<Standing> {
        let standing = self.places.get_mut(place as usize)?.take()?;
        if let Ok(entry) = self.index.find_entry(standing.hash.0, |found| *found == place) {
            entry.remove();
        }
        self.free.push(place);
        Some(standing)
    }

    pub(crate) fn remember(&mut self, alarm: Alarm) {
        if self.max_history == 0 {
            return;
        }
        if self.history.len() == self.max_history {
            self.history.pop_front();
        }
        self.history.push_back(alarm);
    }

    pub(crate) fn standing(&self) -> impl Iterator<Item = &Standing> {
        self.places.iter().flatten()
    }

    pub(crate) fn history(&self) -> impl Iterator<Item = &Alarm> {
        self.history.iter()
    }

    pub(crate) fn bytes(&self) -> usize {
        const SAMPLES: usize = Alarm::SAMPLES * size_of::<u128>();
        self.places.capacity() * (size_of::<Option<Standing>>() + SAMPLES)
            + self.history.len() * (size_of::<Alarm>() + SAMPLES)
            + (self.free.capacity() + self.index.capacity()) * size_of::<u32>()
    }
}
