//! Simulated peers and load: an SMSC, an ESME, a population of devices, and the raw limit of a connection.
//!
//! [`run`] is behind `signalbox sim`. In tests the same peers run as tasks: [`SmscSim::start`] and
//! [`EsmeSim::run`]. They read and write SMPP with their own few functions ([`wire`]), so that they do not agree
//! with a fault of the codec under test, and they are no judges: what happened is in their event logs
//! ([`event_log`]), which `perf/judge/judge.py` compares with the CDR files.

#![forbid(unsafe_code)]

pub mod bucket;
mod commands;
pub mod delay;
mod error;
pub mod esme;
pub mod event_log;
pub mod handsets;
pub mod id_form;
pub mod latency;
pub mod smsc;
pub mod wire;

pub use commands::{EsmeArgs, HandsetsArgs, SimCommand, SmscArgs, run};
pub use error::SimError;
pub use esme::{EsmeOptions, EsmeSim, Report};
pub use handsets::{HandsetsOptions, HandsetsSim};
pub use id_form::IdForm;
pub use smsc::{SmscOptions, SmscSim, SmscStats, Submit};
