//! Rows of the store: an accepted message as it came, and what has become of it since.
//!
//! A message row is written once. It holds the envelope, the progress made in the turn that accepted it, and
//! the body, so that a message that leaves at once costs one row. Later progress goes to the state table.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::alike::Likeness;
use super::entry::{Entry, Phase, Progress};
use super::parts::Mark;
use crate::id::{MessageId, PeerId};
use crate::message::{Body, Content, Envelope, ReceiptContent};
use crate::scope::Scope;
use crate::time::Micros;

/// First octet of each row.
const FORMAT: u8 = 1;
/// The same for a message of our own: its scope stands before the body.
const OWN_FORMAT: u8 = 3;
/// The same without what is told of the contact, which is the last of its scope.
const OWN_WITHOUT_FACTS: u8 = 2;
/// What such a scope lacks: three texts of no octets, and the line of which nothing is known.
const NO_FACTS: [u8; 4] = [0, 0, 0, 3];

/// A row that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    #[error("the row ends after {0} octets")]
    Short(usize),
    #[error("format {0} is not known")]
    Format(u8),
    #[error("body of kind {0} is not known")]
    Kind(u8),
    #[error("damaged: {0}")]
    Damaged(#[from] postcard::Error),
}

/// [`Phase`] as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum StoredPhase {
    Waiting(Micros),
    Queued,
    Resolving,
    Released,
    AwaitingReceipt(Micros),
    InDoubt(Micros),
    Gathering,
    /// Leaves with this one.
    Joined(MessageId),
}

impl StoredPhase {
    fn of(entry: &Entry) -> Self {
        match entry.phase {
            Phase::Waiting { due } => Self::Waiting(due),
            Phase::Queued => Self::Queued,
            Phase::Resolving => Self::Resolving,
            Phase::Gathering => Self::Gathering,
            Phase::Joined => {
                entry.mark.as_deref().and_then(|mark| mark.lead).map_or(Self::Gathering, Self::Joined)
            }
            Phase::Released { .. } => Self::Released,
            Phase::AwaitingReceipt { until } => Self::AwaitingReceipt(until),
            Phase::InDoubt { until } => Self::InDoubt(until),
        }
    }
}

/// What has become of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StateRow {
    pub phase: StoredPhase,
    pub peer: Option<PeerId>,
    pub progress: Progress,
}

impl StateRow {
    pub(super) fn of(entry: &Entry) -> Self {
        Self { phase: StoredPhase::of(entry), peer: entry.peer, progress: entry.progress.clone() }
    }

    pub(super) fn encode(&self) -> Bytes {
        Bytes::from(postcard::to_stdvec(&self.stored()).expect("a vector takes any number of octets"))
    }

    /// With what came later than the first rows of this kind, which end before it.
    fn stored(&self) -> (&Self, bool) {
        (self, self.progress.counted)
    }

    pub(super) fn decode(octets: &[u8]) -> Result<Self, RowError> {
        let (mut state, rest): (Self, &[u8]) = postcard::take_from_bytes(octets)?;
        state.progress.counted = match rest.first() {
            Some(counted) => *counted == 1,
            None => state.progress.attempts > 0,
        };
        Ok(state)
    }
}

/// Writes the message row of a fresh entry.
pub(super) fn encode_message(entry: &Entry, body: &Body, scope: Option<&Scope>) -> Bytes {
    let mut row = BytesMut::with_capacity(320);
    row.put_u8(if scope.is_some() { OWN_FORMAT } else { FORMAT });
    put_block(&mut row, &entry.envelope);
    put_block(&mut row, &StateRow::of(entry).stored());
    if let Some(scope) = scope {
        put_block(&mut row, scope);
    }
    put_body(&mut row, body);
    // Its own allocation of just this length, which a waiting message may keep.
    Bytes::copy_from_slice(&row)
}

fn put_block<T: Serialize>(row: &mut BytesMut, value: &T) {
    let mut scratch = [0u8; 512];
    let large;
    let octets: &[u8] = match postcard::to_slice(value, &mut scratch) {
        Ok(octets) => octets,
        Err(_) => {
            large = postcard::to_stdvec(value).expect("a vector takes any number of octets");
            &large
        }
    };
    row.put_u16(u16::try_from(octets.len()).expect("an envelope has bounded fields"));
    row.put_slice(octets);
}

fn put_body(row: &mut BytesMut, body: &Body) {
    match body {
        Body::Content(content) => {
            row.put_u8(0);
            row.put_u8(content.esm_class);
            row.put_u8(content.protocol_id);
            row.put_u8(content.priority);
            row.put_u8(content.data_coding);
            row.put_u8(content.default_message);
            let flags = [content.replace_if_present, content.data_sm, content.by_default];
            row.put_u8(flags.iter().rev().fold(0, |bits, flag| bits << 1 | u8::from(*flag)));
            row.put_u8(content.service_type.len().min(255) as u8);
            row.put_slice(&content.service_type[..content.service_type.len().min(255)]);
            row.put_u32(content.payload.len() as u32);
            row.put_slice(&content.payload);
            row.put_slice(&content.tlvs);
        }
        Body::Receipt(receipt) => {
            row.put_u8(1);
            row.put_slice(&postcard::to_stdvec(receipt).expect("a vector takes any number of octets"));
        }
    }
}

/// A message row, read.
#[derive(Debug)]
pub(super) struct MessageRow {
    pub envelope: Envelope,
    pub state: StateRow,
    pub data_coding: u8,
    pub likeness: Option<Likeness>,
    pub mark: Option<Box<Mark>>,
    pub scope: Option<Box<Scope>>,
}

impl MessageRow {
    pub(super) fn decode(row: &Bytes) -> Result<Self, RowError> {
        let format = *row.first().ok_or(RowError::Short(0))?;
        let (envelope, after): (Envelope, usize) = block(row, 1)?;
        let end = skip_block(row, after)?;
        let (state, after) = (StateRow::decode(&row[after + 2..end])?, end);
        let (scope, after) = match format {
            FORMAT => (None, after),
            OWN_FORMAT => {
                let (scope, after): (Scope, usize) = block(row, after)?;
                (Some(Box::new(scope)), after)
            }
            OWN_WITHOUT_FACTS => {
                let end = skip_block(row, after)?;
                let scope = [&row[after + 2..end], &NO_FACTS].concat();
                (Some(Box::new(postcard::from_bytes(&scope)?)), end)
            }
            format => return Err(RowError::Format(format)),
        };
        let (data_coding, likeness, mark) = match decode_body(&row.slice(after..))? {
            Body::Content(content) => {
                let mark = if Entry::may_be_part(&envelope) { Mark::of(&content) } else { None };
                (content.data_coding, Likeness::of(&envelope, &content), mark)
            }
            Body::Receipt(_) => (0, None, None),
        };
        Ok(Self { envelope, state, data_coding, likeness, mark, scope })
    }
}

/// The body of a message row, without reading the rest.
pub(super) fn body_of(row: &Bytes) -> Result<Body, RowError> {
    let after = skip_block(row, 1)?;
    let after = skip_block(row, after)?;
    let has_scope = matches!(row.first(), Some(&(OWN_FORMAT | OWN_WITHOUT_FACTS)));
    let after = if has_scope { skip_block(row, after)? } else { after };
    decode_body(&row.slice(after..))
}

fn skip_block(row: &Bytes, at: usize) -> Result<usize, RowError> {
    let length = row.get(at..at + 2).ok_or(RowError::Short(row.len()))?;
    let end = at + 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
    if end > row.len() {
        return Err(RowError::Short(row.len()));
    }
    Ok(end)
}

fn block<'a, T: Deserialize<'a>>(row: &'a Bytes, at: usize) -> Result<(T, usize), RowError> {
    let end = skip_block(row, at)?;
    Ok((postcard::from_bytes(&row[at + 2..end])?, end))
}

fn decode_body(octets: &Bytes) -> Result<Body, RowError> {
    let short = || RowError::Short(octets.len());
    match *octets.first().ok_or_else(short)? {
        0 => {
            let head = octets.get(1..8).ok_or_else(short)?;
            let service_end = 8 + usize::from(head[6]);
            let length = octets.get(service_end..service_end + 4).ok_or_else(short)?;
            let payload = service_end + 4;
            let payload_end = payload
                .checked_add(u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize)
                .filter(|&end| end <= octets.len())
                .ok_or_else(short)?;
            Ok(Body::Content(Content {
                service_type: octets.slice(8..service_end),
                esm_class: head[0],
                protocol_id: head[1],
                priority: head[2],
                replace_if_present: head[5] & 1 != 0,
                data_coding: head[3],
                default_message: head[4],
                payload: octets.slice(payload..payload_end),
                tlvs: octets.slice(payload_end..),
                data_sm: head[5] & 2 != 0,
                by_default: head[5] & 4 != 0,
            }))
        }
        1 => Ok(Body::Receipt(postcard::from_bytes::<ReceiptContent>(&octets[1..])?)),
        kind => Err(RowError::Kind(kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Held;
    use super::*;
    use crate::address::Address;
    use crate::id::{AccountId, MessageId};
    use crate::message::{Direction, Origin, OriginClass, ReceiptRequest, TrafficClass, VisibleId};

    fn entry() -> (Entry, Body) {
        let destination = Address::new(1, 1, b"491761234567").unwrap();
        let body = Body::Content(Content {
            service_type: Bytes::from_static(b"CMT"),
            esm_class: 0x40,
            data_coding: 8,
            payload: Bytes::from_static(b"\x05\x00\x03\x01\x02\x01\x00a"),
            tlvs: Bytes::from_static(b"\x02\x04\x00\x02\x00\x07"),
            data_sm: true,
            by_default: true,
            ..Content::default()
        });
        let envelope = Envelope {
            id: MessageId::new(Micros(77), destination.shard(), 5),
            direction: Direction::Mt,
            origin: Origin::Smpp(AccountId(3)),
            origin_class: OriginClass::User,
            class: TrafficClass::Otp,
            source: Address::new(5, 0, b"BANK").unwrap(),
            destination,
            not_before: None,
            expires_at: Micros(99),
            receipt: ReceiptRequest::FINAL,
            visible_id: VisibleId::Short(9),
            part: None,
            octets: 8,
        };
        (Entry::new(envelope, Held::hot(body.clone()), 8), body)
    }

    #[test]
    fn a_message_survives_the_store() {
        let (entry, body) = entry();
        let row = encode_message(&entry, &body, None);
        let read = MessageRow::decode(&row).unwrap();
        assert_eq!(read.envelope, entry.envelope);
        assert_eq!(read.state, StateRow::of(&entry));
        assert_eq!(read.data_coding, 8);
        assert_eq!(body_of(&row).unwrap(), body);
    }

    /// A row of before there was anything to count.
    #[test]
    fn a_state_without_its_end_is_read() {
        let (mut entry, _) = entry();
        for (attempts, counted) in [(0, false), (1, true)] {
            entry.progress.attempts = attempts;
            entry.progress.counted = true;
            let row = StateRow::of(&entry).encode();
            assert!(StateRow::decode(&row).unwrap().progress.counted);
            assert_eq!(StateRow::decode(&row[..row.len() - 1]).unwrap().progress.counted, counted);
        }
    }

    #[test]
    fn a_cut_row_is_an_error_at_every_length() {
        let (entry, _) = entry();
        let body = Body::Content(Content { payload: Bytes::from_static(b"abc"), ..Content::default() });
        let row = encode_message(&entry, &body, None);
        for end in 0..row.len() {
            let cut = row.slice(..end);
            assert!(body_of(&cut).is_err(), "{end}");
        }
    }
}
