//! What somebody asks of the dialog server and waits for until it is durable: first messages (MQ-26), the ends of a
//! pass's contacts, a device that is to be forgotten.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_core::address::Address;
use signalbox_core::exchange::ReplyTo;
use signalbox_core::id::SessionId;
use signalbox_core::time::Micros;
use signalbox_dialog::{Event, Load, RunId, Start, StartRefusal, TakeBack, TakenBack};
use tokio::sync::{oneshot, watch};

use crate::spine::SpineHandle;

/// How long a commit is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

type Result<T> = std::result::Result<T, StartError>;

/// A start without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It is refused.
    #[error(transparent)]
    Refused(#[from] StartRefusal),
    /// No answer came in time; whether it is taken is unknown.
    #[error("the dialog server did not answer in time")]
    TimedOut,
    /// The exchange has stopped.
    #[error("the exchange has stopped")]
    Stopped,
}

/// For whom a first message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The account that asks.
    pub account: u32,
    /// The sub-campaign.
    pub sub_campaign: u32,
    /// The device.
    pub device: Address,
    /// Its contact's number, zero for none.
    pub contact: u64,
    /// Its contact's client id, or empty.
    pub client_id: String,
    /// The pass that attempts the contact, zero for none.
    pub pass: u64,
    /// When that began.
    pub began: Micros,
    /// False asks only whether the pass has begun it.
    pub begins: bool,
    /// True refuses a device that is no tester's.
    pub test: bool,
}

/// Who waits for what.
#[derive(Debug)]
enum Waiting {
    Start(oneshot::Sender<std::result::Result<RunId, StartRefusal>>),
    TakenBack(oneshot::Sender<TakenBack>),
    Done(oneshot::Sender<()>),
}

/// Those who wait for the dialog server.
#[derive(Debug, Default)]
pub struct Starts {
    next: AtomicU64,
    waiting: Mutex<FxHashMap<u64, Waiting>>,
    /// What passes have under way, for who paces them.
    loads: Mutex<FxHashMap<u64, watch::Sender<Load>>>,
    /// Counts the changes of passes.
    changes: watch::Sender<u64>,
}

impl Starts {
    /// Asks for a first message and waits until that is durable.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn ask(&self, spine: &SpineHandle, wanted: Wanted) -> Result<RunId> {
        self.ask_all(spine, vec![wanted]).await.pop().unwrap_or(Err(StartError::Stopped))
    }

    /// The same for many at once, each with its own answer.
    pub async fn ask_all(&self, spine: &SpineHandle, wanted: Vec<Wanted>) -> Vec<Result<RunId>> {
        let mut answers = Vec::with_capacity(wanted.len());
        let mut events = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let (sender, answer) = oneshot::channel();
            let reply = self.wait(Waiting::Start(sender));
            let Wanted { account, sub_campaign, device, contact, client_id, pass, began, begins, test } =
                wanted;
            let start =
                Start { reply, account, sub_campaign, device, contact, client_id, pass, began, begins, test };
            events.push(Event::Start(Box::new(start)));
            answers.push((reply.token, answer));
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let offered = tokio::time::timeout_at(deadline, spine.offer_dialog(events)).await;
        let mut results = Vec::with_capacity(answers.len());
        for (token, answer) in answers {
            let answered = match offered {
                Ok(Ok(())) => match tokio::time::timeout_at(deadline, answer).await {
                    Ok(Ok(result)) => result.map_err(StartError::Refused),
                    Ok(Err(_)) => Err(StartError::Stopped),
                    Err(_) => Err(StartError::TimedOut),
                },
                Ok(Err(_)) => Err(StartError::Stopped),
                Err(_) => Err(StartError::TimedOut),
            };
            self.waiting.lock().remove(&token);
            results.push(answered);
        }
        results
    }

    /// Tells that a pass has the ends of contacts and will not ask for them again; waits until that is durable.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn settle(&self, spine: &SpineHandle, pass: u64, contacts: Vec<u64>) -> Result<()> {
        self.done(spine, |reply| Event::Settled { reply, pass, contacts }).await
    }

    /// Has a device forgotten as far as an account knows it; waits until that is durable.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn erase(&self, spine: &SpineHandle, account: u32, device: Address) -> Result<()> {
        self.done(spine, |reply| Event::Erase { reply, account, device }).await
    }

    /// Takes back first texts that have not left; waits until that is durable.
    ///
    /// # Errors
    /// See [`StartError`]. Some may be taken back all the same: who asks again takes back the rest.
    pub async fn take_back(&self, spine: &SpineHandle, of: TakeBack) -> Result<TakenBack> {
        let mut all = TakenBack::default();
        loop {
            let (sender, answer) = oneshot::channel();
            let reply = self.wait(Waiting::TakenBack(sender));
            let taken = self.answered(spine, reply, Event::TakeBack { reply, of }, answer).await?;
            all.contacts = all.contacts.saturating_add(taken.contacts);
            all.texts = all.texts.saturating_add(taken.texts);
            if !taken.more {
                return Ok(all);
            }
        }
    }

    async fn done(&self, spine: &SpineHandle, event: impl FnOnce(ReplyTo) -> Event) -> Result<()> {
        let (sender, answer) = oneshot::channel();
        let reply = self.wait(Waiting::Done(sender));
        self.answered(spine, reply, event(reply), answer).await
    }

    async fn answered<T>(
        &self,
        spine: &SpineHandle,
        reply: ReplyTo,
        event: Event,
        answer: oneshot::Receiver<T>,
    ) -> Result<T> {
        let asked = async {
            spine.offer_dialog(vec![event]).await.map_err(|_| StartError::Stopped)?;
            answer.await.map_err(|_| StartError::Stopped)
        };
        let answered = tokio::time::timeout(PATIENCE, asked).await;
        self.waiting.lock().remove(&reply.token);
        answered.unwrap_or(Err(StartError::TimedOut))
    }

    fn wait(&self, waiting: Waiting) -> ReplyTo {
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        self.waiting.lock().insert(token, waiting);
        ReplyTo { session: SessionId::DIALOG, token }
    }

    /// Answers who asked for a first message.
    pub(super) fn answer(&self, token: u64, result: std::result::Result<RunId, StartRefusal>) {
        if let Some(Waiting::Start(waiting)) = self.waiting.lock().remove(&token) {
            // Who asked may have given up a moment ago.
            let _ = waiting.send(result);
        }
    }

    /// Tells who had first texts taken back how much it was.
    pub(super) fn answer_taken_back(&self, token: u64, taken: TakenBack) {
        if let Some(Waiting::TakenBack(waiting)) = self.waiting.lock().remove(&token) {
            let _ = waiting.send(taken);
        }
    }

    /// Answers who waits for something else.
    pub(super) fn answer_done(&self, token: u64) {
        if let Some(Waiting::Done(waiting)) = self.waiting.lock().remove(&token) {
            let _ = waiting.send(());
        }
    }

    /// What a pass has under way, as it changes.
    pub fn load_of(&self, pass: u64) -> watch::Receiver<Load> {
        self.loads.lock().entry(pass).or_default().subscribe()
    }

    /// What a pass has under way now.
    #[must_use]
    pub fn load_now(&self, pass: u64) -> Load {
        self.loads.lock().get(&pass).map(|load| *load.borrow()).unwrap_or_default()
    }

    /// Takes what passes have under way.
    pub(super) fn loaded(&self, loads: Vec<(u64, Load)>) {
        if loads.is_empty() {
            return;
        }
        let mut known = self.loads.lock();
        for (pass, load) in loads {
            let sender = known.entry(pass).or_default();
            sender.send_replace(load);
            if load == Load::default() && sender.receiver_count() == 0 {
                known.remove(&pass);
            }
        }
    }

    /// Tells who runs passes that one was made or changed.
    pub fn passes_changed(&self) {
        self.changes.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    /// Changes of passes.
    pub fn pass_changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
