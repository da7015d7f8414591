//! Strategies for every PDU that may be sent.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use signalbox_smpp::{
    Address, AlertNotification, Bind, BindMode, BindResp, Body, BroadcastSm, COctets, CancelBroadcastSm,
    CancelSm, CommandId, CommandStatus, DataCoding, DataSm, Destination, EsmClass, MessageResp, MessageState,
    Npi, Outbind, ParamRetrieve, ParamRetrieveResp, Pdu, QueryBroadcastSm, QueryBroadcastSmResp,
    QueryLastMsgs, QueryLastMsgsResp, QueryMsgDetails, QueryMsgDetailsResp, QuerySm, QuerySmResp,
    RegisteredDelivery, ReplaceSm, ShortMessage, SubmitMulti, SubmitMultiResp, Tag, Tlvs, Ton, Unknown,
    Unsuccessful, Version, time::SmppTime,
};

fn text(most: usize) -> BoxedStrategy<COctets> {
    // Latin-1 too: the default profile takes it.
    vec(1_u8..=255, 0..=most).prop_map(COctets::from).boxed()
}

fn message_id(version: Version) -> BoxedStrategy<COctets> {
    text(if version == Version::V3_3 { 8 } else { 64 })
}

fn address(most: usize) -> impl Strategy<Value = Address> {
    (any::<u8>(), any::<u8>(), text(most)).prop_map(|(ton, npi, addr)| Address {
        ton: Ton(ton),
        npi: Npi(npi),
        addr,
    })
}

fn time() -> BoxedStrategy<COctets> {
    prop_oneof![
        Just(COctets::new()),
        (946_728_000_i64..4_102_401_600, -48_i8..=48)
            .prop_map(|(second, quarters)| SmppTime::format_absolute(second * 1_000_000, quarters)),
        (0_i64..32 * 86_400).prop_map(|second| SmppTime::format_relative(second * 1_000_000).unwrap()),
    ]
    .boxed()
}

/// TLVs with any tag but message_payload, which must not stand beside a short_message.
fn tlvs(version: Version) -> BoxedStrategy<Tlvs> {
    if version == Version::V3_3 {
        return Just(Tlvs::new()).boxed();
    }
    let known = (0..Tag::ALL.len()).prop_map(|at| Tag::ALL[at]);
    let tag = prop_oneof![known, any::<u16>().prop_map(Tag)];
    let tag = tag.prop_filter("text has its place", |&tag| tag != Tag::MESSAGE_PAYLOAD);
    vec((tag, vec(any::<u8>(), 0..40)), 0..5)
        .prop_map(|list| {
            let mut tlvs = Tlvs::new();
            for (tag, value) in list {
                tlvs.push(tag, &value).unwrap();
            }
            tlvs
        })
        .boxed()
}

fn octets(most: usize) -> BoxedStrategy<Bytes> {
    vec(any::<u8>(), 0..=most).prop_map(Bytes::from).boxed()
}

prop_compose! {
    fn bind()(
        system_id in text(15), password in text(8), system_type in text(12), interface_version in any::<u8>(),
        ton in any::<u8>(), npi in any::<u8>(), address_range in text(40),
    ) -> Bind {
        Bind {
            system_id, password, system_type, interface_version, addr_ton: Ton(ton), addr_npi: Npi(npi),
            address_range, tlvs: Tlvs::new(),
        }
    }
}

prop_compose! {
    pub fn short_message(version: Version)(
        service_type in text(5), source in address(20), destination in address(20),
        flags in any::<[u8; 7]>(), times in (time(), time()), short_message in octets(254),
        tlvs in tlvs(version),
    ) -> ShortMessage {
        let [esm, protocol_id, priority_flag, delivery, replace_if_present, coding, sm_default_msg_id] = flags;
        ShortMessage {
            service_type, source, destination, esm_class: EsmClass(esm), protocol_id, priority_flag,
            schedule_delivery_time: times.0, validity_period: times.1,
            registered_delivery: RegisteredDelivery(delivery), replace_if_present,
            data_coding: DataCoding(coding), sm_default_msg_id, short_message, tlvs,
        }
    }
}

fn message_resp(version: Version) -> impl Strategy<Value = MessageResp> {
    (message_id(version), tlvs(version)).prop_map(|(message_id, tlvs)| MessageResp { message_id, tlvs })
}

fn destinations() -> impl Strategy<Value = Vec<Destination>> {
    let one = prop_oneof![
        3 => address(20).prop_map(Destination::Address),
        1 => text(20).prop_map(Destination::List),
    ];
    vec(one, 0..6)
}

prop_compose! {
    fn submit_multi(version: Version)(message in short_message(version), destinations in destinations()) -> SubmitMulti {
        SubmitMulti {
            service_type: message.service_type, source: message.source, destinations,
            esm_class: message.esm_class, protocol_id: message.protocol_id,
            priority_flag: message.priority_flag, schedule_delivery_time: message.schedule_delivery_time,
            validity_period: message.validity_period, registered_delivery: message.registered_delivery,
            replace_if_present: message.replace_if_present, data_coding: message.data_coding,
            sm_default_msg_id: message.sm_default_msg_id, short_message: message.short_message,
            tlvs: message.tlvs,
        }
    }
}

fn submit_multi_resp(version: Version) -> impl Strategy<Value = SubmitMultiResp> {
    let refused = (address(20), any::<u32>())
        .prop_map(|(destination, status)| Unsuccessful { destination, status: CommandStatus(status) });
    (message_id(version), vec(refused, 0..5), tlvs(version))
        .prop_map(|(message_id, unsuccessful, tlvs)| SubmitMultiResp { message_id, unsuccessful, tlvs })
}

fn query_sm_resp(version: Version) -> impl Strategy<Value = QuerySmResp> {
    (message_id(version), time(), any::<u8>(), any::<u8>(), tlvs(version)).prop_map(
        |(message_id, final_date, state, error_code, tlvs)| QuerySmResp {
            message_id,
            final_date,
            message_state: MessageState(state),
            error_code,
            tlvs,
        },
    )
}

fn cancel_sm(version: Version) -> impl Strategy<Value = CancelSm> {
    (text(5), message_id(version), address(20), address(20), tlvs(version)).prop_map(
        |(service_type, message_id, source, destination, tlvs)| CancelSm {
            service_type,
            message_id,
            source,
            destination,
            tlvs,
        },
    )
}

fn replace_sm(version: Version) -> impl Strategy<Value = ReplaceSm> {
    (short_message(version), message_id(version)).prop_map(|(message, message_id)| ReplaceSm {
        message_id,
        source: message.source,
        schedule_delivery_time: message.schedule_delivery_time,
        validity_period: message.validity_period,
        registered_delivery: message.registered_delivery,
        sm_default_msg_id: message.sm_default_msg_id,
        short_message: message.short_message,
        tlvs: message.tlvs,
    })
}

fn broadcast_sm() -> impl Strategy<Value = BroadcastSm> {
    (short_message(Version::V5_0), message_id(Version::V5_0)).prop_map(|(message, message_id)| BroadcastSm {
        service_type: message.service_type,
        source: message.source,
        message_id,
        priority_flag: message.priority_flag,
        schedule_delivery_time: message.schedule_delivery_time,
        validity_period: message.validity_period,
        replace_if_present: message.replace_if_present,
        data_coding: message.data_coding,
        sm_default_msg_id: message.sm_default_msg_id,
        tlvs: message.tlvs,
    })
}

fn data_sm() -> impl Strategy<Value = DataSm> {
    (text(5), address(64), address(64), any::<[u8; 3]>(), tlvs(Version::V3_4)).prop_map(
        |(service_type, source, destination, [esm, delivery, coding], tlvs)| DataSm {
            service_type,
            source,
            destination,
            esm_class: EsmClass(esm),
            registered_delivery: RegisteredDelivery(delivery),
            data_coding: DataCoding(coding),
            tlvs,
        },
    )
}

fn query_msg_details_resp() -> impl Strategy<Value = QueryMsgDetailsResp> {
    (submit_multi(Version::V3_3), message_id(Version::V3_3), time(), any::<u8>(), any::<u8>()).prop_map(
        |(message, message_id, final_date, state, error_code)| QueryMsgDetailsResp {
            service_type: message.service_type,
            source: message.source,
            destinations: message.destinations,
            protocol_id: message.protocol_id,
            priority_flag: message.priority_flag,
            schedule_delivery_time: message.schedule_delivery_time,
            validity_period: message.validity_period,
            registered_delivery: message.registered_delivery,
            data_coding: message.data_coding,
            short_message: message.short_message,
            message_id,
            final_date,
            message_state: MessageState(state),
            error_code,
        },
    )
}

/// Bodies that exist in every version.
fn common(version: Version) -> BoxedStrategy<Body> {
    let mode = prop_oneof![Just(BindMode::Transmitter), Just(BindMode::Receiver)];
    let bind_resp = (text(15), tlvs(version)).prop_map(|(system_id, tlvs)| BindResp { system_id, tlvs });
    let unknown = (any::<u32>(), octets(60))
        .prop_filter("known", |&(command, _)| !CommandId(command).is_known())
        .prop_map(|(command, octets)| Body::Unknown(Unknown { command: CommandId(command), octets }));
    prop_oneof![
        (mode.clone(), bind()).prop_map(|(mode, bind)| mode.request(bind)),
        (mode, bind_resp).prop_map(|(mode, resp)| mode.response(resp)),
        Just(Body::Unbind),
        Just(Body::UnbindResp),
        short_message(version).prop_map(Body::SubmitSm),
        message_resp(version).prop_map(Body::SubmitSmResp),
        submit_multi(version).prop_map(Body::SubmitMulti),
        submit_multi_resp(version).prop_map(Body::SubmitMultiResp),
        short_message(version).prop_map(Body::DeliverSm),
        message_resp(version).prop_map(Body::DeliverSmResp),
        (message_id(version), address(20), tlvs(version))
            .prop_map(|(message_id, source, tlvs)| Body::QuerySm(QuerySm { message_id, source, tlvs })),
        query_sm_resp(version).prop_map(Body::QuerySmResp),
        cancel_sm(version).prop_map(Body::CancelSm),
        Just(Body::CancelSmResp),
        replace_sm(version).prop_map(Body::ReplaceSm),
        Just(Body::ReplaceSmResp),
        Just(Body::EnquireLink),
        Just(Body::EnquireLinkResp),
        Just(Body::GenericNack),
        unknown,
    ]
    .boxed()
}

fn of_3_3() -> BoxedStrategy<Body> {
    let id = || message_id(Version::V3_3);
    prop_oneof![
        text(31).prop_map(|param_name| Body::ParamRetrieve(ParamRetrieve { param_name })),
        text(99).prop_map(|param_value| Body::ParamRetrieveResp(ParamRetrieveResp { param_value })),
        (address(20), any::<u8>())
            .prop_map(|(source, count)| Body::QueryLastMsgs(QueryLastMsgs { source, count })),
        vec(id(), 0..6).prop_map(|message_ids| Body::QueryLastMsgsResp(QueryLastMsgsResp { message_ids })),
        (id(), address(20), any::<u8>()).prop_map(|(message_id, source, sm_length)| {
            Body::QueryMsgDetails(QueryMsgDetails { message_id, source, sm_length })
        }),
        query_msg_details_resp().prop_map(Body::QueryMsgDetailsResp),
    ]
    .boxed()
}

fn of_3_4(version: Version) -> BoxedStrategy<Body> {
    let alert = (address(64), address(64), tlvs(version))
        .prop_map(|(source, esme, tlvs)| Body::AlertNotification(AlertNotification { source, esme, tlvs }));
    prop_oneof![
        bind().prop_map(Body::BindTransceiver),
        (text(15), tlvs(version))
            .prop_map(|(system_id, tlvs)| Body::BindTransceiverResp(BindResp { system_id, tlvs })),
        (text(15), text(8)).prop_map(|(system_id, password)| {
            Body::Outbind(Outbind { system_id, password, tlvs: Tlvs::new() })
        }),
        data_sm().prop_map(Body::DataSm),
        message_resp(version).prop_map(Body::DataSmResp),
        alert,
    ]
    .boxed()
}

fn of_5_0() -> BoxedStrategy<Body> {
    let version = Version::V5_0;
    let id = || message_id(version);
    prop_oneof![
        broadcast_sm().prop_map(Body::BroadcastSm),
        message_resp(version).prop_map(Body::BroadcastSmResp),
        (id(), address(20), tlvs(version)).prop_map(|(message_id, source, tlvs)| {
            Body::QueryBroadcastSm(QueryBroadcastSm { message_id, source, tlvs })
        }),
        (id(), tlvs(version)).prop_map(|(message_id, tlvs)| {
            Body::QueryBroadcastSmResp(QueryBroadcastSmResp { message_id, tlvs })
        }),
        (text(5), id(), address(20), tlvs(version)).prop_map(|(service_type, message_id, source, tlvs)| {
            Body::CancelBroadcastSm(CancelBroadcastSm { service_type, message_id, source, tlvs })
        }),
        Just(Body::CancelBroadcastSmResp),
    ]
    .boxed()
}

/// A version and a PDU that exists in it.
pub fn pdu() -> impl Strategy<Value = (Version, Pdu)> {
    let body = prop_oneof![
        common(Version::V3_3).prop_map(|body| (Version::V3_3, body)),
        of_3_3().prop_map(|body| (Version::V3_3, body)),
        common(Version::V3_4).prop_map(|body| (Version::V3_4, body)),
        of_3_4(Version::V3_4).prop_map(|body| (Version::V3_4, body)),
        common(Version::V5_0).prop_map(|body| (Version::V5_0, body)),
        of_5_0().prop_map(|body| (Version::V5_0, body)),
    ];
    (body, any::<u32>(), any::<bool>(), any::<u32>()).prop_map(
        |((version, body), status, fails, sequence)| {
            let fails = fails && body.command().is_response();
            let status = CommandStatus(if fails { status } else { 0 });
            (version, Pdu { status, sequence, body })
        },
    )
}
