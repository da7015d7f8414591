//! Parts of one message that their origin cut, and that leave as one to a receiver of whole messages.
//!
//! Each part is accepted, stored and counted by itself, as it came. On its way to a peer that takes messages whole it
//! waits for the others; what is kept of it here is a shadow of its row, built again from the rows at a restart. When
//! the last one has come, one of them, the lead, goes into the queue; it leaves with the contents of all, and its end
//! is the end of all (decision 0014). A peer that takes parts never sees any of this.

use rustc_hash::FxHashMap;
use signalbox_text::reassembly::{
    self, Group as Gathered, Key as SetKey, Limits, Outcome, Part, Place, Reassembler,
};

use super::effect::Refusal;
use super::entry::{Entry, Key, Phase};
use super::intake::Offer;
use super::note::Note;
use super::{Bodies, Exchange};
use crate::address::Address;
use crate::gate::CounterVerdict;
use crate::id::{MessageId, PeerId};
use crate::inbound::{Joined, JoinedPart, is_plain_text, place_of};
use crate::message::{Body, Content, Direction, Envelope, Origin, ReceiptRequest};
use crate::outcome::{FinalState, Reason};
use crate::policy::PartLimits;
use crate::time::{Mono, Now};

/// What of a part's content matters to finding the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub place: Place,
    /// Tells a copy from another part of the same number.
    digest: u64,
    plain_text: bool,
    /// The part that leaves for this one too.
    pub lead: Option<MessageId>,
}

impl Mark {
    /// The mark of a content that is a part of a longer message.
    pub(super) fn of(content: &Content) -> Option<Box<Self>> {
        let place = place_of(content)?;
        let mut digest = xxhash_rust::xxh3::Xxh3::new();
        digest.update(&[content.esm_class, content.data_coding]);
        digest.update(&content.payload);
        if content.payload.is_empty() {
            digest.update(&content.tlvs);
        }
        let plain_text = is_plain_text(content);
        Some(Box::new(Self { place, digest: digest.digest(), plain_text, lead: None }))
    }

    /// The part as it is gathered: its digest stands for its content.
    fn part(&self, token: u128) -> Part {
        let body = bytes::Bytes::copy_from_slice(&self.digest.to_be_bytes());
        Part { token, sequence: self.place.sequence, data_coding: 0, header: None, body }
    }
}

/// Added to the number of an account where links have their own.
const ACCOUNTS: u64 = 1 << 32;

/// Whose message it is: what is common to its parts besides their reference.
struct Whose<'a> {
    direction: Direction,
    origin: Origin,
    source: &'a Address,
    destination: &'a Address,
}

impl<'a> From<&'a Envelope> for Whose<'a> {
    fn from(envelope: &'a Envelope) -> Self {
        let Envelope { direction, origin, source, destination, .. } = envelope;
        Self { direction: *direction, origin: *origin, source, destination }
    }
}

impl<'a> From<&'a Offer> for Whose<'a> {
    fn from(offer: &'a Offer) -> Self {
        let Offer { direction, origin, source, destination, .. } = offer;
        Self { direction: *direction, origin: *origin, source, destination }
    }
}

fn set_key<'a>(whose: impl Into<Whose<'a>>, place: Place) -> SetKey<Address> {
    let whose = whose.into();
    let link = match whose.origin {
        Origin::Link(link) => u64::from(link.0),
        Origin::Smpp(account) | Origin::Http(account, _) | Origin::Exchange(account) => {
            ACCOUNTS | u64::from(account.0)
        }
    };
    SetKey {
        link,
        source: whose.source.clone(),
        destination: whose.destination.clone(),
        kind: place.kind,
        reference: place.reference,
        total: place.total,
    }
}

fn device_key<'a>(whose: impl Into<Whose<'a>>) -> u64 {
    let whose = whose.into();
    let device = match whose.direction {
        Direction::Mo => whose.source,
        Direction::Mt | Direction::Receipt => whose.destination,
    };
    xxhash_rust::xxh3::xxh3_64(device.key())
}

/// The parts that wait for others.
pub(super) struct Parts {
    mo: Reassembler<Address>,
    mt: Reassembler<Address>,
    of_device: u32,
    /// Parts that wait, by device.
    devices: FxHashMap<u64, u32>,
}

impl Parts {
    pub(super) fn new(limits: PartLimits) -> Self {
        let bounds = |wait: std::time::Duration| Limits {
            groups: limits.messages,
            groups_per_link: (limits.messages / 2).max(1),
            octets: limits.octets,
            timeout: i64::try_from(wait.as_micros()).unwrap_or(i64::MAX),
            // Copies are known before, by the fingerprints of MO messages.
            completed: 0,
            completed_for: 0,
        };
        Self {
            mo: Reassembler::new(bounds(limits.mo_wait)),
            mt: Reassembler::new(bounds(limits.mt_wait)),
            of_device: limits.of_device,
            devices: FxHashMap::default(),
        }
    }

    fn of(&mut self, direction: Direction) -> &mut Reassembler<Address> {
        match direction {
            Direction::Mo => &mut self.mo,
            Direction::Mt | Direction::Receipt => &mut self.mt,
        }
    }

    /// Messages that wait for parts.
    fn len(&self) -> usize {
        self.mo.len() + self.mt.len()
    }

    pub(super) fn next_due(&self) -> Option<Mono> {
        let next = [self.mo.next_deadline(), self.mt.next_deadline()].into_iter().flatten().min()?;
        Some(Mono(u64::try_from(next).unwrap_or(0).saturating_mul(1000)))
    }

    fn forget(&mut self, envelope: &Envelope) {
        let device = device_key(envelope);
        if let Some(count) = self.devices.get_mut(&device) {
            *count -= 1;
            if *count == 0 {
                self.devices.remove(&device);
            }
        }
    }
}

impl Exchange {
    /// Messages whose missing parts are waited for.
    #[must_use]
    pub fn waiting_for_parts(&self) -> usize {
        self.parts.len()
    }

    fn takes_whole(&self, peer: PeerId) -> bool {
        self.policy.peer(peer).is_some_and(|policy| policy.takes_whole)
    }

    /// The mark of an entry that waits for its other parts on the way to this peer. An MT message is joined only if it
    /// is text, and before anything of it was tried: what a peer has had of it in parts it must get in parts.
    fn to_be_joined<'a>(&self, entry: &'a Entry, peer: PeerId) -> Option<&'a Mark> {
        let mark = entry.mark.as_deref()?;
        let joins = match entry.envelope.direction {
            Direction::Mo => true,
            Direction::Mt => mark.plain_text && entry.progress.attempts == 0,
            Direction::Receipt => false,
        };
        (joins && !entry.progress.held && self.takes_whole(peer)).then_some(mark)
    }

    /// Refuses a part that there is no room to wait with, before it is accepted.
    pub(super) fn check_parts(&self, offer: &Offer, content: &Content, peer: PeerId) -> Result<(), Refusal> {
        if !self.takes_whole(peer) {
            return Ok(());
        }
        let Some(mark) = Mark::of(content) else { return Ok(()) };
        let parts = match offer.direction {
            Direction::Mo => &self.parts.mo,
            Direction::Mt if mark.plain_text => &self.parts.mt,
            Direction::Mt | Direction::Receipt => return Ok(()),
        };
        let of_device = self.parts.devices.get(&device_key(offer)).copied().unwrap_or(0);
        let full = of_device >= self.parts.of_device
            || parts.check(&set_key(offer, mark.place), &mark.part(0)).is_err();
        if full { Err(Refusal::PartsFull { waiting: self.parts.len() }) } else { Ok(()) }
    }

    /// Lets an entry that is about to be queued wait for its other parts, or go with those that came; false for one
    /// that goes by itself.
    pub(super) fn gather(&mut self, now: Now, key: Key) -> bool {
        let Some(entry) = self.entries.get(key) else { return false };
        let Some(peer) = entry.peer else { return false };
        if entry.phase == Phase::Gathering {
            return true;
        }
        if self.joined.contains_key(&key) {
            if self.takes_whole(peer) {
                return false;
            }
            self.line_up_now(now, key);
            self.part_again(now, key);
            return true;
        }
        let Some(mark) = self.to_be_joined(entry, peer).copied() else { return false };
        let envelope = &entry.envelope;
        let (direction, device) = (envelope.direction, device_key(envelope));
        let set = set_key(envelope, mark.place);
        let part = mark.part(envelope.id.as_u128());
        let began = envelope.id.accepted_at().max(envelope.not_before.unwrap_or_default());
        let since = now.since(began).0.div_euclid(1000);
        let outcome = match self.parts.of(direction).insert(set, part, since) {
            Ok(outcome) => outcome,
            Err(refusal) => {
                self.turn.notes.push(Note::PartAlone { direction, why: bound_name(refusal) });
                return false;
            }
        };
        *self.parts.devices.entry(device).or_default() += 1;
        if let Some(entry) = self.entries.get_mut(key) {
            entry.phase = Phase::Gathering;
        }
        self.touch(key);
        self.arm(now, key);
        match outcome {
            Outcome::Waiting { .. } => {}
            Outcome::Complete(group) | Outcome::Displaced(group) => self.join(now, &group),
            Outcome::Duplicate { .. } => self.drop_copy(now, key),
        }
        true
    }

    /// A part that is held already. An MO copy is one like those that are known by their fingerprint; an MT one
    /// has an id that its origin knows, and leaves by itself.
    fn drop_copy(&mut self, now: Now, key: Key) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.phase = Phase::Resolving;
        let envelope = entry.envelope.clone();
        self.parts.forget(&envelope);
        match envelope.origin {
            Origin::Link(link) if envelope.direction == Direction::Mo => {
                let _ = self.take_out(key);
                self.turn.notes.push(Note::DuplicateMo { link });
            }
            Origin::Link(_) | Origin::Smpp(_) | Origin::Http(..) | Origin::Exchange(_) => {
                self.line_up_now(now, key);
            }
        }
    }

    /// Joins what has waited long enough, incomplete as it is.
    pub(super) fn expire_parts(&mut self, now: Now) {
        let at = i64::try_from(now.mono.0 / 1000).unwrap_or(i64::MAX);
        for direction in [Direction::Mo, Direction::Mt] {
            while let Some(group) = self.parts.of(direction).expire(at) {
                self.join(now, &group);
            }
        }
    }

    /// The parts of a group, which waits no more, as entries by their numbers.
    fn ungather(&mut self, group: &Gathered<Address>) -> Vec<Key> {
        let mut keys = Vec::with_capacity(group.parts.len());
        for part in &group.parts {
            let Some(key) = self.by_id.get(&MessageId::from(part.token)).copied() else { continue };
            let Some(entry) = self.entries.get_mut(key) else { continue };
            entry.phase = Phase::Resolving;
            let envelope = &entry.envelope;
            self.parts.forget(envelope);
            keys.push(key);
        }
        keys
    }

    /// Lets the parts of a group go: as one where they may, else each by itself as it came.
    fn join(&mut self, now: Now, group: &Gathered<Address>) {
        let keys = self.ungather(group);
        let complete = keys.len() == usize::from(group.key.total);
        let leading = |key: &Key| self.entries.get(*key).map(|entry| entry.envelope.clone());
        let Some(first) = keys.first().and_then(leading) else { return };
        // The CDR of an MO message is that of its first part to come. A receipt repeats how the text begins.
        let lead = match first.direction {
            Direction::Mo => keys.iter().copied().min_by_key(|key| leading(key).map(|envelope| envelope.id)),
            Direction::Mt | Direction::Receipt => keys.first().copied(),
        };
        let Some(lead) = lead else { return };
        let peer = self.entries.get(lead).and_then(|entry| entry.peer);
        self.turn.notes.push(Note::Gathered { direction: first.direction, complete });
        let whole = complete || first.direction == Direction::Mo;
        if !whole || !peer.is_some_and(|peer| self.takes_whole(peer)) {
            for key in keys {
                self.touch(key);
                match whole {
                    true => self.route_entry(now, key, None),
                    false => self.line_up_now(now, key),
                }
            }
            return;
        }
        let members: Vec<Key> = keys.into_iter().filter(|key| *key != lead).collect();
        self.follow(lead, members);
        self.touch(lead);
        let waits = matches!(peer, Some(PeerId::Link(_))) && !peer.is_some_and(|peer| self.usable(peer));
        if waits { self.route_entry(now, lead, None) } else { self.line_up_now(now, lead) }
    }

    /// Ties parts to the one that leaves for them.
    fn follow(&mut self, lead: Key, members: Vec<Key>) {
        let Some(id) = self.entries.get(lead).map(|entry| entry.envelope.id) else { return };
        let mut blocked = false;
        for key in &members {
            let Some(entry) = self.entries.get_mut(*key) else { continue };
            entry.phase = Phase::Joined;
            entry.timer = None;
            if let Some(mark) = entry.mark.as_deref_mut() {
                mark.lead = Some(id);
            }
            blocked |= entry.counters == CounterVerdict::Block;
            self.touch(*key);
        }
        if blocked && let Some(entry) = self.entries.get_mut(lead) {
            entry.counters = CounterVerdict::Block;
        }
        self.joined.entry(lead).or_default().extend(members);
    }

    /// Ties a part to its lead again, as the store has it; false where the lead is gone.
    pub(super) fn follow_again(&mut self, key: Key, lead: MessageId) -> bool {
        let Some(lead) = self.by_id.get(&lead).copied().filter(|lead| *lead != key) else { return false };
        self.follow(lead, vec![key]);
        true
    }

    /// The same where the peer of a lead takes whole messages no more.
    pub(super) fn part_from_peer(&mut self, now: Now, lead: Key, peer: PeerId) {
        if self.joined.contains_key(&lead) && !self.takes_whole(peer) {
            self.part_again(now, lead);
        }
    }

    /// Lets the parts that follow a lead go by themselves, to the same peer.
    pub(super) fn part_again(&mut self, now: Now, lead: Key) {
        let Some(members) = self.joined.remove(&lead) else { return };
        let Some((peer, pinned)) = self.entries.get(lead).map(|entry| (entry.peer, entry.progress.pinned))
        else {
            return;
        };
        for key in members {
            let Some(entry) = self.entries.get_mut(key) else { continue };
            entry.phase = Phase::Resolving;
            entry.peer = peer;
            entry.progress.pinned = pinned;
            if let Some(mark) = entry.mark.as_deref_mut() {
                mark.lead = None;
            }
            self.touch(key);
            match &mut self.unrouted {
                Some(unrouted) => unrouted.push(key),
                None => self.line_up_now(now, key),
            }
        }
    }

    fn line_up_now(&mut self, now: Now, key: Key) {
        if let Some(since) = self.entries.get(key).map(|entry| entry.waits_since(now)) {
            self.queue_whole(now, key, since);
        }
    }

    /// The lead that an entry follows, or the entry itself.
    pub(super) fn lead_of(&self, key: Key) -> Key {
        let lead = self.entries.get(key).filter(|entry| entry.phase == Phase::Joined);
        let lead = lead.and_then(|entry| self.by_id.get(&entry.mark.as_deref()?.lead?));
        lead.copied().unwrap_or(key)
    }

    /// Takes a part out of its set, which goes on as if it had not come. A message of which one part is withdrawn is
    /// no whole any more: the others leave by themselves.
    pub(super) fn leave_parts(&mut self, now: Now, key: Key) {
        let Some(entry) = self.entries.get(key) else { return };
        match entry.phase {
            Phase::Gathering => self.leave_set(now, key),
            Phase::Joined => self.part_again(now, self.lead_of(key)),
            Phase::Waiting { .. } | Phase::Queued | Phase::Resolving => self.part_again(now, key),
            Phase::Released { .. } | Phase::AwaitingReceipt { .. } | Phase::InDoubt { .. } => {}
        }
    }

    fn leave_set(&mut self, now: Now, key: Key) {
        let Some(entry) = self.entries.get(key) else { return };
        let Some(mark) = entry.mark.as_deref() else { return };
        let (set, direction) = (set_key(&entry.envelope, mark.place), entry.envelope.direction);
        let Some(group) = self.parts.of(direction).remove(&set) else { return };
        for other in self.ungather(&group) {
            if other != key {
                let _ = self.gather(now, other);
            }
        }
    }

    /// All parts of what is about to leave, where they leave as one.
    pub(super) fn joined_parts(
        &mut self,
        key: Key,
        peer: PeerId,
        body: &Body,
        bodies: &dyn Bodies,
    ) -> Option<Box<Joined>> {
        let members = self.joined.get(&key)?;
        let lead = self.entries.get(key)?;
        if !self.takes_whole(peer) {
            return None;
        }
        let total = lead.mark.as_deref()?.place.total;
        let mut parts = Vec::with_capacity(members.len() + 1);
        let mut damaged = Vec::new();
        for entry in std::iter::once(lead).chain(members.iter().filter_map(|key| self.entries.get(*key))) {
            let (id, number) = (entry.envelope.id, entry.mark.as_deref()?.place.sequence);
            let read = if id == lead.envelope.id { Some(body.clone()) } else { self.body(entry, bodies) };
            match read {
                Some(Body::Content(content)) => {
                    parts.push(JoinedPart { number, accepted_at: id.accepted_at(), content });
                }
                Some(Body::Receipt(_)) | None => damaged.push(id),
            }
        }
        parts.sort_unstable_by_key(|part| part.number);
        for id in damaged {
            self.turn.notes.push(Note::RowDamaged { why: format!("message {id}, a part of another") });
        }
        Some(Box::new(Joined { total, parts }))
    }

    /// The receipts that are wanted of an entry and of those that leave with it.
    pub(super) fn wanted_receipts(&self, entry: &Entry) -> ReceiptRequest {
        let own = entry.envelope.receipt;
        if entry.mark.is_none() || self.joined.is_empty() {
            return own;
        }
        let members = self.by_id.get(&entry.envelope.id).and_then(|key| self.joined.get(key));
        let wanted = members.into_iter().flatten().filter_map(|key| self.entries.get(*key));
        ReceiptRequest(wanted.fold(own.0, |all, member| all | member.envelope.receipt.0))
    }

    /// The reason of an MO message that was told whole, and is not.
    pub(super) fn reason_of_whole(
        &self,
        entry: &Entry,
        parts: usize,
        state: FinalState,
        reason: Reason,
    ) -> Reason {
        let told_whole = entry.envelope.direction == Direction::Mo
            && state.is_success()
            && entry.peer.is_some_and(|peer| self.takes_whole(peer));
        match entry.mark.as_deref() {
            Some(mark) if told_whole && parts < usize::from(mark.place.total) => Reason::PartsMissing,
            Some(_) | None => reason,
        }
    }
}

fn bound_name(refusal: reassembly::Refusal) -> &'static str {
    match refusal {
        reassembly::Refusal::Groups { .. } => "messages",
        reassembly::Refusal::LinkGroups { .. } => "messages_of_link",
        reassembly::Refusal::Octets { .. } => "memory",
        _ => "place",
    }
}
