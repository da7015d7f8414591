//! TLV tags of SMPP 3.4 (clause 5.3.2) and 5.0 (clause 4.8.1).

use crate::named::named_values;

named_values! {
    /// The tag of a TLV. Vendor tags (0x1400 to 0x3fff) and unknown ones are kept as they are.
    Tag(u16) {
        /// Which subunit of the destination device the data is for; 1 octet.
        DEST_ADDR_SUBUNIT = 0x0005 "dest_addr_subunit",
        /// Network type of the destination; 1 octet.
        DEST_NETWORK_TYPE = 0x0006 "dest_network_type",
        /// Bearer type of the destination; 1 octet.
        DEST_BEARER_TYPE = 0x0007 "dest_bearer_type",
        /// Telematics id of the destination; 2 octets.
        DEST_TELEMATICS_ID = 0x0008 "dest_telematics_id",
        /// Which subunit of the source device the data is from; 1 octet.
        SOURCE_ADDR_SUBUNIT = 0x000D "source_addr_subunit",
        /// Network type of the source; 1 octet.
        SOURCE_NETWORK_TYPE = 0x000E "source_network_type",
        /// Bearer type of the source; 1 octet.
        SOURCE_BEARER_TYPE = 0x000F "source_bearer_type",
        /// Telematics id of the source; 1 octet.
        SOURCE_TELEMATICS_ID = 0x0010 "source_telematics_id",
        /// Time to live in seconds; 4 octets.
        QOS_TIME_TO_LIVE = 0x0017 "qos_time_to_live",
        /// Type of the payload; 1 octet.
        PAYLOAD_TYPE = 0x0019 "payload_type",
        /// Text that explains a status; C-octet string of 1 to 256 octets.
        ADDITIONAL_STATUS_INFO_TEXT = 0x001D "additional_status_info_text",
        /// Message id a receipt is about; C-octet string of 1 to 65 octets.
        RECEIPTED_MESSAGE_ID = 0x001E "receipted_message_id",
        /// Message waiting indication; 1 octet.
        MS_MSG_WAIT_FACILITIES = 0x0030 "ms_msg_wait_facilities",
        /// Privacy level; 1 octet.
        PRIVACY_INDICATOR = 0x0201 "privacy_indicator",
        /// Subaddress of the source; 2 to 23 octets.
        SOURCE_SUBADDRESS = 0x0202 "source_subaddress",
        /// Subaddress of the destination; 2 to 23 octets.
        DEST_SUBADDRESS = 0x0203 "dest_subaddress",
        /// Reference the ESME gave the message; 2 octets.
        USER_MESSAGE_REFERENCE = 0x0204 "user_message_reference",
        /// Response code of the user; 1 octet.
        USER_RESPONSE_CODE = 0x0205 "user_response_code",
        /// Application port of the source; 2 octets.
        SOURCE_PORT = 0x020A "source_port",
        /// Application port of the destination; 2 octets.
        DESTINATION_PORT = 0x020B "destination_port",
        /// Reference shared by the segments of one message; 2 octets.
        SAR_MSG_REF_NUM = 0x020C "sar_msg_ref_num",
        /// Language of the text; 1 octet.
        LANGUAGE_INDICATOR = 0x020D "language_indicator",
        /// Number of segments; 1 octet.
        SAR_TOTAL_SEGMENTS = 0x020E "sar_total_segments",
        /// Number of this segment, from 1; 1 octet.
        SAR_SEGMENT_SEQNUM = 0x020F "sar_segment_seqnum",
        /// SMPP version of the SMSC, in bind responses; 1 octet.
        SC_INTERFACE_VERSION = 0x0210 "sc_interface_version",
        /// Presentation of the callback number; 1 octet.
        CALLBACK_NUM_PRES_IND = 0x0302 "callback_num_pres_ind",
        /// Alphanumeric tag of the callback number; up to 65 octets.
        CALLBACK_NUM_ATAG = 0x0303 "callback_num_atag",
        /// Number of messages waiting; 1 octet.
        NUMBER_OF_MESSAGES = 0x0304 "number_of_messages",
        /// Callback number; 4 to 19 octets.
        CALLBACK_NUM = 0x0381 "callback_num",
        /// Whether the delivery pending flag was set; 1 octet.
        DPF_RESULT = 0x0420 "dpf_result",
        /// Asks to set the delivery pending flag; 1 octet.
        SET_DPF = 0x0421 "set_dpf",
        /// Availability of the device; 1 octet.
        MS_AVAILABILITY_STATUS = 0x0422 "ms_availability_status",
        /// Network and error code of a failed delivery; 3 octets.
        NETWORK_ERROR_CODE = 0x0423 "network_error_code",
        /// The text when it is not in short_message; up to 65535 octets.
        MESSAGE_PAYLOAD = 0x0424 "message_payload",
        /// Why a delivery failed; 1 octet.
        DELIVERY_FAILURE_REASON = 0x0425 "delivery_failure_reason",
        /// More messages follow for the destination; 1 octet.
        MORE_MESSAGES_TO_SEND = 0x0426 "more_messages_to_send",
        /// State of a message in a receipt; 1 octet.
        MESSAGE_STATE = 0x0427 "message_state",
        /// Congestion of the SMSC or ESME, 0 to 99 (5.0); 1 octet.
        CONGESTION_STATE = 0x0428 "congestion_state",
        /// USSD operation; 1 octet.
        USSD_SERVICE_OP = 0x0501 "ussd_service_op",
        /// Cell broadcast channel (5.0); 1 octet.
        BROADCAST_CHANNEL_INDICATOR = 0x0600 "broadcast_channel_indicator",
        /// Content type of a broadcast (5.0); 3 octets.
        BROADCAST_CONTENT_TYPE = 0x0601 "broadcast_content_type",
        /// More about the content type (5.0); up to 255 octets.
        BROADCAST_CONTENT_TYPE_INFO = 0x0602 "broadcast_content_type_info",
        /// Message class of a broadcast (5.0); 1 octet.
        BROADCAST_MESSAGE_CLASS = 0x0603 "broadcast_message_class",
        /// How often to repeat a broadcast (5.0); 2 octets, 1 from some peers.
        BROADCAST_REP_NUM = 0x0604 "broadcast_rep_num",
        /// Interval between broadcasts (5.0); 3 octets.
        BROADCAST_FREQUENCY_INTERVAL = 0x0605 "broadcast_frequency_interval",
        /// Area of a broadcast (5.0); 1 to 101 octets, may repeat.
        BROADCAST_AREA_IDENTIFIER = 0x0606 "broadcast_area_identifier",
        /// Error of a broadcast area (5.0); 4 octets, may repeat.
        BROADCAST_ERROR_STATUS = 0x0607 "broadcast_error_status",
        /// Success rate of a broadcast area (5.0); 1 octet, may repeat.
        BROADCAST_AREA_SUCCESS = 0x0608 "broadcast_area_success",
        /// End of a broadcast (5.0); C-octet string of 17 octets.
        BROADCAST_END_TIME = 0x0609 "broadcast_end_time",
        /// Service group of a broadcast (5.0); up to 255 octets.
        BROADCAST_SERVICE_GROUP = 0x060A "broadcast_service_group",
        /// Billing information (5.0); up to 1024 octets.
        BILLING_IDENTIFICATION = 0x060B "billing_identification",
        /// Network of the source (5.0); C-octet string of 7 to 65 octets.
        SOURCE_NETWORK_ID = 0x060D "source_network_id",
        /// Network of the destination (5.0); C-octet string of 7 to 65 octets.
        DEST_NETWORK_ID = 0x060E "dest_network_id",
        /// Node of the source (5.0); 6 octets.
        SOURCE_NODE_ID = 0x060F "source_node_id",
        /// Node of the destination (5.0); 6 octets.
        DEST_NODE_ID = 0x0610 "dest_node_id",
        /// Whether number portability was resolved (5.0); 1 octet.
        DEST_ADDR_NP_RESOLUTION = 0x0611 "dest_addr_np_resolution",
        /// Number portability information (5.0); up to 10 octets.
        DEST_ADDR_NP_INFORMATION = 0x0612 "dest_addr_np_information",
        /// Country of the ported number (5.0); 1 to 5 octets.
        DEST_ADDR_NP_COUNTRY = 0x0613 "dest_addr_np_country",
        /// Time to display the message; 1 octet.
        DISPLAY_TIME = 0x1201 "display_time",
        /// Alert signal; 2 octets.
        SMS_SIGNAL = 0x1203 "sms_signal",
        /// Validity on the device; 1 octet (5.0: 1 or 4).
        MS_VALIDITY = 0x1204 "ms_validity",
        /// Alert the user on delivery; 0 or 1 octet.
        ALERT_ON_MESSAGE_DELIVERY = 0x130C "alert_on_message_delivery",
        /// Reply type of interactive teleservice; 1 octet.
        ITS_REPLY_TYPE = 0x1380 "its_reply_type",
        /// Session of interactive teleservice; 2 octets.
        ITS_SESSION_INFO = 0x1383 "its_session_info",
    }
}

impl Tag {
    /// Whether the tag lies in the range kept for vendors (3.4 clause 5.3.2).
    pub const fn is_vendor(self) -> bool {
        self.0 >= 0x1400 && self.0 <= 0x3fff
    }

    /// The least and greatest length of the value by the specification; `None` for tags without a name.
    pub const fn value_len(self) -> Option<(u16, u16)> {
        Some(match self {
            Tag::DEST_ADDR_SUBUNIT
            | Tag::DEST_NETWORK_TYPE
            | Tag::DEST_BEARER_TYPE
            | Tag::SOURCE_ADDR_SUBUNIT
            | Tag::SOURCE_NETWORK_TYPE
            | Tag::SOURCE_BEARER_TYPE
            | Tag::SOURCE_TELEMATICS_ID
            | Tag::PAYLOAD_TYPE
            | Tag::MS_MSG_WAIT_FACILITIES
            | Tag::PRIVACY_INDICATOR
            | Tag::USER_RESPONSE_CODE
            | Tag::LANGUAGE_INDICATOR
            | Tag::SAR_TOTAL_SEGMENTS
            | Tag::SAR_SEGMENT_SEQNUM
            | Tag::SC_INTERFACE_VERSION
            | Tag::CALLBACK_NUM_PRES_IND
            | Tag::NUMBER_OF_MESSAGES
            | Tag::DPF_RESULT
            | Tag::SET_DPF
            | Tag::MS_AVAILABILITY_STATUS
            | Tag::DELIVERY_FAILURE_REASON
            | Tag::MORE_MESSAGES_TO_SEND
            | Tag::MESSAGE_STATE
            | Tag::CONGESTION_STATE
            | Tag::USSD_SERVICE_OP
            | Tag::BROADCAST_CHANNEL_INDICATOR
            | Tag::BROADCAST_MESSAGE_CLASS
            | Tag::BROADCAST_AREA_SUCCESS
            | Tag::DEST_ADDR_NP_RESOLUTION
            | Tag::DISPLAY_TIME
            | Tag::ITS_REPLY_TYPE => (1, 1),
            Tag::DEST_TELEMATICS_ID
            | Tag::USER_MESSAGE_REFERENCE
            | Tag::SOURCE_PORT
            | Tag::DESTINATION_PORT
            | Tag::SAR_MSG_REF_NUM
            | Tag::SMS_SIGNAL
            | Tag::ITS_SESSION_INFO => (2, 2),
            Tag::NETWORK_ERROR_CODE | Tag::BROADCAST_CONTENT_TYPE | Tag::BROADCAST_FREQUENCY_INTERVAL => {
                (3, 3)
            }
            Tag::QOS_TIME_TO_LIVE | Tag::BROADCAST_ERROR_STATUS => (4, 4),
            Tag::SOURCE_NODE_ID | Tag::DEST_NODE_ID => (6, 6),
            Tag::BROADCAST_REP_NUM => (1, 2),
            Tag::ALERT_ON_MESSAGE_DELIVERY => (0, 1),
            Tag::MS_VALIDITY => (1, 4),
            Tag::ADDITIONAL_STATUS_INFO_TEXT => (1, 256),
            Tag::RECEIPTED_MESSAGE_ID => (1, 65),
            Tag::SOURCE_SUBADDRESS | Tag::DEST_SUBADDRESS => (2, 23),
            Tag::CALLBACK_NUM_ATAG => (0, 65),
            Tag::CALLBACK_NUM => (4, 19),
            Tag::BROADCAST_CONTENT_TYPE_INFO | Tag::BROADCAST_SERVICE_GROUP => (1, 255),
            Tag::BROADCAST_AREA_IDENTIFIER => (1, 101),
            Tag::BROADCAST_END_TIME => (1, 17),
            Tag::BILLING_IDENTIFICATION => (1, 1024),
            Tag::SOURCE_NETWORK_ID | Tag::DEST_NETWORK_ID => (7, 65),
            Tag::DEST_ADDR_NP_INFORMATION => (1, 10),
            Tag::DEST_ADDR_NP_COUNTRY => (1, 5),
            Tag::MESSAGE_PAYLOAD => (0, u16::MAX),
            _ => return None,
        })
    }
}
