//! Parts of a message, and what becomes of them.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::udh::{Concat, Udh};

/// How parts name their message. References of different kinds are different, even if equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Header element with an 8-bit reference.
    Udh8,
    /// Header element with a 16-bit reference.
    Udh16,
    /// SAR TLVs.
    Sar,
}

/// What the parts of one message have in common. `A` is the caller's form of an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key<A> {
    /// The caller's number of the link or account that the part came by.
    pub link: u64,
    /// Who sent it.
    pub source: A,
    /// To whom.
    pub destination: A,
    /// How the reference is written.
    pub kind: Kind,
    /// The reference.
    pub reference: u16,
    /// How many parts there are.
    pub total: u8,
}

/// A part's place: what of its header or TLVs matters to reassembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// How the reference is written.
    pub kind: Kind,
    /// The reference.
    pub reference: u16,
    /// How many parts there are.
    pub total: u8,
    /// This part, from 1.
    pub sequence: u8,
}

impl From<Concat> for Place {
    fn from(Concat { reference, total, sequence, wide }: Concat) -> Self {
        Self { kind: if wide { Kind::Udh16 } else { Kind::Udh8 }, reference, total, sequence }
    }
}

/// One part as it was received and stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The caller's id of what it stored for this part.
    pub token: u128,
    /// Its place among the parts, from 1.
    pub sequence: u8,
    /// Its data_coding octet.
    pub data_coding: u8,
    /// Its header, where it has one.
    pub header: Option<Udh>,
    /// What follows the header.
    pub body: Bytes,
}

impl Part {
    /// Whether both say the same, whoever stored them.
    pub(super) fn same_content(&self, other: &Self) -> bool {
        self.data_coding == other.data_coding && self.header == other.header && self.body == other.body
    }

    /// A digest of the content, the same in every run.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.data_coding, self.header.as_ref().map(Udh::as_bytes), &self.body[..]).hash(&mut hasher);
        hasher.finish()
    }

    /// Octets that count against the bounds: content and the room of the part itself.
    pub(super) fn weight(&self) -> usize {
        let header = self.header.as_ref().map_or(0, |header| header.as_bytes().len());
        size_of::<Self>() + header + self.body.len()
    }
}

/// Parts that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<A> {
    /// What they have in common.
    pub key: Key<A>,
    /// The parts by sequence; as many as the total only where the message is complete.
    pub parts: Vec<Part>,
    /// When the first part came, in the caller's microseconds.
    pub since: i64,
    /// Whether each part is the same as one of a message with this key that was completed shortly
    /// before. Incomplete, these are late duplicates and no message; complete, the message came twice.
    pub repeated: bool,
}

/// What became of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<A> {
    /// It waits for the others.
    Waiting {
        /// Parts held, this one included.
        held: u8,
        /// Another total that parts with this reference have claimed, whose group waits too.
        conflicting_total: Option<u8>,
    },
    /// It was the last one missing; the group is out of the buffer.
    Complete(Group<A>),
    /// The same part is held already, under `token`; the new one was not kept.
    Duplicate {
        /// The token of the part that is held.
        token: u128,
    },
    /// Another part of this sequence is held: the reference was used again. The old group is out of
    /// the buffer, incomplete for good; the new part waits.
    Displaced(Group<A>),
}

/// Why a part was not taken. Nothing has changed in the buffer then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A sequence is from 1 to the total.
    #[error("part {sequence} of {total} cannot be")]
    Sequence {
        /// The sequence.
        sequence: u8,
        /// The total.
        total: u8,
    },
    /// As many messages wait as are allowed.
    #[error("{limit} messages wait for parts already")]
    Groups {
        /// The bound.
        limit: usize,
    },
    /// As many messages of this link wait as are allowed.
    #[error("{limit} messages of link {link} wait for parts already")]
    LinkGroups {
        /// The link.
        link: u64,
        /// The bound.
        limit: usize,
    },
    /// The parts would hold more memory than allowed.
    #[error("part of {octets} octets does not fit, {held} of {limit} are held")]
    Octets {
        /// What the part takes.
        octets: usize,
        /// What is held.
        held: usize,
        /// The bound.
        limit: usize,
    },
}
