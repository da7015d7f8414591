//! Idempotency keys of clients.
//!
//! That a message is taken once is the exchange's doing: it keeps the digest of token and key with the message,
//! durably. Here is only remembered which body a key came with, so that a client that uses one for two requests
//! learns of it; after a restart it does not.

use std::collections::VecDeque;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};
use signalbox_core::time::Micros;

use super::Api;
use super::caller::Caller;
use super::problem::{Problem, ProblemKind};

/// Longest key, in octets.
const LONGEST: usize = 255;

/// The Idempotency-Key of a request, if it has one.
pub(super) struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let key = value.to_str().unwrap_or_default();
        if key.is_empty() || key.len() > LONGEST {
            let detail = format!("the idempotency key must have 1 to {LONGEST} printable characters");
            return Err(Problem::new(ProblemKind::Malformed, detail));
        }
        Ok(Self(Some(key.to_owned())))
    }
}

/// The key as the exchange keeps it, for one message of a request.
pub(super) fn digest(caller: &Caller, key: &str, index: usize) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(caller.token.as_bytes());
    hash.update([0]);
    hash.update(key.as_bytes());
    hash.update([0]);
    hash.update((index as u64).to_be_bytes());
    let whole: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

/// The bodies that keys came with.
pub(super) struct Keys {
    most: usize,
    bodies: FxHashMap<[u8; 16], [u8; 16]>,
    order: VecDeque<(Micros, [u8; 16])>,
}

impl Keys {
    pub(super) fn new(most: usize) -> Self {
        Self { most, bodies: FxHashMap::default(), order: VecDeque::new() }
    }

    /// Remembers the body of a key; false when it came with another one since `oldest`.
    fn agrees(&mut self, key: [u8; 16], body: [u8; 16], now: Micros, oldest: Micros) -> bool {
        while let Some((at, first)) = self.order.front()
            && (*at < oldest || self.order.len() > self.most)
        {
            self.bodies.remove(first);
            self.order.pop_front();
        }
        match self.bodies.get(&key) {
            Some(before) => *before == body,
            None => {
                self.bodies.insert(key, body);
                self.order.push_back((now, key));
                true
            }
        }
    }
}

impl Api {
    /// Refuses a key that came with another body.
    pub(super) fn check_key(&self, caller: &Caller, key: &str, body: &[u8]) -> Result<(), Problem> {
        let hash: [u8; 32] = Sha256::digest(body).into();
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        let remembered = self.control().in_force().settings.api.idempotency_for.duration();
        let now = self.now().wall;
        let oldest = Micros(now.0.saturating_sub(i64::try_from(remembered.as_micros()).unwrap_or(i64::MAX)));
        if self.0.keys.lock().agrees(digest(caller, key, usize::MAX), half, now, oldest) {
            return Ok(());
        }
        Err(Problem::new(ProblemKind::IdempotencyKeyReused, "the key came with another body before"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_one_body_until_it_is_forgotten() {
        let mut keys = Keys::new(2);
        let (a, b) = ([1; 16], [2; 16]);
        assert!(keys.agrees(a, a, Micros(10), Micros(0)));
        assert!(keys.agrees(a, a, Micros(11), Micros(0)));
        assert!(!keys.agrees(a, b, Micros(12), Micros(0)));
        assert!(keys.agrees(a, b, Micros(20), Micros(15)));
    }

    #[test]
    fn the_oldest_is_forgotten_at_the_bound() {
        let mut keys = Keys::new(2);
        for n in 0..4 {
            assert!(keys.agrees([n; 16], [n; 16], Micros(i64::from(n)), Micros(0)));
        }
        assert!(keys.bodies.len() <= 3);
        assert!(keys.agrees([0; 16], [9; 16], Micros(9), Micros(0)));
    }
}
