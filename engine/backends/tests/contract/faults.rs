//! The faults of the in-memory cluster: they do what they say, and they are counted.

use signalbox_backends::memory::{Check, Cluster, Fault, Refusal};
use signalbox_core::backend::{
    Catalog, CatalogChange, CatalogError, Commit, CommitError, Kind, Log, LogError, Offset, ShardMark, Store,
    Table, Version,
};
use signalbox_core::id::Epoch;

use crate::world::{commit, delete, load, mark, put, record, shard, texts, value};

fn claimed(cluster: &Cluster) -> impl Store + use<> {
    let mut store = cluster.store();
    store.claim(&[shard(1), shard(2)], Epoch(1)).unwrap();
    store
}

fn everything(cluster: &Cluster) -> String {
    let store = cluster.store();
    format!("{:?} {:?}", load(&store, None), store.outbox(0, usize::MAX).unwrap())
}

#[test]
fn a_store_that_went_back_is_exactly_as_it_was() {
    let cluster = Cluster::new(1);
    let mut store = claimed(&cluster);
    let mut states = vec![everything(&cluster)];
    for number in 1..=20u64 {
        let name = (number % 4) as u8;
        let ops = match number % 3 {
            0 => vec![delete(1, Table::Message, name), put(1, Table::State, name, "s")],
            1 => vec![put(1, Table::Message, name, "new"), put(1, Table::Message, name, "newer")],
            _ => vec![delete(1, Table::State, name)],
        };
        let change = Commit {
            cdrs: vec![number.to_string().into(); usize::from(number % 2 == 0)],
            outbox_trim: (number % 5 == 0).then_some(number / 3),
            ..commit(1, mark(1, number), ops)
        };
        store.commit(&change).unwrap();
        states.push(everything(&cluster));
    }
    for (back, left) in [(1, 19), (4, 15), (0, 15), (10, 5)] {
        assert_eq!(cluster.rewind_store(back), back);
        assert_eq!(everything(&cluster), states[left]);
    }
    // What was forgotten may come again.
    let again = store.commit(&commit(1, mark(1, 20), vec![]));
    assert!(matches!(again, Err(CommitError::OutOfOrder { held: 5, offered: 20, .. })), "{again:?}");
    store.commit(&commit(1, mark(1, 6), vec![])).unwrap();
}

#[test]
fn a_store_can_go_back_behind_a_claim() {
    let cluster = Cluster::new(1);
    let mut store = claimed(&cluster);
    store.claim(&[shard(1)], Epoch(7)).unwrap();
    cluster.rewind_store(1);
    assert_eq!(store.claim(&[shard(1)], Epoch(7)).unwrap(), [mark(1, 0)]);
}

#[test]
fn by_the_fault_it_goes_back_after_it_said_yes() {
    let cluster = Cluster::new(3);
    let mut store = claimed(&cluster);
    for number in 1..=20 {
        store.commit(&commit(1, mark(1, number), vec![])).unwrap();
    }
    cluster.inject(Fault::StoreWentBack);
    store.commit(&commit(1, mark(1, 21), vec![])).unwrap();
    let found = store.claim(&[shard(1)], Epoch(9)).unwrap()[0].commit;
    assert!((13..21).contains(&found), "{found}");
    assert_eq!(cluster.tally().count(Fault::StoreWentBack), 1);
}

#[test]
fn unknown_fates_keep_or_lose_as_they_say() {
    for (fault, kept) in [(Fault::CommitKept, true), (Fault::CommitLost, false)] {
        let cluster = Cluster::new(1);
        let mut store = claimed(&cluster);
        cluster.inject(fault);
        let change = Commit {
            appends: vec![record(2, "event")],
            ..commit(1, mark(1, 1), vec![put(1, Table::Message, 1, "x")])
        };
        assert!(matches!(store.commit(&change), Err(CommitError::Unknown { .. })));
        assert_eq!(value(&store, 1, Table::Message, 1).is_some(), kept);
        assert_eq!(texts(&cluster.log(), 2, None).len(), usize::from(kept));
    }
    for (fault, kept) in [(Fault::AppendKept, 1), (Fault::AppendLost, 0)] {
        let cluster = Cluster::new(1);
        cluster.inject(fault);
        let result = cluster.log().append(&[record(1, "a")]);
        assert!(matches!(result, Err(LogError::Unknown { .. })));
        assert_eq!(texts(&cluster.log(), 1, None).len(), kept);
    }
}

#[test]
fn a_capacity_bounds_rows_outbox_and_log() {
    let cluster = Cluster::new(1);
    let mut store = claimed(&cluster);
    cluster.set_capacity(Some(10));
    store.commit(&commit(1, mark(1, 1), vec![put(1, Table::Message, 1, "123456")])).unwrap();
    assert_eq!(store.free(), Some(4));
    let more = Commit { cdrs: vec!["12345".into()], ..commit(1, mark(1, 2), vec![]) };
    assert!(matches!(store.commit(&more), Err(CommitError::Full)));
    assert!(cluster.log().append(&[record(1, "12345")]).is_err());
    assert_eq!(cluster.tally().refused(Refusal::NoRoom), 2);
    // What makes room is not refused.
    store.commit(&commit(1, mark(1, 2), vec![delete(1, Table::Message, 1)])).unwrap();
    cluster.log().append(&[record(1, "12345")]).unwrap();
    assert_eq!(store.free(), Some(5));
}

#[test]
fn rates_follow_from_the_seed() {
    let run = |seed| {
        let cluster = Cluster::new(seed);
        Fault::ALL.into_iter().for_each(|fault| cluster.set_rate(fault, 300));
        let mut store = cluster.store();
        let results: String = (0..1000)
            .map(|number| {
                let append = cluster.log().append(&[record(1, "x")]).is_ok();
                let trim = Commit { outbox_trim: Some(number), ..Commit::default() };
                format!("{append}{:?} ", store.commit(&trim).is_ok())
            })
            .collect();
        (results, cluster.tally())
    };
    let (first, tally) = run(1);
    assert_eq!(run(1), (first.clone(), tally.clone()));
    assert_ne!(run(2).0, first);
    // 3 % of 1,000.
    for fault in [Fault::AppendRefused, Fault::CommitLost, Fault::StoreFull, Fault::StoreWentBack] {
        assert!((10..60).contains(&tally.count(fault)), "{fault:?} {}", tally.count(fault));
    }
    assert!(tally.to_string().lines().count() == Fault::ALL.len() + Refusal::ALL.len());
}

#[test]
fn a_rule_that_is_switched_off_does_not_hold() {
    let at = |commit, position| ShardMark { epoch: Epoch(1), commit, position: Some(Offset(position)) };
    let zombie = |cluster: &Cluster| {
        let mut store = claimed(cluster);
        store.claim(&[shard(1)], Epoch(5)).unwrap();
        store.commit(&commit(1, mark(1, 1), vec![])).is_ok()
    };
    let repeated = |cluster: &Cluster| {
        let mut store = claimed(cluster);
        store.commit(&commit(1, mark(1, 1), vec![])).unwrap();
        store.commit(&commit(1, mark(1, 1), vec![])).is_ok()
    };
    let back = |cluster: &Cluster| {
        let mut store = claimed(cluster);
        store.commit(&commit(1, at(1, 9), vec![])).unwrap();
        store.commit(&commit(1, at(2, 8), vec![])).is_ok()
    };
    type Passes<'a> = &'a dyn Fn(&Cluster) -> bool;
    let cases: [(Check, Passes<'_>, Refusal); 3] = [
        (Check::Epoch, &zombie, Refusal::Fenced),
        (Check::Number, &repeated, Refusal::OutOfOrder),
        (Check::Position, &back, Refusal::Wrong),
    ];
    for (check, passes, refusal) in cases {
        let cluster = Cluster::new(1);
        assert!(!passes(&cluster), "{check:?}");
        assert_eq!(cluster.tally().refused(refusal), 1);
        let cluster = Cluster::new(1);
        cluster.switch_off(check);
        assert!(passes(&cluster), "{check:?}");
    }
}

#[test]
fn a_failing_catalog_of_the_simulation_changes_nothing() {
    let cluster = Cluster::new(1);
    cluster.inject(Fault::CatalogFailed);
    let (kind, name, document) = (Kind::Link, "l".to_owned(), "1".to_owned());
    let change = [CatalogChange::Put { kind, name, document, expected: Some(Version(0)) }];
    assert!(matches!(cluster.catalog().apply("ann", &change), Err(CatalogError::Failed { .. })));
    cluster.catalog().apply("ann", &change).unwrap();
    cluster.catalog().apply("ann", &change).unwrap_err();
    assert_eq!(cluster.tally().refused(Refusal::Conflict), 1);
}
