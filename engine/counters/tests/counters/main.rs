//! The counters from outside, by requirement row and by behaviour.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod bounds;
mod discriminator;
mod life_cycle;
mod model;
mod policies;
mod restart;
mod rig;
mod rows;
mod white_list;
