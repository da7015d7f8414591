//! The queue: listed, looked into, taken from, handed on.

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::{Deserialize, Serialize};
use signalbox_config::catalog::Right;
use signalbox_core::id::MessageId;
use signalbox_core::time::Micros;
use signalbox_dialog::{AgentAnswer, Past, Place, Wanted};
use signalbox_invocation::Side;
use utoipa::ToSchema;

use super::{LeaseBody, WorkInfo, info, lease, number, queue_named, work};
use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::extract::{JsonBody, PathName, QueryOf, timestamp};
use crate::api::operations::{Operation, operation};
use crate::api::page::{Page, odd_cursor};
use crate::api::problem::{Problem, ProblemKind};

/// Messages that an agent gets at once when he does not say (TAP-02).
const UNIT: usize = 5;
/// The most.
const MOST: usize = 50;

/// Which messages.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WorkQuery {
    /// Of one account; of all that the token sees when it is not given.
    account: Option<String>,
    /// Of one queue; `inbound` is the account's own.
    queue: Option<String>,
    /// True for those that agents have, with who has them; else those that wait.
    held: Option<bool>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
    /// Items in the page at most; bounded by `api.max_page`.
    limit: Option<usize>,
}

/// What an agent wants to do next.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct TakeBody {
    /// Of one account; of all that the token sees when it is not given.
    account: Option<String>,
    /// From one queue; `inbound` is the account's own.
    queue: Option<String>,
    /// So many, 5 when it is not given, 50 at most; and all others of the same conversations.
    most: Option<usize>,
    /// How long they are his if nothing is heard of him; 900 when it is not given, 28800 at most.
    seconds: Option<u64>,
}

/// Messages that an agent has now.
#[derive(Debug, Serialize, ToSchema)]
struct Taken {
    /// The messages, the more urgent first, then the older.
    items: Vec<WorkInfo>,
}

/// Where a message goes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct HandOnBody {
    /// Another queue of the account, `inbound` for its own; for another agent of the same one when it is not given.
    queue: Option<String>,
}

/// A message for agents and what was said before it.
#[derive(Debug, Serialize, ToSchema)]
struct ConversationView {
    /// The message.
    message: WorkInfo,
    /// The last messages of the conversation, oldest first; `GET /v1/history` has all of the device's.
    conversation: Vec<SaidInfo>,
}

/// A message of a conversation.
#[derive(Debug, Serialize, ToSchema)]
struct SaidInfo {
    /// Its number.
    id: String,
    /// `in` or `out`.
    direction: &'static str,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<jiff::Timestamp>,
    /// What; with the right `messages:reveal` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

pub(super) fn operations() -> Vec<Operation> {
    let list = operation(
        Method::GET,
        "/v1/agent-queue",
        "agent_work.list",
        "Messages for agents: the more urgent first, then the older",
        list,
    );
    let show = operation(
        Method::GET,
        "/v1/agent-queue/{id}",
        "agent_work.get",
        "A message for agents and its conversation",
        show,
    );
    let mut operations = vec![
        list.right(Right::AgentsRead)
            .tenants()
            .query::<WorkQuery>()
            .page::<WorkInfo>("messages")
            .problems(&[ProblemKind::NotFound, ProblemKind::Invalid]),
        show.right(Right::AgentsRead)
            .tenants()
            .answer::<ConversationView>(200, "the message")
            .problems(&[ProblemKind::NotFound]),
    ];
    operations.extend(changes());
    operations
}

fn changes() -> Vec<Operation> {
    let in_hand = &[ProblemKind::NotFound, ProblemKind::NotInHand];
    vec![
        operation(
            Method::POST,
            "/v1/agent-queue/take",
            "agent_work.take",
            "Puts the next messages into the caller's hands; without an answer they go back in time",
            take,
        )
        .right(Right::AgentsWork)
        .tenants()
        .body::<TakeBody>()
        .answer::<Taken>(200, "what he has now")
        .problems(&[ProblemKind::NotFound]),
        operation(
            Method::POST,
            "/v1/agent-queue/{id}/take",
            "agent_work.hold",
            "Puts this message and all of its conversation into the caller's hands, or leaves them longer",
            hold,
        )
        .right(Right::AgentsWork)
        .tenants()
        .body::<LeaseBody>()
        .answer::<Taken>(200, "what he has of it now")
        .problems(in_hand),
        operation(
            Method::POST,
            "/v1/agent-queue/{id}/finish",
            "agent_work.finish",
            "Ends the work with a message that needs no more",
            finish,
        )
        .right(Right::AgentsWork)
        .tenants()
        .nothing("it is done")
        .problems(in_hand),
        operation(
            Method::POST,
            "/v1/agent-queue/{id}/hand-on",
            "agent_work.hand_on",
            "Gives a message to another agent, or to another queue",
            hand_on,
        )
        .right(Right::AgentsWork)
        .tenants()
        .body::<HandOnBody>()
        .answer::<WorkInfo>(200, "the message")
        .problems(in_hand),
    ]
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<WorkQuery>,
) -> Result<Json<Page<WorkInfo>>, Problem> {
    let seen = api.seen(&caller, query.account.as_deref())?;
    let most = api.page_limit(query.limit)?;
    let in_force = api.control().in_force();
    let snapshot = &in_force.snapshot;
    let queue = query.queue.as_deref().map(|name| queue_named(snapshot, name)).transpose()?;
    let after = query.cursor.as_deref().map(read_place).transpose()?;
    let wanted = Wanted::List { held: query.held.unwrap_or(false), queue, after, most };
    let found = work(api.ask_desk(&caller, seen, wanted).await?)?;
    let page = Page::cut(found, most, |last| write_place(last.place()));
    let items = page.items.iter().map(|work| info(snapshot, &caller, work)).collect();
    Ok(Json(Page { items, next: page.next }))
}

fn write_place(place: Place) -> String {
    format!("{}:{}:{}", place.rank, place.at.0, place.id)
}

fn read_place(cursor: &str) -> Result<Place, Problem> {
    let mut parts = cursor.splitn(3, ':');
    let mut next = || parts.next().ok_or_else(odd_cursor);
    let (rank, at, id) = (next()?, next()?, next()?);
    let at = Micros(at.parse().map_err(|_| odd_cursor())?);
    let id: MessageId = id.parse().map_err(|_| odd_cursor())?;
    Ok(Place { rank: rank.parse().map_err(|_| odd_cursor())?, at, id })
}

async fn show(
    State(api): State<Api>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Json<ConversationView>, Problem> {
    let wanted = Wanted::Show(number(&id)?);
    let answer = api.ask_desk(&caller, api.seen(&caller, None)?, wanted).await?;
    let AgentAnswer::Conversation(work, messages) = answer else {
        return Err(crate::gateway::GatewayError::Mismatched.into());
    };
    let in_force = api.control().in_force();
    let message = info(&in_force.snapshot, &caller, &work);
    let conversation = messages.into_iter().map(|past| said(past, &caller)).collect();
    Ok(Json(ConversationView { message, conversation }))
}

fn said(past: Past, caller: &Caller) -> SaidInfo {
    SaidInfo {
        id: past.id.to_string(),
        direction: match past.side {
            Side::Mo => "in",
            Side::Mt => "out",
        },
        at: timestamp(past.at),
        text: caller.reveals().then_some(past.text),
    }
}

async fn take(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody<TakeBody>,
) -> Result<Json<Taken>, Problem> {
    let seen = api.seen(&caller, body.account.as_deref())?;
    let in_force = api.control().in_force();
    let queue = body.queue.as_deref().map(|name| queue_named(&in_force.snapshot, name)).transpose()?;
    let most = body.most.unwrap_or(UNIT);
    if !(1..=MOST).contains(&most) {
        return Err(Problem::field("most", format!("must be from 1 to {MOST}")));
    }
    let wanted = Wanted::Take { queue, most, lease: lease(body.seconds)? };
    taken(&api, &caller, api.ask_desk(&caller, seen, wanted).await?)
}

async fn hold(
    State(api): State<Api>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(body): JsonBody<LeaseBody>,
) -> Result<Json<Taken>, Problem> {
    let wanted = Wanted::Hold { id: number(&id)?, lease: lease(body.seconds)? };
    taken(&api, &caller, api.ask_desk(&caller, api.seen(&caller, None)?, wanted).await?)
}

fn taken(api: &Api, caller: &Caller, answer: AgentAnswer) -> Result<Json<Taken>, Problem> {
    let in_force = api.control().in_force();
    let items = work(answer)?.iter().map(|work| info(&in_force.snapshot, caller, work)).collect();
    Ok(Json(Taken { items }))
}

async fn finish(
    State(api): State<Api>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<axum::http::StatusCode, Problem> {
    let wanted = Wanted::Finish(number(&id)?);
    api.ask_desk(&caller, api.seen(&caller, None)?, wanted).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

async fn hand_on(
    State(api): State<Api>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(body): JsonBody<HandOnBody>,
) -> Result<Json<WorkInfo>, Problem> {
    let in_force = api.control().in_force();
    let queue = body.queue.as_deref().map(|name| queue_named(&in_force.snapshot, name)).transpose()?;
    let wanted = Wanted::HandOn { id: number(&id)?, queue };
    let handed = work(api.ask_desk(&caller, api.seen(&caller, None)?, wanted).await?)?;
    let first = handed.first().ok_or(crate::gateway::GatewayError::Mismatched)?;
    Ok(Json(info(&in_force.snapshot, &caller, first)))
}
