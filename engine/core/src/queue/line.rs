//! A first-in first-out line with places: removal anywhere in logarithmic time, memory by what is in it.

use std::collections::VecDeque;

use crate::time::Since;

/// Entries of a chunk; one bit each.
const CHUNK: usize = 32;
/// Chunks for which an empty line keeps room.
const KEPT: usize = 16;

/// What waits.
#[derive(Clone, Copy)]
pub(super) struct Entry<T> {
    pub(super) item: T,
    pub(super) since: Since,
}

struct Chunk<T> {
    /// Which entries are there.
    taken: u32,
    used: u32,
    /// Places, counted from that of the first.
    places: [u32; CHUNK],
    entries: [Entry<T>; CHUNK],
}

/// Entries by place. Chunks come with their first entry and go with their last, so that neither growing nor a
/// purge moves other entries.
pub(super) struct Line<T> {
    /// Each with the place of its first entry. The first one always has an entry.
    chunks: VecDeque<(u64, Option<Box<Chunk<T>>>)>,
    len: usize,
}

impl<T: Copy> Line<T> {
    pub(super) fn new() -> Self {
        Self { chunks: VecDeque::new(), len: 0 }
    }

    /// Adds an entry at a place behind all that were ever taken.
    pub(super) fn push(&mut self, place: u64, entry: Entry<T>) {
        self.len += 1;
        if let Some((first, Some(chunk))) = self.chunks.back_mut()
            && let Ok(offset) = u32::try_from(place - *first)
            && (chunk.used as usize) < CHUNK
        {
            let within = chunk.used as usize;
            chunk.places[within] = offset;
            chunk.entries[within] = entry;
            chunk.taken |= 1 << within;
            chunk.used += 1;
            return;
        }
        let chunk = Chunk { taken: 1, used: 1, places: [0; CHUNK], entries: [entry; CHUNK] };
        self.chunks.push_back((place, Some(Box::new(chunk))));
    }

    /// The entry in front.
    pub(super) fn head(&self) -> Option<(u64, Entry<T>)> {
        let (first, chunk) = self.chunks.front()?;
        let chunk = chunk.as_ref()?;
        let within = chunk.taken.trailing_zeros() as usize;
        Some((first + u64::from(chunk.places[within]), chunk.entries[within]))
    }

    /// Takes the entry at a place out, if there is one.
    pub(super) fn remove(&mut self, place: u64) -> Option<Entry<T>> {
        let at = self.chunks.partition_point(|(first, _)| *first <= place).checked_sub(1)?;
        let (first, slot) = self.chunks.get_mut(at)?;
        let chunk = slot.as_mut()?;
        let offset = u32::try_from(place - *first).ok()?;
        let within = chunk.places[..chunk.used as usize].binary_search(&offset).ok()?;
        if chunk.taken >> within & 1 == 0 {
            return None;
        }
        chunk.taken &= !(1 << within);
        let entry = chunk.entries[within];
        if chunk.taken == 0 {
            *slot = None;
        }
        self.len -= 1;
        while let Some((_, None)) = self.chunks.front() {
            self.chunks.pop_front();
        }
        if self.len == 0 {
            self.chunks.shrink_to(KEPT);
        }
        Some(entry)
    }

    /// Memory that is taken for entries.
    #[cfg(test)]
    pub(super) fn octets(&self) -> usize {
        let chunks = self.chunks.iter().filter(|(_, chunk)| chunk.is_some()).count() * size_of::<Chunk<T>>();
        let list = self.chunks.capacity() * size_of::<(u64, Option<Box<Chunk<T>>>)>();
        chunks + if self.chunks.is_empty() { 0 } else { list }
    }

    /// All entries in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, Entry<T>)> + '_ {
        self.chunks.iter().flat_map(|(first, chunk)| {
            chunk.iter().flat_map(move |chunk| {
                (0..chunk.used as usize)
                    .filter(|within| chunk.taken >> within & 1 == 1)
                    .map(move |within| (first + u64::from(chunk.places[within]), chunk.entries[within]))
            })
        })
    }
}
