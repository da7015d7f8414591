use super::object::Object;
use crate::step::{At, Step, Work};

/// Steps that nothing leads to, and circles that no wait interrupts.
///
/// A circle in which a branch can leave may be meant; each run through it is held to the limit of steps. One without
/// any way out never ends, so it is an error.
pub(crate) fn check(all: &Object<'_>, start: At, after_end: Option<At>, steps: &[Step]) {
    let reached = reach(steps, [Some(start), after_end].into_iter().flatten());
    for (at, step) in steps.iter().enumerate() {
        if !reached[at] {
            all.warning_at(&all.path_of(&step.id), "no step leads here".to_owned());
        }
    }
    for (at, step) in steps.iter().enumerate() {
        if !reached[at] || step.work.waits() || !circles(steps, at) {
            continue;
        }
        let path = all.path_of(&step.id);
        if escapes(steps, at) {
            // Told once for a circle: at the step that decides.
            if matches!(step.work, Work::Branch { .. } | Work::Collect { .. }) {
                let message =
                    "a way from here leads back without waiting for anybody; a run is ended after 100 steps";
                all.warning_at(&path, message.to_owned());
            }
        } else {
            all.error(&step.id, "steps go in a circle that nothing ends and in which nobody is waited for");
        }
    }
}

fn reach(steps: &[Step], from: impl Iterator<Item = At>) -> Vec<bool> {
    let mut reached = vec![false; steps.len()];
    let mut open: Vec<At> = from.collect();
    while let Some(at) = open.pop() {
        if std::mem::replace(&mut reached[at], true) {
            continue;
        }
        open.extend(steps[at].work.ways().into_iter().filter_map(|(_, next)| next));
    }
    reached
}

/// Steps that one run gets to from here, without passing a wait.
fn run_from(steps: &[Step], at: At) -> Vec<bool> {
    let mut reached = vec![false; steps.len()];
    let mut open: Vec<At> = steps[at].work.ways().into_iter().filter_map(|(_, next)| next).collect();
    while let Some(at) = open.pop() {
        if std::mem::replace(&mut reached[at], true) || steps[at].work.waits() {
            continue;
        }
        open.extend(steps[at].work.ways().into_iter().filter_map(|(_, next)| next));
    }
    reached
}

fn circles(steps: &[Step], at: At) -> bool {
    run_from(steps, at)[at]
}

/// True when a run that comes here can get to a wait or an end.
fn escapes(steps: &[Step], at: At) -> bool {
    let mut reached = run_from(steps, at);
    reached[at] = true;
    steps.iter().enumerate().any(|(at, step)| {
        let ends = step.work.ways().is_empty() || step.work.ways().iter().any(|(_, next)| next.is_none());
        reached[at] && (step.work.waits() || ends)
    })
}
