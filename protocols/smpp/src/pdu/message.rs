//! The messages themselves: submit_sm, deliver_sm and data_sm (SMPP 3.4 clauses 4.4, 4.6, 4.7).

use super::view::ShortMessageView;
use crate::decode::{DecodeError, Reader};
use crate::encode::Sink;
use crate::tlv::Tlvs;
use crate::{Address, COctets, DataCoding, EsmClass, Field, Npi, RegisteredDelivery, Ton};
use bytes::Bytes;
use std::fmt;

/// submit_sm and deliver_sm, which have the same fields. `Debug` shows the text's length only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ShortMessage {
    /// Service; up to 5 octets.
    pub service_type: COctets,
    /// Who sends; up to 20 octets.
    pub source: Address,
    /// Who receives; up to 20 octets.
    pub destination: Address,
    /// Mode, type and features.
    pub esm_class: EsmClass,
    /// TP-PID on GSM.
    pub protocol_id: u8,
    /// 0 (lowest) to 3; 4 in 5.0.
    pub priority_flag: u8,
    /// When to deliver: empty (now) or 16 octets, see [`crate::time::SmppTime`]. Empty in deliver_sm.
    pub schedule_delivery_time: COctets,
    /// Until when to try: empty (the SMSC's default) or 16 octets. Empty in deliver_sm.
    pub validity_period: COctets,
    /// Which receipts are asked for.
    pub registered_delivery: RegisteredDelivery,
    /// 1: replaces a message with the same source, destination and service type.
    pub replace_if_present: u8,
    /// The text's coding.
    pub data_coding: DataCoding,
    /// 1 to 254: a text kept at the SMSC; 0: none.
    pub sm_default_msg_id: u8,
    /// The text, with a user data header if esm_class says so; up to 254 octets.
    pub short_message: Bytes,
    /// TLVs.
    pub tlvs: Tlvs,
}

impl ShortMessage {
    /// The text: message_payload if there is one and short_message is empty, else short_message.
    pub fn payload(&self) -> Bytes {
        if self.short_message.is_empty() {
            self.tlvs.message_payload().unwrap_or_default()
        } else {
            self.short_message.clone()
        }
    }

    #[inline]
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        Ok(ShortMessageView::read(reader)?.share(frame))
    }

    #[inline]
    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::ServiceType, &self.service_type);
        visit_source(sink, &self.source);
        visit_destination(sink, &self.destination);
        sink.u8(self.esm_class.0);
        sink.u8(self.protocol_id);
        sink.u8(self.priority_flag);
        sink.time(Field::ScheduleDeliveryTime, &self.schedule_delivery_time);
        sink.time(Field::ValidityPeriod, &self.validity_period);
        sink.u8(self.registered_delivery.0);
        sink.u8(self.replace_if_present);
        sink.u8(self.data_coding.0);
        sink.u8(self.sm_default_msg_id);
        sink.message(&self.short_message, &self.tlvs);
        sink.tlvs(&self.tlvs);
    }
}

impl fmt::Debug for ShortMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShortMessage")
            .field("service_type", &self.service_type)
            .field("source", &self.source)
            .field("destination", &self.destination)
            .field("esm_class", &self.esm_class)
            .field("protocol_id", &self.protocol_id)
            .field("priority_flag", &self.priority_flag)
            .field("schedule_delivery_time", &self.schedule_delivery_time)
            .field("validity_period", &self.validity_period)
            .field("registered_delivery", &self.registered_delivery)
            .field("replace_if_present", &self.replace_if_present)
            .field("data_coding", &self.data_coding)
            .field("sm_default_msg_id", &self.sm_default_msg_id)
            .field("short_message", &format_args!("({} octets)", self.short_message.len()))
            .field("tlvs", &self.tlvs)
            .finish()
    }
}

/// submit_sm_resp, deliver_sm_resp, data_sm_resp and broadcast_sm_resp.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageResp {
    /// The id the SMSC gave the message; unused (empty) in deliver_sm_resp.
    pub message_id: COctets,
    /// TLVs: in 3.4 for data_sm_resp and from vendors, in 5.0 everywhere.
    pub tlvs: Tlvs,
}

impl MessageResp {
    /// A response with a message id and nothing else.
    pub fn new(message_id: impl Into<COctets>) -> Self {
        MessageResp { message_id: message_id.into(), tlvs: Tlvs::new() }
    }

    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        Ok(MessageResp { message_id: reader.octets(frame, Field::MessageId)?, tlvs: reader.tlvs(frame)? })
    }

    #[inline]
    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::MessageId, &self.message_id);
        sink.tlvs(&self.tlvs);
    }
}

/// data_sm: a message whose text is in message_payload; both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataSm {
    /// Service; up to 5 octets.
    pub service_type: COctets,
    /// Who sends; up to 64 octets.
    pub source: Address,
    /// Who receives; up to 64 octets.
    pub destination: Address,
    /// Mode, type and features.
    pub esm_class: EsmClass,
    /// Which receipts are asked for.
    pub registered_delivery: RegisteredDelivery,
    /// The text's coding.
    pub data_coding: DataCoding,
    /// TLVs, with message_payload.
    pub tlvs: Tlvs,
}

impl DataSm {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let service_type = reader.octets(frame, Field::ServiceType)?;
        let source = Address {
            ton: Ton(reader.u8(Field::SourceTon)?),
            npi: Npi(reader.u8(Field::SourceNpi)?),
            addr: reader.octets(frame, Field::DataSourceAddr)?,
        };
        let destination = Address {
            ton: Ton(reader.u8(Field::DestTon)?),
            npi: Npi(reader.u8(Field::DestNpi)?),
            addr: reader.octets(frame, Field::DataDestAddr)?,
        };
        Ok(DataSm {
            service_type,
            source,
            destination,
            esm_class: EsmClass(reader.u8(Field::EsmClass)?),
            registered_delivery: RegisteredDelivery(reader.u8(Field::RegisteredDelivery)?),
            data_coding: DataCoding(reader.u8(Field::DataCoding)?),
            tlvs: reader.tlvs(frame)?,
        })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::ServiceType, &self.service_type);
        sink.u8(self.source.ton.0);
        sink.u8(self.source.npi.0);
        sink.text(Field::DataSourceAddr, &self.source.addr);
        sink.u8(self.destination.ton.0);
        sink.u8(self.destination.npi.0);
        sink.text(Field::DataDestAddr, &self.destination.addr);
        sink.u8(self.esm_class.0);
        sink.u8(self.registered_delivery.0);
        sink.u8(self.data_coding.0);
        sink.tlvs(&self.tlvs);
    }
}

pub(super) fn read_source(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Address, DecodeError> {
    Ok(Address {
        ton: Ton(reader.u8(Field::SourceTon)?),
        npi: Npi(reader.u8(Field::SourceNpi)?),
        addr: reader.octets(frame, Field::SourceAddr)?,
    })
}

pub(super) fn read_destination(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Address, DecodeError> {
    Ok(Address {
        ton: Ton(reader.u8(Field::DestTon)?),
        npi: Npi(reader.u8(Field::DestNpi)?),
        addr: reader.octets(frame, Field::DestAddr)?,
    })
}

#[inline]
pub(super) fn visit_source<S: Sink>(sink: &mut S, address: &Address) {
    sink.u8(address.ton.0);
    sink.u8(address.npi.0);
    sink.text(Field::SourceAddr, &address.addr);
}

#[inline]
pub(super) fn visit_destination<S: Sink>(sink: &mut S, address: &Address) {
    sink.u8(address.ton.0);
    sink.u8(address.npi.0);
    sink.text(Field::DestAddr, &address.addr);
}
