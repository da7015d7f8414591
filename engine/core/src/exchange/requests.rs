//! Answers to idempotency keys: a second submission with the same key is answered like the first.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::Exchange;
use super::note::Note;
use crate::backend::Table;
use crate::id::MessageId;
use crate::message::VisibleId;
use crate::time::{Micros, Now};

/// Keys that are looked after in one go at most.
const AT_ONCE: usize = 1_000;

/// The key of a request, as its client's digest.
pub(super) type RequestKey = [u8; 16];

/// What a submission was answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answered {
    pub id: MessageId,
    /// It is remembered until then.
    pub until: Micros,
    pub visible: VisibleId,
}

impl Answered {
    /// Reads a row; those of earlier versions have no visible id, which was the long one then.
    pub(super) fn decode(octets: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(octets).or_else(|_| {
            let (id, until) = postcard::from_bytes(octets)?;
            Ok(Self { id, until, visible: VisibleId::Long })
        })
    }
}

/// The answers that are remembered, bounded.
#[derive(Debug, Default)]
pub(super) struct Requests {
    known: FxHashMap<RequestKey, Answered>,
    /// In the order in which they came.
    order: VecDeque<(Micros, RequestKey)>,
}

impl Requests {
    pub(super) fn get(&self, key: &RequestKey) -> Option<Answered> {
        self.known.get(key).copied()
    }

    fn insert(&mut self, key: RequestKey, answered: Answered) {
        if self.known.insert(key, answered).is_none() {
            self.order.push_back((answered.until, key));
        }
    }

    /// Takes an answer back from the store, in whatever order; [`sort`](Self::sort) ends that.
    pub(super) fn restore(&mut self, key: RequestKey, answered: Answered) {
        self.insert(key, answered);
    }

    pub(super) fn sort(&mut self) {
        self.order.make_contiguous().sort_unstable();
    }

    /// Takes out the oldest while `more` says so of its end.
    fn take_oldest(&mut self, more: impl Fn(Micros, usize) -> bool) -> Option<(RequestKey, MessageId)> {
        let (until, key) = *self.order.front()?;
        if !more(until, self.order.len()) {
            return None;
        }
        self.order.pop_front();
        let answered = self.known.remove(&key)?;
        Some((key, answered.id))
    }
}

impl Exchange {
    /// Remembers what a submission is answered with; at the bound the oldest answer goes.
    pub(super) fn remember(&mut self, key: RequestKey, answered: Answered) {
        let value = postcard::to_stdvec(&answered).expect("a vector takes any number of octets");
        self.put(answered.id.shard(), Table::Request, key, value.into());
        self.requests.insert(key, answered);
        let most = self.policy.limits.requests.max(1);
        while let Some((old, id)) = self.requests.take_oldest(|_, held| held > most) {
            self.delete(id.shard(), Table::Request, old);
            self.turn.notes.push(Note::KeyForgotten);
        }
    }

    /// Forgets the answers whose time is over.
    pub(super) fn expire_requests(&mut self, now: Now) {
        for _ in 0..AT_ONCE {
            let Some((key, id)) = self.requests.take_oldest(|until, _| until < now.wall) else { return };
            self.delete(id.shard(), Table::Request, key);
        }
    }
}
