//! Seeded random values without a dependency: the same seed gives the same run everywhere.

use std::time::{Duration, Instant};

/// SplitMix64.
pub struct Generator(u64);

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub fn octets(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most + 1);
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// A few changes of the kinds that broken peers make: flipped bits, lost and doubled octets, a cut
    /// end, a piece of another sample.
    pub fn mutate(&mut self, samples: &[Vec<u8>]) -> Vec<u8> {
        let mut octets = self.pick(samples).clone();
        for _ in 0..=self.below(4) {
            let at = self.below(octets.len() + 1);
            match self.below(7) {
                0 if at < octets.len() => octets[at] ^= 1 << self.below(8),
                1 if at < octets.len() => octets[at] = *self.pick(&[0, 1, 0x1B, 0x7F, 0x80, 0xD8, 0xFF]),
                2 if at < octets.len() => drop(octets.remove(at)),
                3 => octets.insert(at, self.next() as u8),
                4 => octets.truncate(at),
                5 => {
                    let other = self.pick(samples).clone();
                    let from = self.below(other.len() + 1);
                    octets.truncate(at);
                    octets.extend_from_slice(&other[from..]);
                }
                _ => {
                    let more = self.octets(20);
                    octets.extend_from_slice(&more);
                }
            }
        }
        octets
    }
}

/// Runs a case with numbered seeds: some thousands of times, or for `FUZZ_SECONDS` where that is set.
/// `FUZZ_SEED` starts elsewhere. The seed of a failing case is printed.
pub fn fuzz(name: &str, mut case: impl FnMut(&mut Generator)) {
    let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let budget = number("FUZZ_SECONDS").map(Duration::from_secs);
    let first = number("FUZZ_SEED").unwrap_or(1);
    let begin = Instant::now();
    let mut seed = first;
    loop {
        let printer = OnPanic { name, seed };
        case(&mut Generator::new(seed));
        std::mem::forget(printer);
        seed += 1;
        let done = match budget {
            // The clock is asked now and then only.
            Some(budget) => seed % 1024 == 0 && begin.elapsed() >= budget,
            None => seed - first >= 4096,
        };
        if done {
            break;
        }
    }
    println!("{name}: {} cases", seed - first);
}

struct OnPanic<'a> {
    name: &'a str,
    seed: u64,
}

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        eprintln!("{} fails with FUZZ_SEED={}", self.name, self.seed);
    }
}
