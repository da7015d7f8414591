//! What happens to the exchange.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;

use super::operate::{Command, MessageQuery};
use crate::address::Address;
use crate::id::{AccountId, LinkId, MessageId, PeerId, PermitId, SessionId, WebhookId};
use crate::message::{Content, OriginClass, ReceiptRequest, ReceiptState, TrafficClass};
use crate::outcome::ErrorClass;
use crate::policy::Policy;
use crate::time::Micros;

/// Names who waits for a reply; opaque to the exchange, unique among the open ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplyTo {
    /// The session that asked, or the node's HTTP side.
    pub session: SessionId,
    /// Its own number for the request (an SMPP sequence number, an HTTP request's slot).
    pub token: u64,
}

/// A message offered by an account.
#[derive(Clone, Debug)]
pub struct Submit {
    /// Who waits for the answer.
    pub reply: ReplyTo,
    /// The account.
    pub account: AccountId,
    /// How it came: over SMPP, or over HTTP with the webhook for its receipts.
    pub channel: SubmitChannel,
    /// Who caused it.
    pub origin_class: OriginClass,
    /// How urgent it is.
    pub class: TrafficClass,
    /// From.
    pub source: Address,
    /// To; several for submit_multi.
    pub destinations: SmallVec<[Address; 1]>,
    /// The content, cut into segments where it needs several; never empty.
    pub parts: SmallVec<[Content; 1]>,
    /// Not before this instant.
    pub not_before: Option<Micros>,
    /// End of validity; `None` for the account's default.
    pub expires_at: Option<Micros>,
    /// Receipts wanted.
    pub receipt: ReceiptRequest,
    /// A second submission with the same key is answered like the first.
    pub idempotency: Option<[u8; 16]>,
    /// False for the second and later segments of a message that its origin cut itself.
    pub first_part: bool,
    /// True when who asks can take an id of eight digits and no more (SMPP 3.3).
    pub short_id: bool,
    /// The same content in parts, if it is whole and too long for one segment.
    pub in_parts: Option<Box<InParts>>,
}

/// A long content cut, for links that take none whole ([`PeerPolicy::longest`](crate::policy::PeerPolicy::longest)).
#[derive(Clone, Debug)]
pub struct InParts {
    /// Octets of the whole text.
    pub octets: usize,
    /// At least two.
    pub parts: Vec<Content>,
}

/// How a message was submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitChannel {
    /// Over a bound session.
    Smpp,
    /// Over the API.
    Http(Option<WebhookId>),
}

/// An MO message from a link.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// Who waits for the answer.
    pub reply: ReplyTo,
    /// The link.
    pub link: LinkId,
    /// From: the device.
    pub source: Address,
    /// To: our side's address.
    pub destination: Address,
    /// The content as it came.
    pub content: Content,
    /// The peer's own reference of the message, if it gave one; a copy has the same.
    pub reference: Option<u16>,
    /// False for the second and later segments of a longer message.
    pub first_part: bool,
}

/// A delivery receipt from a link.
#[derive(Clone, Debug)]
pub struct LinkReceipt {
    /// Who waits for the answer.
    pub reply: ReplyTo,
    /// The link.
    pub link: LinkId,
    /// The id that the link gave the message, in whatever form; empty if the receipt names none.
    pub remote_id: Bytes,
    /// The device that the message went to (the receipt's source).
    pub device: Address,
    /// What became of it.
    pub state: ReceiptState,
    /// The error code of the receipt's text, zero for none.
    pub error: u16,
    /// network_error_code, if given.
    pub network_error: Option<(u8, u16)>,
    /// The first octets of the message's text, if the receipt has them.
    pub text: Bytes,
}

/// What a peer said to one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It took the message under this id (empty if it gave none).
    Taken {
        /// The peer's id.
        remote_id: Bytes,
    },
    /// It took the part together with another one of its message, whose id and receipts are those of all.
    Joined {
        /// The peer's id of all.
        remote_id: Bytes,
    },
    /// It refused.
    Refused {
        /// What that means, by the link's error table.
        class: ErrorClass,
        /// The status as the peer sent it.
        status: u32,
    },
    /// It did not answer in time; the message may have been taken.
    Silent,
}

/// A delivery attempt that was not written to the peer at all, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// The session ended or the permit ran out first; another session may try at once.
    NotWritten,
    /// The message cannot be written in the peer's protocol.
    NotEncodable,
}

/// An answer of a number look-up that was under way.
#[derive(Clone, Debug)]
pub struct LookupDone {
    /// The message that waits for it.
    pub message: MessageId,
    /// What was found and who said so; `None` when the look-up failed or took too long.
    pub answer: Option<signalbox_routing::lookup::LookupAnswer>,
}

/// Something that happened; the exchange changes by these and by time alone.
#[derive(Debug)]
pub enum Event {
    /// An account offers a message.
    Submit(Box<Submit>),
    /// A link brings an MO message.
    Inbound(Box<Inbound>),
    /// A link brings a receipt.
    Receipt(Box<LinkReceipt>),
    /// A session that takes messages is up: at most `window` of them unanswered at a time.
    SessionUp {
        /// Whose session.
        peer: PeerId,
        /// Its id.
        session: SessionId,
        /// Its window.
        window: u32,
    },
    /// A session is gone. Attempts it had and did not answer come back in one of two lists.
    SessionDown {
        /// Its id.
        session: SessionId,
        /// Never written.
        unsent: Vec<PermitId>,
        /// Written and not answered: in doubt (rule 4).
        in_flight: Vec<PermitId>,
    },
    /// An attempt was not written.
    Unsent {
        /// Its permit.
        permit: PermitId,
        /// Why.
        why: Unsent,
    },
    /// A peer answered an attempt, perhaps late.
    Answered {
        /// Its permit.
        permit: PermitId,
        /// What it said.
        answer: Answer,
    },
    /// A link reports its load (congestion_state, SMPP 5.0 cl. 4.8.4.18), 0 to 100.
    Congestion {
        /// The link's session.
        session: SessionId,
        /// The load.
        state: u8,
    },
    /// A session has another window from now on; what is out beyond a smaller one is answered as before.
    Window {
        /// The session.
        session: SessionId,
        /// Messages that may be out at once.
        window: u32,
    },
    /// A link wants nothing more for a while (Retry-After, RFC 9110 cl. 10.2.3).
    Pause {
        /// The link's session.
        session: SessionId,
        /// How long.
        wait: Duration,
    },
    /// A look-up ended.
    LookupDone(LookupDone),
    /// An origin asks about, cancels or replaces a message.
    Message(Box<MessageQuery>),
    /// An operator intervenes.
    Command {
        /// Who waits for the answer.
        reply: ReplyTo,
        /// What to do.
        command: Box<Command>,
    },
    /// New rules, links and accounts.
    Policy(Arc<Policy>),
    /// New submissions are refused from now on, or taken again.
    Draining(bool),
    /// CDRs up to this outbox position are published.
    Published(u64),
}
