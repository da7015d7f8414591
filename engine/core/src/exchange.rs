//! The exchange: every open message of the shards this node owns, and the rules of their lives.
//!
//! Pure and deterministic: [`Exchange::handle`] takes events, [`Exchange::settle`] lets time and credit act and
//! returns a [`Turn`]: one commit, and the effects that may be carried out once that commit stands. One thread
//! owns an exchange; it takes whatever events are queued, settles once, commits once (natural group commit).
//!
//! The way of a message through the files here: `intake` (accept, count, route) -> `dispatch` (queues, credit,
//! the send gate) -> `answer` (what the peer said) -> `receipt` -> `finish` (outcome, CDR, receipt for the
//! origin). `cutting` makes parts of a text that its link does not take whole, `parts` lets parts leave as one to who
//! takes no parts. `recover` brings it all back from the store; `asked` and `control` are what
//! origins and operators do in between.

mod alike;
mod answer;
mod asked;
mod consent;
mod control;
mod counted;
mod cutting;
mod dispatch;
mod effect;
mod entry;
mod event;
mod finish;
mod group;
mod intake;
mod logged;
mod lookup;
mod naming;
mod note;
mod operate;
mod own;
mod parts;
mod peer;
mod quota;
mod receipt;
mod recover;
mod report;
mod requests;
mod rewording;
mod route;
mod row;
mod timers;
mod validity;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};
use signalbox_consent::Consent;
use signalbox_counters::Counters;

pub use cutting::Cut;
pub use effect::{Effect, Refusal, Reply, Taken};
pub use event::{
    Answer, Event, InParts, Inbound, LinkReceipt, LookupDone, ReplyTo, Submit, SubmitChannel, Unsent,
};
pub use note::{Note, Stray};
pub use operate::{
    Ask, Command, CommandReply, ConsentQuestion, CounterQuery, ExplainRequest, MessageQuery, MessageReply,
    MessageView, QueueView, Selection, Stage,
};
pub use own::{OwnEnd, OwnMove, OwnStep, OwnText};
pub use recover::{NoBodies, ReadRow, Restoring};
pub use rewording::Rewording;

pub use self::counted::{counter_mono, counter_wall};
use self::entry::{Entries, Held, Key};
use self::finish::Finished;
use self::group::Group;
use self::parts::Parts;
use self::peer::{Peer, Session};
use self::receipt::Parked;
use self::requests::Requests;
use self::timers::{Timer, Timers};
use crate::backend::{Commit, Op, Random, ShardMark, Table};
use crate::consent::Who;
use crate::correlate::{Correlator, EarlyReceipts};
use crate::dedupe::SeenMo;
use crate::gate::Released;
use crate::id::{AccountId, Epoch, LinkId, MessageId, PeerId, SHARDS, SessionId, ShardId};
use crate::policy::Policy;
use crate::scope::Scope;
use crate::time::{Micros, Mono, Now, Since};

/// How often what ages is looked after.
const HOUSEKEEPING: std::time::Duration = std::time::Duration::from_millis(500);

/// A turn that nobody waits for is open for so long at most, collecting more.
const OPEN_TURN: std::time::Duration = std::time::Duration::from_millis(5);

/// What one turn changed and wants done.
#[derive(Debug, Default)]
pub struct Turn {
    /// To be committed first.
    pub commit: Commit,
    /// To be carried out once the commit stands.
    pub effects: Vec<Effect>,
    /// For metrics and logs, once the commit stands.
    pub notes: Vec<Note>,
}

/// Where bodies are that the exchange does not keep in memory.
pub trait Bodies {
    /// A row as it was committed.
    fn row(&self, shard: ShardId, table: Table, key: &[u8; 16]) -> Option<Bytes>;

    /// The message row as it was committed.
    fn message_row(&self, id: MessageId) -> Option<Bytes> {
        self.row(id.shard(), Table::Message, &id.to_bytes())
    }
}

/// See the [module](self).
pub struct Exchange {
    policy: Arc<Policy>,
    rule_names: Vec<Arc<str>>,
    random: Box<dyn Random>,
    marks: Box<[ShardMark; SHARDS as usize]>,
    owned: FxHashSet<ShardId>,
    touched_shards: FxHashSet<ShardId>,

    entries: Entries,
    by_id: FxHashMap<MessageId, Key>,
    /// Ids of eight digits, of open messages and of ended ones that are remembered.
    short_ids: FxHashMap<(AccountId, u32), MessageId>,
    /// The other messages of one submission, by the one that all have the id of.
    siblings: FxHashMap<MessageId, BTreeSet<MessageId>>,
    groups: FxHashMap<MessageId, Group>,
    parts: Parts,
    /// The parts that leave with another one, by that one.
    joined: FxHashMap<Key, Vec<Key>>,
    /// For whom and for what the open messages of our own are, by the whole.
    scopes: FxHashMap<MessageId, Box<Scope>>,
    /// What the dialog server is to take in this turn.
    handed: Vec<Released>,
    /// Messages of our own that ended in this turn.
    own_ends: Vec<OwnEnd>,
    /// First messages of our own that moved on in this turn.
    own_moves: Vec<OwnMove>,
    /// What is being taken is a test.
    takes_test: bool,
    /// Who may be written to.
    consent: Consent,
    /// Questions of this turn.
    asked: Vec<MessageQuery>,
    asked_suppressions: Vec<(ReplyTo, Who)>,
    requests: Requests,
    open_by_account: FxHashMap<AccountId, u64>,

    peers: FxHashMap<PeerId, Peer>,
    sessions: FxHashMap<SessionId, Session>,
    ready: Vec<PeerId>,
    /// Peers whose waiting messages might do better elsewhere.
    reroute: Vec<PeerId>,
    /// Waiting messages that are being decided for anew, each with whom it waits for.
    rerouting: VecDeque<(PeerId, Key)>,

    correlator: Correlator<Key>,
    early: EarlyReceipts<Parked>,
    /// Messages that are out to a device over a link, by lane.
    out: FxHashMap<(LinkId, u64), u32>,
    in_doubt: FxHashMap<(LinkId, u64), Vec<receipt::Doubted>>,
    /// Messages in doubt whose texts are still to be read from the store.
    unread: Vec<Key>,
    seen: SeenMo,
    finished: Finished,
    counters: Counters,
    swept: Mono,

    timers: Timers,
    clock_offset: i64,
    hot_octets: u64,
    nonce: u32,
    last_id: Micros,
    store_low: bool,
    unpublished: u64,
    draining: bool,
    restoring: bool,
    /// While the log is replayed: messages that have no way yet.
    unrouted: Option<Vec<Key>>,

    /// How long texts are cut.
    cut: Cut,
    /// Messages whose link takes no long texts, each with since when it has waited; looked at in this turn.
    uncut: Vec<(Key, Since)>,

    touched: Vec<Key>,
    turn: Turn,
    turn_open_since: Option<Mono>,
}

impl Exchange {
    /// An exchange that owns no shard yet.
    #[must_use]
    pub fn new(policy: Arc<Policy>, random: Box<dyn Random>, now: Now) -> Self {
        let limits = policy.limits;
        let mut random = random;
        let mut consent = Consent::new(random.next(), signalbox_consent::Bounds::default());
        policy.consent.apply(&mut consent);
        let mut timers = Timers::default();
        timers.push(now.mono + HOUSEKEEPING, Timer::Housekeeping);
        let mut exchange = Self {
            rule_names: rule_names(&policy),
            random,
            marks: Box::new([ShardMark::default(); SHARDS as usize]),
            owned: FxHashSet::default(),
            touched_shards: FxHashSet::default(),
            entries: Entries::default(),
            by_id: FxHashMap::default(),
            short_ids: FxHashMap::default(),
            siblings: FxHashMap::default(),
            groups: FxHashMap::default(),
            parts: Parts::new(limits.parts),
            joined: FxHashMap::default(),
            scopes: FxHashMap::default(),
            handed: Vec::new(),
            own_ends: Vec::new(),
            own_moves: Vec::new(),
            takes_test: false,
            consent,
            asked: Vec::new(),
            asked_suppressions: Vec::new(),
            requests: Requests::default(),
            open_by_account: FxHashMap::default(),
            peers: FxHashMap::default(),
            sessions: FxHashMap::default(),
            ready: Vec::new(),
            reroute: Vec::new(),
            rerouting: VecDeque::new(),
            correlator: Correlator::new(),
            early: EarlyReceipts::new(limits.early_receipts, limits.early_receipt_wait),
            out: FxHashMap::default(),
            in_doubt: FxHashMap::default(),
            unread: Vec::new(),
            seen: SeenMo::new(limits.dedupe),
            finished: Finished::new(limits.finished),
            counters: Self::fresh_counters(&policy),
            swept: now.mono,
            timers,
            clock_offset: now.offset_micros(),
            hot_octets: 0,
            nonce: 0,
            last_id: Micros(0),
            store_low: false,
            unpublished: 0,
            draining: false,
            restoring: false,
            unrouted: None,
            cut: cutting::nothing,
            uncut: Vec::new(),
            touched: Vec::new(),
            turn: Turn::default(),
            turn_open_since: None,
            policy,
        };
        exchange.counters.mark_warming(counter_mono(now));
        exchange.apply_white_list(now);
        exchange.configure_peers(now);
        exchange.configure_dialog(now);
        exchange
    }

    /// Takes over a shard: `mark` is what the store said when it was claimed for `epoch`.
    pub fn own(&mut self, shard: ShardId, epoch: Epoch, mark: ShardMark) {
        self.owned.insert(shard);
        self.marks[usize::from(shard.number())] = ShardMark { epoch, ..mark };
    }

    /// Tells whether the store is short of room: then nothing new is accepted (rule 6).
    pub fn set_store_low(&mut self, low: bool) {
        self.store_low = low;
    }

    /// Tells how many CDRs wait to be published: at the bound nothing new is accepted.
    pub fn set_unpublished(&mut self, cdrs: u64) {
        self.unpublished = cdrs;
    }

    /// CDRs that wait to be published, as far as [`set_unpublished`](Self::set_unpublished) told.
    #[must_use]
    pub fn unpublished(&self) -> u64 {
        self.unpublished
    }

    /// Room in the store below which nothing new is accepted, in octets.
    #[must_use]
    pub fn store_reserve(&self) -> u64 {
        self.policy.limits.store_reserve
    }

    /// Open messages.
    #[must_use]
    pub fn open(&self) -> usize {
        self.entries.len()
    }

    /// When [`settle`](Self::settle) has something to do even if nothing happens before.
    #[must_use]
    pub fn next_due(&self) -> Option<Mono> {
        let close = self.turn_open_since.map(|since| since + OPEN_TURN);
        [self.timers.next_due(), self.parts.next_due(), close].into_iter().flatten().min()
    }

    /// Takes an event. What it leads to is in the [`Turn`] of the next [`settle`](Self::settle).
    pub fn handle(&mut self, now: Now, event: Event) {
        match event {
            Event::Submit(submit) => self.submit(now, *submit),
            Event::Inbound(inbound) => self.inbound(now, *inbound),
            Event::Receipt(receipt) => self.link_receipt(now, *receipt),
            Event::SessionUp { peer, session, window } => self.session_up(now, peer, session, window),
            Event::SessionDown { session, unsent, in_flight } => {
                self.session_down(now, session, &unsent, &in_flight);
            }
            Event::Unsent { permit, why } => self.unsent(now, permit, why),
            Event::Answered { permit, answer } => self.answered(now, permit, answer),
            Event::Congestion { session, state } => self.congestion(now, session, state),
            Event::Window { session, window } => self.resize(session, window),
            Event::Pause { session, wait } => self.pause(now, session, wait),
            Event::LookupDone(done) => self.lookup_done(now, &done),
            Event::Message(query) => self.asked.push(*query),
            Event::Command { reply, command } => self.command(now, reply, *command),
            Event::Policy(policy) => self.set_policy(now, policy),
            Event::Draining(draining) => self.draining = draining,
            Event::Published(upto) => self.turn.commit.outbox_trim = Some(upto),
        }
    }

    /// Lets time and credit act, and closes the turn.
    pub fn settle(&mut self, now: Now, bodies: &dyn Bodies) -> Turn {
        self.advance(now, bodies);
        self.close()
    }

    /// Lets time and credit act, and closes the turn if somebody waits for its commit: a reply or a permit is
    /// in it, or it has been open for some milliseconds. What peers answered to attempts is such that nobody waits;
    /// it goes with the next commit, at the latest with the one before the next attempt of any session, so
    /// that no more than a window of answers can be lost with the process.
    pub fn settle_if_awaited(&mut self, now: Now, bodies: &dyn Bodies) -> Option<Turn> {
        self.advance(now, bodies);
        if self.is_awaited(now) { Some(self.close()) } else { None }
    }

    fn is_awaited(&mut self, now: Now) -> bool {
        if !self.turn.effects.is_empty() {
            return true;
        }
        if self.touched.is_empty() && self.turn.commit.is_empty() && self.turn.notes.is_empty() {
            return false;
        }
        let since = *self.turn_open_since.get_or_insert(now.mono);
        now.mono - since >= OPEN_TURN
    }

    fn close(&mut self) -> Turn {
        self.turn_open_since = None;
        self.write_touched();
        self.write_consent();
        self.timers.compact(&self.entries);
        self.mark_shards();
        std::mem::take(&mut self.turn)
    }

    fn advance(&mut self, now: Now, bodies: &dyn Bodies) {
        self.watch_clock(now);
        self.answer_questions(now, bodies);
        self.answer_suppressions(bodies);
        while let Some((due, timer)) = self.timers.pop(now.mono) {
            match timer {
                Timer::Entry(key) => self.entry_due(now, key, due),
                Timer::Peer(peer) => {
                    if let Some(peer) = self.peers.get_mut(&peer) {
                        peer.wake = None;
                    }
                    self.peer_ready(peer);
                }
                // Every turn does a slice.
                Timer::Reroute => {}
                Timer::Housekeeping => {
                    self.housekeeping(now);
                    self.timers.push(now.mono + HOUSEKEEPING, Timer::Housekeeping);
                }
            }
        }
        self.expire_parts(now);
        self.sweep_counters(now);
        self.reroute_stranded(now);
        self.read_openings(bodies);
        self.cut_long(now, bodies);
        self.release(now, bodies);
    }

    /// When somebody steps the wall clock, schedules follow it; validity, retries and waits are spans and keep
    /// their length: their ends move along. The validity of what waits for its schedule begins there.
    fn watch_clock(&mut self, now: Now) {
        let offset = now.offset_micros();
        let before = std::mem::replace(&mut self.clock_offset, offset);
        let step = offset.saturating_sub(before);
        if step.abs() < 1_000_000 {
            return;
        }
        self.last_id = now.wall;
        let mut scheduled = Vec::new();
        for (key, entry) in self.entries.iter_mut() {
            let due = entry.scheduled();
            let expires_at = &mut entry.envelope.expires_at;
            if let Some(due) = due {
                *expires_at = expires_at.after(now.wall.since(due));
                scheduled.push(key);
            } else {
                expires_at.0 = expires_at.0.saturating_add(step);
                if entry.deferred && matches!(entry.phase, entry::Phase::Waiting { .. }) {
                    // Quiet hours end when the clock on the wall says so.
                    scheduled.push(key);
                } else {
                    entry.phase.shift(step);
                }
            }
        }
        for key in scheduled {
            self.arm(now, key);
        }
    }

    fn touch(&mut self, key: Key) {
        if self.restoring {
            return;
        }
        let Some(entry) = self.entries.get_mut(key) else { return };
        if entry.touched {
            return;
        }
        entry.touched = true;
        self.touched.push(key);
    }

    fn put(&mut self, shard: ShardId, table: Table, key: [u8; 16], value: Bytes) {
        self.touched_shards.insert(shard);
        self.turn.commit.ops.push(Op::Put { shard, table, key, value });
    }

    fn delete(&mut self, shard: ShardId, table: Table, key: [u8; 16]) {
        self.touched_shards.insert(shard);
        self.turn.commit.ops.push(Op::Delete { shard, table, key });
    }

    /// Writes what became of the messages that this turn touched and that are still open.
    fn write_touched(&mut self) {
        for key in std::mem::take(&mut self.touched) {
            let Some(entry) = self.entries.get_mut(key) else { continue };
            entry.touched = false;
            let id = entry.envelope.id;
            if !entry.fresh && !entry.replaced {
                let state = row::StateRow::of(entry).encode();
                entry.state_stored = true;
                self.put(id.shard(), Table::State, id.to_bytes(), state);
                continue;
            }
            let Held::Hot(body) = &entry.body else { continue };
            let message =
                row::encode_message(entry, body, self.scopes.get(&id.whole()).map(|scope| &**scope));
            entry.fresh = false;
            entry.replaced = false;
            // The message row has the newer state.
            let outdated = std::mem::take(&mut entry.state_stored);
            let octets = u32::try_from(message.len()).unwrap_or(u32::MAX);
            let keep = self.hot_octets + u64::from(octets) <= self.policy.limits.hot_octets;
            entry.body = if keep { Held::Row(message.clone()) } else { Held::Cold };
            if keep {
                entry.hot_octets = octets;
                self.hot_octets += u64::from(octets);
            }
            self.put(id.shard(), Table::Message, id.to_bytes(), message);
            if outdated {
                self.delete(id.shard(), Table::State, id.to_bytes());
            }
        }
    }

    /// Counts the commit for each shard it touches.
    fn mark_shards(&mut self) {
        for shard in self.touched_shards.drain() {
            let mark = &mut self.marks[usize::from(shard.number())];
            mark.commit += 1;
            self.turn.commit.marks.push((shard, *mark));
        }
    }

    /// Sets the timer of an entry to the first of what is due for it.
    fn arm(&mut self, now: Now, key: Key) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        let expires = match entry.phase {
            // The receipt's own deadline rules once the peer has the message, and the lead's for what leaves with it.
            entry::Phase::Joined | entry::Phase::AwaitingReceipt { .. } | entry::Phase::Released { .. } => {
                None
            }
            _ => Some(entry.envelope.expires_at),
        };
        let due = match (entry.phase.due(), expires) {
            (Some(phase), Some(expires)) => Some(phase.min(expires)),
            (due, expires) => due.or(expires),
        };
        let Some(due) = due else {
            entry.timer = None;
            return;
        };
        let due = now.mono_at(due);
        if entry.timer == Some(due) {
            return;
        }
        entry.timer = Some(due);
        self.timers.push(due, Timer::Entry(key));
    }

    fn reply(&mut self, to: ReplyTo, reply: Reply) {
        self.turn.effects.push(Effect::Reply { to, reply });
    }

    /// A new id. Ids of one exchange rise by at least a microsecond, so that after a restart messages that came
    /// in one turn still have their order.
    fn new_id(&mut self, now: Now, shard: ShardId) -> MessageId {
        self.last_id = Micros(now.wall.0.max(self.last_id.0.saturating_add(1)));
        // The lowest octet is for the numbers of parts.
        MessageId::new(self.last_id, shard, self.random.next() << 8)
    }

    fn housekeeping(&mut self, now: Now) {
        self.expire_early(now);
        for key in self.seen.expire(now.wall, 1000) {
            self.delete(key.shard(), Table::Seen, key.to_bytes());
        }
        self.consent.sweep(signalbox_consent::Micros(now.wall.0));
        self.expire_requests(now);
        self.expire_finished(now);
    }

    fn set_policy(&mut self, now: Now, policy: Arc<Policy>) {
        self.rule_names = rule_names(&policy);
        self.policy = policy;
        // A set that is not newer is the one in force.
        let _ = self.counters.set_policies(&self.policy.counters.set);
        self.policy.consent.apply(&mut self.consent);
        self.apply_white_list(now);
        self.configure_peers(now);
        self.configure_dialog(now);
        self.strand_all();
    }
}

fn rule_names(policy: &Policy) -> Vec<Arc<str>> {
    let count = u32::try_from(policy.router.rules.len()).unwrap_or(u32::MAX);
    (0..count)
        .map(|index| {
            Arc::from(policy.router.rules.rule_name(signalbox_routing::RuleIndex(index)).unwrap_or(""))
        })
        .collect()
}
