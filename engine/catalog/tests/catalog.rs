//! One suite for all catalogs: in memory, in a file, on a server.
//!
//! The server is Debian's PostgreSQL, started by the tests in a temporary folder. Where it is missing they fail:
//! `make deps` installs it.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "catalog/chain.rs"]
mod chain;
#[path = "catalog/contract.rs"]
mod contract;
#[path = "catalog/database.rs"]
mod database;
#[path = "catalog/layout.rs"]
mod layout;
#[path = "../../people/tests/people/server.rs"]
mod server;
