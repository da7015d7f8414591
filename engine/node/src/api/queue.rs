//! What operators do to waiting messages, and the queues of all peers.

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use signalbox_config::catalog::Right;
use signalbox_core::exchange::{Command, CommandReply, Selection};
use signalbox_core::id::PeerId;
use signalbox_core::message::TrafficClass;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{JsonBody, QueryOf};
use super::operations::{Operation, operation};
use super::page::{Page, PageQuery};
use super::peers::{self, PeerName};
use super::problem::{Problem, ProblemKind};
use super::selection::SelectionBody;

/// How many messages an order changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    /// How many.
    changed: u64,
}

/// Where waiting messages are to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RerouteBody {
    /// Which messages.
    selection: SelectionBody,
    /// The link to go by; without it the rules are asked again.
    #[serde(default)]
    to: Option<String>,
}

/// One peer's queue.
#[derive(Debug, Serialize, ToSchema)]
struct QueueInfo {
    /// The peer.
    peer: PeerName,
    /// Waiting messages by class.
    waiting: Waiting,
    /// Sent and not answered.
    in_flight: u64,
    /// Taken, and the receipt is awaited.
    awaiting_receipt: u64,
    /// How long the oldest has waited, in seconds.
    oldest_age_seconds: f64,
    /// Sessions that take messages.
    sessions: u32,
    /// Messages that its sessions may have unanswered.
    window: u32,
    /// Messages a second at most, learned or configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
    /// False when it is switched off or stopped.
    sending: bool,
}

/// Waiting messages by class.
#[derive(Debug, Serialize, ToSchema)]
struct Waiting {
    /// One-time passwords, alerts.
    otp: u64,
    /// Answers in a dialog, receipts.
    reply: u64,
    /// Caused by an action of the receiver.
    transactional: u64,
    /// Campaigns.
    bulk: u64,
}

pub(super) fn operations() -> Vec<Operation> {
    let order =
        |path, id, summary, operation: fn(Method, &'static str, &'static str, &'static str) -> Operation| {
            operation(Method::POST, path, id, summary)
                .right(Right::QueueOperate)
                .body::<SelectionBody>()
                .answer::<Changed>(200, "so many changed")
                .problems(&[ProblemKind::SelectionEmpty])
        };
    vec![
        order("/v1/queue/hold", "queue.hold", "Keeps messages from leaving", |m, p, i, s| {
            operation(m, p, i, s, hold)
        }),
        order("/v1/queue/release", "queue.release", "Lets held messages go", |m, p, i, s| {
            operation(m, p, i, s, release)
        }),
        order("/v1/queue/purge", "queue.purge", "Cancels waiting messages", |m, p, i, s| {
            operation(m, p, i, s, purge)
        }),
        order("/v1/queue/retry", "queue.retry", "Makes waiting retries due now", |m, p, i, s| {
            operation(m, p, i, s, retry)
        }),
        operation(
            Method::POST,
            "/v1/queue/reroute",
            "queue.reroute",
            "Sends waiting messages another way",
            reroute,
        )
        .right(Right::QueueOperate)
        .body::<RerouteBody>()
        .answer::<Changed>(200, "so many changed")
        .problems(&[ProblemKind::SelectionEmpty]),
        operation(Method::GET, "/v1/queues", "queue.list", "The queues of all peers", queues)
            .right(Right::LinksRead)
            .query::<PageQuery>()
            .page::<QueueInfo>("the queues of the peers that the token sees")
            .problems(&[ProblemKind::Invalid]),
    ]
}

async fn order(
    api: &Api,
    caller: &Caller,
    action: &'static str,
    body: SelectionBody,
    command: impl FnOnce(Selection) -> Command,
) -> Result<Json<Changed>, Problem> {
    let selection = api.order_selection(&body, caller)?;
    api.record(caller, action, json!({ "selection": body })).await?;
    changed(api, command(selection)).await
}

pub(super) async fn changed(api: &Api, command: Command) -> Result<Json<Changed>, Problem> {
    match api.gateway().command(command).await? {
        CommandReply::Changed(changed) => Ok(Json(Changed { changed })),
        CommandReply::NotFound => Err(Problem::new(ProblemKind::NotFound, "there is no such peer")),
        CommandReply::Messages(_)
        | CommandReply::Queues(_)
        | CommandReply::Explained(_)
        | CommandReply::Alarms(_)
        | CommandReply::Counted(_)
        | CommandReply::Suppressions(_)
        | CommandReply::OptedOut(_)
        | CommandReply::Consent { .. } => Err(crate::gateway::GatewayError::Mismatched.into()),
    }
}

async fn hold(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<SelectionBody>,
) -> Result<Json<Changed>, Problem> {
    order(&api, &caller, "queue.hold", body, Command::Hold).await
}

async fn release(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<SelectionBody>,
) -> Result<Json<Changed>, Problem> {
    order(&api, &caller, "queue.release", body, Command::Release).await
}

async fn purge(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<SelectionBody>,
) -> Result<Json<Changed>, Problem> {
    order(&api, &caller, "queue.purge", body, Command::Purge).await
}

async fn retry(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<SelectionBody>,
) -> Result<Json<Changed>, Problem> {
    order(&api, &caller, "queue.retry", body, Command::RetryNow).await
}

async fn reroute(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<RerouteBody>,
) -> Result<Json<Changed>, Problem> {
    // Which link traffic takes is the operator's affair, not an account's.
    caller.unscoped()?;
    let selection =
        api.order_selection(&body.selection, &caller).map_err(|problem| problem.below("selection"))?;
    let to = match &body.to {
        None => None,
        Some(name) => {
            let id = api.control().in_force().snapshot.ids.link(name);
            Some(PeerId::Link(id.ok_or_else(|| Problem::field("to", "there is no link of this name"))?))
        }
    };
    api.record(&caller, "queue.reroute", json!({ "selection": body.selection, "to": body.to })).await?;
    changed(&api, Command::Reroute { selection, to }).await
}

async fn queues(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<QueueInfo>>, Problem> {
    let CommandReply::Queues(views) = api.gateway().command(Command::Queues).await? else {
        return Err(crate::gateway::GatewayError::Mismatched.into());
    };
    let in_force = api.control().in_force();
    let queues: Vec<QueueInfo> = views
        .into_iter()
        .filter(|view| match (&caller.account, view.peer) {
            (None, _) => true,
            (Some(own), PeerId::Account(id)) => own.id == id,
            (Some(_), PeerId::Link(_) | PeerId::Webhook(_) | PeerId::Dialog) => false,
        })
        .map(|view| QueueInfo {
            peer: peers::name(&in_force.snapshot.ids, view.peer),
            waiting: Waiting {
                otp: view.waiting[TrafficClass::Otp.index()],
                reply: view.waiting[TrafficClass::Reply.index()],
                transactional: view.waiting[TrafficClass::Transactional.index()],
                bulk: view.waiting[TrafficClass::Bulk.index()],
            },
            in_flight: view.in_flight,
            awaiting_receipt: view.awaiting_receipt,
            oldest_age_seconds: view.oldest_age as f64 / 1e6,
            sessions: view.sessions,
            window: view.window,
            rate: view.rate.map(|rate| rate.per_second_milli() as f64 / 1e3),
            sending: view.enabled,
        })
        .collect();
    Ok(Json(Page::of(&api, &query, queues, |queue| format!("{} {}", queue.peer.kind, queue.peer.name))?))
}
