use bytes::Bytes;
use signalbox_core::backend::{CdrBatch, CdrSink, OutboxPosition, SinkError};
use signalbox_core::cdr::Cdr;
use signalbox_core::time::Now;

use super::cluster::Cluster;
use super::fault::Fault;
use crate::outbox;

#[derive(Default)]
pub(super) struct SinkState {
    position: OutboxPosition,
    pub(super) records: Vec<(OutboxPosition, Bytes)>,
}

impl SinkState {
    fn publish(&mut self, batches: &[CdrBatch]) {
        for batch in batches {
            self.records.extend(batch.records.iter().map(|record| (batch.sequence, record.clone())));
            self.position = batch.sequence;
        }
    }
}

/// A handle of the place where the CDRs of the cluster go.
#[derive(Clone)]
pub struct MemorySink {
    cluster: Cluster,
}

impl MemorySink {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }
}

impl CdrSink for MemorySink {
    fn position(&mut self) -> Result<OutboxPosition, SinkError> {
        Ok(self.cluster.world().sink.position)
    }

    fn publish(&mut self, batches: &[CdrBatch]) -> Result<OutboxPosition, SinkError> {
        let mut world = self.cluster.world();
        let batches = outbox::new_batches(world.sink.position, batches)?;
        for batch in batches {
            for (index, record) in batch.records.iter().enumerate() {
                Cdr::decode(record).map_err(|error| SinkError::Damaged {
                    sequence: batch.sequence,
                    index,
                    reason: error.to_string(),
                })?;
            }
        }
        let fault = world.faults.strike(&[Fault::SinkUnavailable, Fault::SinkKept]);
        if fault != Some(Fault::SinkUnavailable) {
            world.sink.publish(batches);
        }
        match fault {
            Some(_) => Err(SinkError::Unavailable { reason: "injected".into() }),
            None => Ok(world.sink.position),
        }
    }

    fn tick(&mut self, _now: Now) -> Result<(), SinkError> {
        Ok(())
    }
}
