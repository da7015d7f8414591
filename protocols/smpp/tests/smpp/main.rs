//! Tests of the crate as its users see it.

// Clippy spares functions marked as tests only, not those that they share.
#![allow(clippy::panic, clippy::unwrap_used)]

mod arbitrary;
mod conformance;
mod fuzz;
mod golden;
mod golden_bodies;
mod harness;
mod hot_path;
mod profiles;
mod roundtrip;
mod session_bind;
mod session_faults;
mod session_timers;
mod session_unbind;
mod session_window;
mod strict_out;
