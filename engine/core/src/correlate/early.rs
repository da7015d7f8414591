//! Receipts that overtake the response to their submission.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::readings::{Device, Readings};
use crate::address::Address;
use crate::id::LinkId;
use crate::time::Mono;

/// A receipt that is given back, because a message may claim it or because nobody did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked<R> {
    /// The receipt.
    pub receipt: R,
    /// When it was parked first.
    pub since: Mono,
}

struct Place<R> {
    receipt: R,
    since: Mono,
    keys: SmallVec<[u64; 2]>,
}

/// Receipts that meant no open message when they came, for a while: the response that makes them known may
/// still be on its way, or, on another session, be behind them.
///
/// Bounded by number and time; whatever leaves is handed to the caller.
pub struct EarlyReceipts<R> {
    places: FxHashMap<u64, Place<R>>,
    by_key: FxHashMap<u64, SmallVec<[u64; 2]>>,
    /// By time; numbers grow, so that receipts of one instant keep their order.
    by_age: BTreeSet<(Mono, u64)>,
    next: u64,
    capacity: usize,
    patience: Duration,
}

impl<R> EarlyReceipts<R> {
    /// Keeps at most `capacity` receipts (at least one), each for `patience`.
    #[must_use]
    pub fn new(capacity: usize, patience: Duration) -> Self {
        Self {
            places: FxHashMap::default(),
            by_key: FxHashMap::default(),
            by_age: BTreeSet::new(),
            next: 0,
            capacity: capacity.max(1),
            patience,
        }
    }

    /// Number of parked receipts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True when none is parked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Parks a receipt; `since` is now, or what [`Parked::since`] said when it is parked again.
    ///
    /// Gives back a receipt that cannot stay: the oldest when all places are taken, or this one when its id is
    /// empty.
    #[must_use = "a receipt that leaves is reported, not dropped"]
    pub fn park(
        &mut self,
        link: LinkId,
        receipt_id: &[u8],
        device: &Address,
        receipt: R,
        since: Mono,
    ) -> Option<Parked<R>> {
        let Some(readings) = Readings::of(receipt_id) else { return Some(Parked { receipt, since }) };
        let keys = readings.own_keys(link, Device::of(device));
        let number = self.next;
        self.next += 1;
        for &key in &keys {
            self.by_key.entry(key).or_default().push(number);
        }
        self.by_age.insert((since, number));
        self.places.insert(number, Place { receipt, since, keys });
        if self.places.len() <= self.capacity {
            return None;
        }
        let (_, oldest) = self.by_age.first().copied()?;
        self.remove(oldest)
    }

    /// Takes all receipts that may mean a message which `link` calls `remote_id`, in the order they came.
    ///
    /// To be called after [`Correlator::expect`](super::Correlator::expect); each receipt then goes through
    /// [`Correlator::find`](super::Correlator::find), which knows the link's habits, and is parked again with
    /// its old time if that does not answer [`Match::One`](super::Match::One).
    pub fn take(&mut self, link: LinkId, remote_id: &[u8], device: &Address) -> Vec<Parked<R>> {
        if self.places.is_empty() {
            return Vec::new();
        }
        let Some(readings) = Readings::of(remote_id) else { return Vec::new() };
        let mut numbers: SmallVec<[u64; 4]> = SmallVec::new();
        for (_, key) in readings.keys_of_others(link, Device::of(device)) {
            numbers.extend(self.by_key.get(&key).into_iter().flatten().copied());
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().filter_map(|number| self.remove(number)).collect()
    }

    /// Takes all receipts that nobody claimed in time.
    pub fn expire(&mut self, now: Mono) -> Vec<Parked<R>> {
        let mut expired = Vec::new();
        while let Some(&(since, number)) = self.by_age.first() {
            if since + self.patience > now {
                break;
            }
            expired.extend(self.remove(number));
        }
        expired
    }

    /// When [`EarlyReceipts::expire`] has something to do next.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Mono> {
        self.by_age.first().map(|&(since, _)| since + self.patience)
    }

    fn remove(&mut self, number: u64) -> Option<Parked<R>> {
        let place = self.places.remove(&number)?;
        self.by_age.remove(&(place.since, number));
        for key in &place.keys {
            if let Some(numbers) = self.by_key.get_mut(key) {
                numbers.retain(|&mut other| other != number);
                if numbers.is_empty() {
                    self.by_key.remove(key);
                }
            }
        }
        Some(Parked { receipt: place.receipt, since: place.since })
    }
}
