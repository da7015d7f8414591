//! The dialog server as a whole, over a store in memory and an exchange that only writes down what it is given.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod agents;
mod books;
mod consent;
mod edits;
mod erase;
mod faults;
mod flows;
mod held;
mod passes;
mod pool;
mod region;
mod routing;
mod runs;
mod starts;
mod take_back;
mod testers;
mod world;
