//! Requests to the exchange from HTTP handlers and commands: one event, one reply, with a deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_core::exchange::{Command, CommandReply, Event, Reply, ReplyTo};
use signalbox_core::id::SessionId;
use tokio::sync::oneshot;

use crate::spine::{Outbox, SpineHandle, ToSession};

/// How long a reply is waited for; a commit takes milliseconds unless the disk is full.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request without a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The exchange did not reply in time; whether it did what was asked is unknown.
    #[error("the exchange did not reply in time")]
    TimedOut,
    /// The exchange has stopped.
    #[error("the exchange has stopped")]
    Stopped,
    /// The reply is not one to this request.
    #[error("the exchange gave a reply to another question")]
    Mismatched,
}

/// The way of requests into the exchange, and of its replies back.
#[derive(Clone, Debug)]
pub struct Gateway {
    spine: SpineHandle,
    session: SessionId,
    waiting: Arc<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    next: AtomicU64,
    replies: Mutex<FxHashMap<u64, oneshot::Sender<Reply>>>,
}

impl Gateway {
    /// Opens the way; the task that hands out replies ends with the exchange.
    #[must_use]
    pub fn open(spine: SpineHandle) -> Self {
        let (session, outbox) = spine.open_session();
        let waiting = Arc::new(Waiting::default());
        tokio::spawn(hand_out(outbox, waiting.clone()));
        Self { spine, session, waiting }
    }

    /// The spine behind it.
    #[must_use]
    pub fn spine(&self) -> &SpineHandle {
        &self.spine
    }

    /// Offers the event that `make` builds for the given reply address, and waits for the reply.
    ///
    /// # Errors
    /// See [`GatewayError`].
    pub async fn ask(&self, make: impl FnOnce(ReplyTo) -> Event) -> Result<Reply, GatewayError> {
        let token = self.waiting.next.fetch_add(1, Ordering::Relaxed);
        let (sender, reply) = oneshot::channel();
        self.waiting.replies.lock().insert(token, sender);
        let _forget = Forget { waiting: &self.waiting, token };
        let event = make(ReplyTo { session: self.session, token });
        let answered = async {
            self.spine.offer(vec![event]).await.map_err(|_| GatewayError::Stopped)?;
            reply.await.map_err(|_| GatewayError::Stopped)
        };
        tokio::time::timeout(PATIENCE, answered).await.map_err(|_| GatewayError::TimedOut)?
    }

    /// Has an operator's command carried out.
    ///
    /// # Errors
    /// See [`GatewayError`].
    pub async fn command(&self, command: Command) -> Result<CommandReply, GatewayError> {
        match self.ask(|reply| Event::Command { reply, command: Box::new(command) }).await? {
            Reply::Command(reply) => Ok(*reply),
            Reply::Submitted(_) | Reply::Refused(_) | Reply::Inbound | Reply::Message(_) => {
                Err(GatewayError::Mismatched)
            }
        }
    }
}

/// Takes a request off the list when its handler is gone, however it went.
struct Forget<'a> {
    waiting: &'a Waiting,
    token: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.waiting.replies.lock().remove(&self.token);
    }
}

async fn hand_out(mut outbox: Outbox, waiting: Arc<Waiting>) {
    while let Some(batch) = outbox.recv().await {
        for item in batch {
            let ToSession::Reply { token, reply } = item else { continue };
            let Some(sender) = waiting.replies.lock().remove(&token) else { continue };
            // Who asked may have given up a moment ago.
            let _ = sender.send(reply);
        }
    }
}
