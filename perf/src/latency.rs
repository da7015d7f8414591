//! A histogram of latencies in logarithmic steps of at most 1.6 %, without allocation while it counts.

use serde::Serialize;

const SUB_BITS: u32 = 6;
const SUB: usize = 1 << SUB_BITS;
const BUCKETS: usize = SUB * (64 - SUB_BITS as usize + 1);

/// Counts of nanoseconds.
#[derive(Clone)]
pub struct Latency {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl std::fmt::Debug for Latency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.summary().fmt(f)
    }
}

impl Default for Latency {
    fn default() -> Self {
        Latency { counts: vec![0; BUCKETS], total: 0, max: 0 }
    }
}

#[inline]
fn bucket(value: u64) -> usize {
    if value < SUB as u64 {
        return value as usize;
    }
    let shift = 63 - value.leading_zeros() - SUB_BITS;
    (shift as usize + 1) * SUB + ((value >> shift) as usize - SUB)
}

/// The largest value of a bucket.
fn upper(bucket: usize) -> u64 {
    if bucket < SUB {
        return bucket as u64;
    }
    let shift = (bucket / SUB - 1) as u32;
    let base = (SUB + bucket % SUB) as u128;
    u64::try_from(((base + 1) << shift) - 1).unwrap_or(u64::MAX)
}

impl Latency {
    /// Counts one latency.
    #[inline]
    pub fn record(&mut self, nanoseconds: u64) {
        self.counts[bucket(nanoseconds)] += 1;
        self.total += 1;
        self.max = self.max.max(nanoseconds);
    }

    /// Adds what another histogram counted.
    pub fn merge(&mut self, other: &Latency) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// The nanoseconds that `share` (0 to 1) of the latencies do not exceed; 0 when nothing was counted.
    pub fn quantile(&self, share: f64) -> u64 {
        let wanted = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(index).min(self.max);
            }
        }
        self.max
    }

    /// The usual quantiles in microseconds.
    pub fn summary(&self) -> LatencySummary {
        let at = |share| self.quantile(share) as f64 / 1e3;
        LatencySummary {
            count: self.total,
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: self.max as f64 / 1e3,
        }
    }
}

/// Quantiles in microseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct LatencySummary {
    /// How many were counted.
    pub count: u64,
    /// Half do not exceed it.
    pub p50_us: f64,
    /// 90 %.
    pub p90_us: f64,
    /// 99 %.
    pub p99_us: f64,
    /// 99.9 %.
    pub p999_us: f64,
    /// The largest.
    pub max_us: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_step_of_the_truth() {
        let mut latency = Latency::default();
        for value in 1..=100_000_u64 {
            latency.record(value * 1_000);
        }
        for (share, truth) in [(0.5, 50_000_000.0), (0.99, 99_000_000.0), (0.999, 99_900_000.0)] {
            let found = latency.quantile(share) as f64;
            assert!((found / truth - 1.0).abs() < 0.017, "{share}: {found}");
        }
        assert_eq!(latency.quantile(1.0), 100_000_000);
    }

    #[test]
    fn every_value_lies_in_its_bucket() {
        for value in (0..64).flat_map(|bits| [1_u64 << bits, (1_u64 << bits) + 1, (1_u64 << bits) - 1]) {
            let index = bucket(value);
            assert!(upper(index) >= value && (index == 0 || upper(index - 1) < value), "{value}");
        }
        assert!(bucket(u64::MAX) < BUCKETS);
    }
}
