//! Who does what the dialog server asks for once a commit stands: runs instructions, calls web services, writes
//! history into the catalog's database. Each end goes back to it as an event.
//!
//! Nothing here decides anything, and nothing here is lost with the process: what is under way is part of the state
//! that the dialog server has committed, and is asked for again after a restart.

mod agents;
mod calls;
mod contacts;
mod entries;
mod pool;
mod recorder;
mod runner;
mod starts;

use std::sync::Arc;

use signalbox_core::backend::Clock;
use signalbox_dialog::{Effect, Event, Note, Wants};
use signalbox_people::People;
use signalbox_script::Pool;
use tokio::sync::mpsc;

use crate::control::Control;
use crate::spine::SpineHandle;

pub use agents::{AgentError, Agents};
pub(crate) use contacts::given;
pub use entries::{Entries, Judged};
pub use pool::script_pool;
pub use starts::{StartError, Starts, Wanted};

/// Ends that are offered together.
const BATCH: usize = 512;
/// Ends that may wait for that; who has one more waits.
const ENDS: usize = 8_192;

/// The way from the exchange's thread to here. It does not wait: what is under way is bounded by the conversations that
/// have a run, each of which has one at most.
#[derive(Clone, Debug)]
pub struct Asked(mpsc::UnboundedSender<Wants>);

impl Asked {
    /// The way, and its other end.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Wants>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Hands on what a turn wants, and counts what it did.
    pub fn take(&self, wants: Wants) {
        for note in &wants.notes {
            count(note);
        }
        if !wants.effects.is_empty() || !wants.loads.is_empty() {
            // The node is about to end; the next one is asked again.
            let _ = self.0.send(wants);
        }
    }
}

/// What it takes to do what is asked.
pub struct Parts {
    /// Settings and catalog in force.
    pub control: Arc<Control>,
    /// Where ends go.
    pub spine: SpineHandle,
    /// Contacts and history.
    pub people: Arc<People>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Who runs scripts.
    pub pool: Arc<Pool>,
    /// Who waits for first messages to be taken.
    pub starts: Arc<Starts>,
    /// The way of entries to participation campaigns.
    pub entries: Arc<Entries>,
    /// The way of agents to the dialog server.
    pub agents: Arc<Agents>,
}

/// Does what is asked until the exchange has ended.
pub async fn run(parts: Parts, mut asked: mpsc::UnboundedReceiver<Wants>) {
    let (ends, ended) = mpsc::channel(ENDS);
    let (records, to_record) = mpsc::unbounded_channel();
    let forwarding = tokio::spawn(forward(parts.spine.clone(), ended));
    let recording =
        tokio::spawn(recorder::record(parts.control.clone(), parts.people.clone(), ends.clone(), to_record));
    let runner = Arc::new(runner::Runner::new(&parts, ends.clone()));
    let calls = Arc::new(calls::Calls::new(parts.control.clone(), parts.clock.clone(), ends));
    while let Some(wants) = asked.recv().await {
        // First, so that who is told that contacts are begun sees what waits because of that.
        parts.starts.loaded(wants.loads);
        for effect in wants.effects {
            match effect {
                Effect::Run(task) => drop(tokio::spawn(runner.clone().run(*task))),
                Effect::Call { whose, run, account, number, call, until } => {
                    drop(tokio::spawn(calls.clone().make(whose, run, account, (call, number), until)));
                }
                Effect::Started { to, result } => parts.starts.answer(to.token, result),
                Effect::Agent { to, result } => parts.agents.answer(to.token, result),
                Effect::Work(change) => parts.agents.tell(change),
                Effect::TakenBack { to, taken } => parts.starts.answer_taken_back(to.token, taken),
                Effect::Settled { to } | Effect::Erased { to } => parts.starts.answer_done(to.token),
                // Closed only when the recorder is gone, which is with the node.
                Effect::Record(record) => drop(records.send(*record)),
            }
        }
    }
    forwarding.abort();
    recording.abort();
}

/// Offers ends to the exchange, as many at once as there are.
async fn forward(spine: SpineHandle, mut ended: mpsc::Receiver<Event>) {
    let mut batch = Vec::new();
    while ended.recv_many(&mut batch, BATCH).await > 0 {
        if spine.offer_dialog(std::mem::take(&mut batch)).await.is_err() {
            return;
        }
    }
}

fn count(note: &Note) {
    match note {
        // What testers do is told apart: it is no result.
        Note::Routed { test: true, .. } => tested("message"),
        Note::Ran { test: true, .. } => tested("run"),
        Note::Sent { test: true, .. } => tested("text"),
        Note::Routed { kind, unmatched, .. } => {
            let matched = if *unmatched { "no" } else { "yes" };
            metrics::counter!("dialog_mo_total", "kind" => *kind, "matched" => matched).increment(1);
        }
        Note::Ran { end, waited, .. } => {
            metrics::counter!("dialog_runs_total", "end" => *end).increment(1);
            if let Some(waited) = waited {
                metrics::histogram!("dialog_answer_seconds").record(waited.as_secs_f64());
            }
        }
        Note::Sent { end, .. } => metrics::counter!("dialog_texts_total", "end" => end.clone()).increment(1),
        Note::Limit { what } => {
            metrics::counter!("dialog_limit_hits_total", "limit" => *what).increment(1);
            tracing::warn!(limit = what, "a bound of the dialog server was reached");
        }
        Note::Work { waiting, held, oldest } => {
            metrics::gauge!("agent_queue_messages", "state" => "waiting").set(*waiting as f64);
            metrics::gauge!("agent_queue_messages", "state" => "held").set(*held as f64);
            let since = oldest.map_or(0.0, |oldest| oldest.0 as f64 / 1e6);
            metrics::gauge!("agent_queue_oldest_timestamp_seconds").set(since);
        }
        Note::RowDamaged { why } => tracing::error!(why, "a row of the dialog server cannot be read"),
    }
}

fn tested(what: &'static str) {
    metrics::counter!("dialog_tests_total", "what" => what).increment(1);
}
