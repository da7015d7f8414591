//! The domain of the exchange, pure: what a message is, who owns it, when it leaves, how it ends.
//!
//! Nothing here opens a socket, reads a clock or knows SMPP. A node maps PDUs and HTTP to [`message`]s and
//! events, owns the threads, and carries out the effects. The backends behind the traits of [`backend`] live in
//! `engine/backends`.

#![forbid(unsafe_code)]

pub mod adaptive;
pub mod address;
pub mod backend;
pub mod cdr;
pub mod consent;
pub mod correlate;
pub mod dedupe;
pub mod exchange;
pub mod gate;
pub mod gcra;
pub mod id;
pub mod inbound;
pub mod invariants;
pub mod message;
pub mod outcome;
pub mod policy;
pub mod queue;
pub mod retry;
pub mod scope;
pub mod text;
pub mod time;
