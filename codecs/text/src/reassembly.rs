//! Putting the parts of concatenated messages together, in bounded memory.
//!
//! The buffer is a shadow of what the caller has stored: every part has the caller's token, so a part
//! that was answered positively is never only here, and after a restart the buffer is filled again by
//! [`Reassembler::insert`] of the stored parts with the times they had. Times are microseconds of any
//! one clock, given in; with the recorded times of a log, a replay decides the same.
//!
//! Nothing leaves the buffer in silence: complete groups, groups that timed out and groups whose
//! reference was used again are all returned with their parts.

mod completed;
mod part;
#[cfg(test)]
mod tests;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use completed::Completed;
pub use part::{Group, Key, Kind, Outcome, Part, Place, Refusal};

/// Bounds of a [`Reassembler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Most messages that wait.
    pub groups: usize,
    /// Most messages that wait on one link, so that none takes the room of all.
    pub groups_per_link: usize,
    /// Most octets held, the room of parts and groups included.
    pub octets: usize,
    /// Microseconds that a message waits, from its first part.
    pub timeout: i64,
    /// Most completed messages that are remembered, to know late duplicates of their parts. Not
    /// counted among the octets; some 200 octets each.
    pub completed: usize,
    /// Microseconds that a completed message is remembered.
    pub completed_for: i64,
}

impl Default for Limits {
    /// 100,000 messages, 50,000 a link, 64 MiB, 30 minutes; 10,000 completed ones for 10 minutes.
    fn default() -> Self {
        Self {
            groups: 100_000,
            groups_per_link: 50_000,
            octets: 64 << 20,
            timeout: 1_800_000_000,
            completed: 10_000,
            completed_for: 600_000_000,
        }
    }
}

/// The parts of messages that are not complete yet.
#[derive(Debug)]
pub struct Reassembler<A> {
    limits: Limits,
    groups: HashMap<Key<A>, Waiting>,
    /// Totals claimed for a reference, to see conflicts; the key's own total is zero here.
    totals: HashMap<Key<A>, Vec<u8>>,
    /// Deadlines in order. The number makes them unique and keeps the order of arrival.
    deadlines: BTreeSet<(i64, u64)>,
    by_number: HashMap<u64, Key<A>>,
    per_link: HashMap<u64, usize>,
    next_number: u64,
    octets: usize,
    completed: Completed<A>,
}

/// A group that waits.
#[derive(Debug)]
struct Waiting {
    /// Sorted by sequence.
    parts: Vec<Part>,
    since: i64,
    deadline: (i64, u64),
    octets: usize,
    repeated: bool,
}

impl<A: Clone + Eq + Hash> Reassembler<A> {
    /// What a group takes besides its parts, counted against [`Limits::octets`]: its key three times.
    const GROUP_OCTETS: usize = 3 * size_of::<Key<A>>() + size_of::<Waiting>() + 64;

    /// An empty buffer.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            groups: HashMap::new(),
            totals: HashMap::new(),
            deadlines: BTreeSet::new(),
            by_number: HashMap::new(),
            per_link: HashMap::new(),
            next_number: 0,
            octets: 0,
            completed: Completed::new(limits.completed, limits.completed_for),
        }
    }

    /// Takes a part that came at `now`, or that was stored and came then.
    ///
    /// # Errors
    /// A [`Refusal`]; nothing has changed then.
    pub fn insert(&mut self, key: Key<A>, part: Part, now: i64) -> Result<Outcome<A>, Refusal> {
        let (sequence, total) = (part.sequence, key.total);
        if sequence == 0 || sequence > total {
            return Err(Refusal::Sequence { sequence, total });
        }
        let Some(waiting) = self.groups.get(&key) else {
            return self.start(key, part, now);
        };
        match waiting.parts.binary_search_by_key(&sequence, |held| held.sequence) {
            Ok(at) if waiting.parts[at].same_content(&part) => {
                Ok(Outcome::Duplicate { token: waiting.parts[at].token })
            }
            Ok(_) => self.displace(key, part, now),
            Err(at) => self.add(key, part, at, now),
        }
    }

    /// The next group whose time is over at `now`, with the parts it has. Call until it gives none.
    pub fn expire(&mut self, now: i64) -> Option<Group<A>> {
        let &(deadline, number) = self.deadlines.first()?;
        if deadline > now {
            return None;
        }
        let key = self.by_number.get(&number)?.clone();
        self.remove(&key)
    }

    /// When [`Self::expire`] has something to give next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<i64> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    /// Takes a group out, for instance when its sender is cancelled.
    pub fn remove(&mut self, key: &Key<A>) -> Option<Group<A>> {
        let Waiting { parts, since, deadline, octets, repeated } = self.groups.remove(key)?;
        self.octets -= octets;
        self.deadlines.remove(&deadline);
        self.by_number.remove(&deadline.1);
        if let Entry::Occupied(mut count) = self.per_link.entry(key.link) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        if let Entry::Occupied(mut totals) = self.totals.entry(without_total(key)) {
            totals.get_mut().retain(|&total| total != key.total);
            if totals.get().is_empty() {
                totals.remove();
            }
        }
        Some(Group { key: key.clone(), parts, since, repeated })
    }

    /// Tells whether [`Self::insert`] would take a part, which may still turn out to be a copy.
    ///
    /// # Errors
    /// The [`Refusal`] it would get.
    pub fn check(&self, key: &Key<A>, part: &Part) -> Result<(), Refusal> {
        let (sequence, total) = (part.sequence, key.total);
        if sequence == 0 || sequence > total {
            return Err(Refusal::Sequence { sequence, total });
        }
        if total == 1 {
            return Ok(());
        }
        if self.groups.contains_key(key) {
            return self.check_octets(part.weight(), 0);
        }
        self.check_group(key.link)?;
        self.check_octets(Self::GROUP_OCTETS + part.weight(), 0)
    }

    /// Messages that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Octets held, as they count against the bound.
    #[must_use]
    pub const fn octets(&self) -> usize {
        self.octets
    }

    fn check_group(&self, link: u64) -> Result<(), Refusal> {
        if self.groups.len() >= self.limits.groups {
            return Err(Refusal::Groups { limit: self.limits.groups });
        }
        let limit = self.limits.groups_per_link;
        if self.per_link.get(&link).is_some_and(|&count| count >= limit) {
            return Err(Refusal::LinkGroups { link, limit });
        }
        Ok(())
    }

    fn check_octets(&self, octets: usize, freed: usize) -> Result<(), Refusal> {
        let (held, limit) = (self.octets - freed, self.limits.octets);
        if held + octets > limit { Err(Refusal::Octets { octets, held, limit }) } else { Ok(()) }
    }

    fn start(&mut self, key: Key<A>, part: Part, now: i64) -> Result<Outcome<A>, Refusal> {
        if key.total == 1 {
            let group = Group { key, parts: vec![part], since: now, repeated: false };
            return Ok(Outcome::Complete(group));
        }
        self.check_group(key.link)?;
        let octets = Self::GROUP_OCTETS + part.weight();
        self.check_octets(octets, 0)?;
        Ok(self.place_first(key, part, now, octets))
    }

    /// Starts a group that has been found to fit.
    fn place_first(&mut self, key: Key<A>, part: Part, now: i64, octets: usize) -> Outcome<A> {
        let repeated = self.completed.knows(&key, part.sequence, part.digest(), now);
        let deadline = (now.saturating_add(self.limits.timeout), self.next_number);
        self.next_number += 1;
        self.octets += octets;
        self.deadlines.insert(deadline);
        self.by_number.insert(deadline.1, key.clone());
        *self.per_link.entry(key.link).or_default() += 1;
        let totals = self.totals.entry(without_total(&key)).or_default();
        let conflicting_total = totals.last().copied();
        totals.push(key.total);
        self.groups.insert(key, Waiting { parts: vec![part], since: now, deadline, octets, repeated });
        Outcome::Waiting { held: 1, conflicting_total }
    }

    fn add(&mut self, key: Key<A>, part: Part, at: usize, now: i64) -> Result<Outcome<A>, Refusal> {
        let octets = part.weight();
        self.check_octets(octets, 0)?;
        let conflicting_total = self
            .totals
            .get(&without_total(&key))
            .and_then(|totals| totals.iter().copied().rfind(|&total| total != key.total));
        let repeated = self.completed.knows(&key, part.sequence, part.digest(), now);
        let Some(waiting) = self.groups.get_mut(&key) else {
            return self.start(key, part, now);
        };
        waiting.parts.insert(at, part);
        waiting.octets += octets;
        waiting.repeated &= repeated;
        self.octets += octets;
        let held = waiting.parts.len() as u8;
        let complete = if held == key.total { self.remove(&key) } else { None };
        let Some(group) = complete else {
            return Ok(Outcome::Waiting { held, conflicting_total });
        };
        self.completed.remember(&key, group.parts.iter().map(Part::digest).collect(), now);
        Ok(Outcome::Complete(group))
    }

    fn displace(&mut self, key: Key<A>, part: Part, now: i64) -> Result<Outcome<A>, Refusal> {
        let freed = self.groups.get(&key).map_or(0, |waiting| waiting.octets);
        let octets = Self::GROUP_OCTETS + part.weight();
        self.check_octets(octets, freed)?;
        let displaced = self.remove(&key);
        let outcome = self.place_first(key, part, now, octets);
        Ok(displaced.map_or(outcome, Outcome::Displaced))
    }
}

fn without_total<A: Clone>(key: &Key<A>) -> Key<A> {
    Key { total: 0, ..key.clone() }
}
