//! What the simulated SMSC counted.

use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        /// Counters that all connections write to.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: AtomicU64,)*
        }

        /// What was counted until now.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct SmscStats {
            $($(#[$meta])* pub $name: u64,)*
        }

        impl Counters {
            pub(crate) fn read(&self) -> SmscStats {
                SmscStats { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Connections accepted.
    connections,
    /// Connections reset because of `refuse`.
    refused,
    /// Connections open now.
    open,
    /// Binds accepted.
    binds,
    /// Binds refused.
    binds_refused,
    /// submit_sm, data_sm and submit_multi received.
    submits,
    /// Of these, taken: answered with ESME_ROK, or left without an answer by a fault.
    taken,
    /// Of these, answered with ESME_RTHROTTLED.
    throttled,
    /// Of these, answered with another error.
    errors,
    /// Taken and never answered.
    unanswered,
    /// Connections dropped on purpose.
    drops,
    /// Receipts sent, repetitions counted again.
    receipts_sent,
    /// Receipts answered with ESME_ROK.
    receipts_ok,
    /// Receipts answered with an error.
    receipts_refused,
    /// Receipts kept back by `lost_percent`.
    receipts_lost,
    /// MO messages sent, repetitions counted again.
    mo_sent,
    /// MO messages answered with ESME_ROK.
    mo_ok,
    /// MO messages answered with an error.
    mo_refused,
    /// MO messages that wait for a session.
    mo_waiting,
    /// PDUs that could not be read.
    malformed,
    /// generic_nack received.
    nacks,
    /// enquire_link received.
    enquiries,
}

impl Counters {
    #[inline]
    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        if count > 0 {
            counter.fetch_add(count, Ordering::Relaxed);
        }
    }
}
