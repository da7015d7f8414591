use bytes::Bytes;
use signalbox_core::backend::{BlobError, BlobId, Blobs};

use super::cluster::Cluster;
use super::fault::Fault;
use crate::blobs::{OTHER_OCTETS, check_name};

/// A handle of the blobs that all nodes share.
#[derive(Clone)]
pub struct MemoryBlobs {
    cluster: Cluster,
}

impl MemoryBlobs {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }

    fn strike(&self, id: &BlobId) -> Result<(), BlobError> {
        check_name(id)?;
        match self.cluster.world().faults.strike(&[Fault::BlobFailed]) {
            Some(_) => Err(BlobError::Failed { name: id.0.clone(), reason: "injected".into() }),
            None => Ok(()),
        }
    }
}

impl Blobs for MemoryBlobs {
    fn put(&self, id: &BlobId, data: &Bytes) -> Result<(), BlobError> {
        self.strike(id)?;
        let mut world = self.cluster.world();
        match world.blobs.get(id) {
            Some(held) if held == data => Ok(()),
            Some(_) => Err(BlobError::Failed { name: id.0.clone(), reason: OTHER_OCTETS.into() }),
            None => {
                world.blobs.insert(id.clone(), data.clone());
                Ok(())
            }
        }
    }

    fn get(&self, id: &BlobId) -> Result<Bytes, BlobError> {
        self.strike(id)?;
        let world = self.cluster.world();
        world.blobs.get(id).cloned().ok_or_else(|| BlobError::Absent(id.0.clone()))
    }

    fn delete(&self, id: &BlobId) -> Result<(), BlobError> {
        self.strike(id)?;
        self.cluster.world().blobs.remove(id);
        Ok(())
    }
}
