//! What time brings: runs that came to no end, and devices that do not write.

use std::cmp::Ordering;
use std::time::Duration;

use signalbox_core::backend::Table;
use signalbox_core::time::{Micros, Mono, Now};
use signalbox_invocation::Entry;

use super::{Dialog, Here, Told};
use crate::conversation::Conversation;
use crate::event::{Note, Said};
use crate::port::{Port, Rows, timer_due, timer_key};
use crate::run::{What, Whose};
use signalbox_core::scope::ConversationId;
use signalbox_core::scope::Purpose;

/// Timers that are due within this time are in memory; the others are read when theirs comes near.
const HORIZON: Duration = Duration::from_secs(120);
/// How often they are read.
const READS: Duration = Duration::from_secs(30);
/// Timers that one turn reads, and handles.
const SLICE: usize = 2_000;

/// A timer of a conversation in the heap; the earliest is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DueTimer {
    pub key: [u8; 16],
    pub of: ConversationId,
}

impl Ord for DueTimer {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key).then_with(|| other.of.cmp(&self.of))
    }
}

impl PartialOrd for DueTimer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Dialog {
    /// Puts runs that were under way when the process ended on their way again. To be called once, when all shards are
    /// ours.
    pub fn resume(&mut self, now: Now, rows: &dyn Rows, port: &mut dyn Port) {
        let mut here = Here { now, rows, port };
        self.resume_starts(&mut here);
        // A run's timer is due at the latest so long after it began.
        let last = now.wall.after(self.rules.limits.run.max(self.rules.limits.call));
        let mut after = [0; 16];
        loop {
            let timers = rows.timers(after, timer_key(last, &[0xff; 16]), SLICE);
            let Some((_, key, _)) = timers.last() else { break };
            after = *key;
            for (_, _, value) in &timers {
                let Some(id) = conversation_of(value) else { continue };
                let Some(mut conversation) = self.take_known(&here, id) else { continue };
                // That the process ended is not the run's fault: it counts as no try.
                if let Some(run) = conversation.run.take() {
                    self.begin_run(&mut here, id, &mut conversation, run);
                }
                self.put(&mut here, id, conversation);
            }
        }
        self.horizon = Micros(0);
        self.reads_timers = now.mono;
    }

    /// Lets time act.
    pub fn advance(&mut self, now: Now, rows: &dyn Rows, port: &mut dyn Port) {
        let mut here = Here { now, rows, port };
        if now.mono >= self.reads_timers {
            self.read_timers(&here);
        }
        for _ in 0..SLICE {
            let Some(next) = self.timers.peek().copied() else { break };
            if timer_due(&next.key) > now.wall {
                break;
            }
            self.timers.pop();
            self.timer_due(&mut here, next);
        }
        self.starts_due(&mut here);
        self.hands_due(&mut here);
    }

    /// When [`advance`](Self::advance) has something to do even if nothing happens before.
    #[must_use]
    pub fn next_due(&self, now: Now) -> Mono {
        let timer = self.timers.peek().map(|timer| now.mono_at(timer_due(&timer.key)));
        let start = self.next_start().map(|at| now.mono_at(at));
        let hands = self.desk.next_due().map(|at| now.mono_at(at));
        [timer, start, hands].into_iter().flatten().fold(self.reads_timers, Mono::min)
    }

    fn read_timers(&mut self, here: &Here<'_>) {
        let upto = here.now.wall.after(HORIZON);
        let mut after = timer_key(self.horizon, &[0xff; 16]);
        if self.horizon == Micros(0) {
            after = [0; 16];
        }
        let read = here.rows.timers(after, timer_key(upto, &[0xff; 16]), SLICE);
        let whole = read.len() < SLICE;
        let last = read.last().map(|(_, key, _)| timer_due(key));
        for (_, key, value) in read {
            if let Some(of) = conversation_of(&value) {
                self.timers.push(DueTimer { key, of });
            }
        }
        // Where a slice ends within an instant the rest of that is read with the next one, twice in part; a timer
        // whose conversation does not wait for it any more is no harm.
        self.horizon = if whole { upto } else { Micros(last.unwrap_or(upto).0.saturating_sub(1)) };
        self.reads_timers = if whole { here.now.mono + READS } else { here.now.mono };
    }

    /// Sees to it that a timer is there for what the conversation waits for. One that is there for an earlier instant
    /// does: it finds nothing to do and is set again.
    pub(super) fn arm(&mut self, here: &mut Here<'_>, id: ConversationId, conversation: &mut Conversation) {
        let Some(due) = conversation.due() else { return };
        if conversation.timer.is_some_and(|timer| timer <= due) {
            return;
        }
        if let Some(later) = conversation.timer.replace(due) {
            here.port.delete(id.shard, Table::Timer, timer_key(later, &id.key));
        }
        let key = timer_key(due, &id.key);
        let value = postcard::to_stdvec(&id).expect("a vector takes any number of octets");
        here.port.put(id.shard, Table::Timer, key, value.into());
        if due <= self.horizon {
            self.timers.push(DueTimer { key, of: id });
        }
    }

    fn timer_due(&mut self, here: &mut Here<'_>, timer: DueTimer) {
        let id = timer.of;
        let Some(mut conversation) = self.take_known(here, id) else {
            return here.port.delete(id.shard, Table::Timer, timer.key);
        };
        if conversation.timer != Some(timer_due(&timer.key)) {
            // An earlier one took its place.
            return self.memory.put_unchanged(here.now.mono, id, conversation);
        }
        here.port.delete(id.shard, Table::Timer, timer.key);
        conversation.timer = None;
        self.offer_again(here, &mut conversation);
        let now = here.now.wall;
        match &conversation.run {
            Some(run) if run.until <= now => self.run_again(here, id, &mut conversation),
            Some(_) => {}
            None if conversation.expected.as_ref().is_some_and(|expected| expected.until <= now) => {
                self.wait_over(here, id, &mut conversation);
            }
            None => {}
        }
        self.put(here, id, conversation);
    }

    /// The device did not write in time.
    fn wait_over(&mut self, here: &mut Here<'_>, id: ConversationId, conversation: &mut Conversation) {
        let Some(expected) = conversation.expected.take() else { return };
        let owner = conversation.owner.and_then(|owner| self.rules.sub_campaign(owner)).cloned();
        let entry = Entry::method(&expected.then);
        let (Some(owner), Some(version), Ok(entry)) = (owner, conversation.version, entry) else {
            self.episode_over(here, conversation);
            return conversation.end();
        };
        let what = What::Instructions { version, entry };
        let test = conversation.test;
        let mut run = self.new_run(here, id.shard, owner.id, what, Purpose::Answer, test);
        run.timed_out = true;
        self.begin_run(here, id, conversation, run);
    }

    /// Begins the run under way again: nothing came of it in its time, or the process that did it ended.
    fn run_again(&mut self, here: &mut Here<'_>, id: ConversationId, conversation: &mut Conversation) {
        let Some(mut run) = conversation.run.take() else { return };
        self.under_way.remove(&run.id);
        if self.waits.contains(&run.id) {
            // It still waits for its turn: that is no try, and it keeps its place.
            run.until = here.now.wall.after(self.rules.limits.run);
            conversation.run = Some(run);
            return;
        }
        // An entry that was acknowledged is judged, however long nobody is there to judge it; to begin again is to ask
        // again, for the same entry has the same verdict.
        let is_entry = matches!(run.what, Some(What::Participation { .. }));
        run.tries = run.tries.saturating_add(u8::from(!is_entry));
        if run.tries <= self.rules.limits.tries {
            return self.begin_run(here, id, conversation, run);
        }
        // Three times is enough: it is parked with its reason, and the conversation goes on (rule 5).
        let told = Told {
            account: self.account_of(run.sub_campaign),
            sub_campaign: run.sub_campaign,
            device: &conversation.device,
            source: &conversation.source,
            message: run.message.as_ref().map(|message| message.id),
            test: run.test,
        };
        let detail = format!("no end after {} tries", self.rules.limits.tries);
        self.record(here, told, Said::Failed { name: "internal".to_owned(), detail });
        self.note(Note::Limit { what: "tries_of_a_run" });
        self.next(here, id, conversation);
    }

    /// Begins a run, or a call, of a conversation: it is part of what is committed.
    pub(super) fn begin_run(
        &mut self,
        here: &mut Here<'_>,
        id: ConversationId,
        conversation: &mut Conversation,
        mut run: crate::run::Run,
    ) {
        let whose = Whose::Conversation(id);
        let span = if run.calling.is_some() { self.rules.limits.call } else { self.rules.limits.run };
        run.until = here.now.wall.after(span);
        match (&run.what, conversation.calls.front()) {
            (Some(_), _) => {
                if self.is_next(whose, run.id) {
                    self.begin_task(here, whose, conversation, &run);
                }
            }
            (None, Some(call)) => self.wants.effects.push(crate::event::Effect::Call {
                whose,
                run: run.id,
                account: self.account_of(run.sub_campaign),
                number: conversation.made.get(&call.service).copied().unwrap_or(1),
                call: call.clone(),
                until: run.until,
            }),
            (None, None) => return self.next(here, id, conversation),
        }
        conversation.run = Some(run);
    }
}

fn conversation_of(value: &[u8]) -> Option<ConversationId> {
    postcard::from_bytes(value).ok()
}
