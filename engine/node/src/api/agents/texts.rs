//! What agents write: answers, and conversations that they begin (TXS-09).

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::Right;
use signalbox_core::backend::Kind;
use signalbox_dialog::{AgentAnswer, AgentText, Begun, Wanted, Work};
use utoipa::ToSchema;

use super::{WorkInfo, info, lease, number};
use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::conversations::device;
use crate::api::extract::{JsonBody, PathName};
use crate::api::operations::{Operation, operation};
use crate::api::problem::{Problem, ProblemKind};

/// Longest text, in octets: what a script may send, too.
const LONGEST: usize = 1_600;

/// What an agent answers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    /// The text. It goes to the device from the address that it wrote to.
    text: String,
    /// Its program; the sub-campaign's first when it is not given.
    program: Option<String>,
    /// True when the conversation stays his: what the device writes next comes to him, and no script answers.
    #[serde(default)]
    stay: bool,
    /// How long it stays his if nothing is heard of him; 900 when it is not given, 28800 at most.
    seconds: Option<u64>,
}

/// A conversation that an agent begins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BeginBody {
    /// The account; that of the token where it has one.
    account: Option<String>,
    /// The sub-campaign that it counts as part of; its script is not run.
    sub_campaign: String,
    /// The device, an international number with `+`.
    device: String,
    /// The text.
    text: String,
    /// Its program; the sub-campaign's first when it is not given.
    program: Option<String>,
    /// How long the conversation is his; 900 when it is not given, 28800 at most.
    seconds: Option<u64>,
}

/// A text of an agent that is queued.
#[derive(Debug, Serialize, ToSchema)]
struct SentInfo {
    /// The text's number; it passes the send gate before it leaves, and the history says what became of it.
    message: String,
    /// The message that he answered, or the conversation that he began.
    work: WorkInfo,
}

pub(super) fn operations() -> Vec<Operation> {
    let refusals = [
        ProblemKind::NotFound,
        ProblemKind::NotInHand,
        ProblemKind::MessageRefused,
        ProblemKind::NotAcceptedNow,
    ];
    vec![
        operation(
            Method::POST,
            "/v1/agent-queue/{id}/answer",
            "agent_work.answer",
            "Answers a message that the caller has, in the same conversation; the answer says that this is durable",
            answer,
        )
        .right(Right::AgentsWork)
        .tenants()
        .once()
        .body::<AnswerBody>()
        .answer::<SentInfo>(202, "it is queued")
        .problems(&refusals),
        operation(
            Method::POST,
            "/v1/agent-conversations",
            "agent_conversation.begin",
            "Begins a conversation with a device by hand; the answer says that this is durable",
            begin,
        )
        .right(Right::AgentsWork)
        .tenants()
        .once()
        .body::<BeginBody>()
        .answer::<SentInfo>(202, "it is queued")
        .problems(&refusals),
    ]
}

async fn answer(
    State(api): State<Api>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(body): JsonBody<AnswerBody>,
) -> Result<(StatusCode, Json<SentInfo>), Problem> {
    let seen = api.seen(&caller, None)?;
    let id = number(&id)?;
    let lease = body.stay.then(|| lease(body.seconds)).transpose()?;
    let shown = api.ask_desk(&caller, seen.clone(), Wanted::Show(id)).await?;
    let AgentAnswer::Conversation(work, _) = shown else {
        return Err(crate::gateway::GatewayError::Mismatched.into());
    };
    let digits = work.device.to_text();
    let client_id = api.client_id_of(work.account, digits.trim_start_matches('+')).await?;
    let text = AgentText { text: checked(body.text)?, program: body.program, client_id };
    sent(&api, &caller, api.ask_desk(&caller, seen, Wanted::Answer { id, text, lease }).await?)
}

async fn begin(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<BeginBody>,
) -> Result<(StatusCode, Json<SentInfo>), Problem> {
    let account = api.account_asked(&caller, body.account.as_deref())?;
    let seen = api.seen(&caller, None)?;
    let in_force = api.control().in_force();
    let sub_campaign = in_force.snapshot.ids.of(Kind::SubCampaign, &body.sub_campaign);
    let sub_campaign = sub_campaign.ok_or_else(|| Problem::no("sub-campaign", &body.sub_campaign))?;
    let device = device(&body.device)?;
    let client_id = api.client_id_of(account.0, device.to_text().trim_start_matches('+')).await?;
    let text = AgentText { text: checked(body.text)?, program: body.program, client_id };
    let begun = Begun { account: account.0, sub_campaign, device, text, lease: lease(body.seconds)? };
    sent(&api, &caller, api.ask_desk(&caller, seen, Wanted::Begin(Box::new(begun))).await?)
}

fn checked(text: String) -> Result<String, Problem> {
    if text.trim().is_empty() || text.len() > LONGEST {
        return Err(Problem::field("text", format!("has 1 to {LONGEST} octets")));
    }
    Ok(text)
}

fn sent(api: &Api, caller: &Caller, answer: AgentAnswer) -> Result<(StatusCode, Json<SentInfo>), Problem> {
    let AgentAnswer::Sent { message, work } = answer else {
        return Err(crate::gateway::GatewayError::Mismatched.into());
    };
    let in_force = api.control().in_force();
    let work: &Work = &work;
    let work = info(&in_force.snapshot, caller, work);
    Ok((StatusCode::ACCEPTED, Json(SentInfo { message: message.to_string(), work })))
}
