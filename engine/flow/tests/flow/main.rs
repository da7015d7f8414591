//! Flows from outside: documents in, outcomes out.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bounds;
mod examples;
mod expressions;
mod fields;
mod given;
mod problems;
mod schema;
mod steps;
mod walk;
