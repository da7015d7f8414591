//! submit_multi: one message to many destinations (SMPP 3.4 clause 4.5).

use super::message::{read_destination, read_source, visit_destination, visit_source};
use crate::decode::{DecodeError, Fault, Reader, share};
use crate::encode::Sink;
use crate::tlv::Tlvs;
use crate::{Address, COctets, CommandStatus, DataCoding, EsmClass, Field, RegisteredDelivery};
use bytes::Bytes;

const FLAG_ADDRESS: u8 = 1;
const FLAG_LIST: u8 = 2;

/// One destination of submit_multi (SMPP 3.4 clause 4.5.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// dest_flag 1: an address.
    Address(Address),
    /// dest_flag 2: a distribution list kept at the SMSC; up to 20 octets.
    List(COctets),
}

impl Destination {
    fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        match reader.u8(Field::DestFlag)? {
            FLAG_ADDRESS => Ok(Destination::Address(read_destination(reader, frame)?)),
            FLAG_LIST => Ok(Destination::List(reader.octets(frame, Field::DlName)?)),
            value => Err(reader.error(Field::DestFlag, Fault::Value { value })),
        }
    }

    pub(super) fn read_list(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Vec<Self>, DecodeError> {
        let count = reader.u8(Field::NumberOfDests)?;
        (0..count).map(|_| Destination::read(reader, frame)).collect()
    }

    pub(super) fn visit_list<S: Sink>(list: &[Self], sink: &mut S) {
        sink.count(Field::NumberOfDests, list.len());
        for destination in list {
            match destination {
                Destination::Address(address) => {
                    sink.u8(FLAG_ADDRESS);
                    visit_destination(sink, address);
                }
                Destination::List(name) => {
                    sink.u8(FLAG_LIST);
                    sink.text(Field::DlName, name);
                }
            }
        }
    }
}

/// submit_multi; the fields not explained are those of [`crate::ShortMessage`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubmitMulti {
    /// Service.
    pub service_type: COctets,
    /// Who sends.
    pub source: Address,
    /// Who receives; 1 to 254.
    pub destinations: Vec<Destination>,
    /// Mode, type and features.
    pub esm_class: EsmClass,
    /// TP-PID on GSM.
    pub protocol_id: u8,
    /// 0 to 3.
    pub priority_flag: u8,
    /// When to deliver.
    pub schedule_delivery_time: COctets,
    /// Until when to try.
    pub validity_period: COctets,
    /// Which receipts are asked for.
    pub registered_delivery: RegisteredDelivery,
    /// Reserved.
    pub replace_if_present: u8,
    /// The text's coding.
    pub data_coding: DataCoding,
    /// A text kept at the SMSC.
    pub sm_default_msg_id: u8,
    /// The text.
    pub short_message: Bytes,
    /// TLVs.
    pub tlvs: Tlvs,
}

impl SubmitMulti {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let service_type = reader.octets(frame, Field::ServiceType)?;
        let source = read_source(reader, frame)?;
        let destinations = Destination::read_list(reader, frame)?;
        let [esm_class, protocol_id, priority_flag] = reader.array(Field::EsmClass)?;
        let schedule_delivery_time = COctets(share(frame, reader.time(Field::ScheduleDeliveryTime)?));
        let validity_period = COctets(share(frame, reader.time(Field::ValidityPeriod)?));
        let [registered_delivery, replace_if_present, data_coding, sm_default_msg_id] =
            reader.array(Field::RegisteredDelivery)?;
        let (text, tlvs) = reader.message()?;
        Ok(SubmitMulti {
            service_type,
            source,
            destinations,
            esm_class: EsmClass(esm_class),
            protocol_id,
            priority_flag,
            schedule_delivery_time,
            validity_period,
            registered_delivery: RegisteredDelivery(registered_delivery),
            replace_if_present,
            data_coding: DataCoding(data_coding),
            sm_default_msg_id,
            short_message: share(frame, text),
            tlvs: Tlvs::from_checked(share(frame, tlvs)),
        })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::ServiceType, &self.service_type);
        visit_source(sink, &self.source);
        Destination::visit_list(&self.destinations, sink);
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

/// A destination of submit_multi that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsuccessful {
    /// Which.
    pub destination: Address,
    /// Why.
    pub status: CommandStatus,
}

/// submit_multi_resp.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubmitMultiResp {
    /// The id the SMSC gave the message.
    pub message_id: COctets,
    /// The destinations that were refused.
    pub unsuccessful: Vec<Unsuccessful>,
    /// TLVs.
    pub tlvs: Tlvs,
}

impl SubmitMultiResp {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Self, DecodeError> {
        let message_id = reader.octets(frame, Field::MessageId)?;
        let count = reader.u8(Field::NoUnsuccess)?;
        let unsuccessful = (0..count)
            .map(|_| {
                Ok(Unsuccessful {
                    destination: read_destination(reader, frame)?,
                    status: CommandStatus(u32::from_be_bytes(reader.array(Field::ErrorCode)?)),
                })
            })
            .collect::<Result<_, DecodeError>>()?;
        Ok(SubmitMultiResp { message_id, unsuccessful, tlvs: reader.tlvs(frame)? })
    }

    pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
        sink.text(Field::MessageId, &self.message_id);
        sink.count(Field::NoUnsuccess, self.unsuccessful.len());
        for refused in &self.unsuccessful {
            visit_destination(sink, &refused.destination);
            sink.u32(refused.status.0);
        }
        sink.tlvs(&self.tlvs);
    }
}
