//! CDRs from the outbox to the sink, each once.
//!
//! The sink's position is the relay's own count, published with the records: a store that goes back in time gives
//! the numbers of its outbox out again. Which record it is says its id; what is published is not published again.
//! Two relays may be at work for a moment: a publication stands only on the position it was made for, as a
//! transaction of Kafka does.

use std::collections::BTreeSet;

use bytes::Bytes;
use signalbox_backends::memory::MemoryStore;
use signalbox_core::backend::{CdrBatch, CdrSink, Commit, OutboxPosition, Store};
use signalbox_core::cdr::Cdr;

use crate::incident::Incident;
use crate::scene::Scene;

/// Commits of the outbox of one publication.
const BATCH: usize = 4;

#[derive(Default)]
enum Stage {
    #[default]
    Idle,
    Publish {
        expected: OutboxPosition,
        records: Vec<Bytes>,
    },
    Trim,
}

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Relay {
    stage: Stage,
    /// Ids that are in the sink, as far as it was read.
    known: BTreeSet<String>,
    read: usize,
}

fn id_of(record: &Bytes) -> String {
    Cdr::decode(record).map_or_else(|_| String::new(), |cdr| cdr.id())
}

impl Relay {
    pub(crate) fn step(&mut self, scene: &mut Scene, store: &mut MemoryStore, chosen: bool) {
        match std::mem::take(&mut self.stage) {
            Stage::Idle if chosen => self.collect(scene, store),
            Stage::Idle => {}
            Stage::Publish { expected, records } => self.publish(scene, expected, records),
            Stage::Trim => self.trim(scene, store),
        }
    }

    fn catch_up(&mut self, scene: &Scene) {
        let published = scene.cluster.published();
        self.known.extend(published[self.read..].iter().map(|(_, record)| id_of(record)));
        self.read = published.len();
    }

    fn collect(&mut self, scene: &mut Scene, store: &MemoryStore) {
        let Ok(outbox) = store.outbox(0, BATCH) else { return };
        let Ok(expected) = scene.cluster.sink().position() else { return };
        if outbox.is_empty() {
            return;
        }
        self.catch_up(scene);
        let mut records: Vec<Bytes> = outbox.into_iter().flat_map(|(_, records)| records).collect();
        let all = records.len();
        let mut ids = BTreeSet::new();
        records.retain(|record| {
            let id = id_of(record);
            !self.known.contains(&id) && ids.insert(id)
        });
        for _ in records.len()..all {
            scene.judge.note(Incident::CdrKnown);
        }
        self.stage = if records.is_empty() { Stage::Trim } else { Stage::Publish { expected, records } };
    }

    fn publish(&mut self, scene: &mut Scene, expected: OutboxPosition, records: Vec<Bytes>) {
        let mut sink = scene.cluster.sink();
        if sink.position().ok() != Some(expected) {
            scene.judge.note(Incident::RelayOvertaken);
            return;
        }
        let published = sink.publish(&[CdrBatch { sequence: expected + 1, records }]);
        scene.judge.look_at_sink(&scene.cluster);
        if published.is_ok() {
            self.stage = Stage::Trim;
        }
    }

    /// Takes out of the outbox what is published, by its ids: the numbers may be those of other records by now.
    fn trim(&mut self, scene: &mut Scene, store: &mut MemoryStore) {
        self.catch_up(scene);
        let outbox = store.outbox(0, 2 * BATCH).unwrap_or_default();
        let done = outbox
            .iter()
            .take_while(|(_, records)| records.iter().all(|record| self.known.contains(&id_of(record))));
        let Some(upto) = done.last().map(|(sequence, _)| *sequence) else { return };
        let commit = Commit { outbox_trim: Some(upto), ..Commit::default() };
        // What is not trimmed now is found published the next time.
        let _ = scene.judge.commit(&scene.cluster, store, &commit, &[]);
    }
}
