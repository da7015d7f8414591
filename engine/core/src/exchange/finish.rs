//! Ends: the one outcome, its CDR, the receipt for the origin, and a memory of it for late questions.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use signalbox_routing::AnswerSource;

use super::Exchange;
use super::entry::{Entry, Held, Key, Progress};
use super::note::Note;
use super::peer::RECEIPT_VALIDITY;
use crate::address::Address;
use crate::backend::Table;
use crate::cdr::{Cdr, CdrKind, Channel, SCHEMA};
use crate::correlate::{Correlator, Expected, Match};
use crate::id::{LinkId, MessageId, PeerId};
use crate::message::{
    Body, Direction, Envelope, Origin, OriginClass, ReceiptContent, ReceiptRequest, ReceiptState,
    TrafficClass, VisibleId,
};
use crate::outcome::{FinalState, Reason};
use crate::time::{Micros, Now};

/// How a message, or a part of one, ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ending {
    pub state: FinalState,
    pub reason: Reason,
    pub at: Micros,
    pub peer: Option<PeerId>,
    pub progress: Progress,
}

impl Ending {
    /// What two parts come to; `worse(a, b)` says whether a rules over b.
    pub(super) fn merge(self, other: Self, worse: impl Fn(FinalState, FinalState) -> bool) -> Self {
        let (mut ruling, lesser) = if worse(self.state, other.state) { (self, other) } else { (other, self) };
        let (ours, theirs) = (&mut ruling.progress, &lesser.progress);
        ours.attempts = ours.attempts.saturating_add(theirs.attempts);
        ours.doubt |= theirs.doubt;
        ours.possible_duplicate |= theirs.possible_duplicate;
        ours.first_sent_at = match (ours.first_sent_at, theirs.first_sent_at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        ours.taken_at = ours.taken_at.max(theirs.taken_at);
        if ruling.state == lesser.state && lesser.reason == Reason::ReceiptByText {
            ruling.reason = lesser.reason;
        }
        ruling.at = ruling.at.max(lesser.at);
        ruling
    }

    /// No instant before an earlier one: after the wall clock was set back they are the same.
    fn in_order(mut self, accepted_at: Micros) -> Self {
        let mut last = accepted_at;
        let Progress { first_sent_at, taken_at, .. } = &mut self.progress;
        for at in [first_sent_at.as_mut(), taken_at.as_mut(), Some(&mut self.at)].into_iter().flatten() {
            *at = last.max(*at);
            last = *at;
        }
        self
    }
}

impl Exchange {
    /// Ends an entry. Its rows go, its CDR comes, its origin is told, all in this turn.
    pub(super) fn finish(&mut self, now: Now, key: Key, state: FinalState, reason: Reason) {
        let members = self.joined.remove(&key).unwrap_or_default();
        let Some(entry) = self.take_out(key) else { return };
        let members: Vec<Box<Entry>> = members.into_iter().filter_map(|key| self.take_out(key)).collect();
        let reason = self.reason_of_whole(&entry, 1 + members.len(), state, reason);
        let Entry { mut envelope, data_coding, progress, peer, .. } = *entry;
        self.note_end(now, &envelope, peer, state, reason);
        if envelope.direction == Direction::Receipt {
            return;
        }
        let ending = Ending { state, reason, at: now.wall, peer, progress };
        if let Some(part) = envelope.part {
            self.end_part(now, part, ending);
            return;
        }
        let whole = match envelope.direction {
            Direction::Mo => members.len(),
            Direction::Mt | Direction::Receipt => 0,
        };
        if whole == 0 {
            let followed = (!members.is_empty()).then(|| ending.clone());
            self.conclude(now, envelope, data_coding, 1, ending);
            for (member, ending) in members.into_iter().zip(followed.into_iter().cycle()) {
                self.finish_member(now, *member, ending);
            }
            return;
        }
        for member in &members {
            envelope.octets = envelope.octets.saturating_add(member.envelope.octets);
            self.note_end(now, &member.envelope, peer, state, reason);
        }
        let parts = u8::try_from(1 + whole).unwrap_or(u8::MAX);
        self.conclude(now, envelope, data_coding, parts, ending);
    }

    /// Ends a part that left with another one: with an id of its own it has its own CDR and receipt. Late receipts of
    /// the link are of the one that left for it.
    fn finish_member(&mut self, now: Now, member: Entry, ending: Ending) {
        self.note_end(now, &member.envelope, ending.peer, ending.state, ending.reason);
        self.book(now, member.envelope, member.data_coding, 1, ending, false);
    }

    fn note_end(
        &mut self,
        now: Now,
        envelope: &Envelope,
        peer: Option<PeerId>,
        outcome: FinalState,
        reason: Reason,
    ) {
        let after = now.wall.since(envelope.id.accepted_at());
        let (direction, test) = (envelope.direction, envelope.origin_class == OriginClass::Test);
        self.turn.notes.push(Note::Ended { direction, peer, outcome, reason, after, test });
    }

    /// Takes an entry from wherever it is, with its rows.
    pub(super) fn take_out(&mut self, key: Key) -> Option<Box<Entry>> {
        self.unqueue(key);
        self.leave_doubt(key);
        self.forget_expected(key);
        self.joined.remove(&key);
        let entry = self.entries.remove(key)?;
        let id = entry.envelope.id;
        self.by_id.remove(&id);
        self.hot_octets -= u64::from(entry.hot_octets);
        if !entry.fresh {
            self.delete(id.shard(), Table::Message, id.to_bytes());
        }
        if entry.state_stored {
            self.delete(id.shard(), Table::State, id.to_bytes());
        }
        if entry.envelope.direction != Direction::Receipt
            && let Some(account) = entry.envelope.origin.account()
            && let Some(open) = self.open_by_account.get_mut(&account)
        {
            *open = open.saturating_sub(1);
        }
        Some(entry)
    }

    fn end_part(&mut self, now: Now, part: crate::message::Part, ending: Ending) {
        let Some(mut group) = self.groups.remove(&part.whole) else { return };
        if group.end_part(part.number, ending) {
            self.delete(part.whole.shard(), Table::Group, part.whole.to_bytes());
            if let Some(worst) = group.worst.take() {
                self.conclude(now, group.envelope, group.data_coding, group.total, worst);
            }
            return;
        }
        self.put_group(&group);
        self.groups.insert(part.whole, group);
    }

    /// Books the outcome of a whole message.
    pub(super) fn conclude(
        &mut self,
        now: Now,
        envelope: Envelope,
        data_coding: u8,
        parts: u8,
        ending: Ending,
    ) {
        self.book(now, envelope, data_coding, parts, ending, true);
    }

    /// The same; with `named` late receipts find it by the id that the link gave.
    fn book(
        &mut self,
        now: Now,
        envelope: Envelope,
        data_coding: u8,
        parts: u8,
        ending: Ending,
        named: bool,
    ) {
        let mut ending = ending.in_order(envelope.id.accepted_at());
        let cdr = cdr(&envelope, data_coding, parts, &ending, CdrKind::Final);
        self.turn.commit.cdrs.push(cdr.encode());
        self.touched_shards.insert(envelope.id.shard());
        self.tell_origin(now, &envelope, &ending);
        self.tell_own(&envelope, ending.state, ending.reason);
        if envelope.direction == Direction::Mt {
            if !named {
                ending.progress.remote_id.clear();
            }
            let done = Done { envelope, data_coding, parts, ending, expected: None, amended: false };
            if let Some(oldest) = self.finished.push(done) {
                self.forget_name(&oldest.envelope);
            }
        }
    }

    /// Forgets the messages that ended long enough ago.
    pub(super) fn expire_finished(&mut self, now: Now) {
        let span = self.policy.limits.finished_for;
        while let Some(oldest) = self.finished.take_oldest(|at| at.after(span) <= now.wall) {
            self.forget_name(&oldest.envelope);
        }
    }

    /// Makes the receipt for the outcome, if the origin wants it.
    pub(super) fn tell_origin(&mut self, now: Now, envelope: &Envelope, ending: &Ending) {
        if envelope.direction == Direction::Mt && envelope.receipt.wants(ending.state) {
            let text = Bytes::copy_from_slice(&ending.progress.receipt_text);
            let error = error_code(ending);
            let network = ending.progress.network_error;
            self.receipt_to_origin(now, envelope, ending.state.receipt_state(), error, network, text);
        }
    }

    /// Makes a receipt for the origin of a message and sends it on its way.
    pub(super) fn receipt_to_origin(
        &mut self,
        now: Now,
        message: &Envelope,
        state: ReceiptState,
        error: u16,
        network_error: Option<(u8, u16)>,
        text: Bytes,
    ) {
        let Some(peer) = Self::origin_peer(message.origin) else { return };
        let Some(account) = message.origin.account() else { return };
        let content = ReceiptContent {
            message_id: message.visible_id.text(message.id),
            message: message.id,
            state,
            submitted_at: message.id.accepted_at(),
            done_at: now.wall.max(message.id.accepted_at()),
            error,
            network_error,
            text,
        };
        let id = self.new_id(now, message.id.shard());
        let envelope = Envelope {
            id,
            direction: Direction::Receipt,
            origin: Origin::Exchange(account),
            origin_class: OriginClass::Receipt,
            class: TrafficClass::Reply,
            source: message.destination.clone(),
            destination: message.source.clone(),
            not_before: None,
            expires_at: self.worth_until(now, peer, now.wall.after(RECEIPT_VALIDITY)),
            receipt: ReceiptRequest::NONE,
            visible_id: VisibleId::Long,
            part: None,
            octets: 0,
        };
        let mut entry = Entry::new(envelope, Held::hot(Body::Receipt(content)), 0);
        entry.peer = Some(peer);
        let key = self.add(Box::new(entry), None);
        self.enqueue(now, key);
    }

    /// Adds to the books what became known after the outcome.
    pub(super) fn amend(
        &mut self,
        now: Now,
        mut done: Done,
        outcome: FinalState,
        network_error: Option<(u8, u16)>,
    ) {
        let mut ending = done.ending.clone();
        ending.state = outcome;
        ending.reason = Reason::Receipt;
        ending.at = ending.at.max(now.wall);
        ending.progress.network_error = network_error;
        let cdr = cdr(&done.envelope, done.data_coding, done.parts, &ending, CdrKind::Amendment);
        self.turn.commit.cdrs.push(cdr.encode());
        self.touched_shards.insert(done.envelope.id.shard());
        done.amended = true;
        self.finished.keep(done);
    }
}

/// Error code for the receipt's text: the link's own where it gave one, else one of ours by outcome.
fn error_code(ending: &Ending) -> u16 {
    if ending.progress.receipt_error != 0 {
        return ending.progress.receipt_error;
    }
    match ending.state {
        FinalState::Delivered | FinalState::Accepted => 0,
        FinalState::Failed | FinalState::Rejected => {
            u16::try_from(ending.progress.status).unwrap_or(999).clamp(1, 999)
        }
        FinalState::Expired => 900,
        FinalState::Cancelled => 901,
        FinalState::Replaced => 902,
        FinalState::Unknown => 903,
        FinalState::Filtered => 904,
    }
}

/// How a peer is written in CDRs: kind and number.
pub(super) fn peer_text(peer: PeerId) -> String {
    match peer {
        PeerId::Link(link) => format!("link:{}", link.0),
        PeerId::Account(account) => format!("account:{}", account.0),
        PeerId::Webhook(webhook) => format!("webhook:{}", webhook.0),
        PeerId::Dialog => "dialog".to_owned(),
    }
}

fn cdr(envelope: &Envelope, data_coding: u8, parts: u8, ending: &Ending, kind: CdrKind) -> Cdr {
    let progress = &ending.progress;
    Cdr {
        schema: SCHEMA,
        kind,
        channel: Channel::Sms,
        message: envelope.id,
        attempt: progress.attempts,
        visible_id: envelope.visible_id.text(envelope.id),
        direction: envelope.direction,
        origin_class: envelope.origin_class,
        class: envelope.class,
        account: envelope.origin.account().map(|account| account.0),
        origin_link: match envelope.origin {
            Origin::Link(link) => Some(link.0),
            Origin::Smpp(_) | Origin::Http(..) | Origin::Exchange(_) => None,
        },
        peer: ending.peer.map(peer_text),
        source: envelope.source.to_text(),
        source_ton_npi: (envelope.source.ton, envelope.source.npi),
        destination: envelope.destination.to_text(),
        destination_ton_npi: (envelope.destination.ton, envelope.destination.npi),
        carrier: progress.decided.carrier.map(|carrier| carrier.0),
        part: None,
        parts,
        data_coding,
        octets: envelope.octets,
        accepted_at: envelope.id.accepted_at(),
        first_sent_at: progress.first_sent_at,
        taken_at: progress.taken_at,
        final_at: ending.at,
        outcome: ending.state,
        reason: ending.reason,
        status: progress.status,
        network_error: progress.network_error,
        remote_id: String::from_utf8_lossy(&progress.remote_id).into_owned(),
        doubt: progress.doubt,
        possible_duplicate: progress.possible_duplicate,
        rule: progress.decided.rule.as_ref().map(Arc::to_string).unwrap_or_default(),
        rule_version: progress.decided.version,
        lookup: match progress.decided.lookup {
            AnswerSource::Unknown => String::new(),
            source => source.as_str().to_owned(),
        },
        charge: None,
        voice: None,
    }
}

/// A message that has ended.
#[derive(Debug)]
pub(super) struct Done {
    pub envelope: Envelope,
    pub data_coding: u8,
    pub parts: u8,
    pub ending: Ending,
    expected: Option<Expected>,
    pub amended: bool,
}

impl Done {
    pub(super) fn outcome(&self) -> FinalState {
        self.ending.state
    }
}

/// The last messages that ended, bounded; for query_sm, repeated and late receipts.
pub(super) struct Finished {
    ring: VecDeque<Option<Box<Done>>>,
    first: u64,
    capacity: usize,
    by_id: FxHashMap<MessageId, u64>,
    correlator: Correlator<u64>,
}

impl Finished {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            ring: VecDeque::new(),
            first: 0,
            capacity: capacity.max(1),
            by_id: FxHashMap::default(),
            correlator: Correlator::new(),
        }
    }

    /// Remembers a message, and gives back the one that there was no more room for.
    pub(super) fn push(&mut self, mut done: Done) -> Option<Box<Done>> {
        let oldest = if self.ring.len() >= self.capacity { self.drop_oldest() } else { None };
        let place = self.first + self.ring.len() as u64;
        if let Some(PeerId::Link(link)) = done.ending.peer {
            let remote_id = &done.ending.progress.remote_id;
            done.expected = self.correlator.expect(link, remote_id, &done.envelope.destination, place);
        }
        self.by_id.insert(done.envelope.id, place);
        self.ring.push_back(Some(Box::new(done)));
        oldest
    }

    fn drop_oldest(&mut self) -> Option<Box<Done>> {
        let oldest = self.ring.pop_front()?;
        self.first += 1;
        let oldest = oldest?;
        self.by_id.remove(&oldest.envelope.id);
        if let Some(expected) = oldest.expected {
            self.correlator.forget(expected);
        }
        Some(oldest)
    }

    /// Takes the oldest out when `over` says so of its end.
    pub(super) fn take_oldest(&mut self, over: impl Fn(Micros) -> bool) -> Option<Box<Done>> {
        let oldest = self.ring.front()?.as_ref()?;
        if !over(oldest.ending.at) {
            return None;
        }
        self.drop_oldest()
    }

    pub(super) fn get(&self, id: MessageId) -> Option<&Done> {
        let place = self.by_id.get(&id)?;
        self.ring.get((place - self.first) as usize)?.as_deref()
    }

    /// True when a message that has ended is known by this id.
    pub(super) fn knows(&mut self, link: LinkId, remote_id: &[u8], device: &Address) -> bool {
        !matches!(self.correlator.find(link, remote_id, device), Match::None)
    }

    /// Takes the one ended message of this id out, to look at it and [`keep`](Self::keep) it again.
    pub(super) fn take(&mut self, link: LinkId, remote_id: &[u8], device: &Address) -> Option<Done> {
        let Match::One(place) = self.correlator.find(link, remote_id, device) else { return None };
        let done = self.ring.get_mut((place.checked_sub(self.first)?) as usize)?.take()?;
        Some(*done)
    }

    pub(super) fn keep(&mut self, done: Done) {
        let Some(place) = self.by_id.get(&done.envelope.id) else { return };
        let index = (place - self.first) as usize;
        if let Some(slot) = self.ring.get_mut(index) {
            *slot = Some(Box::new(done));
        }
    }
}
