use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rustc_hash::FxHashMap;
use signalbox_core::backend::Ownership;
use signalbox_core::backend::{
    Clock, Commit, CommitError, OutboxPosition, OwnershipEvent, Random, Store, StoreError,
};
use signalbox_core::exchange::{Effect, Event, Exchange, Note, Refusal, Reply, Unsent};
use signalbox_core::id::{Epoch, MessageId, SessionId, ShardId};
use signalbox_core::policy::Policy;
use signalbox_core::time::{Mono, Now};
use signalbox_dialog::{Dialog, Region, Rules, Wants};
use tokio::sync::mpsc;

use super::counters::{CounterSnapshots, CounterStore};
use super::handle::{Register, SpineHandle, ToSession};
use super::restore::restore;
use super::stored::StoredRows;
use super::unpublished::Unpublished;

/// Batches taken into one turn at most.
const BATCHES_PER_TURN: usize = 512;
/// Longest sleep of the thread: how often it looks at the room left and reports what it holds.
const LONGEST_SLEEP: Duration = Duration::from_millis(250);
/// Sessions whose waking costs too little to gather for.
const FEW_SESSIONS: usize = 2;
/// How long after a commit the next turn gathers, for each further session that the commit spoke to (decision 0013).
const GATHER: Duration = Duration::from_micros(70);
/// The longest that it gathers.
const GATHER_MOST: Duration = Duration::from_micros(400);
/// Pause between tries of a commit that found no room.
const FULL_PAUSE: Duration = Duration::from_millis(100);

/// Tries of a commit that is refused for another reason before the process ends.
const REFUSALS: u32 = 50;

/// Where the thread reports and asks; carried out after the commit.
pub trait Surroundings: Send {
    /// What a turn did.
    fn notes(&mut self, notes: &[Note]);
    /// A counter's alarm.
    fn alarm(&mut self, event: signalbox_counters::AlarmEvent);
    /// A number to look up outside.
    fn look_up(&mut self, message: MessageId, number: &[u8], until: signalbox_core::time::Micros);
    /// A commit took this long, wrote this many row changes, and answered this many events.
    fn committed(&mut self, took: Duration, operations: usize, events: usize);
    /// The store has no room (true) or has room again (false).
    fn store_full(&mut self, full: bool);
    /// What is held now, and how many octets the store's disk has left where that is known; called a few times a
    /// second.
    fn holding(&mut self, exchange: &Exchange, free: Option<u64>, now: Now);
    /// What the dialog server wants done, and what it did.
    fn dialog(&mut self, wants: Wants) {
        drop(wants);
    }
}

/// Why the thread ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpineError {
    /// The store could not be read at the start.
    #[error("the store could not be loaded")]
    Load(#[from] StoreError),
    /// A row could not be read; what was decided without it was not committed.
    #[error("a row could not be read")]
    Read(#[source] StoreError),
    /// A commit failed in a way that only a new start can mend.
    #[error("the commit failed")]
    Commit(#[source] CommitError),
    /// The exchange panicked, or what reads its store at the start; what was not committed was not answered either.
    #[error("the exchange panicked: {0}")]
    Panicked(String),
    /// The thread could not be started.
    #[error("the thread could not be started")]
    Thread(#[from] std::io::Error),
}

/// What the thread takes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpineBounds {
    /// Batches of events that may wait; who offers more waits himself.
    pub queue: usize,
    /// Events that one commit answers at most.
    pub commit: usize,
    /// Up to where the CDRs of the outbox were published at the start.
    pub published: OutboxPosition,
    /// The last position of the outbox at the start.
    pub outbox_last: OutboxPosition,
}

impl Default for SpineBounds {
    fn default() -> Self {
        Self { queue: 4_096, commit: 2_048, published: 0, outbox_last: 0 }
    }
}

/// What the thread is made of.
pub struct SpineParts {
    /// The store; the thread becomes its writer.
    pub store: Box<dyn Store>,
    /// Which shards are ours.
    pub ownership: Box<dyn Ownership>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Random numbers for ids and jitter.
    pub random: Box<dyn Random>,
    /// Rules, peers, limits.
    pub policy: Arc<Policy>,
    /// What the catalog says of dialogs.
    pub rules: Arc<Rules>,
    /// Where it reports.
    pub surroundings: Box<dyn Surroundings>,
    /// Where snapshots of the counters are; `None` where a restart is to forget what was counted.
    pub counters: Option<CounterStore>,
    /// Its bounds.
    pub bounds: SpineBounds,
}

/// The running thread.
pub struct SpineThread {
    thread: JoinHandle<Result<(), SpineError>>,
}

impl SpineThread {
    /// Waits until the thread has ended: every [`SpineHandle`] is gone, or it failed.
    ///
    /// # Errors
    /// Why it failed.
    pub fn join(self) -> Result<(), SpineError> {
        self.thread.join().unwrap_or_else(|panic| Err(SpineError::Panicked(panic_text(&*panic))))
    }

    /// True once it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
}

/// Brings everything back from the store and starts the thread; when this returns, events are taken.
///
/// # Errors
/// When the store cannot be read or a shard not be claimed.
pub fn start(parts: SpineParts) -> Result<(SpineHandle, SpineThread), SpineError> {
    let SpineParts { mut store, mut ownership, clock, random, policy, rules, surroundings, counters, bounds } =
        parts;
    let now = clock.now();
    let mut exchange = Exchange::new(policy, random, now);
    exchange.cut_with(crate::links::cut);
    let mut granted: BTreeMap<Epoch, Vec<ShardId>> = BTreeMap::new();
    for event in ownership.poll() {
        let OwnershipEvent::Grant { shard, epoch } = event else { continue };
        granted.entry(epoch).or_default().push(shard);
    }
    // In one commit each: a single node has all its shards in one epoch.
    for (epoch, shards) in granted {
        let marks = store.claim(&shards, epoch).map_err(SpineError::Commit)?;
        for (shard, mark) in shards.into_iter().zip(marks) {
            exchange.own(shard, epoch, mark);
        }
    }
    let (snapshots, rows) = restore(&*store, &mut exchange, counters, &*clock)?;
    let mut region = Region::new(exchange, Dialog::new(rules));
    for row in rows {
        region.restore_row(&row);
    }
    let stored = StoredRows::new(&*store);
    region.resume(clock.now(), &stored);
    stored.unharmed()?;

    let (handle, events, register) = SpineHandle::new(bounds.queue);
    let spine = Spine {
        region,
        store,
        clock,
        surroundings,
        register,
        bounds,
        unpublished: Unpublished::new(bounds.published, bounds.outbox_last),
        batch: Vec::new(),
        full: false,
        snapshots,
        committed: now.mono,
        gathers: Duration::ZERO,
    };
    let thread = std::thread::Builder::new().name("spine".into()).spawn(move || {
        catch_unwind(AssertUnwindSafe(|| spine.run(events)))
            .unwrap_or_else(|panic| Err(SpineError::Panicked(panic_text(&*panic))))
    })?;
    Ok((handle, SpineThread { thread }))
}

pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a text".to_owned())
}

struct Spine {
    region: Region,
    store: Box<dyn Store>,
    clock: Arc<dyn Clock>,
    surroundings: Box<dyn Surroundings>,
    register: Arc<Register>,
    bounds: SpineBounds,
    unpublished: Unpublished,
    batch: Vec<Vec<Event>>,
    full: bool,
    snapshots: Option<CounterSnapshots>,
    /// When the last commit ended, and how long after it more is let come.
    committed: Mono,
    gathers: Duration,
}

impl Spine {
    fn run(mut self, mut events: mpsc::Receiver<Vec<Event>>) -> Result<(), SpineError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let mut looked_at = self.clock.now();
        loop {
            self.gather();
            let sleep = self.sleep();
            let wait = tokio::time::Duration::from_nanos(u64::try_from(sleep.as_nanos()).unwrap_or(u64::MAX));
            let open = runtime.block_on(async {
                let receive = events.recv_many(&mut self.batch, BATCHES_PER_TURN);
                match tokio::time::timeout(wait, receive).await {
                    Ok(count) => count > 0,
                    Err(_elapsed) => true,
                }
            });
            let ending = !open || (self.register.is_closing() && events.is_empty());
            self.turn(&mut events, ending)?;
            let now = self.clock.now();
            if ending && self.batch.is_empty() {
                if let Some(snapshots) = self.snapshots.take() {
                    snapshots.finish(&self.region.exchange, now);
                }
                return Ok(());
            }
            if let Some(snapshots) = &mut self.snapshots {
                snapshots.step(&self.region.exchange, now);
            }
            if now.mono - looked_at.mono >= LONGEST_SLEEP {
                looked_at = now;
                self.look_around(now);
            }
        }
    }

    /// Lets more come before the next turn, where the last one had many sessions to wake.
    fn gather(&self) {
        let passed = self.clock.now().mono - self.committed;
        if passed < self.gathers {
            std::thread::sleep(self.gathers - passed);
        }
    }

    /// How long nothing will be due.
    fn sleep(&self) -> Duration {
        if !self.batch.is_empty() {
            // What came back while effects were carried out, or while a commit waited for room.
            return Duration::ZERO;
        }
        let now = self.clock.now().mono;
        let snapshot = self.snapshots.as_ref().map(CounterSnapshots::next_due);
        let due = [self.region.next_due(self.clock.now()), snapshot].into_iter().flatten().min();
        due.map_or(LONGEST_SLEEP, |due| (due - now).min(LONGEST_SLEEP))
    }

    /// Keeps an eye on the room in the store, and reports.
    fn look_around(&mut self, now: Now) {
        let reserve = self.region.exchange.store_reserve();
        let free = self.store.free();
        let low = free.is_some_and(|free| free < reserve);
        self.region.exchange.set_store_low(low);
        if low != self.full {
            self.full = low;
            self.surroundings.store_full(low);
        }
        self.surroundings.holding(&self.region.exchange, free, now);
    }

    /// Handles what came, and commits if somebody waits for it, or when nothing more will come.
    fn turn(&mut self, events: &mut mpsc::Receiver<Vec<Event>>, ending: bool) -> Result<(), SpineError> {
        let taken = std::mem::take(&mut self.batch);
        let mut coming = taken.into_iter().flatten().peekable();
        loop {
            let now = self.clock.now();
            let mut count = 0;
            let stored = StoredRows::new(&*self.store);
            for event in coming.by_ref().take(self.bounds.commit) {
                count += 1;
                if let Event::Published(upto) = &event {
                    self.unpublished.published(*upto);
                }
                self.region.take(now, event, &stored);
            }
            let last = coming.peek().is_none();
            if last {
                for event in self.register.take_dialog() {
                    count += 1;
                    self.region.handle(now, event, &stored);
                }
            }
            stored.unharmed()?;
            self.settle(now, count, events, ending && last)?;
            if last {
                return Ok(());
            }
        }
    }

    /// Commits what so many events led to if somebody waits for it, or when nothing more will come.
    fn settle(
        &mut self,
        now: Now,
        count: usize,
        events: &mut mpsc::Receiver<Vec<Event>>,
        ending: bool,
    ) -> Result<(), SpineError> {
        self.region.exchange.set_unpublished(self.unpublished.waiting());
        let stored = StoredRows::new(&*self.store);
        let settled = self.region.settle(now, &stored, ending);
        stored.unharmed()?;
        let Some((turn, wants)) = settled else { return Ok(()) };
        let committed = !turn.commit.is_empty();
        if committed {
            let begun = self.clock.now();
            self.commit(&turn.commit, events)?;
            self.committed = self.clock.now().mono;
            let took = self.committed - begun.mono;
            self.surroundings.committed(took, turn.commit.ops.len(), count);
        }
        if !turn.notes.is_empty() {
            self.surroundings.notes(&turn.notes);
        }
        if !wants.is_empty() {
            self.surroundings.dialog(wants);
        }
        let sessions = self.carry_out(turn.effects);
        if committed {
            let many = u32::try_from(sessions.saturating_sub(FEW_SESSIONS)).unwrap_or(u32::MAX);
            self.gathers = GATHER.saturating_mul(many).min(GATHER_MOST);
        }
        Ok(())
    }

    /// Commits, however long it takes to find room. Nothing of the turn is visible outside before; what is
    /// offered meanwhile is refused, what peers answer waits.
    fn commit(&mut self, commit: &Commit, events: &mut mpsc::Receiver<Vec<Event>>) -> Result<(), SpineError> {
        let mut waiting = Vec::new();
        let mut refusals = 0;
        loop {
            self.register.commit_begins(self.clock.now().mono);
            let done = self.store.commit(commit);
            self.register.commit_ended();
            match done {
                Ok(committed) => {
                    if let Some(position) = committed.outbox {
                        self.unpublished.committed(position, commit.cdrs.len() as u64);
                    }
                    break;
                }
                Err(CommitError::Full) => {}
                // Not for want of room: it may pass, or be a fault that only a new start can mend.
                Err(error @ CommitError::Refused { .. }) => {
                    refusals += 1;
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        refusals,
                        "the commit is refused"
                    );
                    if refusals >= REFUSALS {
                        return Err(SpineError::Commit(error));
                    }
                }
                Err(error) => return Err(SpineError::Commit(error)),
            }
            if !self.full {
                self.full = true;
                self.surroundings.store_full(true);
            }
            std::thread::sleep(FULL_PAUSE);
            while waiting.len() < self.bounds.queue
                && let Ok(batch) = events.try_recv()
            {
                let kept = self.refuse_new(batch);
                if !kept.is_empty() {
                    waiting.push(kept);
                }
            }
        }
        self.batch.append(&mut waiting);
        Ok(())
    }

    /// Refuses what is newly offered, and gives back the rest.
    fn refuse_new(&mut self, batch: Vec<Event>) -> Vec<Event> {
        let mut kept = Vec::new();
        let mut replies = Vec::new();
        for event in batch {
            let to = match event {
                Event::Submit(submit) => submit.reply,
                Event::Inbound(inbound) => inbound.reply,
                other => {
                    kept.push(other);
                    continue;
                }
            };
            replies.push(Effect::Reply { to, reply: Reply::Refused(Refusal::StoreFull) });
        }
        self.carry_out(replies);
        kept
    }

    /// Tells who is to know of it, and gives back how many sessions were spoken to.
    fn carry_out(&mut self, effects: Vec<Effect>) -> usize {
        let mut by_session: FxHashMap<SessionId, Vec<ToSession>> = FxHashMap::default();
        for effect in effects {
            match effect {
                Effect::Reply { to, reply } => {
                    by_session
                        .entry(to.session)
                        .or_default()
                        .push(ToSession::Reply { token: to.token, reply });
                }
                Effect::Send { session, released } => {
                    by_session.entry(session).or_default().push(ToSession::Send(released));
                }
                Effect::CloseSession { session, status } => {
                    by_session.entry(session).or_default().push(ToSession::Close { status });
                }
                Effect::Lookup { message, number, until } => {
                    self.surroundings.look_up(message, &number, until);
                }
                Effect::Alarm(event) => self.surroundings.alarm(event),
            }
        }
        let sessions = by_session.len();
        let mut returned = Vec::new();
        for (session, batch) in by_session {
            let Err(batch) = self.register.deliver(session, batch) else { continue };
            // The session is gone: what it was to send goes back at once, its replies have no reader.
            returned.extend(batch.into_iter().filter_map(|item| match item {
                ToSession::Send(released) => {
                    Some(Event::Unsent { permit: released.permit(), why: Unsent::NotWritten })
                }
                ToSession::Reply { .. } | ToSession::Close { .. } => None,
            }));
        }
        if !returned.is_empty() {
            self.batch.push(returned);
        }
        sessions
    }
}

#[cfg(test)]
mod tests;
