use crate::blocks::{Blocks, PER_BLOCK};
use crate::evidence::NO_EVIDENCE;
use crate::rules::Rule;
use crate::{CounterKey, Key, KeyKind};

/// Timestamps that fit into the entry itself.
const INLINE: u32 = 7;
/// A chain this short goes back into the entry; lower than [`INLINE`] so that a key does not go to and fro.
const UNCHAIN: u32 = 3;

const HEAD: usize = 0;
const TAIL: usize = 1;
const OFFSET: usize = 2;
const OLDEST: usize = 3;
const NEWEST: usize = 4;

const PERIOD: usize = 0;
const LAST: usize = 1;
const OPENED: usize = 2;
const LENGTH: usize = 3;

/// Class nibble no [`Key`] has: marks the second half of a key that is not a pair.
const MARK: u64 = 15 << 60;

/// A counter's key as the table holds it, exact: a pair's two addresses, or one address and its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryKey {
    pub(crate) a: u64,
    pub(crate) b: u64,
}

impl EntryKey {
    pub(crate) fn new(key: CounterKey) -> EntryKey {
        match key {
            CounterKey::Source(a) | CounterKey::Destination(a) | CounterKey::Group(a) => {
                EntryKey { a: a.raw(), b: MARK | key.kind().index() as u64 }
            }
            CounterKey::Pair { source, destination } => EntryKey { a: source.raw(), b: destination.raw() },
        }
    }

    /// The pair in the other direction.
    pub(crate) const fn reverse(self) -> EntryKey {
        EntryKey { a: self.b, b: self.a }
    }

    pub(crate) fn kind(self) -> KeyKind {
        if self.b < MARK {
            return KeyKind::Pair;
        }
        KeyKind::ALL[(self.b & 3) as usize]
    }

    pub(crate) fn counter_key(self) -> CounterKey {
        let a = Key::from_half(self.a);
        match self.kind() {
            KeyKind::Source => CounterKey::Source(a),
            KeyKind::Destination => CounterKey::Destination(a),
            KeyKind::Pair => CounterKey::Pair { source: a, destination: Key::from_half(self.b) },
            KeyKind::Group => CounterKey::Group(a),
        }
    }
}

/// Facts about an entry, a bit each.
pub(crate) mod flag {
    /// The timestamps are in a chain of blocks.
    pub(crate) const CHAINED: u8 = 1;
    /// The oldest timestamp held is that of the message that created the entry; it weighs `init`.
    pub(crate) const FIRST: u8 = 2;
    /// A timestamp was let go while it was within the window; the count is at least what it shows.
    pub(crate) const CAPPED: u8 = 4;
    /// An alarm of this key stands.
    pub(crate) const ALARMED: u8 = 8;
    /// The carrier is known.
    pub(crate) const CARRIER: u8 = 16;
    /// Counts in fixed periods.
    pub(crate) const FIXED: u8 = 32;
}

/// One counter in one cache line (DC-04).
///
/// Times are in milliseconds modulo 2^32. The table sees to it that none gets older than half of that.
/// The count is not stored: every held timestamp weighs `step`, except that the creating one weighs `init`, so it
/// follows from their number and one bit, and cannot drift.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Entry {
    pub(crate) key: EntryKey,
    /// Timestamps held; in fixed mode, messages in the period.
    len: u32,
    /// Its observed evidence, or [`NO_EVIDENCE`].
    pub(crate) evidence: u32,
    /// When the entry was created, in seconds of the monotonic clock.
    pub(crate) first_seen: u32,
    carrier: u32,
    pub(crate) rule: u16,
    pub(crate) flags: u8,
    /// Sliding: the timestamps, oldest first. Chained: head, tail, offset in the head, oldest, newest.
    /// Fixed: number of the period, last and first message in it, its length.
    slots: [u32; INLINE as usize],
}

const _: () = assert!(size_of::<Entry>() == 64);

impl Entry {
    pub(crate) const EMPTY: Entry = Entry {
        key: EntryKey { a: 0, b: 0 },
        len: 0,
        evidence: NO_EVIDENCE,
        first_seen: 0,
        carrier: 0,
        rule: 0,
        flags: 0,
        slots: [0; INLINE as usize],
    };

    pub(crate) fn new(key: EntryKey, rule: u16, tick: u64) -> Entry {
        Entry { key, rule, first_seen: (tick / 1_000) as u32, ..Entry::EMPTY }
    }

    pub(crate) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(crate) fn put(&mut self, flag: u8, on: bool) {
        if on {
            self.flags |= flag;
        } else {
            self.flags &= !flag;
        }
    }

    pub(crate) fn set_carrier(&mut self, carrier: Option<u32>) {
        self.carrier = carrier.unwrap_or(0);
        self.put(flag::CARRIER, carrier.is_some());
    }

    pub(crate) fn carrier(&self) -> Option<u32> {
        self.has(flag::CARRIER).then_some(self.carrier)
    }

    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    /// The weighted count of what is held (DC-06).
    pub(crate) fn count(&self, rule: &Rule) -> u64 {
        self.count_of(self.len, rule)
    }

    fn count_of(&self, len: u32, rule: &Rule) -> u64 {
        if len == 0 {
            return 0;
        }
        let first = if self.has(flag::FIRST) { rule.init } else { rule.step };
        u64::from(first) + u64::from(len - 1) * u64::from(rule.step)
    }

    /// The count at `tick` without letting anything go: for look-ups.
    pub(crate) fn count_at(&self, tick: u64, rule: &Rule, blocks: &Blocks) -> u64 {
        if !self.fits(rule) {
            return 0;
        }
        if rule.fixed {
            return if self.slots[PERIOD] == rule.period(tick) { self.count(rule) } else { 0 };
        }
        let live = self.stamps(blocks).filter(|stamp| age(tick as u32, *stamp) <= rule.window).count() as u32;
        if live == self.len {
            return self.count(rule);
        }
        u64::from(live) * u64::from(rule.step)
    }

    /// Whether what is held was counted in the mode and period of this rule. If not, it cannot be carried over.
    pub(crate) fn fits(&self, rule: &Rule) -> bool {
        self.len == 0
            || (self.has(flag::FIXED) == rule.fixed && (!rule.fixed || self.slots[LENGTH] == rule.window))
    }

    /// Counts a message received now: lets go what is older than the window, adds the timestamp, and lets go what
    /// no longer decides. Returns how many timestamps were given up because no block was free.
    pub(crate) fn touch(&mut self, tick: u64, rule: &Rule, blocks: &mut Blocks) -> u32 {
        if !self.fits(rule) {
            self.clear(blocks);
        }
        self.prune(tick, rule, blocks);
        if rule.fixed {
            self.touch_fixed(tick, rule);
            return 0;
        }
        if self.len == 0 {
            self.flags = self.flags & !flag::FIXED | flag::FIRST;
        }
        let dropped = self.push(tick as u32, blocks);
        if !rule.uncapped {
            self.cap(rule, blocks);
        }
        if dropped > 0 {
            self.put(flag::CAPPED, true);
        }
        dropped
    }

    fn touch_fixed(&mut self, tick: u64, rule: &Rule) {
        if self.len == 0 {
            self.flags |= flag::FIXED | flag::FIRST;
            self.slots[PERIOD] = rule.period(tick);
            self.slots[OPENED] = tick as u32;
            self.slots[LENGTH] = rule.window;
        }
        self.slots[LAST] = tick as u32;
        self.len = self.len.saturating_add(1);
    }

    /// The oldest go while the rest still exceeds the threshold. Nothing that is decided later changes: as long
    /// as one that went would count, all that stayed count, and they exceed it.
    fn cap(&mut self, rule: &Rule, blocks: &mut Blocks) {
        while self.len > 1 {
            let without = u64::from(self.len - 1) * u64::from(rule.step);
            if without <= u64::from(rule.threshold) {
                return;
            }
            self.pop(blocks);
            self.put(flag::CAPPED, true);
        }
    }

    /// Lets go every timestamp older than the window; one of exactly its age stays (DC-05, DC-06).
    pub(crate) fn prune(&mut self, tick: u64, rule: &Rule, blocks: &mut Blocks) {
        if self.len == 0 {
            return;
        }
        if rule.fixed {
            if self.slots[PERIOD] != rule.period(tick) {
                self.len = 0;
            }
            return;
        }
        let now = tick as u32;
        if age(now, self.oldest()) <= rule.window {
            return;
        }
        if age(now, self.newest()) > rule.window {
            self.clear(blocks);
            return;
        }
        if self.has(flag::CHAINED) {
            while age(now, self.oldest()) > rule.window {
                self.pop(blocks);
            }
        } else {
            let len = self.len as usize;
            let old = self.slots[..len].iter().take_while(|stamp| age(now, **stamp) > rule.window).count();
            self.slots.copy_within(old..len, 0);
            self.len -= old as u32;
            self.put(flag::FIRST, false);
        }
        if self.count(rule) <= u64::from(rule.threshold) {
            self.put(flag::CAPPED, false);
        }
    }

    fn push(&mut self, stamp: u32, blocks: &mut Blocks) -> u32 {
        if self.has(flag::CHAINED) {
            return self.push_chained(stamp, blocks);
        }
        let mut dropped = 0;
        if self.len == INLINE {
            if self.chain(blocks) {
                return self.push_chained(stamp, blocks);
            }
            self.pop(blocks);
            dropped = 1;
        }
        self.slots[self.len as usize] = stamp;
        self.len += 1;
        dropped
    }

    /// Moves the timestamps into a block; false when none is free.
    fn chain(&mut self, blocks: &mut Blocks) -> bool {
        let Some(id) = blocks.take() else { return false };
        let (oldest, newest) = (self.oldest(), self.newest());
        for place in 0..self.len {
            blocks.set(id, place, self.slots[place as usize]);
        }
        self.slots = [0; INLINE as usize];
        self.slots[HEAD] = id;
        self.slots[TAIL] = id;
        self.slots[OLDEST] = oldest;
        self.slots[NEWEST] = newest;
        self.flags |= flag::CHAINED;
        true
    }

    fn push_chained(&mut self, stamp: u32, blocks: &mut Blocks) -> u32 {
        let mut place = (self.slots[OFFSET] + self.len) % PER_BLOCK;
        let mut dropped = 0;
        if place == 0 {
            let id = loop {
                if let Some(id) = blocks.take() {
                    break id;
                }
                // The whole head block goes, then it is the free one; a chain too short for that goes back
                // into the entry.
                self.pop(blocks);
                dropped += 1;
                if !self.has(flag::CHAINED) {
                    return dropped + self.push(stamp, blocks);
                }
            };
            blocks.link(self.slots[TAIL], id);
            self.slots[TAIL] = id;
            place = 0;
        }
        blocks.set(self.slots[TAIL], place, stamp);
        self.slots[NEWEST] = stamp;
        self.len += 1;
        dropped
    }

    /// Lets the oldest timestamp go.
    fn pop(&mut self, blocks: &mut Blocks) {
        self.put(flag::FIRST, false);
        self.len -= 1;
        if !self.has(flag::CHAINED) {
            self.slots.copy_within(1.., 0);
            return;
        }
        self.slots[OFFSET] += 1;
        if self.slots[OFFSET] == PER_BLOCK {
            let head = self.slots[HEAD];
            let next = blocks.next(head);
            blocks.give(head, head, 1);
            self.slots[HEAD] = next;
            self.slots[OFFSET] = 0;
        }
        if self.len <= UNCHAIN {
            self.unchain(blocks);
            return;
        }
        self.slots[OLDEST] = blocks.stamp(self.slots[HEAD], self.slots[OFFSET]);
    }

    fn unchain(&mut self, blocks: &mut Blocks) {
        let mut inline = [0; INLINE as usize];
        for (slot, stamp) in inline.iter_mut().zip(self.stamps(blocks)) {
            *slot = stamp;
        }
        blocks.give(self.slots[HEAD], self.slots[TAIL], self.chain_blocks());
        self.slots = inline;
        self.flags &= !flag::CHAINED;
    }

    fn chain_blocks(&self) -> u32 {
        (self.slots[OFFSET] + self.len).div_ceil(PER_BLOCK)
    }

    /// Forgets all timestamps.
    pub(crate) fn clear(&mut self, blocks: &mut Blocks) {
        if self.has(flag::CHAINED) {
            blocks.give(self.slots[HEAD], self.slots[TAIL], self.chain_blocks());
        }
        self.flags &= !(flag::CHAINED | flag::FIRST | flag::CAPPED | flag::FIXED);
        self.len = 0;
    }

    /// The oldest time held; in fixed mode the first message of the period. Meaningless when empty.
    pub(crate) fn oldest(&self) -> u32 {
        if self.has(flag::FIXED) {
            return self.slots[OPENED];
        }
        self.slots[if self.has(flag::CHAINED) { OLDEST } else { 0 }]
    }

    /// The newest time held. Meaningless when empty.
    pub(crate) fn newest(&self) -> u32 {
        if self.has(flag::FIXED) {
            return self.slots[LAST];
        }
        if self.has(flag::CHAINED) {
            return self.slots[NEWEST];
        }
        self.slots[self.len.saturating_sub(1) as usize]
    }

    /// The timestamps, oldest first; none in fixed mode, which has but one.
    pub(crate) fn stamps<'a>(&'a self, blocks: &'a Blocks) -> Stamps<'a> {
        let chained = self.has(flag::CHAINED);
        Stamps {
            entry: self,
            blocks,
            left: if self.has(flag::FIXED) { 0 } else { self.len },
            block: self.slots[HEAD],
            place: if chained { self.slots[OFFSET] } else { 0 },
        }
    }

    /// Puts back timestamps of a snapshot, oldest first; returns how many were given up.
    pub(crate) fn refill(
        &mut self,
        stamps: impl Iterator<Item = u32>,
        first: bool,
        rule: &Rule,
        blocks: &mut Blocks,
    ) -> u32 {
        self.put(flag::FIRST, first);
        let dropped = stamps.map(|stamp| self.push(stamp, blocks)).sum();
        if !rule.uncapped {
            self.cap(rule, blocks);
        }
        dropped
    }

    /// Puts back the messages of a fixed period.
    pub(crate) fn refill_fixed(&mut self, tick: u64, messages: u32, rule: &Rule) {
        self.touch_fixed(tick, rule);
        self.len = messages;
    }
}

/// How long ago a timestamp was, in milliseconds.
pub(crate) const fn age(now: u32, stamp: u32) -> u32 {
    now.wrapping_sub(stamp)
}

/// Timestamps of one entry, oldest first.
pub(crate) struct Stamps<'a> {
    entry: &'a Entry,
    blocks: &'a Blocks,
    left: u32,
    block: u32,
    place: u32,
}

impl Iterator for Stamps<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        if !self.entry.has(flag::CHAINED) {
            self.place += 1;
            return Some(self.entry.slots[self.place as usize - 1]);
        }
        if self.place == PER_BLOCK {
            self.block = self.blocks.next(self.block);
            self.place = 0;
        }
        self.place += 1;
        Some(self.blocks.stamp(self.block, self.place - 1))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}
