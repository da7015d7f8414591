use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use signalbox_core::backend::{Log, LogError, LogRecord, Offset};
use signalbox_core::id::ShardId;

use super::cluster::Cluster;
use super::fault::{Fault, Refusal};

#[derive(Default)]
pub(super) struct LogState {
    records: BTreeMap<(ShardId, u64), Bytes>,
    last: u64,
    pub(super) octets: u64,
}

impl LogState {
    pub(super) fn append(&mut self, records: &[LogRecord]) -> Vec<Offset> {
        records
            .iter()
            .map(|record| {
                self.last += 1;
                self.octets += record.data.len() as u64;
                self.records.insert((record.shard, self.last), record.data.clone());
                Offset(self.last)
            })
            .collect()
    }

    fn read(&self, shard: ShardId, after: Option<Offset>, max: usize) -> Vec<(Offset, Bytes)> {
        let first = after.map_or(Bound::Included((shard, 0)), |after| Bound::Excluded((shard, after.0)));
        self.records
            .range((first, Bound::Included((shard, u64::MAX))))
            .take(max)
            .map(|(&(_, offset), data)| (Offset(offset), data.clone()))
            .collect()
    }

    fn trim(&mut self, shard: ShardId, upto: Offset) {
        let gone: Vec<_> = self.records.range((shard, 0)..=(shard, upto.0)).map(|(&key, _)| key).collect();
        for key in gone {
            if let Some(data) = self.records.remove(&key) {
                self.octets -= data.len() as u64;
            }
        }
    }
}

/// A handle of the log that all nodes share.
#[derive(Clone)]
pub struct MemoryLog {
    cluster: Cluster,
}

impl MemoryLog {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }
}

impl Log for MemoryLog {
    fn append(&self, records: &[LogRecord]) -> Result<Vec<Offset>, LogError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let world = &mut *self.cluster.world();
        let more = records.iter().map(|record| record.data.len() as u64).sum();
        if !world.store.has_room(world.log.octets, more) {
            world.faults.tally.refuse(Refusal::NoRoom);
            return Err(LogError::Refused { reason: "the store is full".into() });
        }
        match world.faults.strike(&[Fault::AppendRefused, Fault::AppendLost, Fault::AppendKept]) {
            None => Ok(world.log.append(records)),
            Some(Fault::AppendRefused) => Err(LogError::Refused { reason: "injected".into() }),
            Some(fault) => {
                if fault == Fault::AppendKept {
                    world.log.append(records);
                }
                Err(LogError::Unknown { reason: "injected".into() })
            }
        }
    }

    fn read(
        &self,
        shard: ShardId,
        after: Option<Offset>,
        max: usize,
    ) -> Result<Vec<(Offset, Bytes)>, LogError> {
        Ok(self.cluster.world().log.read(shard, after, max))
    }

    fn trim(&self, shard: ShardId, upto: Offset) -> Result<(), LogError> {
        self.cluster.world().log.trim(shard, upto);
        Ok(())
    }
}
