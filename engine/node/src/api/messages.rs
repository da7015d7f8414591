//! Messages: submit, query, search, cancel.

mod content;
mod submit;
mod view;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use signalbox_config::catalog::Right;
use signalbox_core::exchange::{
    Ask, Command, CommandReply, Event, MessageQuery, MessageReply, MessageView, Reply, ReplyTo, Selection,
    Stage,
};
use signalbox_core::id::{AccountId, MessageId};
use signalbox_core::message::TrafficClass;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::extract::{PathName, QueryOf};
use super::operations::{Operation, RequestHeader, operation};
use super::page::{Page, read_cursor};
use super::problem::{Problem, ProblemKind};
use super::selection::SelectionBody;
use crate::gateway::GatewayError;

pub(super) use view::MessageInfo;

/// Which messages are searched.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SearchQuery {
    /// From or to this number or address, exactly.
    address: Option<String>,
    /// Of this account.
    account: Option<String>,
    /// On their way to this link.
    link: Option<String>,
    /// On their way to this webhook.
    webhook: Option<String>,
    /// In this stage: `scheduled`, `queued`, `resolving`, `gathering`, `joined`, `held`, `sent`, `awaiting_receipt`, `in_doubt`.
    #[schema(value_type = Option<String>)]
    stage: Option<Stage>,
    /// In this class: `otp`, `reply`, `transactional`, `bulk`.
    #[schema(value_type = Option<String>)]
    class: Option<TrafficClass>,
    /// Accepted before this instant.
    #[schema(value_type = Option<String>, format = DateTime)]
    accepted_before: Option<jiff::Timestamp>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
    /// Messages in the page at most.
    limit: Option<usize>,
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::POST,
            "/v1/messages",
            "message.submit",
            "Submits one message or many",
            submit::submit,
        )
        .right(Right::MessagesSend)
        .header(RequestHeader::IdempotencyKey)
        .body::<submit::SubmitBody>()
        .answer::<submit::Submitted>(202, "accepted: it survives the loss of the node")
        .with("Location")
        .answer::<submit::SubmittedMany>(207, "some of several are accepted, some not")
        .problems(&[
            ProblemKind::MessageRefused,
            ProblemKind::NotAcceptedNow,
            ProblemKind::TooManyRequests,
            ProblemKind::IdempotencyKeyReused,
            ProblemKind::Unavailable,
        ]),
        operation(Method::GET, "/v1/messages", "message.search", "Open messages, oldest first", search)
            .right(Right::MessagesRead)
            .query::<SearchQuery>()
            .page::<MessageInfo>("messages"),
        operation(Method::GET, "/v1/messages/{id}", "message.get", "The state of a message", get)
            .right(Right::MessagesRead)
            .answer::<MessageInfo>(200, "the message")
            .problems(&[ProblemKind::NotFound]),
        operation(Method::DELETE, "/v1/messages/{id}", "message.cancel", "Takes a message back", cancel)
            .right(Right::MessagesCancel)
            .nothing("it is cancelled")
            .problems(&[ProblemKind::NotFound, ProblemKind::TooLate]),
    ]
}

async fn search(
    State(api): State<Api>,
    caller: Caller,
    QueryOf(query): QueryOf<SearchQuery>,
) -> Result<Json<Page<MessageInfo>>, Problem> {
    // The exchange gives a thousand at most.
    let limit = api.page_limit(query.limit)?.min(999);
    let after: Option<MessageId> = read_cursor(query.cursor.as_deref())?;
    let body = SelectionBody {
        link: query.link,
        webhook: query.webhook,
        account: query.account,
        address: query.address,
        stage: query.stage,
        class: query.class,
        accepted_before: query.accepted_before,
        ..SelectionBody::default()
    };
    let selection = api.selection(&body, &caller)?;
    let views = api.search(selection, after, limit + 1).await?;
    let page = Page::cut(views, limit, |view| view.id.to_string());
    let in_force = api.control().in_force();
    let items =
        page.items.iter().map(|view| MessageInfo::of(view, &in_force.snapshot.ids, &caller)).collect();
    Ok(Json(Page { items, next: page.next }))
}

async fn get(
    State(api): State<Api>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<Json<MessageInfo>, Problem> {
    let view = api.find(&caller, &id).await?;
    Ok(Json(MessageInfo::of(&view, &api.control().in_force().snapshot.ids, &caller)))
}

async fn cancel(
    State(api): State<Api>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<StatusCode, Problem> {
    let account = match &caller.account {
        Some(own) => own.id,
        None => {
            let view = api.find(&caller, &id).await?;
            api.record(&caller, "message.cancel", json!({ "id": id })).await?;
            let Some(account) = view.account else { return api.purge(view.id).await };
            account
        }
    };
    match api
        .ask_message(account, &id, Ask::Cancel { destination: None, service_type: bytes::Bytes::new() })
        .await?
    {
        MessageReply::Cancelled(_) => Ok(StatusCode::NO_CONTENT),
        MessageReply::TooLate => {
            Err(Problem::new(ProblemKind::TooLate, "the message has been sent, or has ended"))
        }
        MessageReply::NotFound => Err(Problem::no("message", &id)),
        MessageReply::State(_) | MessageReply::Replaced => Err(GatewayError::Mismatched.into()),
    }
}

/// An account's question about its message.
fn question(account: AccountId, id: &str, ask: Ask) -> impl FnOnce(ReplyTo) -> Event + use<> {
    let visible_id = id.to_owned();
    move |reply| Event::Message(Box::new(MessageQuery { reply, account, visible_id, source: None, ask }))
}

impl Api {
    /// Open messages after an id.
    pub(super) async fn search(
        &self,
        selection: Selection,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<MessageView>, Problem> {
        match self.gateway().command(Command::Search { selection, after, limit }).await? {
            CommandReply::Messages(views) => Ok(views),
            CommandReply::Changed(_)
            | CommandReply::Queues(_)
            | CommandReply::Explained(_)
            | CommandReply::Alarms(_)
            | CommandReply::Counted(_)
            | CommandReply::Suppressions(_)
            | CommandReply::OptedOut(_)
            | CommandReply::Consent { .. }
            | CommandReply::NotFound => Err(GatewayError::Mismatched.into()),
        }
    }

    async fn ask_message(&self, account: AccountId, id: &str, ask: Ask) -> Result<MessageReply, Problem> {
        match self.gateway().ask(question(account, id, ask)).await? {
            Reply::Message(reply) => Ok(reply),
            Reply::Submitted(_) | Reply::Refused(_) | Reply::Inbound | Reply::Command(_) => {
                Err(GatewayError::Mismatched.into())
            }
        }
    }

    /// The message that an id names, as far as the caller sees it.
    async fn find(&self, caller: &Caller, id: &str) -> Result<MessageView, Problem> {
        if let Some(own) = &caller.account {
            return self.state_of(own.id, id).await?.ok_or_else(|| Problem::no("message", id));
        }
        if let Ok(id) = id.parse::<MessageId>() {
            let selection = Selection { ids: vec![id], ..Selection::default() };
            if let Some(view) = self.search(selection, None, 1).await?.into_iter().next() {
                return Ok(view);
            }
        }
        // What only its account knows by this id: a message in several parts, or an id of eight digits.
        let in_force = self.control().in_force();
        let questions = in_force.policy.accounts.keys().map(|account| question(*account, id, Ask::Query));
        let replies = self.ask_all(questions.collect()).await?;
        let view = replies.into_iter().find_map(|reply| match reply {
            Some(Reply::Message(MessageReply::State(view))) => Some(*view),
            Some(_) | None => None,
        });
        view.ok_or_else(|| Problem::no("message", id))
    }

    async fn state_of(&self, account: AccountId, id: &str) -> Result<Option<MessageView>, Problem> {
        match self.ask_message(account, id, Ask::Query).await? {
            MessageReply::State(view) => Ok(Some(*view)),
            MessageReply::NotFound => Ok(None),
            MessageReply::Cancelled(_) | MessageReply::Replaced | MessageReply::TooLate => {
                Err(GatewayError::Mismatched.into())
            }
        }
    }

    /// Cancels a message that no account owns.
    async fn purge(&self, id: MessageId) -> Result<StatusCode, Problem> {
        let selection = Selection { ids: vec![id], ..Selection::default() };
        match self.gateway().command(Command::Purge(selection)).await? {
            CommandReply::Changed(0) => Err(Problem::new(ProblemKind::TooLate, "the message has been sent")),
            CommandReply::Changed(_) => Ok(StatusCode::NO_CONTENT),
            CommandReply::Messages(_)
            | CommandReply::Queues(_)
            | CommandReply::Explained(_)
            | CommandReply::Alarms(_)
            | CommandReply::Counted(_)
            | CommandReply::Suppressions(_)
            | CommandReply::OptedOut(_)
            | CommandReply::Consent { .. }
            | CommandReply::NotFound => Err(GatewayError::Mismatched.into()),
        }
    }
}
