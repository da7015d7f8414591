//! The ids by which origins know their messages.

use super::Exchange;
use super::entry::Key;
use crate::id::{AccountId, MessageId};
use crate::message::{Envelope, Origin, VisibleId};

/// What an id names.
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

    /// The message an account means by an id of the form it was given.
    pub(super) fn named(&self, account: AccountId, visible_id: &str) -> Option<Named> {
        let short = (visible_id.len() == 8).then(|| u32::from_str_radix(visible_id, 16).ok()).flatten();
        let id = match short.and_then(|number| self.short_ids.get(&(account, number))) {
            Some(id) => *id,
            None => visible_id.parse().ok()?,
        };
        if let Some(key) = self.by_id.get(&id) {
            return Some(Named::Open(*key));
        }
        if self.groups.contains_key(&id) {
            return Some(Named::Group(id));
        }
        self.finished.get(id).map(|_| Named::Ended(id))
    }

    /// The id of eight digits of a message that nothing is known of any more is free again.
    pub(super) fn forget_name(&mut self, envelope: &Envelope) {
        if let (Some(account), VisibleId::Short(number)) = (envelope.origin.account(), envelope.visible_id)
            && self.short_ids.get(&(account, number)) == Some(&envelope.id)
        {
            self.short_ids.remove(&(account, number));
        }
    }
}
