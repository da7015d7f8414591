//! Who gets the next worker: accounts in turn, none more than half of the workers, each batch of one account.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rustc_hash::FxHashMap;
use signalbox_invocation::{Failure, Outcome};
use tokio::sync::oneshot::Sender;

use super::Settings;
use super::scripts::Loaded;
use crate::awake::Moment;
use crate::host::Given;
use crate::lint::Finding;

/// What a worker is asked.
pub(super) enum Work {
    Run { given: Box<Given<'static>>, loaded: Arc<Loaded>, reply: Sender<Result<Outcome, Failure>> },
    Lint { source: Arc<str>, programs: Vec<String>, reply: Sender<Result<Vec<Finding>, Failure>> },
}

impl Work {
    pub(super) fn run(
        given: Given<'static>,
        loaded: Arc<Loaded>,
        reply: Sender<Result<Outcome, Failure>>,
    ) -> Self {
        Self::Run { given: Box::new(given), loaded, reply }
    }
}

/// Work that waits.
pub(super) struct Job {
    pub(super) work: Work,
    /// It was in a batch whose worker died: by itself it shows whether it was the culprit.
    pub(super) alone: bool,
    /// Workers that died while it ran alone.
    pub(super) crashes: u8,
    pub(super) since: Instant,
}

impl Job {
    /// Answers with a failure; who asked may be gone.
    pub(super) fn fail(self, failure: Failure) {
        match self.work {
            Work::Run { reply, .. } => drop(reply.send(Err(failure))),
            Work::Lint { reply, .. } => drop(reply.send(Err(failure))),
        }
    }

    fn is_single(&self) -> bool {
        self.alone || matches!(self.work, Work::Lint { .. })
    }
}

#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    /// Workers that are at work for the account.
    running: usize,
}

#[derive(Default)]
struct State {
    lines: FxHashMap<u32, Line>,
    /// Accounts with waiting jobs, each once, in turn.
    turn: VecDeque<u32>,
    waiting: usize,
    running: usize,
    /// Those who look for a batch again without having gone to sleep.
    looking: usize,
    draining: bool,
    closed: bool,
}

impl State {
    /// Whether more accounts wait than there are who look, or will look at once.
    fn wants_another(&self, coming: usize) -> bool {
        self.turn.len() > self.looking + coming
    }
}

pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Bounds.
    most: usize,
    most_of_account: usize,
    batch: usize,
    workers_of_account: usize,
}

impl Queue {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            most: settings.queue,
            most_of_account: settings.queue.div_ceil(2),
            batch: settings.batch,
            workers_of_account: (settings.workers / 2).max(1),
        }
    }

    /// Lets a job wait, or gives it back with how many wait.
    pub(super) fn offer(&self, account: u32, job: Job) -> Result<(), (Job, usize)> {
        let mut state = self.state.lock();
        let own = state.lines.get(&account).map_or(0, |line| line.jobs.len());
        if state.closed || state.draining || state.waiting >= self.most || own >= self.most_of_account {
            return Err((job, state.waiting));
        }
        let line = state.lines.entry(account).or_default();
        line.jobs.push_back(job);
        let first = line.jobs.len() == 1;
        if first {
            state.turn.push_back(account);
        }
        state.waiting += 1;
        self.call(state, 0);
        Ok(())
    }

    /// Wakes one more when those who look, and `coming` who will look at once, are too few: to wake another for what one
    /// of them takes would take the core away from its worker.
    fn call(&self, state: MutexGuard<'_, State>, coming: usize) {
        let wanted = state.wants_another(coming);
        let draining = state.draining;
        drop(state);
        if draining {
            // The one who waits for the end may be the one that is woken.
            self.changed.notify_all();
        } else if wanted {
            self.changed.notify_one();
        }
    }

    /// The next batch of one account, waiting for one; `None` once the queue is closed. It is waited for awake for a
    /// moment, so that runs that come one by one go to the worker that is awake, too.
    pub(super) fn take(&self) -> Option<(u32, Vec<Job>)> {
        let mut state = self.state.lock();
        let mut moment = Moment::default();
        loop {
            if state.closed {
                return None;
            }
            if let Some(account) = self.next(&mut state) {
                let jobs = self.batch(&mut state, account);
                self.call(state, 0);
                return Some((account, jobs));
            }
            if moment.is_over() {
                self.changed.wait(&mut state);
                moment = Moment::default();
                continue;
            }
            state.looking += 1;
            MutexGuard::unlocked(&mut state, std::thread::yield_now);
            state.looking -= 1;
        }
    }

    /// Takes the first account in turn that has not its share of workers.
    fn next(&self, state: &mut State) -> Option<u32> {
        let position = state.turn.iter().position(|account| {
            state.lines.get(account).is_some_and(|line| line.running < self.workers_of_account)
        })?;
        state.turn.remove(position)
    }

    fn batch(&self, state: &mut State, account: u32) -> Vec<Job> {
        let mut jobs = Vec::new();
        let Some(line) = state.lines.get_mut(&account) else { return jobs };
        while jobs.len() < self.batch {
            let Some(first) = line.jobs.front() else { break };
            let single = first.is_single();
            if single && !jobs.is_empty() {
                break;
            }
            jobs.extend(line.jobs.pop_front());
            if single {
                break;
            }
        }
        line.running += 1;
        let more = !line.jobs.is_empty();
        if more {
            state.turn.push_back(account);
        }
        state.waiting -= jobs.len();
        state.running += 1;
        jobs
    }

    /// Ends a batch; what is to be done again goes before what waits.
    pub(super) fn done(&self, account: u32, again: Vec<Job>) {
        let mut state = self.state.lock();
        state.running -= 1;
        state.waiting += again.len();
        let mut ended = false;
        let mut begins = false;
        if let Some(line) = state.lines.get_mut(&account) {
            line.running -= 1;
            begins = line.jobs.is_empty() && !again.is_empty();
            for job in again.into_iter().rev() {
                line.jobs.push_front(job);
            }
            ended = line.jobs.is_empty() && line.running == 0;
        }
        if begins {
            state.turn.push_back(account);
        }
        if ended {
            state.lines.remove(&account);
        }
        self.call(state, 1);
    }

    pub(super) fn load(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.waiting, state.running)
    }

    /// See [`Pool::drain`](super::Pool::drain).
    pub(super) fn drain(&self, most: Duration) -> bool {
        let deadline = Instant::now() + most;
        let mut state = self.state.lock();
        state.draining = true;
        while state.waiting > 0 || state.running > 0 {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                return state.waiting == 0 && state.running == 0;
            }
        }
        true
    }

    /// Ends all waits; what waits is dropped, and answered by that.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.lines.clear();
        state.turn.clear();
        state.waiting = 0;
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Waits a little before a worker is tried again.
    pub(super) fn pause(&self, time: Duration) {
        let mut state = self.state.lock();
        if !state.closed {
            self.changed.wait_for(&mut state, time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_worker_is_woken_for_an_account_that_nobody_who_looks_will_take() {
        let mut state = State { turn: VecDeque::from([1]), ..State::default() };
        assert!(state.wants_another(0), "all are asleep");
        assert!(!state.wants_another(1), "who ended a batch takes it");
        state.looking = 1;
        assert!(!state.wants_another(0), "who looks takes it");
        state.turn.push_back(2);
        assert!(state.wants_another(0), "one looks, two accounts wait");
        assert!(!state.wants_another(1));
    }
}
