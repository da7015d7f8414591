//! Messages of several parts: one outcome from all of them (rule 2).

use serde::{Deserialize, Serialize};

use super::Exchange;
use super::entry::Key;
use super::finish::Ending;
use crate::backend::Table;
use crate::message::Envelope;
use crate::outcome::FinalState;

/// A message whose parts travel by themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    /// The whole, as it was submitted.
    pub envelope: Envelope,
    pub total: u8,
    pub data_coding: u8,
    /// Which parts have ended, a bit each.
    ended: u128,
    ended_high: u128,
    /// The parts that are open; not stored, it follows from the messages.
    #[serde(skip)]
    pub parts: Vec<Key>,
    /// The worst ending so far, with attempts and first and last instants of all.
    pub worst: Option<Ending>,
}

/// The worse the outcome of a part, the more it says of the whole.
pub(super) fn severity(state: FinalState) -> u8 {
    match state {
        FinalState::Delivered => 0,
        FinalState::Accepted => 1,
        FinalState::Unknown => 2,
        FinalState::Replaced => 3,
        FinalState::Cancelled => 4,
        FinalState::Expired => 5,
        FinalState::Filtered => 6,
        FinalState::Failed => 7,
        FinalState::Rejected => 8,
    }
}

impl Group {
    pub(super) fn new(envelope: Envelope, total: u8, data_coding: u8) -> Self {
        Self { envelope, total, data_coding, ended: 0, ended_high: 0, parts: Vec::new(), worst: None }
    }

    /// Notes that a part ended; true when it was the last.
    pub(super) fn end_part(&mut self, number: u8, ending: Ending) -> bool {
        let bits = if number < 128 { &mut self.ended } else { &mut self.ended_high };
        *bits |= 1 << (number % 128);
        self.worst = Some(match self.worst.take() {
            None => ending,
            Some(worst) => worst.merge(ending, |a, b| severity(a) >= severity(b)),
        });
        let ended = self.ended.count_ones() + self.ended_high.count_ones();
        ended >= u32::from(self.total)
    }
}

impl Exchange {
    pub(super) fn add_group(&mut self, group: Group) {
        self.put_group(&group);
        self.groups.insert(group.envelope.id, group);
    }

    pub(super) fn put_group(&mut self, group: &Group) {
        let id = group.envelope.id;
        let value = postcard::to_stdvec(group).expect("a vector takes any number of octets");
        self.put(id.shard(), Table::Group, id.to_bytes(), value.into());
    }
}
