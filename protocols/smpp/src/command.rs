//! command_id (SMPP 3.4 clause 5.1.2.1, 5.0 clause 4.7.5, 3.3 clause 5).

use crate::named::named_values;

/// The bit that makes a request's command_id that of its response.
const RESPONSE_BIT: u32 = 0x8000_0000;

named_values! {
    /// The command_id of a PDU. Values without a name (reserved, vendor) are kept as they are.
    CommandId(u32) {
        /// bind_receiver: the ESME wants deliver_sm only.
        BIND_RECEIVER = 0x0000_0001 "bind_receiver",
        /// bind_transmitter: the ESME wants to submit only.
        BIND_TRANSMITTER = 0x0000_0002 "bind_transmitter",
        /// query_sm: state of a submitted message.
        QUERY_SM = 0x0000_0003 "query_sm",
        /// submit_sm: a message from an ESME.
        SUBMIT_SM = 0x0000_0004 "submit_sm",
        /// deliver_sm: a message or receipt to an ESME.
        DELIVER_SM = 0x0000_0005 "deliver_sm",
        /// unbind: end of the session.
        UNBIND = 0x0000_0006 "unbind",
        /// replace_sm: new text for a message not yet delivered.
        REPLACE_SM = 0x0000_0007 "replace_sm",
        /// cancel_sm: withdraw messages not yet delivered.
        CANCEL_SM = 0x0000_0008 "cancel_sm",
        /// bind_transceiver: both directions (since 3.4).
        BIND_TRANSCEIVER = 0x0000_0009 "bind_transceiver",
        /// outbind: the SMSC asks the ESME to bind as receiver (since 3.4).
        OUTBIND = 0x0000_000B "outbind",
        /// enquire_link: is the peer alive.
        ENQUIRE_LINK = 0x0000_0015 "enquire_link",
        /// submit_multi: one message to many destinations.
        SUBMIT_MULTI = 0x0000_0021 "submit_multi",
        /// param_retrieve (3.3 only).
        PARAM_RETRIEVE = 0x0000_0022 "param_retrieve",
        /// query_last_msgs (3.3 only).
        QUERY_LAST_MSGS = 0x0000_0023 "query_last_msgs",
        /// query_msg_details (3.3 only).
        QUERY_MSG_DETAILS = 0x0000_0024 "query_msg_details",
        /// alert_notification: a device has become available (since 3.4); it has no response.
        ALERT_NOTIFICATION = 0x0000_0102 "alert_notification",
        /// data_sm: a message with its text in message_payload (since 3.4), both directions.
        DATA_SM = 0x0000_0103 "data_sm",
        /// broadcast_sm: cell broadcast (since 5.0).
        BROADCAST_SM = 0x0000_0111 "broadcast_sm",
        /// query_broadcast_sm: state of a broadcast (since 5.0).
        QUERY_BROADCAST_SM = 0x0000_0112 "query_broadcast_sm",
        /// cancel_broadcast_sm: withdraw a broadcast (since 5.0).
        CANCEL_BROADCAST_SM = 0x0000_0113 "cancel_broadcast_sm",
        /// generic_nack: the header of a PDU could not be made sense of.
        GENERIC_NACK = 0x8000_0000 "generic_nack",
        /// Response to bind_receiver.
        BIND_RECEIVER_RESP = 0x8000_0001 "bind_receiver_resp",
        /// Response to bind_transmitter.
        BIND_TRANSMITTER_RESP = 0x8000_0002 "bind_transmitter_resp",
        /// Response to query_sm.
        QUERY_SM_RESP = 0x8000_0003 "query_sm_resp",
        /// Response to submit_sm.
        SUBMIT_SM_RESP = 0x8000_0004 "submit_sm_resp",
        /// Response to deliver_sm.
        DELIVER_SM_RESP = 0x8000_0005 "deliver_sm_resp",
        /// Response to unbind.
        UNBIND_RESP = 0x8000_0006 "unbind_resp",
        /// Response to replace_sm.
        REPLACE_SM_RESP = 0x8000_0007 "replace_sm_resp",
        /// Response to cancel_sm.
        CANCEL_SM_RESP = 0x8000_0008 "cancel_sm_resp",
        /// Response to bind_transceiver.
        BIND_TRANSCEIVER_RESP = 0x8000_0009 "bind_transceiver_resp",
        /// Response to enquire_link.
        ENQUIRE_LINK_RESP = 0x8000_0015 "enquire_link_resp",
        /// Response to submit_multi.
        SUBMIT_MULTI_RESP = 0x8000_0021 "submit_multi_resp",
        /// Response to param_retrieve.
        PARAM_RETRIEVE_RESP = 0x8000_0022 "param_retrieve_resp",
        /// Response to query_last_msgs.
        QUERY_LAST_MSGS_RESP = 0x8000_0023 "query_last_msgs_resp",
        /// Response to query_msg_details.
        QUERY_MSG_DETAILS_RESP = 0x8000_0024 "query_msg_details_resp",
        /// Response to data_sm.
        DATA_SM_RESP = 0x8000_0103 "data_sm_resp",
        /// Response to broadcast_sm.
        BROADCAST_SM_RESP = 0x8000_0111 "broadcast_sm_resp",
        /// Response to query_broadcast_sm.
        QUERY_BROADCAST_SM_RESP = 0x8000_0112 "query_broadcast_sm_resp",
        /// Response to cancel_broadcast_sm.
        CANCEL_BROADCAST_SM_RESP = 0x8000_0113 "cancel_broadcast_sm_resp",
    }
}

impl CommandId {
    /// Whether the response bit is set (generic_nack counts as a response).
    pub const fn is_response(self) -> bool {
        self.0 & RESPONSE_BIT != 0
    }

    /// Whether the command is one of SMPP 3.3, 3.4 or 5.0.
    pub const fn is_known(self) -> bool {
        self.name().is_some()
    }

    /// The command of the response to this request, whether it is known or not.
    pub const fn response(self) -> CommandId {
        CommandId(self.0 | RESPONSE_BIT)
    }

    /// The command of the request this response belongs to.
    pub const fn request(self) -> CommandId {
        CommandId(self.0 & !RESPONSE_BIT)
    }

    /// Whether a peer waits for a response to this command: all known requests but outbind and
    /// alert_notification (3.4 clauses 4.1.7 and 4.12).
    pub const fn expects_response(self) -> bool {
        self.is_known()
            && !self.is_response()
            && self.0 != CommandId::OUTBIND.0
            && self.0 != CommandId::ALERT_NOTIFICATION.0
    }
}
