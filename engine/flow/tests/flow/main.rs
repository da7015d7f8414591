//! Flows from outside: documents in, outcomes out.

mod given;
mod walk;
