//! Participation campaigns over their databases: the acceptance cases of the requirements, faults, results.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "participation/apart.rs"]
mod apart;
#[path = "participation/crash.rs"]
mod crash;
#[path = "participation/entries.rs"]
mod entries;
#[path = "participation/hosts.rs"]
mod hosts;
#[path = "participation/limits.rs"]
mod limits;
#[path = "participation/queue.rs"]
mod queue;
#[path = "participation/results.rs"]
mod results;
#[path = "participation/trial.rs"]
mod trial;
#[path = "participation/world.rs"]
mod world;
