use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_core::exchange::{Event, Reply};
use signalbox_core::gate::Released;
use signalbox_core::id::SessionId;
use signalbox_core::time::Mono;
use signalbox_dialog::{Event as DialogEvent, Rules};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

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

/// Ways into the exchange and the register of who listens.
#[derive(Clone, Debug)]
pub struct SpineHandle {
    events: mpsc::Sender<Vec<Event>>,
    register: Arc<Register>,
}

/// Who listens to the exchange: the outbox of each session.
#[derive(Debug)]
pub struct Register {
    outboxes: Mutex<FxHashMap<SessionId, mpsc::Sender<Vec<ToSession>>>>,
    next: AtomicU64,
    closing: AtomicBool,
    /// Events of the dialog server, which come beside those of sessions.
    dialog: Mutex<Vec<DialogEvent>>,
    /// Room for more of them.
    dialog_room: Semaphore,
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
            // As many as there is room for now; for the first one the exchange makes room when it takes what waits.
            let taking = self.register.dialog_room.acquire();
            let first = tokio::select! {
                biased;
                room = taking => room.map_err(|_| SpineGone)?,
                () = self.events.closed() => return Err(SpineGone),
            };
            let more = self.register.dialog_room.available_permits().min(events.len() - 1);
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            let rest = self.register.dialog_room.try_acquire_many(more).ok();
            let count = 1 + rest.as_ref().map_or(0, SemaphorePermit::num_permits);
            let woken = {
                let mut queue = self.register.dialog.lock();
                let woken = queue.is_empty();
                queue.extend(events.drain(..count));
                woken
            };
            // Given back by who takes the events.
            first.forget();
            rest.into_iter().for_each(SemaphorePermit::forget);
            if woken {
                // The exchange takes them with its next turn; an empty batch brings that about.
                self.events.send(Vec::new()).await.map_err(|_| SpineGone)?;
            }
        }
        // What lies in the queue of an exchange that has stopped is never taken.
        if self.events.is_closed() { Err(SpineGone) } else { Ok(()) }
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

impl Default for Register {
    fn default() -> Self {
        Self {
            outboxes: Mutex::default(),
            next: AtomicU64::default(),
            closing: AtomicBool::default(),
            dialog: Mutex::default(),
            dialog_room: Semaphore::new(DIALOG_EVENTS),
            committing: AtomicU64::default(),
        }
    }
}

impl Register {
    /// The events of the dialog server that came since the last time.
    pub(crate) fn take_dialog(&self) -> Vec<DialogEvent> {
        let taken = std::mem::take(&mut *self.dialog.lock());
        // Rules are no event that had to wait for room.
        let counted = taken.iter().filter(|event| !matches!(event, DialogEvent::Rules(_))).count();
        self.dialog_room.add_permits(counted);
        taken
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

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::task::{Context, Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    fn events(count: usize) -> Vec<DialogEvent> {
        (0..count).map(|_| DialogEvent::Recorded(Vec::new())).collect()
    }

    /// Nobody looks for room now and then: who takes events wakes who waits.
    #[test]
    fn who_waits_for_room_is_woken_by_who_makes_it() {
        let (handle, queue, register) = SpineHandle::new(4);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let mut offering = Box::pin(handle.offer_dialog(events(DIALOG_EVENTS + 1)));
        assert!(offering.as_mut().poll(&mut context).is_pending());
        assert!(!woken.0.load(Ordering::SeqCst));
        assert_eq!(register.take_dialog().len(), DIALOG_EVENTS);
        assert!(woken.0.load(Ordering::SeqCst));
        assert!(offering.as_mut().poll(&mut context).is_ready());
        assert_eq!(register.take_dialog().len(), 1);
        // An exchange that has stopped makes no room any more.
        let mut offering = Box::pin(handle.offer_dialog(events(DIALOG_EVENTS + 1)));
        assert!(offering.as_mut().poll(&mut context).is_pending());
        drop(queue);
        assert!(matches!(offering.as_mut().poll(&mut context), std::task::Poll::Ready(Err(SpineGone))));
    }

    /// New rules are no event that waited for room, and make none.
    #[test]
    fn rules_make_no_room_that_was_not_there() {
        let (handle, _queue, register) = SpineHandle::new(4);
        handle.offer_rules(Arc::new(Rules::empty()));
        assert_eq!(register.take_dialog().len(), 1);
        assert_eq!(register.dialog_room.available_permits(), DIALOG_EVENTS);
    }
}
