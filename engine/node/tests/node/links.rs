//! Links against real sockets on loopback: a fake exchange behind them, peers made of the bare codec before them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test fails by panicking")]

pub mod aggregator;
mod client;
mod exchange;
mod faults;
mod http;
mod peer;
mod server;
mod supervision;
mod tls;
