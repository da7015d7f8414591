use super::*;
use crate::{Key, Policy};

fn hash(n: u64) -> u64 {
    xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes())
}

fn rule() -> Rule {
    let policies = vec![Policy { window_ms: 1_000, ..Policy::new(KeyKind::Source) }];
    let set = crate::PolicySet { policies, ..crate::PolicySet::default() };
    *crate::rules::Rules::new(&crate::PolicySet {
        policies: set.policies.into_iter().map(|p| Policy { sweep_interval_ms: 100, ..p }).collect(),
        ..crate::PolicySet::default()
    })
    .unwrap()
    .rule(0)
}

fn sighting(id: u128) -> Sighting {
    Sighting::new(Key::vendor(1), Key::vendor(2), id)
}

#[test]
fn distinct_is_near_up_to_a_thousand() {
    for distinct in [1u64, 2, 5, 30, 100, 300, 1_000] {
        for salt in 0..5 {
            let mut sketch = Sketch::default();
            for n in 0..4 * distinct {
                sketch.add(hash((salt << 32) | (n % distinct)));
            }
            let near = f64::from(sketch.distinct()) / distinct as f64;
            assert!((0.6..1.5).contains(&near), "{distinct}: {}", sketch.distinct());
        }
    }
    let mut full = Sketch::default();
    (0..1_000_000).for_each(|n| full.add(hash(n)));
    assert!(full.distinct() > crate::policy::MAX_MANY);
}

#[test]
fn what_is_older_than_two_windows_is_forgotten() {
    let rule = rule();
    let mut evidence = Evidence::new(0, 0);
    for n in 0..20 {
        evidence.observe(n, &rule, hash(n), &sighting(1));
    }
    assert!((18..=22).contains(&evidence.distinct()));
    evidence.observe(1_500, &rule, hash(0), &sighting(1));
    assert!((18..=22).contains(&evidence.distinct()), "the window before still counts");
    evidence.observe(2_500, &rule, hash(0), &sighting(1));
    assert_eq!(evidence.distinct(), 1);
    for n in 0..20 {
        evidence.observe(2_600, &rule, hash(n), &sighting(1));
    }
    evidence.observe(4_600, &rule, hash(0), &sighting(1));
    assert_eq!(evidence.distinct(), 1, "nothing of the window before is left");
}

#[test]
fn volume_slides() {
    let rule = rule();
    let mut evidence = Evidence::new(0, 100);
    for n in 0..900 {
        evidence.observe(n, &rule, 1, &sighting(1));
    }
    assert_eq!(evidence.volume(900, &rule), 1_000);
    assert_eq!(evidence.volume(1_500, &rule), 500);
    assert_eq!(evidence.volume(2_001, &rule), 0);
    evidence.observe(1_250, &rule, 1, &sighting(1));
    assert_eq!(evidence.volume(1_250, &rule), 751);
}

#[test]
fn samples_are_the_last_ones_in_order() {
    let rule = rule();
    let mut evidence = Evidence::new(0, 0);
    for id in 1..=30u128 {
        evidence.observe(0, &rule, 1, &sighting(id));
        let expected: Vec<u128> = (id.saturating_sub(3).max(1)..=id).collect();
        assert_eq!(evidence.samples().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn records_are_used_again_and_bounded() {
    let mut store = EvidenceStore::new(300);
    let mut ids: Vec<u32> = (0..300).map(|_| store.add(Evidence::default()).unwrap()).collect();
    assert_eq!(store.add(Evidence::default()), None);
    let bytes = store.bytes();
    store.release(&mut ids[7]);
    assert_eq!((ids[7], store.used()), (NO_EVIDENCE, 299));
    store.release(&mut ids[7]);
    assert_eq!(store.used(), 299, "no number is released twice");
    assert_eq!(store.add(Evidence::default()), Some(7));
    assert!(store.bytes() <= bytes + 64);
    assert!(store.get(NO_EVIDENCE).is_none());
}
