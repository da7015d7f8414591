//! A cluster of three nodes in one thread: everything that can go wrong around the exchange, in any order, again
//! and again, and judged.
//!
//! [`run`] plays one seed. Time is virtual; ESMEs and SMSCs, the network, the group that assigns shards, the store,
//! the log and the CDR sink are simulated, the last four by `signalbox_backends::memory`. What is under test is the
//! pure exchange of `signalbox_core` and the way in which a cluster is to drive it (architecture, section 2):
//!
//! ```text
//! ESME -> intake -> log (durable) -> positive response
//!                    |
//!                    v
//!                  region of the shard: handle, settle -> record of the turn in the log -> one fenced commit -> links
//! SMSC: answers and receipts -> log -> region                           outbox -> relay -> CDR sink
//! ```
//!
//! The shell around the exchange is here and thin (`node`, `intake`, `region`, `session`, `relay`); its rules are
//! written beside it. Each can be broken by a [`Bug`], to show that the judge would notice: the judge feeds
//! [`signalbox_core::invariants`] with what truly happened.
//!
//! Left out: MO messages and submit_multi; ids of eight digits, which the intake would have to draw; a log that is
//! trimmed. A claim in the store is taken to be on all its replicas: the store never forgets one.
//!
//! ```
//! use signalbox_sim::{Plan, run};
//!
//! let report = run(1, &Plan::default());
//! assert!(report.failure.is_none(), "{report}");
//! ```

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod esme;
mod group;
mod incident;
mod intake;
mod judge;
mod node;
mod operator;
mod plan;
mod record;
mod region;
mod relay;
mod report;
mod scene;
mod session;
mod setting;
mod smsc;
mod wire;
mod world;

pub use incident::{Incident, Incidents};
pub use plan::{Bug, Plan};
pub use report::{Failure, Report};
pub use world::{run, run_traced};
