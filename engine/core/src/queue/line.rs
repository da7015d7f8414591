//! A first-in first-out line with places: removal anywhere in constant time, memory by what is in it.

use std::collections::VecDeque;

use crate::time::Mono;

/// Places of a chunk; one bit each.
const CHUNK: u64 = 128;

/// What waits.
#[derive(Clone, Copy)]
pub(super) struct Entry<T> {
    pub(super) item: T,
    pub(super) since: Mono,
}

struct Chunk<T> {
    /// Which places are taken.
    taken: u128,
    entries: [Entry<T>; CHUNK as usize],
}

/// Entries by place. Chunks come with their first entry and go with their last, so that neither growing nor a
/// purge moves other entries.
pub(super) struct Line<T> {
    /// The chunk of places from `first * CHUNK` on, and those behind it.
    chunks: VecDeque<Option<Box<Chunk<T>>>>,
    first: u64,
    len: usize,
}

impl<T: Copy> Line<T> {
    pub(super) fn new() -> Self {
        Self { chunks: VecDeque::new(), first: 0, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds an entry at a place behind all that were ever taken.
    pub(super) fn push(&mut self, place: u64, entry: Entry<T>) {
        let number = place / CHUNK;
        if self.chunks.is_empty() {
            self.first = number;
        }
        let at = (number - self.first) as usize;
        while self.chunks.len() <= at {
            self.chunks.push_back(None);
        }
        let chunk = self.chunks[at]
            .get_or_insert_with(|| Box::new(Chunk { taken: 0, entries: [entry; CHUNK as usize] }));
        chunk.entries[(place % CHUNK) as usize] = entry;
        chunk.taken |= 1 << (place % CHUNK);
        self.len += 1;
    }

    /// The entry in front. The first chunk always has one.
    pub(super) fn head(&self) -> Option<(u64, Entry<T>)> {
        let chunk = self.chunks.front()?.as_ref()?;
        let within = chunk.taken.trailing_zeros();
        Some((self.first * CHUNK + u64::from(within), chunk.entries[within as usize]))
    }

    /// Takes the entry at a place out, if there is one.
    pub(super) fn remove(&mut self, place: u64) -> Option<Entry<T>> {
        let at = (place / CHUNK).checked_sub(self.first)? as usize;
        let slot = self.chunks.get_mut(at)?;
        let chunk = slot.as_mut()?;
        let bit = 1 << (place % CHUNK);
        if chunk.taken & bit == 0 {
            return None;
        }
        chunk.taken &= !bit;
        let entry = chunk.entries[(place % CHUNK) as usize];
        if chunk.taken == 0 {
            *slot = None;
        }
        self.len -= 1;
        while let Some(None) = self.chunks.front() {
            self.chunks.pop_front();
            self.first += 1;
        }
        Some(entry)
    }

    /// Memory that is taken for entries.
    #[cfg(test)]
    pub(super) fn octets(&self) -> usize {
        let chunks = self.chunks.iter().flatten().count() * size_of::<Chunk<T>>();
        chunks + if self.chunks.is_empty() { 0 } else { self.chunks.capacity() * size_of::<usize>() }
    }

    /// All entries in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, Entry<T>)> + '_ {
        self.chunks.iter().zip(self.first..).flat_map(|(chunk, number)| {
            chunk.iter().flat_map(move |chunk| {
                (0..CHUNK)
                    .filter(|within| chunk.taken >> within & 1 == 1)
                    .map(move |within| (number * CHUNK + within, chunk.entries[within as usize]))
            })
        })
    }
}
