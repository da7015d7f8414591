//! Receipts of links: which message they mean, what they make of it, and those that come too early or late.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::effect::Reply;
use super::entry::{Held, Key, Phase, lane_key};
use super::event::{LinkReceipt, ReplyTo};
use super::note::{Note, Stray};
use super::{Bodies, Exchange};
use crate::address::Address;
use crate::backend::Table;
use crate::correlate::Match;
use crate::id::{LinkId, PeerId, ShardId};
use crate::message::{Body, ReceiptState};
use crate::outcome::{FinalState, Reason};
use crate::time::{Micros, Now};

/// What a receipt tells, as it is parked and stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parked {
    pub link: LinkId,
    pub remote_id: Bytes,
    pub device: Address,
    pub state: ReceiptState,
    pub error: u16,
    pub network_error: Option<(u8, u16)>,
    pub text: Bytes,
    /// When it was parked.
    pub since: Micros,
    /// Key of its row.
    pub row: [u8; 16],
}

/// The first octets of a message's text, as far as receipts repeat them (SMPP 3.4 appendix B: 20).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Opening(SmallVec<[u8; 20]>);

impl Opening {
    pub(super) fn of(body: &Body) -> Self {
        let Body::Content(content) = body else { return Self::default() };
        let header = match content.payload.first() {
            Some(&length) if content.esm_class & UDHI != 0 => 1 + usize::from(length),
            _ => 0,
        };
        let text = content.payload.get(header..).unwrap_or_default();
        Self(SmallVec::from_slice(&text[..text.len().min(20)]))
    }

    pub(super) fn of_held(held: &Held) -> Self {
        held.in_memory().map(|body| Self::of(&body)).unwrap_or_default()
    }

    /// True when a receipt with this text may be for the message. One without text says nothing.
    fn agrees(&self, text: &[u8]) -> bool {
        let length = text.len().min(self.0.len());
        length > 0 && text[..length] == self.0[..length]
    }
}

/// A message in doubt, as it can be found by its receipt.
#[derive(Clone, Debug)]
pub(super) struct Doubted {
    pub key: Key,
    pub opening: Opening,
}

/// The bit of esm_class that says that the payload begins with a header (SMPP 3.4 cl. 5.2.12).
const UDHI: u8 = 0x40;

impl Parked {
    fn shard(&self) -> ShardId {
        self.device.shard()
    }
}

impl Exchange {
    pub(super) fn link_receipt(&mut self, now: Now, receipt: LinkReceipt) {
        let to: ReplyTo = receipt.reply;
        let parked = Parked {
            link: receipt.link,
            remote_id: Bytes::copy_from_slice(&receipt.remote_id),
            device: receipt.device,
            state: receipt.state,
            error: receipt.error,
            network_error: receipt.network_error,
            text: Bytes::copy_from_slice(&receipt.text),
            since: now.wall,
            row: [0; 16],
        };
        self.judge_receipt(now, parked);
        self.reply(to, Reply::Inbound);
    }

    /// Finds the message and applies the receipt, or parks it.
    fn judge_receipt(&mut self, now: Now, receipt: Parked) {
        match self.correlator.find(receipt.link, &receipt.remote_id, &receipt.device) {
            Match::One(key) => self.apply_receipt(now, key, &receipt, Reason::Receipt),
            Match::Ambiguous(_) => self.stray(receipt.link, Stray::Ambiguous),
            Match::None => {
                if self.late_receipt(now, &receipt) {
                    return;
                }
                if let Some(key) = self.only_doubt(&receipt) {
                    self.leave_doubt(key);
                    if let Some(entry) = self.entries.get_mut(key) {
                        entry.progress.remote_id = receipt.remote_id.as_ref().into();
                        entry.progress.taken_at.get_or_insert(now.wall);
                    }
                    self.apply_receipt(now, key, &receipt, Reason::ReceiptByText);
                    return;
                }
                self.park(now, receipt);
            }
        }
    }

    /// The one message in doubt that the receipt means (decision 0009). Its id never came back, so link, device,
    /// the form of the id and the beginning of the text decide; a receipt without text could be early for another
    /// message or late for one that was forgotten. While another message to the device is out on the link it would
    /// be a guess: an origin that repeats what was not answered sends the same text.
    fn only_doubt(&self, receipt: &Parked) -> Option<Key> {
        let place = (receipt.link, lane_key(&receipt.device).0);
        let doubted = self.in_doubt.get(&place)?;
        if self.out.contains_key(&place) || !self.correlator.is_form_of(receipt.link, &receipt.remote_id) {
            return None;
        }
        let mut meant = doubted.iter().filter(|doubted| doubted.opening.agrees(&receipt.text));
        match (meant.next(), meant.next()) {
            (Some(doubted), None) => Some(doubted.key),
            (Some(_), Some(_)) | (None, _) => None,
        }
    }

    fn apply_receipt(&mut self, now: Now, key: Key, receipt: &Parked, reason: Reason) {
        let Some(outcome) = FinalState::of_receipt(receipt.state) else {
            self.intermediate(now, key, receipt);
            return;
        };
        let Some(entry) = self.entries.get_mut(key) else { return };
        if receipt.error != 0 {
            entry.progress.status = entry.progress.status.max(u32::from(receipt.error));
        }
        entry.progress.network_error = receipt.network_error;
        entry.progress.receipt_error = receipt.error;
        entry.progress.receipt_text = receipt.text.as_ref().into();
        self.finish(now, key, outcome, reason);
    }

    fn intermediate(&mut self, now: Now, key: Key, receipt: &Parked) {
        let members = self.joined.get(&key).into_iter().flatten();
        let envelopes: SmallVec<[_; 1]> = std::iter::once(&key)
            .chain(members)
            .filter_map(|key| self.entries.get(*key))
            .map(|entry| &entry.envelope)
            .filter(|envelope| envelope.receipt.wants_intermediate() && envelope.part.is_none())
            .cloned()
            .collect();
        for envelope in envelopes {
            self.receipt_to_origin(now, &envelope, receipt.state, receipt.error, None, Bytes::new());
        }
    }

    /// Keeps a receipt until the response to its message comes.
    fn park(&mut self, now: Now, mut receipt: Parked) {
        let link = receipt.link;
        let entropy = u128::from(self.random.next()) << 64 | u128::from(self.random.next());
        receipt.row = entropy.to_be_bytes();
        let value = postcard::to_stdvec(&receipt).expect("a vector takes any number of octets");
        self.put(receipt.shard(), Table::EarlyReceipt, receipt.row, value.into());
        self.stray(link, Stray::Early);
        self.park_again(receipt, now.mono);
    }

    pub(super) fn park_again(&mut self, receipt: Parked, since: crate::time::Mono) {
        let (link, id, device) = (receipt.link, receipt.remote_id.clone(), receipt.device.clone());
        if let Some(out) = self.early.park(link, &id, &device, receipt, since) {
            self.stray(out.receipt.link, Stray::NoRoom);
            self.delete(out.receipt.shard(), Table::EarlyReceipt, out.receipt.row);
        }
    }

    /// Takes the receipts that came before the response which has just named the message.
    pub(super) fn claim_early(&mut self, now: Now, key: Key, link: LinkId) {
        if self.early.is_empty() {
            return;
        }
        let Some(entry) = self.entries.get(key) else { return };
        let (remote_id, device) = (entry.remote_id(), entry.envelope.destination.clone());
        for parked in self.early.take(link, &remote_id, &device) {
            let receipt = parked.receipt;
            match self.correlator.find(link, &receipt.remote_id, &receipt.device) {
                Match::One(found) => {
                    self.delete(receipt.shard(), Table::EarlyReceipt, receipt.row);
                    self.apply_receipt(now, found, &receipt, Reason::Receipt);
                }
                Match::Ambiguous(_) | Match::None => {
                    let row = receipt.row;
                    let shard = receipt.shard();
                    // It is of the message that ended a moment ago, or of another one still to come.
                    if self.late_receipt(now, &receipt) {
                        self.delete(shard, Table::EarlyReceipt, row);
                    } else {
                        self.park_again(receipt, parked.since);
                    }
                }
            }
        }
    }

    pub(super) fn expire_early(&mut self, now: Now) {
        for parked in self.early.expire(now.mono) {
            let receipt = parked.receipt;
            self.stray(receipt.link, Stray::Unmatched);
            self.delete(receipt.shard(), Table::EarlyReceipt, receipt.row);
        }
    }

    /// A receipt for a message that has its outcome: the same again is nothing new, another one amends the CDR
    /// (rule 2). False when no ended message is known by it.
    fn late_receipt(&mut self, now: Now, receipt: &Parked) -> bool {
        let Some(outcome) = FinalState::of_receipt(receipt.state) else {
            return self.finished.knows(receipt.link, &receipt.remote_id, &receipt.device);
        };
        let Some(found) = self.finished.take(receipt.link, &receipt.remote_id, &receipt.device) else {
            return false;
        };
        if found.outcome() == outcome || found.amended {
            self.stray(receipt.link, Stray::Repeated);
            self.finished.keep(found);
            return true;
        }
        self.stray(receipt.link, Stray::Late);
        self.amend(now, found, outcome, receipt.network_error);
        true
    }

    pub(super) fn stray(&mut self, link: LinkId, why: Stray) {
        self.turn.notes.push(Note::ReceiptStray { link, why });
    }

    /// Reads the openings of messages in doubt whose bodies are in the store only.
    pub(super) fn read_openings(&mut self, bodies: &dyn Bodies) {
        for key in std::mem::take(&mut self.unread) {
            let Some(entry) = self.entries.get(key) else { continue };
            let Some(PeerId::Link(link)) = entry.peer else { continue };
            let place = (link, entry.lane_key().0);
            let Some(body) = self.body(entry, bodies) else { continue };
            let doubted = self.in_doubt.get_mut(&place).into_iter().flatten();
            for doubted in doubted.filter(|doubted| doubted.key == key) {
                doubted.opening = Opening::of(&body);
            }
        }
    }

    /// Ends the wait for an entry's receipt.
    pub(super) fn forget_expected(&mut self, key: Key) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let awaiting = matches!(entry.phase, Phase::AwaitingReceipt { .. });
        let peer = entry.peer;
        if let Some(expected) = entry.expected.take() {
            self.correlator.forget(expected);
        }
        if awaiting
            && let Some(id @ PeerId::Link(_)) = peer
            && let Some(peer) = self.peers.get_mut(&id)
        {
            peer.awaiting = peer.awaiting.saturating_sub(1);
        }
    }
}
