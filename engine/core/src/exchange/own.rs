//! The exchange and the dialog server: they share each commit. What devices write to source addresses is handed over
//! in the turn that accepts it; texts of our own come in the turn that wants them, and their ends are told.

use bytes::Bytes;

use super::effect::{Refusal, Reply};
use super::entry::{Entry, Key};
use super::event::{Answer, Event, ReplyTo};
use super::intake::Offer;
use super::note::Note;
use super::route::Way;
use super::{Bodies, Exchange, Turn};
use crate::address::Address;
use crate::backend::Table;
use crate::gate::Released;
use crate::id::{AccountId, CarrierId, MessageId, PeerId, SessionId, ShardId};
use crate::message::{Direction, Envelope, Origin, OriginClass, ReceiptRequest, TrafficClass};
use crate::outcome::{FinalState, Reason};
use crate::scope::{Purpose, Scope};
use crate::text::{Writing, write};
use crate::time::Now;

/// Messages that may be with the dialog server unanswered: it answers within the turn.
const WINDOW: u32 = u32::MAX;

/// A text of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnText {
    /// From.
    pub source: Address,
    /// To.
    pub destination: Address,
    /// The text.
    pub text: String,
    /// For whom and for what.
    pub scope: Scope,
}

/// How a text of our own ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnEnd {
    /// The text.
    pub message: MessageId,
    /// For whom and for what it was.
    pub scope: Scope,
    /// How.
    pub outcome: FinalState,
    /// Why.
    pub reason: Reason,
}

/// How far a first text of our own has come, where that is not its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnStep {
    /// The send gate has it wait.
    Deferred,
    /// A peer has taken it.
    Taken,
}

/// A first text of our own that moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnMove {
    /// The attempt group that it is one of.
    pub group: MessageId,
    /// How far.
    pub step: OwnStep,
}

impl Exchange {
    /// Takes a text of our own. It passes the send gate when it is released, like any other.
    ///
    /// # Errors
    /// When there is no room, the account is not active, or nothing routes it.
    pub fn send_own(&mut self, now: Now, own: OwnText) -> Result<MessageId, Refusal> {
        self.check_room()?;
        let account = AccountId(own.scope.account);
        let policy = self.policy.accounts.get(&account).ok_or(Refusal::AccountInactive)?;
        if !policy.active {
            return Err(Refusal::AccountInactive);
        }
        let held = self.open_by_account.get(&account).copied().unwrap_or(0);
        if held >= policy.queue_max {
            return Err(Refusal::AccountQueueFull { held });
        }
        let expires_at = now.wall.after(policy.default_validity);
        match own.scope.purpose {
            // What a device is owed is counted and not refused.
            Purpose::OptOutConfirmation | Purpose::Help => {}
            Purpose::Begin | Purpose::Answer | Purpose::OptIn | Purpose::Agent if own.scope.test => {}
            Purpose::Begin | Purpose::Answer | Purpose::OptIn | Purpose::Agent => {
                self.check_quota(now, account)?;
            }
        }
        let reference = self.random.next() as u16;
        // What runs want was checked: UCS-2 has every text, and no text of theirs needs 256 parts.
        let parts = write(&own.text, Writing::default(), reference).map_err(|_| Refusal::Internal)?.parts;
        let id = self.new_id(now, own.destination.shard());
        let class = match own.scope.purpose {
            Purpose::Begin => TrafficClass::Bulk,
            Purpose::Answer
            | Purpose::OptOutConfirmation
            | Purpose::Help
            | Purpose::OptIn
            | Purpose::Agent => TrafficClass::Reply,
        };
        let offer = Offer {
            id: Some(id),
            direction: Direction::Mt,
            origin: Origin::Exchange(account),
            origin_class: if own.scope.test { OriginClass::Test } else { OriginClass::Conversation },
            class,
            source: own.source,
            destination: own.destination,
            not_before: None,
            expires_at,
            receipt: ReceiptRequest::FINAL,
            first_part: true,
            in_parts: None,
        };
        self.scopes.insert(id, Box::new(own.scope));
        let accepted = self.accept(now, offer, &parts, None, false);
        if accepted.is_err() {
            self.scopes.remove(&id);
        }
        accepted.map(|(id, _)| id)
    }

    /// Lets time and credit act without closing the turn: what devices wrote may be taken afterwards.
    pub fn step(&mut self, now: Now, bodies: &dyn Bodies) {
        self.advance(now, bodies);
    }

    /// Closes the turn if somebody waits for its commit, or in any case with `at_once`; as
    /// [`settle_if_awaited`](Self::settle_if_awaited) after a [`step`](Self::step).
    pub fn close_if_awaited(&mut self, now: Now, at_once: bool) -> Option<Turn> {
        if at_once || self.is_awaited(now) { Some(self.close()) } else { None }
    }

    /// Refuses what a device wrote before it is accepted: the dialog server has no room for it now.
    pub fn refuse_busy(&mut self, reply: ReplyTo) {
        let refusal = Refusal::DeviceBusy;
        self.turn.notes.push(Note::Refused { why: refusal.name(), account: None });
        self.reply(reply, Reply::Refused(refusal));
    }

    /// What devices wrote to source addresses since the last time; each is to be [confirmed](Self::confirm).
    pub fn take_handed(&mut self) -> Vec<Released> {
        std::mem::take(&mut self.handed)
    }

    /// The dialog server has what was handed to it; its end is part of this turn.
    pub fn confirm(&mut self, now: Now, released: &Released) {
        self.answered(now, released.permit(), Answer::Taken { remote_id: Bytes::new() });
    }

    /// Takes an event that is a message of a tester to what he tests: it is counted nowhere (MQ-10).
    pub fn handle_test(&mut self, now: Now, event: Event) {
        self.takes_test = true;
        self.handle(now, event);
        self.takes_test = false;
    }

    /// The origin class of what is being taken.
    pub(super) fn class_of_taken(&self, class: OriginClass) -> OriginClass {
        if self.takes_test { OriginClass::Test } else { class }
    }

    /// Says whether a message of a device that was handed over is a test, with all its parts: its CDRs say so.
    pub fn mark_test(&mut self, message: MessageId, test: bool) {
        let class = if test { OriginClass::Test } else { OriginClass::User };
        let Some(lead) = self.by_id.get(&message).copied() else { return };
        let members = self.joined.get(&lead).cloned().unwrap_or_default();
        for key in std::iter::once(lead).chain(members) {
            if let Some(entry) = self.entries.get_mut(key) {
                entry.envelope.origin_class = class;
            }
        }
    }

    /// Texts of our own that ended since the last time.
    pub fn take_ended(&mut self) -> Vec<OwnEnd> {
        std::mem::take(&mut self.own_ends)
    }

    /// First texts of our own that moved on since the last time.
    pub fn take_moves(&mut self) -> Vec<OwnMove> {
        std::mem::take(&mut self.own_moves)
    }

    /// Takes back first texts of our own of which nothing has left, at most `most` of them: they end as cancelled. Gives
    /// the attempt group of each. A text of several parts goes on as soon as one part of it has been tried: half a text
    /// is no use to anybody.
    pub fn take_back_own(
        &mut self,
        now: Now,
        most: usize,
        wanted: impl Fn(&Scope) -> bool,
    ) -> Vec<MessageId> {
        let first = |scope: &Scope| scope.purpose == Purpose::Begin && wanted(scope);
        let mut found: Vec<(MessageId, MessageId)> = self
            .scopes
            .iter()
            .filter(|(id, scope)| first(scope) && self.may_be_taken_back(**id))
            .map(|(id, scope)| (*id, scope.group))
            .collect();
        // Which ones are taken first must not depend on how a map is laid out.
        found.sort_unstable();
        found.truncate(most);
        let mut taken = Vec::with_capacity(found.len());
        for (id, group) in found {
            for key in self.open_of(id) {
                self.leave_parts(now, key);
                self.finish(now, key, FinalState::Cancelled, Reason::CancelledByOrigin);
            }
            taken.push(group);
        }
        taken
    }

    /// True while no part of a text has been tried.
    fn may_be_taken_back(&self, id: MessageId) -> bool {
        let keys = self.open_of(id);
        let tried = self.groups.get(&id).and_then(|group| group.worst.as_ref());
        let waits = |key: &Key| self.entries.get(self.lead_of(*key)).is_some_and(Entry::may_be_withdrawn);
        tried.is_none_or(|worst| worst.progress.attempts == 0) && !keys.is_empty() && keys.iter().all(waits)
    }

    /// Writes a row of the dialog server with this turn.
    pub fn put_row(&mut self, shard: ShardId, table: Table, key: [u8; 16], value: Bytes) {
        self.put(shard, table, key, value);
    }

    /// Removes a row of the dialog server with this turn.
    pub fn delete_row(&mut self, shard: ShardId, table: Table, key: [u8; 16]) {
        self.delete(shard, table, key);
    }

    /// The carrier of a device as far as it is known without asking outside.
    #[must_use]
    pub fn carrier_of_device(&self, device: &Address, now: Now) -> Option<CarrierId> {
        self.number_answer(device, now).carrier
    }

    /// A new id: ids of one exchange rise.
    pub fn next_id(&mut self, now: Now, shard: ShardId) -> MessageId {
        self.new_id(now, shard)
    }

    /// A random number.
    pub fn random(&mut self) -> u64 {
        self.random.next()
    }

    /// The way of a text of our own: the rules choose among the links of its source address (SRC-03); where they name
    /// none of those, or nothing, it is the first one that can take it. What goes to a peer that binds to us, or is
    /// refused by a rule, is theirs to say.
    pub(super) fn way_of_own(&self, id: MessageId, by_rules: Way) -> Way {
        let links = || {
            let scope = self.scopes.get(&id.whole())?;
            let links = self.policy.dialog.as_ref()?.links.get(&scope.address)?;
            (!links.is_empty()).then_some(links)
        };
        let Some(links) = links() else { return by_rules };
        match by_rules {
            Way::Peer(PeerId::Link(link)) if links.contains(&link) => by_rules,
            Way::Peer(PeerId::Account(_) | PeerId::Webhook(_) | PeerId::Dialog)
            | Way::Nowhere(Refusal::RouteRejects { .. }, _) => by_rules,
            Way::Peer(PeerId::Link(_)) | Way::Later | Way::Nowhere(..) => {
                let peers = || links.iter().map(|link| PeerId::Link(*link));
                let first = peers().find(|peer| self.usable(*peer));
                first.or_else(|| peers().find(|peer| self.switched_on(*peer))).map_or(Way::Later, Way::Peer)
            }
        }
    }

    /// Keeps the dialog server's session up while the policy has one.
    pub(super) fn configure_dialog(&mut self, now: Now) {
        if self.policy.dialog.is_some() {
            self.session_up(now, PeerId::Dialog, SessionId::DIALOG, WINDOW);
        }
    }

    /// Notes that a message moved on if it is a first text of our own: who sends many asks how many wait (MT-02).
    pub(super) fn moved(&mut self, key: Key, step: OwnStep) {
        let Some(id) = self.entries.get(key).map(|entry| entry.envelope.id) else { return };
        let Some(scope) = self.scopes.get(&id.whole()).filter(|scope| scope.purpose == Purpose::Begin) else {
            return;
        };
        self.own_moves.push(OwnMove { group: scope.group, step });
    }

    /// Notes the end of a message if it is one of our own.
    pub(super) fn tell_own(&mut self, envelope: &Envelope, outcome: FinalState, reason: Reason) {
        if let Some(scope) = self.scopes.remove(&envelope.id) {
            self.own_ends.push(OwnEnd { message: envelope.id, scope: *scope, outcome, reason });
        }
    }
}
