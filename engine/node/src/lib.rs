//! The Signalbox daemon: links, exchange, HTTP API, operations.
//!
//! Actors here are thin shells over the pure machines of `protocols/` and `engine/core`: they own sockets,
//! threads and clocks, and map PDUs and HTTP to the exchange's events and back.

pub mod admin;
pub mod api;
pub mod catalog;
pub mod cli;
pub mod client;
pub mod control;
pub mod dialog;
pub mod forms;
pub mod gateway;
pub mod gauges;
pub mod instructions;
pub mod intake;
pub mod links;
pub mod lookup;
pub mod node;
pub mod paces;
pub mod participation;
mod passes;
pub mod people;
pub mod policy;
pub mod privacy;
pub mod process;
pub mod programs;
pub mod rows;
pub mod run;
pub mod scripts;
pub mod spine;
pub mod supervisor;
pub mod telemetry;
pub mod tls;
mod uploads;
pub mod verify;
pub mod vitals;
pub mod watchdog;
pub mod webhooks;
