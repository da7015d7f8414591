//! From octets to [`Pdu`]: every fault is a typed error that knows its answer.

use crate::frame::{HEADER_LEN, Header};
use crate::pdu::{Body, Pdu};
use crate::tlv::{TlvError, Tlvs, check_area};
use crate::{
    COctets, CommandId, CommandStatus, Field, Leniency, MissingNul, Profile, SmLength, TimeCheck, TlvRule,
};
use bytes::Bytes;
use std::fmt;

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The frame is shorter than a header, or its command_length is not the frame's length.
    Frame,
    /// command_id is none of SMPP 3.3, 3.4 or 5.0.
    UnknownCommand,
    /// The PDU ends before the field does.
    Truncated,
    /// The response has no body though its status is ESME_ROK.
    MissingBody,
    /// The PDU ends where the NUL of the text should be.
    MissingNul,
    /// The text is longer than the limit, in octets.
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// An octet outside of printable ASCII in an address.
    NotAscii {
        /// The octet.
        octet: u8,
    },
    /// The time is neither empty nor of the form YYMMDDhhmmsstnnp.
    Time,
    /// sm_length reaches past the end of the PDU.
    PastEnd {
        /// sm_length.
        declared: usize,
        /// Octets that are left.
        available: usize,
    },
    /// short_message and message_payload are both filled.
    BothTexts,
    /// The value is none of those that are defined.
    Value {
        /// The value.
        value: u8,
    },
    /// The TLVs are damaged, or one has a wrong length.
    Tlv(TlvError),
    /// The peer may not send TLVs.
    TlvsNotAllowed,
    /// Octets follow where the PDU should end.
    StrayOctets {
        /// How many.
        count: usize,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Frame => f.write_str("is no whole pdu"),
            Fault::UnknownCommand => f.write_str("is not known"),
            Fault::Truncated => f.write_str("is cut off by the end of the pdu"),
            Fault::MissingBody => f.write_str("is missing"),
            Fault::MissingNul => f.write_str("has no terminating nul"),
            Fault::TooLong { limit } => write!(f, "is longer than {limit} octets"),
            Fault::NotAscii { octet } => write!(f, "has octet {octet:#04x}"),
            Fault::Time => f.write_str("is no time of the form YYMMDDhhmmsstnnp"),
            Fault::PastEnd { declared, available } => {
                write!(f, "says {declared} octets where {available} are left")
            }
            Fault::BothTexts => f.write_str("is filled beside message_payload"),
            Fault::Value { value } => write!(f, "is {value}"),
            Fault::Tlv(error) => write!(f, "are wrong: {error}"),
            Fault::TlvsNotAllowed => f.write_str("are not allowed"),
            Fault::StrayOctets { count } => write!(f, "has {count} stray octets at its end"),
        }
    }
}

/// A PDU that could not be decoded. The stream is not affected: the next frame starts where it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{command} with sequence {sequence}: {field} at offset {offset} {fault}")]
pub struct DecodeError {
    /// The PDU's command_id; 0 when the frame was shorter than a header.
    pub command: CommandId,
    /// The PDU's own command_status (of interest in responses).
    pub peer_status: CommandStatus,
    /// The PDU's sequence_number; 0 when the frame was shorter than a header.
    pub sequence: u32,
    /// The command_status to answer with.
    pub status: CommandStatus,
    /// The field that is wrong.
    pub field: Field,
    /// Where the field starts, in octets from the start of the PDU.
    pub offset: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

impl DecodeError {
    /// A request whose command_id is not known.
    pub(crate) fn unknown_command(command: CommandId, peer_status: CommandStatus, sequence: u32) -> Self {
        DecodeError {
            command,
            peer_status,
            sequence,
            status: CommandStatus::RINVCMDID,
            field: Field::CommandId,
            offset: 4,
            fault: Fault::UnknownCommand,
        }
    }

    /// The answer the peer must get: the request's own response with the status, or generic_nack when the
    /// command is not known or the frame is damaged; `None` for responses and for requests without a
    /// response (3.4 clause 4.3).
    pub fn reply(&self) -> Option<Pdu> {
        if self.fault == Fault::Frame {
            return Some(Pdu::error(CommandId::GENERIC_NACK, self.status, self.sequence));
        }
        if self.command.is_response() {
            return None;
        }
        if !self.command.is_known() {
            return Some(Pdu::error(CommandId::GENERIC_NACK, self.status, self.sequence));
        }
        if !self.command.expects_response() {
            return None;
        }
        Some(Pdu::error(self.command.response(), self.status, self.sequence))
    }
}

/// Reads the fields of one PDU from left to right.
pub(crate) struct Reader<'a, 'p> {
    frame: &'a [u8],
    position: usize,
    header: Header,
    profile: &'p Profile,
}

impl<'a, 'p> Reader<'a, 'p> {
    /// Checks that `frame` is one whole PDU and stands after its header.
    #[inline]
    pub(crate) fn new(frame: &'a [u8], profile: &'p Profile) -> Result<Self, DecodeError> {
        match Header::read(frame) {
            Some(header) if header.length as usize == frame.len() => {
                Ok(Reader { frame, position: HEADER_LEN, header, profile })
            }
            header => Err(frame_error(header)),
        }
    }

    #[inline]
    pub(crate) fn header(&self) -> Header {
        self.header
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        &self.frame[self.position..]
    }

    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        self.position == self.frame.len()
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn error(&self, field: Field, fault: Fault) -> DecodeError {
        let status = match fault {
            Fault::Truncated
            | Fault::MissingNul
            | Fault::MissingBody
            | Fault::StrayOctets { .. }
            | Fault::Frame => CommandStatus::RINVCMDLEN,
            Fault::PastEnd { .. } | Fault::BothTexts => CommandStatus::RINVMSGLEN,
            Fault::TlvsNotAllowed => CommandStatus::ROPTPARNOTALLWD,
            Fault::Tlv(TlvError::Length { .. }) => CommandStatus::RINVPARLEN,
            Fault::Tlv(TlvError::PastEnd { .. } | TlvError::TooLong { .. }) => {
                CommandStatus::RINVOPTPARSTREAM
            }
            Fault::TooLong { .. }
            | Fault::NotAscii { .. }
            | Fault::Time
            | Fault::Value { .. }
            | Fault::UnknownCommand => field.status(),
        };
        DecodeError {
            command: self.header.command,
            peer_status: self.header.status,
            sequence: self.header.sequence,
            status,
            field,
            offset: self.position,
            fault,
        }
    }

    #[inline]
    pub(crate) fn u8(&mut self, field: Field) -> Result<u8, DecodeError> {
        match self.frame.get(self.position) {
            Some(&octet) => {
                self.position += 1;
                Ok(octet)
            }
            None => Err(self.error(field, Fault::Truncated)),
        }
    }

    /// Several one-octet fields in a row; `field` is the first of them.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self, field: Field) -> Result<[u8; N], DecodeError> {
        match self.rest().first_chunk::<N>() {
            Some(octets) => {
                self.position += N;
                Ok(*octets)
            }
            None => Err(self.error(field, Fault::Truncated)),
        }
    }

    /// A C-octet string, without its NUL.
    #[inline]
    pub(crate) fn text(&mut self, field: Field) -> Result<&'a [u8], DecodeError> {
        let rest = self.rest();
        let limit = field.limit(self.profile);
        let Some(end) = find_nul(rest, limit) else {
            return self.text_without_nul(field, limit);
        };
        let text = &rest[..end];
        if field.is_address() && self.profile.latin1_address == Leniency::Refuse {
            self.check_ascii(field, text)?;
        }
        self.position += end + 1;
        Ok(text)
    }

    #[cold]
    fn text_without_nul(&mut self, field: Field, limit: usize) -> Result<&'a [u8], DecodeError> {
        let rest = self.rest();
        if rest.len() > limit {
            return Err(self.error(field, Fault::TooLong { limit }));
        }
        let allowed = match self.profile.missing_nul {
            MissingNul::Refuse => false,
            MissingNul::InResponses => self.header.command.is_response(),
            MissingNul::Accept => true,
        };
        if !allowed || rest.is_empty() {
            let fault = if rest.is_empty() { Fault::Truncated } else { Fault::MissingNul };
            return Err(self.error(field, fault));
        }
        if field.is_address() && self.profile.latin1_address == Leniency::Refuse {
            self.check_ascii(field, rest)?;
        }
        self.position = self.frame.len();
        Ok(rest)
    }

    #[cold]
    fn check_ascii(&self, field: Field, text: &[u8]) -> Result<(), DecodeError> {
        match text.iter().find(|octet| !matches!(octet, 0x20..=0x7e)) {
            Some(&octet) => Err(self.error(field, Fault::NotAscii { octet })),
            None => Ok(()),
        }
    }

    /// schedule_delivery_time or validity_period.
    #[inline]
    pub(crate) fn time(&mut self, field: Field) -> Result<&'a [u8], DecodeError> {
        let start = self.position;
        let text = self.text(field)?;
        if self.profile.times == TimeCheck::Format && !text.is_empty() && !crate::time::is_well_formed(text) {
            self.position = start;
            return Err(self.error(field, Fault::Time));
        }
        Ok(text)
    }

    /// sm_length, short_message and the octets of the TLVs after them, already checked.
    #[inline]
    pub(crate) fn message(&mut self) -> Result<(&'a [u8], &'a [u8]), DecodeError> {
        let declared = usize::from(self.u8(Field::SmLength)?);
        let rest = self.rest();
        if let Some((text, tlvs)) = rest.split_at_checked(declared)
            && check_area(tlvs).is_ok()
        {
            if declared > self.profile.limits.short_message.into() {
                let limit = self.profile.limits.short_message.into();
                return Err(self.error(Field::ShortMessage, Fault::TooLong { limit }));
            }
            self.position += declared;
            self.check_tlvs(tlvs)?;
            self.position = self.frame.len();
            return Ok((text, tlvs));
        }
        self.message_off_by_one(declared)
    }

    #[cold]
    fn message_off_by_one(&mut self, declared: usize) -> Result<(&'a [u8], &'a [u8]), DecodeError> {
        let rest = self.rest();
        if self.profile.sm_length == SmLength::OffByOne {
            let fewer = declared.checked_sub(1).and_then(|length| rest.split_at_checked(length));
            let more = rest.split_at_checked(declared + 1);
            for (text, tlvs) in [fewer, more].into_iter().flatten() {
                if check_area(tlvs).is_err() {
                    continue;
                }
                // A NUL that was sent but not counted is no part of the text.
                let uncounted = text.len() > declared && text.last() == Some(&0);
                let shown = if uncounted { &text[..declared] } else { text };
                self.position += text.len();
                self.check_tlvs(tlvs)?;
                self.position = self.frame.len();
                return Ok((shown, tlvs));
            }
        }
        match rest.split_at_checked(declared) {
            None => {
                self.position -= 1;
                Err(self.error(Field::SmLength, Fault::PastEnd { declared, available: rest.len() }))
            }
            Some((_, tlvs)) => {
                self.position += declared;
                let error = check_area(tlvs).expect_err("the caller found the area damaged");
                Err(self.error(Field::Tlvs, Fault::Tlv(error)))
            }
        }
    }

    /// sm_length and as many octets of text, in the middle of a PDU.
    pub(crate) fn counted_text(&mut self) -> Result<&'a [u8], DecodeError> {
        let declared = usize::from(self.u8(Field::SmLength)?);
        match self.rest().get(..declared) {
            Some(text) => {
                self.position += declared;
                Ok(text)
            }
            None => {
                let available = self.rest().len();
                self.position -= 1;
                Err(self.error(Field::SmLength, Fault::PastEnd { declared, available }))
            }
        }
    }

    /// `position` stands where the TLVs start.
    #[inline]
    fn check_tlvs(&self, area: &'a [u8]) -> Result<(), DecodeError> {
        if area.is_empty() || self.profile.tlvs == TlvRule::Keep {
            return Ok(());
        }
        self.check_tlvs_strictly(area)
    }

    #[cold]
    fn check_tlvs_strictly(&self, area: &'a [u8]) -> Result<(), DecodeError> {
        if self.profile.tlvs == TlvRule::Refuse {
            return Err(self.error(Field::Tlvs, Fault::TlvsNotAllowed));
        }
        Tlvs::from_checked(Bytes::copy_from_slice(area))
            .check_lengths()
            .map_err(|error| self.error(Field::Tlvs, Fault::Tlv(error)))
    }

    /// The rest of the PDU as TLVs.
    pub(crate) fn tlvs(&mut self, frame: &Bytes) -> Result<Tlvs, DecodeError> {
        let area = self.rest();
        if area.is_empty() {
            return Ok(Tlvs::new());
        }
        if let Err(error) = check_area(area) {
            if self.header.command.is_response() && self.profile.damaged_response_tlvs.accepts() {
                self.position = self.frame.len();
                return Ok(Tlvs::new());
            }
            return Err(self.error(Field::Tlvs, Fault::Tlv(error)));
        }
        self.check_tlvs(area)?;
        self.position = self.frame.len();
        Ok(Tlvs::from_checked(frame.slice_ref(area)))
    }

    /// The PDU must end here.
    pub(crate) fn end(&self) -> Result<(), DecodeError> {
        let count = self.rest().len();
        if count > 0 && !self.profile.stray_octets.accepts() {
            return Err(self.error(Field::Body, Fault::StrayOctets { count }));
        }
        Ok(())
    }

    pub(crate) fn octets(&mut self, frame: &Bytes, field: Field) -> Result<COctets, DecodeError> {
        Ok(COctets(share(frame, self.text(field)?)))
    }

    pub(crate) fn profile(&self) -> &'p Profile {
        self.profile
    }
}

/// Where the first NUL is, if at most `limit` octets stand before it. Eight octets at a time: this search is
/// most of the work of decoding a submit_sm.
#[inline]
fn find_nul(octets: &[u8], limit: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    while at <= limit {
        let rest = octets.get(at..)?;
        let Some(chunk) = rest.first_chunk::<8>() else {
            let end = at + rest.iter().position(|&octet| octet == 0)?;
            return (end <= limit).then_some(end);
        };
        let word = u64::from_le_bytes(*chunk);
        // The lowest top bit left stands in the first octet that is zero.
        let zeros = word.wrapping_sub(ONES) & !word & TOPS;
        if zeros != 0 {
            let end = at + zeros.trailing_zeros() as usize / 8;
            return (end <= limit).then_some(end);
        }
        at += 8;
    }
    None
}

/// A slice of `frame` without copying; an empty one holds no reference.
#[inline]
pub(crate) fn share(frame: &Bytes, part: &[u8]) -> Bytes {
    if part.is_empty() { Bytes::new() } else { frame.slice_ref(part) }
}

#[cold]
fn frame_error(header: Option<Header>) -> DecodeError {
    let header = header.unwrap_or(Header {
        length: 0,
        command: CommandId(0),
        status: CommandStatus::ROK,
        sequence: 0,
    });
    DecodeError {
        command: header.command,
        peer_status: header.status,
        sequence: header.sequence,
        status: CommandStatus::RINVCMDLEN,
        field: Field::Header,
        offset: 0,
        fault: Fault::Frame,
    }
}

impl Pdu {
    /// Decodes one whole frame, as [`crate::frame::split_frame`] gives it. All text fields share its memory.
    ///
    /// An unknown command is no error here: its body is kept in [`Body::Unknown`].
    ///
    /// # Errors
    /// [`DecodeError`], which names the field and the status to answer with.
    #[inline]
    pub fn decode(frame: &Bytes, profile: &Profile) -> Result<Pdu, DecodeError> {
        let mut reader = Reader::new(frame, profile)?;
        let Header { status, sequence, .. } = reader.header();
        let body = Body::read(&mut reader, frame)?;
        Ok(Pdu { status, sequence, body })
    }
}

#[cfg(test)]
mod tests {
    use super::find_nul;

    #[test]
    fn nul_is_found_where_a_plain_search_finds_it() {
        for length in 0..40 {
            for nul in 0..=length {
                // 0x80 and 0x01 beside a NUL are what a word-wise search may mistake.
                for filler in [b'a', 0x01, 0x80, 0xff] {
                    let mut octets = vec![filler; length];
                    if let Some(octet) = octets.get_mut(nul) {
                        *octet = 0;
                    }
                    for limit in 0..40 {
                        let plain = octets.iter().position(|&octet| octet == 0).filter(|&end| end <= limit);
                        assert_eq!(find_nul(&octets, limit), plain, "{octets:?} {limit}");
                    }
                }
            }
        }
    }
}
