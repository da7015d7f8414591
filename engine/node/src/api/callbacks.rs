//! Callbacks of links over HTTP: receipts and MO messages. Who calls shows it as the link's row says, not by a token
//! of ours; the answer comes when what was called back is durable.

use std::net::SocketAddr;

use axum::RequestExt;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use signalbox_core::exchange::{Event, Reply, ReplyTo};

use super::Api;
use super::extract::PathName;
use super::operations::{Operation, operation};
use super::problem::{Problem, ProblemKind};
use crate::gateway::GatewayError;
use crate::links::http::{CallKind, CallbackError, Called, Document, form, receive};

pub(super) fn operations() -> Vec<Operation> {
    let call = |method, path, id, summary, kind| {
        operation(method, path, id, summary, move |state: State<Api>, request: Request| {
            called(state.0, kind, request)
        })
        .open()
        .answer_of(200, "what was called back is durable", |_| serde_json::json!({ "type": "string" }))
        .problems(&[
            ProblemKind::Malformed,
            ProblemKind::TooLarge,
            ProblemKind::Invalid,
            ProblemKind::TooManyRequests,
            ProblemKind::NotAcceptedNow,
        ])
    };
    let receipts = "/v1/links/{name}/receipts";
    let mo = "/v1/links/{name}/mo";
    let events = "/v1/links/{name}/events";
    vec![
        call(Method::POST, receipts, "link.receipts", "Receipts of a link over HTTP", CallKind::Receipts),
        call(Method::GET, receipts, "link.receipts_by_query", "The same in a query", CallKind::Receipts),
        call(Method::POST, mo, "link.mo", "MO messages of a link over HTTP", CallKind::Mo),
        call(Method::GET, mo, "link.mo_by_query", "The same in a query", CallKind::Mo),
        call(
            Method::POST,
            events,
            "link.events",
            "Receipts and MO messages of a link over HTTP, such as another node's webhook posts them",
            CallKind::Events,
        ),
    ]
}

async fn called(api: Api, kind: CallKind, mut request: Request) -> Result<Response, Problem> {
    let PathName(name) = request.extract_parts().await?;
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|from| from.0.ip());
    let mut fields = form(request.uri().query().unwrap_or_default().as_bytes());
    let headers = request.headers().clone();
    let body = Bytes::from_request(request, &()).await.map_err(|rejection| {
        let kind = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::TooLarge,
            _ => ProblemKind::Malformed,
        };
        Problem::new(kind, rejection.body_text())
    })?;
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    if media.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        fields.extend(form(&body));
    }
    // What is no link over HTTP looks like one that does not know the caller.
    let stranger = || Problem::new(ProblemKind::Unauthenticated, CallbackError::Stranger.to_string());
    let Some(link) = api.links().link(&name) else {
        count("unknown", kind, "stranger");
        return Err(stranger());
    };
    let document = Document::new(&headers, &body, fields);
    let read = receive(&link, &Called { kind, from, document, now: api.now().wall });
    let events = read.map_err(|error| match error {
        CallbackError::Stranger => {
            count(&name, kind, "stranger");
            tracing::warn!(link = name, from = ?from, "a stranger called back");
            stranger()
        }
        CallbackError::Unreadable(problem) => {
            count(&name, kind, "unreadable");
            tracing::warn!(link = name, problem, "a callback cannot be read");
            Problem::new(ProblemKind::Invalid, problem)
        }
    })?;
    let replies = api.ask_all(events.into_iter().map(addressed).collect()).await?;
    for reply in replies {
        match reply {
            Some(Reply::Inbound) => {}
            Some(Reply::Refused(refusal)) => {
                count(&name, kind, "refused");
                return Err(refusal.into());
            }
            Some(Reply::Submitted(_) | Reply::Message(_) | Reply::Command(_)) => {
                return Err(GatewayError::Mismatched.into());
            }
            None => {
                count(&name, kind, "timed_out");
                return Err(GatewayError::TimedOut.into());
            }
        }
    }
    count(&name, kind, "taken");
    let callback = link.http.as_ref().and_then(|http| http.row.callback.as_ref());
    Ok(callback.map(|callback| callback.answer.to_string()).unwrap_or_default().into_response())
}

/// The event with the address of its reply.
fn addressed(mut event: Event) -> impl FnOnce(ReplyTo) -> Event {
    move |reply| {
        match &mut event {
            Event::Receipt(receipt) => receipt.reply = reply,
            Event::Inbound(inbound) => inbound.reply = reply,
            // Callbacks bring nothing else.
            _ => {}
        }
        event
    }
}

fn count(link: &str, kind: CallKind, result: &'static str) {
    let kind = match kind {
        CallKind::Receipts => "receipts",
        CallKind::Mo => "mo",
        CallKind::Events => "events",
    };
    let link = link.to_owned();
    metrics::counter!("http_link_callbacks_total", "link" => link, "path" => kind, "result" => result)
        .increment(1);
}
