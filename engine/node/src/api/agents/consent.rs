//! Opt-outs and opt-ins that an agent takes from a device's message, with a reason (OPT-01, TAP-12, TAP-18).

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::Deserialize;
use signalbox_config::catalog::{Right, Tenancy};
use signalbox_consent::{AccountId as Account, CampaignId, EnterpriseId, Level};
use signalbox_core::backend::Kind;
use signalbox_core::consent::{By, Who};
use signalbox_dialog::{AgentAnswer, Wanted, Work};
use utoipa::ToSchema;

use super::number;
use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::extract::{JsonBody, PathName};
use crate::api::mask;
use crate::api::operations::{Operation, operation};
use crate::api::problem::{Problem, ProblemKind};
use crate::api::queue::Changed;
use crate::api::suppressions::{Change, Reach, Way, apply, channels_of, reason_of};
use crate::catalog::Snapshot;

/// What a person wants, and why the agent thinks so.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WishBody {
    /// How far it reaches: the campaign of the message, its account, or the account's enterprise.
    level: Reach,
    /// From which channels; text messages when there are none.
    #[serde(default)]
    channels: Vec<Way>,
    /// True for the client id of the device's contact, on whatever device; else the device alone.
    #[serde(default)]
    by_client_id: bool,
    /// Why: what the person said.
    reason: String,
}

pub(super) fn operations() -> Vec<Operation> {
    let refusals = [ProblemKind::NotFound, ProblemKind::NotInHand];
    vec![
        operation(
            Method::POST,
            "/v1/agent-queue/{id}/opt-out",
            "agent_work.opt_out",
            "Opts out whose message the caller has: nothing that has not left leaves any more",
            opt_out,
        )
        .right(Right::AgentsWork)
        .tenants()
        .body::<WishBody>()
        .answer::<Changed>(200, "1 where that changed something")
        .problems(&refusals),
        operation(
            Method::POST,
            "/v1/agent-queue/{id}/opt-in",
            "agent_work.opt_in",
            "Ends an opt-out of whose message the caller has",
            opt_in,
        )
        .right(Right::AgentsWork)
        .tenants()
        .body::<WishBody>()
        .answer::<Changed>(200, "1 where there was one")
        .problems(&refusals),
    ]
}

async fn opt_out(
    State(api): State<Api>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(body): JsonBody<WishBody>,
) -> Result<Json<Changed>, Problem> {
    change(&api, &caller, &id, body, false).await
}

async fn opt_in(
    State(api): State<Api>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(body): JsonBody<WishBody>,
) -> Result<Json<Changed>, Problem> {
    change(&api, &caller, &id, body, true).await
}

async fn change(
    api: &Api,
    caller: &Caller,
    id: &str,
    body: WishBody,
    opt_in: bool,
) -> Result<Json<Changed>, Problem> {
    let reason = reason_of(&body.reason)?;
    let answer = api.ask_desk(caller, api.seen(caller, None)?, Wanted::Show(number(id)?)).await?;
    let AgentAnswer::Conversation(work, _) = answer else {
        return Err(crate::gateway::GatewayError::Mismatched.into());
    };
    if work.held.as_ref().is_none_or(|held| held.by != caller.agent()) {
        return Err(Problem::new(ProblemKind::NotInHand, "the message is not in the caller's hands"));
    }
    let in_force = api.control().in_force();
    let (level, name) = level(&in_force.snapshot, &work, body.level)?;
    let who = if body.by_client_id {
        let digits = work.device.to_text();
        let client_id = api.client_id_of(work.account, digits.trim_start_matches('+')).await?;
        if client_id.is_empty() {
            return Err(Problem::field("by_client_id", "the device has no contact"));
        }
        Who::Client(client_id.into())
    } else {
        let none = || Problem::field("by_client_id", "the device is no international number");
        Who::device(&work.device).ok_or_else(none)?
    };
    let change = Change {
        who,
        shown: mask::address(&work.device, false),
        reach: body.level,
        level,
        name,
        account: work.account,
        channels: channels_of(&body.channels),
        reason,
        opt_in,
        by: By::Agent,
        source: Some(work.source.to_text()),
        evidence: Some(work.id),
    };
    let action = if opt_in { "agent_work.opt_in" } else { "agent_work.opt_out" };
    apply(api, caller, action, change).await
}

/// The level that is meant for a message, and its name.
fn level(snapshot: &Snapshot, work: &Work, reach: Reach) -> Result<(Level, String), Problem> {
    let none = |what: &str| Problem::field("level", format!("the message has no {what}"));
    let ids = &snapshot.ids;
    match reach {
        Reach::Campaign => {
            let named = ids.name(Kind::SubCampaign, work.sub_campaign);
            let row = snapshot.rows.sub_campaign.iter().find(|row| Some(row.name.as_str()) == named);
            let name = row.and_then(|row| row.campaign.as_ref()).ok_or_else(|| none("campaign"))?;
            let id = ids.of(Kind::Campaign, name.as_str()).ok_or_else(|| none("campaign"))?;
            Ok((Level::Campaign(CampaignId(id)), name.to_string()))
        }
        Reach::Account => {
            let name = ids.name(Kind::Account, work.account).ok_or_else(|| none("account"))?;
            Ok((Level::Account(Account(work.account)), name.to_owned()))
        }
        Reach::Enterprise => {
            let account = ids.name(Kind::Account, work.account).ok_or_else(|| none("account"))?;
            let account = account.parse().map_err(|_| none("account"))?;
            let tenancy = Tenancy::of(&snapshot.rows);
            let name = tenancy.enterprise_of(&account).ok_or_else(|| none("enterprise"))?;
            let id = ids.of(Kind::Enterprise, name.as_str()).ok_or_else(|| none("enterprise"))?;
            Ok((Level::Enterprise(EnterpriseId(id)), name.to_string()))
        }
    }
}
