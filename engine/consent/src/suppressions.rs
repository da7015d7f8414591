//! Opt-outs, as an index: who must not be written to, at which level, on which channels (OPT-01, OPT-03).
//!
//! Who asked for it, when and in which words is in the ledger of consent; the index only answers quickly. It is
//! filled from the ledger's rows at the start and changed with every commit that holds an opt-out or an opt-in.

use std::hash::Hasher;

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};
use signalbox_text::E164;
use xxhash_rust::xxh3::Xxh3;

use crate::channel::{Channel, Channels};
use crate::id::{AccountId, CampaignId, EnterpriseId, Tenant};

#[cfg(test)]
mod tests;

/// How wide an opt-out reaches. The order is from narrow to wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// One campaign.
    Campaign(CampaignId),
    /// All campaigns of an account.
    Account(AccountId),
    /// All accounts of an enterprise.
    Enterprise(EnterpriseId),
}

impl Level {
    /// Its kind and number, for keys; the kinds are stored.
    pub(crate) const fn tagged(self) -> (u8, u32) {
        match self {
            Self::Campaign(id) => (1, id.0),
            Self::Account(id) => (2, id.0),
            Self::Enterprise(id) => (3, id.0),
        }
    }
}

/// Who is suppressed. A client id means something only inside the level it is given with, so that the same id in
/// another account is another person.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject<'a> {
    /// A device by its number.
    Number(E164),
    /// A device by its e-mail address; letter case does not count.
    Email(&'a str),
    /// A person by the client's own id, exactly as the client writes it.
    Client(&'a str),
}

/// What an opt-out covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Everything.
    All,
    /// Marketing only: what a likely opt-out does until a person has read it.
    Marketing,
}

/// What suppresses a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// The widest level that matches.
    pub level: Level,
    /// What the opt-out there covers.
    pub extent: Extent,
}

/// Segments grow one at a time, so that no insertion waits for millions of others to move.
const SEGMENTS: usize = 1 << SEGMENT_BITS;
const SEGMENT_BITS: u32 = 10;
/// Away from the bits that the hash table takes for places (low) and tags (high).
const SEGMENT_SHIFT: u32 = 40;

/// Nine octets without alignment: ten million of them lie in less than 200 MB with the table's own octet each.
#[derive(Clone, Copy)]
struct Entry {
    key: [u8; 8],
    /// Bits 0 to 2: channels closed to everything; bits 3 to 5: channels closed to marketing.
    closed: u8,
}

impl Entry {
    fn key(&self) -> u64 {
        u64::from_le_bytes(self.key)
    }
}

/// The index of opt-outs.
///
/// Entries are kept by a 64-bit hash with a seed that only the node knows. Among ten million entries the chance
/// that a device is suppressed for another one's sake is 1 in 10^12; the other way round it cannot fail: whoever
/// opted out is found.
pub struct Suppressions {
    segments: Box<[HashTable<Entry>]>,
    seed: u64,
    len: usize,
}

impl Suppressions {
    /// An empty index; `seed` is a secret of the installation.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { segments: (0..SEGMENTS).map(|_| HashTable::new()).collect(), seed, len: 0 }
    }

    /// Closes `channels` for a subject at a level. True when that changed something.
    pub fn insert(&mut self, level: Level, subject: Subject<'_>, channels: Channels, extent: Extent) -> bool {
        let bits = closed(channels, extent);
        if bits == 0 {
            return false;
        }
        let key = self.key(level, subject);
        let segment = &mut self.segments[segment(key)];
        if let Some(entry) = segment.find_mut(key, |entry| entry.key() == key) {
            let before = entry.closed;
            entry.closed |= bits;
            return entry.closed != before;
        }
        segment.insert_unique(key, Entry { key: key.to_le_bytes(), closed: bits }, Entry::key);
        self.len += 1;
        true
    }

    /// Opens `channels` again, for everything and for marketing. True when one was closed.
    pub fn remove(&mut self, level: Level, subject: Subject<'_>, channels: Channels) -> bool {
        let bits = closed(channels, Extent::All) | closed(channels, Extent::Marketing);
        let key = self.key(level, subject);
        let Ok(mut found) = self.segments[segment(key)].find_entry(key, |entry| entry.key() == key) else {
            return false;
        };
        let before = found.get().closed;
        found.get_mut().closed &= !bits;
        if found.get().closed == 0 {
            found.remove();
            self.len -= 1;
        }
        before & bits != 0
    }

    /// What is closed for a subject at exactly this level, on one channel; the wider extent if both are.
    #[must_use]
    pub fn get(&self, level: Level, subject: Subject<'_>, channel: Channel) -> Option<Extent> {
        if self.len == 0 {
            return None;
        }
        let key = self.key(level, subject);
        let entry = self.segments[segment(key)].find(key, |entry| entry.key() == key)?;
        let channel = Channels::one(channel);
        if entry.closed & closed(channel, Extent::All) != 0 {
            return Some(Extent::All);
        }
        (entry.closed & closed(channel, Extent::Marketing) != 0).then_some(Extent::Marketing)
    }

    /// The widest opt-out of any of the subjects that suppresses a message of this tenant (OPT-03). Marketing is
    /// suppressed by opt-outs of both extents, anything else only by those of everything.
    #[must_use]
    pub fn widest(
        &self,
        tenant: &Tenant,
        subjects: &[Subject<'_>],
        channel: Channel,
        marketing: bool,
    ) -> Option<Suppressed> {
        levels(tenant).find_map(|level| {
            let found = subjects.iter().filter_map(|subject| self.get(level, *subject, channel));
            let extent =
                found.filter(|extent| marketing || *extent == Extent::All).min_by_key(
                    |extent| match extent {
                        Extent::All => 0,
                        Extent::Marketing => 1,
                    },
                )?;
            Some(Suppressed { level, extent })
        })
    }

    /// How many pairs of level and subject have an opt-out.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when nobody has opted out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Octets of memory in use.
    #[must_use]
    pub fn memory(&self) -> usize {
        let tables: usize = self.segments.iter().map(HashTable::allocation_size).sum();
        tables + SEGMENTS * size_of::<HashTable<Entry>>()
    }

    fn key(&self, level: Level, subject: Subject<'_>) -> u64 {
        let (tag, id) = level.tagged();
        let mut head = [0; 14];
        head[0] = tag;
        head[1..5].copy_from_slice(&id.to_le_bytes());
        let mut hash = Xxh3::with_seed(self.seed);
        match subject {
            Subject::Number(number) => {
                head[5] = 1;
                head[6..].copy_from_slice(&number.get().to_le_bytes());
                return xxhash_rust::xxh3::xxh3_64_with_seed(&head, self.seed);
            }
            Subject::Email(address) => {
                head[5] = 2;
                hash.write(&head);
                hash.write(address.trim().to_lowercase().as_bytes());
            }
            Subject::Client(id) => {
                head[5] = 3;
                hash.write(&head);
                hash.write(id.as_bytes());
            }
        }
        hash.finish()
    }
}

/// The levels of a tenant, the widest first.
pub(crate) fn levels(tenant: &Tenant) -> impl Iterator<Item = Level> + use<> {
    let wide = [Level::Enterprise(tenant.enterprise), Level::Account(tenant.account)];
    wide.into_iter().chain(tenant.campaign.map(Level::Campaign))
}

fn segment(key: u64) -> usize {
    (key >> SEGMENT_SHIFT) as usize % SEGMENTS
}

const fn closed(channels: Channels, extent: Extent) -> u8 {
    match extent {
        Extent::All => channels.bits(),
        Extent::Marketing => channels.bits() << 3,
    }
}

impl std::fmt::Debug for Suppressions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suppressions").field("len", &self.len).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Subject<'_> {
    /// Masked: numbers and addresses do not belong into logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Subject::Number(number) => write!(f, "Number({:?})", number.masked()),
            Subject::Email(_) => f.write_str("Email(..)"),
            Subject::Client(_) => f.write_str("Client(..)"),
        }
    }
}
