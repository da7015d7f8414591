//! Operations that only SMPP 3.3 has: param_retrieve, query_last_msgs, query_msg_details.

use super::Destination;
use super::message::{read_source, visit_source};
use crate::decode::{DecodeError, Reader, share};
use crate::encode::Sink;
use crate::flags::MessageState;
use crate::tlv::Tlvs;
use crate::{Address, COctets, DataCoding, Field, RegisteredDelivery};
use bytes::Bytes;

/// param_retrieve: a parameter of the SMSC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParamRetrieve {
    /// The parameter; up to 31 octets.
    pub param_name: COctets,
}

impl ParamRetrieve {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let body = ParamRetrieve { param_name: reader.octets(frame, Field::ParamName)? };
        reader.end()?;
        Ok(body)
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::ParamName, &self.param_name);
    }
}

/// param_retrieve_resp.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParamRetrieveResp {
    /// The value; up to 99 octets.
    pub param_value: COctets,
}

impl ParamRetrieveResp {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let body = ParamRetrieveResp { param_value: reader.octets(frame, Field::ParamValue)? };
        reader.end()?;
        Ok(body)
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::ParamValue, &self.param_value);
    }
}

/// query_last_msgs: ids of the last messages of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryLastMsgs {
    /// The source.
    pub source: Address,
    /// How many; 1 to 100.
    pub count: u8,
}

impl QueryLastMsgs {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let body =
            QueryLastMsgs { source: read_source(reader, frame)?, count: reader.u8(Field::NumberOfMessages)? };
        reader.end()?;
        Ok(body)
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        visit_source(sink, &self.source);
        sink.u8(self.count);
    }
}

/// query_last_msgs_resp.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryLastMsgsResp {
    /// The ids, newest first; up to 100.
    pub message_ids: Vec<COctets>,
}

impl QueryLastMsgsResp {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let count = reader.u8(Field::NumberOfMessages)?;
        let message_ids =
            (0..count).map(|_| reader.octets(frame, Field::MessageId)).collect::<Result<_, _>>()?;
        reader.end()?;
        Ok(QueryLastMsgsResp { message_ids })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.count(Field::NumberOfMessages, self.message_ids.len());
        for id in &self.message_ids {
            sink.text(Field::MessageId, id);
        }
    }
}

/// query_msg_details: all about one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryMsgDetails {
    /// The message.
    pub message_id: COctets,
    /// Its source.
    pub source: Address,
    /// How many octets of the text to return.
    pub sm_length: u8,
}

impl QueryMsgDetails {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let body = QueryMsgDetails {
            message_id: reader.octets(frame, Field::MessageId)?,
            source: read_source(reader, frame)?,
            sm_length: reader.u8(Field::SmLength)?,
        };
        reader.end()?;
        Ok(body)
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::MessageId, &self.message_id);
        visit_source(sink, &self.source);
        sink.u8(self.sm_length);
    }
}

/// query_msg_details_resp.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryMsgDetailsResp {
    /// Service.
    pub service_type: COctets,
    /// Who sent.
    pub source: Address,
    /// Who receives.
    pub destinations: Vec<Destination>,
    /// TP-PID on GSM.
    pub protocol_id: u8,
    /// Priority.
    pub priority_flag: u8,
    /// When to deliver.
    pub schedule_delivery_time: COctets,
    /// Until when to try.
    pub validity_period: COctets,
    /// Whether a receipt was asked for.
    pub registered_delivery: RegisteredDelivery,
    /// The text's coding.
    pub data_coding: DataCoding,
    /// The text, or its beginning.
    pub short_message: Bytes,
    /// The message.
    pub message_id: COctets,
    /// When it became final; empty while it is not.
    pub final_date: COctets,
    /// Its state.
    pub message_state: MessageState,
    /// The network's error code.
    pub error_code: u8,
}

impl QueryMsgDetailsResp {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let service_type = reader.octets(frame, Field::ServiceType)?;
        let source = read_source(reader, frame)?;
        let destinations = Destination::read_list(reader, frame)?;
        let [protocol_id, priority_flag] = reader.array(Field::ProtocolId)?;
        let schedule_delivery_time = COctets(share(frame, reader.time(Field::ScheduleDeliveryTime)?));
        let validity_period = COctets(share(frame, reader.time(Field::ValidityPeriod)?));
        let registered_delivery = RegisteredDelivery(reader.u8(Field::RegisteredDelivery)?);
        let data_coding = DataCoding(reader.u8(Field::DataCoding)?);
        let short_message = share(frame, reader.counted_text()?);
        let body = QueryMsgDetailsResp {
            service_type,
            source,
            destinations,
            protocol_id,
            priority_flag,
            schedule_delivery_time,
            validity_period,
            registered_delivery,
            data_coding,
            short_message,
            message_id: reader.octets(frame, Field::MessageId)?,
            final_date: reader.octets(frame, Field::FinalDate)?,
            message_state: MessageState(reader.u8(Field::MessageState)?),
            error_code: reader.u8(Field::ErrorCode)?,
        };
        reader.end()?;
        Ok(body)
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::ServiceType, &self.service_type);
        visit_source(sink, &self.source);
        Destination::visit_list(&self.destinations, sink);
        sink.u8(self.protocol_id);
        sink.u8(self.priority_flag);
        sink.time(Field::ScheduleDeliveryTime, &self.schedule_delivery_time);
        sink.time(Field::ValidityPeriod, &self.validity_period);
        sink.u8(self.registered_delivery.0);
        sink.u8(self.data_coding.0);
        sink.message(&self.short_message, &Tlvs::new());
        sink.text(Field::MessageId, &self.message_id);
        sink.time(Field::FinalDate, &self.final_date);
        sink.u8(self.message_state.0);
        sink.u8(self.error_code);
    }
}
