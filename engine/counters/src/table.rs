//! The table of counters: many small open-addressing tables, so that the growth of one never stalls a message.

use crate::entry::{Entry, EntryKey, age, flag};
use crate::evidence::NO_EVIDENCE;

#[cfg(test)]
mod tests;

/// Entries in one group; with the overflow tally their tags fill 16 bytes.
const GROUP: usize = 15;
const OVERFLOW: usize = 15;
/// A segment has at least so many groups, if any, and grows by at least so many.
const MIN_GROUPS: usize = 2;
/// Keys a segment is meant to hold at the bound: its growth then moves that many entries, some 50 us.
const SEGMENT_KEYS: u32 = 4_096;
/// A group this often passed over stays marked so until its segment is laid out anew.
const STICKY: u8 = u8::MAX;

/// Where an entry is, until the next insertion into its segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    segment: u32,
    slot: u32,
}

/// A hash of a key; that of a pair is the same in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hash(pub(crate) u64);

impl Hash {
    /// Never 0, which marks a free slot.
    const fn tag(self) -> u8 {
        let tag = (self.0 >> 32) as u8;
        if tag == 0 { 1 } else { tag }
    }

    const fn home(self, groups: usize) -> usize {
        (((self.0 & 0xffff_ffff) * groups as u64) >> 32) as usize
    }
}

/// Tags of one group and, in the last byte, how many entries that belong here or before it lie behind it.
///
/// A look-up ends at a group over which nothing was ever passed, so removal needs no marks.
type Tags = [u8; 16];

/// Tags and entries of one group. They lie together so that both are, most often, on one page: translating the
/// address costs as much as reading the line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Group {
    tags: Tags,
    entries: [Entry; GROUP],
}

const _: () = assert!(size_of::<Group>() == 1_024);

const EMPTY: Group = Group { tags: [0; 16], entries: [Entry::EMPTY; GROUP] };

#[derive(Debug, Default)]
struct Segment {
    groups: Vec<Group>,
    len: u32,
    /// The version of the rules its entries point into.
    generation: u32,
    /// Tick of the last sweep over it.
    swept: u64,
}

impl Segment {
    fn entry(&self, slot: usize) -> &Entry {
        &self.groups[slot / GROUP].entries[slot % GROUP]
    }

    fn entry_mut(&mut self, slot: usize) -> &mut Entry {
        &mut self.groups[slot / GROUP].entries[slot % GROUP]
    }

    /// Finds slots by hash; `take` says of each candidate whether it ends the search.
    fn scan(&self, hash: Hash, mut take: impl FnMut(usize, &Entry) -> bool) {
        let groups = self.groups.len();
        if groups == 0 {
            return;
        }
        let mut group = hash.home(groups);
        for _ in 0..groups {
            let of = &self.groups[group];
            for place in matching(&of.tags, hash.tag()) {
                if take(group * GROUP + place, &of.entries[place]) {
                    return;
                }
            }
            if of.tags[OVERFLOW] == 0 {
                return;
            }
            group = (group + 1) % groups;
        }
    }

    /// Puts an entry into the first free slot from its home on; there is one, for the load is bounded.
    fn place(&mut self, hash: Hash, entry: &Entry) -> usize {
        let groups = self.groups.len();
        let mut group = hash.home(groups);
        loop {
            let of = &mut self.groups[group];
            if let Some(place) = matching(&of.tags, 0).next() {
                of.tags[place] = hash.tag();
                of.entries[place] = *entry;
                return group * GROUP + place;
            }
            of.tags[OVERFLOW] = of.tags[OVERFLOW].saturating_add(1);
            group = (group + 1) % groups;
        }
    }

    fn remove(&mut self, hash: Hash, slot: usize) {
        let groups = self.groups.len();
        let found = slot / GROUP;
        self.groups[found].tags[slot % GROUP] = 0;
        self.len -= 1;
        let mut group = hash.home(groups);
        while group != found {
            let passed = &mut self.groups[group].tags[OVERFLOW];
            if *passed != STICKY {
                *passed -= 1;
            }
            group = (group + 1) % groups;
        }
    }

    /// Full at 85 %: beyond that look-ups pass over too many groups.
    fn is_full(&self) -> bool {
        self.len as usize * 20 >= self.groups.len() * GROUP * 17
    }

    fn is_sparse(&self) -> bool {
        self.groups.len() > MIN_GROUPS && (self.len as usize) * 10 < self.groups.len() * GROUP * 3
            || self.len == 0 && !self.groups.is_empty()
    }

    fn occupied(&self) -> impl Iterator<Item = usize> {
        self.groups.iter().enumerate().flat_map(|(group, of)| {
            let used = of.tags[..GROUP].iter().enumerate().filter(|(_, tag)| **tag != 0);
            used.map(move |(place, _)| group * GROUP + place)
        })
    }
}

/// The places 0 to 14 whose tag is `tag`, all 16 compared at once.
///
/// Exact: a freed slot keeps its entry, so a place that only seems to match could bring back a removed key.
fn matching(tags: &Tags, tag: u8) -> impl Iterator<Item = usize> + use<> {
    const ONES: u128 = u128::MAX / 255;
    const LOWS: u128 = ONES * 0x7f;
    const PLACES: u128 = u128::MAX >> 8;
    let differ = u128::from_le_bytes(*tags) ^ (ONES * tag as u128);
    // The high bit of a byte comes out clear only where all its bits are.
    let mut hits = !(((differ & LOWS) + LOWS) | differ | LOWS) & PLACES;
    std::iter::from_fn(move || {
        if hits == 0 {
            return None;
        }
        let place = hits.trailing_zeros() as usize / 8;
        hits &= hits - 1;
        Some(place)
    })
}

/// All entries, by hash: the top bits choose the segment, the next eight are the tag, the lower half the group.
#[derive(Debug)]
pub(crate) struct Table {
    segments: Box<[Segment]>,
    segment_bits: u32,
    seed: u64,
    len: u32,
    groups: u64,
    scratch: Vec<Entry>,
}

impl Table {
    /// Laid out for up to `max_keys`; more make segments larger, fewer cost headers only.
    pub(crate) fn new(max_keys: u32, seed: u64) -> Table {
        let segments = max_keys.div_ceil(SEGMENT_KEYS).clamp(2, 1 << 16).next_power_of_two();
        Table {
            segments: (0..segments).map(|_| Segment::default()).collect(),
            segment_bits: segments.ilog2(),
            seed,
            len: 0,
            groups: 0,
            scratch: Vec::new(),
        }
    }

    pub(crate) fn hash(&self, key: EntryKey) -> Hash {
        let (low, high) = (key.a.min(key.b), key.a.max(key.b));
        let half = fold(low ^ self.seed, 0x9e37_79b9_7f4a_7c15);
        Hash(fold(half ^ high, self.seed.rotate_left(32) | 1).wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    pub(crate) fn segment(&self, hash: Hash) -> usize {
        (hash.0 >> (64 - self.segment_bits)) as usize
    }

    pub(crate) fn segments(&self) -> usize {
        self.segments.len()
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    pub(crate) fn entry(&self, place: Place) -> &Entry {
        self.segments[place.segment as usize].entry(place.slot as usize)
    }

    pub(crate) fn entry_mut(&mut self, place: Place) -> &mut Entry {
        self.segments[place.segment as usize].entry_mut(place.slot as usize)
    }

    /// Reads what the look-ups of these hashes will read, all at once: cache misses that wait for each other are
    /// most of the cost of a message, and the processor overlaps loads of which none needs another's result.
    pub(crate) fn warm<const N: usize>(&self, hashes: [Hash; N]) {
        let homes = hashes.map(|hash| {
            let segment = &self.segments[self.segment(hash)];
            let group = segment.groups.get(hash.home(segment.groups.len()))?;
            Some((group, group.tags))
        });
        let mut read = 0;
        for (hash, home) in hashes.into_iter().zip(homes) {
            if let Some((group, tags)) = home
                && let Some(place) = matching(&tags, hash.tag()).next()
            {
                read ^= group.entries[place].first_seen;
            }
        }
        std::hint::black_box(read);
    }

    pub(crate) fn find(&self, hash: Hash, key: EntryKey) -> Option<Place> {
        let segment = self.segment(hash);
        let mut found = None;
        self.segments[segment].scan(hash, |slot, entry| {
            if entry.key == key {
                found = Some(Place { segment: segment as u32, slot: slot as u32 });
            }
            found.is_some()
        });
        found
    }

    /// Finds a key and its reverse in one pass, for they share a hash (DC-22).
    pub(crate) fn find_both(&self, hash: Hash, key: EntryKey) -> (Option<Place>, Option<Place>) {
        let segment = self.segment(hash);
        let reverse = key.reverse();
        let mut found = (None, None);
        self.segments[segment].scan(hash, |slot, entry| {
            let place = Place { segment: segment as u32, slot: slot as u32 };
            if entry.key == key {
                found.0 = Some(place);
            } else if entry.key == reverse {
                found.1 = Some(place);
            }
            found.0.is_some() && found.1.is_some()
        });
        found
    }

    /// Adds an entry whose key is not there. Grows its segment by a quarter when full.
    pub(crate) fn insert(&mut self, hash: Hash, entry: &Entry) -> Place {
        let segment = self.segment(hash);
        if self.segments[segment].is_full() {
            let groups = self.segments[segment].groups.len();
            self.lay_out(segment, groups + (groups / 4).max(MIN_GROUPS));
        }
        self.len += 1;
        let of = &mut self.segments[segment];
        of.len += 1;
        Place { segment: segment as u32, slot: of.place(hash, entry) as u32 }
    }

    pub(crate) fn remove(&mut self, hash: Hash, place: Place) {
        self.len -= 1;
        self.segments[place.segment as usize].remove(hash, place.slot as usize);
    }

    /// Gives a segment another number of groups.
    fn lay_out(&mut self, segment: usize, groups: usize) {
        self.scratch.clear();
        let of = &mut self.segments[segment];
        self.scratch.extend(of.occupied().map(|slot| *of.entry(slot)));
        self.groups = self.groups - of.groups.len() as u64 + groups as u64;
        // The old ones go first, so that the new ones can lie where they were.
        of.groups = Vec::new();
        of.groups = vec![EMPTY; groups];
        let scratch = std::mem::take(&mut self.scratch);
        for entry in &scratch {
            let hash = self.hash(entry.key);
            self.segments[segment].place(hash, entry);
        }
        self.scratch = scratch;
    }

    /// Gives memory back when a segment has become sparse.
    pub(crate) fn shrink(&mut self, segment: usize) {
        let of = &self.segments[segment];
        if of.is_sparse() {
            // To a load of three fifths, so that neither growth nor the next shrinking is near.
            self.lay_out(segment, (of.len as usize * 5).div_ceil(GROUP * 3));
        }
    }

    /// The entries of one segment.
    pub(crate) fn entries(&self, segment: usize) -> impl Iterator<Item = &Entry> {
        let of = &self.segments[segment];
        of.occupied().map(|slot| of.entry(slot))
    }

    /// The first place in use in a segment from slot `from` on, and where to look next; entries may be removed in
    /// between.
    pub(crate) fn next_place(&self, segment: usize, from: usize) -> Option<(Place, usize)> {
        let groups = &self.segments[segment].groups;
        let mut slot = from;
        while slot < groups.len() * GROUP {
            if groups[slot / GROUP].tags[slot % GROUP] != 0 {
                return Some((Place { segment: segment as u32, slot: slot as u32 }, slot + 1));
            }
            slot += 1;
        }
        None
    }

    /// The entry of the hash's home group, or of the next ones when that has none to give, that was touched
    /// longest ago; never an alarmed one, and one under observation only when there is no other.
    pub(crate) fn stalest(&self, hash: Hash, tick: u64) -> Option<Place> {
        const REACH: usize = 8;
        let segment = self.segment(hash);
        let of = &self.segments[segment];
        let groups = of.groups.len();
        if groups == 0 {
            return None;
        }
        let home = hash.home(groups);
        (0..groups.min(REACH)).find_map(|step| {
            let group = (home + step) % groups;
            let used = (0..GROUP).filter(|place| of.groups[group].tags[*place] != 0);
            let slots = used.map(|place| group * GROUP + place);
            let quiet = slots.filter(|slot| !of.entry(*slot).has(flag::ALARMED));
            let stalest = quiet.max_by_key(|slot| {
                let entry = of.entry(*slot);
                (entry.evidence == NO_EVIDENCE, age(tick as u32, entry.newest()))
            })?;
            Some(Place { segment: segment as u32, slot: stalest as u32 })
        })
    }

    pub(crate) fn generation(&self, segment: usize) -> u32 {
        self.segments[segment].generation
    }

    pub(crate) fn set_generation(&mut self, segment: usize, generation: u32) {
        self.segments[segment].generation = generation;
    }

    pub(crate) fn swept(&self, segment: usize) -> u64 {
        self.segments[segment].swept
    }

    pub(crate) fn set_swept(&mut self, segment: usize, tick: u64) {
        self.segments[segment].swept = tick;
    }

    pub(crate) fn slots(&self, segment: usize) -> usize {
        self.segments[segment].groups.len() * GROUP
    }

    pub(crate) fn bytes(&self) -> usize {
        self.segments.len() * size_of::<Segment>()
            + self.groups as usize * size_of::<Group>()
            + self.scratch.capacity() * size_of::<Entry>()
    }
}

const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}
