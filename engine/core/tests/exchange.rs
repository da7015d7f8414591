//! The exchange as a whole: events in, commits and effects out, over a store in memory.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "exchange/world.rs"]
mod world;

#[path = "exchange/accept.rs"]
mod accept;
#[path = "exchange/asked.rs"]
mod asked;
#[path = "exchange/bounds.rs"]
mod bounds;
#[path = "exchange/clock.rs"]
mod clock;
#[path = "exchange/consent.rs"]
mod consent;
#[path = "exchange/doubt.rs"]
mod doubt;
#[path = "exchange/logged.rs"]
mod logged;
#[path = "exchange/long.rs"]
mod long;
#[path = "exchange/naming.rs"]
mod naming;
#[path = "exchange/parts.rs"]
mod parts;
#[path = "exchange/present.rs"]
mod present;
#[path = "exchange/quota.rs"]
mod quota;
#[path = "exchange/receipts.rs"]
mod receipts;
#[path = "exchange/reroute.rs"]
mod reroute;
#[path = "exchange/restart.rs"]
mod restart;
#[path = "exchange/shares.rs"]
mod shares;
#[path = "exchange/take_back.rs"]
mod take_back;
