//! Requests that make something and carry an Idempotency-Key: asked twice, they are carried out once and answered
//! twice, also over a restart and by another node of the same database.
//!
//! Before a request is carried out, its key and a digest of it are durable; before it is answered, so is the answer. One
//! that the end of the process interrupted has no answer and is carried out again: what names itself (rows, contacts,
//! lists) is then refused as already there instead of being made twice. Messages keep their keys in the exchange, in
//! the commit that takes them, and do not come by here.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use signalbox_core::time::Micros;
use signalbox_people::{Answer, AskedOnce, KnownKey, People};
use tokio::sync::{mpsc, oneshot};

use super::Api;
use super::caller::Caller;
use super::extract::octets;
use super::idempotency::{IdempotencyKey, digest};
use super::problem::{Problem, ProblemKind, internal};

/// Octets of an answer that is kept; of a longer one is kept that it was given.
const LONGEST: usize = 1 << 20;
/// Octets of all answers to one token.
const OCTETS: u64 = 32 << 20;
/// Keys of a token between two looks at its bounds.
const LOOK: u64 = 256;
/// Orders that wait to be written; who has one more waits.
const QUEUE: usize = 1_024;
/// Orders that are written in one commit.
const BATCH: usize = 256;

/// An answer that was given before says so.
const REPEATED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What is to be written, and who waits for it.
enum Order {
    Ask { asked: AskedOnce, oldest: Micros, told: oneshot::Sender<KnownKey> },
    Keep { id: String, answer: Option<Answer>, told: oneshot::Sender<()> },
}

/// The way to what was asked with which key.
pub(super) struct Once {
    orders: mpsc::Sender<Order>,
    /// Keys whose requests are in work here; who asks again waits.
    turns: Mutex<FxHashMap<[u8; 16], Arc<tokio::sync::Mutex<()>>>>,
}

impl Once {
    /// The way to the database; what comes within one moment is one commit. Another node that does not answer within
    /// `patience` is given up, and a token has `most` keys.
    pub(super) fn start(people: Arc<People>, patience: Duration, most: u64) -> Self {
        let (orders, to_write) = mpsc::channel(QUEUE);
        tokio::spawn(Writer { people, patience, most, counts: FxHashMap::default() }.run(to_write));
        Self { orders, turns: Mutex::default() }
    }

    async fn ask(&self, asked: AskedOnce, oldest: Micros) -> Result<KnownKey, Problem> {
        let (told, known) = oneshot::channel();
        let later = || {
            let detail = "keys of requests cannot be kept now";
            Problem::new(ProblemKind::Overloaded, detail).retry_after(1)
        };
        self.orders.send(Order::Ask { asked, oldest, told }).await.map_err(|_| later())?;
        known.await.map_err(|_| later())
    }

    /// Keeps an answer. Where that fails, which is logged, the request may be carried out again.
    async fn keep(&self, id: String, answer: Option<Answer>) {
        let (told, kept) = oneshot::channel();
        if self.orders.send(Order::Keep { id, answer, told }).await.is_ok() {
            let _ = kept.await;
        }
    }

    fn turn(&self, key: [u8; 16]) -> Turn<'_> {
        Turn { key, lock: self.turns.lock().entry(key).or_default().clone(), of: self }
    }
}

/// The place of a request among those with its key.
struct Turn<'o> {
    key: [u8; 16],
    lock: Arc<tokio::sync::Mutex<()>>,
    of: &'o Once,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut turns = self.of.turns.lock();
        // One is the table's, one is ours.
        if Arc::strong_count(&self.lock) <= 2 {
            turns.remove(&self.key);
        }
    }
}

/// Who writes.
struct Writer {
    people: Arc<People>,
    patience: Duration,
    most: u64,
    /// Keys of each token since its bounds were looked at.
    counts: FxHashMap<String, u64>,
}

impl Writer {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut batch = Vec::new();
        while orders.recv_many(&mut batch, BATCH).await > 0 {
            let (mut asked, mut asking, mut answers, mut answering) = (vec![], vec![], vec![], vec![]);
            let mut forgotten = Micros(i64::MIN);
            for order in batch.drain(..) {
                match order {
                    Order::Ask { asked: one, oldest, told } => {
                        forgotten = forgotten.max(oldest);
                        asked.push(one);
                        asking.push(told);
                    }
                    Order::Keep { id, answer, told } => {
                        answers.push((id, answer));
                        answering.push(told);
                    }
                }
            }
            // Who waits hears that it failed by nobody telling.
            if !answers.is_empty() {
                match self.people.keep_answers(&answers).await {
                    Ok(()) => {
                        for told in answering {
                            // Who asked may be gone.
                            let _ = told.send(());
                        }
                    }
                    Err(error) => failed(&error),
                }
            }
            if !asked.is_empty() {
                match self.people.ask_once(&asked, forgotten, self.patience).await {
                    Ok(known) => {
                        asking.into_iter().zip(known).for_each(|(told, known)| drop(told.send(known)));
                        self.bound(asked, forgotten).await;
                    }
                    Err(error) => failed(&error),
                }
            }
        }
    }

    /// Forgets what is old or too much of those who asked often since the last look.
    async fn bound(&mut self, asked: Vec<AskedOnce>, oldest: Micros) {
        for AskedOnce { owner, .. } in asked {
            let count = self.counts.entry(owner.clone()).or_default();
            *count += 1;
            if *count < LOOK {
                continue;
            }
            *count = 0;
            if let Err(error) = self.people.forget_asked(&owner, oldest, self.most, OCTETS).await {
                failed(&error);
            }
        }
    }
}

fn failed(error: &(dyn std::error::Error + 'static)) {
    tracing::error!(error, "keys of requests cannot be kept");
}

/// Carries a request out unless its key was answered before. A second one that comes while the first is in work waits
/// for its answer, as long as a request may take.
pub(super) async fn once(State(api): State<Api>, request: Request, next: Next) -> Response {
    match asked_once(&api, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn asked_once(api: &Api, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let IdempotencyKey(key) = IdempotencyKey::from_request_parts(&mut parts, api).await?;
    let (Some(key), Some(caller)) = (key, parts.extensions.get::<Caller>().cloned()) else {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let mut hash = Sha256::new();
    for part in [parts.method.as_str(), parts.uri.path(), parts.uri.query().unwrap_or_default()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    // Files stream past: of them the path and the query tell them apart.
    let body = if super::people::is_csv(&parts.headers) {
        body
    } else {
        let whole = octets(Request::from_parts(parts.clone(), body), &()).await?;
        hash.update(&whole);
        Body::from(whole)
    };
    let remembered = api.control().in_force().settings.api.idempotency_for.duration();
    let now = api.now().wall;
    let oldest = Micros(now.0.saturating_sub(i64::try_from(remembered.as_micros()).unwrap_or(i64::MAX)));
    let key = digest(&caller, &key, usize::MAX);
    let once = &api.0.once;
    let turn = once.turn(key);
    let _in_work = turn.lock.lock().await;
    let id = hex(&key);
    let asked = AskedOnce {
        id: id.clone(),
        owner: caller.token.clone(),
        account: caller.account.as_ref().map(|account| account.id),
        request: hex(&hash.finalize()),
        at: now,
    };
    match once.ask(asked, oldest).await? {
        KnownKey::Nothing => {}
        KnownKey::Answered(answer) => return again(answer),
        KnownKey::Another => {
            let detail = "the key came with another request before";
            return Err(Problem::new(ProblemKind::IdempotencyKeyReused, detail));
        }
        KnownKey::UnderWay => {
            let detail = "another node carries the request out";
            return Err(Problem::new(ProblemKind::Overloaded, detail).retry_after(1));
        }
    }
    let response = next.run(Request::from_parts(parts, body)).await;
    // What failed changed nothing and may be asked again.
    if !response.status().is_success() {
        once.keep(id, None).await;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|error| internal(&error))?;
    let content = content(&parts.headers, &body);
    once.keep(id, Some(Answer { status: parts.status.as_u16(), content })).await;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Headers and body of an answer, as they are kept.
fn content(headers: &HeaderMap, body: &Bytes) -> Option<(String, String)> {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let pairs = headers.iter().filter_map(|(name, value)| Some((name.as_str(), text(value)?)));
    let headers = serde_json::to_string(&pairs.collect::<Vec<_>>()).ok()?;
    let body = std::str::from_utf8(body).ok()?;
    (headers.len() + body.len() <= LONGEST).then(|| (headers, body.to_owned()))
}

/// The answer as it was; of one that is not kept, or was erased, the status alone.
fn again(answer: Answer) -> Result<Response, Problem> {
    let status = StatusCode::from_u16(answer.status).map_err(|error| internal(&error))?;
    let (headers, body) = answer.content.unwrap_or_else(|| ("[]".to_owned(), String::new()));
    let headers: Vec<(String, String)> = serde_json::from_str(&headers).map_err(|error| internal(&error))?;
    let mut response = (status, body).into_response();
    response.headers_mut().clear();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response.headers_mut().insert(REPEATED, HeaderValue::from_static("true"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_given_again_as_it_was() {
        let mut headers = HeaderMap::new();
        headers.insert("location", HeaderValue::from_static("/v1/lists/friends"));
        let kept = content(&headers, &Bytes::from_static(b"{}"));
        let response = again(Answer { status: 201, content: kept }).unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(response.headers()["location"], "/v1/lists/friends");
        assert_eq!(response.headers()["idempotency-replayed"], "true");
        assert_eq!(content(&headers, &Bytes::from(vec![b'a'; LONGEST])), None);
        let response = again(Answer { status: 204, content: None }).unwrap();
        assert_eq!((response.status(), response.headers().len()), (StatusCode::NO_CONTENT, 1));
    }
}
