//! What the exchange wants done; carried out only after the commit it belongs to.

use smallvec::SmallVec;

use super::event::ReplyTo;
use super::operate::{CommandReply, MessageReply};
use crate::address::Address;
use crate::gate::Released;
use crate::id::{MessageId, SessionId};
use crate::time::Micros;

/// Why something offered is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The exchange holds as many messages as it may.
    #[error("the exchange holds {held} messages, its limit")]
    QueueFull {
        /// How many it holds.
        held: u64,
    },
    /// The account has as many messages open as it may.
    #[error("the account has {held} messages open, its limit")]
    AccountQueueFull {
        /// How many it has.
        held: u64,
    },
    /// The account, or the enterprise above it, has handed over as many messages as it may until then.
    #[error("the quota of messages is reached until {}", .until.0)]
    QuotaReached {
        /// When there is room again: the end of the day or month.
        until: Micros,
    },
    /// The store has no room.
    #[error("the store has no room for new messages")]
    StoreFull,
    /// As many CDRs wait to be published as may.
    #[error("{waiting} cdrs wait to be written, the limit")]
    OutboxFull {
        /// How many wait.
        waiting: u64,
    },
    /// As many messages wait for their other parts as may, of this device or in all.
    #[error("{waiting} messages wait for parts, or as many of this device as may")]
    PartsFull {
        /// How many wait.
        waiting: usize,
    },
    /// As many messages of the device wait for the answers to earlier ones as may.
    #[error("as many messages of this device wait for their answers as may")]
    DeviceBusy,
    /// The node is about to stop.
    #[error("the node takes no new messages: it is draining")]
    Draining,
    /// No rule of the routing table matches.
    #[error("no route to this destination")]
    NoRoute,
    /// A rule refuses it.
    #[error("rule `{rule}` refuses it")]
    RouteRejects {
        /// The rule.
        rule: String,
    },
    /// There is no such account, or it is suspended.
    #[error("the account is not active")]
    AccountInactive,
    /// The account may not use this source address.
    #[error("the account may not send from this source address")]
    SourceNotAllowed,
    /// The destination is empty.
    #[error("the destination is empty")]
    NoDestination,
    /// The schedule lies past the end of validity or too far ahead.
    #[error("it is scheduled after its validity ends, or too far ahead")]
    BadSchedule,
    /// Its validity has ended already, or ends before its schedule.
    #[error("its validity ended before it came, or ends before its schedule")]
    AlreadyExpired,
    /// Its validity is longer than the account may ask for.
    #[error("its validity is longer than the account may ask for")]
    ValidityTooLong,
    /// A counter says that this source sends too much; it may try later.
    #[error("a spam or loop counter slows this traffic down")]
    CounterThrottle,
    /// The link that brought it is unknown.
    #[error("the link is not configured")]
    LinkUnknown,
    /// The exchange failed.
    #[error("internal failure")]
    Internal,
}

impl Refusal {
    /// True when the same message may be taken later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::QueueFull { .. }
            | Self::AccountQueueFull { .. }
            | Self::QuotaReached { .. }
            | Self::StoreFull
            | Self::OutboxFull { .. }
            | Self::PartsFull { .. }
            | Self::DeviceBusy
            | Self::Draining
            | Self::CounterThrottle
            | Self::LinkUnknown
            | Self::Internal => true,
            Self::NoRoute
            | Self::RouteRejects { .. }
            | Self::AccountInactive
            | Self::SourceNotAllowed
            | Self::NoDestination
            | Self::BadSchedule
            | Self::AlreadyExpired
            | Self::ValidityTooLong => false,
        }
    }

    /// The name in metrics and the API.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::QueueFull { .. } => "queue_full",
            Self::AccountQueueFull { .. } => "account_queue_full",
            Self::QuotaReached { .. } => "quota_reached",
            Self::StoreFull => "store_full",
            Self::OutboxFull { .. } => "cdr_outbox_full",
            Self::PartsFull { .. } => "parts_full",
            Self::DeviceBusy => "device_busy",
            Self::Draining => "draining",
            Self::NoRoute => "no_route",
            Self::RouteRejects { .. } => "route_rejects",
            Self::AccountInactive => "account_inactive",
            Self::SourceNotAllowed => "source_not_allowed",
            Self::NoDestination => "no_destination",
            Self::BadSchedule => "bad_schedule",
            Self::AlreadyExpired => "already_expired",
            Self::ValidityTooLong => "validity_too_long",
            Self::CounterThrottle => "counter_throttle",
            Self::LinkUnknown => "link_unknown",
            Self::Internal => "internal",
        }
    }
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its id inside.
    pub id: MessageId,
    /// Its id as the origin sees it.
    pub visible_id: String,
    /// Destinations of a submit_multi that were not taken.
    pub refused: SmallVec<[(Address, Refusal); 0]>,
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A submission is taken, durably.
    Submitted(Taken),
    /// A submission, MO message or receipt is not taken.
    Refused(Refusal),
    /// An MO message or receipt is taken, durably (or was before).
    Inbound,
    /// Answer to a question about a message.
    Message(MessageReply),
    /// Answer to an operator.
    Command(Box<CommandReply>),
}

/// Something to do once the commit stands.
#[derive(Debug)]
pub enum Effect {
    /// Answer who asked.
    Reply {
        /// Who.
        to: ReplyTo,
        /// What.
        reply: Reply,
    },
    /// Make an attempt.
    Send {
        /// By this session.
        session: SessionId,
        /// The message, with its permit.
        released: Box<Released>,
    },
    /// Close the session: its peer said that it is worth nothing any more.
    CloseSession {
        /// Which.
        session: SessionId,
        /// The status that says so.
        status: u32,
    },
    /// Look a number up; the answer is a [`LookupDone`](super::event::LookupDone).
    Lookup {
        /// The message that waits.
        message: MessageId,
        /// The number, digits of E.164.
        number: SmallVec<[u8; 16]>,
        /// When the answer comes too late.
        until: Micros,
    },
    /// A counter's alarm was raised, repeated or cleared.
    Alarm(signalbox_counters::AlarmEvent),
}
