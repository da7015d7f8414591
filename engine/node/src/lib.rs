//! The Signalbox daemon: links, exchange, HTTP API, operations.
//!
//! Actors here are thin shells over the pure machines of `protocols/` and `engine/core`: they own sockets,
//! threads and clocks, and map PDUs and HTTP to the exchange's events and back.

pub mod admin;
pub mod catalog;
pub mod control;
pub mod gateway;
pub mod gauges;
pub mod lookup;
pub mod policy;
pub mod spine;
pub mod telemetry;
