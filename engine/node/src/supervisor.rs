//! Supervision: children that work in tasks of their own, restarted with jittered backoff and an intensity limit.
//!
//! A child is a ractor actor as thin as it can be: it starts its work as a task, hands it [`Order`]s, and fails
//! when the work fails or panics. The [`Supervisor`] sees the failure and starts the child again, unless it has
//! failed too often: then it stays down, with an error in the log and in [`ChildState`], until it is started
//! anew. ractor's own supervisor would stop itself at the first failure of a child, so its handler is replaced.

mod child;
mod restarts;

use std::sync::Arc;
use std::time::Duration;

use ractor::time::send_after;
use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use rustc_hash::FxHashMap;
use signalbox_core::backend::Clock;

pub use child::{Child, Failure, Order, Orders, Restart, Work, caught};
pub use restarts::{Intensity, Restarts};

use child::{Owner, OwnerMessage};

/// Where a child is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildState {
    /// At work.
    Running,
    /// Failed, and waits to be started again.
    Waiting,
    /// Failed too often; it stays down until it is started anew.
    GivenUp,
}

/// What the supervisor is asked to do.
#[derive(Debug)]
pub enum Message {
    /// Starts a child. One of the same name is told to drain first, and the new one starts when it has ended.
    Start(Child),
    /// Hands an order to a child.
    Order(String, Order),
    /// Hands an order to all children.
    OrderAll(Order),
    /// The wait of a child is over.
    Due(String, u64),
    /// Answers when the children with this prefix have all ended; the empty prefix means all.
    WhenGone(String, RpcReplyPort<()>),
    /// Where each child is.
    States(RpcReplyPort<Vec<(String, ChildState)>>),
}

struct Slot {
    child: Child,
    actor: Option<ActorRef<OwnerMessage>>,
    restarts: Restarts,
    next: Option<Child>,
    /// Told to end: it is not started again.
    ending: bool,
    given_up: bool,
    /// Distinguishes waits of one child from those of an earlier one of the same name.
    turn: u64,
}

/// The children of a [`Supervisor`].
pub struct Children {
    slots: FxHashMap<String, Slot>,
    names: FxHashMap<ActorId, String>,
    waiting: Vec<(String, RpcReplyPort<()>)>,
    settings: Settings,
    turns: u64,
}

/// What a supervisor needs.
#[derive(Clone)]
pub struct Settings {
    /// How often, and how fast, children are started again.
    pub intensity: Intensity,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// See the [module](self).
pub struct Supervisor;

impl Actor for Supervisor {
    type Msg = Message;
    type State = Children;
    type Arguments = Settings;

    async fn pre_start(
        &self,
        _myself: ActorRef<Message>,
        settings: Settings,
    ) -> Result<Children, ActorProcessingErr> {
        Ok(Children {
            slots: FxHashMap::default(),
            names: FxHashMap::default(),
            waiting: Vec::new(),
            settings,
            turns: 0,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        children: &mut Children,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Start(child) => children.start(&myself, child).await,
            Message::Order(name, order) => children.order(&myself, &name, order).await,
            Message::OrderAll(order) => {
                let names: Vec<String> = children.slots.keys().cloned().collect();
                for name in names {
                    children.order(&myself, &name, order).await;
                }
            }
            Message::Due(name, turn) => children.due(&myself, name, turn).await,
            Message::WhenGone(prefix, reply) => {
                children.waiting.push((prefix, reply));
                children.answer_waiting();
            }
            Message::States(reply) => {
                // Who asked may have gone.
                let _ = reply.send(children.states());
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Message>,
        event: SupervisionEvent,
        children: &mut Children,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(who, error) => children.failed(&myself, &who, &error).await,
            SupervisionEvent::ActorTerminated(who, _, _) => children.ended(&myself, &who).await,
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
        Ok(())
    }
}

impl Children {
    async fn start(&mut self, myself: &ActorRef<Message>, child: Child) {
        if let Some(slot) = self.slots.get_mut(&child.name)
            && let Some(actor) = &slot.actor
        {
            // A child that is gone already is taken off the list by its last event.
            let _ = actor.cast(OwnerMessage::Order(Order::Drain));
            slot.ending = true;
            slot.next = Some(child);
            return;
        }
        self.turns += 1;
        let name = child.name.clone();
        let given_up = self.slots.get(&name).is_some_and(|slot| slot.given_up);
        if given_up {
            metrics::gauge!("actor_given_up", "kind" => child.kind).decrement(1.0);
        }
        let slot = Slot {
            child,
            actor: None,
            restarts: Restarts::default(),
            next: None,
            ending: false,
            given_up: false,
            turn: self.turns,
        };
        self.slots.insert(name.clone(), slot);
        self.spawn(myself, &name).await;
    }

    async fn spawn(&mut self, myself: &ActorRef<Message>, name: &str) {
        let Some(slot) = self.slots.get_mut(name) else { return };
        let (orders, received) = child::orders();
        let work = (slot.child.work)(received);
        match Actor::spawn_linked(None, Owner, (orders, work), myself.get_cell()).await {
            Ok((actor, _)) => {
                self.names.insert(actor.get_id(), name.to_owned());
                slot.actor = Some(actor);
            }
            Err(error) => {
                // Starting an owner only fails when the runtime ends.
                tracing::error!(child = name, %error, "child not started");
                self.slots.remove(name);
                self.answer_waiting();
            }
        }
    }

    async fn order(&mut self, myself: &ActorRef<Message>, name: &str, order: Order) {
        let Some(slot) = self.slots.get_mut(name) else { return };
        slot.ending = true;
        slot.next = None;
        match &slot.actor {
            Some(actor) => {
                let _ = actor.cast(OwnerMessage::Order(order));
            }
            None => self.remove(myself, name).await,
        }
    }

    async fn due(&mut self, myself: &ActorRef<Message>, name: String, turn: u64) {
        let due = self.slots.get(&name).is_some_and(|slot| slot.turn == turn && slot.actor.is_none());
        if due {
            self.spawn(myself, &name).await;
        }
    }

    async fn failed(&mut self, myself: &ActorRef<Message>, who: &ActorCell, error: &ActorProcessingErr) {
        let Some(name) = self.names.remove(&who.get_id()) else { return };
        let Some(slot) = self.slots.get_mut(&name) else { return };
        slot.actor = None;
        let kind = slot.child.kind;
        metrics::counter!("actor_failures_total", "kind" => kind).increment(1);
        if slot.ending || slot.child.restart == Restart::Never {
            tracing::warn!(kind, child = name, %error, "child failed");
            self.remove(myself, &name).await;
            return;
        }
        let now = self.settings.clock.now().mono;
        match slot.restarts.failed(now, rand::random(), &self.settings.intensity) {
            Some(wait) => {
                tracing::warn!(kind, child = name, %error, wait_ms = wait.as_millis(), "child failed, restarting");
                metrics::counter!("actor_restarts_total", "kind" => kind).increment(1);
                let turn = slot.turn;
                send_after(wait, myself.get_cell(), move || Message::Due(name.clone(), turn));
            }
            None => {
                tracing::error!(kind, child = name, %error, "child failed too often, it stays down");
                metrics::gauge!("actor_given_up", "kind" => kind).increment(1.0);
                slot.given_up = true;
            }
        }
    }

    async fn ended(&mut self, myself: &ActorRef<Message>, who: &ActorCell) {
        let Some(name) = self.names.remove(&who.get_id()) else { return };
        if let Some(slot) = self.slots.get_mut(&name) {
            slot.actor = None;
        }
        self.remove(myself, &name).await;
    }

    /// Forgets a child that has ended, and starts the one that waits for its place.
    async fn remove(&mut self, myself: &ActorRef<Message>, name: &str) {
        let Some(slot) = self.slots.remove(name) else { return };
        if slot.given_up {
            metrics::gauge!("actor_given_up", "kind" => slot.child.kind).decrement(1.0);
        }
        if let Some(next) = slot.next {
            // Boxed, for starting may end in removing.
            Box::pin(self.start(myself, next)).await;
        }
        self.answer_waiting();
    }

    fn answer_waiting(&mut self) {
        let mut still = Vec::new();
        for (prefix, reply) in self.waiting.drain(..) {
            let left = self.slots.values().any(|slot| {
                slot.child.name.starts_with(&prefix) && (slot.actor.is_some() || slot.next.is_some())
            });
            if left {
                still.push((prefix, reply));
            } else {
                let _ = reply.send(());
            }
        }
        self.waiting = still;
    }

    fn states(&self) -> Vec<(String, ChildState)> {
        let mut states: Vec<(String, ChildState)> = self
            .slots
            .iter()
            .map(|(name, slot)| {
                let state = match (slot.given_up, &slot.actor) {
                    (true, _) => ChildState::GivenUp,
                    (false, Some(_)) => ChildState::Running,
                    (false, None) => ChildState::Waiting,
                };
                (name.clone(), state)
            })
            .collect();
        states.sort_by(|a, b| a.0.cmp(&b.0));
        states
    }
}

/// A way to a supervisor.
#[derive(Clone, Debug)]
pub struct SupervisorHandle(ActorRef<Message>);

/// The supervisor has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the supervisor has ended")]
pub struct SupervisorGone;

impl SupervisorHandle {
    /// Starts a supervisor.
    ///
    /// # Errors
    /// When the runtime is about to end.
    pub async fn start(settings: Settings) -> Result<Self, SupervisorGone> {
        let (actor, _) = Actor::spawn(None, Supervisor, settings).await.map_err(|_| SupervisorGone)?;
        Ok(Self(actor))
    }

    /// Starts a child; one of the same name is drained and replaced.
    ///
    /// # Errors
    /// When the supervisor has ended.
    pub fn start_child(&self, child: Child) -> Result<(), SupervisorGone> {
        self.0.cast(Message::Start(child)).map_err(|_| SupervisorGone)
    }

    /// Tells a child to end in this way; one that is down is forgotten.
    pub fn order(&self, name: &str, order: Order) {
        let _ = self.0.cast(Message::Order(name.to_owned(), order));
    }

    /// Tells all children to end.
    pub fn order_all(&self, order: Order) {
        let _ = self.0.cast(Message::OrderAll(order));
    }

    /// Waits until no child whose name begins so is at work; false when `limit` ends first.
    pub async fn gone(&self, prefix: &str, limit: Duration) -> bool {
        let asked = self.0.call(|reply| Message::WhenGone(prefix.to_owned(), reply), Some(limit));
        matches!(asked.await, Ok(ractor::rpc::CallResult::Success(())))
    }

    /// Where each child is, by name.
    pub async fn states(&self) -> Vec<(String, ChildState)> {
        match self.0.call(Message::States, Some(Duration::from_secs(5))).await {
            Ok(ractor::rpc::CallResult::Success(states)) => states,
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    /// Ends the supervisor; children at work are dropped with it.
    pub fn stop(&self) {
        self.0.stop(None);
    }
}

#[cfg(test)]
mod tests;
