use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use signalbox_core::cdr::{Cdr, CdrKind, Channel, Charge, VoiceFacts};
use signalbox_core::id::MessageId;
use signalbox_core::message::{Direction, OriginClass, TrafficClass};
use signalbox_core::outcome::{FinalState, Reason};
use signalbox_core::time::Micros;

/// A record as it is in the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedCdr {
    /// Number over all files, from 1 without gap.
    pub sequence: u64,
    /// The commit of the outbox that it came from.
    pub commit: u64,
    /// Which of the commit's records it is, from 0.
    pub index: u32,
    /// How many the commit had.
    pub of: u32,
    /// The record.
    pub cdr: Cdr,
}

/// The last line of a closed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trailer {
    /// Number of the file.
    pub serial: u64,
    /// How many records it has.
    pub count: u64,
    /// Sequence of the first record.
    pub first_sequence: u64,
    /// Sequence of the last record.
    pub last_sequence: u64,
    /// Commit of the outbox of the first record.
    pub first_commit: u64,
    /// Commit of the outbox of the last record.
    pub last_commit: u64,
    /// Octets before the trailer.
    pub octets: u64,
    /// SHA-256 of these octets, in hexadecimal digits.
    pub sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrailerLine {
    trailer: Trailer,
}

impl Trailer {
    /// The line with its end.
    pub(super) fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(&mut *into, &TrailerLine { trailer: self.clone() })?;
        into.push(b'\n');
        Ok(())
    }

    /// The trailer that this line is, if it is one.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice::<TrailerLine>(line).ok().map(|line| line.trailer)
    }
}

/// An instant as RFC 3339 text in UTC with six digits of fraction.
struct Instant(Micros);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let instant = jiff::Timestamp::from_microsecond(self.0.0).map_err(ser::Error::custom)?;
        serializer.collect_str(&format_args!("{instant:.6}"))
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let instant: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
        Ok(Self(Micros(instant.as_microsecond())))
    }
}

/// A message id as 32 hexadecimal digits.
struct Id(MessageId);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(de::Error::custom)
    }
}

#[derive(Serialize, Deserialize)]
struct Outbox {
    commit: u64,
    index: u32,
    of: u32,
}

#[derive(Serialize, Deserialize)]
struct Part {
    whole: Id,
    number: u8,
    of: u8,
}

#[derive(Serialize, Deserialize)]
struct NetworkError {
    network: u8,
    code: u16,
}

/// The JSON form. Fields are only added; what a record does not have is not written.
#[derive(Serialize, Deserialize)]
struct Line {
    sequence: u64,
    id: String,
    outbox: Outbox,
    schema: u16,
    kind: CdrKind,
    channel: Channel,
    message: Id,
    attempt: u16,
    visible_id: String,
    direction: Direction,
    origin_class: OriginClass,
    class: TrafficClass,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin_link: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    peer: Option<String>,
    source: String,
    source_ton: u8,
    source_npi: u8,
    destination: String,
    destination_ton: u8,
    destination_npi: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    carrier: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
    parts: u8,
    data_coding: u8,
    octets: u16,
    accepted_at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_sent_at: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    taken_at: Option<Instant>,
    final_at: Instant,
    outcome: FinalState,
    reason: Reason,
    status: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network_error: Option<NetworkError>,
    remote_id: String,
    doubt: bool,
    possible_duplicate: bool,
    rule: String,
    rule_version: u64,
    lookup: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    charge: Option<Charge>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    voice: Option<VoiceFacts>,
}

impl From<&PublishedCdr> for Line {
    fn from(published: &PublishedCdr) -> Self {
        // Taken apart whole, so that a new field of the record is not forgotten here.
        let Cdr {
            schema,
            kind,
            channel,
            message,
            attempt,
            visible_id,
            direction,
            origin_class,
            class,
            account,
            origin_link,
            peer,
            source,
            source_ton_npi,
            destination,
            destination_ton_npi,
            carrier,
            part,
            parts,
            data_coding,
            octets,
            accepted_at,
            first_sent_at,
            taken_at,
            final_at,
            outcome,
            reason,
            status,
            network_error,
            remote_id,
            doubt,
            possible_duplicate,
            rule,
            rule_version,
            lookup,
            charge,
            voice,
        } = published.cdr.clone();
        Self {
            sequence: published.sequence,
            id: published.cdr.id(),
            outbox: Outbox { commit: published.commit, index: published.index, of: published.of },
            schema,
            kind,
            channel,
            message: Id(message),
            attempt,
            visible_id,
            direction,
            origin_class,
            class,
            account,
            origin_link,
            peer,
            source,
            source_ton: source_ton_npi.0,
            source_npi: source_ton_npi.1,
            destination,
            destination_ton: destination_ton_npi.0,
            destination_npi: destination_ton_npi.1,
            carrier,
            part: part.map(|(whole, number, of)| Part { whole: Id(whole), number, of }),
            parts,
            data_coding,
            octets,
            accepted_at: Instant(accepted_at),
            first_sent_at: first_sent_at.map(Instant),
            taken_at: taken_at.map(Instant),
            final_at: Instant(final_at),
            outcome,
            reason,
            status,
            network_error: network_error.map(|(network, code)| NetworkError { network, code }),
            remote_id,
            doubt,
            possible_duplicate,
            rule,
            rule_version,
            lookup,
            charge,
            voice,
        }
    }
}

impl From<Line> for PublishedCdr {
    fn from(line: Line) -> Self {
        let cdr = Cdr {
            schema: line.schema,
            kind: line.kind,
            channel: line.channel,
            message: line.message.0,
            attempt: line.attempt,
            visible_id: line.visible_id,
            direction: line.direction,
            origin_class: line.origin_class,
            class: line.class,
            account: line.account,
            origin_link: line.origin_link,
            peer: line.peer,
            source: line.source,
            source_ton_npi: (line.source_ton, line.source_npi),
            destination: line.destination,
            destination_ton_npi: (line.destination_ton, line.destination_npi),
            carrier: line.carrier,
            part: line.part.map(|part| (part.whole.0, part.number, part.of)),
            parts: line.parts,
            data_coding: line.data_coding,
            octets: line.octets,
            accepted_at: line.accepted_at.0,
            first_sent_at: line.first_sent_at.map(|instant| instant.0),
            taken_at: line.taken_at.map(|instant| instant.0),
            final_at: line.final_at.0,
            outcome: line.outcome,
            reason: line.reason,
            status: line.status,
            network_error: line.network_error.map(|error| (error.network, error.code)),
            remote_id: line.remote_id,
            doubt: line.doubt,
            possible_duplicate: line.possible_duplicate,
            rule: line.rule,
            rule_version: line.rule_version,
            lookup: line.lookup,
            charge: line.charge,
            voice: line.voice,
        };
        let Outbox { commit, index, of } = line.outbox;
        Self { sequence: line.sequence, commit, index, of, cdr }
    }
}

impl PublishedCdr {
    /// Writes the line with its end.
    ///
    /// # Errors
    /// When an instant lies outside the years that can be written.
    pub fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(&mut *into, &Line::from(self))?;
        into.push(b'\n');
        Ok(())
    }

    /// Reads a line.
    ///
    /// # Errors
    /// When it is no record.
    pub fn read(line: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice::<Line>(line).map(Self::from)
    }

    /// True when it is the last record of its commit.
    pub(super) fn ends_commit(&self) -> bool {
        self.index.checked_add(1) == Some(self.of)
    }
}
