//! Password hashes: few at once, on threads of their own, with bounded queues.
//!
//! Strangers stand in a queue of their own, and as many of them as there are hashes at once stand in that of the known
//! peers: those whose account lists the networks it comes from, or whose address has bound before. So a known peer
//! waits for one hash of a stranger or two, however many strangers there are.

use signalbox_config::value::PasswordHash;
use tokio::sync::Semaphore;

/// See the [module](self).
#[derive(Debug)]
pub struct Hashing {
    turns: Semaphore,
    strangers: Semaphore,
    known_queue: Semaphore,
    strangers_queue: Semaphore,
}

/// More binds wait than may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl Hashing {
    /// So many hashes at once, and so many binds that wait in each queue.
    #[must_use]
    pub fn new(at_once: usize, queue: usize) -> Self {
        let at_once = at_once.max(1);
        Self {
            turns: Semaphore::new(at_once),
            strangers: Semaphore::new(at_once),
            known_queue: Semaphore::new(queue),
            strangers_queue: Semaphore::new(queue),
        }
    }

    /// Whether this is the password.
    ///
    /// # Errors
    /// When too many wait already.
    pub async fn matches(&self, hash: PasswordHash, password: &[u8], is_known: bool) -> Result<bool, Busy> {
        let queue = if is_known { &self.known_queue } else { &self.strangers_queue };
        let _waiting = queue.try_acquire().map_err(|_| Busy)?;
        // The semaphores are never closed.
        let _first = match is_known {
            true => None,
            false => Some(self.strangers.acquire().await.map_err(|_| Busy)?),
        };
        let _turn = self.turns.acquire().await.map_err(|_| Busy)?;
        let password = text(password);
        let matched = tokio::task::spawn_blocking(move || hash.matches(&password)).await;
        Ok(matched.unwrap_or(false))
    }
}

/// A password as text: UTF-8 if it is that, else each octet as Latin-1.
fn text(password: &[u8]) -> String {
    match std::str::from_utf8(password) {
        Ok(text) => text.to_owned(),
        Err(_) => password.iter().map(|&octet| char::from(octet)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn right_and_wrong_are_told_apart() {
        let hash = PasswordHash::of("se\u{e4}cret", [7; 16]).unwrap();
        let hashing = Hashing::new(2, 4);
        for is_known in [true, false] {
            assert_eq!(hashing.matches(hash.clone(), "se\u{e4}cret".as_bytes(), is_known).await, Ok(true));
            assert_eq!(hashing.matches(hash.clone(), b"se\xe4cret", is_known).await, Ok(true), "latin-1");
            assert_eq!(hashing.matches(hash.clone(), b"guess", is_known).await, Ok(false));
        }
    }

    #[tokio::test]
    async fn a_known_peer_waits_for_no_queue_of_strangers() {
        let hash = PasswordHash::of("secret", [7; 16]).unwrap();
        let hashing = std::sync::Arc::new(Hashing::new(2, 100));
        let strangers: Vec<_> = (0..40)
            .map(|_| {
                let (hashing, hash) = (hashing.clone(), hash.clone());
                tokio::spawn(async move { hashing.matches(hash, b"guess", false).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(hashing.matches(hash, b"secret", true).await, Ok(true));
        let done = strangers.iter().filter(|stranger| stranger.is_finished()).count();
        assert!(done <= 8, "{done} strangers came first");
        for stranger in strangers {
            assert_eq!(stranger.await.unwrap(), Ok(false));
        }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let hash = PasswordHash::of("secret", [7; 16]).unwrap();
        let hashing = Hashing::new(2, 0);
        assert_eq!(hashing.matches(hash, b"secret", false).await, Err(Busy));
    }
}
