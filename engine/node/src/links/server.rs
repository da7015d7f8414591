//! We as SMSC: listeners, who may bind, and the sessions of accounts.

mod accounts;
mod door;
mod duty;
mod hashing;
mod listener;
mod lock_out;
mod outbind;
mod password;
mod places;

pub(super) use door::Door;
pub(crate) use hashing::Hashing;
pub(super) use listener::{Desk, Listening, Report, listen};
pub(crate) use lock_out::{LockOut, Locked};
pub(super) use outbind::knock;
pub(super) use places::Total;
