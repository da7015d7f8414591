//! The thread that owns the exchange and its store: takes events, settles, commits, carries out effects.
//!
//! Everybody else talks to it through a [`SpineHandle`]: events in, in batches; replies, permits and closings
//! out, in one batch a commit for each session ([`Outbox`]). Its queue is bounded: who offers faster than the
//! disk commits waits, and with it the peer that sends.

mod counters;
mod handle;
mod relay;
mod restore;
mod stored;
mod thread;
mod unpublished;

pub use counters::CounterStore;
pub use handle::{Outbox, Register, SpineGone, SpineHandle, ToSession};
pub use relay::{OldestUnpublished, Relay, RelayError};
pub use thread::{SpineBounds, SpineError, SpineParts, SpineThread, Surroundings, start};
