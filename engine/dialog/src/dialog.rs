//! The dialog server: every conversation of the shards this node owns, and the rules of their lives.
//!
//! Pure and deterministic, like the exchange that it shares each commit with: [`Dialog::handle`] takes events,
//! [`Dialog::advance`] lets time act, [`Dialog::flush`] writes what changed. Between a message and its answer lies a
//! run outside (a script in its process, a flow, a call of a web service): it is part of the conversation's committed
//! state, and its end is an event. So of a kill between any two commits nothing is left but a run that begins again.
//!
//! `mo` finds the way of what devices write, `start` begins what we write first, `runs` begins and ends runs, `send`
//! makes texts of what they want, `held` has those that the exchange did not take yet, `attempts` tells a pass how its
//! contacts fared, `take_back` ends those that have not left, `timers` is what time brings, `agents` is what people do by
//! hand, `work` what waits for them, `erase` forgets a device, and `memory` holds the hot ones.

mod agents;
mod attempts;
mod episodes;
mod erase;
mod failures;
mod held;
mod memory;
mod mo;
mod runs;
mod send;
mod start;
mod take_back;
mod timers;
mod work;

use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use rustc_hash::FxHashSet;
use signalbox_core::address::Address;
use signalbox_core::backend::Table;
use signalbox_core::time::{Micros, Mono, Now};

use self::attempts::Attempts;
use self::memory::Memory;
use self::start::Starts;
use self::timers::DueTimer;
use crate::desk::Desk;
use crate::event::{Effect, Event, Load, Note, Record, Said};
use crate::port::{Consent, Port, Rows};
use crate::rules::Rules;
use crate::run::{RunId, Whose};

/// What handling led to, beyond rows and texts.
#[derive(Debug, Default)]
pub struct Wants {
    /// To be carried out once the commit stands.
    pub effects: Vec<Effect>,
    /// For metrics and logs, once the commit stands.
    pub notes: Vec<Note>,
    /// What each pass has under way, where that changed.
    pub loads: Vec<(u64, Load)>,
}

impl Wants {
    /// True when there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty() && self.notes.is_empty() && self.loads.is_empty()
    }
}

/// The dialog server of the shards that this node owns.
pub struct Dialog {
    rules: Arc<Rules>,
    memory: Memory,
    starts: Starts,
    desk: Desk,
    attempts: Attempts,
    /// Runs that are with who does them, and those that wait for one to end.
    under_way: FxHashSet<RunId>,
    queued: VecDeque<(Whose, RunId)>,
    waits: FxHashSet<RunId>,
    timers: BinaryHeap<DueTimer>,
    /// Timers up to here are in the heap.
    horizon: Micros,
    /// When the next ones are read from the store.
    reads_timers: Mono,
    /// Records that are not in the catalog's database yet.
    to_record: usize,
    wants: Wants,
}

/// Where an operation stands: the clock, the store and the exchange.
struct Here<'a> {
    now: Now,
    rows: &'a dyn Rows,
    port: &'a mut dyn Port,
}

impl Dialog {
    /// One that has no conversation in memory yet.
    #[must_use]
    pub fn new(rules: Arc<Rules>) -> Self {
        Self {
            memory: Memory::default(),
            starts: Starts::default(),
            desk: Desk::default(),
            attempts: Attempts::default(),
            under_way: FxHashSet::default(),
            queued: VecDeque::new(),
            waits: FxHashSet::default(),
            timers: BinaryHeap::new(),
            horizon: Micros(0),
            reads_timers: Mono(0),
            to_record: 0,
            wants: Wants::default(),
            rules,
        }
    }

    /// Takes an event.
    pub fn handle(&mut self, now: Now, event: Event, rows: &dyn Rows, port: &mut dyn Port) {
        let mut here = Here { now, rows, port };
        match event {
            Event::Mo(mo) => self.mo(&mut here, *mo),
            Event::Start(start) => self.start(&mut here, *start),
            Event::Ran { whose, run, result } => self.ran(&mut here, whose, run, result),
            Event::Called { whose, run, answer } => self.called(&mut here, whose, run, answer),
            Event::Ended { conversation, message, group, outcome, reason } => {
                self.group_ended(&mut here, group, outcome, reason);
                self.text_ended(&mut here, conversation, message, outcome, reason);
            }
            Event::Agent(ask) => self.agent(&mut here, *ask),
            Event::Moved { group, step } => self.group_moved(group, step),
            Event::Settled { reply, pass, contacts } => {
                self.attempts_settled(&mut here, reply, pass, &contacts);
            }
            Event::TakeBack { reply, of } => self.take_back(&mut here, reply, of),
            Event::Erase { reply, account, device } => self.erase(&mut here, reply, account, &device),
            Event::Recorded(ids) => {
                self.to_record = self.to_record.saturating_sub(ids.len());
                for id in ids {
                    here.port.delete(id.shard(), Table::Record, id.to_bytes());
                }
            }
            Event::Rules(rules) => self.rules = rules,
        }
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Conversations in memory.
    #[must_use]
    pub fn hot(&self) -> usize {
        self.memory.len()
    }

    /// Runs of first messages that are under way.
    #[must_use]
    pub fn starting(&self) -> usize {
        self.starts.len()
    }

    /// Attempts of passes that are not settled.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.attempts.len()
    }

    /// Runs that wait for others to end.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queued.len()
    }

    /// Records that are not in the catalog's database yet.
    #[must_use]
    pub fn to_record(&self) -> usize {
        self.to_record
    }

    /// True when a device's message can be taken: not too many of its messages wait, and not too much waits to be
    /// written into the catalog's database.
    #[must_use]
    pub fn has_room(&self, device: &Address, source: &Address) -> bool {
        if self.to_record >= self.rules.limits.records
            && self.rules.addresses.with(source.key()).next().is_some()
        {
            return false;
        }
        self.memory.waiting(device, source) < self.rules.limits.waiting
    }

    /// Writes what changed since the last time, and gives what is to be done once the commit stands.
    pub fn flush(&mut self, now: Now, port: &mut dyn Port) -> Wants {
        self.count_work();
        self.memory.write(port);
        self.memory.forget(now.mono, &self.rules.limits);
        self.wants.loads = self.attempts.take_loads();
        std::mem::take(&mut self.wants)
    }

    fn note(&mut self, note: Note) {
        self.wants.notes.push(note);
    }

    /// Changes consent at once, and puts that on its way to the ledger.
    fn change_consent(&mut self, here: &mut Here<'_>, told: Told<'_>, change: Consent, words: Option<&str>) {
        let said = Said::Consent {
            level: change.level,
            of: change.of,
            client_id: change.client_id.clone(),
            channels: change.channels.clone(),
            opt_in: change.opt_in,
            by: change.by.to_owned(),
            wording: words.map(str::to_owned),
        };
        here.port.consent(here.now, change);
        self.record(here, told, said);
    }

    /// Puts a line of history on its way to the catalog's database, durable until it is there.
    fn record(&mut self, here: &mut Here<'_>, told: Told<'_>, what: Said) {
        let id = here.port.new_id(here.now, told.device.shard());
        let record = Record {
            id,
            message: told.message.unwrap_or(id),
            at: here.now.wall,
            account: told.account,
            sub_campaign: told.sub_campaign,
            device: told.device.clone(),
            source: told.source.clone(),
            what,
            test: told.test,
        };
        let row = postcard::to_stdvec(&record).expect("a vector takes any number of octets");
        here.port.put(id.shard(), Table::Record, id.to_bytes(), row.into());
        self.to_record += 1;
        self.wants.effects.push(Effect::Record(Box::new(record)));
    }
}

/// Of what a record tells.
#[derive(Clone, Copy)]
struct Told<'a> {
    account: u32,
    sub_campaign: u32,
    device: &'a Address,
    source: &'a Address,
    message: Option<signalbox_core::id::MessageId>,
    test: bool,
}
