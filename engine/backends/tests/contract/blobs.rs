//! Blobs: whole, durable, by name.

use bytes::Bytes;
use signalbox_backends::blobs::FileBlobs;
use signalbox_backends::memory::{Cluster, Fault};
use signalbox_core::backend::{BlobError, BlobId, Blobs};
use tempfile::TempDir;

macro_rules! in_each_world {
    ($($promise:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $promise() { super::$promise(&signalbox_backends::memory::Cluster::new(1).blobs()); })*
        }
        mod files {
            $(#[test] fn $promise() {
                let dir = tempfile::TempDir::new().unwrap();
                super::$promise(&signalbox_backends::blobs::FileBlobs::open(dir.path()).unwrap());
            })*
        }
    };
}

in_each_world! {
    a_blob_comes_back_until_it_is_deleted,
    a_name_keeps_its_octets,
    names_cannot_leave_their_directory,
}

fn id(name: &str) -> BlobId {
    BlobId(name.to_owned())
}

fn a_blob_comes_back_until_it_is_deleted(blobs: &dyn Blobs) {
    let data = Bytes::from(vec![7; 100_000]);
    assert!(matches!(blobs.get(&id("a")), Err(BlobError::Absent(_))));
    blobs.put(&id("a"), &data).unwrap();
    blobs.put(&id("a-b_C9"), &Bytes::new()).unwrap();
    assert_eq!(blobs.get(&id("a")).unwrap(), data);
    assert_eq!(blobs.get(&id("a-b_C9")).unwrap(), Bytes::new());
    blobs.delete(&id("a")).unwrap();
    blobs.delete(&id("a")).unwrap();
    assert!(matches!(blobs.get(&id("a")), Err(BlobError::Absent(_))));
    blobs.get(&id("a-b_C9")).unwrap();
}

fn a_name_keeps_its_octets(blobs: &dyn Blobs) {
    blobs.put(&id("a"), &Bytes::from_static(b"one")).unwrap();
    blobs.put(&id("a"), &Bytes::from_static(b"one")).unwrap();
    assert!(matches!(blobs.put(&id("a"), &Bytes::from_static(b"two")), Err(BlobError::Failed { .. })));
    assert_eq!(blobs.get(&id("a")).unwrap(), "one");
}

fn names_cannot_leave_their_directory(blobs: &dyn Blobs) {
    let long = "x".repeat(129);
    for name in ["", "..", "a/b", "../a", "a.b", "a\0", "\u{e4}", &long] {
        assert!(matches!(blobs.put(&id(name), &Bytes::new()), Err(BlobError::BadName(_))), "{name}");
        assert!(matches!(blobs.get(&id(name)), Err(BlobError::BadName(_))), "{name}");
        assert!(matches!(blobs.delete(&id(name)), Err(BlobError::BadName(_))), "{name}");
    }
    blobs.put(&id(&long[1..]), &Bytes::new()).unwrap();
}

#[test]
fn files_are_there_after_a_restart_and_nothing_is_left_aside() {
    let dir = TempDir::new().unwrap();
    let blobs = FileBlobs::open(dir.path()).unwrap();
    for number in 0..50 {
        blobs.put(&id(&number.to_string()), &Bytes::from(vec![number; 10])).unwrap();
    }
    let again = FileBlobs::open(dir.path()).unwrap();
    assert!((0..50).all(|number| again.get(&id(&number.to_string())).unwrap() == vec![number; 10]));
    let dirs = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(dirs.flat_map(|dir| std::fs::read_dir(dir).unwrap()).count(), 50);
}

#[test]
fn a_failing_store_of_the_simulation_says_so() {
    let cluster = Cluster::new(1);
    cluster.inject(Fault::BlobFailed);
    assert!(matches!(cluster.blobs().get(&id("a")), Err(BlobError::Failed { .. })));
    assert!(matches!(cluster.blobs().get(&id("a")), Err(BlobError::Absent(_))));
}
