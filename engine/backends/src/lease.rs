//! Rates of one process: a generic cell rate algorithm in whole numbers.

use std::collections::HashMap;
use std::time::Duration;

use rustc_hash::FxBuildHasher;
use signalbox_core::backend::{Lease, RateKey, RateLease};
use signalbox_core::time::{Mono, Now};

/// How long a lease is good for, and how much of a second may go at once.
const CHUNK: Duration = Duration::from_millis(20);
const SECOND: u64 = 1_000_000_000;

/// Limits that one process keeps to by itself.
///
/// Over any span of T seconds a key gives at most `limit * T + limit / 50` tokens, and one at least at once. The
/// arithmetic has no rounding: what is left of a nanosecond is carried on.
#[derive(Debug, Default)]
pub struct LocalLease {
    cells: HashMap<RateKey, Cell, FxBuildHasher>,
}

/// The theoretical arrival time of the next token: `at` nanoseconds and `rest / rate` of one more.
#[derive(Clone, Copy, Debug)]
struct Cell {
    rate: u64,
    at: u64,
    rest: u64,
}

impl Cell {
    /// Tokens that may go at once.
    fn burst(&self) -> u64 {
        (self.rate / 50).max(1)
    }

    /// Takes up to `want` tokens at `now`.
    fn take(&mut self, want: u32, now: Mono) -> u32 {
        if self.at < now.0 {
            // Time that was not used is lost.
            (self.at, self.rest) = (now.0, 0);
        }
        // The debt in units of a nanosecond over the rate; a token is a second of them.
        let debt = u128::from(self.at - now.0) * u128::from(self.rate) + u128::from(self.rest);
        let room = u128::from(self.burst()) * u128::from(SECOND);
        let free = room.saturating_sub(debt) / u128::from(SECOND);
        let tokens = u32::try_from(free).unwrap_or(u32::MAX).min(want);
        let cost = u128::from(self.rest) + u128::from(tokens) * u128::from(SECOND);
        let nanos = u64::try_from(cost / u128::from(self.rate)).unwrap_or(u64::MAX);
        self.at = self.at.saturating_add(nanos);
        self.rest = (cost % u128::from(self.rate)) as u64;
        tokens
    }

    /// Time from `now` until one token is free.
    fn wait(&self, now: Mono) -> Duration {
        let debt = u128::from(self.at.saturating_sub(now.0)) * u128::from(self.rate) + u128::from(self.rest);
        let room = u128::from(self.burst() - 1) * u128::from(SECOND);
        let nanos = debt.saturating_sub(room).div_ceil(u128::from(self.rate));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl RateLease for LocalLease {
    fn limit(&mut self, key: RateKey, per_second: Option<u32>) {
        let Some(rate) = per_second else {
            self.cells.remove(&key);
            return;
        };
        // A limit of zero gives nothing; it is kept as a cell that is never free.
        let (rate, at) = if rate == 0 { (1, u64::MAX) } else { (u64::from(rate), 0) };
        let cell = self.cells.entry(key).or_insert(Cell { rate, at, rest: 0 });
        if cell.rate != rate || (at == u64::MAX) != (cell.at == u64::MAX) {
            // The debt in time stays; the rest of a nanosecond of the old rate does not matter.
            let kept = if cell.at == u64::MAX { 0 } else { cell.at };
            *cell = Cell { rate, at: at.max(kept), rest: 0 };
        }
    }

    fn lease(&mut self, key: RateKey, want: u32, now: Now) -> Lease {
        let Some(cell) = self.cells.get_mut(&key) else {
            return Lease { tokens: want, valid_for: CHUNK, retry_after: Duration::ZERO };
        };
        let tokens = if cell.at == u64::MAX { 0 } else { cell.take(want, now.mono) };
        let retry_after = if tokens > 0 || want == 0 { Duration::ZERO } else { cell.wait(now.mono) };
        Lease { tokens, valid_for: CHUNK, retry_after }
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::id::{LinkId, PeerId};

    use super::*;

    const KEY: RateKey = RateKey(PeerId::Link(LinkId(1)));

    fn at(nanos: u64) -> Now {
        Now { mono: Mono(nanos), ..Now::default() }
    }

    #[test]
    fn a_rate_that_does_not_divide_a_second_is_kept_exactly() {
        let mut lease = LocalLease::default();
        lease.limit(KEY, Some(7));
        let mut given = 0;
        let mut now = 0;
        // As fast as it gives, for a thousand seconds.
        while now < 1000 * SECOND {
            let lease = lease.lease(KEY, u32::MAX, at(now));
            given += u64::from(lease.tokens);
            now += u64::try_from(lease.retry_after.as_nanos()).unwrap();
        }
        assert_eq!(given, 7000);
    }

    #[test]
    fn a_burst_is_a_fiftieth_of_a_second() {
        let mut lease = LocalLease::default();
        lease.limit(KEY, Some(5000));
        assert_eq!(lease.lease(KEY, 1000, at(0)).tokens, 100);
        let next = lease.lease(KEY, 1000, at(0));
        assert_eq!((next.tokens, next.retry_after), (0, Duration::from_micros(200)));
        assert_eq!(lease.lease(KEY, 1000, at(200_000)).tokens, 1);
        // A long pause gives one burst, not what was missed.
        assert_eq!(lease.lease(KEY, 1000, at(100 * SECOND)).tokens, 100);
    }

    #[test]
    fn a_lower_limit_holds_at_once_and_none_is_no_limit() {
        let mut lease = LocalLease::default();
        lease.limit(KEY, Some(50_000));
        assert_eq!(lease.lease(KEY, 5000, at(0)).tokens, 1000);
        lease.limit(KEY, Some(1));
        let none = lease.lease(KEY, 5000, at(1));
        assert_eq!(none.tokens, 0);
        assert!(none.retry_after > Duration::ZERO && none.retry_after <= CHUNK);
        lease.limit(KEY, None);
        assert_eq!(lease.lease(KEY, 5000, at(2)).tokens, 5000);
    }

    #[test]
    fn a_limit_of_zero_gives_nothing_until_it_is_raised() {
        let mut lease = LocalLease::default();
        lease.limit(KEY, Some(0));
        assert_eq!(lease.lease(KEY, 1, at(SECOND)).tokens, 0);
        assert!(lease.lease(KEY, 1, at(SECOND)).retry_after > Duration::from_secs(3600));
        lease.limit(KEY, Some(10));
        assert_eq!(lease.lease(KEY, 1, at(SECOND)).tokens, 1);
    }
}
