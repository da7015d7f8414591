use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_core::exchange::{Event, Reply};
use signalbox_core::gate::Released;
use signalbox_core::id::SessionId;
use signalbox_core::time::Mono;
use signalbox_dialog::{Event as DialogEvent, Rules};
use tokio::sync::mpsc;

/// What the exchange has for one session.
#[derive(Debug)]
pub enum ToSession {
    /// The answer to a request of the session, by the token it gave.
    Reply {
        /// The token.
        token: u64,
        /// The answer; it may be sent, what it says is durable.
        reply: Reply,
    },
    /// An attempt to make.
    Send(Box<Released>),
    /// The session is of no use any more and is to be closed.
    Close {
        /// The peer's status that says so.
        status: u32,
    },
}

/// Where a session reads what the exchange has for it, a batch for each commit.
///
/// Its length is bounded by the session's window and open requests; a session that does not read has its
/// outbox closed by the exchange, which counts what was in it as never written.
pub type Outbox = mpsc::Receiver<Vec<ToSession>>;

/// The exchange's thread has ended; the process is about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the exchange has stopped")]
pub struct SpineGone;

/// Batches that may wait for one session.
const OUTBOX_BATCHES: usize = 8_192;
/// Events of the dialog server that may wait.
const DIALOG_EVENTS: usize = 65_536;
/// Between two looks for room among them.
const DIALOG_PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

/// Ways into the exchange and the register of who listens.
#[derive(Clone, Debug)]
pub struct SpineHandle {
    events: mpsc::Sender<Vec<Event>>,
    register: Arc<Register>,
}

/// Who listens to the exchange: the outbox of each session.
#[derive(Debug, Default)]
pub struct Register {
    outboxes: Mutex<FxHashMap<SessionId, mpsc::Sender<Vec<ToSession>>>>,
    next: AtomicU64,
    closing: AtomicBool,
    /// Events of the dialog server, which come beside those of sessions.
    dialog: Mutex<Vec<DialogEvent>>,
    /// When the commit under way began, in nanoseconds of the monotonic clock and at least 1; zero for none.
    committing: AtomicU64,
}

impl SpineHandle {
    /// A handle, the queue behind it and the register of who listens: the exchange's thread has the latter two, or a
    /// test in its place.
    #[must_use]
    pub fn new(batches: usize) -> (Self, mpsc::Receiver<Vec<Event>>, Arc<Register>) {
        let (events, receiver) = mpsc::channel(batches);
        let register = Arc::new(Register::default());
        (Self { events, register: register.clone() }, receiver, register)
    }

    /// Registers a new session and gives it its number and outbox. It takes messages only after an
    /// [`Event::SessionUp`]; its replies come in any case.
    #[must_use]
    pub fn open_session(&self) -> (SessionId, Outbox) {
        let id = SessionId(self.register.next.fetch_add(1, Ordering::Relaxed) + 1);
        let (sender, outbox) = mpsc::channel(OUTBOX_BATCHES);
        self.register.outboxes.lock().insert(id, sender);
        (id, outbox)
    }

    /// Forgets a session. Before, it must offer [`Event::SessionDown`] if it ever offered
    /// [`Event::SessionUp`]; permits that lie unread in the outbox belong into its `unsent` list.
    pub fn close_session(&self, session: SessionId) {
        self.register.outboxes.lock().remove(&session);
    }

    /// Offers events in order; waits while the exchange's queue is full.
    ///
    /// # Errors
    /// When the exchange has stopped.
    pub async fn offer(&self, events: Vec<Event>) -> Result<(), SpineGone> {
        if events.is_empty() {
            return Ok(());
        }
        self.events.send(events).await.map_err(|_| SpineGone)
    }

    /// Offers events of the dialog server; waits while as many are queued as may be.
    ///
    /// # Errors
    /// When the exchange has stopped.
    pub async fn offer_dialog(&self, events: Vec<DialogEvent>) -> Result<(), SpineGone> {
        let mut events = events;
        while !events.is_empty() {
            let woken = {
                let mut queue = self.register.dialog.lock();
                let room = DIALOG_EVENTS.saturating_sub(queue.len()).min(events.len());
                let first = queue.is_empty() && room > 0;
                queue.extend(events.drain(..room));
                first
            };
            if woken {
                // The exchange takes them with its next turn; an empty batch brings that about.
                self.events.send(Vec::new()).await.map_err(|_| SpineGone)?;
            } else if !events.is_empty() {
                tokio::time::sleep(DIALOG_PAUSE).await;
            }
            if self.events.is_closed() {
                return Err(SpineGone);
            }
        }
        Ok(())
    }

    /// New rules for the dialog server, taken with the next batch that is offered and before what comes with it.
    pub fn offer_rules(&self, rules: Arc<Rules>) {
        self.register.dialog.lock().push(DialogEvent::Rules(rules));
    }

    /// How full the exchange's queue is, 0 to 99 (congestion_state, SMPP 5.0 cl. 4.8.4.18).
    #[must_use]
    pub fn load(&self) -> u8 {
        let most = self.events.max_capacity().max(1);
        let waiting = most - self.events.capacity();
        // At most 99.
        (waiting * 99 / most) as u8
    }

    /// Since when the commit under way has been, if one is: that of a disk which hangs does not end.
    #[must_use]
    pub fn committing_since(&self) -> Option<Mono> {
        match self.register.committing.load(Ordering::Acquire) {
            0 => None,
            since => Some(Mono(since)),
        }
    }

    /// Has the exchange end once it has handled what is queued now.
    pub fn close(&self) {
        self.register.closing.store(true, Ordering::Release);
        // Wakes it; when the queue is full it is awake.
        let _ = self.events.try_send(Vec::new());
    }

    /// Offers events from a thread that may wait; that the exchange has stopped is no news to it.
    pub fn offer_blocking(&self, events: Vec<Event>) {
        // A thread of the node that outlives the exchange has nothing to do for it any more.
        let _ = self.events.blocking_send(events);
    }
}

impl Register {
    /// The events of the dialog server that came since the last time.
    pub(crate) fn take_dialog(&self) -> Vec<DialogEvent> {
        std::mem::take(&mut *self.dialog.lock())
    }

    /// True once nothing new is to be waited for.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// A commit is under way from now on.
    pub(super) fn commit_begins(&self, now: Mono) {
        self.committing.store(now.0.max(1), Ordering::Release);
    }

    /// No commit is under way.
    pub(super) fn commit_ended(&self) {
        self.committing.store(0, Ordering::Release);
    }

    /// Hands a batch to a session.
    ///
    /// # Errors
    /// With the batch, when the session is gone or does not read.
    pub fn deliver(&self, session: SessionId, batch: Vec<ToSession>) -> Result<(), Vec<ToSession>> {
        let mut outboxes = self.outboxes.lock();
        let Some(sender) = outboxes.get(&session) else { return Err(batch) };
        match sender.try_send(batch) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(batch) | mpsc::error::TrySendError::Full(batch)) => {
                outboxes.remove(&session);
                Err(batch)
            }
        }
    }
}
