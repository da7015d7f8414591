//! Questions of origins about their messages, and what operators do to a queue.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use signalbox_consent::{Check, Finding};

use super::event::ReplyTo;
use super::rewording::Rewording;
use crate::address::Address;
use crate::consent::{ConsentChange, Suppression, Who};
use crate::gate::ConsentVerdict;
use crate::gcra::Rate;
use crate::id::{AccountId, LinkId, MessageId, PeerId};
use crate::message::{Content, Direction, ReceiptRequest, TrafficClass};
use crate::outcome::{FinalState, Reason};
use crate::scope::Purpose;
use crate::time::Micros;

/// query_sm, cancel_sm, replace_sm and their API counterparts.
#[derive(Clone, Debug)]
pub struct MessageQuery {
    /// Who waits for the answer.
    pub reply: ReplyTo,
    /// The account that asks; it sees its own messages only.
    pub account: AccountId,
    /// The id as the account knows it; empty for a cancel_sm by addresses.
    pub visible_id: String,
    /// The source address given with it; it must be the message's.
    pub source: Option<Address>,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked of a message.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Its state.
    Query,
    /// To take it back, or all that have the id. Without an id: all of the source to this destination (SMPP 3.4
    /// cl. 4.9).
    Cancel {
        /// Only the messages to this destination; an empty id needs one.
        destination: Option<Address>,
        /// Without an id: only those of this service_type; empty for all.
        service_type: Bytes,
    },
    /// To put another text in its place, or in that of all that have the id (SMPP 3.4 cl. 4.10).
    Replace {
        /// The new content; only payload and default message are taken.
        content: Box<Content>,
        /// How its origin writes.
        rewording: Rewording,
        /// New schedule, if given.
        not_before: Option<Micros>,
        /// New end of validity, if given.
        expires_at: Option<Micros>,
        /// New wish for receipts.
        receipt: ReceiptRequest,
    },
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageReply {
    /// The state of the message.
    State(Box<MessageView>),
    /// This many were cancelled.
    Cancelled(u32),
    /// It was replaced.
    Replaced,
    /// There is no such message, or not of this account and source.
    NotFound,
    /// It is too late: it has been sent.
    TooLate,
}

/// Where a message is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Waits for its time (schedule or retry).
    Scheduled,
    /// Waits for credit of its peer.
    Queued,
    /// Waits for a number look-up.
    Resolving,
    /// Waits for the other parts of its message.
    Gathering,
    /// Leaves with another part of its message.
    Joined,
    /// Held by an operator.
    Held,
    /// Sent, not answered.
    Sent,
    /// Taken by the peer; the receipt is awaited.
    AwaitingReceipt,
    /// Sent, and its fate is unknown.
    InDoubt,
    /// Ended.
    Final,
}

/// What can be seen of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageView {
    /// Its id inside.
    pub id: MessageId,
    /// The id that the origin knows.
    pub visible_id: String,
    /// Which way it goes.
    pub direction: Direction,
    /// The account responsible.
    pub account: Option<AccountId>,
    /// From.
    pub source: Address,
    /// To.
    pub destination: Address,
    /// How urgent it is.
    pub class: TrafficClass,
    /// Where it is in its life.
    pub stage: Stage,
    /// The outcome, once it is final.
    pub outcome: Option<FinalState>,
    /// Why, once it is final.
    pub reason: Reason,
    /// Whom it goes to.
    pub peer: Option<PeerId>,
    /// Tries so far.
    pub attempts: u16,
    /// The peer's last error status, zero for none.
    pub status: u32,
    /// The id that the peer gave it.
    pub remote_id: String,
    /// When it was accepted.
    pub accepted_at: Micros,
    /// When something happens next, if that is known.
    pub due_at: Option<Micros>,
    /// End of validity.
    pub expires_at: Micros,
    /// When it ended.
    pub final_at: Option<Micros>,
}

/// Which messages an operator means; all given conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// These.
    pub ids: Vec<MessageId>,
    /// On their way to this peer.
    pub peer: Option<PeerId>,
    /// Of this account.
    pub account: Option<AccountId>,
    /// From or to this number or address, exactly (digits of E.164, or the octets).
    pub address: Option<String>,
    /// In this stage.
    pub stage: Option<Stage>,
    /// In this class.
    pub class: Option<TrafficClass>,
    /// Accepted before.
    pub accepted_before: Option<Micros>,
}

impl Selection {
    /// True when nothing restricts it: it means every message.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// What an operator does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Lists messages, after the given id, at most `limit`.
    Search {
        /// Which.
        selection: Selection,
        /// Continue after this one.
        after: Option<MessageId>,
        /// How many at most.
        limit: usize,
    },
    /// Keeps the messages from leaving until they are let go.
    Hold(Selection),
    /// Lets held messages go.
    Release(Selection),
    /// Sends waiting messages by another link, whatever the rules say.
    Reroute {
        /// Which.
        selection: Selection,
        /// The peer to use from now on; `None` asks the rules again.
        to: Option<PeerId>,
    },
    /// Cancels waiting messages.
    Purge(Selection),
    /// Makes waiting retries due now.
    RetryNow(Selection),
    /// Stops or restarts sending to a peer; its sessions stay.
    PeerEnabled {
        /// Which.
        peer: PeerId,
        /// True to send.
        enabled: bool,
    },
    /// The queues of all peers.
    Queues,
    /// Which rule would choose what for a message, and why.
    Explain(Box<ExplainRequest>),
    /// Numbers of the counters and the alarms open.
    Counters(CounterQuery),
    /// Opts somebody out, or in again.
    ChangeConsent(Box<ConsentChange>),
    /// What a device is opted out of.
    Suppressions(Who),
    /// Which of these are opted out of all text messages of an account.
    OptedOut {
        /// The account.
        account: AccountId,
        /// Who.
        who: Vec<Who>,
    },
    /// What consent would say of a message, check by check.
    ExplainConsent(Box<ConsentQuestion>),
}

/// A text of our own that might be sent: may it leave?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentQuestion {
    /// For what.
    pub purpose: Purpose,
    /// The account.
    pub account: AccountId,
    /// Number of the campaign, zero for none.
    pub campaign: u32,
    /// Number of the sub-campaign, zero for none.
    pub sub_campaign: u32,
    /// Number of the source address, zero for none.
    pub address: u32,
    /// To whom.
    pub device: Address,
    /// The client id of its contact, if it has one.
    pub client_id: Option<String>,
}

/// A message that might be sent: which rule would choose what for it?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainRequest {
    /// Which way it would go.
    pub direction: Direction,
    /// From.
    pub source: Address,
    /// To.
    pub destination: Address,
    /// The account that would submit it.
    pub account: Option<AccountId>,
    /// The link that would bring it.
    pub ingress: Option<LinkId>,
    /// How urgent it would be.
    pub class: TrafficClass,
}

/// A question about the counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CounterQuery {
    /// The alarms that are not cleared.
    Alarms,
    /// What is counted for an address, and for the pair with another one.
    Look {
        /// The address.
        address: Address,
        /// The other one.
        with: Option<Address>,
    },
    /// Marks an alarm as seen.
    Acknowledge(u64),
}

/// One peer's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueView {
    /// The peer.
    pub peer: PeerId,
    /// Waiting messages by class, in the order of [`TrafficClass::ALL`].
    pub waiting: [u64; 4],
    /// Sent and not answered.
    pub in_flight: u64,
    /// Taken, and the receipt is awaited.
    pub awaiting_receipt: u64,
    /// How long the oldest has waited, in microseconds.
    pub oldest_age: i64,
    /// The same for each class, in the order of [`TrafficClass::ALL`].
    pub oldest_ages: [i64; 4],
    /// Its sessions now.
    pub sessions: u32,
    /// Messages its sessions may have unanswered.
    pub window: u32,
    /// The learned or configured limit, if there is one.
    pub rate: Option<Rate>,
    /// False when an operator stopped it.
    pub enabled: bool,
}

/// The answer to a [`Command`].
#[derive(Clone, Debug)]
pub enum CommandReply {
    /// Messages found, in the order of their ids.
    Messages(Vec<MessageView>),
    /// This many messages changed.
    Changed(u64),
    /// The queues.
    Queues(Vec<QueueView>),
    /// The trace of a decision.
    Explained(Box<signalbox_routing::Explanation>),
    /// Alarms.
    Alarms(Vec<signalbox_counters::Alarm>),
    /// What is counted.
    Counted(Vec<signalbox_counters::Look>),
    /// What a device is opted out of.
    Suppressions(Vec<Suppression>),
    /// Which are opted out, in the order in which they were asked for.
    OptedOut(Vec<bool>),
    /// What consent would say of a message.
    Consent {
        /// The whole.
        verdict: ConsentVerdict,
        /// Each check.
        findings: Vec<(Check, Finding)>,
    },
    /// The thing named is not there.
    NotFound,
}
