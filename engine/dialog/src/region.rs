//! The exchange and the dialog server as one: they share every commit.

use bytes::Bytes;
use signalbox_consent as consent;
use signalbox_core::address::Address;
use signalbox_core::backend::{Row, Table};
use signalbox_core::consent::{By, ConsentChange, Ground, Who};
use signalbox_core::exchange::{Bodies, Event as Happens, Exchange, OwnText, Turn};
use signalbox_core::id::{CarrierId, MessageId, ShardId};
use signalbox_core::inbound::{DeviceMessage, Joined, JoinedPart, Words};
use signalbox_core::scope::Scope;
use signalbox_core::time::{Mono, Now};
use signalbox_invocation::{Channel, Level};

use crate::dialog::{Dialog, Wants};
use crate::event::{Event, Mo};
use crate::port::{Consent, NotTaken, Port, Rows};
use crate::route::Message;
use crate::run::RunId;

/// Rounds in which what one wants leads to work of the other, within one turn.
const ROUNDS: usize = 3;

/// The exchange and the dialog server, each commit shared.
pub struct Region {
    /// The exchange.
    pub exchange: Exchange,
    /// The dialog server.
    pub dialog: Dialog,
    wants: Wants,
}

/// What of the store both read.
pub trait Stored: Bodies + Rows {}

impl<T: Bodies + Rows> Stored for T {}

impl Region {
    /// Both, as they were made or restored.
    #[must_use]
    pub fn new(exchange: Exchange, dialog: Dialog) -> Self {
        Self { exchange, dialog, wants: Wants::default() }
    }

    /// Takes a row of the dialog server, in the order in which the store shows them.
    pub fn restore_row(&mut self, row: &Row) {
        match row.table {
            Table::Start => self.dialog.restore_start(&row.value),
            Table::Record => self.dialog.restore_record(&row.value),
            Table::Desk => self.dialog.restore_work(&row.value),
            Table::Suppression
            | Table::Message
            | Table::State
            | Table::Group
            | Table::Seen
            | Table::EarlyReceipt
            | Table::Inbox
            | Table::Request
            | Table::Conversation
            | Table::Device
            | Table::Timer
            | Table::Consent => {}
        }
    }

    /// Puts what was under way on its way again. To be called once, when everything is restored.
    pub fn resume(&mut self, now: Now, rows: &dyn Rows) {
        self.dialog.resume(now, rows, &mut Through(&mut self.exchange));
    }

    /// Takes an event of the exchange. What a device writes while too many of its messages wait is refused for the time
    /// being, before it is accepted (rule 6).
    ///
    /// What a tester writes is taken as a test, so that nothing counts it (MQ-10).
    pub fn take(&mut self, now: Now, event: Happens, rows: &dyn Rows) {
        let busy = match &event {
            Happens::Inbound(inbound) => {
                (!self.dialog.has_room(&inbound.source, &inbound.destination)).then_some(inbound.reply)
            }
            Happens::Submit(submit) => {
                let full = |to: &Address| !self.dialog.has_room(&submit.source, to);
                submit.destinations.iter().any(full).then_some(submit.reply)
            }
            _ => None,
        };
        if let Some(reply) = busy {
            return self.exchange.refuse_busy(reply);
        }
        if self.is_test(now, &event, rows) {
            return self.exchange.handle_test(now, event);
        }
        self.exchange.handle(now, event);
    }

    /// Whether an event is a message of a tester to what he tests.
    fn is_test(&self, now: Now, event: &Happens, rows: &dyn Rows) -> bool {
        let (device, to, link, content) = match event {
            Happens::Inbound(inbound) => {
                (&inbound.source, Some(&inbound.destination), Some(inbound.link), Some(&inbound.content))
            }
            Happens::Submit(submit) => match submit.destinations.as_slice() {
                [only] => (&submit.source, Some(only), None, submit.parts.first()),
                _ => return false,
            },
            _ => return false,
        };
        if !self.dialog.rules().testers.knows(device.key()) {
            return false;
        }
        let (Some(to), Some(content)) = (to, content) else { return false };
        let part = JoinedPart { number: 1, accepted_at: now.wall, content: content.clone() };
        let text = Joined { total: 1, parts: vec![part] }.text().unwrap_or_default();
        let carrier = self.exchange.carrier_of_device(device, now);
        let message = Message { device, to, text: &text, link, carrier };
        self.dialog.would_test(&message, rows, now.wall)
    }

    /// Takes an event of the dialog server.
    pub fn handle(&mut self, now: Now, event: Event, rows: &dyn Rows) {
        self.dialog.handle(now, event, rows, &mut Through(&mut self.exchange));
    }

    /// When [`settle`](Self::settle) has something to do even if nothing happens before.
    #[must_use]
    pub fn next_due(&self, now: Now) -> Option<Mono> {
        [self.exchange.next_due(), Some(self.dialog.next_due(now))].into_iter().flatten().min()
    }

    /// Lets time and credit act on both, and closes the turn if somebody waits for its commit, or with `at_once` in any
    /// case. What devices wrote is handled in the turn that accepts it, and texts that are wanted may leave in the turn
    /// that wants them.
    pub fn settle(&mut self, now: Now, stored: &impl Stored, at_once: bool) -> Option<(Turn, Wants)> {
        self.exchange.step(now, stored);
        self.dialog.advance(now, stored, &mut Through(&mut self.exchange));
        for _ in 0..ROUNDS {
            let worked = self.hand_over(now, stored);
            let wants = self.dialog.flush(now, &mut Through(&mut self.exchange));
            let wanted = !wants.effects.is_empty();
            self.wants.effects.extend(wants.effects);
            self.wants.notes.extend(wants.notes);
            self.wants.loads.extend(wants.loads);
            if !worked && !wanted {
                break;
            }
            self.exchange.step(now, stored);
        }
        let awaited = at_once || !self.wants.effects.is_empty();
        let turn = self.exchange.close_if_awaited(now, awaited)?;
        Some((turn, std::mem::take(&mut self.wants)))
    }

    /// Gives the dialog server what devices wrote, and the ends of its texts.
    fn hand_over(&mut self, now: Now, rows: &dyn Rows) -> bool {
        let mut worked = false;
        for released in self.exchange.take_handed() {
            worked = true;
            if let Some(mo) = DeviceMessage::of(&released).map(mo_of) {
                self.handle(now, Event::Mo(Box::new(mo)), rows);
            }
            self.exchange.confirm(now, &released);
        }
        for end in self.exchange.take_ended() {
            worked = true;
            let event = Event::Ended {
                conversation: end.scope.conversation,
                message: end.message,
                group: RunId(end.scope.group),
                outcome: end.outcome,
                reason: end.reason,
            };
            self.handle(now, event, rows);
        }
        for moved in self.exchange.take_moves() {
            let event = Event::Moved { group: RunId(moved.group), step: moved.step };
            self.handle(now, event, rows);
        }
        worked
    }
}

fn mo_of(message: DeviceMessage) -> Mo {
    let text = match message.words {
        Words::Text { text, .. } => text,
        // Octets are no words; they are a message all the same.
        Words::Data(_) => String::new(),
    };
    Mo {
        id: message.id,
        device: message.source,
        source: message.destination,
        text,
        link: message.link,
        carrier: message.carrier,
    }
}

/// A change as the exchange keeps it; `None` of a device that is neither a number nor an e-mail address: nothing is
/// ever sent there of our own accord.
fn change_of(change: Consent) -> Option<ConsentChange> {
    let who = match change.client_id {
        Some(id) => Who::Client(id.into()),
        None => Who::device(&change.device)?,
    };
    let level = match change.level {
        Level::Campaign => consent::Level::Campaign(consent::CampaignId(change.of)),
        Level::Account => consent::Level::Account(consent::AccountId(change.of)),
        Level::Enterprise => consent::Level::Enterprise(consent::EnterpriseId(change.of)),
    };
    let channel = |channel| match channel {
        Channel::Text => consent::Channel::Text,
        Channel::Voice => consent::Channel::Voice,
        Channel::Email => consent::Channel::Email,
    };
    let channels = change.channels.into_iter().map(channel).collect();
    let (extent, opt_in) = (consent::Extent::All, change.opt_in);
    let ground = Ground {
        account: change.account,
        evidence: change.evidence,
        by: By::named(change.by).unwrap_or(By::Script),
        reason: Box::default(),
    };
    Some(ConsentChange { level, who, channels, extent, opt_in, ground })
}

/// The exchange as the dialog server uses it.
struct Through<'a>(&'a mut Exchange);

impl Port for Through<'_> {
    fn put(&mut self, shard: ShardId, table: Table, key: [u8; 16], value: Bytes) {
        self.0.put_row(shard, table, key, value);
    }

    fn delete(&mut self, shard: ShardId, table: Table, key: [u8; 16]) {
        self.0.delete_row(shard, table, key);
    }

    fn send(&mut self, now: Now, text: OwnText) -> Result<MessageId, NotTaken> {
        let refused = |refusal: signalbox_core::exchange::Refusal| NotTaken {
            reason: refusal.name(),
            temporary: refusal.is_temporary(),
        };
        self.0.send_own(now, text).map_err(refused)
    }

    fn take_back(&mut self, now: Now, most: usize, wanted: &dyn Fn(&Scope) -> bool) -> Vec<MessageId> {
        self.0.take_back_own(now, most, wanted)
    }

    fn mark_test(&mut self, message: MessageId, test: bool) {
        self.0.mark_test(message, test);
    }

    fn consent(&mut self, now: Now, change: Consent) {
        if let Some(change) = change_of(change) {
            self.0.change_consent(now, change);
        }
    }

    fn carrier(&self, device: &Address, now: Now) -> Option<CarrierId> {
        self.0.carrier_of_device(device, now)
    }

    fn new_id(&mut self, now: Now, shard: ShardId) -> MessageId {
        self.0.next_id(now, shard)
    }

    fn random(&mut self) -> u64 {
        self.0.random()
    }
}
