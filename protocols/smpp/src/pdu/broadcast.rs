//! Cell broadcast (SMPP 5.0 clauses 4.4 and 4.6).

use super::message::{read_source, visit_source};
use crate::decode::{DecodeError, Reader, share};
use crate::encode::Sink;
use crate::tlv::Tlvs;
use crate::{Address, COctets, DataCoding, Field};
use bytes::Bytes;

/// broadcast_sm. Area, content type, repetitions and interval are mandatory TLVs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BroadcastSm {
    /// Service.
    pub service_type: COctets,
    /// Who sends.
    pub source: Address,
    /// The id of the broadcast to replace, or empty.
    pub message_id: COctets,
    /// 0 to 4.
    pub priority_flag: u8,
    /// When to start.
    pub schedule_delivery_time: COctets,
    /// Until when.
    pub validity_period: COctets,
    /// 1: replaces the broadcast with the same id.
    pub replace_if_present: u8,
    /// The text's coding.
    pub data_coding: DataCoding,
    /// A text kept at the SMSC.
    pub sm_default_msg_id: u8,
    /// TLVs.
    pub tlvs: Tlvs,
}

impl BroadcastSm {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        Ok(BroadcastSm {
            service_type: reader.octets(frame, Field::ServiceType)?,
            source: read_source(reader, frame)?,
            message_id: reader.octets(frame, Field::MessageId)?,
            priority_flag: reader.u8(Field::PriorityFlag)?,
            schedule_delivery_time: COctets(share(frame, reader.time(Field::ScheduleDeliveryTime)?)),
            validity_period: COctets(share(frame, reader.time(Field::ValidityPeriod)?)),
            replace_if_present: reader.u8(Field::ReplaceIfPresent)?,
            data_coding: DataCoding(reader.u8(Field::DataCoding)?),
            sm_default_msg_id: reader.u8(Field::SmDefaultMsgId)?,
            tlvs: reader.tlvs(frame)?,
        })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::ServiceType, &self.service_type);
        visit_source(sink, &self.source);
        sink.text(Field::MessageId, &self.message_id);
        sink.u8(self.priority_flag);
        sink.time(Field::ScheduleDeliveryTime, &self.schedule_delivery_time);
        sink.time(Field::ValidityPeriod, &self.validity_period);
        sink.u8(self.replace_if_present);
        sink.u8(self.data_coding.0);
        sink.u8(self.sm_default_msg_id);
        sink.tlvs(&self.tlvs);
    }
}

/// query_broadcast_sm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryBroadcastSm {
    /// The id the SMSC gave the broadcast; empty if user_message_reference says which.
    pub message_id: COctets,
    /// Source of the broadcast.
    pub source: Address,
    /// user_message_reference.
    pub tlvs: Tlvs,
}

impl QueryBroadcastSm {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        Ok(QueryBroadcastSm {
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

/// query_broadcast_sm_resp; state, areas and success rates are TLVs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryBroadcastSmResp {
    /// The id asked for.
    pub message_id: COctets,
    /// message_state, broadcast_area_identifier, broadcast_area_success.
    pub tlvs: Tlvs,
}

impl QueryBroadcastSmResp {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        Ok(QueryBroadcastSmResp {
            message_id: reader.octets(frame, Field::MessageId)?,
            tlvs: reader.tlvs(frame)?,
        })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::MessageId, &self.message_id);
        sink.tlvs(&self.tlvs);
    }
}

/// cancel_broadcast_sm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CancelBroadcastSm {
    /// Service type of the broadcasts to cancel.
    pub service_type: COctets,
    /// The id of the broadcast to cancel, or empty.
    pub message_id: COctets,
    /// Source of the broadcasts.
    pub source: Address,
    /// broadcast_content_type, user_message_reference.
    pub tlvs: Tlvs,
}

impl CancelBroadcastSm {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        Ok(CancelBroadcastSm {
            service_type: reader.octets(frame, Field::ServiceType)?,
            message_id: reader.octets(frame, Field::MessageId)?,
            source: read_source(reader, frame)?,
            tlvs: reader.tlvs(frame)?,
        })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::ServiceType, &self.service_type);
        sink.text(Field::MessageId, &self.message_id);
        visit_source(sink, &self.source);
        sink.tlvs(&self.tlvs);
    }
}
