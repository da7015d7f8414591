//! Which open messages are alike: of one account, between the same addresses, of one service_type. A submission with
//! replace_if_present_flag takes the place of the latest of them that has not left (SMPP 3.4 cl. 5.2.18).
//!
//! A million messages wait in a long queue, so all that is kept of each is where its neighbours are: 8 octets in the
//! arena, and 6 to 12 in a table for the latest of those that are alike.

use std::num::NonZeroU32;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Found;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Exchange;
use super::entry::{Entry, Key, Slot};
use super::intake::Offer;
use crate::address::Address;
use crate::id::AccountId;
use crate::message::{Content, Direction, Envelope};

/// Messages that one submission is compared with at most, the latest first: those that are alike may be many, and
/// all be with a peer.
const LOOKS: usize = 64;

/// No slot: messages are bounded far below it.
const NONE: u32 = u32::MAX;

/// What messages that are alike have in common, short enough to be kept for each: two that are not alike may have the
/// same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Likeness(NonZeroU32);

impl Likeness {
    /// Of a message that may be replaced; `None` for all others, which are parts of a message, or no account's.
    pub(super) fn of(envelope: &Envelope, content: &Content) -> Option<Self> {
        if envelope.direction != Direction::Mt || envelope.part.is_some() || content.may_be_part() {
            return None;
        }
        let account = envelope.origin.account()?;
        Some(Self::between(account, &envelope.source, &envelope.destination, &content.service_type))
    }

    fn between(account: AccountId, source: &Address, destination: &Address, service_type: &[u8]) -> Self {
        let seed = xxh3_64_with_seed(service_type, u64::from(account.0));
        let seed = xxh3_64_with_seed(source.key(), seed);
        let hash = xxh3_64_with_seed(destination.key(), seed);
        Self(NonZeroU32::new(hash as u32).unwrap_or(NonZeroU32::MIN))
    }

    /// Spread over 64 bits, of which a table wants the highest and the lowest.
    fn spread(self) -> u64 {
        u64::from(self.0.get()).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// The neighbours of a message among those that are alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    likeness: Option<Likeness>,
    earlier: u32,
    later: u32,
}

impl Default for Links {
    fn default() -> Self {
        Self { likeness: None, earlier: NONE, later: NONE }
    }
}

/// The slot of the latest message of each likeness.
#[derive(Debug, Default)]
pub(super) struct Latest(HashTable<u32>);

impl Latest {
    /// Puts the message of a slot after those that are like it.
    pub(super) fn link(&mut self, slots: &mut [Slot], slot: u32, likeness: Likeness) {
        let of = |slot: u32| slots[slot as usize].links.likeness;
        let spread = |slot: &u32| of(*slot).map_or(0, Likeness::spread);
        let earlier = match self.0.entry(likeness.spread(), |other| of(*other) == Some(likeness), spread) {
            Found::Occupied(mut found) => std::mem::replace(found.get_mut(), slot),
            Found::Vacant(place) => {
                place.insert(slot);
                NONE
            }
        };
        slots[slot as usize].links = Links { likeness: Some(likeness), earlier, later: NONE };
        if let Some(earlier) = slots.get_mut(earlier as usize) {
            earlier.links.later = slot;
        }
    }

    /// Takes the message of a slot from among those that are like it.
    pub(super) fn unlink(&mut self, slots: &mut [Slot], slot: u32) {
        let Links { likeness, earlier, later } = std::mem::take(&mut slots[slot as usize].links);
        let Some(likeness) = likeness else { return };
        if let Some(earlier) = slots.get_mut(earlier as usize) {
            earlier.links.later = later;
        }
        if let Some(later) = slots.get_mut(later as usize) {
            later.links.earlier = earlier;
            return;
        }
        let Ok(mut found) = self.0.find_entry(likeness.spread(), |latest| *latest == slot) else { return };
        if earlier == NONE {
            found.remove();
        } else {
            *found.get_mut() = earlier;
        }
    }

    /// The slots of the messages of a likeness, the latest first.
    pub(super) fn of(&self, slots: &[Slot], likeness: Likeness) -> impl Iterator<Item = u32> {
        let of = |slot: u32| slots[slot as usize].links.likeness;
        let latest = self.0.find(likeness.spread(), |slot| of(*slot) == Some(likeness)).copied();
        std::iter::successors(latest, |slot| {
            Some(slots[*slot as usize].links.earlier).filter(|earlier| *earlier != NONE)
        })
    }
}

impl Exchange {
    /// The message whose place a submission takes: the latest that is like it, if that has not left and the origin
    /// wants it so.
    pub(super) fn replaced_by(&self, offer: &Offer, parts: &[Content]) -> Option<Key> {
        let content = parts.first().filter(|content| content.replace_if_present)?;
        // What an owner before this one replaced, its log says itself; until then nobody knows what has left.
        if self.unrouted.is_some() {
            return None;
        }
        // A part would take the place of the part before it.
        if parts.len() == 1 && content.may_be_part() {
            return None;
        }
        let account = offer.origin.account()?;
        let (source, destination) = (&offer.source, &offer.destination);
        let likeness = Likeness::between(account, source, destination, &content.service_type);
        let alike = |entry: &Entry| {
            let envelope = &entry.envelope;
            envelope.origin.account() == Some(account)
                && envelope.source.key() == source.key()
                && envelope.destination.key() == destination.key()
        };
        let mut latest = self.entries.alike(likeness).take(LOOKS).filter(|(_, entry)| alike(entry));
        latest.find(|(_, entry)| entry.may_be_withdrawn()).map(|(key, _)| key)
    }
}

#[cfg(test)]
mod tests;
