use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets for each doubling; a bucket is at most an eighth wide.
const STEPS: u64 = 8;
/// Buckets: doublings of a nanosecond count up to 64 bits.
const BUCKETS: usize = 64 * STEPS as usize;

/// Counts durations in buckets of 12.5 %, without a lock.
#[derive(Debug)]
pub struct Durations {
    buckets: Box<[AtomicU64]>,
}

impl Default for Durations {
    fn default() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl Durations {
    /// Adds one.
    pub fn record(&self, span: Duration) {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX).max(STEPS);
        let doubling = nanos.ilog2();
        let step = (nanos >> (doubling - STEPS.ilog2())) & (STEPS - 1);
        let index = u64::from(doubling) * STEPS + step;
        if let Some(bucket) = usize::try_from(index).ok().and_then(|index| self.buckets.get(index)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// The upper end of the bucket below which `permille` of 1,000 durations lie; zero when there are none.
    #[must_use]
    pub fn quantile(&self, permille: u16) -> Duration {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let rank = (total * u64::from(permille)).div_ceil(1000).max(1);
        let mut below = 0;
        for (index, count) in counts.iter().enumerate() {
            below += count;
            if below >= rank {
                let (doubling, step) = (index as u64 / STEPS, index as u64 % STEPS);
                let end = (u128::from(STEPS + step + 1) << doubling) / u128::from(STEPS);
                return Duration::from_nanos(u64::try_from(end).unwrap_or(u64::MAX));
            }
        }
        Duration::ZERO
    }
}

/// What the spine has done since it was opened; written by its threads, read by whoever exports metrics.
#[derive(Debug, Default)]
pub struct SpineGauge {
    pub(super) commits: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) rows: AtomicU64,
    pub(super) cdrs: AtomicU64,
    pub(super) records: AtomicU64,
    pub(super) checkpoints: AtomicU64,
    pub(super) finished: AtomicU64,
    pub(super) wal: AtomicU64,
    pub(super) durations: Durations,
}

/// One reading of a [`SpineGauge`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpineReading {
    /// Commits made, each with one fsync of the WAL.
    pub commits: u64,
    /// Commits that were not made, for whatever reason.
    pub refused: u64,
    /// Rows written or removed.
    pub rows: u64,
    /// CDRs put into the outbox.
    pub cdrs: u64,
    /// Records appended to the log.
    pub records: u64,
    /// Checkpoints made by the second thread.
    pub checkpoints: u64,
    /// Checkpoints that the writer finished because the WAL was at its bound.
    pub finished: u64,
    /// Octets of the WAL in use at the last checkpoint.
    pub wal: u64,
}

impl SpineGauge {
    /// The counts now.
    #[must_use]
    pub fn read(&self) -> SpineReading {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SpineReading {
            commits: read(&self.commits),
            refused: read(&self.refused),
            rows: read(&self.rows),
            cdrs: read(&self.cdrs),
            records: read(&self.records),
            checkpoints: read(&self.checkpoints),
            finished: read(&self.finished),
            wal: read(&self.wal),
        }
    }

    /// How long COMMIT took: writing the WAL and its fsync.
    #[must_use]
    pub fn commit_durations(&self) -> &Durations {
        &self.durations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_an_eighth() {
        let durations = Durations::default();
        assert_eq!(durations.quantile(500), Duration::ZERO);
        for micros in 1..=1000 {
            durations.record(Duration::from_micros(micros));
        }
        for (permille, exact) in [(500, 500_000.0), (990, 990_000.0), (1000, 1_000_000.0)] {
            let found = durations.quantile(permille).as_nanos() as f64;
            assert!((exact..exact * 1.126).contains(&found), "{permille}: {found}");
        }
        durations.record(Duration::ZERO);
        durations.record(Duration::MAX);
        assert_eq!(durations.count(), 1002);
    }
}
