//! JavaScript program instructions (TXS, API) in a pool of killable worker processes.
//!
//! A script is not trusted: it may loop, allocate, or find a hole in the engine. So it runs in a child process of the
//! same binary ([`worker`]) that has no files, no network and no environment, within budgets of time, instructions
//! and memory; and the [`Pool`] kills the process that does not come back in time. Scripts get an
//! [`Invocation`](signalbox_invocation::Invocation) and give an [`Outcome`](signalbox_invocation::Outcome): nothing is
//! sent or stored while they run.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use signalbox_script::{Pool, Settings, WorkerCommand};
//!
//! let worker = WorkerCommand::this_program(&["script-worker"])?;
//! let pool = Pool::start(Settings::new(worker), |event| eprintln!("{event:?}"))?;
//! # drop(pool);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod awake;
mod budget;
pub mod bundle;
mod frame;
mod host;
pub mod lint;
mod message;
mod methods;
mod pool;
mod program;
mod tokens;
pub mod worker;

pub use bundle::{Bundle, BundleError};
pub use lint::{Finding, lint};
pub use pool::{Answer, Event, LoadError, Pool, PoolError, Settings, Status, WorkerCommand};
pub use program::Program;

/// Longest source of a script, in octets; of a bundle, its files together.
pub const MAX_SOURCE: usize = 256 << 10;

/// Longest text of a bundle: JSON writes some signs in two.
const MAX_TEXT: usize = 2 * MAX_SOURCE + (64 << 10);

/// Octets of a source that may be, by what it is.
fn source_limit(source: &str) -> usize {
    if source.trim_start().starts_with('{') { MAX_TEXT } else { MAX_SOURCE }
}

/// What a script can call, as TypeScript declarations; scripts get code completion and checks from it.
pub const DECLARATIONS: &str = include_str!("../signalbox.d.ts");
