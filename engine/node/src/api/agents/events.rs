//! `GET /v1/agent-events`: what changes among the messages for agents, told at once (server-sent events, WHATWG HTML
//! cl. 9.2).

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use serde_json::json;
use signalbox_config::catalog::{AgentQueue, Right};
use signalbox_core::backend::Kind;
use signalbox_core::id::AccountId;
use signalbox_dialog::{Seen, WorkChange};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use crate::api::caller::Caller;
use crate::api::operations::{Operation, operation};
use crate::api::problem::{Problem, ProblemKind};
use crate::api::{Api, peers};

/// A screen that hears nothing else hears this often that the node is there. Then it is asked, too, whether its token is
/// still good.
const PULSE: Duration = Duration::from_secs(10);
/// Events that wait for a slow screen.
const WAITING: usize = 64;
/// A screen that takes nothing for so long is let go.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn operations() -> Vec<Operation> {
    vec![
        operation(
            Method::GET,
            "/v1/agent-events",
            "agent_work.events",
            "Tells at once what changes among the messages for agents, as server-sent events",
            events,
        )
        .right(Right::AgentsRead)
        .tenants()
        .answer_of(
            200,
            "events `work` with the number of a message, its account and queue, what became of it and who has it; \
             `missed` when a screen was too slow and should read the queue again",
            |_| json!({ "type": "string" }),
        )
        .problems(&[ProblemKind::Overloaded]),
    ]
}

async fn events(State(api): State<Api>, caller: Caller, headers: HeaderMap) -> Result<Response, Problem> {
    let seen = api.seen(&caller, None)?;
    let Some((changes, place)) = api.agents().watch() else {
        let detail = "as many screens are told as the node allows";
        return Err(Problem::new(ProblemKind::Overloaded, detail).retry_after(5));
    };
    let (frames, sent) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let _place = place;
        tell(&api, &headers, seen, changes, frames).await;
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((headers, Body::new(Frames(sent))).into_response())
}

/// Tells a screen until it is gone or its token is.
async fn tell(
    api: &Api,
    headers: &HeaderMap,
    mut seen: Seen,
    mut changes: Receiver<WorkChange>,
    frames: mpsc::Sender<Bytes>,
) {
    // The first frame says that from here on nothing is missed.
    let mut frame = Bytes::from_static(b": here\n\n");
    loop {
        match tokio::time::timeout(PATIENCE, frames.send(frame)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
        frame = loop {
            let change = tokio::select! {
                () = frames.closed() => return,
                change = tokio::time::timeout(PULSE, changes.recv()) => change,
            };
            match change {
                Ok(Ok(change)) if seen.has(change.account) => break event(api, &change),
                Ok(Ok(_)) => {}
                Ok(Err(RecvError::Lagged(_))) => break Bytes::from_static(b"event: missed\ndata: {}\n\n"),
                Ok(Err(RecvError::Closed)) => return,
                Err(_silence) => {
                    let caller = api.authenticate(headers).await;
                    let still = caller.and_then(|caller| api.seen(&caller, None));
                    let Ok(still) = still else { return };
                    seen = still;
                    break Bytes::from_static(b": here\n\n");
                }
            }
        };
    }
}

fn event(api: &Api, change: &WorkChange) -> Bytes {
    let in_force = api.control().in_force();
    let ids = &in_force.snapshot.ids;
    let data = json!({
        "id": change.id.to_string(),
        "account": (change.account != 0).then(|| peers::account(ids, AccountId(change.account))),
        "queue": ids.name(Kind::AgentQueue, change.queue).unwrap_or(AgentQueue::OWN),
        "change": change.did,
        "held_by": change.held_by,
    });
    format!("event: work\ndata: {data}\n\n").into()
}

/// Frames as they come.
struct Frames(mpsc::Receiver<Bytes>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|frame| frame.map(|frame| Ok(Frame::data(frame))))
    }
}
