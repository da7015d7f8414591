use signalbox_backends::memory::{Fault, Refusal, Tally};
use signalbox_sim::{Bug, Incident, Incidents, Plan, run};

use crate::seeds::{asked, play_all, seeds, show};

/// Not of this simulation: it takes the store back by itself, to know what was forgotten (the incident of the
/// same name); and the exchange keeps no blobs.
const ABSENT: [Fault; 2] = [Fault::StoreWentBack, Fault::BlobFailed];

#[test]
fn the_cluster_keeps_its_rules_and_meets_every_fault() {
    let plan = Plan::default();
    if let Some(seed) = asked() {
        assert_eq!(show(&plan, seed, usize::MAX).failure, None);
        return;
    }
    let seeds = seeds();
    let reports = play_all(&plan, seeds);
    let failed: Vec<u64> =
        reports.iter().filter(|report| report.failure.is_some()).map(|report| report.seed).collect();
    if let Some(&first) = failed.first() {
        show(&plan, first, 40);
        panic!("{} of {seeds} seeds failed: {failed:?}", failed.len());
    }
    let (mut tally, mut incidents) = (Tally::default(), Incidents::default());
    let (mut accepted, mut duplicates) = (0, 0);
    for report in &reports {
        tally.add(&report.tally);
        incidents.add(&report.incidents);
        accepted += report.summary.balance.accepted;
        duplicates += report.summary.duplicates;
    }
    tally.add(&stopped_by_the_store());
    println!("{seeds} seeds, {accepted} messages, {duplicates} duplicates, all marked\n{tally}\n{incidents}");
    for fault in Fault::ALL.into_iter().filter(|fault| !ABSENT.contains(fault)) {
        assert!(tally.count(fault) > 0, "{fault:?} never happened");
    }
    for refusal in Refusal::ALL {
        assert!(tally.refused(refusal) > 0, "{refusal:?} never happened");
    }
    for incident in Incident::ALL {
        assert!(incidents.count(incident) > 0, "{incident:?} never happened");
    }
    assert!(duplicates > 0, "no doubt ever led to a duplicate");
}

/// What the store stops when an owner handles records again that its position says are handled: the second line of
/// defence, which a right owner never meets.
fn stopped_by_the_store() -> Tally {
    let mut tally = Tally::default();
    for report in play_all(&Plan::default().with(Bug::ReplayAgainstStore), 4) {
        tally.add(&report.tally);
    }
    tally
}

#[test]
fn the_same_seed_plays_the_same() {
    let plan = Plan::default();
    for seed in [3, 77] {
        let (one, other) = (run(seed, &plan), run(seed, &plan));
        assert_eq!((one.digest, one.summary, one.tally), (other.digest, other.summary, other.tally));
    }
    assert_ne!(run(3, &plan).digest, run(4, &plan).digest);
}
