//! The cluster under fire: the correct one passes, and each rule that is left out is missed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

#[path = "simulation/seeds.rs"]
mod seeds;

#[path = "simulation/correct.rs"]
mod correct;
