//! What is known of an account's password without hashing it: that a digest of it was right, or wrong, lately.
//!
//! The digests are keyed with random octets of the process, so they are of no use to anybody else.

use std::collections::VecDeque;
use std::time::Duration;

use hmac::{Hmac, Mac};
use parking_lot::Mutex;
use sha2::Sha256;
use signalbox_core::time::Mono;
use tokio::sync::watch;

/// Wrong passwords that are remembered for each account: who has one configured repeats it.
const WRONG: usize = 16;

/// A keyed digest of a password for an account.
pub type Digest = [u8; 32];

/// Makes digests.
pub struct DigestKey([u8; 32]);

impl DigestKey {
    /// A key of this process.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// The digest of a password; another one for another system_id or another stored hash.
    #[must_use]
    pub fn digest(&self, system_id: &[u8], stored: &str, password: &[u8]) -> Digest {
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(&self.0).expect("a key of any length suits an hmac");
        for part in [system_id, stored.as_bytes(), password] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DigestKey(***)")
    }
}

/// What is known of a password.
#[derive(Debug)]
pub enum Known {
    /// It is right.
    Right,
    /// It is wrong.
    Wrong,
    /// Somebody is finding out.
    Soon(watch::Receiver<Option<bool>>),
    /// Nothing: the caller is to find out, and to say.
    Nothing(Finding),
}

/// Who finds out whether a password is right. Dropped without a word, nothing is known.
#[derive(Debug)]
pub struct Finding {
    digest: Digest,
    sender: watch::Sender<Option<bool>>,
}

#[derive(Debug, Default)]
struct Kept {
    right: Option<(Digest, Mono)>,
    wrong: VecDeque<Digest>,
    soon: Vec<(Digest, watch::Receiver<Option<bool>>)>,
}

/// What is known of one account's password.
#[derive(Debug, Default)]
pub struct Passwords(Mutex<Kept>);

impl Passwords {
    /// What is known of this one.
    #[must_use]
    pub fn look(&self, digest: Digest, now: Mono) -> Known {
        let mut kept = self.0.lock();
        if kept.right.is_some_and(|(right, until)| right == digest && until > now) {
            return Known::Right;
        }
        if kept.wrong.contains(&digest) {
            return Known::Wrong;
        }
        kept.soon.retain(|(_, result)| result.has_changed().is_ok());
        if let Some((_, result)) = kept.soon.iter().find(|(other, _)| *other == digest) {
            return Known::Soon(result.clone());
        }
        let (sender, result) = watch::channel(None);
        kept.soon.push((digest, result));
        Known::Nothing(Finding { digest, sender })
    }

    /// It was found out.
    pub fn found(&self, finding: Finding, right: bool, now: Mono, keep: Duration) {
        let mut kept = self.0.lock();
        if right {
            kept.right = Some((finding.digest, now + keep));
        } else {
            if kept.wrong.len() >= WRONG {
                kept.wrong.pop_front();
            }
            kept.wrong.push_back(finding.digest);
        }
        kept.soon.retain(|(digest, _)| *digest != finding.digest);
        // Nobody may be waiting.
        let _ = finding.sender.send(Some(right));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_differ_by_key_account_hash_and_password() {
        let key = DigestKey::random();
        let digest = key.digest(b"demo", "$hash", b"secret");
        assert_eq!(digest, key.digest(b"demo", "$hash", b"secret"));
        for other in [
            key.digest(b"dem", "o$hash", b"secret"),
            key.digest(b"demo", "$other", b"secret"),
            key.digest(b"demo", "$hash", b"Secret"),
            DigestKey::random().digest(b"demo", "$hash", b"secret"),
        ] {
            assert_ne!(digest, other);
        }
    }

    #[test]
    fn a_right_one_is_known_for_a_while_and_a_wrong_one_at_once() {
        let passwords = Passwords::default();
        let Known::Nothing(finding) = passwords.look([1; 32], Mono(0)) else { panic!() };
        passwords.found(finding, true, Mono(0), Duration::from_nanos(100));
        assert!(matches!(passwords.look([1; 32], Mono(99)), Known::Right));
        assert!(matches!(passwords.look([1; 32], Mono(100)), Known::Nothing(_)));
        let Known::Nothing(finding) = passwords.look([2; 32], Mono(0)) else { panic!() };
        passwords.found(finding, false, Mono(0), Duration::from_nanos(100));
        assert!(matches!(passwords.look([2; 32], Mono(0)), Known::Wrong));
    }

    #[tokio::test]
    async fn those_who_ask_meanwhile_wait_for_one_answer() {
        let passwords = Passwords::default();
        let Known::Nothing(finding) = passwords.look([1; 32], Mono(0)) else { panic!() };
        let Known::Soon(mut result) = passwords.look([1; 32], Mono(0)) else { panic!() };
        passwords.found(finding, true, Mono(0), Duration::from_secs(1));
        assert_eq!(*result.wait_for(Option::is_some).await.unwrap(), Some(true));
    }

    #[tokio::test]
    async fn who_gives_up_finding_out_leaves_it_to_others() {
        let passwords = Passwords::default();
        let Known::Nothing(finding) = passwords.look([1; 32], Mono(0)) else { panic!() };
        let Known::Soon(mut result) = passwords.look([1; 32], Mono(0)) else { panic!() };
        drop(finding);
        assert!(result.wait_for(Option::is_some).await.is_err());
        assert!(matches!(passwords.look([1; 32], Mono(0)), Known::Nothing(_)));
    }
}
