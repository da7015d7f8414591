//! The session of a link over HTTP in the exchange: what is released to it is asked for at once, at most its window;
//! what comes of it is told. It ends when the other end cannot be reached or does not let us in.

use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use signalbox_core::exchange::{Answer, Event, Unsent};
use signalbox_core::id::{PeerId, PermitId, SessionId};
use signalbox_smpp::BindMode;
use tokio::task::{Id, JoinError, JoinSet};

use super::attempt::{Attempt, Done, Door};
use super::gathering::Gathering;
use super::request::Written;
use crate::links::line::Ground;
use crate::links::settings::LinkSettings;
use crate::links::state::{BoundAs, Phase, Posted};
use crate::spine::{Outbox, SpineGone, ToSession};
use crate::supervisor::{Order, Orders};
use crate::watchdog::Heartbeat;

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Ended {
    /// The other end cannot be reached.
    #[error("it cannot be reached: {0}")]
    Lost(String),
    /// An answer said that the link is not what we think.
    #[error("it refuses us with status {0}")]
    Refused(u32),
    /// It was told to end.
    #[error("as told")]
    Told,
    /// The exchange has stopped, or closed the outbox.
    #[error("the exchange has stopped")]
    SpineGone,
}

/// A message that is under way.
struct Open {
    permits: Vec<PermitId>,
    written: Arc<Written>,
}

/// See the [module](self).
pub(super) struct Session {
    ground: Ground,
    link: Arc<LinkSettings>,
    door: Door,
    id: SessionId,
    outbox: Outbox,
    posted: Posted,
    attempts: JoinSet<Done>,
    open: FxHashMap<Id, Open>,
    gathering: Gathering,
    sent: u64,
    /// It took at least one message.
    pub good: bool,
}

impl Session {
    pub(super) fn new(
        ground: Ground,
        link: Arc<LinkSettings>,
        client: reqwest::Client,
        posted: Posted,
    ) -> Self {
        let (id, outbox) = ground.spine.open_session();
        let door = Door { ground: ground.clone(), link: link.clone(), client, session: id };
        Self {
            ground,
            link,
            door,
            id,
            outbox,
            posted,
            attempts: JoinSet::new(),
            open: FxHashMap::default(),
            gathering: Gathering::default(),
            sent: 0,
            good: false,
        }
    }

    /// Takes messages until it ends, and then what is under way to its end.
    pub(super) async fn run(&mut self, orders: &mut Orders, heartbeat: &Heartbeat, every: Duration) -> Ended {
        let peer = PeerId::Link(self.link.id);
        let up = Event::SessionUp { peer, session: self.id, window: self.link.window };
        if self.ground.spine.offer(vec![up]).await.is_err() {
            return Ended::SpineGone;
        }
        let window = self.link.window;
        let bound = BoundAs { peer, session: self.id, mode: BindMode::Transceiver, version: None, window };
        self.posted.bound(bound, self.ground.clock.now().wall);
        tracing::info!(link = self.link.name, session = self.id.0, window, "link over http is up");
        let (ended, events) = self.carry(orders, heartbeat, every).await;
        self.posted.set_phase(Phase::Draining, self.ground.clock.now().wall);
        if self.withdraw(events).await.is_err() {
            return Ended::SpineGone;
        }
        match self.finish(orders, heartbeat, every).await {
            Ok(None) => ended,
            Ok(Some(_)) => Ended::Told,
            Err(SpineGone) => Ended::SpineGone,
        }
    }

    async fn carry(
        &mut self,
        orders: &mut Orders,
        heartbeat: &Heartbeat,
        every: Duration,
    ) -> (Ended, Vec<Event>) {
        loop {
            let now = self.ground.clock.now().mono;
            heartbeat.beat(now);
            let overdue = self.gathering.overdue(now).into_iter();
            let mut events: Vec<Event> =
                overdue.map(|permit| Event::Unsent { permit, why: Unsent::NotWritten }).collect();
            let ended = tokio::select! {
                order = orders.recv() => {
                    if order != Some(Order::Drain) {
                        self.attempts.abort_all();
                    }
                    Some(Ended::Told)
                }
                batch = self.outbox.recv() => match batch {
                    Some(batch) => self.take(batch, &mut events),
                    None => Some(Ended::SpineGone),
                },
                Some(done) = self.attempts.join_next_with_id(), if !self.attempts.is_empty() => {
                    self.settled(done, &mut events).map(Ended::Lost)
                }
                () = tokio::time::sleep(every) => None,
            };
            self.posted.count(self.open.len(), self.sent, 0);
            if let Some(ended) = ended {
                return (ended, events);
            }
            if self.ground.spine.offer(events).await.is_err() {
                return (Ended::SpineGone, Vec::new());
            }
        }
    }

    /// Begins what a batch asks for; gives all of it back when the exchange wants the session closed.
    fn take(&mut self, batch: Vec<ToSession>, events: &mut Vec<Event>) -> Option<Ended> {
        let closed = batch.iter().find_map(|item| match item {
            ToSession::Close { status } => Some(*status),
            ToSession::Send(_) | ToSession::Reply { .. } => None,
        });
        for item in batch {
            let ToSession::Send(released) = item else { continue };
            if closed.is_some() {
                events.push(Event::Unsent { permit: released.permit(), why: Unsent::NotWritten });
                continue;
            }
            let Some(parts) = self.gathering.take(*released, &self.link) else { continue };
            let permits = parts.iter().map(|part| part.permit()).collect();
            match Attempt::prepare(&self.door, parts) {
                Ok(attempt) => {
                    let open = Open { permits, written: attempt.written() };
                    self.open.insert(self.attempts.spawn(attempt.run()).id(), open);
                    self.sent += 1;
                }
                Err(done) => events.extend(done.events),
            }
        }
        closed.map(Ended::Refused)
    }

    /// What an attempt that has ended means; one that panicked or was cut off may have arrived once it was written.
    fn settled(&mut self, done: Result<(Id, Done), JoinError>, events: &mut Vec<Event>) -> Option<String> {
        match done {
            Ok((id, done)) => {
                self.open.remove(&id);
                self.good |= done.taken;
                events.extend(done.events);
                done.lost
            }
            Err(error) => {
                if error.is_panic() {
                    let cause = &error as &dyn std::error::Error;
                    tracing::error!(error = cause, link = self.link.name, "an attempt over http failed");
                }
                let Open { permits, written } = self.open.remove(&error.id())?;
                events.extend(permits.into_iter().map(|permit| match written.maybe() {
                    true => Event::Answered { permit, answer: Answer::Silent },
                    false => Event::Unsent { permit, why: Unsent::NotWritten },
                }));
                None
            }
        }
    }

    /// The session takes nothing more: what was not begun goes back with the events that are still to be told.
    async fn withdraw(&mut self, mut events: Vec<Event>) -> Result<(), SpineGone> {
        self.ground.spine.close_session(self.id);
        let mut unsent: Vec<PermitId> = self.gathering.drain();
        while let Ok(batch) = self.outbox.try_recv() {
            unsent.extend(batch.into_iter().filter_map(|item| match item {
                ToSession::Send(released) => Some(released.permit()),
                ToSession::Reply { .. } | ToSession::Close { .. } => None,
            }));
        }
        events.push(Event::SessionDown { session: self.id, unsent, in_flight: Vec::new() });
        self.ground.spine.offer(events).await
    }

    /// Waits for what is under way, as long as an attempt may take: the exchange takes late answers.
    async fn finish(
        &mut self,
        orders: &mut Orders,
        heartbeat: &Heartbeat,
        every: Duration,
    ) -> Result<Option<Order>, SpineGone> {
        let mut told = None;
        while !self.attempts.is_empty() {
            heartbeat.beat(self.ground.clock.now().mono);
            let mut events = Vec::new();
            tokio::select! {
                order = orders.recv(), if told != Some(Order::Stop) => {
                    told = order.or(Some(Order::Stop));
                    if told == Some(Order::Stop) {
                        self.attempts.abort_all();
                    }
                }
                Some(done) = self.attempts.join_next_with_id() => {
                    self.settled(done, &mut events);
                }
                () = tokio::time::sleep(every) => {}
            }
            self.posted.count(self.open.len(), self.sent, 0);
            self.ground.spine.offer(events).await?;
        }
        Ok(told)
    }
}
