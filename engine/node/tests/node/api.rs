//! The HTTP API and webhooks over real sockets: a real exchange over SQLite behind them, the links played.

#![allow(clippy::panic, clippy::unwrap_used)]

mod access;
mod apply;
mod bounds;
mod client;
mod dnc;
mod document;
mod habits;
mod messages;
mod noc;
mod people;
mod programs;
mod quotas;
mod rig;
mod rows;
mod scripts;
mod sub_campaigns;
mod suppressions;
pub mod target;
mod tenants;
mod tls;
mod webhooks;
