//! The whole node: the program as a process, peers over real sockets, faults from outside.

#![allow(clippy::panic, clippy::unwrap_used)]

mod agents;
mod apart;
mod asked;
mod bad_peers;
mod channels;
mod clock;
mod console;
mod counted;
mod dialog;
mod enterprise;
mod esme;
mod files;
mod forms;
mod full_disk;
mod hosts;
mod http_links;
mod kill;
mod long;
mod operations;
mod ordeal;
mod panics;
mod participation;
mod passes;
mod peers;
#[path = "../../../people/tests/people/server.rs"]
mod people_server;
mod remembered;
mod site;
mod smsc;
mod soak;
mod testers;
mod wire;
mod zones;
