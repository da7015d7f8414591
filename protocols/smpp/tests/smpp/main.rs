//! Tests of the crate as its users see it.

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
