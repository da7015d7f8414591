//! The cluster under fire: the right one keeps its rules, and each rule that is left out is missed.
//!
//! A failure names its seed; `SIGNALBOX_SEED=n cargo test -p signalbox-sim -- --nocapture` plays that one again and
//! prints what happened in it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "simulation/correct.rs"]
mod correct;
#[path = "simulation/planted.rs"]
mod planted;
#[path = "simulation/seeds.rs"]
mod seeds;
