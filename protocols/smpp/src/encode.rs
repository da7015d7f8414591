//! From [`Pdu`] to octets: strict, so that nothing we send needs a lenient peer.

use crate::frame::HEADER_LEN;
use crate::pdu::{Body, Pdu};
use crate::tlv::Tlvs;
use crate::{COctets, CommandId, CommandStatus, Field, Leniency, Profile, Version};
use bytes::BytesMut;

/// Why a PDU was not encoded; the output is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A text or list exceeds what the field can hold.
    #[error("{field} of {length} exceeds the limit of {limit}")]
    TooLong {
        /// The field.
        field: Field,
        /// Its octets or entries.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// A C-octet string contains NUL, which would end it.
    #[error("{field} contains nul")]
    Nul {
        /// The field.
        field: Field,
    },
    /// An address holds something else than printable ASCII, and the profile does not allow it.
    #[error("{field} has octet {octet:#04x}")]
    NotAscii {
        /// The field.
        field: Field,
        /// The octet.
        octet: u8,
    },
    /// A time is neither empty nor of the form YYMMDDhhmmsstnnp.
    #[error("{field} is no time of the form YYMMDDhhmmsstnnp")]
    Time {
        /// The field.
        field: Field,
    },
    /// The peer's version has no TLVs.
    #[error("a peer of version {version:?} must not be sent optional parameters")]
    TlvsNotAllowed {
        /// The version.
        version: Version,
    },
    /// The peer's version has no such command.
    #[error("{command} does not exist in version {version:?}")]
    CommandNotInVersion {
        /// The command.
        command: CommandId,
        /// The version.
        version: Version,
    },
    /// short_message and message_payload are both filled.
    #[error("short_message and message_payload are both filled")]
    BothTexts,
    /// The PDU exceeds the largest the profile allows.
    #[error("pdu of {length} octets exceeds the limit of {limit}")]
    PduTooLong {
        /// Its octets.
        length: usize,
        /// The limit.
        limit: usize,
    },
}

/// Takes the fields of a PDU from left to right: once to measure and check, once to write.
pub(crate) trait Sink {
    fn u8(&mut self, octet: u8);
    fn u32(&mut self, value: u32);
    fn text(&mut self, field: Field, text: &COctets);
    fn time(&mut self, field: Field, text: &COctets);
    /// A list's length as one octet.
    fn count(&mut self, field: Field, length: usize);
    /// sm_length and short_message.
    fn message(&mut self, text: &[u8], tlvs: &Tlvs);
    fn octets(&mut self, octets: &[u8]);
    fn tlvs(&mut self, tlvs: &Tlvs);
}

struct Measure<'a> {
    length: usize,
    response: bool,
    profile: &'a Profile,
    error: Option<EncodeError>,
}

impl Measure<'_> {
    #[cold]
    fn fail(&mut self, error: EncodeError) {
        self.error.get_or_insert(error);
    }
}

impl Sink for Measure<'_> {
    #[inline]
    fn u8(&mut self, _octet: u8) {
        self.length += 1;
    }

    #[inline]
    fn u32(&mut self, _value: u32) {
        self.length += 4;
    }

    #[inline]
    fn text(&mut self, field: Field, text: &COctets) {
        let length = text.len();
        self.length += length + 1;
        if length == 0 {
            return;
        }
        let limit = field.limit_out(self.profile);
        if length > limit {
            self.fail(EncodeError::TooLong { field, length, limit });
        } else if text.contains(&0) {
            self.fail(EncodeError::Nul { field });
        } else if field.is_address()
            && self.profile.latin1_address == Leniency::Refuse
            && let Some(&octet) = text.iter().find(|octet| !matches!(octet, 0x20..=0x7e))
        {
            self.fail(EncodeError::NotAscii { field, octet });
        }
    }

    #[inline]
    fn time(&mut self, field: Field, text: &COctets) {
        self.length += text.len() + 1;
        if !text.is_empty() && !crate::time::is_well_formed(text) {
            self.fail(EncodeError::Time { field });
        }
    }

    #[inline]
    fn count(&mut self, field: Field, length: usize) {
        self.length += 1;
        if length > 254 {
            self.fail(EncodeError::TooLong { field, length, limit: 254 });
        }
    }

    #[inline]
    fn message(&mut self, text: &[u8], tlvs: &Tlvs) {
        let length = text.len();
        self.length += 1 + length;
        let limit = Field::ShortMessage.limit_out(self.profile);
        if length > limit {
            self.fail(EncodeError::TooLong { field: Field::ShortMessage, length, limit });
        } else if length > 0 && tlvs.contains(crate::Tag::MESSAGE_PAYLOAD) {
            self.fail(EncodeError::BothTexts);
        }
    }

    #[inline]
    fn octets(&mut self, octets: &[u8]) {
        self.length += octets.len();
    }

    #[inline]
    fn tlvs(&mut self, tlvs: &Tlvs) {
        if tlvs.is_empty() {
            return;
        }
        if self.profile.version >= Version::V3_4 {
            self.length += tlvs.as_bytes().len();
        } else if !self.response {
            self.fail(EncodeError::TlvsNotAllowed { version: self.profile.version });
        }
    }
}

/// Writes into space that was measured before, so no write can fall outside of it.
struct Writer<'a> {
    rest: &'a mut [u8],
    /// A 3.3 peer gets responses without their TLVs.
    with_tlvs: bool,
}

impl Writer<'_> {
    #[inline]
    fn put(&mut self, octets: &[u8]) {
        let (head, tail) = std::mem::take(&mut self.rest).split_at_mut(octets.len());
        head.copy_from_slice(octets);
        self.rest = tail;
    }
}

impl Sink for Writer<'_> {
    #[inline]
    fn u8(&mut self, octet: u8) {
        self.put(&[octet]);
    }

    #[inline]
    fn u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    #[inline]
    fn text(&mut self, _field: Field, text: &COctets) {
        self.put(text);
        self.put(&[0]);
    }

    #[inline]
    fn time(&mut self, field: Field, text: &COctets) {
        self.text(field, text);
    }

    #[inline]
    fn count(&mut self, _field: Field, length: usize) {
        // Measured to be at most 254.
        self.put(&[length as u8]);
    }

    #[inline]
    fn message(&mut self, text: &[u8], _tlvs: &Tlvs) {
        // Measured to be at most 255.
        self.put(&[text.len() as u8]);
        self.put(text);
    }

    #[inline]
    fn octets(&mut self, octets: &[u8]) {
        self.put(octets);
    }

    #[inline]
    fn tlvs(&mut self, tlvs: &Tlvs) {
        if self.with_tlvs {
            self.put(tlvs.as_bytes());
        }
    }
}

/// The versions a command exists in.
fn check_version(command: CommandId, version: Version) -> Result<(), EncodeError> {
    let exists = match command.request() {
        CommandId::BIND_TRANSCEIVER
        | CommandId::OUTBIND
        | CommandId::ALERT_NOTIFICATION
        | CommandId::DATA_SM => version >= Version::V3_4,
        CommandId::BROADCAST_SM | CommandId::QUERY_BROADCAST_SM | CommandId::CANCEL_BROADCAST_SM => {
            version >= Version::V5_0
        }
        CommandId::PARAM_RETRIEVE | CommandId::QUERY_LAST_MSGS | CommandId::QUERY_MSG_DETAILS => {
            version == Version::V3_3
        }
        _ => true,
    };
    // An error response is owed even to a command the version does not have.
    if exists || command.is_response() {
        Ok(())
    } else {
        Err(EncodeError::CommandNotInVersion { command, version })
    }
}

impl Pdu {
    /// Appends the PDU to `out`, which may hold others already.
    ///
    /// # Errors
    /// [`EncodeError`] when a field breaks the specification or the peer's limits; `out` is left unchanged.
    #[inline]
    pub fn encode(&self, out: &mut BytesMut, profile: &Profile) -> Result<(), EncodeError> {
        self.body.encode(self.status, self.sequence, out, profile)
    }
}

impl Body {
    /// Appends a PDU with this body to `out`. As [`Pdu::encode`], without having to build a [`Pdu`].
    ///
    /// # Errors
    /// [`EncodeError`]; `out` is left unchanged.
    pub fn encode(
        &self,
        status: CommandStatus,
        sequence: u32,
        out: &mut BytesMut,
        profile: &Profile,
    ) -> Result<(), EncodeError> {
        let command = self.command();
        let response = command.is_response();
        check_version(command, profile.version)?;
        let bare = !status.is_ok() && response && !profile.error_response_body && self.is_blank();
        let mut measure = Measure { length: HEADER_LEN, response, profile, error: None };
        if !bare {
            self.visit(&mut measure);
        }
        if let Some(error) = measure.error {
            return Err(error);
        }
        let length = measure.length;
        if length > profile.max_pdu {
            return Err(EncodeError::PduTooLong { length, limit: profile.max_pdu });
        }
        let start = out.len();
        out.resize(start + length, 0);
        let with_tlvs = profile.version >= Version::V3_4;
        let mut writer = Writer { rest: &mut out[start..], with_tlvs };
        writer.u32(length as u32);
        writer.u32(command.0);
        writer.u32(status.0);
        writer.u32(sequence);
        if !bare {
            self.visit(&mut writer);
        }
        Ok(())
    }
}
