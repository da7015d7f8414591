//! The thread of one worker: gives it batches, and looks after it.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use signalbox_invocation::{Failure, Outcome};

use super::child::{Child, ChildError};
use super::queue::{Job, Work};
use super::{Event, Shared};
use crate::message::{Command, Reply, Run};

/// Between two attempts to start a worker that does not come up.
const PAUSE: Duration = Duration::from_millis(200);

/// Takes batches until the queue is closed.
pub(super) fn work(shared: &Shared) {
    let mut child = start(shared);
    while let Some((account, jobs)) = shared.queue.take() {
        let jobs = still_wanted(shared, jobs);
        if child.is_none() {
            child = start(shared);
        }
        let again = match child.as_mut() {
            None => {
                let (waiting, _) = shared.queue.load();
                for job in jobs {
                    job.fail(Failure::Overloaded { waiting });
                }
                shared.queue.pause(PAUSE);
                Vec::new()
            }
            Some(_) if jobs.is_empty() => Vec::new(),
            Some(worker) => {
                let (again, ended) = batch(shared, worker, jobs);
                if ended {
                    child = None;
                }
                again
            }
        };
        shared.queue.done(account, again);
        // The next one is there before it is wanted.
        if child.is_none() && !shared.queue.is_closed() {
            child = start(shared);
        }
    }
}

fn start(shared: &Shared) -> Option<Child> {
    let began = Instant::now();
    match Child::spawn(&shared.settings) {
        Ok(child) => {
            (shared.events)(Event::Started { pid: child.pid(), took: began.elapsed() });
            Some(child)
        }
        Err(error) => {
            (shared.events)(Event::NotStarted { why: error.to_string() });
            None
        }
    }
}

/// Answers those that waited too long, or whose script was suspended while they waited.
fn still_wanted(shared: &Shared, jobs: Vec<Job>) -> Vec<Job> {
    let now = Instant::now();
    let (waiting, _) = shared.queue.load();
    let mut wanted = Vec::with_capacity(jobs.len());
    for job in jobs {
        let held_back = match &job.work {
            Work::Run { loaded, .. } => {
                loaded.version.and_then(|version| shared.scripts.lock().held_back(version))
            }
            Work::Lint { .. } => None,
        };
        if let Some(failure) = held_back {
            answer(shared, job, Err(failure));
        } else if now.duration_since(job.since) > shared.settings.patience {
            answer(shared, job, Err(Failure::Overloaded { waiting }));
        } else {
            wanted.push(job);
        }
    }
    wanted
}

/// Runs a batch; what is to be done again, and whether the worker is of no more use.
fn batch(shared: &Shared, child: &mut Child, jobs: Vec<Job>) -> (Vec<Job>, bool) {
    (shared.events)(Event::Batch { runs: jobs.len() });
    let mut open: Vec<Option<Job>> = jobs.into_iter().map(Some).collect();
    let ended = tell(shared, child, &open).and_then(|()| hear(shared, child, &mut open));
    let left: Vec<Job> = open.into_iter().flatten().collect();
    match ended {
        Ok(()) => (left, false),
        Err(error) => {
            (shared.events)(Event::Ended { why: error.to_string(), unanswered: left.len() });
            let starved = matches!(error, ChildError::Late(_)) && child.is_starved();
            (blame(shared, left, &error, starved), true)
        }
    }
}

fn tell(shared: &Shared, child: &mut Child, open: &[Option<Job>]) -> Result<(), ChildError> {
    let mut runs = Vec::with_capacity(open.len());
    for job in open.iter().flatten() {
        match &job.work {
            Work::Run { given, loaded, .. } => {
                child.provide(loaded)?;
                runs.push(Run { key: loaded.key, given: Cow::Borrowed(&**given) });
            }
            Work::Lint { source, programs, .. } => {
                let command =
                    Command::Lint { source: Cow::Borrowed(source), programs: Cow::Borrowed(programs) };
                child.say(&command)?;
            }
        }
    }
    if !runs.is_empty() {
        child.say(&Command::Run { limits: shared.settings.limits, runs })?;
    }
    child.flush()
}

/// Reads answers until all are there, or the worker says that the rest is for later.
fn hear(shared: &Shared, child: &mut Child, open: &mut [Option<Job>]) -> Result<(), ChildError> {
    let unasked = || ChildError::Rubbish("an answer to what was not asked".to_owned());
    while open.iter().any(Option::is_some) {
        match child.read()? {
            Reply::Done { index, result } => {
                let slot = open.get_mut(index as usize).ok_or_else(unasked)?;
                let is_run = matches!(slot, Some(Job { work: Work::Run { .. }, .. }));
                let job = slot.take().filter(|_| is_run).ok_or_else(unasked)?;
                let spent = result.as_ref().ok().map(|ended| ended.micros);
                let result = result.and_then(|ended| ended.outcome(&shared.settings.limits));
                answer(shared, job, result);
                child.ran(spent);
            }
            Reply::Linted(findings) => match open.first_mut().and_then(Option::take) {
                Some(Job { work: Work::Lint { reply, .. }, .. }) => drop(reply.send(Ok(findings))),
                Some(Job { work: Work::Run { .. }, .. }) | None => return Err(unasked()),
            },
            // It did at least one, or this would have no end.
            Reply::Later { from } if from > 0 => return Ok(()),
            Reply::Later { .. } | Reply::Ready => return Err(unasked()),
        }
    }
    Ok(())
}

fn answer(shared: &Shared, job: Job, result: Result<Outcome, Failure>) {
    let Job { work, since, .. } = job;
    match work {
        Work::Run { loaded, reply, .. } => {
            (shared.events)(Event::Ran {
                version: loaded.version,
                took: since.elapsed(),
                ticks: result.as_ref().map_or(0, |outcome| outcome.cost.ticks),
                failure: result.as_ref().err().map(Failure::name),
            });
            // Who asked may be gone.
            let _ = reply.send(result);
        }
        Work::Lint { reply, .. } => {
            if let Err(failure) = result {
                let _ = reply.send(Err(failure));
            }
        }
    }
}

/// Who is to blame for the end of a worker. Of several, each is tried alone. One that is alone is to blame when it
/// did not come back in time, unless the machine gave it no time; when the process died it has a second try, for
/// something else may have killed it.
fn blame(shared: &Shared, mut left: Vec<Job>, error: &ChildError, starved: bool) -> Vec<Job> {
    if left.len() > 1 {
        for job in &mut left {
            job.alone = true;
        }
        return left;
    }
    let Some(mut job) = left.pop() else { return left };
    let late = matches!(error, ChildError::Late(_));
    if let ChildError::TooLong { .. } = error {
        answer(shared, job, Err(Failure::Killed(error.to_string())));
        return left;
    }
    if starved {
        answer(shared, job, Err(Failure::Interrupted(format!("{error}, the machine gave it no time"))));
        return left;
    }
    if !late && job.crashes == 0 {
        job.crashes = 1;
        job.alone = true;
        return vec![job];
    }
    strike(shared, &job);
    answer(shared, job, Err(Failure::Killed(error.to_string())));
    left
}

fn strike(shared: &Shared, job: &Job) {
    let Work::Run { loaded, .. } = &job.work else { return };
    let Some(version) = loaded.version else { return };
    let suspended = shared.scripts.lock().strike(version);
    if let Some(strikes) = suspended {
        (shared.events)(Event::Suspended { version, strikes });
    }
}
