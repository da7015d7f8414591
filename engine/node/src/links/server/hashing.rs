//! Password hashes: few at once, on threads of their own, with a bounded queue in two lanes.
//!
//! Half of the hashes are kept for peers that are known: whose account lists the networks it comes from, or whose
//! address has bound before. So strangers, however many, do not make them wait.

use signalbox_config::value::PasswordHash;
use tokio::sync::Semaphore;

/// See the [module](self).
#[derive(Debug)]
pub struct Hashing {
    known: Semaphore,
    strangers: Semaphore,
    known_queue: Semaphore,
    strangers_queue: Semaphore,
    shared: bool,
}

/// More binds wait than may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl Hashing {
    /// So many hashes at once, and so many binds that wait in each lane.
    #[must_use]
    pub fn new(at_once: usize, queue: usize) -> Self {
        let at_once = at_once.max(1);
        let known = at_once / 2;
        Self {
            known: Semaphore::new(known),
            strangers: Semaphore::new(at_once - known),
            known_queue: Semaphore::new(queue),
            strangers_queue: Semaphore::new(queue),
            shared: known == 0,
        }
    }

    /// Whether this is the password.
    ///
    /// # Errors
    /// When too many wait already.
    pub async fn matches(&self, hash: PasswordHash, password: &[u8], is_known: bool) -> Result<bool, Busy> {
        let (lane, queue) = if is_known && !self.shared {
            (&self.known, &self.known_queue)
        } else {
            (&self.strangers, &self.strangers_queue)
        };
        let _waiting = queue.try_acquire().map_err(|_| Busy)?;
        let Ok(_turn) = lane.acquire().await else { return Err(Busy) };
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
    async fn a_full_queue_refuses_at_once() {
        let hash = PasswordHash::of("secret", [7; 16]).unwrap();
        let hashing = Hashing::new(2, 0);
        assert_eq!(hashing.matches(hash, b"secret", false).await, Err(Busy));
    }
}
