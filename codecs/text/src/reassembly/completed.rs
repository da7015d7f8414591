//! A short memory of messages that were completed, to know their late duplicates.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use super::Key;

/// Digests of the parts of messages completed lately. Bounded: the oldest is forgotten first, which
/// costs no more than a duplicate that is not recognised.
#[derive(Debug)]
pub(super) struct Completed<A> {
    most: usize,
    period: i64,
    next_number: u64,
    /// By key: when it is forgotten, its number, and the digests by sequence.
    digests: HashMap<Key<A>, (i64, u64, Vec<u64>)>,
    order: VecDeque<(u64, Key<A>)>,
}

impl<A: Clone + Eq + Hash> Completed<A> {
    pub(super) fn new(most: usize, period: i64) -> Self {
        Self { most, period, next_number: 0, digests: HashMap::new(), order: VecDeque::new() }
    }

    /// Remembers a message by the digests of its parts in their order.
    pub(super) fn remember(&mut self, key: &Key<A>, digests: Vec<u64>, now: i64) {
        if self.most == 0 || self.period <= 0 {
            return;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.digests.insert(key.clone(), (now.saturating_add(self.period), number, digests));
        self.order.push_back((number, key.clone()));
        while self.order.len() > self.most {
            self.forget_oldest();
        }
    }

    /// Whether a part is one of a message that was completed not long before `now`.
    pub(super) fn knows(&mut self, key: &Key<A>, sequence: u8, digest: u64, now: i64) -> bool {
        self.forget(now);
        let place = usize::from(sequence).wrapping_sub(1);
        self.digests
            .get(key)
            .is_some_and(|(until, _, digests)| *until > now && digests.get(place) == Some(&digest))
    }

    fn forget(&mut self, now: i64) {
        while let Some((number, key)) = self.order.front() {
            // Where the key was completed again, its older entry here has no digests any more.
            let lives = self.digests.get(key).is_some_and(|(until, own, _)| own == number && *until > now);
            if lives {
                return;
            }
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((number, key)) = self.order.pop_front() else { return };
        if self.digests.get(&key).is_some_and(|(_, own, _)| *own == number) {
            self.digests.remove(&key);
        }
    }
}
