//! What is observed about a key that gets near its threshold: enough to tell spam, loop, flood and vote apart.

use crate::rules::Rule;
use crate::{AlarmKind, KeyKind, Sighting};

/// No evidence.
pub(crate) const NO_EVIDENCE: u32 = u32::MAX;

const SKETCH_BITS: u32 = 256;
const BODIES: usize = 4;
pub(crate) const SAMPLES: usize = 4;
/// Growths of the hop count that make it a growing one; ordinary routes differ by one or two hops.
const GROWTHS: u32 = 3;

/// A set of counterparts by linear counting: 256 bits, good to some 10 % up to a thousand.
#[derive(Debug, Clone, Copy, Default)]
struct Sketch([u64; 4]);

impl Sketch {
    fn add(&mut self, hash: u64) {
        self.0[(hash >> 6 & 3) as usize] |= 1 << (hash & 63);
    }

    fn union(self, other: Sketch) -> Sketch {
        Sketch(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    fn distinct(self) -> u32 {
        let zeros = self.0.iter().map(|word| word.count_zeros()).sum::<u32>().max(1);
        let bits = f64::from(SKETCH_BITS);
        (bits * (bits / f64::from(zeros)).ln()).round() as u32
    }
}

/// Signs of one period.
#[derive(Debug, Clone, Copy, Default)]
struct Signs {
    /// Messages counted, those before the evidence began among them.
    volume: u32,
    /// Messages observed.
    observed: u32,
    /// Of these, with the body of one of the last few before.
    repeats: u32,
    /// How often the hop count rose above all before.
    growths: u32,
    /// How often the carriers changed places.
    swaps: u32,
}

/// Evidence about one key over this window's length of time and the one before.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Evidence {
    seen: [Sketch; 2],
    signs: [Signs; 2],
    /// Tick at which the current period began.
    began: u64,
    bodies: [u32; BODIES],
    hops: u16,
    body_place: u8,
    sample_place: u8,
    carriers: Option<(u32, u32)>,
    samples: [u128; SAMPLES],
}

impl Evidence {
    /// Begins at the tick of a message, before which `unseen` were counted.
    pub(crate) fn new(tick: u64, unseen: u32) -> Evidence {
        let signs = Signs { volume: unseen, ..Signs::default() };
        Evidence { began: tick, signs: [signs, Signs::default()], ..Evidence::default() }
    }

    /// Observes one message; `counterpart` is a hash of the other side.
    pub(crate) fn observe(&mut self, tick: u64, rule: &Rule, counterpart: u64, sighting: &Sighting) {
        self.turn(tick, rule);
        self.seen[0].add(counterpart);
        self.signs[0].volume = self.signs[0].volume.saturating_add(1);
        self.signs[0].observed = self.signs[0].observed.saturating_add(1);
        self.observe_body(sighting.body_hash);
        self.observe_hops(sighting.hops);
        if let (Some(from), Some(to)) = (sighting.source_carrier, sighting.destination_carrier) {
            if from != to && self.carriers == Some((to, from)) {
                self.signs[0].swaps += 1;
            }
            self.carriers = Some((from, to));
        }
        self.samples[self.sample_place as usize % SAMPLES] = sighting.message_id;
        // Past the first round it only has to stay above the number of samples.
        self.sample_place =
            if self.sample_place as usize >= 2 * SAMPLES - 1 { SAMPLES as u8 } else { self.sample_place + 1 };
    }

    fn observe_body(&mut self, body_hash: u64) {
        if body_hash == 0 {
            return;
        }
        // Zero marks a free place.
        let body = ((body_hash >> 32) as u32 ^ body_hash as u32).max(1);
        if self.bodies.contains(&body) {
            self.signs[0].repeats += 1;
            return;
        }
        self.bodies[self.body_place as usize % BODIES] = body;
        self.body_place = (self.body_place + 1) % BODIES as u8;
    }

    fn observe_hops(&mut self, hops: u16) {
        if hops <= self.hops {
            return;
        }
        if self.hops != 0 {
            self.signs[0].growths += 1;
        }
        self.hops = hops;
    }

    fn turn(&mut self, tick: u64, rule: &Rule) {
        let window = u64::from(rule.window);
        let passed = tick.saturating_sub(self.began);
        if passed <= window {
            return;
        }
        let old = passed > 2 * window;
        self.seen = [Sketch::default(), if old { Sketch::default() } else { self.seen[0] }];
        self.signs = [Signs::default(), if old { Signs::default() } else { self.signs[0] }];
        self.began = if old { tick } else { self.began + window };
        self.hops = 0;
    }

    /// Distinct counterparts, estimated.
    pub(crate) fn distinct(&self) -> u32 {
        self.seen[0].union(self.seen[1]).distinct()
    }

    /// Messages within the last window, estimated; for a key whose timestamps are capped.
    pub(crate) fn volume(&self, tick: u64, rule: &Rule) -> u64 {
        let window = u64::from(rule.window);
        let passed = tick.saturating_sub(self.began);
        if passed > 2 * window {
            return 0;
        }
        if passed > window {
            return u64::from(self.signs[0].volume) * (2 * window - passed) / window;
        }
        u64::from(self.signs[0].volume) + u64::from(self.signs[1].volume) * (window - passed) / window
    }

    /// Whether the messages look like the same ones coming round: identical bodies, growing hop counts or
    /// alternating carriers.
    fn loops(&self) -> bool {
        let sum = |of: fn(&Signs) -> u32| u64::from(of(&self.signs[0])) + u64::from(of(&self.signs[1]));
        let observed = sum(|s| s.observed);
        if observed < 2 {
            return false;
        }
        let growing = sum(|s| s.growths) >= u64::from(GROWTHS).min(observed - 1);
        growing || 2 * sum(|s| s.repeats) >= observed || 2 * sum(|s| s.swaps) >= observed
    }

    /// Ids of the last few messages, oldest first.
    pub(crate) fn samples(&self) -> impl Iterator<Item = u128> {
        let place = self.sample_place as usize;
        let from = place.saturating_sub(SAMPLES);
        let samples = self.samples;
        (from..place).map(move |i| samples[i % SAMPLES])
    }
}

/// What an alarm of this kind of key takes the traffic for (the discriminator).
pub(crate) fn classify(kind: KeyKind, evidence: Option<&Evidence>, rule: &Rule) -> AlarmKind {
    let many = evidence.is_some_and(|evidence| evidence.distinct() >= rule.many);
    match kind {
        KeyKind::Source | KeyKind::Group if many => return AlarmKind::Spam,
        KeyKind::Destination if many => return AlarmKind::VoteOrDos,
        KeyKind::Source | KeyKind::Group | KeyKind::Destination | KeyKind::Pair => {}
    }
    if evidence.is_some_and(Evidence::loops) { AlarmKind::Loop } else { AlarmKind::LoopOrFlood }
}

/// Evidence records by number, bounded.
#[derive(Debug)]
pub(crate) struct EvidenceStore {
    chunks: Vec<Box<[Evidence]>>,
    free: Vec<u32>,
    made: u32,
    max: u32,
}

const CHUNK: usize = 256;

impl EvidenceStore {
    pub(crate) fn new(max: u32) -> EvidenceStore {
        EvidenceStore { chunks: Vec::new(), free: Vec::new(), made: 0, max }
    }

    /// Stores a record; `None` at the bound.
    pub(crate) fn add(&mut self, evidence: Evidence) -> Option<u32> {
        let id = match self.free.pop() {
            Some(id) => id,
            None if self.made < self.max => {
                if (self.made as usize).is_multiple_of(CHUNK) {
                    self.chunks.push(vec![Evidence::default(); CHUNK].into_boxed_slice());
                }
                self.made += 1;
                self.made - 1
            }
            None => return None,
        };
        self.chunks[id as usize / CHUNK][id as usize % CHUNK] = evidence;
        Some(id)
    }

    /// The record of this number; none for [`NO_EVIDENCE`].
    pub(crate) fn get(&self, id: u32) -> Option<&Evidence> {
        self.chunks.get(id as usize / CHUNK).map(|chunk| &chunk[id as usize % CHUNK])
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut Evidence> {
        self.chunks.get_mut(id as usize / CHUNK).map(|chunk| &mut chunk[id as usize % CHUNK])
    }

    /// Lets a record go and clears the number.
    pub(crate) fn release(&mut self, id: &mut u32) {
        if *id != NO_EVIDENCE {
            self.free.push(*id);
            *id = NO_EVIDENCE;
        }
    }

    pub(crate) fn used(&self) -> u32 {
        self.made - self.free.len() as u32
    }

    pub(crate) fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<Evidence>() + self.free.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests;
