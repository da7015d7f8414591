//! One suite for both databases: the embedded file and a server.
//!
//! The server is Debian's PostgreSQL, started by the tests in a temporary folder. Where it is missing they fail:
//! `make deps` installs it.

#[path = "people/access.rs"]
mod access;
#[path = "people/consents.rs"]
mod consents;
#[path = "people/contacts.rs"]
mod contacts;
#[path = "people/database.rs"]
mod database;
#[path = "people/episodes.rs"]
mod episodes;
#[path = "people/erasures.rs"]
mod erasures;
#[path = "people/lists.rs"]
mod lists;
#[path = "people/passes.rs"]
mod passes;
#[path = "people/schema.rs"]
mod schema;
#[path = "people/server.rs"]
mod server;
#[path = "people/traces.rs"]
mod traces;
#[path = "people/uploads.rs"]
mod uploads;
