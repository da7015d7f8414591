//! Attempts of passes: which contacts were begun, how their groups of texts end, and how many of them wait.
//!
//! An attempt is a row of the store from the commit that begins it until its end is in the catalog's database and the
//! pass will not ask for it again. So a pass that is gone on with after a kill may ask for the same contact once more
//! and nothing is sent twice.

use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use signalbox_core::backend::Table;
use signalbox_core::exchange::{OwnStep, ReplyTo};
use signalbox_core::outcome::{FinalState, Reason};

use super::send::nowhere;
use super::start::Starting;
use super::{Dialog, Here, Told};
use crate::attempt::Attempt;
use crate::event::{Effect, Load, Said};
use crate::run::RunId;

/// A row of the table of starts: a first message whose run is under way, then the attempt that it is in a pass.
#[derive(Serialize, Deserialize)]
pub(super) enum StartRow {
    /// Its run is under way.
    Starting(Box<Starting>),
    /// The run is over; of a pass alone.
    Attempt(Box<Attempt>),
}

impl StartRow {
    pub(super) fn encode(&self) -> Bytes {
        postcard::to_stdvec(self).expect("a vector takes any number of octets").into()
    }

    /// The row of an attempt from before there were tests ends before their mark.
    pub(super) fn decode(row: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(row).or_else(|error| match error {
            postcard::Error::DeserializeUnexpectedEnd => postcard::from_bytes(&[row, &[0]].concat()),
            other => Err(other),
        })
    }
}

/// Where an attempt stands, as far as pacing asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Its run is under way, or its texts wait for a link.
    Waiting,
    /// The send gate has it wait, such as for the end of quiet hours.
    Deferred,
    /// A peer has a text of it.
    Out,
    /// It has come to its end.
    Over,
}

#[derive(Debug)]
struct Held {
    attempt: Attempt,
    /// True while its instructions run.
    runs: bool,
    place: Place,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Attempts {
    by_run: FxHashMap<RunId, Held>,
    /// By pass and contact.
    by_contact: FxHashMap<(u64, u64), RunId>,
    loads: FxHashMap<u64, Load>,
    changed: FxHashSet<u64>,
}

impl Attempts {
    pub(super) fn len(&self) -> usize {
        self.by_run.len()
    }

    /// The run that began a contact already.
    pub(super) fn run_of(&self, pass: u64, contact: u64) -> Option<RunId> {
        self.by_contact.get(&(pass, contact)).copied()
    }

    fn insert(&mut self, attempt: Attempt, runs: bool) {
        let place = if attempt.told { Place::Over } else { Place::Waiting };
        self.by_contact.insert((attempt.of.pass, attempt.of.contact), attempt.run);
        self.count(attempt.of.pass, Place::Over, place);
        self.by_run.insert(attempt.run, Held { attempt, runs, place });
    }

    fn remove(&mut self, run: RunId) {
        let Some(held) = self.by_run.remove(&run) else { return };
        self.by_contact.remove(&(held.attempt.of.pass, held.attempt.of.contact));
        self.count(held.attempt.of.pass, held.place, Place::Over);
    }

    fn count(&mut self, pass: u64, from: Place, to: Place) {
        if from == to {
            return;
        }
        let load = self.loads.entry(pass).or_default();
        for (place, more) in [(from, false), (to, true)] {
            let counted = match place {
                Place::Waiting => &mut load.waiting,
                Place::Deferred => &mut load.deferred,
                Place::Out => &mut load.out,
                Place::Over => continue,
            };
            *counted = if more { counted.saturating_add(1) } else { counted.saturating_sub(1) };
        }
        self.changed.insert(pass);
    }

    fn place(&mut self, run: RunId, to: Place) {
        let Some(held) = self.by_run.get_mut(&run) else { return };
        let (pass, from) = (held.attempt.of.pass, std::mem::replace(&mut held.place, to));
        self.count(pass, from, to);
    }

    /// How many attempts of each pass wait, of those passes where that changed.
    pub(super) fn take_loads(&mut self) -> Vec<(u64, Load)> {
        if self.changed.is_empty() {
            return Vec::new();
        }
        let mut told = Vec::with_capacity(self.changed.len());
        for pass in std::mem::take(&mut self.changed) {
            let load = self.loads.get(&pass).copied().unwrap_or_default();
            if load == Load::default() {
                self.loads.remove(&pass);
            }
            told.push((pass, load));
        }
        told
    }

    /// A text of the group of a run waits or is on its way.
    pub(super) fn opened(&mut self, run: RunId) {
        if let Some(held) = self.by_run.get_mut(&run) {
            held.attempt.opened();
        }
    }

    /// The runs of a pass that may have something left to take back.
    pub(super) fn open_of(&self, pass: u64) -> FxHashSet<RunId> {
        let open = self
            .by_run
            .iter()
            .filter(|(_, held)| held.attempt.of.pass == pass && (held.runs || !held.attempt.is_closed()));
        open.map(|(run, _)| *run).collect()
    }

    /// A text of the group is not attempted, though nothing of it was on its way.
    pub(super) fn withhold(&mut self, run: RunId, reason: &str) {
        if let Some(held) = self.by_run.get_mut(&run) {
            held.attempt.withhold(reason);
        }
    }

    /// The instructions failed.
    pub(super) fn fail(&mut self, run: RunId, reason: &str) {
        if let Some(held) = self.by_run.get_mut(&run) {
            held.attempt.fail(reason);
        }
    }
}

impl Dialog {
    /// An attempt begins with its run.
    pub(super) fn attempt_begins(&mut self, starting: &Starting) {
        let Some(of) = starting.of else { return };
        let run = &starting.run;
        let mut attempt = Attempt::new(of, run.id, run.sub_campaign, starting.device.clone());
        attempt.test = run.test;
        self.attempts.insert(attempt, true);
    }

    /// An attempt whose run was over when the process ended.
    pub(super) fn restore_attempt(&mut self, attempt: Attempt) {
        self.attempts.insert(attempt, false);
    }

    /// The run of a first message is over: its row goes, or is that of an attempt from now on.
    pub(super) fn start_over(&mut self, here: &mut Here<'_>, run: RunId) {
        match self.attempts.by_run.get_mut(&run) {
            Some(held) => {
                held.runs = false;
                self.attempt_changed(here, run);
            }
            None => here.port.delete(run.0.shard(), Table::Start, run.0.to_bytes()),
        }
    }

    /// A text of a group ended in the exchange.
    pub(super) fn group_ended(
        &mut self,
        here: &mut Here<'_>,
        run: RunId,
        outcome: FinalState,
        reason: Reason,
    ) {
        let Some(held) = self.attempts.by_run.get_mut(&run) else { return };
        held.attempt.ended(outcome, reason);
        self.attempt_changed(here, run);
    }

    /// A text that waited for the exchange is not taken after all.
    pub(super) fn group_gives_up(&mut self, here: &mut Here<'_>, run: RunId, reason: &str) {
        let Some(held) = self.attempts.by_run.get_mut(&run) else { return };
        held.attempt.given_up(reason);
        self.attempt_changed(here, run);
    }

    /// A text of a group moved on.
    pub(super) fn group_moved(&mut self, run: RunId, step: OwnStep) {
        let Some(held) = self.attempts.by_run.get(&run) else { return };
        let to = match (step, held.place) {
            (OwnStep::Taken, Place::Waiting | Place::Deferred) => Place::Out,
            (OwnStep::Deferred, Place::Waiting) => Place::Deferred,
            (OwnStep::Deferred, Place::Deferred | Place::Out | Place::Over)
            | (OwnStep::Taken, Place::Out | Place::Over) => return,
        };
        self.attempts.place(run, to);
    }

    /// Writes an attempt as it is now; its end is told as soon as it is certain, and its row goes when nobody will ask
    /// for it again.
    fn attempt_changed(&mut self, here: &mut Here<'_>, run: RunId) {
        let Some(held) = self.attempts.by_run.get_mut(&run) else { return };
        let completion = held.attempt.completion(held.runs);
        let tells = completion.is_some() && !held.attempt.told;
        held.attempt.told |= tells;
        let attempt = held.attempt.clone();
        if let Some(completion) = completion.filter(|_| tells) {
            self.attempts.place(run, Place::Over);
            let told = Told {
                account: self.account_of(attempt.sub_campaign),
                sub_campaign: attempt.sub_campaign,
                device: &attempt.device,
                source: &nowhere(),
                message: Some(run.0),
                test: attempt.test,
            };
            self.record(here, told, Said::Attempt { of: attempt.of, completion });
        }
        let (shard, key) = (run.0.shard(), run.0.to_bytes());
        if attempt.told && attempt.settled && attempt.is_closed() {
            self.attempts.remove(run);
            return here.port.delete(shard, Table::Start, key);
        }
        here.port.put(shard, Table::Start, key, StartRow::Attempt(Box::new(attempt)).encode());
    }

    /// A pass has the ends of these contacts and will not ask for them again.
    pub(super) fn attempts_settled(
        &mut self,
        here: &mut Here<'_>,
        reply: ReplyTo,
        pass: u64,
        contacts: &[u64],
    ) {
        for contact in contacts {
            let Some(run) = self.attempts.run_of(pass, *contact) else { continue };
            let Some(held) = self.attempts.by_run.get_mut(&run) else { continue };
            held.attempt.settled = true;
            self.attempt_changed(here, run);
        }
        self.wants.effects.push(Effect::Settled { to: reply });
    }
}
