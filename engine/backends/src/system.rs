//! The machine's clocks and its generator of random numbers; nothing else here or in the domain reads them.

use std::io;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rustix::rand::{GetRandomFlags, getrandom};
use signalbox_core::backend::{Clock, Random};
use signalbox_core::time::{Micros, Mono, Now};

/// The machine's clocks; the origin of the monotonic one is when this was made.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock at zero.
    #[must_use]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        };
        let mono = u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Now { wall: Micros(wall), mono: Mono(mono) }
    }
}

/// Random octets kept ready; one call of the kernel fills them.
const READY: usize = 256;

/// The kernel's generator, fit for tokens and ids.
#[derive(Debug)]
pub struct SystemRandom {
    ready: [u8; READY],
    used: usize,
}

impl SystemRandom {
    /// Takes the first octets.
    ///
    /// # Errors
    /// When the kernel has no generator.
    pub fn new() -> io::Result<Self> {
        let mut random = Self { ready: [0; READY], used: 0 };
        random.fill()?;
        Ok(random)
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut filled = 0;
        while filled < READY {
            match getrandom(&mut self.ready[filled..], GetRandomFlags::empty()) {
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.used = 0;
        Ok(())
    }
}

impl Random for SystemRandom {
    fn next(&mut self) -> u64 {
        if self.used == READY {
            self.fill().expect("the kernel's generator does not fail after it has worked once");
        }
        let mut octets = [0; 8];
        octets.copy_from_slice(&self.ready[self.used..self.used + 8]);
        self.ready[self.used..self.used + 8].fill(0);
        self.used += 8;
        u64::from_ne_bytes(octets)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_clock_starts_at_zero_and_never_goes_back() {
        let clock = SystemClock::new();
        let first = clock.now();
        let second = clock.now();
        assert!(first.mono.0 < 1_000_000_000);
        assert!(first.mono <= second.mono);
        assert!(first.wall > Micros(1_600_000_000_000_000), "after 2020");
    }

    #[test]
    fn random_numbers_do_not_repeat_over_a_refill() {
        let mut random = SystemRandom::new().unwrap();
        let seen: BTreeSet<u64> = (0..1000).map(|_| random.next()).collect();
        assert_eq!(seen.len(), 1000);
    }
}
