//! What the captures in `tests/golden` mean.

use bytes::Bytes;
use signalbox_smpp::{
    Address, AlertNotification, Bind, BindResp, Body, BroadcastSm, COctets, CancelBroadcastSm, CancelSm,
    CommandId, CommandStatus, DataCoding, DataSm, Destination, EsmClass, MessageResp, MessageState, Npi,
    Outbind, ParamRetrieve, ParamRetrieveResp, Pdu, QueryBroadcastSm, QueryBroadcastSmResp, QueryLastMsgs,
    QueryLastMsgsResp, QueryMsgDetails, QueryMsgDetailsResp, QuerySm, QuerySmResp, RegisteredDelivery,
    ReplaceSm, ShortMessage, SubmitMulti, SubmitMultiResp, Tag, Tlvs, Ton, Unknown, Unsuccessful,
};

fn text(text: &'static str) -> COctets {
    COctets::from_static(text)
}

fn tlvs(list: &[(Tag, &[u8])]) -> Tlvs {
    let mut tlvs = Tlvs::new();
    for (tag, value) in list {
        tlvs.push(*tag, value).unwrap();
    }
    tlvs
}

fn bind() -> Bind {
    Bind {
        system_id: text("SMPP3TEST"),
        password: text("secret08"),
        system_type: text("SUBMIT1"),
        interface_version: 0x34,
        addr_ton: Ton::INTERNATIONAL,
        addr_npi: Npi::ISDN,
        address_range: text("^4477"),
        tlvs: Tlvs::new(),
    }
}

fn short_code() -> Address {
    Address::short_code("4242")
}

fn phone() -> Address {
    Address::international("447700900123")
}

fn channel() -> Address {
    Address::short_code("50")
}

fn submit_sm() -> ShortMessage {
    ShortMessage {
        service_type: text("CMT"),
        source: Address::alphanumeric("Signalbox"),
        destination: phone(),
        esm_class: EsmClass(EsmClass::UDHI),
        protocol_id: 0,
        priority_flag: 1,
        schedule_delivery_time: text("240510154307304+"),
        validity_period: text("000001000000000R"),
        registered_delivery: RegisteredDelivery::FINAL,
        replace_if_present: 0,
        data_coding: DataCoding::UCS2,
        sm_default_msg_id: 0,
        short_message: Bytes::from_static(b"\x05\x00\x03\xa1\x02\x01\0h\0\xe9"),
        tlvs: tlvs(&[(Tag::USER_MESSAGE_REFERENCE, b"\x12\x34"), (Tag(0x1401), b"abc")]),
    }
}

fn deliver_sm() -> ShortMessage {
    ShortMessage {
        source: phone(),
        destination: short_code(),
        esm_class: EsmClass::DELIVERY_RECEIPT,
        short_message: Bytes::from_static(
            b"id:1A2B sub:001 dlvrd:001 submit date:2405101543 done date:2405101544 stat:DELIVRD err:000 text:hi",
        ),
        tlvs: tlvs(&[
            (Tag::RECEIPTED_MESSAGE_ID, b"1A2B\0"),
            (Tag::MESSAGE_STATE, b"\x02"),
            (Tag::NETWORK_ERROR_CODE, b"\x03\0\0"),
        ]),
        ..ShortMessage::default()
    }
}

fn broadcast_sm() -> BroadcastSm {
    BroadcastSm {
        service_type: text("CBS"),
        source: channel(),
        priority_flag: 3,
        validity_period: text("000000010000000R"),
        tlvs: tlvs(&[
            (Tag::BROADCAST_AREA_IDENTIFIER, b"\0North"),
            (Tag::BROADCAST_AREA_IDENTIFIER, b"\0South"),
            (Tag::BROADCAST_CONTENT_TYPE, b"\x01\0\x10"),
            (Tag::BROADCAST_REP_NUM, b"\0\x05"),
            (Tag::BROADCAST_FREQUENCY_INTERVAL, b"\x09\0\x0a"),
            (Tag::MESSAGE_PAYLOAD, b"storm"),
        ]),
        ..BroadcastSm::default()
    }
}

fn query_msg_details_resp() -> QueryMsgDetailsResp {
    QueryMsgDetailsResp {
        source: short_code(),
        destinations: vec![Destination::Address(phone())],
        registered_delivery: RegisteredDelivery::FINAL,
        short_message: Bytes::from_static(b"hi"),
        message_id: text("1A2B"),
        final_date: text("240510154307300+"),
        message_state: MessageState::DELIVERED,
        ..QueryMsgDetailsResp::default()
    }
}

/// The PDU a capture holds.
pub fn expected(name: &str) -> Pdu {
    let id = |id: &'static str| MessageResp::new(text(id));
    match name {
        "bind_transmitter" => Pdu::new(1, Body::BindTransmitter(bind())),
        "bind_transmitter_resp" => Pdu::new(
            1,
            Body::BindTransmitterResp(BindResp {
                system_id: text("SMSC1"),
                tlvs: tlvs(&[(Tag::SC_INTERFACE_VERSION, b"\x34")]),
            }),
        ),
        "bind_receiver" => Pdu::new(2, Body::BindReceiver(bind())),
        "bind_receiver_resp" => {
            Pdu::new(2, Body::BindReceiverResp(BindResp { system_id: text("SMSC1"), tlvs: Tlvs::new() }))
        }
        "bind_transceiver" => Pdu::new(3, Body::BindTransceiver(bind())),
        "bind_transceiver_resp" => Pdu::error(CommandId::BIND_TRANSCEIVER_RESP, CommandStatus::RINVPASWD, 3),
        "outbind" => Pdu::new(
            4,
            Body::Outbind(Outbind { system_id: text("SMSC1"), password: text("pw"), tlvs: Tlvs::new() }),
        ),
        "unbind" => Pdu::new(5, Body::Unbind),
        "unbind_resp" => Pdu::new(5, Body::UnbindResp),
        "generic_nack" => Pdu::response(6, CommandStatus::RINVCMDID, Body::GenericNack),
        "submit_sm" => Pdu::new(7, Body::SubmitSm(submit_sm())),
        "submit_sm_resp" => Pdu::new(7, Body::SubmitSmResp(id("0000001A2B"))),
        "submit_sm_resp_throttled" => Pdu::response(8, CommandStatus::RTHROTTLED, Body::SubmitSmResp(id(""))),
        "submit_multi" => Pdu::new(
            9,
            Body::SubmitMulti(SubmitMulti {
                source: short_code(),
                destinations: vec![Destination::Address(phone()), Destination::List(text("friends"))],
                short_message: Bytes::from_static(b"hi"),
                ..SubmitMulti::default()
            }),
        ),
        "submit_multi_resp" => Pdu::new(
            9,
            Body::SubmitMultiResp(SubmitMultiResp {
                message_id: text("77"),
                unsuccessful: vec![Unsuccessful {
                    destination: Address::international("447700900124"),
                    status: CommandStatus::RINVDSTADR,
                }],
                tlvs: Tlvs::new(),
            }),
        ),
        "deliver_sm" => Pdu::new(10, Body::DeliverSm(deliver_sm())),
        "deliver_sm_resp" => Pdu::new(10, Body::DeliverSmResp(id(""))),
        "data_sm" => Pdu::new(
            11,
            Body::DataSm(DataSm {
                service_type: text("WAP"),
                source: Address::alphanumeric("0123456789012345678901234567890123456789"),
                destination: phone(),
                esm_class: EsmClass::DEFAULT,
                registered_delivery: RegisteredDelivery(0x11),
                data_coding: DataCoding::BINARY_ALTERNATIVE,
                tlvs: tlvs(&[(Tag::SOURCE_PORT, b"\x23\xf0"), (Tag::MESSAGE_PAYLOAD, b"\x01\x06\0")]),
            }),
        ),
        "data_sm_resp" => Pdu::response(
            11,
            CommandStatus::RDELIVERYFAILURE,
            Body::DataSmResp(MessageResp {
                message_id: text("88"),
                tlvs: tlvs(&[
                    (Tag::DELIVERY_FAILURE_REASON, b"\x02"),
                    (Tag::ADDITIONAL_STATUS_INFO_TEXT, b"busy\0"),
                ]),
            }),
        ),
        "query_sm" => Pdu::new(
            12,
            Body::QuerySm(QuerySm {
                message_id: text("0000001A2B"),
                source: short_code(),
                tlvs: Tlvs::new(),
            }),
        ),
        "query_sm_resp" => Pdu::new(
            12,
            Body::QuerySmResp(QuerySmResp {
                message_id: text("0000001A2B"),
                final_date: text("240510154307300+"),
                message_state: MessageState::UNDELIVERABLE,
                error_code: 27,
                tlvs: Tlvs::new(),
            }),
        ),
        "cancel_sm" => Pdu::new(
            13,
            Body::CancelSm(CancelSm {
                service_type: text("CMT"),
                source: short_code(),
                destination: phone(),
                ..CancelSm::default()
            }),
        ),
        "cancel_sm_resp" => Pdu::response(13, CommandStatus::RCANCELFAIL, Body::CancelSmResp),
        "replace_sm" => Pdu::new(
            14,
            Body::ReplaceSm(ReplaceSm {
                message_id: text("1A2B"),
                source: short_code(),
                validity_period: text("000002000000000R"),
                registered_delivery: RegisteredDelivery::FAILURE,
                short_message: Bytes::from_static(b"new"),
                ..ReplaceSm::default()
            }),
        ),
        "replace_sm_resp" => Pdu::new(14, Body::ReplaceSmResp),
        "enquire_link" => Pdu::new(0x7fff_ffff, Body::EnquireLink),
        "enquire_link_resp" => Pdu::new(0x7fff_ffff, Body::EnquireLinkResp),
        "alert_notification" => Pdu::new(
            15,
            Body::AlertNotification(AlertNotification {
                source: phone(),
                esme: short_code(),
                tlvs: tlvs(&[(Tag::MS_AVAILABILITY_STATUS, b"\0")]),
            }),
        ),
        "broadcast_sm" => Pdu::new(16, Body::BroadcastSm(broadcast_sm())),
        "broadcast_sm_resp" => Pdu::new(
            16,
            Body::BroadcastSmResp(MessageResp {
                message_id: text("B1"),
                tlvs: tlvs(&[(Tag::CONGESTION_STATE, b"\x50")]),
            }),
        ),
        "query_broadcast_sm" => Pdu::new(
            17,
            Body::QueryBroadcastSm(QueryBroadcastSm {
                message_id: text("B1"),
                source: channel(),
                tlvs: Tlvs::new(),
            }),
        ),
        "query_broadcast_sm_resp" => Pdu::new(
            17,
            Body::QueryBroadcastSmResp(QueryBroadcastSmResp {
                message_id: text("B1"),
                tlvs: tlvs(&[
                    (Tag::MESSAGE_STATE, b"\x02"),
                    (Tag::BROADCAST_AREA_IDENTIFIER, b"\0North"),
                    (Tag::BROADCAST_AREA_SUCCESS, b"\x64"),
                ]),
            }),
        ),
        "cancel_broadcast_sm" => Pdu::new(
            18,
            Body::CancelBroadcastSm(CancelBroadcastSm {
                service_type: text("CBS"),
                message_id: text("B1"),
                source: channel(),
                tlvs: Tlvs::new(),
            }),
        ),
        "cancel_broadcast_sm_resp" => Pdu::new(18, Body::CancelBroadcastSmResp),
        "param_retrieve" => Pdu::new(19, Body::ParamRetrieve(ParamRetrieve { param_name: text("maxmsgs") })),
        "param_retrieve_resp" => {
            Pdu::new(19, Body::ParamRetrieveResp(ParamRetrieveResp { param_value: text("100") }))
        }
        "query_last_msgs" => {
            Pdu::new(20, Body::QueryLastMsgs(QueryLastMsgs { source: short_code(), count: 2 }))
        }
        "query_last_msgs_resp" => Pdu::new(
            20,
            Body::QueryLastMsgsResp(QueryLastMsgsResp { message_ids: vec![text("1A2B"), text("1A2C")] }),
        ),
        "query_msg_details" => Pdu::new(
            21,
            Body::QueryMsgDetails(QueryMsgDetails {
                message_id: text("1A2B"),
                source: short_code(),
                sm_length: 160,
            }),
        ),
        "query_msg_details_resp" => Pdu::new(21, Body::QueryMsgDetailsResp(query_msg_details_resp())),
        "unknown_vendor" => Pdu::new(
            22,
            Body::Unknown(Unknown {
                command: CommandId(0x0001_0200),
                octets: Bytes::from_static(b"\xde\xad\xbe\xef"),
            }),
        ),
        other => panic!("no value is written down for capture {other}"),
    }
}
