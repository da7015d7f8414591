//! Borrowed views of the PDUs of the hot path: no reference counts, fields are slices of the frame.

use super::{MessageResp, ShortMessage};
use crate::decode::{DecodeError, Fault, Reader, share};
use crate::frame::Header;
use crate::tlv::{Tag, TlvIter, Tlvs};
use crate::{
    Address, COctets, CommandId, DataCoding, EsmClass, Field, Npi, Profile, RegisteredDelivery, Ton,
};
use bytes::Bytes;

/// submit_sm or deliver_sm, borrowed from its frame. The fields are those of [`ShortMessage`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShortMessageView<'a> {
    /// service_type.
    pub service_type: &'a [u8],
    /// source_addr_ton.
    pub source_ton: Ton,
    /// source_addr_npi.
    pub source_npi: Npi,
    /// source_addr.
    pub source_addr: &'a [u8],
    /// dest_addr_ton.
    pub destination_ton: Ton,
    /// dest_addr_npi.
    pub destination_npi: Npi,
    /// destination_addr.
    pub destination_addr: &'a [u8],
    /// esm_class.
    pub esm_class: EsmClass,
    /// protocol_id.
    pub protocol_id: u8,
    /// priority_flag.
    pub priority_flag: u8,
    /// schedule_delivery_time.
    pub schedule_delivery_time: &'a [u8],
    /// validity_period.
    pub validity_period: &'a [u8],
    /// registered_delivery.
    pub registered_delivery: RegisteredDelivery,
    /// replace_if_present_flag.
    pub replace_if_present: u8,
    /// data_coding.
    pub data_coding: DataCoding,
    /// sm_default_msg_id.
    pub sm_default_msg_id: u8,
    /// short_message.
    pub short_message: &'a [u8],
    /// The octets of the TLVs, whose framing is checked.
    pub tlvs: &'a [u8],
}

impl std::fmt::Debug for ShortMessageView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShortMessageView")
            .field("service_type", &self.service_type.escape_ascii())
            .field("source_addr", &self.source_addr.escape_ascii())
            .field("destination_addr", &self.destination_addr.escape_ascii())
            .field("esm_class", &self.esm_class)
            .field("data_coding", &self.data_coding)
            .field("short_message", &format_args!("({} octets)", self.short_message.len()))
            .finish_non_exhaustive()
    }
}

impl<'a> ShortMessageView<'a> {
    /// Reads a whole submit_sm or deliver_sm frame; `None` when it is another command.
    ///
    /// # Errors
    /// As [`crate::Pdu::decode`].
    #[inline]
    pub fn decode(frame: &'a [u8], profile: &Profile) -> Result<Option<(Header, Self)>, DecodeError> {
        let mut reader = Reader::new(frame, profile)?;
        let header = reader.header();
        if header.command != CommandId::SUBMIT_SM && header.command != CommandId::DELIVER_SM {
            return Ok(None);
        }
        let view = Self::read(&mut reader)?;
        Ok(Some((header, view)))
    }

    #[inline]
    pub(crate) fn read<'r>(reader: &mut Reader<'r, '_>) -> Result<ShortMessageView<'r>, DecodeError> {
        let service_type = reader.text(Field::ServiceType)?;
        let [source_ton, source_npi] = reader.array(Field::SourceTon)?;
        let source_addr = reader.text(Field::SourceAddr)?;
        let [destination_ton, destination_npi] = reader.array(Field::DestTon)?;
        let destination_addr = reader.text(Field::DestAddr)?;
        let [esm_class, protocol_id, priority_flag] = reader.array(Field::EsmClass)?;
        let schedule_delivery_time = reader.time(Field::ScheduleDeliveryTime)?;
        let validity_period = reader.time(Field::ValidityPeriod)?;
        let [registered_delivery, replace_if_present, data_coding, sm_default_msg_id] =
            reader.array(Field::RegisteredDelivery)?;
        let (short_message, tlvs) = reader.message()?;
        if !tlvs.is_empty() && !short_message.is_empty() && !reader.profile().both_texts.accepts() {
            let payload = TlvIter::over(tlvs).find(|tlv| tlv.tag == Tag::MESSAGE_PAYLOAD);
            if payload.is_some_and(|tlv| !tlv.value.is_empty()) {
                return Err(reader.error(Field::ShortMessage, Fault::BothTexts));
            }
        }
        Ok(ShortMessageView {
            service_type,
            source_ton: Ton(source_ton),
            source_npi: Npi(source_npi),
            source_addr,
            destination_ton: Ton(destination_ton),
            destination_npi: Npi(destination_npi),
            destination_addr,
            esm_class: EsmClass(esm_class),
            protocol_id,
            priority_flag,
            schedule_delivery_time,
            validity_period,
            registered_delivery: RegisteredDelivery(registered_delivery),
            replace_if_present,
            data_coding: DataCoding(data_coding),
            sm_default_msg_id,
            short_message,
            tlvs,
        })
    }

    /// Walks the TLVs.
    pub fn tlvs(&self) -> TlvIter<'a> {
        TlvIter::over(self.tlvs)
    }

    /// The value of the first TLV with this tag.
    pub fn tlv(&self, tag: Tag) -> Option<&'a [u8]> {
        self.tlvs().find(|tlv| tlv.tag == tag).map(|tlv| tlv.value)
    }

    /// An owned message that shares the memory of `frame`, which must be the frame this view was read from.
    ///
    /// # Panics
    /// When `frame` is another one.
    #[inline]
    pub fn share(&self, frame: &Bytes) -> ShortMessage {
        ShortMessage {
            service_type: COctets(share(frame, self.service_type)),
            source: Address {
                ton: self.source_ton,
                npi: self.source_npi,
                addr: COctets(share(frame, self.source_addr)),
            },
            destination: Address {
                ton: self.destination_ton,
                npi: self.destination_npi,
                addr: COctets(share(frame, self.destination_addr)),
            },
            esm_class: self.esm_class,
            protocol_id: self.protocol_id,
            priority_flag: self.priority_flag,
            schedule_delivery_time: COctets(share(frame, self.schedule_delivery_time)),
            validity_period: COctets(share(frame, self.validity_period)),
            registered_delivery: self.registered_delivery,
            replace_if_present: self.replace_if_present,
            data_coding: self.data_coding,
            sm_default_msg_id: self.sm_default_msg_id,
            short_message: share(frame, self.short_message),
            tlvs: Tlvs::from_checked(share(frame, self.tlvs)),
        }
    }
}

/// submit_sm_resp, deliver_sm_resp, data_sm_resp or broadcast_sm_resp, borrowed from its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRespView<'a> {
    /// message_id.
    pub message_id: &'a [u8],
    /// Whatever follows, unchecked.
    pub rest: &'a [u8],
}

impl<'a> MessageRespView<'a> {
    /// Reads a frame; `None` when it is none of the four responses, or so odd that
    /// [`crate::Pdu::decode`] must judge it.
    #[inline]
    pub fn decode(frame: &'a [u8]) -> Option<(Header, Self)> {
        let header = Header::read(frame)?;
        if header.length as usize != frame.len()
            || !matches!(
                header.command,
                CommandId::SUBMIT_SM_RESP
                    | CommandId::DELIVER_SM_RESP
                    | CommandId::DATA_SM_RESP
                    | CommandId::BROADCAST_SM_RESP
            )
        {
            return None;
        }
        let body = frame.get(crate::frame::HEADER_LEN..)?;
        if body.is_empty() {
            return Some((header, MessageRespView { message_id: &[], rest: &[] }));
        }
        let end = body.iter().position(|&octet| octet == 0)?;
        Some((header, MessageRespView { message_id: &body[..end], rest: &body[end + 1..] }))
    }

    /// An owned response that shares the memory of `frame`; damaged TLVs are dropped.
    ///
    /// # Panics
    /// When `frame` is not the frame this view was read from.
    pub fn share(&self, frame: &Bytes) -> MessageResp {
        MessageResp {
            message_id: COctets(share(frame, self.message_id)),
            tlvs: Tlvs::from_bytes(share(frame, self.rest)).unwrap_or_default(),
        }
    }
}
