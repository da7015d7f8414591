use signalbox_core::backend::{Lease, RateKey, RateLease};
use signalbox_core::time::Now;

use super::cluster::Cluster;
use super::fault::Refusal;

/// A handle of the limits that all nodes share.
#[derive(Clone)]
pub struct MemoryLease {
    cluster: Cluster,
}

impl MemoryLease {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }
}

impl RateLease for MemoryLease {
    fn limit(&mut self, key: RateKey, per_second: Option<u32>) {
        self.cluster.world().leases.limit(key, per_second);
    }

    fn lease(&mut self, key: RateKey, want: u32, now: Now) -> Lease {
        let mut world = self.cluster.world();
        let lease = world.leases.lease(key, want, now);
        if lease.tokens == 0 && want > 0 {
            world.faults.tally.refuse(Refusal::NoToken);
        }
        lease
    }
}
