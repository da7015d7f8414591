//! Framing: cuts a byte stream into PDUs, and the sixteen-octet header.
//!
//! A frame is split off by its command_length before anything in it is looked at, so no content, however
//! wrong, moves the border to the next PDU.

use crate::{CommandId, CommandStatus};
use bytes::{Bytes, BytesMut};

/// Octets of the PDU header.
pub const HEADER_LEN: usize = 16;

/// Largest PDU accepted unless the profile says otherwise: a submit_multi with 254 destinations and a
/// message_payload of 64 KiB fits.
pub const DEFAULT_MAX_PDU: usize = 96 * 1024;

/// The four header fields of each PDU (SMPP 3.4 clause 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Octets of the whole PDU, header included.
    pub length: u32,
    /// What the PDU is.
    pub command: CommandId,
    /// Zero in requests.
    pub status: CommandStatus,
    /// Correlates a response with its request.
    pub sequence: u32,
}

impl Header {
    /// Reads the header at the start of `octets`; `None` when there are fewer than sixteen.
    #[inline]
    pub fn read(octets: &[u8]) -> Option<Header> {
        let octets: &[u8; HEADER_LEN] = octets.first_chunk()?;
        let word =
            |at: usize| u32::from_be_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]]);
        Some(Header {
            length: word(0),
            command: CommandId(word(4)),
            status: CommandStatus(word(8)),
            sequence: word(12),
        })
    }
}

/// The stream cannot be cut into PDUs any more: the only fault after which a session must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// command_length is below the sixteen octets of the header.
    #[error("command_length {length} is shorter than the header of 16 octets")]
    TooShort {
        /// command_length as received.
        length: u32,
        /// sequence_number of the PDU.
        sequence: u32,
    },
    /// command_length is above the limit.
    #[error("command_length {length} exceeds the limit of {max} octets")]
    TooLong {
        /// command_length as received.
        length: u32,
        /// The limit.
        max: usize,
        /// sequence_number of the PDU.
        sequence: u32,
    },
}

impl FrameError {
    /// The sequence_number of the impossible PDU.
    pub fn sequence(&self) -> u32 {
        match *self {
            FrameError::TooShort { sequence, .. } | FrameError::TooLong { sequence, .. } => sequence,
        }
    }
}

/// Splits the next whole PDU off `input`.
///
/// `Ok(None)` means that more octets are needed. The frame shares `input`'s memory. `max` is the largest
/// command_length accepted.
///
/// # Errors
/// [`FrameError`] for an impossible command_length; `input` is left as it is.
#[inline]
pub fn split_frame(input: &mut BytesMut, max: usize) -> Result<Option<Bytes>, FrameError> {
    match frame_len(input, max)? {
        Some(length) => Ok(Some(input.split_to(length).freeze())),
        None => Ok(None),
    }
}

/// The length of the whole PDU at the start of `input`, or `None` when more octets are needed. A length is
/// judged when the whole header is there, so that its sequence_number can be answered.
///
/// # Errors
/// [`FrameError`] for an impossible command_length.
#[inline]
pub fn frame_len(input: &[u8], max: usize) -> Result<Option<usize>, FrameError> {
    let Some(Header { length, sequence, .. }) = Header::read(input) else { return Ok(None) };
    let octets = length as usize;
    if octets < HEADER_LEN {
        return Err(FrameError::TooShort { length, sequence });
    }
    if octets > max {
        return Err(FrameError::TooLong { length, max, sequence });
    }
    Ok((input.len() >= octets).then_some(octets))
}

/// Overwrites sequence_number in an encoded PDU, so that a frame can be forwarded without encoding it anew.
/// Returns `false`, changing nothing, when `frame` is shorter than a header.
pub fn patch_sequence(frame: &mut [u8], sequence: u32) -> bool {
    match frame.get_mut(12..16) {
        Some(field) => {
            field.copy_from_slice(&sequence.to_be_bytes());
            true
        }
        None => false,
    }
}

/// Overwrites command_status in an encoded PDU. Returns `false` when `frame` is shorter than a header.
pub fn patch_status(frame: &mut [u8], status: CommandStatus) -> bool {
    match frame.get_mut(8..12) {
        Some(field) => {
            field.copy_from_slice(&status.0.to_be_bytes());
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_cut_by_its_length_only() {
        let mut input = BytesMut::from(&b"\0\0\0\x12\x80\0\0\x15\0\0\0\0\0\0\0\x07\xff\xff\0\0\0\x10"[..]);
        let frame = split_frame(&mut input, 100).unwrap().unwrap();
        assert_eq!(frame.len(), 18);
        assert_eq!(Header::read(&frame).unwrap().sequence, 7);
        assert_eq!(&input[..], b"\0\0\0\x10");
        assert_eq!(split_frame(&mut input, 100), Ok(None));
    }

    #[test]
    fn impossible_lengths_are_fatal_and_name_the_sequence() {
        let mut short = BytesMut::from(&b"\0\0\0\x0c\0\0\0\x15\0\0\0\0\0\0\0\x07"[..]);
        assert_eq!(split_frame(&mut short, 100), Err(FrameError::TooShort { length: 12, sequence: 7 }));
        let mut long = BytesMut::from(&b"\0\0\x01\0\0\0\0\x15\0\0\0\0\0\0\0"[..]);
        assert_eq!(split_frame(&mut long, 100), Ok(None));
        long.extend_from_slice(b"\x08");
        assert_eq!(
            split_frame(&mut long, 100),
            Err(FrameError::TooLong { length: 256, max: 100, sequence: 8 })
        );
    }

    #[test]
    fn patches_stay_inside_the_header() {
        let mut frame = *b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x07";
        assert!(patch_sequence(&mut frame, 0x0102_0304));
        assert!(patch_status(&mut frame, CommandStatus::RTHROTTLED));
        assert_eq!(&frame, b"\0\0\0\x10\0\0\0\x15\0\0\0\x58\x01\x02\x03\x04");
        assert!(!patch_sequence(&mut frame[..12], 1));
    }
}
