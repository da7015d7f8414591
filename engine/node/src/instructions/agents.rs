//! What agents ask of the dialog server, and what their screens are told when something changes (TXS-20).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_core::exchange::ReplyTo;
use signalbox_core::id::SessionId;
use signalbox_dialog::{AgentAnswer, AgentAsk, AgentRefusal, Event, Seen, Wanted, WorkChange};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, oneshot};

use crate::spine::SpineHandle;

/// How long the commit of what an agent does is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Changes that a screen may be behind; one that is further behind is told so.
const BEHIND: usize = 1_024;
/// Screens that are told at once.
const SCREENS: usize = 2_000;

type Result = std::result::Result<AgentAnswer, AgentRefusal>;

/// An agent without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// It is refused.
    #[error(transparent)]
    Refused(#[from] AgentRefusal),
    /// No answer came in time; whether it was done is unknown.
    #[error("the dialog server did not answer in time")]
    TimedOut,
    /// The exchange has stopped.
    #[error("the exchange has stopped")]
    Stopped,
}

/// The way of agents to the dialog server, and of changes to their screens.
#[derive(Debug)]
pub struct Agents {
    next: AtomicU64,
    waiting: Mutex<FxHashMap<u64, oneshot::Sender<Result>>>,
    changes: broadcast::Sender<WorkChange>,
    screens: Arc<Semaphore>,
}

impl Default for Agents {
    fn default() -> Self {
        Self {
            next: AtomicU64::new(0),
            waiting: Mutex::default(),
            changes: broadcast::Sender::new(BEHIND),
            screens: Arc::new(Semaphore::new(SCREENS)),
        }
    }
}

impl Agents {
    /// Asks on behalf of an agent, and waits until what he did is durable.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn ask(
        &self,
        spine: &SpineHandle,
        agent: String,
        seen: Seen,
        wanted: Wanted,
    ) -> std::result::Result<AgentAnswer, AgentError> {
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().insert(token, sender);
        let reply = ReplyTo { session: SessionId::DIALOG, token };
        let asked = async {
            let event = Event::Agent(Box::new(AgentAsk { reply, agent, seen, wanted }));
            spine.offer_dialog(vec![event]).await.map_err(|_| AgentError::Stopped)?;
            answer.await.map_err(|_| AgentError::Stopped)?.map_err(AgentError::Refused)
        };
        let answered = tokio::time::timeout(PATIENCE, asked).await;
        self.waiting.lock().remove(&token);
        answered.unwrap_or(Err(AgentError::TimedOut))
    }

    /// Answers who asked.
    pub(super) fn answer(&self, token: u64, result: Result) {
        if let Some(waiting) = self.waiting.lock().remove(&token) {
            // Who asked may have given up a moment ago.
            let _ = waiting.send(result);
        }
    }

    /// Tells screens of a change that is durable.
    pub(super) fn tell(&self, change: WorkChange) {
        // Nobody may be there to look.
        let _ = self.changes.send(change);
    }

    /// The changes from now on, and a screen's place; `None` when there are as many screens as may be.
    #[must_use]
    pub fn watch(&self) -> Option<(broadcast::Receiver<WorkChange>, OwnedSemaphorePermit)> {
        let place = self.screens.clone().try_acquire_owned().ok()?;
        Some((self.changes.subscribe(), place))
    }
}
