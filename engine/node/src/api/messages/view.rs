//! A message as the API shows it.

use serde::Serialize;
use signalbox_core::exchange::{MessageView, Stage};
use signalbox_core::message::{Direction, TrafficClass};
use signalbox_core::outcome::{FinalState, Reason};
use utoipa::ToSchema;

use crate::api::caller::Caller;
use crate::api::extract::timestamp;
use crate::api::mask;
use crate::api::peers::{self, PeerName};
use crate::catalog::Ids;

/// A message.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct MessageInfo {
    /// Its id inside; of a message in several parts, that of this part.
    id: String,
    /// The id that its origin knows.
    message_id: String,
    /// `mt`, `mo` or `receipt`.
    #[schema(value_type = String)]
    direction: Direction,
    /// The account responsible.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// From; masked without the right `messages:reveal`.
    source: String,
    /// To; masked likewise.
    destination: String,
    /// `otp`, `reply`, `transactional` or `bulk`.
    #[schema(value_type = String)]
    class: TrafficClass,
    /// `scheduled`, `queued`, `resolving`, `gathering`, `joined`, `held`, `sent`, `awaiting_receipt`, `in_doubt` or `final`.
    #[schema(value_type = String)]
    stage: Stage,
    /// The outcome, once it is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    outcome: Option<FinalState>,
    /// Why, once it is final.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<Reason>,
    /// Whom it goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<PeerName>,
    /// Tries so far.
    attempts: u16,
    /// The peer's last error status, zero for none.
    status: u32,
    /// The id that the peer gave it.
    #[serde(skip_serializing_if = "String::is_empty")]
    remote_id: String,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    accepted_at: Option<jiff::Timestamp>,
    /// When something happens next, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<jiff::Timestamp>,
    /// End of validity.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Option<jiff::Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    final_at: Option<jiff::Timestamp>,
}

impl MessageInfo {
    pub(in crate::api) fn of(view: &MessageView, ids: &Ids, caller: &Caller) -> Self {
        Self {
            id: view.id.to_string(),
            message_id: view.visible_id.clone(),
            direction: view.direction,
            account: view.account.map(|account| peers::account(ids, account)),
            source: mask::address(&view.source, caller.reveals()),
            destination: mask::address(&view.destination, caller.reveals()),
            class: view.class,
            stage: view.stage,
            outcome: view.outcome,
            reason: view.outcome.map(|_| view.reason),
            peer: view.peer.map(|peer| peers::name(ids, peer)),
            attempts: view.attempts,
            status: view.status,
            remote_id: view.remote_id.clone(),
            accepted_at: timestamp(view.accepted_at),
            due_at: view.due_at.and_then(timestamp),
            expires_at: timestamp(view.expires_at),
            final_at: view.final_at.and_then(timestamp),
        }
    }
}
