//! Released messages as PDUs: submit_sm or data_sm to a link, deliver_sm or data_sm to an account.

use bytes::Bytes;
use signalbox_core::gate::Released;
use signalbox_core::message::Content;
use signalbox_core::time::Micros;
use signalbox_smpp::{
    Body, COctets, DataCoding, DataSm, EsmClass, Profile, RegisteredDelivery, ShortMessage, Tag, Tlvs,
    Version,
};

use super::address::{AddressField, Way, smpp_address};
use super::alphabet::Worded;
use super::parts::Carried;
use super::times;
use crate::links::settings::LinkRules;

/// Why a message cannot be written in the peer's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEncodable {
    /// Its text is longer than short_message, and the peer has no message_payload.
    #[error("its text does not fit short_message, and the peer's version has no message_payload")]
    TooLong,
    /// What was stored is no list of TLVs.
    #[error("its optional parameters are damaged")]
    Tlvs,
}

/// The PDU that takes a message to a link.
///
/// # Errors
/// When the link's protocol has no room for it.
pub fn submit_to_link(
    released: &Released,
    content: &Content,
    rules: &LinkRules,
    profile: &Profile,
    now: Micros,
) -> Result<Body, NotEncodable> {
    let (mut source, mut destination) = (released.source().clone(), released.destination().clone());
    rules.rewrites.apply(Way::Out, AddressField::Source, &mut source);
    rules.rewrites.apply(Way::Out, AddressField::Destination, &mut destination);
    let (carried, data_coding) = carried(content, profile)?;
    let data_coding = DataCoding(rules.data_coding_out.apply(data_coding));
    let registered_delivery = RegisteredDelivery(released.receipt().0);
    let mut carried = carried.told_as(rules.long_messages);
    carried.tlvs = if profile.version >= Version::V3_4 { rules.tlvs.out(carried.tlvs) } else { carried.tlvs };
    if content.data_sm && profile.version >= Version::V3_4 {
        let mut carried = carried.in_payload();
        let left = released.expires_at().since(now).as_secs().max(1);
        carried.tlvs = carried.tlvs.filtered(|tlv| tlv.tag != Tag::QOS_TIME_TO_LIVE);
        carried.tlvs.push_u32(Tag::QOS_TIME_TO_LIVE, u32::try_from(left).unwrap_or(u32::MAX));
        return Ok(Body::DataSm(DataSm {
            service_type: COctets(content.service_type.clone()),
            source: smpp_address(&source),
            destination: smpp_address(&destination),
            esm_class: carried.esm_class,
            registered_delivery,
            data_coding,
            tlvs: carried.tlvs,
        }));
    }
    let carried = fitted(carried, profile)?;
    Ok(Body::SubmitSm(ShortMessage {
        service_type: COctets(content.service_type.clone()),
        source: smpp_address(&source),
        destination: smpp_address(&destination),
        esm_class: carried.esm_class,
        protocol_id: content.protocol_id,
        priority_flag: content.priority.min(max_priority(profile.version)),
        // A schedule is kept here, where the message can still be cancelled and rerouted.
        schedule_delivery_time: COctets::new(),
        validity_period: times::validity(released.expires_at(), now, rules.max_validity),
        registered_delivery,
        replace_if_present: u8::from(content.replace_if_present),
        data_coding,
        sm_default_msg_id: content.default_message,
        short_message: carried.payload,
        tlvs: carried.tlvs,
    }))
}

/// The PDU that takes an MO message to an account.
///
/// # Errors
/// When the account's protocol has no room for it.
pub fn deliver(
    released: &Released,
    content: &Content,
    profile: &Profile,
    as_data_sm: bool,
) -> Result<Body, NotEncodable> {
    let (carried, data_coding) = carried(content, profile)?;
    let source = smpp_address(released.source());
    let destination = smpp_address(released.destination());
    let service_type = COctets(content.service_type.clone());
    let data_coding = DataCoding(data_coding);
    if (as_data_sm || content.data_sm) && profile.version >= Version::V3_4 {
        let carried = carried.in_payload();
        return Ok(Body::DataSm(DataSm {
            service_type,
            source,
            destination,
            esm_class: carried.esm_class,
            registered_delivery: RegisteredDelivery::NONE,
            data_coding,
            tlvs: carried.tlvs,
        }));
    }
    let carried = fitted(carried, profile)?;
    Ok(Body::DeliverSm(ShortMessage {
        service_type,
        source,
        destination,
        esm_class: carried.esm_class,
        protocol_id: content.protocol_id,
        priority_flag: content.priority.min(max_priority(profile.version)),
        registered_delivery: RegisteredDelivery::NONE,
        data_coding,
        short_message: carried.payload,
        tlvs: carried.tlvs,
        ..ShortMessage::default()
    }))
}

fn max_priority(version: Version) -> u8 {
    if version >= Version::V5_0 { 4 } else { 3 }
}

/// What a peer of this version and habits can be given, and its data_coding. A 3.3 peer has no TLVs, so only the
/// text is left.
fn carried(content: &Content, profile: &Profile) -> Result<(Carried, u8), NotEncodable> {
    let tlvs = Tlvs::from_bytes(content.tlvs.clone()).map_err(|_| NotEncodable::Tlvs)?;
    let worded = Worded {
        esm_class: EsmClass(content.esm_class),
        data_coding: content.data_coding,
        payload: content.payload.clone(),
        tlvs,
    };
    let Worded { esm_class, data_coding, payload, tlvs } = worded.given_to(profile);
    let carried = Carried { esm_class, payload, tlvs };
    if profile.version >= Version::V3_4 {
        return Ok((carried, data_coding));
    }
    let carried = carried.told_as(super::LongMessages::Udh8).in_short_message(SHORT_MESSAGE);
    if carried.payload.is_empty() && carried.tlvs.contains(Tag::MESSAGE_PAYLOAD) {
        return Err(NotEncodable::TooLong);
    }
    Ok((Carried { tlvs: Tlvs::new(), ..carried }, data_coding))
}

/// Longest short_message of SMPP 3.3 and 3.4 (cl. 5.2.22).
const SHORT_MESSAGE: usize = 254;

/// Text where the PDU has room for it, and not in two places.
fn fitted(mut carried: Carried, profile: &Profile) -> Result<Carried, NotEncodable> {
    if carried.payload.is_empty() || carried.tlvs.is_empty() && carried.payload.len() <= SHORT_MESSAGE {
        return Ok(carried);
    }
    if carried.tlvs.contains(Tag::MESSAGE_PAYLOAD) {
        // Of two texts short_message counts, here as where it was read.
        carried.tlvs = carried.tlvs.filtered(|tlv| tlv.tag != Tag::MESSAGE_PAYLOAD);
    }
    let limit = if profile.version >= Version::V5_0 { 255 } else { SHORT_MESSAGE };
    if carried.payload.len() <= limit {
        return Ok(carried);
    }
    if profile.version < Version::V3_4 {
        return Err(NotEncodable::TooLong);
    }
    let carried = carried.in_payload();
    debug_assert_eq!(carried.payload, Bytes::new());
    Ok(carried)
}

#[cfg(test)]
mod tests;
