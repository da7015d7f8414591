//! A flow's document: read, checked, all problems told at once.

mod graph;
mod object;
mod places;
mod problem;
mod read;
mod steps;

pub use problem::{Problem, Problems, Severity};
pub use read::{Checked, Names, check};
