//! Operations on messages already submitted, and alert_notification (SMPP 3.4 clauses 4.8 to 4.12).

use super::message::{read_destination, read_source, visit_destination, visit_source};
use crate::decode::{DecodeError, Reader, share};
use crate::encode::Sink;
use crate::flags::MessageState;
use crate::tlv::Tlvs;
use crate::{Address, COctets, Field, Npi, RegisteredDelivery, Ton};
use bytes::Bytes;

/// query_sm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuerySm {
    /// The id the SMSC gave the message.
    pub message_id: COctets,
    /// The source of the message, as it was submitted.
    pub source: Address,
    /// TLVs, which the specification does not define here.
    pub tlvs: Tlvs,
}

impl QuerySm {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        Ok(QuerySm {
            message_id: reader.octets(frame, Field::MessageId)?,
            source: read_source(reader, frame)?,
            tlvs: reader.tlvs(frame)?,
        })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::MessageId, &self.message_id);
        visit_source(sink, &self.source);
        sink.tlvs(&self.tlvs);
    }
}

/// query_sm_resp.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuerySmResp {
    /// The id asked for.
    pub message_id: COctets,
    /// When the message became final; empty while it is not.
    pub final_date: COctets,
    /// The state.
    pub message_state: MessageState,
    /// The network's error code; 0 for none.
    pub error_code: u8,
    /// TLVs.
    pub tlvs: Tlvs,
}

impl QuerySmResp {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        Ok(QuerySmResp {
            message_id: reader.octets(frame, Field::MessageId)?,
            final_date: reader.octets(frame, Field::FinalDate)?,
            message_state: MessageState(reader.u8(Field::MessageState)?),
            error_code: reader.u8(Field::ErrorCode)?,
            tlvs: reader.tlvs(frame)?,
        })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::MessageId, &self.message_id);
        sink.time(Field::FinalDate, &self.final_date);
        sink.u8(self.message_state.0);
        sink.u8(self.error_code);
        sink.tlvs(&self.tlvs);
    }
}

/// cancel_sm: one message by its id, or all with the same service type, source and destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CancelSm {
    /// Service type of the messages to cancel.
    pub service_type: COctets,
    /// The id of the message to cancel, or empty.
    pub message_id: COctets,
    /// Source of the messages.
    pub source: Address,
    /// Destination of the messages; empty when message_id is given.
    pub destination: Address,
    /// TLVs, which the specification does not define here.
    pub tlvs: Tlvs,
}

impl CancelSm {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        Ok(CancelSm {
            service_type: reader.octets(frame, Field::ServiceType)?,
            message_id: reader.octets(frame, Field::MessageId)?,
            source: read_source(reader, frame)?,
            destination: read_destination(reader, frame)?,
            tlvs: reader.tlvs(frame)?,
        })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::ServiceType, &self.service_type);
        sink.text(Field::MessageId, &self.message_id);
        visit_source(sink, &self.source);
        visit_destination(sink, &self.destination);
        sink.tlvs(&self.tlvs);
    }
}

/// replace_sm: new text and times for a message not yet delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplaceSm {
    /// The id the SMSC gave the message.
    pub message_id: COctets,
    /// Source of the message, as it was submitted.
    pub source: Address,
    /// New time to deliver; empty leaves it.
    pub schedule_delivery_time: COctets,
    /// New validity; empty leaves it.
    pub validity_period: COctets,
    /// New registered_delivery.
    pub registered_delivery: RegisteredDelivery,
    /// New text kept at the SMSC.
    pub sm_default_msg_id: u8,
    /// New text.
    pub short_message: Bytes,
    /// TLVs; message_payload in 5.0.
    pub tlvs: Tlvs,
}

impl ReplaceSm {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let message_id = reader.octets(frame, Field::MessageId)?;
        let source = read_source(reader, frame)?;
        let schedule_delivery_time = COctets(share(frame, reader.time(Field::ScheduleDeliveryTime)?));
        let validity_period = COctets(share(frame, reader.time(Field::ValidityPeriod)?));
        let registered_delivery = RegisteredDelivery(reader.u8(Field::RegisteredDelivery)?);
        let sm_default_msg_id = reader.u8(Field::SmDefaultMsgId)?;
        let (text, tlvs) = reader.message()?;
        Ok(ReplaceSm {
            message_id,
            source,
            schedule_delivery_time,
            validity_period,
            registered_delivery,
            sm_default_msg_id,
            short_message: share(frame, text),
            tlvs: Tlvs::from_checked(share(frame, tlvs)),
        })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::MessageId, &self.message_id);
        visit_source(sink, &self.source);
        sink.time(Field::ScheduleDeliveryTime, &self.schedule_delivery_time);
        sink.time(Field::ValidityPeriod, &self.validity_period);
        sink.u8(self.registered_delivery.0);
        sink.u8(self.sm_default_msg_id);
        sink.message(&self.short_message, &self.tlvs);
        sink.tlvs(&self.tlvs);
    }
}

/// alert_notification: the device has become available.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertNotification {
    /// The device; up to 64 octets.
    pub source: Address,
    /// The ESME that asked to be told; up to 64 octets.
    pub esme: Address,
    /// ms_availability_status.
    pub tlvs: Tlvs,
}

impl AlertNotification {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let source = Address {
            ton: Ton(reader.u8(Field::SourceTon)?),
            npi: Npi(reader.u8(Field::SourceNpi)?),
            addr: reader.octets(frame, Field::DataSourceAddr)?,
        };
        let esme = Address {
            ton: Ton(reader.u8(Field::DestTon)?),
            npi: Npi(reader.u8(Field::DestNpi)?),
            addr: reader.octets(frame, Field::EsmeAddr)?,
        };
        Ok(AlertNotification { source, esme, tlvs: reader.tlvs(frame)? })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.u8(self.source.ton.0);
        sink.u8(self.source.npi.0);
        sink.text(Field::DataSourceAddr, &self.source.addr);
        sink.u8(self.esme.ton.0);
        sink.u8(self.esme.npi.0);
        sink.text(Field::EsmeAddr, &self.esme.addr);
        sink.tlvs(&self.tlvs);
    }
}
