//! Each rule of the cluster that is left out is missed: a run breaks within the seeds.

use signalbox_core::invariants::Violation;
use signalbox_sim::{Bug, Failure, Plan, run};

use crate::seeds::SEEDS;

/// The first seed that breaks, and what it breaks.
fn first(plan: &Plan) -> (u64, Violation) {
    let first = (0..SEEDS).find_map(|seed| match run(seed, plan).failure {
        Some(Failure::Broken(violation)) => Some((seed, violation)),
        Some(Failure::Stuck(_)) | None => None,
    });
    first.unwrap_or_else(|| panic!("{SEEDS} seeds do not find {:?}", plan.bug))
}

fn found(bug: Bug) -> Violation {
    let (seed, violation) = first(&Plan::default().with(bug));
    println!("{bug:?} is found by seed {seed}: {violation}");
    violation
}

#[test]
fn a_response_before_the_append() {
    let violation = found(Bug::RespondBeforeAppend);
    assert!(matches!(violation, Violation::AnsweredBeforeDurable { .. }), "{violation}");
}

#[test]
fn a_store_that_takes_any_epoch() {
    let violation = found(Bug::NoEpochCheck);
    assert!(matches!(violation, Violation::EpochOrder { .. }), "{violation}");
}

#[test]
fn a_replay_that_does_not_look_at_the_position() {
    let violation = found(Bug::NoPositionCheck);
    let twice = matches!(
        violation,
        Violation::EndedTwice { .. } | Violation::PositionBack { .. } | Violation::NeedlessDuplicate { .. }
    );
    assert!(twice, "{violation}");
}

#[test]
fn a_cdr_that_is_published_before_its_commit() {
    let violation = found(Bug::PublishBeforeCommit);
    assert!(matches!(violation, Violation::PublishedUncommitted { .. }), "{violation}");
}

#[test]
fn a_permit_without_a_deadline() {
    let violation = found(Bug::NoDeadline);
    assert!(matches!(violation, Violation::AfterDeadline { .. }), "{violation}");
}

#[test]
fn an_attempt_that_leaves_before_its_commit() {
    let violation = found(Bug::SendBeforeCommit);
    assert!(matches!(violation, Violation::NotPermitted { .. }), "{violation}");
}

#[test]
fn a_turn_that_is_not_in_the_log() {
    let violation = found(Bug::NoTurnRecord);
    let forgotten = matches!(
        violation,
        Violation::NeedlessDuplicate { .. }
            | Violation::UnmarkedDuplicate { .. }
            | Violation::EndedTwice { .. }
    );
    assert!(forgotten, "{violation}");
}

/// What is left out shows in what becomes of messages and CDRs too, where nobody looks at the machinery. (A permit
/// without a deadline does not: what leaves late is in doubt, and marked. A store that takes any epoch rarely does: the
/// claims in the log stand before it.)
#[test]
fn outcomes_alone_tell() {
    let bugs =
        [Bug::RespondBeforeAppend, Bug::NoPositionCheck, Bug::PublishBeforeCommit, Bug::SendBeforeCommit];
    for bug in bugs {
        let (seed, violation) = first(&Plan { outcomes_only: true, ..Plan::default().with(bug) });
        println!("{bug:?} shows in the outcomes of seed {seed}: {violation}");
    }
}
