//! Call detail records: one schema for all channels.
//!
//! A record is written into the outbox in the commit of the event it tells of, and published from there
//! exactly once. Its id is deterministic, so a consumer can drop a repeat. Fields are only ever added; what a
//! channel does not have is absent. The JSON form is documented in `docs/interfaces/cdr.md`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::id::MessageId;
use crate::message::{Direction, OriginClass, TrafficClass};
use crate::outcome::{FinalState, Reason};
use crate::time::Micros;

/// Version of the schema, in each record.
pub const SCHEMA: u16 = 1;

/// What a record tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CdrKind {
    /// The one outcome of a message.
    Final,
    /// Something learned after the outcome (a late receipt); it changes nothing.
    Amendment,
}

/// The channel of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Text message.
    Sms,
    /// Multimedia message.
    Mms,
    /// Voice call.
    Voice,
    /// Instant voice message.
    VoiceMessage,
    /// Content delivery.
    Content,
}

/// A charge, filled by rating.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Amount in millionths of the currency's unit.
    pub micros: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Number of the ledger entry of this message (shared-rules.md 7).
    pub sequence: u32,
}

/// What only calls have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoiceFacts {
    /// From answer to end, in milliseconds.
    pub duration_ms: u64,
    /// Q.850 cause.
    pub cause: u16,
}

/// A call detail record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cdr {
    /// [`SCHEMA`] of the writer.
    pub schema: u16,
    /// What it tells of.
    pub kind: CdrKind,
    /// The channel.
    pub channel: Channel,
    /// The message.
    pub message: MessageId,
    /// The attempt that it tells of, zero when there was none. With kind and message it is the record's id.
    pub attempt: u16,
    /// The id that the origin knows.
    pub visible_id: String,
    /// Which way the message went.
    pub direction: Direction,
    /// Who caused it.
    pub origin_class: OriginClass,
    /// How urgent it was.
    pub class: TrafficClass,
    /// Account responsible, by number.
    pub account: Option<u32>,
    /// Link it came in by, by number.
    pub origin_link: Option<u32>,
    /// Who it was last sent to: `link:3`, `account:7`, `webhook:1`.
    pub peer: Option<String>,
    /// From.
    pub source: String,
    /// Type of number and numbering plan of the source.
    pub source_ton_npi: (u8, u8),
    /// To.
    pub destination: String,
    /// Type of number and numbering plan of the destination.
    pub destination_ton_npi: (u8, u8),
    /// Carrier of the device, by number, if known.
    pub carrier: Option<u32>,
    /// Id of the whole message, number of this part and how many there are, for one part of several.
    pub part: Option<(MessageId, u8, u8)>,
    /// How many parts the message had.
    pub parts: u8,
    /// data_coding.
    pub data_coding: u8,
    /// Octets of payload.
    pub octets: u16,
    /// When it was accepted, UTC microseconds.
    pub accepted_at: Micros,
    /// When it was first sent, if it was.
    pub first_sent_at: Option<Micros>,
    /// When the next peer took it, if it did.
    pub taken_at: Option<Micros>,
    /// When it ended (for an amendment: when that was learned).
    pub final_at: Micros,
    /// The outcome.
    pub outcome: FinalState,
    /// Why.
    pub reason: Reason,
    /// The last error status of the peer (SMPP command_status), zero for none.
    pub status: u32,
    /// The network's error of the receipt: network type and code.
    pub network_error: Option<(u8, u16)>,
    /// The id that the next peer gave it.
    pub remote_id: String,
    /// An attempt's fate was unknown when its owner or session died (rule 4).
    pub doubt: bool,
    /// It was tried again after such an attempt: the receiver may have it twice.
    pub possible_duplicate: bool,
    /// Name of the routing rule that decided last.
    pub rule: String,
    /// Version of the rules that decided.
    pub rule_version: u64,
    /// Where the carrier came from: `portability`, `plan`, `enum`, `http`, or nothing.
    pub lookup: String,
    /// Charge, when it is rated.
    pub charge: Option<Charge>,
    /// Voice, when it is a call.
    pub voice: Option<VoiceFacts>,
}

/// A record of the outbox that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not a CDR of the outbox: {0}")]
pub struct CdrDamaged(#[source] pub postcard::Error);

impl Cdr {
    /// The id by which a consumer can drop repeats: kind, message, attempt.
    #[must_use]
    pub fn id(&self) -> String {
        let kind = match self.kind {
            CdrKind::Final => "final",
            CdrKind::Amendment => "amendment",
        };
        format!("{kind}-{}-{}", self.message, self.attempt)
    }

    /// The form in the outbox.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        Bytes::from(postcard::to_stdvec(self).expect("a vector takes any number of octets"))
    }

    /// Reads the form in the outbox.
    ///
    /// # Errors
    /// When the octets are no record.
    pub fn decode(octets: &[u8]) -> Result<Self, CdrDamaged> {
        postcard::from_bytes(octets).map_err(CdrDamaged)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::id::ShardId;

    /// A record with something in each field.
    pub(crate) fn example() -> Cdr {
        Cdr {
            schema: SCHEMA,
            kind: CdrKind::Final,
            channel: Channel::Sms,
            message: MessageId::new(Micros(1_790_000_000_000_000), ShardId::of(b"491761"), 7),
            attempt: 2,
            visible_id: "0000002A".into(),
            direction: Direction::Mt,
            origin_class: OriginClass::User,
            class: TrafficClass::Otp,
            account: Some(3),
            origin_link: None,
            peer: Some("link:1".into()),
            source: "BANK".into(),
            source_ton_npi: (5, 0),
            destination: "491761".into(),
            destination_ton_npi: (1, 1),
            carrier: Some(26201),
            part: None,
            parts: 1,
            data_coding: 0,
            octets: 12,
            accepted_at: Micros(1_790_000_000_000_000),
            first_sent_at: Some(Micros(1_790_000_000_001_000)),
            taken_at: Some(Micros(1_790_000_000_002_000)),
            final_at: Micros(1_790_000_001_000_000),
            outcome: FinalState::Delivered,
            reason: Reason::Receipt,
            status: 0,
            network_error: Some((3, 12)),
            remote_id: "1A2B".into(),
            doubt: false,
            possible_duplicate: false,
            rule: "germany".into(),
            rule_version: 4,
            lookup: "portability".into(),
            charge: None,
            voice: None,
        }
    }

    #[test]
    fn it_survives_the_outbox() {
        let before = example();
        assert_eq!(Cdr::decode(&before.encode()).unwrap(), before);
    }

    #[test]
    fn damage_is_an_error() {
        let octets = example().encode();
        assert!(Cdr::decode(&octets[..octets.len() / 2]).is_err());
    }

    #[test]
    fn the_id_is_deterministic() {
        assert_eq!(example().id(), example().id());
        assert!(example().id().starts_with("final-"));
    }
}
