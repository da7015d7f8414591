//! Log: order, offsets, trimming.

use signalbox_core::backend::{Commit, LogError, Offset};

use crate::world::{Trouble, World, in_each_world, record, shard, texts};

in_each_world! {
    records_are_read_in_the_order_of_their_append,
    a_read_begins_after_an_offset_and_ends_at_its_bound,
    what_is_trimmed_is_gone_and_offsets_are_not_used_again,
    events_of_commits_are_in_the_log,
    a_refused_append_leaves_nothing,
    an_append_of_unknown_fate_is_all_or_nothing,
}

fn records_are_read_in_the_order_of_their_append(world: &mut dyn World) {
    let first = world.log().append(&[record(1, "a"), record(2, "b"), record(1, "c")]).unwrap();
    let second = world.log().append(&[record(1, "d"), record(255, "e")]).unwrap();
    assert!(first[0] < first[2] && first[2] < second[0]);
    assert_eq!(world.log().append(&[]).unwrap(), []);
    world.restart();
    assert_eq!(texts(world.log(), 1, None), ["a", "c", "d"]);
    assert_eq!(texts(world.log(), 2, None), ["b"]);
    assert_eq!(texts(world.log(), 255, None), ["e"]);
    assert!(texts(world.log(), 3, None).is_empty());
    let offsets: Vec<Offset> =
        world.log().read(shard(1), None, 10).unwrap().into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(offsets, [first[0], first[2], second[0]]);
}

fn a_read_begins_after_an_offset_and_ends_at_its_bound(world: &mut dyn World) {
    let offsets = world.log().append(&[record(0, "a"), record(0, "b"), record(0, "c")]).unwrap();
    assert_eq!(texts(world.log(), 0, Some(offsets[0])), ["b", "c"]);
    assert!(texts(world.log(), 0, Some(offsets[2])).is_empty());
    assert!(texts(world.log(), 0, Some(Offset(u64::MAX))).is_empty());
    let two = world.log().read(shard(0), None, 2).unwrap();
    assert_eq!(two.last().unwrap().0, offsets[1]);
}

fn what_is_trimmed_is_gone_and_offsets_are_not_used_again(world: &mut dyn World) {
    let offsets = world.log().append(&[record(1, "a"), record(2, "b"), record(1, "c")]).unwrap();
    world.log().trim(shard(1), offsets[0]).unwrap();
    assert_eq!(texts(world.log(), 1, None), ["c"]);
    assert_eq!(texts(world.log(), 2, None), ["b"]);
    world.log().trim(shard(1), Offset(u64::MAX)).unwrap();
    world.log().trim(shard(2), Offset(u64::MAX)).unwrap();
    world.restart();
    assert!(texts(world.log(), 1, None).is_empty());
    let next = world.log().append(&[record(1, "d")]).unwrap();
    assert!(next[0] > offsets[2]);
}

fn events_of_commits_are_in_the_log(world: &mut dyn World) {
    world.log().append(&[record(3, "a")]).unwrap();
    let events = Commit { appends: vec![record(3, "b"), record(4, "c")], ..Commit::default() };
    world.store().commit(&events).unwrap();
    world.log().append(&[record(3, "d")]).unwrap();
    assert_eq!(texts(world.log(), 3, None), ["a", "b", "d"]);
    assert_eq!(texts(world.log(), 4, None), ["c"]);
}

fn a_refused_append_leaves_nothing(world: &mut dyn World) {
    world.trouble(Trouble::Refused);
    let result = world.log().append(&[record(1, "a"), record(2, "b")]);
    assert!(matches!(result, Err(LogError::Refused { .. })), "{result:?}");
    world.calm();
    assert!(texts(world.log(), 1, None).is_empty());
    world.log().append(&[record(1, "c")]).unwrap();
    assert_eq!(texts(world.log(), 1, None), ["c"]);
}

fn an_append_of_unknown_fate_is_all_or_nothing(world: &mut dyn World) {
    world.trouble(Trouble::Unknown);
    let result = world.log().append(&[record(1, "a"), record(2, "b")]);
    assert!(matches!(result, Err(LogError::Unknown { .. })), "{result:?}");
    world.calm();
    world.restart();
    assert_eq!(texts(world.log(), 1, None).len(), texts(world.log(), 2, None).len());
}
