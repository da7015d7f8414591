//! Ownership: grants of rising terms.

use signalbox_backends::memory::{Cluster, NodeId};
use signalbox_backends::ownership::EmbeddedOwnership;
use signalbox_backends::sqlite::SpineOptions;
use signalbox_core::backend::{Ownership, OwnershipEvent, Store};
use signalbox_core::id::{Epoch, ShardId};
use tempfile::TempDir;

use crate::world::open;

/// The one term of a first poll that grants every shard, after which nothing changes.
fn granted(ownership: &mut dyn Ownership) -> Epoch {
    let events = ownership.poll();
    let OwnershipEvent::Grant { epoch, .. } = events[0] else { panic!("{events:?}") };
    let expected: Vec<_> = ShardId::all().map(|shard| OwnershipEvent::Grant { shard, epoch }).collect();
    assert_eq!(events, expected);
    assert_eq!(ownership.poll(), []);
    epoch
}

#[test]
fn each_start_of_a_single_node_is_a_new_term_that_can_be_claimed() {
    let dir = TempDir::new().unwrap();
    let options = SpineOptions::in_dir(dir.path());
    let all: Vec<ShardId> = ShardId::all().collect();
    let mut last = Epoch(0);
    for start in 0..3 {
        let mut spine = open(&options);
        let epoch = granted(&mut EmbeddedOwnership::new(spine.boot_epoch()));
        assert!(epoch > last);
        // A start that died before its claim must not leave its term to the next one.
        if start != 1 {
            spine.claim(&all, epoch).unwrap();
        }
        last = epoch;
    }
}

#[test]
fn the_first_node_of_a_cluster_is_granted_what_it_is_assigned() {
    let cluster = Cluster::new(1);
    let all: Vec<ShardId> = ShardId::all().collect();
    cluster.assign(NodeId(1), &all);
    let first = granted(&mut cluster.ownership(NodeId(1)));
    cluster.crash(NodeId(1));
    cluster.assign(NodeId(2), &all);
    assert!(granted(&mut cluster.ownership(NodeId(2))) > first);
}
