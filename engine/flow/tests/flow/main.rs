//! Flows from outside: documents in, outcomes out.

#![allow(clippy::unwrap_used, clippy::panic)]

mod given;
mod walk;
