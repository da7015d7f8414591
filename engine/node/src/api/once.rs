//! Requests that make something and carry an Idempotency-Key: asked twice, they are carried out once and answered
//! twice.
//!
//! Answers are kept in memory, bounded by number, octets and age. A restart forgets them; what names itself (rows,
//! contacts, lists) is then refused as already there instead of being made twice. Messages keep their keys durably in
//! the exchange and do not come by here.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use signalbox_core::time::Micros;
use tokio::sync::Mutex;

use super::Api;
use super::caller::Caller;
use super::extract::octets;
use super::idempotency::{IdempotencyKey, digest};
use super::problem::{Problem, ProblemKind, internal};

/// Octets of all answers that are kept.
const OCTETS: usize = 32 << 20;

/// An answer that was given before says so.
const REPEATED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// An answer as it was given.
#[derive(Clone)]
struct Kept {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Kept {
    fn octets(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        self.body.len() + headers
    }

    fn again(self) -> Response {
        let mut response = (self.status, self.headers, self.body).into_response();
        response.headers_mut().insert(REPEATED, HeaderValue::from_static("true"));
        response
    }
}

/// A request with a key: who has its lock carries it out.
struct Asked {
    request: [u8; 32],
    answer: Mutex<Option<Kept>>,
}

/// A key, what was asked with it, and the octets of the answer that is kept.
struct Slot {
    asked: Arc<Asked>,
    octets: usize,
}

/// What was asked with which key, the oldest first.
pub(super) struct Answers {
    most: usize,
    octets: usize,
    slots: FxHashMap<[u8; 16], Slot>,
    order: VecDeque<(Micros, [u8; 16])>,
}

impl Answers {
    pub(super) fn new(most: usize) -> Self {
        Self { most, octets: 0, slots: FxHashMap::default(), order: VecDeque::new() }
    }

    /// Forgets what was asked before `oldest`, and the oldest while there is too much.
    fn forget(&mut self, oldest: Micros, octets: usize) {
        while let Some((at, first)) = self.order.front()
            && (*at < oldest || self.order.len() > self.most || self.octets > octets)
        {
            if let Some(slot) = self.slots.remove(first) {
                self.octets -= slot.octets;
            }
            self.order.pop_front();
        }
    }

    /// The request that a key stands for, from now on this one where there is none.
    fn asked(&mut self, key: [u8; 16], request: [u8; 32], now: Micros, oldest: Micros) -> Arc<Asked> {
        self.forget(oldest, OCTETS);
        if let Some(slot) = self.slots.get(&key) {
            return slot.asked.clone();
        }
        let asked = Arc::new(Asked { request, answer: Mutex::new(None) });
        self.slots.insert(key, Slot { asked: asked.clone(), octets: 0 });
        self.order.push_back((now, key));
        asked
    }

    /// Counts the octets of an answer that is kept now.
    fn grew(&mut self, key: [u8; 16], octets: usize) {
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.octets += octets;
            self.octets += octets;
        }
        self.forget(Micros(i64::MIN), OCTETS);
    }
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
    let request: [u8; 32] = hash.finalize().into();
    let remembered = api.control().in_force().settings.api.idempotency_for.duration();
    let now = api.now().wall;
    let oldest = Micros(now.0.saturating_sub(i64::try_from(remembered.as_micros()).unwrap_or(i64::MAX)));
    let key = digest(&caller, &key, usize::MAX);
    let asked = api.0.answers.lock().asked(key, request, now, oldest);
    if asked.request != request {
        return Err(Problem::new(
            ProblemKind::IdempotencyKeyReused,
            "the key came with another request before",
        ));
    }
    let mut answer = asked.answer.lock().await;
    if let Some(kept) = &*answer {
        return Ok(kept.clone().again());
    }
    let response = next.run(Request::from_parts(parts, body)).await;
    // What failed changed nothing and may be asked again.
    if !response.status().is_success() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|error| internal(&error))?;
    let kept = Kept { status: parts.status, headers: parts.headers.clone(), body: body.clone() };
    let size = kept.octets();
    if size <= OCTETS {
        *answer = Some(kept);
        api.0.answers.lock().grew(key, size);
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> [u8; 16] {
        [number; 16]
    }

    #[test]
    fn a_key_stands_for_its_first_request_until_it_is_old() {
        let mut answers = Answers::new(10);
        let first = answers.asked(key(1), [1; 32], Micros(10), Micros(0));
        let again = answers.asked(key(1), [2; 32], Micros(11), Micros(0));
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(again.request, [1; 32]);
        let later = answers.asked(key(1), [2; 32], Micros(30), Micros(20));
        assert_eq!(later.request, [2; 32]);
    }

    #[test]
    fn answers_are_bounded_by_number_and_octets() {
        let mut answers = Answers::new(3);
        for number in 0..20 {
            answers.asked(key(number), [number; 32], Micros(i64::from(number)), Micros(0));
        }
        assert!(answers.slots.len() <= 4, "{}", answers.slots.len());
        assert_eq!(answers.slots.len(), answers.order.len());
        let mut answers = Answers::new(1000);
        for number in 0..100 {
            answers.asked(key(number), [number; 32], Micros(i64::from(number)), Micros(0));
            answers.grew(key(number), 1 << 20);
        }
        assert_eq!(answers.octets, OCTETS);
        assert_eq!(answers.slots.len(), OCTETS >> 20);
        assert!(answers.slots.contains_key(&key(99)));
    }
}
