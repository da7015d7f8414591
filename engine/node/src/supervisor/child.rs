//! A child: work in a task, and the actor that owns it.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::mpsc;

/// What a child is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Finish what is under way, then end.
    Drain,
    /// End.
    Stop,
}

/// Where the work reads its orders. When it is closed, the owner is gone and the work should end.
pub type Orders = mpsc::Receiver<Order>;

/// More orders than a child is ever given.
const ORDERS: usize = 8;

pub(super) fn orders() -> (mpsc::Sender<Order>, Orders) {
    mpsc::channel(ORDERS)
}

/// The work of a child. It ends well when it was told to end, or has nothing more to do.
pub type Work = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Why work failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It panicked.
    #[error("panicked: {0}")]
    Panicked(String),
    /// The watchdog ended it, for it gave no sign of life.
    #[error("was stuck and has been ended")]
    Stuck,
    /// It could not go on.
    #[error("{0}")]
    Failed(String),
}

/// Whether a child that failed is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Yes, within the intensity.
    Always,
    /// No: it has served one connection, or the like.
    Never,
}

/// A child to start.
pub struct Child {
    /// Unique among the children of a supervisor.
    pub name: String,
    /// Its kind, in metrics and logs.
    pub kind: &'static str,
    /// Whether it is started again when it fails.
    pub restart: Restart,
    /// Makes its work, for each start.
    pub work: Box<dyn FnMut(Orders) -> Work + Send>,
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The actor that owns a task.
pub(super) struct Owner;

#[derive(Debug)]
pub(super) enum OwnerMessage {
    Order(Order),
    Done(Result<(), Failure>),
}

impl Actor for Owner {
    type Msg = OwnerMessage;
    type State = mpsc::Sender<Order>;
    type Arguments = (mpsc::Sender<Order>, Work);

    async fn pre_start(
        &self,
        myself: ActorRef<OwnerMessage>,
        (orders, work): Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        tokio::spawn(async move {
            let done = caught(work).await.unwrap_or_else(|panic| Err(Failure::Panicked(panic)));
            // When the actor has been killed nobody waits for this.
            let _ = myself.cast(OwnerMessage::Done(done));
        });
        Ok(orders)
    }

    async fn handle(
        &self,
        myself: ActorRef<OwnerMessage>,
        message: OwnerMessage,
        orders: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            OwnerMessage::Order(order) => {
                // Full, or the work has ended: it has been told before.
                let _ = orders.try_send(order);
                Ok(())
            }
            OwnerMessage::Done(Ok(())) => {
                myself.stop(None);
                Ok(())
            }
            OwnerMessage::Done(Err(failure)) => Err(failure.into()),
        }
    }
}

/// Runs a future to its end, or to its panic: then the panic's message.
pub async fn caught<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panic) => Poll::Ready(Err(message_of(panic.as_ref()))),
    })
    .await
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "no message".to_owned())
}
