//! MO messages that a link delivers again because it never saw our answer.
//!
//! A user may well send "YES" twice, so equal content alone makes no duplicate. A copy is one only where the
//! link had a reason to repeat it: the session on which the first one came has ended, and soon after it came,
//! so that our answer may be lost; or the link marks both with the same user_message_reference (SMPP 3.4
//! cl. 5.3.2.17). As many copies are taken for duplicates as messages may have gone unanswered, no more.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::address::Address;
use crate::id::{LinkId, SessionId, ShardId};
use crate::time::Micros;

/// What makes two MO messages equal; sequence numbers are no part of it.
#[derive(Clone, Copy, Debug)]
pub struct MoFacts<'a> {
    /// The link it came from.
    pub link: LinkId,
    /// From.
    pub source: &'a Address,
    /// To.
    pub destination: &'a Address,
    /// data_coding.
    pub data_coding: u8,
    /// esm_class.
    pub esm_class: u8,
    /// short_message with its user data header, or message_payload.
    pub payload: &'a [u8],
    /// user_message_reference. Zero is what peers write that have none.
    pub reference: Option<u16>,
}

/// The fingerprint of an MO message; the key of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MoKey {
    octets: [u8; 16],
    referenced: bool,
}

/// Lowest bit of the first octet of a key: whether the message had a reference.
const REFERENCED: u8 = 1;

impl MoKey {
    /// The key of a message.
    #[must_use]
    pub fn of(facts: &MoFacts<'_>) -> Self {
        let reference = facts.reference.filter(|&reference| reference != 0);
        let mut hash = Xxh3::with_seed(0x4d4f);
        hash.update(&facts.link.0.to_le_bytes());
        for address in [facts.source, facts.destination] {
            hash.update(&[address.key().len() as u8]);
            hash.update(address.key());
        }
        hash.update(&[facts.data_coding, facts.esm_class]);
        hash.update(&reference.unwrap_or(0).to_le_bytes());
        hash.update(facts.payload);
        let mut octets = hash.digest128().to_be_bytes();
        octets[0] = octets[0] & !REFERENCED | u8::from(reference.is_some());
        // The row lives in the device's shard, with the message; the key says which that is.
        octets[1] = facts.source.shard().number() as u8;
        Self::from_bytes(octets)
    }

    /// The shard of the row: the device's.
    #[must_use]
    pub fn shard(self) -> ShardId {
        ShardId::new(self.octets[1].into()).expect("an octet is below the number of shards")
    }

    /// The key with these octets.
    #[must_use]
    pub fn from_bytes(octets: [u8; 16]) -> Self {
        Self { octets, referenced: octets[0] & REFERENCED != 0 }
    }

    /// The 16 octets, for the store.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.octets
    }
}

/// What is known of the messages with one fingerprint; the value of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRow {
    /// When the last one came.
    pub at: Micros,
    /// On which session.
    pub session: SessionId,
    /// How many came on that session, without those that were answered long before the last.
    pub seen: u16,
    /// How many copies may still come of those on sessions that have ended.
    pub owed: u16,
}

/// What an MO message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A message of its own.
    New,
    /// A copy of one that was taken: to be answered OK, and else ignored.
    Duplicate,
}

/// The answer to [`SeenMo::check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What the message is.
    pub verdict: Verdict,
    /// The row to be written in the same commit.
    pub row: SeenRow,
    /// The row there was, for [`SeenMo::restore`] if the commit fails.
    pub before: Option<SeenRow>,
    /// The row to be deleted to make room.
    pub evicted: Option<MoKey>,
}

/// How long and how much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DedupeLimits {
    /// For so long after a message a copy may come, in seconds.
    pub window_seconds: u32,
    /// For so long a link may wait for our answer before it takes it as missing, in seconds.
    pub answer_seconds: u32,
    /// So many fingerprints are kept.
    pub capacity: usize,
}

impl Default for DedupeLimits {
    fn default() -> Self {
        Self { window_seconds: 3600, answer_seconds: 90, capacity: 200_000 }
    }
}

impl DedupeLimits {
    fn window(&self) -> Duration {
        Duration::from_secs(self.window_seconds.into())
    }

    fn answer(&self) -> Duration {
        Duration::from_secs(self.answer_seconds.into())
    }
}

/// The fingerprints of the MO messages of the last while, bounded by time and number.
pub struct SeenMo {
    limits: DedupeLimits,
    rows: FxHashMap<MoKey, SeenRow>,
    /// Keys by the time of some message with them; a row that was renewed since goes to the end again.
    by_age: VecDeque<(Micros, MoKey)>,
    /// When sessions ended; those of before the start as one, see [`SeenMo::load`].
    ended: FxHashMap<SessionId, Micros>,
}

/// Rows of an earlier process: its session numbers mean nothing any more.
const EARLIER_PROCESS: SessionId = SessionId(u64::MAX);

impl SeenMo {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(limits: DedupeLimits) -> Self {
        Self { limits, rows: FxHashMap::default(), by_age: VecDeque::new(), ended: FxHashMap::default() }
    }

    /// One with the rows of an earlier process, all of whose sessions ended with it: when the last of its
    /// messages came or, where that is known and later, at `last_alive`.
    ///
    /// Gives back also the keys for which there is no room.
    pub fn load(
        limits: DedupeLimits,
        rows: impl IntoIterator<Item = (MoKey, SeenRow)>,
        last_alive: Option<Micros>,
    ) -> (Self, Vec<MoKey>) {
        let mut rows: Vec<(MoKey, SeenRow)> = rows.into_iter().collect();
        rows.sort_unstable_by_key(|&(key, row)| (row.at, key));
        let surplus = rows.len().saturating_sub(limits.capacity.max(1));
        let dropped = rows.drain(..surplus).map(|(key, _)| key).collect();
        let mut seen = Self::new(limits);
        if let Some((_, last)) = rows.last() {
            seen.ended.insert(EARLIER_PROCESS, last_alive.map_or(last.at, |alive| alive.max(last.at)));
        }
        for (key, row) in rows {
            seen.by_age.push_back((row.at, key));
            seen.rows.insert(key, SeenRow { session: EARLIER_PROCESS, ..row });
        }
        (seen, dropped)
    }

    /// Number of fingerprints.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A session has ended: what it brought shortly before may come again.
    pub fn session_ended(&mut self, session: SessionId, now: Micros) {
        self.ended.insert(session, now);
    }

    /// Judges a message that came on `session`, and remembers it.
    pub fn check(&mut self, key: MoKey, session: SessionId, now: Micros) -> Checked {
        let before = self.rows.get(&key).copied();
        let current = before.filter(|row| now.since(row.at) <= self.limits.window());
        let (verdict, row) = self.judge(key, current, session, now);
        self.rows.insert(key, row);
        let mut evicted = None;
        if before.is_none() {
            self.by_age.push_back((now, key));
            if self.rows.len() > self.limits.capacity.max(1) {
                evicted = self.pop_oldest();
            }
        }
        Checked { verdict, row, before, evicted }
    }

    /// Takes [`SeenMo::check`] back, for a message that could not be committed.
    pub fn restore(&mut self, key: MoKey, before: Option<SeenRow>) {
        match before {
            Some(row) => {
                self.rows.insert(key, row);
            }
            None => {
                self.rows.remove(&key);
                // Any other place of it in `by_age` is passed over later.
                if self.by_age.back().is_some_and(|&(_, last)| last == key) {
                    self.by_age.pop_back();
                }
            }
        }
    }

    /// Forgets what is older than the window; gives the keys of the rows to delete, at most `most`.
    pub fn expire(&mut self, now: Micros, most: usize) -> Vec<MoKey> {
        let window = self.limits.window();
        let mut expired = Vec::new();
        while expired.len() < most
            && let Some(&(at, key)) = self.by_age.front()
            && now.since(at) > window
        {
            self.by_age.pop_front();
            match self.rows.get(&key) {
                Some(row) if now.since(row.at) <= window => self.by_age.push_back((row.at, key)),
                Some(_) => {
                    self.rows.remove(&key);
                    expired.push(key);
                }
                None => {}
            }
        }
        self.ended.retain(|_, &mut ended| now.since(ended) <= window);
        expired
    }

    fn judge(
        &self,
        key: MoKey,
        before: Option<SeenRow>,
        session: SessionId,
        now: Micros,
    ) -> (Verdict, SeenRow) {
        let Some(row) = before else {
            return (Verdict::New, SeenRow { at: now, session, seen: 1, owed: 0 });
        };
        let (seen, owed) = if row.session == session {
            let answered = now.since(row.at) > self.limits.answer();
            (if answered { 0 } else { row.seen }, row.owed)
        } else if self.may_be_unanswered(&row) {
            (0, row.seen)
        } else {
            (0, 0)
        };
        let verdict = if key.referenced || owed > 0 { Verdict::Duplicate } else { Verdict::New };
        let row = SeenRow { at: now, session, seen: seen.saturating_add(1), owed: owed.saturating_sub(1) };
        (verdict, row)
    }

    /// True when the session of a row ended before it is certain that our answer arrived.
    fn may_be_unanswered(&self, row: &SeenRow) -> bool {
        self.ended.get(&row.session).is_some_and(|ended| ended.since(row.at) <= self.limits.answer())
    }

    fn pop_oldest(&mut self) -> Option<MoKey> {
        // A renewed key is put back once, so this ends after as many steps as there are keys; it is rarely
        // more than one.
        for _ in 0..self.by_age.len() {
            let (at, key) = self.by_age.pop_front()?;
            match self.rows.get(&key) {
                Some(row) if row.at > at => self.by_age.push_back((row.at, key)),
                Some(_) => {
                    self.rows.remove(&key);
                    return Some(key);
                }
                None => {}
            }
        }
        None
    }
}
