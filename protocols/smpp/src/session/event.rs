//! What a session tells its owner, and why calls are refused.

use super::State;
use crate::pdu::{AlertNotification, Bind, BindMode, BindResp, Body, Outbind};
use crate::{CommandId, CommandStatus, DecodeError, EncodeError, FrameError, Version};
use bytes::Bytes;

/// Something that happened; taken with [`crate::Session::poll_event`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An ESME wants to bind. Answer with [`crate::Session::accept_bind`] or
    /// [`crate::Session::reject_bind`].
    BindRequest {
        /// Which directions.
        mode: BindMode,
        /// Who, with which password.
        bind: Bind,
    },
    /// Our bind was accepted; the session is bound.
    Bound {
        /// The version agreed.
        version: Version,
        /// The SMSC's answer.
        resp: BindResp,
    },
    /// Our bind was refused. The session stays open for another try or [`crate::Session::close`].
    BindRefused {
        /// Why.
        status: CommandStatus,
    },
    /// The SMSC asks us to bind as receiver.
    Outbind(Outbind),
    /// A request of the peer. Answer with [`crate::Session::respond`] or [`crate::Session::reject`].
    Request {
        /// Names the request when answering.
        sequence: u32,
        /// The request.
        body: Body,
        /// The whole PDU as it came, for a journal or to be forwarded.
        frame: Bytes,
        /// Another request with this sequence_number waits for its answer: the peer cannot tell the answers
        /// apart. Answers are given in the order of the requests.
        duplicate: bool,
    },
    /// A device is available again; there is no answer.
    Alert(AlertNotification),
    /// The response to a request of ours.
    Response {
        /// As given to [`crate::Session::send`].
        token: u64,
        /// sequence_number.
        sequence: u32,
        /// The result.
        status: CommandStatus,
        /// The response; [`Body::GenericNack`] if the peer did not understand the request.
        body: Body,
        /// When the request was sent, on the clock of the `now` given, in nanoseconds.
        sent_at: u64,
    },
    /// The response to a request of ours could not be decoded; the request is no longer in the window.
    BadResponse {
        /// As given to [`crate::Session::send`].
        token: u64,
        /// What is wrong; `peer_status` is the result that the peer reported.
        error: DecodeError,
    },
    /// No response came in time; the request is no longer in the window.
    Timeout {
        /// As given to [`crate::Session::send`].
        token: u64,
        /// sequence_number.
        sequence: u32,
        /// The request.
        command: CommandId,
    },
    /// A response after its [`Event::Timeout`].
    LateResponse {
        /// As given to [`crate::Session::send`].
        token: u64,
        /// sequence_number.
        sequence: u32,
        /// The result.
        status: CommandStatus,
        /// The response.
        body: Body,
    },
    /// A response or generic_nack to nothing we sent, or the second to the same request.
    Unsolicited {
        /// sequence_number.
        sequence: u32,
        /// The result.
        status: CommandStatus,
        /// The response.
        body: Body,
    },
    /// A request that could not be decoded; it has been answered where it can be.
    Malformed {
        /// What is wrong.
        error: DecodeError,
        /// The PDU as it came.
        frame: Bytes,
    },
    /// The peer wants to end the session. unbind_resp goes out when all its requests are answered, or after
    /// the response time; answer what is open, and send nothing new.
    PeerUnbind {
        /// Requests that wait for our answer.
        pending: usize,
    },
    /// The session is over: write what output is left, then close the connection. What was sent and not
    /// answered is in [`crate::Session::in_flight`].
    Closed(CloseReason),
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// [`crate::Session::close`].
    Local,
    /// The peer answered our unbind.
    Unbound,
    /// The peer sent unbind and has got its answer.
    PeerUnbound,
    /// The connection ended, see [`crate::Session::connection_lost`].
    ConnectionLost,
    /// No bind within the session-init time.
    SessionInitTimeout,
    /// Our bind was not answered.
    BindTimeout,
    /// enquire_link was not answered, and nothing else came.
    EnquireLinkTimeout,
    /// No operation within the inactivity time.
    Inactivity,
    /// Our unbind was not answered.
    UnbindTimeout,
    /// The stream cannot be cut into PDUs.
    Frame(FrameError),
}

/// Why a request was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// As many requests as the window holds wait for responses.
    #[error("window of {limit} requests is full")]
    WindowFull {
        /// The window.
        limit: usize,
    },
    /// The peer does not read what was sent.
    #[error("{waiting} octets of output wait to be written")]
    OutputFull {
        /// Octets waiting.
        waiting: usize,
    },
    /// The command is not allowed in this state, for this side, or not by this call.
    #[error("{command} is not allowed in state {state:?}")]
    NotAllowed {
        /// The command.
        command: CommandId,
        /// The state.
        state: State,
    },
    /// The request breaks the specification or the peer's limits.
    #[error("request cannot be encoded")]
    Encode(#[from] EncodeError),
}

/// Why a response was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RespondError {
    /// No request with this number waits for this response (or the session is over).
    #[error("no request with sequence {sequence} waits for {command}")]
    NoRequest {
        /// sequence_number.
        sequence: u32,
        /// The response.
        command: CommandId,
    },
    /// The response breaks the specification or the peer's limits; the request still waits.
    #[error("response cannot be encoded")]
    Encode(#[from] EncodeError),
}
