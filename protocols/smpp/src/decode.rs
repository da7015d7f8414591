//! From octets to [`Pdu`]: every fault is a typed error that knows its answer.

use crate::frame::Header;
use crate::pdu::{Body, Pdu};
use crate::tlv::TlvError;
use crate::{CommandId, CommandStatus, Field, Profile};
use bytes::Bytes;
use std::fmt;

mod reader;
pub(crate) use reader::{Reader, share};

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
