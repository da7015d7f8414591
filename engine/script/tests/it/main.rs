//! Scripts as accounts write them, in the engine and in the pool of real worker processes.

#![allow(clippy::unwrap_used, clippy::panic)]

mod api;
mod bundles;
mod declarations;
mod examples;
mod given;
mod hostile;
mod linting;
mod pool;
mod sandbox;
