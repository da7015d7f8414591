//! The memory of look-ups: answers with expiry, refusals too, and what is under way.
//!
//! Two generations bound it: new entries go into the young one; when that is half of the limit, it becomes the
//! old one, and what was old is forgotten. An entry that is read moves to the young generation, so what is asked
//! for often stays. Nothing is swept, and no operation takes longer the fuller it is.

use std::collections::HashMap;
use std::time::Duration;

use signalbox_text::phone::E164;

use super::{LookupAnswer, LookupReply};
use crate::id::UtcMicros;

/// A point on the monotonic clock, nanoseconds since an origin of the caller's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonoNanos(pub u64);

impl MonoNanos {
    fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Bounds of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Most numbers remembered.
    pub numbers: usize,
    /// Most look-ups under way; above it a message goes on with what the tables know.
    pub pending: usize,
    /// Time within which a look-up must end.
    pub deadline: Duration,
    /// Longest time for which an answer is believed, whatever its source says.
    pub longest: Duration,
    /// Shortest time, so that a source with a time to live of 0 is not asked for each message.
    pub shortest: Duration,
    /// How long it is remembered that a source does not know a number.
    pub not_found: Duration,
    /// How long a number is not asked for again after a failure.
    pub failed: Duration,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            numbers: 1_000_000,
            pending: 10_000,
            deadline: Duration::from_secs(2),
            longest: Duration::from_hours(24),
            shortest: Duration::from_secs(5),
            not_found: Duration::from_mins(10),
            failed: Duration::from_secs(15),
        }
    }
}

/// How old an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Whatever has not expired: the first attempt of a message.
    Any,
    /// Found out later than this: a retry of a message whose answer is from then (shared-rules.md 2).
    NewerThan(UtcMicros),
}

/// What is remembered of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// An answer.
    Found(LookupAnswer),
    /// Its source does not know it.
    NotFound,
    /// The last look-up failed, and it is too early for another.
    Failed,
}

/// What a message that needs an answer is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Take this.
    Known(Remembered),
    /// Wait: a look-up of this number is under way until then.
    Wait(MonoNanos),
    /// Ask the source, and tell the cache by then what came of it.
    Ask(MonoNanos),
    /// Go on without: too many look-ups are under way.
    Overloaded,
}

/// Counts since the cache was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Requests that were answered.
    pub hits: u64,
    /// Requests that led to a look-up.
    pub asked: u64,
    /// Requests that joined one under way.
    pub joined: u64,
    /// Requests turned away.
    pub overloaded: u64,
    /// Look-ups that did not end in time.
    pub timed_out: u64,
    /// Entries forgotten for want of room (some of them expired before).
    pub forgotten: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    remembered: Remembered,
    learned: UtcMicros,
    expires: MonoNanos,
}

/// Answers of one source (or one chain of sources), by number.
#[derive(Debug)]
pub struct LookupCache {
    limits: CacheLimits,
    young: HashMap<E164, Entry>,
    old: HashMap<E164, Entry>,
    pending: HashMap<E164, MonoNanos>,
    stats: CacheStats,
}

impl LookupCache {
    /// An empty cache.
    #[must_use]
    pub fn new(limits: CacheLimits) -> Self {
        let (young, old, pending) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { limits, young, old, pending, stats: CacheStats::default() }
    }

    /// What to do for a number. After [`Request::Ask`] the caller owes a [`LookupCache::complete`].
    pub fn request(&mut self, number: E164, freshness: Freshness, now: MonoNanos) -> Request {
        if let Some(entry) = self.recall(number, now) {
            let fresh = match freshness {
                Freshness::Any => true,
                Freshness::NewerThan(instant) => entry.learned > instant,
            };
            // A failure holds a retry back too: it is there to spare the source.
            if fresh || entry.remembered == Remembered::Failed {
                self.stats.hits += 1;
                return Request::Known(entry.remembered);
            }
        }
        match self.pending.get(&number) {
            Some(deadline) if *deadline > now => {
                self.stats.joined += 1;
                return Request::Wait(*deadline);
            }
            Some(_) => self.stats.timed_out += 1,
            None if self.pending.len() >= self.limits.pending => {
                self.stats.overloaded += 1;
                return Request::Overloaded;
            }
            None => {}
        }
        let deadline = now.after(self.limits.deadline);
        self.pending.insert(number, deadline);
        self.stats.asked += 1;
        Request::Ask(deadline)
    }

    /// Takes the outcome of a look-up. `wall` is when it was known.
    pub fn complete(&mut self, number: E164, reply: LookupReply, now: MonoNanos, wall: UtcMicros) {
        self.pending.remove(&number);
        let (remembered, learned, lasts) = match reply {
            LookupReply::Found(answer) => {
                let said = Duration::from_secs(u64::from(answer.ttl_seconds));
                let lasts = said.max(self.limits.shortest).min(self.limits.longest);
                (Remembered::Found(answer), answer.as_of, lasts)
            }
            LookupReply::NotFound => (Remembered::NotFound, wall, self.limits.not_found),
            LookupReply::Failed => (Remembered::Failed, wall, self.limits.failed),
        };
        self.remember(number, Entry { remembered, learned, expires: now.after(lasts) });
    }

    /// Ends look-ups whose deadline has passed, remembers them as failed, and names them, so that who waits for
    /// them goes on. To be called at least once a deadline.
    pub fn expire(&mut self, now: MonoNanos, wall: UtcMicros) -> Vec<E164> {
        let late: Vec<E164> =
            self.pending.extract_if(|_, deadline| *deadline <= now).map(|(number, _)| number).collect();
        for number in &late {
            self.stats.timed_out += 1;
            self.complete(*number, LookupReply::Failed, now, wall);
        }
        late
    }

    /// Numbers remembered, expired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// True when nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Look-ups under way.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Counts since the cache was made.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.stats
    }

    fn recall(&mut self, number: E164, now: MonoNanos) -> Option<Entry> {
        if let Some(entry) = self.young.get(&number) {
            return (entry.expires > now).then_some(*entry);
        }
        let entry = self.old.remove(&number).filter(|entry| entry.expires > now)?;
        self.remember(number, entry);
        Some(entry)
    }

    fn remember(&mut self, number: E164, entry: Entry) {
        self.old.remove(&number);
        let half = (self.limits.numbers / 2).max(1);
        if self.young.len() >= half && !self.young.contains_key(&number) {
            // The map is used again, so that the memory is taken once.
            std::mem::swap(&mut self.young, &mut self.old);
            self.stats.forgotten += self.young.len() as u64;
            self.young.clear();
        }
        self.young.insert(number, entry);
    }
}

#[cfg(test)]
mod tests;
