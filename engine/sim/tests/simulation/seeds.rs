//! Seeds of a test, and the one that SIGNALBOX_SEED asks for.

use signalbox_sim::{Plan, Report, run, run_traced};

/// Seeds of each search.
pub const SEEDS: u64 = 1_000;

/// The seed that is to be played again, with its trace.
pub fn asked() -> Option<u64> {
    std::env::var("SIGNALBOX_SEED").ok().map(|seed| seed.parse().expect("SIGNALBOX_SEED is a number"))
}

/// Plays seeds from `first` in steps of `stride` until `done` says so.
pub fn play(plan: &Plan, first: u64, stride: u64, mut done: impl FnMut(Report) -> bool) {
    for seed in (first..SEEDS).step_by(stride as usize) {
        if done(run(seed, plan)) {
            return;
        }
    }
}

/// Plays a seed again and prints what happened in it.
pub fn show(plan: &Plan, seed: u64) -> Report {
    let report = run_traced(seed, plan);
    println!("{report}");
    report
}
