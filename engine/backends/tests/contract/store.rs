//! Store: rows, marks, fencing, the outbox.

use bytes::Bytes;
use signalbox_core::backend::{Commit, CommitError, Offset, ShardMark, Table};
use signalbox_core::id::{Epoch, ShardId};

use crate::world::{
    Trouble, World, commit, delete, in_each_world, key, load, mark, put, record, shard, texts, value,
};

in_each_world! {
    a_claim_returns_the_marks_and_fences_older_terms,
    a_claim_of_several_shards_is_whole_or_nothing,
    a_term_that_nobody_claimed_is_refused,
    commits_follow_each_other,
    each_shard_counts_for_itself,
    a_commit_that_is_refused_leaves_nothing,
    a_row_needs_the_mark_of_its_shard,
    two_marks_of_one_shard_are_refused,
    a_position_is_kept_and_never_goes_back,
    rows_are_known_by_shard_table_and_key,
    operations_are_carried_out_in_order,
    rows_are_loaded_in_order,
    a_range_of_rows_is_read_in_order,
    octets_come_back_as_they_were,
    the_outbox_is_numbered_without_gap,
    the_outbox_is_trimmed_and_goes_on_counting,
    an_empty_commit_is_nothing,
    a_full_store_keeps_nothing_and_recovers,
    a_refused_commit_can_be_made_again,
    of_unknown_fate_is_all_or_nothing,
    everything_is_there_after_a_restart,
}

fn claim(world: &mut dyn World, number: u16, epoch: u64) {
    world.store().claim(&[shard(number)], Epoch(epoch)).unwrap();
}

fn a_claim_returns_the_marks_and_fences_older_terms(world: &mut dyn World) {
    let all: Vec<ShardId> = ShardId::all().collect();
    let found = world.store().claim(&all, Epoch(3)).unwrap();
    assert_eq!(found, vec![ShardMark::default(); all.len()]);
    world.store().commit(&commit(7, mark(3, 1), vec![])).unwrap();

    let found = world.store().claim(&[shard(6), shard(7)], Epoch(5)).unwrap();
    assert_eq!(found, [mark(3, 0), mark(3, 1)]);
    let late = world.store().commit(&commit(7, mark(3, 2), vec![put(7, Table::Message, 1, "zombie")]));
    let Err(CommitError::Fenced { shard: fenced, held, offered }) = late else { panic!("{late:?}") };
    assert_eq!((fenced, held, offered), (shard(7), Epoch(5), Epoch(3)));
    assert_eq!(value(world.store(), 7, Table::Message, 1), None);
    world.store().commit(&commit(7, mark(5, 2), vec![])).unwrap();

    for epoch in [4, 5] {
        let again = world.store().claim(&[shard(7)], Epoch(epoch));
        assert!(matches!(again, Err(CommitError::Fenced { held: Epoch(5), .. })), "{again:?}");
    }
}

fn a_claim_of_several_shards_is_whole_or_nothing(world: &mut dyn World) {
    claim(world, 2, 9);
    assert!(world.store().claim(&[shard(1), shard(2)], Epoch(5)).is_err());
    assert_eq!(world.store().claim(&[shard(1)], Epoch(1)).unwrap(), [ShardMark::default()]);
}

fn a_term_that_nobody_claimed_is_refused(world: &mut dyn World) {
    claim(world, 1, 4);
    let early = world.store().commit(&commit(1, mark(5, 1), vec![]));
    assert!(matches!(early, Err(CommitError::Fenced { held: Epoch(4), offered: Epoch(5), .. })), "{early:?}");
}

fn commits_follow_each_other(world: &mut dyn World) {
    claim(world, 1, 1);
    world.store().commit(&commit(1, mark(1, 1), vec![])).unwrap();
    for (offered, made) in [(1, false), (3, false), (0, false), (2, true), (2, false), (3, true)] {
        let result = world.store().commit(&commit(1, mark(1, offered), vec![]));
        match result {
            Ok(_) => assert!(made, "{offered}"),
            Err(CommitError::OutOfOrder { offered: told, .. }) => assert!(!made && told == offered),
            Err(other) => panic!("{other}"),
        }
    }
}

fn each_shard_counts_for_itself(world: &mut dyn World) {
    world.store().claim(&[shard(1), shard(2)], Epoch(1)).unwrap();
    world.store().commit(&commit(1, mark(1, 1), vec![])).unwrap();
    let both = Commit { marks: vec![(shard(1), mark(1, 2)), (shard(2), mark(1, 1))], ..Commit::default() };
    world.store().commit(&both).unwrap();
    world.store().commit(&commit(2, mark(1, 2), vec![])).unwrap();
}

fn a_commit_that_is_refused_leaves_nothing(world: &mut dyn World) {
    world.store().claim(&[shard(1), shard(2)], Epoch(2)).unwrap();
    world.store().commit(&commit(1, mark(2, 1), vec![put(1, Table::State, 1, "before")])).unwrap();
    // The mark of the second shard is wrong, by term and by number; the first one's part must not stay.
    for wrong in [mark(1, 1), mark(2, 2)] {
        let bad = Commit {
            marks: vec![(shard(1), mark(2, 2)), (shard(2), wrong)],
            ops: vec![
                put(1, Table::Message, 1, "new"),
                put(1, Table::State, 1, "after"),
                delete(1, Table::State, 1),
            ],
            cdrs: vec![Bytes::from_static(b"cdr")],
            appends: vec![record(2, "event")],
            outbox_trim: None,
        };
        assert!(world.store().commit(&bad).is_err());
        assert_eq!(value(world.store(), 1, Table::Message, 1), None);
        assert_eq!(value(world.store(), 1, Table::State, 1).unwrap(), "before");
        assert_eq!(world.store().outbox(0, 10).unwrap(), []);
        assert!(texts(world.log(), 2, None).is_empty());
    }
    world.store().commit(&commit(1, mark(2, 2), vec![])).unwrap();
}

fn a_row_needs_the_mark_of_its_shard(world: &mut dyn World) {
    world.store().claim(&[shard(1), shard(2)], Epoch(1)).unwrap();
    for op in [put(2, Table::Message, 1, "x"), delete(2, Table::Message, 1)] {
        let result = world.store().commit(&commit(1, mark(1, 1), vec![op]));
        assert!(matches!(result, Err(CommitError::Refused { .. })), "{result:?}");
    }
    assert!(load(world.store(), None).is_empty());
}

fn two_marks_of_one_shard_are_refused(world: &mut dyn World) {
    claim(world, 1, 1);
    let twice = Commit { marks: vec![(shard(1), mark(1, 1)), (shard(1), mark(1, 2))], ..Commit::default() };
    assert!(matches!(world.store().commit(&twice), Err(CommitError::Refused { .. })));
}

fn a_position_is_kept_and_never_goes_back(world: &mut dyn World) {
    claim(world, 1, 1);
    let at =
        |commit, position: Option<u64>| ShardMark { epoch: Epoch(1), commit, position: position.map(Offset) };
    world.store().commit(&commit(1, at(1, Some(10)), vec![])).unwrap();
    world.store().commit(&commit(1, at(2, None), vec![])).unwrap();
    assert!(matches!(
        world.store().commit(&commit(1, at(3, Some(9)), vec![])),
        Err(CommitError::Refused { .. })
    ));
    world.store().commit(&commit(1, at(3, Some(10)), vec![])).unwrap();
    world.restart();
    let found = world.store().claim(&[shard(1)], Epoch(100)).unwrap();
    assert_eq!(found, [at(3, Some(10))]);
}

fn rows_are_known_by_shard_table_and_key(world: &mut dyn World) {
    world.store().claim(&[shard(1), shard(2)], Epoch(1)).unwrap();
    let both = Commit {
        marks: vec![(shard(1), mark(1, 1)), (shard(2), mark(1, 1))],
        ops: vec![
            put(1, Table::Message, 1, "a"),
            put(2, Table::Message, 1, "b"),
            put(1, Table::State, 1, "c"),
            put(1, Table::Message, 2, "d"),
        ],
        ..Commit::default()
    };
    world.store().commit(&both).unwrap();
    world.store().commit(&commit(1, mark(1, 2), vec![delete(1, Table::Message, 1)])).unwrap();
    assert_eq!(value(world.store(), 1, Table::Message, 1), None);
    assert_eq!(value(world.store(), 2, Table::Message, 1).unwrap(), "b");
    assert_eq!(value(world.store(), 1, Table::State, 1).unwrap(), "c");
    assert_eq!(value(world.store(), 1, Table::Message, 2).unwrap(), "d");
    for table in Table::ALL {
        assert_eq!(value(world.store(), 3, table, 1), None);
    }
}

fn operations_are_carried_out_in_order(world: &mut dyn World) {
    claim(world, 1, 1);
    let ops = vec![
        delete(1, Table::Seen, 1),
        put(1, Table::Seen, 1, "first"),
        put(1, Table::Seen, 1, "second"),
        put(1, Table::Inbox, 2, "gone"),
        delete(1, Table::Inbox, 2),
        put(1, Table::Group, 3, "gone"),
        delete(1, Table::Group, 3),
        put(1, Table::Group, 3, "back"),
    ];
    world.store().commit(&commit(1, mark(1, 1), ops)).unwrap();
    assert_eq!(value(world.store(), 1, Table::Seen, 1).unwrap(), "second");
    assert_eq!(value(world.store(), 1, Table::Inbox, 2), None);
    assert_eq!(value(world.store(), 1, Table::Group, 3).unwrap(), "back");
}

fn rows_are_loaded_in_order(world: &mut dyn World) {
    world.store().claim(&[shard(1), shard(2)], Epoch(1)).unwrap();
    let mut ops = Vec::new();
    for (number, name) in [(2, 0x90), (1, 0x05), (2, 0x05), (1, 0xff), (1, 0x10)] {
        ops.extend(Table::ALL.into_iter().rev().map(|table| put(number, table, name, "x")));
    }
    let both =
        Commit { marks: vec![(shard(1), mark(1, 1)), (shard(2), mark(1, 1))], ops, ..Commit::default() };
    world.store().commit(&both).unwrap();

    let found = |number| -> Vec<(Table, [u8; 16], u16)> {
        let mut rows = Vec::new();
        for table in Table::LOADED {
            let names: &[(u8, u16)] = &[(0x05, 1), (0x05, 2), (0x10, 1), (0x90, 2), (0xff, 1)];
            let wanted = names.iter().filter(|(_, shard)| number == 0 || number == *shard);
            rows.extend(wanted.map(|&(name, shard)| (table, key(name), shard)));
        }
        rows
    };
    let shape = |rows: Vec<signalbox_core::backend::Row>| -> Vec<(Table, [u8; 16], u16)> {
        rows.into_iter().map(|row| (row.table, row.key, row.shard.number())).collect()
    };
    assert_eq!(shape(load(world.store(), None)), found(0));
    assert_eq!(shape(load(world.store(), Some(1))), found(1));
    assert_eq!(shape(load(world.store(), Some(2))), found(2));
    assert_eq!(shape(load(world.store(), Some(3))), []);
}

/// Rows that are not loaded are there all the same, and found in order.
fn a_range_of_rows_is_read_in_order(world: &mut dyn World) {
    world.store().claim(&[shard(1), shard(2)], Epoch(1)).unwrap();
    let ops = [(2, 0x90), (1, 0x05), (2, 0x05), (1, 0xff), (1, 0x10)]
        .into_iter()
        .flat_map(|(number, name)| {
            [put(number, Table::Timer, name, "x"), put(number, Table::Device, name, "y")]
        })
        .collect();
    let both =
        Commit { marks: vec![(shard(1), mark(1, 1)), (shard(2), mark(1, 1))], ops, ..Commit::default() };
    world.store().commit(&both).unwrap();
    let range = |world: &mut dyn World, after, upto, max| -> Vec<([u8; 16], u16)> {
        let rows = world.store().range(Table::Timer, &after, &upto, max).unwrap();
        assert!(rows.iter().all(|row| row.table == Table::Timer && row.value == "x"));
        rows.into_iter().map(|row| (row.key, row.shard.number())).collect()
    };
    let all = [(key(0x05), 1), (key(0x05), 2), (key(0x10), 1), (key(0x90), 2), (key(0xff), 1)];
    assert_eq!(range(world, [0; 16], [0xff; 16], 10), all);
    assert_eq!(range(world, [0; 16], [0xff; 16], 3), all[..3]);
    assert_eq!(range(world, key(0x05), key(0x90), 10), all[2..4]);
    assert_eq!(range(world, key(0x90), key(0x05), 10), []);
}

fn octets_come_back_as_they_were(world: &mut dyn World) {
    claim(world, 1, 1);
    let values = [Bytes::new(), Bytes::from_static(&[0, 255, 0]), Bytes::from(vec![0xa5; 200_000])];
    let ops = values.iter().zip(1u8..).map(|(value, name)| signalbox_core::backend::Op::Put {
        shard: shard(1),
        table: Table::Message,
        key: key(name),
        value: value.clone(),
    });
    let change = Commit {
        marks: vec![(shard(1), mark(1, 1))],
        ops: ops.collect(),
        cdrs: values.to_vec(),
        ..Commit::default()
    };
    world.store().commit(&change).unwrap();
    world.restart();
    for (expected, name) in values.iter().zip(1u8..) {
        assert_eq!(value(world.store(), 1, Table::Message, name).as_ref(), Some(expected));
    }
    assert_eq!(world.store().outbox(0, 1).unwrap(), [(1, values.to_vec())]);
}

fn cdrs(number: u16, next: u64, names: &[&'static str]) -> Commit {
    let cdrs = names.iter().map(|name| Bytes::from_static(name.as_bytes())).collect();
    Commit { marks: vec![(shard(number), mark(1, next))], cdrs, ..Commit::default() }
}

fn the_outbox_is_numbered_without_gap(world: &mut dyn World) {
    claim(world, 1, 1);
    assert_eq!(world.store().commit(&cdrs(1, 1, &["a", "b"])).unwrap().outbox, Some(1));
    assert_eq!(world.store().commit(&cdrs(1, 2, &[])).unwrap().outbox, None);
    assert!(world.store().commit(&cdrs(1, 2, &["refused"])).is_err());
    assert_eq!(world.store().commit(&cdrs(1, 3, &["c"])).unwrap().outbox, Some(2));
    world.restart();
    assert_eq!(world.store().commit(&cdrs(1, 4, &["d"])).unwrap().outbox, Some(3));

    let all = world.store().outbox(0, 10).unwrap();
    let numbers: Vec<u64> = all.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(all[0].1, ["a", "b"]);
    assert_eq!(world.store().outbox(1, 1).unwrap(), all[1..2]);
    assert_eq!(world.store().outbox(3, 10).unwrap(), []);
    assert_eq!(world.store().outbox(u64::MAX, 10).unwrap(), []);
}

fn the_outbox_is_trimmed_and_goes_on_counting(world: &mut dyn World) {
    claim(world, 1, 1);
    for next in 1..=3 {
        world.store().commit(&cdrs(1, next, &["x"])).unwrap();
    }
    let trim = |upto| Commit { outbox_trim: Some(upto), ..Commit::default() };
    world.store().commit(&trim(2)).unwrap();
    assert_eq!(world.store().outbox(0, 10).unwrap().len(), 1);
    world.store().commit(&trim(99)).unwrap();
    assert_eq!(world.store().outbox(0, 10).unwrap(), []);
    world.restart();
    assert_eq!(world.store().commit(&cdrs(1, 4, &["y"])).unwrap().outbox, Some(4));
    let both = Commit { outbox_trim: Some(4), ..cdrs(1, 5, &["z"]) };
    assert_eq!(world.store().commit(&both).unwrap().outbox, Some(5));
    assert_eq!(world.store().outbox(0, 10).unwrap(), [(5, vec![Bytes::from_static(b"z")])]);
}

fn an_empty_commit_is_nothing(world: &mut dyn World) {
    assert_eq!(world.store().commit(&Commit::default()).unwrap().outbox, None);
    assert!(load(world.store(), None).is_empty());
}

fn whole(next: u64) -> Commit {
    Commit {
        marks: vec![(shard(1), mark(1, next))],
        ops: vec![put(1, Table::Message, 1, "row")],
        cdrs: vec![Bytes::from_static(b"cdr")],
        appends: vec![record(2, "event")],
        outbox_trim: None,
    }
}

/// How much of [`whole`] is there: 0 to 3.
fn seen(world: &mut dyn World) -> usize {
    usize::from(value(world.store(), 1, Table::Message, 1).is_some())
        + world.store().outbox(0, 10).unwrap().len()
        + texts(world.log(), 2, None).len()
}

fn a_full_store_keeps_nothing_and_recovers(world: &mut dyn World) {
    claim(world, 1, 1);
    world.trouble(Trouble::Full);
    let result = world.store().commit(&whole(1));
    assert!(matches!(result, Err(CommitError::Full)), "{result:?}");
    world.calm();
    assert_eq!(seen(world), 0);
    assert_eq!(world.store().commit(&whole(1)).unwrap().outbox, Some(1));
    assert_eq!(seen(world), 3);
}

fn a_refused_commit_can_be_made_again(world: &mut dyn World) {
    claim(world, 1, 1);
    for _ in 0..3 {
        world.trouble(Trouble::Refused);
        let result = world.store().commit(&whole(1));
        assert!(matches!(result, Err(CommitError::Full | CommitError::Refused { .. })), "{result:?}");
        world.calm();
    }
    world.restart();
    assert_eq!(seen(world), 0);
    world.store().commit(&whole(1)).unwrap();
}

fn of_unknown_fate_is_all_or_nothing(world: &mut dyn World) {
    claim(world, 1, 1);
    world.trouble(Trouble::Unknown);
    let result = world.store().commit(&whole(1));
    assert!(matches!(result, Err(CommitError::Unknown { .. })), "{result:?}");
    world.calm();
    world.restart();
    let there = seen(world);
    assert!(there == 0 || there == 3, "{there} of 3 parts");
    let next = if there == 3 { 2 } else { 1 };
    let found = world.store().claim(&[shard(1)], Epoch(2)).unwrap();
    assert_eq!(found, [mark(1, next - 1)]);
}

fn everything_is_there_after_a_restart(world: &mut dyn World) {
    claim(world, 1, 1);
    world.store().commit(&whole(1)).unwrap();
    world.restart();
    assert_eq!(seen(world), 3);
    let old = world.store().commit(&whole(1));
    assert!(matches!(old, Err(CommitError::OutOfOrder { held: 1, .. })), "{old:?}");
}
