//! Seeds of a test, played on all processors.

use signalbox_sim::{Plan, Report, run, run_traced};

/// Seeds of each search.
pub const SEEDS: u64 = 1_000;

/// The seed that is to be played again, with its trace.
pub fn asked() -> Option<u64> {
    std::env::var("SIGNALBOX_SEED").ok().map(|seed| seed.parse().expect("SIGNALBOX_SEED is a number"))
}

/// Seeds that the right cluster is to pass; SIGNALBOX_SEEDS asks for more.
pub fn seeds() -> u64 {
    std::env::var("SIGNALBOX_SEEDS")
        .ok()
        .map_or(SEEDS, |seeds| seeds.parse().expect("SIGNALBOX_SEEDS is a number"))
}

/// Plays all seeds below `seeds`; the reports come in the order of the seeds.
pub fn play_all(plan: &Plan, seeds: u64) -> Vec<Report> {
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64).min(seeds);
    let mut reports: Vec<Report> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || {
                    let seeds = (first..seeds).step_by(threads as usize);
                    seeds.map(|seed| run(seed, plan)).collect::<Vec<Report>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    reports.sort_by_key(|report| report.seed);
    reports
}

/// Plays a seed and prints what happened in it, or the last `lines` of that.
pub fn show(plan: &Plan, seed: u64, lines: usize) -> Report {
    let mut report = run_traced(seed, plan);
    let before = report.trace.len().saturating_sub(lines);
    report.trace.drain(..before);
    println!("{report}");
    report
}
