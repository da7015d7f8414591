//! Conversations and devices that are in memory: the hot ones, and those that this turn changed.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use signalbox_core::address::Address;
use signalbox_core::backend::Table;
use signalbox_core::id::ShardId;
use signalbox_core::time::Mono;

use super::Here;
use crate::conversation::Conversation;
use crate::device::Device;
use crate::event::Note;
use crate::port::{Port, Rows};
use crate::rules::Limits;
use signalbox_core::scope::ConversationId;

/// Entries looked at in one turn to find what has grown cold.
const SLICE: usize = 64;

#[derive(Debug)]
struct Hot {
    conversation: Box<Conversation>,
    used: Mono,
    changed: bool,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Memory {
    hot: FxHashMap<ConversationId, Hot>,
    /// Those in memory, those that came first in front; each is in it once.
    order: VecDeque<ConversationId>,
    changed: Vec<ConversationId>,
    devices: FxHashMap<(ShardId, [u8; 16]), (Device, bool)>,
}

impl Memory {
    pub(super) fn len(&self) -> usize {
        self.hot.len()
    }

    /// Messages that wait in a conversation, as far as it is in memory: with a run under way it is.
    pub(super) fn waiting(&self, device: &Address, source: &Address) -> usize {
        // Transit alone: nothing is to be looked for.
        if self.hot.is_empty() {
            return 0;
        }
        self.hot.get(&ConversationId::of(device, source)).map_or(0, |hot| hot.conversation.waiting.len())
    }

    /// Takes a conversation out to change it; [`put`](Self::put) gives it back.
    pub(super) fn take(
        &mut self,
        id: ConversationId,
        rows: &dyn Rows,
        damaged: &mut Vec<Note>,
    ) -> Option<Box<Conversation>> {
        if let Some(hot) = self.hot.get_mut(&id) {
            // What stands here meanwhile is never seen: a turn has one conversation in its hand at a time.
            let empty = Conversation::new(Address::default(), Address::default());
            return Some(std::mem::replace(&mut hot.conversation, Box::new(empty)));
        }
        let row = rows.get(id.shard, Table::Conversation, &id.key)?;
        match Conversation::decode(&row) {
            Ok(conversation) => Some(Box::new(conversation)),
            Err(error) => {
                damaged.push(Note::RowDamaged { why: format!("conversation: {error}") });
                None
            }
        }
    }

    /// Looks at a conversation without taking it.
    pub(super) fn peek<T>(
        &self,
        id: ConversationId,
        rows: &dyn Rows,
        look: impl FnOnce(&Conversation) -> T,
    ) -> Option<T> {
        if let Some(hot) = self.hot.get(&id) {
            return Some(look(&hot.conversation));
        }
        let row = rows.get(id.shard, Table::Conversation, &id.key)?;
        // That it is damaged is told when it is taken.
        Conversation::decode(&row).ok().map(|conversation| look(&conversation))
    }

    /// Conversations with texts that the exchange has not taken yet. They are never idle, so they are all here.
    pub(super) fn with_held(&self) -> Vec<ConversationId> {
        let held = self.hot.iter().filter(|(_, hot)| !hot.conversation.held.is_empty());
        let mut found: Vec<ConversationId> = held.map(|(id, _)| *id).collect();
        found.sort_unstable_by_key(|id| id.key);
        found
    }

    /// Lets go of a conversation that is no more.
    pub(super) fn remove(&mut self, id: ConversationId) {
        self.hot.remove(&id);
    }

    /// Gives a conversation back; it is written with this turn's commit.
    pub(super) fn put(&mut self, now: Mono, id: ConversationId, conversation: Box<Conversation>) {
        let before = self.hot.insert(id, Hot { conversation, used: now, changed: true });
        if before.is_none() {
            self.order.push_back(id);
        }
        if before.is_none_or(|before| !before.changed) {
            self.changed.push(id);
        }
    }

    /// Gives a conversation back as it was.
    pub(super) fn put_unchanged(&mut self, now: Mono, id: ConversationId, conversation: Box<Conversation>) {
        match self.hot.get_mut(&id) {
            Some(hot) => hot.conversation = conversation,
            None => {
                self.hot.insert(id, Hot { conversation, used: now, changed: false });
                self.order.push_back(id);
            }
        }
    }

    /// What is known of a device, to be changed.
    pub(super) fn device(
        &mut self,
        device: &Address,
        rows: &dyn Rows,
        damaged: &mut Vec<Note>,
    ) -> &mut (Device, bool) {
        let id = (device.shard(), Device::key(device));
        self.devices.entry(id).or_insert_with(|| {
            let known = rows.get(id.0, Table::Device, &id.1).map(|row| Device::decode(&row));
            let device = match known {
                Some(Ok(device)) => device,
                Some(Err(error)) => {
                    damaged.push(Note::RowDamaged { why: format!("device: {error}") });
                    Device::default()
                }
                None => Device::default(),
            };
            (device, false)
        })
    }

    /// Writes what this turn changed.
    pub(super) fn write(&mut self, port: &mut dyn Port) {
        for id in std::mem::take(&mut self.changed) {
            let Some(hot) = self.hot.get_mut(&id) else { continue };
            hot.changed = false;
            port.put(id.shard, Table::Conversation, id.key, hot.conversation.encode());
        }
        for ((shard, key), (device, changed)) in self.devices.drain() {
            if changed && device == Device::default() {
                port.delete(shard, Table::Device, key);
            } else if changed {
                port.put(shard, Table::Device, key, device.encode());
            }
        }
    }

    /// Lets go of what nothing happened to for a while, and of the oldest where there are too many. What has a run
    /// under way stays: its row alone would do, but the messages that wait for it are counted here.
    pub(super) fn forget(&mut self, now: Mono, limits: &Limits) {
        for _ in 0..SLICE {
            let Some(id) = self.order.front().copied() else { return };
            let Some(hot) = self.hot.get(&id) else {
                self.order.pop_front();
                continue;
            };
            let many = self.hot.len() > limits.hot;
            let cold = now - hot.used >= limits.hot_for;
            if !many && !cold {
                return;
            }
            self.order.pop_front();
            if hot.conversation.is_idle() && (cold || many) {
                self.hot.remove(&id);
            } else {
                self.order.push_back(id);
            }
        }
    }
}

impl super::Dialog {
    /// The conversation of a device with one of our addresses, new where there was none.
    pub(super) fn take(&mut self, here: &Here<'_>, device: &Address, source: &Address) -> Box<Conversation> {
        let id = ConversationId::of(device, source);
        self.take_known(here, id)
            .unwrap_or_else(|| Box::new(Conversation::new(device.clone(), source.clone())))
    }

    /// A conversation that is there.
    pub(super) fn take_known(&mut self, here: &Here<'_>, id: ConversationId) -> Option<Box<Conversation>> {
        self.memory.take(id, here.rows, &mut self.wants.notes)
    }

    /// Gives a conversation back, with a timer for what it waits for.
    pub(super) fn put(
        &mut self,
        here: &mut Here<'_>,
        id: ConversationId,
        mut conversation: Box<Conversation>,
    ) {
        self.arm(here, id, &mut conversation);
        self.memory.put(here.now.mono, id, conversation);
    }
}
