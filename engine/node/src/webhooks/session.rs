//! The session of one webhook in the exchange.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use signalbox_core::exchange::{Answer, Event};
use signalbox_core::id::{PeerId, PermitId, SessionId};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use super::Ground;
use super::delivery::deliver;
use super::target::Target;
use crate::spine::{Outbox, ToSession};

/// A session that takes events and posts them, at most its window at once.
pub(super) struct Session {
    ground: Ground,
    target: Arc<Target>,
    id: SessionId,
    outbox: Outbox,
    deliveries: JoinSet<Event>,
    /// Which permit each delivery has, for one that panics.
    permits: FxHashMap<Id, PermitId>,
}

impl Session {
    pub(super) fn open(ground: Ground, target: Target) -> Self {
        let (id, outbox) = ground.spine.open_session();
        Self {
            ground,
            target: Arc::new(target),
            id,
            outbox,
            deliveries: JoinSet::new(),
            permits: FxHashMap::default(),
        }
    }

    /// Runs until it is told to stop or the exchange ends.
    pub(super) async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let up = Event::SessionUp {
            peer: PeerId::Webhook(self.target.id),
            session: self.id,
            window: self.target.window,
        };
        if self.ground.spine.offer(vec![up]).await.is_err() {
            return;
        }
        loop {
            tokio::select! {
                batch = self.outbox.recv() => match batch {
                    Some(batch) => {
                        if !self.take(batch) {
                            break;
                        }
                    }
                    None => break,
                },
                Some(done) = self.deliveries.join_next_with_id(), if !self.deliveries.is_empty() => {
                    let event = self.settled(done);
                    if self.ground.spine.offer(event.into_iter().collect()).await.is_err() {
                        return;
                    }
                }
                _ = stopped.changed() => break,
            }
        }
        self.close().await;
    }

    /// Begins what a batch asks for; false when the exchange wants the session closed.
    fn take(&mut self, batch: Vec<ToSession>) -> bool {
        let mut open = true;
        for item in batch {
            match item {
                ToSession::Send(released) => {
                    let permit = released.permit();
                    let delivery = deliver(self.ground.clone(), self.target.clone(), released);
                    self.permits.insert(self.deliveries.spawn(delivery).id(), permit);
                }
                ToSession::Close { .. } => open = false,
                ToSession::Reply { .. } => {}
            }
        }
        open
    }

    /// What a delivery that has ended means; one that panicked may have been posted.
    fn settled(&mut self, done: Result<(Id, Event), JoinError>) -> Option<Event> {
        match done {
            Ok((id, event)) => {
                self.permits.remove(&id);
                Some(event)
            }
            Err(error) => {
                let cause = &error as &dyn std::error::Error;
                tracing::error!(error = cause, webhook = self.target.name, "a delivery failed");
                let permit = self.permits.remove(&error.id())?;
                Some(Event::Answered { permit, answer: Answer::Silent })
            }
        }
    }

    /// Gives back what was not begun, and lets what was come to its end: the exchange takes late answers.
    async fn close(mut self) {
        self.ground.spine.close_session(self.id);
        let mut unsent: Vec<PermitId> = Vec::new();
        while let Ok(batch) = self.outbox.try_recv() {
            unsent.extend(batch.into_iter().filter_map(|item| match item {
                ToSession::Send(released) => Some(released.permit()),
                ToSession::Reply { .. } | ToSession::Close { .. } => None,
            }));
        }
        let down = Event::SessionDown { session: self.id, unsent, in_flight: Vec::new() };
        if self.ground.spine.offer(vec![down]).await.is_err() {
            return;
        }
        while let Some(done) = self.deliveries.join_next_with_id().await {
            let event = self.settled(done);
            if self.ground.spine.offer(event.into_iter().collect()).await.is_err() {
                return;
            }
        }
    }
}
