//! What operators do to a running node: drain, reload, the admin port.

mod admin_port;
mod apply;
mod catalog;
mod check;
mod drain;
mod reload;
mod script_worker;
mod scripts;
mod shared;
mod vitals;
