//! The queues that messages for agents wait in, and the routine that watches what enters them (KEY-13).

use rustc_hash::FxHashMap;
use signalbox_core::time::Micros;

use crate::keywords::{Does, Keyword, KeywordError, Keywords};

/// A named part of an account's queue. The account's queue itself has the number zero and no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRule {
    /// Its account.
    pub account: u32,
    /// Priority of what waits in it, 0 to 100; `None` for that of the message's sub-campaign.
    pub priority: Option<u8>,
}

/// What is done with a message that begins with a watched keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// It waits in this queue.
    Move(u32),
    /// It waits in this queue, before all others.
    First(u32),
    /// No agent is shown it.
    Archive,
}

/// All queues with names, and what is watched for.
#[derive(Clone, Debug, Default)]
pub struct Queues {
    rules: FxHashMap<u32, QueueRule>,
    /// Keywords by watchman; each stands for a place in `watches`.
    keywords: Keywords,
    /// Who watches: by account and number of a source address, zero for all of the account's.
    watchmen: FxHashMap<(u32, u32), u32>,
    watches: Vec<Watch>,
}

impl Queues {
    /// Adds the queue with this number.
    pub fn add(&mut self, number: u32, rule: QueueRule) {
        self.rules.insert(number, rule);
    }

    /// Has an account's messages watched for a keyword: those to the source address with this number, or all with zero.
    ///
    /// # Errors
    /// When the keyword is none, or is watched for there already.
    pub fn watch(
        &mut self,
        account: u32,
        address: u32,
        text: String,
        watch: Watch,
    ) -> Result<(), KeywordError> {
        let next = u32::try_from(self.watchmen.len()).unwrap_or(u32::MAX);
        let watchman = *self.watchmen.entry((account, address)).or_insert(next);
        let place = u32::try_from(self.watches.len()).unwrap_or(u32::MAX);
        let (from, to, whole, does) = (None, None, false, Does::Begin);
        let (text, program) = (text.into(), None);
        let keyword =
            Keyword { id: place, text, program, sub_campaign: place, from, to, whole, does, tests: None };
        self.keywords.add(watchman, keyword)?;
        self.watches.push(watch);
        Ok(())
    }

    /// The queue with this number, if it is the account's.
    #[must_use]
    pub fn of(&self, account: u32, number: u32) -> Option<&QueueRule> {
        self.rules.get(&number).filter(|rule| rule.account == account)
    }

    /// What is done with a text for an account's agents that came to a source address, and the keyword that it begins
    /// with. A keyword of the address goes before the same one of the whole account, and a longer one before both.
    #[must_use]
    pub fn watched(&self, account: u32, address: u32, text: &str, now: Micros) -> Option<(Watch, String)> {
        let of = |address: u32| self.keywords.find(*self.watchmen.get(&(account, address))?, text, now);
        let all = of(0);
        let (keyword, folded) = match of(address).filter(|_| address != 0) {
            Some(own) if all.as_ref().is_none_or(|(_, other)| own.1.len() >= other.len()) => own,
            Some(_) | None => all?,
        };
        Some((*self.watches.get(usize::try_from(keyword.id).ok()?)?, folded))
    }
}
