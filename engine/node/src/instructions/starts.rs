//! First messages that somebody asks for over the API (MQ-26).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use signalbox_core::address::Address;
use signalbox_core::exchange::ReplyTo;
use signalbox_core::id::SessionId;
use signalbox_dialog::{Event, RunId, Start, StartRefusal};
use tokio::sync::oneshot;

use crate::spine::SpineHandle;

/// How long the commit of a start is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

type Result = std::result::Result<RunId, StartRefusal>;

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
}

/// Those who wait for first messages to be taken.
#[derive(Debug, Default)]
pub struct Starts {
    next: AtomicU64,
    waiting: Mutex<FxHashMap<u64, oneshot::Sender<Result>>>,
}

impl Starts {
    /// Asks for a first message and waits until that is durable.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn ask(&self, spine: &SpineHandle, wanted: Wanted) -> std::result::Result<RunId, StartError> {
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().insert(token, sender);
        let Wanted { account, sub_campaign, device, contact, client_id } = wanted;
        let reply = ReplyTo { session: SessionId::DIALOG, token };
        let start = Start { reply, account, sub_campaign, device, contact, client_id };
        let asked = async {
            let event = Event::Start(Box::new(start));
            spine.offer_dialog(vec![event]).await.map_err(|_| StartError::Stopped)?;
            answer.await.map_err(|_| StartError::Stopped)?.map_err(StartError::Refused)
        };
        let answered = tokio::time::timeout(PATIENCE, asked).await;
        self.waiting.lock().remove(&token);
        answered.unwrap_or(Err(StartError::TimedOut))
    }

    /// Answers who asked.
    pub(super) fn answer(&self, token: u64, result: Result) {
        if let Some(waiting) = self.waiting.lock().remove(&token) {
            // Who asked may have given up a moment ago.
            let _ = waiting.send(result);
        }
    }
}
