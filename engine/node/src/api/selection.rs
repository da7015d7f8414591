//! Which messages an operator means.

use serde::{Deserialize, Serialize};
use signalbox_core::exchange::{Selection, Stage};
use signalbox_core::id::{MessageId, PeerId};
use signalbox_core::message::TrafficClass;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::micros;
use super::problem::{Problem, ProblemKind};

/// Most ids that one selection names.
const IDS: usize = 10_000;

/// Which messages are meant; all given conditions must hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SelectionBody {
    /// These messages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// On their way to this link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// On their way to this webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// Of this account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// From or to this number or address, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// In this stage: `scheduled`, `queued`, `resolving`, `gathering`, `joined`, `held`, `sent`, `awaiting_receipt`, `in_doubt`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub stage: Option<Stage>,
    /// In this class: `otp`, `reply`, `transactional`, `bulk`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub class: Option<TrafficClass>,
    /// Accepted before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub accepted_before: Option<jiff::Timestamp>,
    /// Every message that the token sees; needed when nothing else is given.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

impl Api {
    /// The selection in the exchange's terms, within what the caller sees.
    pub(super) fn selection(&self, body: &SelectionBody, caller: &Caller) -> Result<Selection, Problem> {
        let ids = &self.control().in_force().snapshot.ids;
        if body.ids.len() > IDS {
            return Err(Problem::field("ids", format!("names more than {IDS} messages")));
        }
        let mut messages = Vec::with_capacity(body.ids.len());
        for (index, id) in body.ids.iter().enumerate() {
            let id: MessageId =
                id.parse().map_err(|error| Problem::field(format!("ids[{index}]"), format!("{error}")))?;
            messages.push(id);
        }
        let no = |field: &'static str| move || Problem::field(field, "there is none of this name");
        let peer = match (&body.link, &body.webhook) {
            (None, None) => None,
            (Some(link), None) => Some(PeerId::Link(ids.link(link).ok_or_else(no("link"))?)),
            (None, Some(webhook)) => Some(PeerId::Webhook(ids.webhook(webhook).ok_or_else(no("webhook"))?)),
            (Some(_), Some(_)) => return Err(Problem::field("webhook", "does not go with link")),
        };
        let named =
            body.account.as_ref().map(|name| ids.account(name).ok_or_else(no("account"))).transpose()?;
        if let Some(named) = named
            && !caller.sees(Some(named))
        {
            return Err(Problem::new(ProblemKind::Forbidden, "the token is for another account"));
        }
        Ok(Selection {
            ids: messages,
            peer,
            account: named.or(caller.account.as_ref().map(|own| own.id)),
            address: body.address.clone(),
            stage: body.stage,
            class: body.class,
            accepted_before: body.accepted_before.map(micros),
        })
    }

    /// The same for an order: every message only when that is said.
    pub(super) fn order_selection(
        &self,
        body: &SelectionBody,
        caller: &Caller,
    ) -> Result<Selection, Problem> {
        let selection = self.selection(body, caller)?;
        let unrestricted = Selection { account: None, ..selection.clone() }.is_everything();
        if unrestricted && body.account.is_none() && !body.all {
            return Err(Problem::new(ProblemKind::SelectionEmpty, "say `\"all\": true` if that is meant"));
        }
        Ok(selection)
    }
}
