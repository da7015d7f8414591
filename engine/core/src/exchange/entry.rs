//! An open message as the exchange holds it, and the arena of all of them.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_routing::AnswerSource;
use smallvec::SmallVec;

use super::alike::{Latest, Likeness, Links};
use super::operate::Stage;
use super::parts::Mark;
use crate::address::Address;
use crate::correlate::Expected;
use crate::gate::CounterVerdict;
use crate::id::{CarrierId, PeerId, PermitId, SessionId};
use crate::message::{Body, Direction, Envelope};
use crate::queue::{Lane, Ticket};
use crate::time::{Micros, Mono, Now, Since};

/// An id that a peer gave, in its own spelling.
pub(super) type RemoteId = SmallVec<[u8; 24]>;

/// Place of an entry in the arena; stale once the message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    slot: u32,
    generation: u32,
}

/// Where an open message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waits for an instant: schedule, retry, deferral.
    Waiting { due: Micros },
    /// In its peer's queue.
    Queued,
    /// Waits for a number look-up.
    Resolving,
    /// Waits for the other parts of its message.
    Gathering,
    /// Leaves with another part of its message, and ends with it.
    Joined,
    /// A permit is out.
    Released { session: SessionId },
    /// The peer took it; the receipt is awaited.
    AwaitingReceipt { until: Micros },
    /// An attempt's fate is unknown; its receipt is awaited a while.
    InDoubt { until: Micros },
}

impl Phase {
    pub(super) fn stage(self) -> Stage {
        match self {
            Self::Waiting { .. } => Stage::Scheduled,
            Self::Queued => Stage::Queued,
            Self::Resolving => Stage::Resolving,
            Self::Gathering => Stage::Gathering,
            Self::Joined => Stage::Joined,
            Self::Released { .. } => Stage::Sent,
            Self::AwaitingReceipt { .. } => Stage::AwaitingReceipt,
            Self::InDoubt { .. } => Stage::InDoubt,
        }
    }

    /// Moves the end of this phase by a step of the wall clock, in microseconds.
    pub(super) fn shift(&mut self, step: i64) {
        match self {
            Self::Waiting { due: at } | Self::AwaitingReceipt { until: at } | Self::InDoubt { until: at } => {
                at.0 = at.0.saturating_add(step);
            }
            Self::Queued | Self::Resolving | Self::Gathering | Self::Joined | Self::Released { .. } => {}
        }
    }

    /// When this phase ends by itself.
    pub(super) fn due(self) -> Option<Micros> {
        match self {
            Self::Waiting { due } => Some(due),
            Self::AwaitingReceipt { until } | Self::InDoubt { until } => Some(until),
            Self::Queued | Self::Resolving | Self::Gathering | Self::Joined | Self::Released { .. } => None,
        }
    }
}

/// How far the body is from the hand.
#[derive(Clone, Debug)]
pub(super) enum Held {
    /// In memory, not in the store yet.
    Hot(Box<Body>),
    /// In memory, as the message row that is in the store.
    Row(Bytes),
    /// In the store.
    Cold,
}

impl Held {
    pub(super) fn hot(body: Body) -> Self {
        Self::Hot(Box::new(body))
    }

    /// The body, unless it is only in the store.
    pub(super) fn in_memory(&self) -> Option<Body> {
        match self {
            Self::Hot(body) => Some((**body).clone()),
            // The row is our own; what cannot be read of it in memory cannot be read in the store either.
            Self::Row(row) => super::row::body_of(row).ok(),
            Self::Cold => None,
        }
    }
}

/// What decided the way of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Decided {
    /// Name of the rule.
    #[serde(with = "rule_name")]
    pub rule: Option<Arc<str>>,
    /// Version of the rules.
    pub version: u64,
    /// Carrier found.
    pub carrier: Option<CarrierId>,
    /// Who named the carrier.
    pub lookup: AnswerSource,
}

/// What has happened to an open message, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    pub attempts: u16,
    /// Attempts that count against the retry schedule.
    pub retries: u16,
    pub status: u32,
    #[serde(with = "remote_id")]
    pub remote_id: RemoteId,
    pub first_sent_at: Option<Micros>,
    pub taken_at: Option<Micros>,
    pub doubt: bool,
    pub possible_duplicate: bool,
    pub held: bool,
    /// An operator chose the peer.
    pub pinned: bool,
    /// What the final receipt said of the network's error.
    pub network_error: Option<(u8, u16)>,
    pub receipt_error: u16,
    pub receipt_text: Box<[u8]>,
    pub decided: Decided,
    /// Caps and limits of consent have counted it, which an attempt that is taken back does not undo. In rows it stands
    /// behind the rest.
    #[serde(skip)]
    pub counted: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            attempts: 0,
            retries: 0,
            status: 0,
            remote_id: RemoteId::new(),
            first_sent_at: None,
            taken_at: None,
            doubt: false,
            possible_duplicate: false,
            held: false,
            pinned: false,
            network_error: None,
            receipt_error: 0,
            receipt_text: Box::default(),
            decided: Decided::default(),
            counted: false,
        }
    }
}

mod rule_name {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        rule: &Option<Arc<str>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(rule.as_deref().unwrap_or_default())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<str>>, D::Error> {
        let name = <&str>::deserialize(deserializer)?;
        Ok((!name.is_empty()).then(|| Arc::from(name)))
    }
}

mod remote_id {
    use super::RemoteId;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(id: &RemoteId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RemoteId, D::Error> {
        <&[u8]>::deserialize(deserializer).map(RemoteId::from_slice)
    }
}

/// An open message.
#[derive(Debug)]
pub(super) struct Entry {
    pub envelope: Envelope,
    pub body: Held,
    pub data_coding: u8,
    /// Its place in a longer message that its origin cut.
    pub mark: Option<Box<Mark>>,
    pub phase: Phase,
    /// Whom it goes to, once decided.
    pub peer: Option<PeerId>,
    pub progress: Progress,
    pub counters: CounterVerdict,
    /// Number of the permit that is out, or was last.
    pub nonce: u32,
    /// Its place in the peer's queue while it is there or out with a permit.
    pub place: Option<Place>,
    /// It holds its lane or waits for it, where its peer keeps the order per destination.
    pub in_lane: bool,
    /// Its place among the messages whose receipts are awaited.
    pub expected: Option<Expected>,
    /// When the timer of this entry rings; older ones in the heap are void.
    pub timer: Option<Mono>,
    /// Octets accounted for the body in memory.
    pub hot_octets: u32,
    /// Not in the store yet: written whole at the end of the turn.
    pub fresh: bool,
    /// The row in the store has another content than the body here: it is written again at the end of the turn.
    pub replaced: bool,
    /// A state row is in the store.
    pub state_stored: bool,
    /// Changed in this turn.
    pub touched: bool,
    /// What it waits for is an hour of the day: the send gate said until when. After a restart whatever was never tried
    /// is held to be so.
    pub deferred: bool,
}

/// Where an entry stands in its peer's queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub ticket: Ticket,
    pub since: Since,
}

impl Entry {
    pub(super) fn new(envelope: Envelope, body: Held, data_coding: u8) -> Self {
        Self {
            envelope,
            body,
            data_coding,
            mark: None,
            phase: Phase::Resolving,
            peer: None,
            progress: Progress::default(),
            counters: CounterVerdict::Pass,
            nonce: 0,
            place: None,
            in_lane: false,
            expected: None,
            timer: None,
            hot_octets: 0,
            fresh: true,
            replaced: false,
            state_stored: false,
            touched: false,
            deferred: false,
        }
    }

    /// True where an origin may have cut it; what we cut is joined by its group.
    pub(super) fn may_be_part(envelope: &Envelope) -> bool {
        envelope.part.is_none() && envelope.direction != Direction::Receipt
    }

    /// The instant that its origin named, while it waits for that.
    pub(super) fn scheduled(&self) -> Option<Micros> {
        let Phase::Waiting { due } = self.phase else { return None };
        (self.progress.attempts == 0 && self.envelope.not_before.is_some()).then_some(due)
    }

    /// Since when it has waited to be sent, as far as what is stored of it tells: since it was accepted or its origin's
    /// schedule came, or since it was tried, or was to be tried again.
    pub(super) fn waits_since(&self, now: Now) -> Since {
        let began = self.envelope.id.accepted_at().max(self.envelope.not_before.unwrap_or_default());
        if self.progress.attempts == 0 {
            return now.since(began);
        }
        let tried = self.progress.first_sent_at.max(self.phase.due()).unwrap_or_default();
        now.since(began.max(tried))
    }

    pub(super) fn remote_id(&self) -> Bytes {
        Bytes::copy_from_slice(&self.progress.remote_id)
    }

    /// Lane of the per-destination order: what goes to one destination has one lane.
    pub(super) fn lane_key(&self) -> Lane {
        lane_key(&self.envelope.destination)
    }
}

/// The lane of a destination.
pub(super) fn lane_key(destination: &Address) -> Lane {
    Lane(xxhash_rust::xxh3::xxh3_64(destination.key()))
}

/// A place of the arena.
#[derive(Debug, Default)]
pub(super) struct Slot {
    generation: u32,
    pub links: Links,
    entry: Option<Box<Entry>>,
}

/// All open messages.
#[derive(Debug, Default)]
pub(super) struct Entries {
    slots: Vec<Slot>,
    latest: Latest,
    free: Vec<u32>,
    live: usize,
}

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// Puts an entry in, and among those that are like it.
    pub(super) fn insert(&mut self, entry: Box<Entry>, likeness: Option<Likeness>) -> Key {
        self.live += 1;
        let entry = Some(entry);
        let (slot, generation) = if let Some(slot) = self.free.pop() {
            let place = &mut self.slots[slot as usize];
            place.entry = entry;
            (slot, place.generation)
        } else {
            let slot = u32::try_from(self.slots.len()).expect("messages are bounded far below 2^32");
            self.slots.push(Slot { entry, ..Slot::default() });
            (slot, 0)
        };
        if let Some(likeness) = likeness {
            self.latest.link(&mut self.slots, slot, likeness);
        }
        Key { slot, generation }
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Box<Entry>> {
        let slot = self.slots.get_mut(key.slot as usize)?;
        if slot.generation != key.generation {
            return None;
        }
        let entry = slot.entry.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.latest.unlink(&mut self.slots, key.slot);
        self.free.push(key.slot);
        self.live -= 1;
        Some(entry)
    }

    pub(super) fn get(&self, key: Key) -> Option<&Entry> {
        let slot = self.slots.get(key.slot as usize)?;
        if slot.generation != key.generation {
            return None;
        }
        slot.entry.as_deref()
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Entry> {
        let slot = self.slots.get_mut(key.slot as usize)?;
        if slot.generation != key.generation {
            return None;
        }
        slot.entry.as_deref_mut()
    }

    /// The permit for the entry with this number.
    pub(super) fn permit(key: Key, nonce: u32) -> PermitId {
        PermitId(u64::from(key.slot) << 32 | u64::from(nonce))
    }

    /// The entry that a permit is of, if that is its last one.
    pub(super) fn of_permit(&self, permit: PermitId) -> Option<Key> {
        let slot = (permit.0 >> 32) as u32;
        let place = self.slots.get(slot as usize)?;
        let entry = place.entry.as_ref()?;
        (entry.nonce == permit.0 as u32).then_some(Key { slot, generation: place.generation })
    }

    /// The entries of a likeness, the latest first.
    pub(super) fn alike(&self, likeness: Likeness) -> impl Iterator<Item = (Key, &Entry)> {
        self.latest.of(&self.slots, likeness).filter_map(|slot| {
            let place = &self.slots[slot as usize];
            Some((Key { slot, generation: place.generation }, place.entry.as_deref()?))
        })
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut Entry)> {
        self.slots.iter_mut().enumerate().filter_map(|(index, slot)| {
            let entry = slot.entry.as_deref_mut()?;
            Some((Key { slot: index as u32, generation: slot.generation }, entry))
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Entry)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let entry = slot.entry.as_deref()?;
            Some((Key { slot: index as u32, generation: slot.generation }, entry))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_message_is_small() {
        // A million of them wait in a long queue: who adds a field looks at what it costs. Allocators have a class of
        // this size, and the next one is a quarter larger.
        assert!(size_of::<Entry>() <= 512, "{}", size_of::<Entry>());
        assert!(size_of::<Slot>() <= 24, "{}", size_of::<Slot>());
    }
}
