//! All messages that wait for agents or are in their hands: in memory, each with a row in the store.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use rustc_hash::FxHashMap;
use signalbox_core::id::MessageId;
use signalbox_core::scope::ConversationId;
use signalbox_core::time::Micros;
use smallvec::SmallVec;

use crate::work::{Held, Place, Work};

/// The accounts whose messages somebody sees (MQ-31).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// All, and what is nobody's.
    All,
    /// These.
    Of(BTreeSet<u32>),
}

impl Seen {
    /// Whether it holds an account.
    #[must_use]
    pub fn has(&self, account: u32) -> bool {
        match self {
            Self::All => true,
            Self::Of(accounts) => accounts.contains(&account),
        }
    }
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Desk {
    work: FxHashMap<MessageId, Work>,
    /// What nobody has, by account and queue.
    waiting: HashMap<(u32, u32), BTreeSet<Place>>,
    /// What somebody has, by the end of his time.
    held: BTreeSet<(Micros, MessageId)>,
    /// What nobody has, by age, without tests.
    ages: BTreeSet<(Micros, MessageId)>,
    /// By conversation.
    of: FxHashMap<ConversationId, SmallVec<[MessageId; 1]>>,
    /// How many an account has.
    counts: FxHashMap<u32, usize>,
    /// Which of them are tests, and whether somebody has them.
    tests: FxHashMap<MessageId, bool>,
    changed: bool,
}

impl Desk {
    pub(crate) fn len(&self) -> usize {
        self.work.len()
    }

    pub(crate) fn len_of(&self, account: u32) -> usize {
        self.counts.get(&account).copied().unwrap_or(0)
    }

    /// How many there are that are no tests, and how many of those somebody has.
    pub(crate) fn counted(&self) -> (usize, usize) {
        let tests = |held: bool| self.tests.iter().filter(|(_, of)| **of == held).count();
        let held = self.held.len() - tests(true);
        (self.work.len() - self.tests.len(), held)
    }

    pub(crate) fn get(&self, id: MessageId) -> Option<&Work> {
        self.work.get(&id)
    }

    /// Puts a message in its place, over what was there under its number.
    pub(crate) fn insert(&mut self, work: Work) {
        self.remove(work.id);
        match &work.held {
            Some(held) => drop(self.held.insert((held.until, work.id))),
            None => {
                self.waiting.entry((work.account, work.queue)).or_default().insert(work.place());
                if !work.test {
                    self.ages.insert((work.at, work.id));
                }
            }
        }
        if work.test {
            self.tests.insert(work.id, work.held.is_some());
        }
        self.of.entry(work.conversation()).or_default().push(work.id);
        *self.counts.entry(work.account).or_default() += 1;
        self.work.insert(work.id, work);
        self.changed = true;
    }

    pub(crate) fn remove(&mut self, id: MessageId) -> Option<Work> {
        let work = self.work.remove(&id)?;
        self.tests.remove(&id);
        match &work.held {
            Some(held) => drop(self.held.remove(&(held.until, id))),
            None => {
                self.ages.remove(&(work.at, id));
                let place = (work.account, work.queue);
                if let Some(waiting) = self.waiting.get_mut(&place) {
                    waiting.remove(&work.place());
                    if waiting.is_empty() {
                        self.waiting.remove(&place);
                    }
                }
            }
        }
        let conversation = work.conversation();
        if let Some(all) = self.of.get_mut(&conversation) {
            all.retain(|other| *other != id);
            if all.is_empty() {
                self.of.remove(&conversation);
            }
        }
        if let Some(count) = self.counts.get_mut(&work.account) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&work.account);
            }
        }
        self.changed = true;
        Some(work)
    }

    /// Who has the conversation of a device with one of our addresses, as far as it is of this sub-campaign.
    pub(crate) fn holder(&self, conversation: ConversationId, sub_campaign: u32) -> Option<&Held> {
        self.of_conversation(conversation)
            .find(|work| work.sub_campaign == sub_campaign && work.held.is_some())
            .and_then(|work| work.held.as_ref())
    }

    /// The messages of a conversation, waiting or not.
    pub(crate) fn of_conversation(&self, conversation: ConversationId) -> impl Iterator<Item = &Work> {
        let ids = self.of.get(&conversation).into_iter().flatten();
        ids.filter_map(|id| self.work.get(id))
    }

    /// What waits for agents of these accounts in one queue or in all, in the order of its places, after a place.
    pub(crate) fn waiting(
        &self,
        seen: &Seen,
        queue: Option<u32>,
        after: Option<Place>,
        most: usize,
        fits: impl Fn(&Work) -> bool,
    ) -> Vec<&Work> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut found: Vec<&Work> = Vec::new();
        let is_asked = |(account, of): (u32, u32)| seen.has(account) && queue.is_none_or(|queue| of == queue);
        for (_, places) in self.waiting.iter().filter(|(of, _)| is_asked(**of)) {
            let all = places.range((from, Bound::Unbounded)).filter_map(|place| self.work.get(&place.id));
            found.extend(all.filter(|work| fits(work)).take(most));
        }
        found.sort_unstable_by_key(|work| work.place());
        found.truncate(most);
        found
    }

    /// What agents have of these accounts, in the order of its places, after a place.
    pub(crate) fn in_hands(
        &self,
        seen: &Seen,
        queue: Option<u32>,
        after: Option<Place>,
        most: usize,
    ) -> Vec<&Work> {
        let all = self.held.iter().filter_map(|(_, id)| self.work.get(id));
        let mut found: Vec<&Work> = all
            .filter(|work| seen.has(work.account) && queue.is_none_or(|queue| work.queue == queue))
            .filter(|work| after.is_none_or(|after| work.place() > after))
            .collect();
        found.sort_unstable_by_key(|work| work.place());
        found.truncate(most);
        found
    }

    /// When the time of somebody who has a message ends.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        self.held.first().map(|(until, _)| *until)
    }

    /// A message whose agent's time has ended.
    pub(crate) fn due(&self, now: Micros) -> Option<MessageId> {
        self.held.first().filter(|(until, _)| *until <= now).map(|(_, id)| *id)
    }

    /// When the oldest message that waits came.
    pub(crate) fn oldest(&self) -> Option<Micros> {
        self.ages.first().map(|(at, _)| *at)
    }

    /// Whether anything changed since the last time.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}
