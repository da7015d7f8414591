use signalbox_sim::Plan;

use crate::seeds::{asked, play, show};

#[test]
fn the_cluster_keeps_its_rules() {
    let plan = Plan::default();
    if let Some(seed) = asked() {
        assert_eq!(show(&plan, seed).failure, None);
        return;
    }
    let mut failed = Vec::new();
    let mut n = 0;
    let start = std::time::Instant::now();
    play(&plan, 0, 1, |report| {
        n += 1;
        if report.failure.is_some() {
            println!("{report}");
            failed.push(report.seed);
        } else if n == 1 {
            println!("{:?} {}\n{}", report.summary, report.incidents, report.tally);
        }
        failed.len() > 5 || start.elapsed().as_secs() > 60
    });
    println!("{n} seeds in {:?}", start.elapsed());
    assert!(failed.is_empty());
}
