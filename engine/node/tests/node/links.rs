//! Links against real sockets on loopback: a fake exchange behind them, peers made of the bare codec before them.

mod client;
mod exchange;
mod faults;
mod peer;
mod server;
mod supervision;
mod tls;
