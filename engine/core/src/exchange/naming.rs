//! The ids by which origins know their messages.

use super::Exchange;
use super::entry::Key;
use crate::id::{AccountId, MessageId};
use crate::message::{Envelope, Origin, VisibleId};

/// What an id names.
#[derive(Clone, Copy)]
pub(super) enum Named {
    Open(Key),
    Group(MessageId),
    Ended(MessageId),
}

impl Exchange {
    /// A new id for a message of this origin, of eight digits where those are wanted.
    pub(super) fn visible_id(&mut self, origin: Origin, short_ids: bool) -> VisibleId {
        let Some(account) = origin.account().filter(|_| short_ids) else { return VisibleId::Long };
        loop {
            let number = self.random.next() as u32;
            if !self.short_ids.contains_key(&(account, number)) {
                return VisibleId::Short(number);
            }
        }
    }

    /// The messages an account means by an id of the form it was given, those that are still known: one, or the
    /// messages of one submission in the order of its destinations.
    pub(super) fn named(&self, account: AccountId, visible_id: &str) -> Vec<Named> {
        let short = (visible_id.len() == 8).then(|| u32::from_str_radix(visible_id, 16).ok()).flatten();
        let first = match short.and_then(|number| self.short_ids.get(&(account, number))) {
            Some(first) => Some(*first),
            None => visible_id.parse().ok(),
        };
        let Some(first) = first else { return Vec::new() };
        let others = self.siblings.get(&first).into_iter().flatten().copied();
        std::iter::once(first).chain(others).filter_map(|id| self.known(id)).collect()
    }

    fn known(&self, id: MessageId) -> Option<Named> {
        if let Some(key) = self.by_id.get(&id) {
            return Some(Named::Open(*key));
        }
        if self.groups.contains_key(&id) {
            return Some(Named::Group(id));
        }
        self.finished.get(id).map(|_| Named::Ended(id))
    }

    /// Nothing is known of this message any more. The id of eight digits is free again once that holds for all that
    /// have it.
    pub(super) fn forget_name(&mut self, envelope: &Envelope) {
        let id = envelope.id;
        let short = match (envelope.origin.account(), envelope.visible_id) {
            (Some(account), VisibleId::Short(number)) => Some((account, number)),
            (None, VisibleId::Short(_)) | (_, VisibleId::Long | VisibleId::Shared(_)) => None,
        };
        let first = match (short, envelope.visible_id) {
            (_, VisibleId::Shared(first)) => Some(first),
            (Some(short), _) => self.short_ids.get(&short).copied(),
            (None, _) => None,
        };
        let Some(first) = first else { return };
        if let Some(others) = self.siblings.get_mut(&first) {
            others.remove(&id);
            if !others.is_empty() {
                return;
            }
            self.siblings.remove(&first);
        }
        if let Some(short) = short
            && (first == id || self.known(first).is_none())
        {
            self.short_ids.remove(&short);
        }
    }
}
