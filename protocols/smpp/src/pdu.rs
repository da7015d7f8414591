//! The protocol data units of SMPP 3.3, 3.4 and 5.0.

use crate::decode::{DecodeError, Fault, Reader};
use crate::encode::Sink;
use crate::{CommandId, CommandStatus, Field};
use bytes::Bytes;

mod bind;
mod broadcast;
mod legacy;
mod manage;
mod message;
mod multi;
mod view;

pub use bind::{Bind, BindMode, BindResp, Outbind};
pub use broadcast::{BroadcastSm, CancelBroadcastSm, QueryBroadcastSm, QueryBroadcastSmResp};
pub use legacy::{ParamRetrieve, ParamRetrieveResp, QueryLastMsgs, QueryLastMsgsResp};
pub use legacy::{QueryMsgDetails, QueryMsgDetailsResp};
pub use manage::{AlertNotification, CancelSm, QuerySm, QuerySmResp, ReplaceSm};
pub use message::{DataSm, MessageResp, ShortMessage};
pub use multi::{Destination, SubmitMulti, SubmitMultiResp, Unsuccessful};
pub use view::{MessageRespView, ShortMessageView};

/// One PDU: its header without command_length (which follows from the body) and command_id (which the body
/// knows), and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pdu {
    /// command_status; ESME_ROK in requests.
    pub status: CommandStatus,
    /// sequence_number.
    pub sequence: u32,
    /// What the PDU is and holds.
    pub body: Body,
}

impl Pdu {
    /// A request, or a response with status ESME_ROK.
    pub const fn new(sequence: u32, body: Body) -> Pdu {
        Pdu { status: CommandStatus::ROK, sequence, body }
    }

    /// A response with a status.
    pub const fn response(sequence: u32, status: CommandStatus, body: Body) -> Pdu {
        Pdu { status, sequence, body }
    }

    /// The response `command` without content, for an error status. A command that is not a known response
    /// gives generic_nack.
    pub fn error(command: CommandId, status: CommandStatus, sequence: u32) -> Pdu {
        let body = Body::blank_response(command).unwrap_or(Body::GenericNack);
        Pdu { status, sequence, body }
    }

    /// command_id.
    pub const fn command(&self) -> CommandId {
        self.body.command()
    }
}

/// A command this crate does not know, with its body as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// command_id.
    pub command: CommandId,
    /// All octets after the header.
    pub octets: Bytes,
}

macro_rules! bodies {
    (
        with_body { $( $(#[$doc:meta])* $variant:ident($type:ty) $command:ident, )* }
        bare { $( $(#[$bare_doc:meta])* $bare:ident $bare_command:ident, )* }
    ) => {
        /// The body of a PDU; the variant is the command.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Body {
            $( $(#[$doc])* $variant($type), )*
            $( $(#[$bare_doc])* $bare, )*
            /// A command that is none of SMPP 3.3, 3.4 or 5.0.
            Unknown(Unknown),
        }

        impl Body {
            /// command_id.
            pub const fn command(&self) -> CommandId {
                match self {
                    $( Body::$variant(_) => CommandId::$command, )*
                    $( Body::$bare => CommandId::$bare_command, )*
                    Body::Unknown(unknown) => unknown.command,
                }
            }

            #[inline]
            pub(crate) fn visit<S: Sink>(&self, sink: &mut S) {
                match self {
                    $( Body::$variant(body) => body.visit(sink), )*
                    $( Body::$bare => {} )*
                    Body::Unknown(unknown) => sink.octets(&unknown.octets),
                }
            }

            /// Whether nothing is in it, so that an error response may go without a body.
            pub(crate) fn is_blank(&self) -> bool {
                match self {
                    $( Body::$variant(body) => *body == <$type>::default(), )*
                    $( Body::$bare => true, )*
                    Body::Unknown(unknown) => unknown.octets.is_empty(),
                }
            }

            /// An empty response of the given command, for error answers.
            pub fn blank_response(command: CommandId) -> Option<Body> {
                if !command.is_response() {
                    return None;
                }
                match command {
                    $( CommandId::$command => Some(Body::$variant(<$type>::default())), )*
                    $( CommandId::$bare_command => Some(Body::$bare), )*
                    _ => None,
                }
            }

            #[inline]
            pub(crate) fn read(reader: &mut Reader<'_, '_>, frame: &Bytes) -> Result<Body, DecodeError> {
                let header = reader.header();
                let command = header.command;
                if command.is_response() && reader.is_at_end() {
                    return Body::read_empty_response(reader);
                }
                match command {
                    $( CommandId::$command => Ok(Body::$variant(<$type>::read(reader, frame)?)), )*
                    $( CommandId::$bare_command => {
                        reader.end()?;
                        Ok(Body::$bare)
                    } )*
                    _ => Ok(Body::Unknown(Unknown { command, octets: frame.slice(crate::frame::HEADER_LEN..) })),
                }
            }
        }
    };
}

bodies! {
    with_body {
        /// bind_transmitter.
        BindTransmitter(Bind) BIND_TRANSMITTER,
        /// bind_transmitter_resp.
        BindTransmitterResp(BindResp) BIND_TRANSMITTER_RESP,
        /// bind_receiver.
        BindReceiver(Bind) BIND_RECEIVER,
        /// bind_receiver_resp.
        BindReceiverResp(BindResp) BIND_RECEIVER_RESP,
        /// bind_transceiver.
        BindTransceiver(Bind) BIND_TRANSCEIVER,
        /// bind_transceiver_resp.
        BindTransceiverResp(BindResp) BIND_TRANSCEIVER_RESP,
        /// outbind.
        Outbind(Outbind) OUTBIND,
        /// submit_sm.
        SubmitSm(ShortMessage) SUBMIT_SM,
        /// submit_sm_resp.
        SubmitSmResp(MessageResp) SUBMIT_SM_RESP,
        /// submit_multi.
        SubmitMulti(SubmitMulti) SUBMIT_MULTI,
        /// submit_multi_resp.
        SubmitMultiResp(SubmitMultiResp) SUBMIT_MULTI_RESP,
        /// deliver_sm.
        DeliverSm(ShortMessage) DELIVER_SM,
        /// deliver_sm_resp.
        DeliverSmResp(MessageResp) DELIVER_SM_RESP,
        /// data_sm.
        DataSm(DataSm) DATA_SM,
        /// data_sm_resp.
        DataSmResp(MessageResp) DATA_SM_RESP,
        /// query_sm.
        QuerySm(QuerySm) QUERY_SM,
        /// query_sm_resp.
        QuerySmResp(QuerySmResp) QUERY_SM_RESP,
        /// cancel_sm.
        CancelSm(CancelSm) CANCEL_SM,
        /// replace_sm.
        ReplaceSm(ReplaceSm) REPLACE_SM,
        /// alert_notification.
        AlertNotification(AlertNotification) ALERT_NOTIFICATION,
        /// broadcast_sm.
        BroadcastSm(BroadcastSm) BROADCAST_SM,
        /// broadcast_sm_resp.
        BroadcastSmResp(MessageResp) BROADCAST_SM_RESP,
        /// query_broadcast_sm.
        QueryBroadcastSm(QueryBroadcastSm) QUERY_BROADCAST_SM,
        /// query_broadcast_sm_resp.
        QueryBroadcastSmResp(QueryBroadcastSmResp) QUERY_BROADCAST_SM_RESP,
        /// cancel_broadcast_sm.
        CancelBroadcastSm(CancelBroadcastSm) CANCEL_BROADCAST_SM,
        /// param_retrieve (3.3).
        ParamRetrieve(ParamRetrieve) PARAM_RETRIEVE,
        /// param_retrieve_resp (3.3).
        ParamRetrieveResp(ParamRetrieveResp) PARAM_RETRIEVE_RESP,
        /// query_last_msgs (3.3).
        QueryLastMsgs(QueryLastMsgs) QUERY_LAST_MSGS,
        /// query_last_msgs_resp (3.3).
        QueryLastMsgsResp(QueryLastMsgsResp) QUERY_LAST_MSGS_RESP,
        /// query_msg_details (3.3).
        QueryMsgDetails(QueryMsgDetails) QUERY_MSG_DETAILS,
        /// query_msg_details_resp (3.3).
        QueryMsgDetailsResp(QueryMsgDetailsResp) QUERY_MSG_DETAILS_RESP,
    }
    bare {
        /// unbind.
        Unbind UNBIND,
        /// unbind_resp.
        UnbindResp UNBIND_RESP,
        /// cancel_sm_resp.
        CancelSmResp CANCEL_SM_RESP,
        /// replace_sm_resp.
        ReplaceSmResp REPLACE_SM_RESP,
        /// enquire_link.
        EnquireLink ENQUIRE_LINK,
        /// enquire_link_resp.
        EnquireLinkResp ENQUIRE_LINK_RESP,
        /// generic_nack.
        GenericNack GENERIC_NACK,
        /// cancel_broadcast_sm_resp.
        CancelBroadcastSmResp CANCEL_BROADCAST_SM_RESP,
    }
}

impl Body {
    /// A response that ends with its header: allowed with an error status, a quirk with ESME_ROK unless the
    /// command has no body anyway.
    fn read_empty_response(reader: &Reader<'_, '_>) -> Result<Body, DecodeError> {
        let header = reader.header();
        let Some(body) = Body::blank_response(header.command) else {
            return Ok(Body::Unknown(Unknown { command: header.command, octets: Bytes::new() }));
        };
        let bare = matches!(
            header.command,
            CommandId::UNBIND_RESP
                | CommandId::CANCEL_SM_RESP
                | CommandId::REPLACE_SM_RESP
                | CommandId::ENQUIRE_LINK_RESP
                | CommandId::GENERIC_NACK
                | CommandId::CANCEL_BROADCAST_SM_RESP
        );
        if bare || !header.status.is_ok() || reader.profile().missing_body.accepts() {
            Ok(body)
        } else {
            Err(reader.error(Field::Body, Fault::MissingBody))
        }
    }
}
